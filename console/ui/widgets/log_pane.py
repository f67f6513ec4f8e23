"""The lines of a log that are in sight: which they are, how they look, and scrolling over them."""

import time
from collections.abc import Callable
from typing import ClassVar

from textual.reactive import reactive
from textual.strip import Strip

from console.ui.cells import Cell, date
from console.ui.widgets.log_buffer import LogBuffer
from console.ui.widgets.log_lines import LogFormat, day_line, format_line
from console.ui.widgets.palette import Lines, strip_of, width_of

_DAY = 86400
_LOOK_BACK = 20
"""Lines without a time that are passed over for one that has one."""
_LEAST_PAGE = 3
"""Lines of the screen from which one of them may be a date."""
_SIDEWAYS = 20
"""Cells that one key press scrolls sideways."""


def _nothing(_message: str) -> bool:
    return False


class LogPane(Lines):
    """Draws lines of a buffer. It scrolls by lines: a wrapped line is one step, however much room it takes."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"deck--match"}
    DEFAULT_CSS = """
    LogPane { height: 1fr; overflow-x: hidden; scrollbar-size: 0 0; }
    LogPane .deck--match { color: $deck-match-text; background: $deck-match; text-style: $deck-match-style; }
    """

    wrap: reactive[bool] = reactive(False, init=False)
    """Whether long lines go on in the next line of the screen instead of being cut."""
    source_column: reactive[bool] = reactive(True, init=False)
    """Whether host and service are shown before each line."""

    def __init__(
        self,
        buffer: LogBuffer,
        *,
        offset: float | None = None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """``offset`` is the zone of shown times in seconds east of UTC, by default ours."""
        super().__init__(name=name, id=id, classes=classes)
        self._buffer = buffer
        self._offset = float(time.localtime().tm_gmtoff) if offset is None else offset
        self._left = 0
        self._match: int | None = None
        self.picks: Callable[[str], bool] = _nothing
        """Which message is worth pointing at; the newest one in sight is marked while no other line is."""
        self._painted: list[tuple[int, list[Cell]]] | None = None

    @property
    def _page(self) -> int:
        return max(1, self.size.height)

    def _format(self) -> LogFormat:
        source = self._buffer.source_width if self.source_column else 0
        return LogFormat(self.size.width, source, self._offset, self._left, self.wrap, self._page, self._buffer.search)

    def _end_top(self) -> int:
        """The index of the first line in sight when the last one is at the bottom."""
        shown = len(self._buffer)
        fmt, rows, index = self._format(), 0, shown
        while index > 0:
            rows += len(format_line(self._buffer.line(index - 1), fmt)) if self.wrap else 1
            rows += bool(self._new_day(index - 1))
            if rows > self._page:
                break
            index -= 1
        return min(index, max(0, shown - 1))

    def _new_day(self, index: int) -> str:
        """The date of a line that is the first of its day; empty for any other, and for the first of all."""
        at = self._buffer.line(index).at
        if at is None or self._page < _LEAST_PAGE:
            return ""
        before = (self._buffer.line(place).at for place in range(index - 1, max(-1, index - _LOOK_BACK), -1))
        last = next((one for one in before if one is not None), None)
        if last is None or (last + self._offset) // _DAY == (at + self._offset) // _DAY:
            return ""
        return date(at, self._offset)

    def _rows(self) -> list[tuple[int, list[Cell]]]:
        """What each line of the screen shows: the index of a log line, and that line or a part of it."""
        if self._painted is None:
            fmt = self._format()
            pointed = self.pointed
            rows: list[tuple[int, list[Cell]]] = []
            for index in range(self.scroll_offset.y, len(self._buffer)):
                if len(rows) >= self._page:
                    break
                if day := self._new_day(index):
                    rows.append((index, day_line(day, fmt)))
                current = index == pointed
                rows += [(index, part) for part in format_line(self._buffer.line(index), fmt, current)]
            self._painted = rows[: self._page]
        return self._painted

    @property
    def pointed(self) -> int | None:
        """The line under the cursor: the match or the one that was clicked, else the newest one worth it in sight."""
        top = self.scroll_offset.y
        end = min(len(self._buffer), top + self._page)
        if self._match is not None:
            index = self._buffer.index(self._match)
            if index < len(self._buffer) and self._buffer.sequence(index) == self._match and top <= index < end:
                return index
        return next((at for at in range(end - 1, top - 1, -1) if self.picks(self._buffer.line(at).message)), None)

    def _lines_in_sight(self) -> int:
        rows = self._rows()
        return rows[-1][0] - rows[0][0] + 1 if rows else 0

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        rows = self._rows()
        return strip_of(rows[y][1] if y < len(rows) else (), self.size.width, self.book)

    def _repaint(self) -> None:
        self._painted = None
        self.refresh()

    def _scroll(self, top: int) -> None:
        self.scroll_to(y=top, animate=False, force=True)

    def watch_source_column(self) -> None:
        """Show or hide the sources."""
        self._repaint()

    def action_sideways(self, direction: int) -> None:
        """Scroll sideways, as far as the lines in sight go."""
        if self.wrap:
            return
        rows = self._rows()
        longest = max((width_of(self._buffer.line(index).message) for index, _ in rows), default=0)
        left = max(0, min(self._left + direction * _SIDEWAYS, longest - _SIDEWAYS))
        if left != self._left:
            self._left = left
            self._repaint()
