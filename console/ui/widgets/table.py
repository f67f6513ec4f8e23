"""A table that is given all its rows each time and paints only what changed.

The cursor and the marks stay with the keys of their rows, the view stays where it was. Cells are plain text.
"""

from collections.abc import Hashable, Sequence
from itertools import chain
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from console.ui.cells import Text
from console.ui.widgets.columns import Column
from console.ui.widgets.table_lines import MARGIN, Row, TableLines

__all__ = ["Column", "DeckTable", "Row"]


class _TableMessage(Message):
    """Base of the messages of a table."""

    def __init__(self, table: "DeckTable") -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> "DeckTable":
        """The table, so that handlers can be bound to its id."""
        return self.table


class DeckTable(TableLines):
    """A table keyed by row keys; see the module."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="move.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="move.up"),
        Binding("g,home", "edge(-1)", "First", show=False, id="move.top"),
        Binding("G,end", "edge(1)", "Last", show=False, id="move.bottom"),
        Binding("ctrl+f,pagedown", "page(1)", "Page down", show=False, id="move.page-down"),
        Binding("ctrl+b,pageup", "page(-1)", "Page up", show=False, id="move.page-up"),
        Binding("space", "mark", "Mark", show=False, id="mark"),
        Binding("enter", "open", "Open", show=False, id="open"),
    ]

    class Highlighted(_TableMessage):
        """The cursor is on another row; ``key`` is ``None`` where there is none."""

        def __init__(self, table: "DeckTable", key: Hashable | None) -> None:
            super().__init__(table)
            self.key = key

    class Opened(_TableMessage):
        """Enter, or a double click, on the row of ``key``."""

        def __init__(self, table: "DeckTable", key: Hashable) -> None:
            super().__init__(table)
            self.key = key

    class MarksChanged(_TableMessage):
        """Other rows are marked than before."""

        def __init__(self, table: "DeckTable", keys: frozenset[Hashable]) -> None:
            super().__init__(table)
            self.keys = keys

    class HeaderPressed(_TableMessage):
        """A click on the title of a column."""

        def __init__(self, table: "DeckTable", column: str) -> None:
            super().__init__(table)
            self.column = column

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: tuple[Text, ...] = (),
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(columns, empty=empty, name=name, id=id, classes=classes)
        self._keys: list[Hashable] = []

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows as they were given."""
        return self._rows

    @property
    def marks(self) -> frozenset[Hashable]:
        """The keys of the marked rows that are there."""
        return self._marks

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._cursor >= 0 else None

    @property
    def cursor_key(self) -> Hashable | None:
        """The key of the row under the cursor."""
        return self._keys[self._cursor] if self._cursor >= 0 else None

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows; what is equal to what is shown already is left alone."""
        keys = [row.key for row in rows]
        if keys == self._keys:
            self._rows = tuple(rows)
            self.repaint_changes()
            return
        old_rows, old_keys, old_cursor = self._rows, self._keys, self._cursor
        top = self.scroll_offset.y
        self._rows, self._keys = tuple(rows), keys
        places = {key: index for index, key in enumerate(keys) if not rows[index].group}
        self._cursor = _follow(old_rows, old_keys, old_cursor, places)
        self.set_line_count(len(rows) + 1)
        in_sight = top <= old_cursor < top + self.page
        if top:
            anchor = old_cursor if in_sight else min(top, len(old_keys) - 1)
            now = self._cursor if in_sight else places.get(old_keys[anchor], anchor)
            self.scroll_to(y=top + now - anchor, animate=False, force=True)
        if in_sight or old_cursor < 0:
            self._reveal()
        if not self._marks <= places.keys():
            self._set_marks(self._marks & places.keys())
        self.repaint_changes()
        if (old_keys[old_cursor] if old_cursor >= 0 else None) != self.cursor_key:
            self.post_message(self.Highlighted(self, self.cursor_key))

    def move_to(self, key: Hashable) -> bool:
        """Put the cursor on the row of this key and bring it into sight; ``False`` where there is none."""
        if key not in self._keys:
            return False
        index = self._keys.index(key)
        if self._rows[index].group:
            return False
        self._select(index)
        return True

    def toggle_mark(self, key: Hashable | None = None) -> None:
        """Mark the row of this key, or that under the cursor; unmark it where it is marked."""
        key = self.cursor_key if key is None else key
        if key is not None:
            self._set_marks(self._marks ^ {key})

    def clear_marks(self) -> None:
        """Unmark all rows."""
        if self._marks:
            self._set_marks(frozenset())

    def _set_marks(self, marks: frozenset[Hashable]) -> None:
        self._marks = marks
        self.repaint_changes()
        self.post_message(self.MarksChanged(self, marks))

    def _select(self, index: int) -> None:
        moved = index != self._cursor
        self._cursor = index
        self._reveal()
        if moved:
            self.repaint_changes()
            self.post_message(self.Highlighted(self, self.cursor_key))

    def _reveal(self) -> None:
        """Scroll as little as brings the cursor into sight, with the heading right above it."""
        if self._cursor < 0 or not self.size.height:
            return
        top = self.scroll_offset.y
        first = self._cursor
        while first > 0 and self._rows[first - 1].group:
            first -= 1
        if first < top:
            self.scroll_to(y=first, animate=False, force=True)
        elif self._cursor >= top + self.page:
            self.scroll_to(y=self._cursor - self.page + 1, animate=False, force=True)

    def _nearest(self, index: int, direction: int) -> int:
        """The selectable row at an index, else the next one in the direction, else the last one before it; or -1."""
        index = max(0, min(index, len(self._rows) - 1))
        ahead = range(index, len(self._rows)) if direction > 0 else range(index, -1, -1)
        behind = range(index, -1, -1) if direction > 0 else range(index, len(self._rows))
        return next((place for place in chain(ahead, behind) if not self._rows[place].group), -1)

    def _go(self, index: int, direction: int) -> None:
        place = self._nearest(index, direction) if self._rows else -1
        if place >= 0:
            self._select(place)

    def action_move(self, by: int) -> None:
        """Move the cursor by so many rows."""
        if self._cursor < 0 or 0 <= self._cursor + by < len(self._rows):
            self._go(self._cursor + by, by)

    def action_edge(self, direction: int) -> None:
        """Move the cursor to the first (-1) or last (1) row."""
        self._go(0 if direction < 0 else len(self._rows) - 1, -direction)
        if direction < 0:
            self.scroll_to(y=0, animate=False, force=True)

    def action_page(self, pages: int) -> None:
        """Move the cursor by so many screenfuls."""
        self._go(self._cursor + pages * max(1, self.page - 1), pages)

    def action_mark(self) -> None:
        """Mark or unmark the row under the cursor and move on."""
        self.toggle_mark()
        self.action_move(1)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self._cursor >= 0:
            self.post_message(self.Opened(self, self._keys[self._cursor]))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row that was clicked; open it on a double click."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        event.stop()
        if offset.y == 0:
            self._press_header(offset.x - MARGIN)
            return
        index = offset.y - 1 + self.scroll_offset.y
        if index < len(self._rows) and not self._rows[index].group:
            self._select(index)
            if event.chain == 2:
                self.action_open()

    def _press_header(self, x: int) -> None:
        for place in self.places:
            if place.x <= x < place.x + place.width:
                self.post_message(self.HeaderPressed(self, self._columns[place.column].id))

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self.set_line_count(len(self._rows) + 1)
        self._reveal()


def _follow(rows: Sequence[Row], keys: Sequence[Hashable], cursor: int, places: dict[Hashable, int]) -> int:
    """Where the cursor belongs among new rows: on its key, else on the nearest old row that is still there."""
    if not places:
        return -1
    if cursor < 0:
        return min(places.values())
    for index in (*range(cursor, len(keys)), *range(cursor - 1, -1, -1)):
        if not rows[index].group and keys[index] in places:
            return places[keys[index]]
    return min(places.values(), key=lambda index: abs(index - cursor))
