"""A list above, the detail of what is selected below it, or beside it where the terminal is wide."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Container

from console.core.keys import BY_ID, Place
from console.ui.present.words import number
from console.ui.screens.deck_screen import DeckScreen
from console.ui.widgets.detail import Detail
from console.ui.widgets.table import DeckTable

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.ui.cells import Text
    from console.ui.widgets.detail import Entry, Heading
    from console.ui.widgets.filter_input import FilterInput
    from console.ui.widgets.table import Column, Row


_ABOUT_ROW = frozenset(
    ("open", "mend", "why", "restart", "stop", "start", "reload", "free-port", "logs", "evidence", "environment")
)


class ListTable(DeckTable):
    """The table of a list screen: enter is one of the screen's keys, so that a key typed right behind it meets what
    enter has opened.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open_here", "open", show=False, id="open")]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Rows are marked only where a mark means something."""
        marking = action in ("mark", "toggle_mark")
        if marking and isinstance(self.screen, ListScreen) and self.screen.PLACE not in BY_ID["mark"].places:
            return False
        return super().check_action(action, parameters)

    touched = False
    """Whether somebody chose the row: from then on the cursor stays with it."""

    def _select(self, index: int) -> None:
        self.touched = True
        super()._select(index)

    def keep_top(self) -> None:
        """Put the cursor on the first row, unless somebody chose another."""
        if not self.touched and self.rows:
            super()._select(self._nearest(0, 1))

    async def action_open_here(self) -> None:
        """Open what is selected, by the rules of the screen."""
        if isinstance(self.screen, ListScreen):
            await self.screen.action_press("open")


class ListScreen(DeckScreen):
    """Base of the screens behind the tabs that are a list. A subclass gives columns, rows, empty lines and detail."""

    AUTO_FOCUS: ClassVar[str | None] = "#list"
    FILTER_HINT: ClassVar[str] = "filter"
    FIRST_CLASSES: ClassVar[frozenset[str]] = frozenset({"-empty"})
    TOP_FIRST: ClassVar[bool] = False
    """Whether the cursor stays on the top row until somebody chooses one: what answers first need not be the worst."""

    def __init__(self) -> None:
        super().__init__()
        self.needle = ""

    def body(self) -> ComposeResult:
        """The list, its detail, and the line in which a filter is typed."""
        with Container(id="split"):
            yield ListTable(self.columns(), id="list")
            yield from self.foot()
            yield Detail(id="detail")

    def foot(self) -> ComposeResult:
        """What stands below the list and is never scrolled away."""
        return ()

    _filter_line: FilterInput | None = None

    async def open_filter(self, text: str, *, focus: bool = True) -> None:
        """Show the line in which a filter is typed; it is made when it is first wanted."""
        from console.ui.widgets.filter_input import FilterInput

        line = self._filter_line
        if line is None:
            line = self._filter_line = FilterInput(self.FILTER_HINT, id="filter")
            await self.mount(line, before="#keys")
        line.open(text, focus=focus)

    def columns(self) -> Sequence[Column]:
        """The columns of the list."""
        raise NotImplementedError

    def rows(self, changed: frozenset[str] | None) -> tuple[Sequence[Row], int]:
        """All rows that are shown, and how many the filter hides."""
        raise NotImplementedError

    def empty(self) -> tuple[Text, ...]:
        """What is said when no row is shown."""
        raise NotImplementedError

    def detail(self, key: Hashable | None) -> Sequence[Entry | Heading]:
        """What is known of the selected row."""
        raise NotImplementedError

    @property
    def table(self) -> ListTable:
        """The list."""
        return self.query_one("#list", ListTable)

    def sync(self, changed: frozenset[str] | None = None) -> None:
        """Show the rows and the detail as they are now."""
        rows, hidden = self.rows(changed)
        table = self.table
        if not rows:
            table.empty = self.empty()
        columns = tuple(self.columns())
        if columns != table.columns:
            table.set_columns(columns)
        table.show(rows)
        if self.TOP_FIRST:
            table.keep_top()
        self.set_class(not rows, "-empty")
        if self._filter_line is not None:
            self._filter_line.hidden = hidden if self.needle else None
        self.sync_detail()

    def sync_detail(self, *, moved: bool = False) -> None:
        """Show the detail of the selected row; from its top when another row was selected."""
        self.query_one("#detail", Detail).show(self.detail(self.table.cursor_key), keep_scroll=not moved)

    @on(DeckTable.Highlighted)
    def _highlighted(self, message: DeckTable.Highlighted) -> None:
        message.stop()
        self.sync_detail(moved=True)
        self.show_frame()

    @on(DeckTable.MarksChanged)
    def _marks_changed(self, message: DeckTable.MarksChanged) -> None:
        message.stop()
        self.show_frame()
        if message.keys:
            which = "it" if len(message.keys) == 1 else "all of them"
            self.say(
                f"{number(len(message.keys), 'row')} marked: what changes a service applies to {which}, esc unmarks"
            )

    @on(DeckTable.Opened)
    async def _opened(self, message: DeckTable.Opened) -> None:
        message.stop()
        await self.action_press("open")

    async def action_press(self, ident: str) -> None:
        """A key that is about the row under the cursor chooses it."""
        if self.is_mounted and ident in _ABOUT_ROW:
            self.table.touched = True
        await super().action_press(ident)

    async def press_filter(self) -> None:
        """Type a filter."""
        await self.open_filter(self.needle)

    def on_filter_input_changed(self, message: FilterInput.Changed) -> None:
        """Filter as one types."""
        message.stop()
        self.needle = message.bar.text
        self.sync()

    async def on_paste(self, event: events.Paste) -> None:
        """A text that is pasted on the list is looked for: it never acts as keys."""
        event.stop()
        text = next(iter(event.text.splitlines()), "").strip()
        if text:
            self.needle += text
            await self.open_filter(self.needle, focus=False)
            self.refresh_all()

    def on_filter_input_submitted(self, message: FilterInput.Submitted) -> None:
        """Keep the filter and go back to the list."""
        message.stop()
        self.needle = message.text
        self.table.focus()
        self.sync()

    def on_filter_input_cancelled(self, message: FilterInput.Cancelled) -> None:
        """Back to the list as it was before something was typed."""
        message.stop()
        self.needle = message.text
        self.table.focus()
        self.sync()

    def clear_filter(self) -> None:
        """Show every row again."""
        if self._filter_line is not None:
            self._filter_line.close()
        self.needle = ""
        self.table.focus()
        self.sync()

    def press_back(self) -> None:
        """One step back: from the detail to the list, then without marks, without the filter, then to the findings."""
        if self.focused is not None and self.focused is not self.table:
            self.table.focus()
        elif self.table.marks:
            self.table.clear_marks()
        elif self.needle:
            self.clear_filter()
        elif self.PLACE is not Place.FINDINGS:
            self.deck_app.show_place(Place.FINDINGS)

    def copied(self) -> str:
        """The detail of the selected row as lines of text."""
        from console.ui.present.copying import lines_of

        return lines_of(self.detail(self.table.cursor_key))
