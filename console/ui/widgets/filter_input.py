"""The line in which a filter or a search is typed."""

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widgets import Input

from console.ui.cells import Cell, count
from console.ui.widgets.bars import KeyHint
from console.ui.widgets.palette import Line, cut_cells, strip_of, width_of


class _Tail(Line):
    """What is said after the text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"deck--muted", "deck--critical", "deck--accent"}
    DEFAULT_CSS = "_Tail { width: auto; height: 1; }"

    said: reactive[Cell] = reactive(Cell(""), layout=True)

    def get_content_width(self, container: object, viewport: object) -> int:
        """As wide as what is said."""
        return width_of(self.said.text)

    def render_line(self, y: int) -> Strip:
        """Draw it."""
        return strip_of(cut_cells(self.said, self.size.width)[0], self.size.width, self.book)


class _Prompt(_Tail):
    """The sign before the text."""


class FilterInput(Horizontal):
    """``/`` and what is typed, how many rows that hides, and what is wrong with it. Hidden until it is opened.

    Opened over a text that is selected, as in a browser: typing replaces it, escape gives it back, an arrow keeps it.
    """

    DEFAULT_CSS = """
    FilterInput { height: 1; display: none; }
    FilterInput.-open { display: block; }
    FilterInput Input {
        width: 1fr; height: 1; border: none; padding: 0; background: transparent;
        &:focus { border: none; background-tint: transparent; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Clear", show=False, id="filter.cancel")]
    HINTS: ClassVar[tuple[KeyHint, ...]] = (
        KeyHint("enter", "keep it", keep=True),
        KeyHint("esc", "as before", keep=True),
    )
    """The keys that are not typed into the line."""

    hidden: reactive[int | None] = reactive[int | None](None)
    """How many rows do not match; ``None`` says nothing."""
    error: reactive[str] = reactive("")
    """What is wrong with the text, e.g. as a regular expression."""
    prompt: reactive[str] = reactive("/")
    """The sign before the text."""

    class _InputMessage(Message):
        def __init__(self, bar: "FilterInput", text: str) -> None:
            super().__init__()
            self.bar = bar
            self.text = text

        @property
        def control(self) -> "FilterInput":
            """The line."""
            return self.bar

    class Changed(_InputMessage):
        """Another text."""

    class Submitted(_InputMessage):
        """Enter: the filter stays and the line is left; without a text it closes itself."""

    class Cancelled(_InputMessage):
        """Escape: ``text`` is what stood there when it was opened, and stands there again; without one it closes."""

    def __init__(
        self,
        placeholder: str = "",
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._input = Input(placeholder=placeholder, select_on_focus=False, compact=True)
        self._prompt = _Prompt()
        self._tail = _Tail()
        self._before = ""

    def compose(self) -> ComposeResult:
        """Prompt, text, tail."""
        yield self._prompt
        yield self._input
        yield self._tail

    @property
    def text(self) -> str:
        """What is typed."""
        return self._input.value

    @property
    def is_open(self) -> bool:
        """Whether the line is shown."""
        return self.has_class("-open")

    def open(self, text: str | None = None, *, focus: bool = True) -> None:
        """Show the line with this text, or with the one it had, and put the focus there; no message tells this text."""
        self.add_class("-open")
        if text is not None:
            self._put(text)
        self._before = self.text
        self._input.cursor_position = len(self._input.value)
        if focus:
            self._input.select_all()
            # At once, and again behind what else was to have it.
            self.screen.set_focus(self._input)
            self._input.focus()
        self._say()

    def close(self) -> None:
        """Hide the line and empty it without a message."""
        self._put("")
        self.error = ""
        self.remove_class("-open")

    def action_cancel(self) -> None:
        """Give back the text that was there before, and leave the line."""
        text = self._before
        if text:
            self._put(text)
            self.error = ""
            self._input.cursor_position = len(text)
        else:
            self.close()
        self.post_message(self.Cancelled(self, text))

    async def press_hint(self, key: str) -> None:
        """One of ``HINTS`` was clicked."""
        if key == "esc":
            self.action_cancel()
        else:
            await self._input.action_submit()

    def _put(self, text: str) -> None:
        with self._input.prevent(Input.Changed):
            self._input.value = text

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._say()
        self.post_message(self.Changed(self, event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value:
            self.close()
        self.post_message(self.Submitted(self, event.value))

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _entered_or_left(self) -> None:
        self._say()

    def on_click(self, event: events.Click) -> None:
        """A click anywhere in the line goes on typing."""
        event.stop()
        self._input.focus()

    def watch_prompt(self, prompt: str) -> None:
        """Draw another prompt."""
        self._prompt.said = Cell(f" {prompt}", "accent")

    def watch_hidden(self) -> None:
        """Draw another count."""
        self._say()

    def watch_error(self) -> None:
        """Draw another error."""
        self._say()

    def _say(self) -> None:
        if self.error:
            self._tail.said = Cell(f" {self.error} ", "critical")
        elif self._before and self.text == self._before and self._input.has_focus:
            self._tail.said = Cell(" typing replaces it, esc keeps it ", "muted")
        elif self.hidden is None:
            self._tail.said = Cell("")
        else:
            self._tail.said = Cell(f" {count(self.hidden)} hidden ", "muted")
