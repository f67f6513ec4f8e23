"""A small app around the widgets of a test, and its lines as they are on the screen."""

from collections.abc import Iterable
from typing import Any

from rich.style import Style
from textual.app import App, ComposeResult
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from console.ui import themes
from console.ui.widgets.narrow import NarrowScreen

SIZES = [(120, 40), (80, 24), (40, 15)]


class WidgetApp(App[None]):
    """Shows widgets under one another and keeps the messages they post."""

    def __init__(self, *widgets: Widget, theme: str = themes.DEFAULT) -> None:
        super().__init__()
        self.register_theme(themes.find(theme))
        self.theme = theme
        self._widgets = widgets
        self.seen: list[Message] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variable_defaults(self.current_theme)

    def get_default_screen(self) -> Screen[Any]:
        return NarrowScreen(id="_default")

    def compose(self) -> ComposeResult:
        yield from self._widgets

    def on_resize(self) -> None:
        self.screen.refresh()

    async def _on_message(self, message: Message) -> None:
        self.seen.append(message)
        await super()._on_message(message)

    def messages(self, kind: type[Message]) -> list[Any]:
        return [message for message in self.seen if isinstance(message, kind)]


def lines(app: App[Any]) -> list[str]:
    """What each line of the screen says, without the blanks at its end."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def style_at(app: App[Any], x: int, y: int) -> Style:
    """The style of one cell of the screen."""
    end = 0
    for segment in app.screen._compositor.render_strips()[y]:
        end += segment.cell_length
        if x < end:
            return segment.style or Style.null()
    raise IndexError(x)


def words(texts: Iterable[str]) -> str:
    """Lines as one text, for ``in``."""
    return "\n".join(texts)
