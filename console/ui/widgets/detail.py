"""Keys and values under one another: what is known of one service, port, host or finding."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual.binding import BindingType
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip

from console.ui.cells import Cell, Text, glyph, plain, spans
from console.ui.widgets.palette import SCROLL_BINDINGS, Lines, cut_cells, one_line, strip_of, width_of

_INDENT = 1
_WIDEST_KEY = 14


class Entry(NamedTuple):
    """A key and its value; an empty key goes on under the one above. ``tone`` is that of the key.

    ``hang``: cells by which the further lines of a long value are indented.
    """

    key: str
    value: Text
    tone: str = "muted"
    hang: int = 0


class Heading(NamedTuple):
    """A line of its own, with something on the right."""

    text: Text
    right: Text = ""


RULE = Heading("\0rule")
"""A line across."""


class Detail(Lines):
    """A block of keys and values that can be scrolled. Long values are wrapped under their beginning."""

    BINDINGS: ClassVar[list[BindingType]] = SCROLL_BINDINGS
    COMPONENT_CLASSES: ClassVar[set[str]] = {"deck--rule"}
    DEFAULT_CSS = """
    Detail { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    Detail .deck--rule { color: $deck-rule; }
    """

    empty: reactive[tuple[Text, ...]] = reactive[tuple[Text, ...]]((), init=False)
    """Lines shown where there are no entries."""

    def __init__(
        self,
        *,
        empty: tuple[Text, ...] = (),
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.set_reactive(Detail.empty, empty)
        self._entries: tuple[Entry | Heading, ...] = ()
        self._lines: list[list[Cell]] = []
        self._wrapped_to = -1

    def show(self, entries: Sequence[Entry | Heading], *, keep_scroll: bool = True) -> None:
        """Show other entries; ``keep_scroll`` is for news of the same thing, not for another thing."""
        shown = tuple(entries)
        self.drawn = self.drawn and shown == self._entries
        if not keep_scroll:
            self.scroll_to(y=0, animate=False, force=True)
        if shown == self._entries:
            return
        self._entries = shown
        self._wrap()

    drawn = False
    """Whether the picture has what is to be shown now."""

    def on_resize(self) -> None:
        """Wrap to another width."""
        if self._wrapped_to != self.size.width:
            self._wrap()

    def watch_empty(self) -> None:
        """Show other lines where there are no entries."""
        self._wrap()

    def _wrap(self) -> None:
        width = self.size.width
        if not width:
            self._wrapped_to = -1  # it is hidden: what it shows is wrapped when it has a width again
            return
        old, self._lines = self._lines, []
        self._wrapped_to = width
        column = _column(self._entries, width)
        for entry in self._entries:
            if isinstance(entry, Entry):
                self._lines += _entry_lines(entry, column, width)
            else:
                self._lines.append(_heading(entry, width))
        if not self._entries:
            self._lines = [[Cell(" " * _INDENT), *cut_cells(line, width - 2 * _INDENT)[0]] for line in self.empty]
        self.set_line_count(len(self._lines))
        top, height = self.scroll_offset.y, self.size.height
        for y in range(height):
            if old[top + y : top + y + 1] != self._lines[top + y : top + y + 1]:
                self.refresh_line(top + y)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are, for ``height: auto``."""
        return max(1, len(self._lines))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        index = y + self.scroll_offset.y
        cells = self._lines[index] if index < len(self._lines) else ()
        self.drawn = self.drawn or bool(cells)
        return strip_of(cells, self.size.width, self.book)


def height_of(entries: Sequence[Entry | Heading], width: int) -> int:
    """How many lines entries take at a width."""
    column = _column(entries, width)
    return sum(len(_entry_lines(one, column, width)) if isinstance(one, Entry) else 1 for one in entries)


def _column(entries: Sequence[Entry | Heading], width: int) -> int:
    """Cells of the column of keys."""
    keys = [width_of(entry.key) for entry in entries if isinstance(entry, Entry)]
    return min(max(keys, default=0), _WIDEST_KEY, max(4, width // 4))


def _heading(heading: Heading, width: int) -> list[Cell]:
    if heading == RULE:
        return [Cell(glyph("─", "-") * width, "rule")]
    left, taken = cut_cells(heading.text, width - 2 * _INDENT)
    room = width - 2 * _INDENT - taken
    right, right_width = cut_cells(heading.right, max(0, room - 2))
    return [
        Cell(" " * _INDENT),
        *(Cell(cell.text, cell.tone or "strong") for cell in left),
        Cell(" " * (room - right_width)),
        *right,
    ]


def _entry_lines(entry: Entry, column: int, width: int) -> list[list[Cell]]:
    if not entry.key and not plain(entry.value):
        return [[]]
    start = _INDENT + column + 2 if column else _INDENT
    room = max(8, width - start - _INDENT)
    key, taken = cut_cells(Cell(entry.key, entry.tone), column)
    first, *rest = wrap(entry.value, max(8, room - entry.hang))
    lines = [[Cell(" " * start), *first], *([Cell(" " * (start + entry.hang)), *line] for line in rest)]
    if key:
        lines[0][0:1] = [Cell(" " * _INDENT), *key, Cell(" " * (start - _INDENT - taken))]
    return lines


def wrap(text: Text, width: int) -> list[list[Cell]]:
    """Break a text into lines of at most ``width`` cells, between words where that is possible."""
    lines: list[list[Cell]] = [[]]
    left = width
    for cell in spans(text):
        for word in _words(one_line(cell.text)):
            size = width_of(word)
            if size > left and size - word.endswith(" ") > left and left < width:
                lines.append([])
                left = width
            while width_of(word.rstrip(" ")) > left:
                head = _head(word, left)
                lines[-1].append(Cell(head, cell.tone))
                word = word[len(head) :]
                lines.append([])
                left = width
            if width_of(word) > left:
                word = word[:-1]
            lines[-1].append(Cell(word, cell.tone))
            left -= width_of(word)
    return lines


def _words(text: str) -> list[str]:
    """The words, each with the space after it."""
    words = text.split(" ")
    return [f"{word} " for word in words[:-1]] + ([words[-1]] if words[-1] else [])


def _head(text: str, width: int) -> str:
    """The longest beginning that fits, at least one character."""
    end = 1
    while end < len(text) and width_of(text[: end + 1]) <= width:
        end += 1
    return text[:end]
