"""The lines of a log that are in sight: which they are, how they look, and scrolling over them."""

import time
from typing import ClassVar

from textual.reactive import reactive
from textual.strip import Strip

from console.ui.cells import Cell
from console.ui.widgets.log_buffer import LogBuffer
from console.ui.widgets.log_lines import LogFormat, format_line
from console.ui.widgets.palette import Lines, strip_of, width_of

_SIDEWAYS = 20
"""Cells that one key press scrolls sideways."""


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
        if not self.wrap:
            return max(0, shown - self._page)
        fmt, rows, index = self._format(), 0, shown
        while index > 0:
            rows += len(format_line(self._buffer.line(index - 1), fmt))
            if rows > self._page:
                break
            index -= 1
        return min(index, max(0, shown - 1))

    def _rows(self) -> list[tuple[int, list[Cell]]]:
        """What each line of the screen shows: the index of a log line, and that line or a part of it."""
        if self._painted is None:
            fmt = self._format()
            rows: list[tuple[int, list[Cell]]] = []
            for index in range(self.scroll_offset.y, len(self._buffer)):
                if len(rows) >= self._page:
                    break
                current = self._buffer.sequence(index) == self._match
                rows += [(index, part) for part in format_line(self._buffer.line(index), fmt, current)]
            self._painted = rows[: self._page]
        return self._painted

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
