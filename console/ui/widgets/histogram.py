"""How many log lines came when."""

import time
from typing import ClassVar

from textual.strip import Strip

from console.ui.cells import Cell, clock, count, spark_cell
from console.ui.widgets.log_buffer import LogBuckets
from console.ui.widgets.palette import Line, cut_cells, strip_of, width_of

_LAYERS = ("muted", "critical")
_LABEL_FROM = 60
"""Columns from which a single line has room for what it shows."""
NOTHING = "no lines with a time yet"


class Histogram(Line):
    """Columns of lines over time, errors on top of the others; the largest column is the whole height.

    Unlike a meter it scales to its data, so it says what the largest column is.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"deck--muted", "deck--critical"}
    DEFAULT_CSS = "Histogram { height: 2; }"

    def __init__(
        self,
        *,
        offset: float | None = None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """``offset`` is the zone of shown times in seconds east of UTC, by default ours."""
        super().__init__(name=name, id=id, classes=classes)
        self._offset = float(time.localtime().tm_gmtoff) if offset is None else offset
        self._buckets: LogBuckets | None = None
        self._nothing = NOTHING

    @property
    def columns(self) -> int:
        """How many buckets there is room for."""
        return max(1, self.size.width - 2)

    def show(self, buckets: LogBuckets | None, nothing: str = NOTHING) -> None:
        """Show these counts, or say why there are none."""
        if (buckets, nothing) != (self._buckets, self._nothing):
            self._buckets, self._nothing = buckets, nothing
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the columns, and in the last line the span of time and the scale."""
        width, height = self.size
        buckets = self._buckets
        if buckets is None or not any(buckets.counts):
            return strip_of([Cell(f" {self._nothing}" if y == 0 else "", "muted")], width, self.book)
        if y == height - 1 and height > 1:
            return strip_of(self._legend(buckets, width), width, self.book)
        rows = height - 1 if height > 1 else 1
        scale = 100 / max(buckets.counts)
        cells = [Cell(" ")]
        label = f" lines, {_most(buckets)} " if height == 1 and width >= _LABEL_FROM else ""
        newest = slice(-max(1, self.columns - width_of(label)), None)
        for number, errors in zip(buckets.counts[newest], buckets.errors[newest], strict=True):
            parts = ((number - errors) * scale, errors * scale)
            cells.append(spark_cell(parts, _LAYERS, rows - 1 - y, rows))
        cells.append(Cell(label, "muted"))
        return strip_of(cells, width, self.book)

    def _legend(self, buckets: LogBuckets, width: int) -> list[Cell]:
        end = buckets.start + buckets.seconds * len(buckets.counts)
        errors = sum(buckets.errors)
        begin = end - buckets.seconds * min(len(buckets.counts), width - 2)
        left = f" {clock(begin, self._offset)}"
        right = f"{clock(end, self._offset)} "
        middle = _most(buckets)
        if errors:
            middle += f", {count(errors)} errors"
        room = width - width_of(left) - width_of(right)
        words, taken = cut_cells(middle, max(0, room - 2))
        before = max(0, (room - taken) // 2)
        gap = max(0, room - taken - before)
        muted = [Cell(cell.text, "muted") for cell in words]
        return [Cell(left, "muted"), Cell(" " * before), *muted, Cell(" " * gap), Cell(right, "muted")]


def _most(buckets: LogBuckets) -> str:
    return f"most {count(max(buckets.counts))} in {_span(buckets.seconds)}"


def _span(value: float) -> str:
    return f"{value:g} s" if value < 120 else f"{value / 60:g} min"
