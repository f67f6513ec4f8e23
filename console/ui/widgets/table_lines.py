"""The lines of a table: what is drawn where, and which regions have to be drawn again."""

from collections.abc import Hashable, Sequence
from typing import ClassVar, NamedTuple

from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip

from console.ui.cells import Cell, Text, glyph
from console.ui.widgets.columns import Column, Place, fit
from console.ui.widgets.palette import Lines, cut, cut_cells, strip_of

_PLAIN = ("", "strong")
"""Tones of a heading that take the colour of headings; what alarms keeps its own."""
MARGIN = 1
"""Cells on the left, where the mark is shown, and on the right."""


class Row(NamedTuple):
    """A row, or with ``group`` a heading across the table that cannot be selected: its first cell is shown.

    ``tone`` is the tone of every cell that has none of its own.
    """

    key: Hashable
    cells: tuple[Text, ...]
    group: bool = False
    tone: str = ""


class Drawn(NamedTuple):
    """What a line of the screen shows: a row, the styles laid over it, and whether it is marked."""

    row: Row | None
    over: str
    marked: bool


NOTHING = Drawn(None, "", False)
EMPTY = Drawn(None, "empty", False)
"""A line of a table without rows."""


class TableLines(Lines):
    """Draws the rows in sight and knows what it drew."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "deck--header",
        "deck--group",
        "deck--cursor",
        "deck--cursor-blurred",
        "deck--marked",
    }
    DEFAULT_CSS = """
    TableLines {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
    }
    TableLines .deck--header { color: $deck-muted; text-style: bold; }
    TableLines .deck--group { color: $deck-accent; text-style: bold; }
    TableLines .deck--marked { text-style: bold; }
    TableLines .deck--cursor { background: $deck-cursor; text-style: $deck-cursor-style; }
    TableLines .deck--cursor-blurred { background: $deck-cursor-blurred; text-style: $deck-cursor-blurred-style; }
    """

    empty: reactive[tuple[Text, ...]] = reactive[tuple[Text, ...]]((), init=False, repaint=False)
    """Lines shown where there is no row: what was looked at, and when."""
    sorted_by: reactive[tuple[str, bool] | None] = reactive[tuple[str, bool] | None](None, init=False)
    """The column the caller sorted by, and whether the largest comes first; marked in the header."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: tuple[Text, ...] = (),
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.set_reactive(TableLines.empty, empty)
        self._columns = tuple(columns)
        self._rows: tuple[Row, ...] = ()
        self._marks: frozenset[Hashable] = frozenset()
        self._cursor = -1
        self._fitted: tuple[int, tuple[Place, ...]] = (-1, ())
        self._drawn: dict[int, Drawn] = {}

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, also those that are dropped for want of room."""
        return self._columns

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns; the cells of the rows that follow must match them."""
        self._columns = tuple(columns)
        self._fitted = (-1, ())
        self.refresh()

    @property
    def places(self) -> tuple[Place, ...]:
        """The columns that are shown, and where."""
        width = self.size.width
        if self._fitted[0] != width:
            self._fitted = (width, fit(self._columns, width - 2 * MARGIN))
        return self._fitted[1]

    @property
    def page(self) -> int:
        """How many rows are in sight."""
        return max(1, self.size.height - 1)

    def watch_empty(self, old: tuple[Text, ...], new: tuple[Text, ...]) -> None:
        """Draw the lines that are shown instead of rows."""
        if not self._rows:
            self.refresh(Region(0, 2, self.size.width, max(len(old), len(new), 1)))

    def _state(self, y: int) -> Drawn:
        index = y - 1 + self.scroll_offset.y
        if y == 0 or not 0 <= index < len(self._rows):
            return NOTHING if self._rows else EMPTY
        row = self._rows[index]
        marked = row.key in self._marks
        overs = ["marked"] if marked and not row.group else []
        if index == self._cursor:
            overs.append("cursor" if self.has_focus else "cursor-blurred")
        return Drawn(row, " ".join(overs), marked)

    def repaint_changes(self) -> None:
        """Ask for the regions whose content is another than what was last drawn there."""
        regions: list[Region] = []
        for y, old in self._drawn.items():
            new = self._state(y)
            if new == old or y >= self.size.height:
                continue
            same_look = old[1:] == new[1:]
            if old.row is None or new.row is None or not same_look or old.row[2:] != new.row[2:] or new.row.group:
                regions.append(Region(0, y, self.size.width, 1))
            else:
                regions.extend(self._changed(old.row, new.row, y))
        if regions:
            self.refresh(*regions)

    def _changed(self, old: Row, new: Row, y: int) -> list[Region]:
        """The regions of the cells that differ; neighbours as one."""
        regions: list[Region] = []
        for index, x, width in self.places:
            if old.cells[index : index + 1] == new.cells[index : index + 1]:
                continue
            if regions and regions[-1].right + 2 >= x + MARGIN:
                regions[-1] = Region(regions[-1].x, y, x + MARGIN + width - regions[-1].x, 1)
            else:
                regions.append(Region(x + MARGIN, y, width, 1))
        return regions

    def render_line(self, y: int) -> Strip:
        """Draw one line: the header, a row, or what is said where there are no rows."""
        width = self.size.width
        if y == 0:
            return strip_of(self._header(), width, self.book, "header")
        drawn = self._drawn[y] = self._state(y)
        if drawn.row is not None:
            return strip_of(self._cells(drawn.row, drawn.marked), width, self.book, drawn.over)
        if not self._rows and 0 <= y - 2 < len(self.empty):
            pieces, _ = cut_cells(self.empty[y - 2], width - 2 * MARGIN)
            return strip_of([Cell(" " * MARGIN), *pieces], width, self.book)
        return strip_of((), width, self.book)

    def _header(self) -> list[Cell]:
        titles = [column.title for column in self._columns]
        if self.sorted_by is not None:
            arrow = glyph("▼", "v") if self.sorted_by[1] else glyph("▲", "^")
            for index, _, width in self.places:
                if self._columns[index].id == self.sorted_by[0]:
                    titles[index] = cut(titles[index], width - 1) + arrow
        return [Cell(" " * MARGIN), *self._aligned(titles)]

    def _cells(self, row: Row, marked: bool) -> list[Cell]:
        mark = Cell("*" if marked else " " * MARGIN)
        if row.group:
            pieces, _ = cut_cells(row.cells[0] if row.cells else "", self.size.width - 2 * MARGIN)
            return [mark, *(Cell(cell.text, "group" if cell.tone in _PLAIN else cell.tone) for cell in pieces)]
        cells = self._aligned(row.cells)
        return [mark, *(Cell(cell.text, cell.tone or row.tone) for cell in cells)] if row.tone else [mark, *cells]

    def _aligned(self, texts: Sequence[Text]) -> list[Cell]:
        """The texts in their columns."""
        cells: list[Cell] = []
        end = 0
        for index, x, width in self.places:
            if x > end:
                cells.append(Cell(" " * (x - end)))
            cells += padded(texts[index] if index < len(texts) else "", width, self._columns[index].align)
            end = x + width
        return cells


def padded(text: Text, width: int, align: str) -> list[Cell]:
    """A text as pieces of exactly ``width`` cells."""
    pieces, taken = cut_cells(text, width)
    if taken < width:
        pieces.insert(0 if align == "right" else len(pieces), Cell(" " * (width - taken)))
    return pieces
