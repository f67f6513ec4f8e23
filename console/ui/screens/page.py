"""A page of plain lines to scroll through: evidence, a report, the output of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from console.core.keys import Place
from console.ui import keymap
from console.ui.screens.deck_screen import DeckScreen
from console.ui.selection import Selection
from console.ui.widgets.detail import Detail, Entry, Heading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.binding import BindingType


class PageScreen(DeckScreen):
    """Lines under a title."""

    PLACE: ClassVar[Place] = Place.TEXT
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.TEXT)]
    AUTO_FOCUS: ClassVar[str | None] = "#page"

    def __init__(self, title: str, lines: Iterable[str]) -> None:
        super().__init__()
        self._title, self._lines = title, tuple(lines)

    def body(self) -> ComposeResult:
        """The lines."""
        yield Detail(id="page")

    def on_mount(self) -> None:
        """Show the lines once: a page does not change."""
        super().on_mount()
        lines = self._lines or ("There is nothing to show.",)
        shown: list[Entry | Heading] = [Heading(self._title), *(Entry("", line) for line in lines)]
        self.query_one("#page", Detail).show(shown)

    def sync(self, changed: frozenset[str] | None = None) -> None:
        """A page stays as it was opened."""

    def selection(self) -> Selection:
        """Nothing is selected on a page."""
        return Selection(self.PLACE)

    def copied(self) -> str:
        """The whole page."""
        return "\n".join((self._title, *self._lines))
