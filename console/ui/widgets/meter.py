"""Values of the fixed range 0..100: one as a bar, many as columns over time.

The range is never that of the data: two per cent of IO wait must look like two per cent.
"""

from array import array
from collections.abc import Sequence
from typing import ClassVar

from textual.strip import Strip

from console.ui.cells import LAYERS, TONES, Cell, Text, bar, spark_cell
from console.ui.widgets.palette import Line, cut_cells, strip_of, width_of


class History:
    """The newest samples of a few values: a ring of 32-bit floats, 12 bytes for a sample of three."""

    __slots__ = ("_next", "_values", "capacity", "layers")

    def __init__(self, layers: int = 3, capacity: int = 120) -> None:
        """Keep ``capacity`` samples of ``layers`` values each. Memory grows with the samples, not before."""
        self.layers = layers
        self.capacity = capacity
        self._values = array("f")
        self._next = 0

    def __len__(self) -> int:
        return len(self._values) // self.layers

    def push(self, *values: float) -> None:
        """Add one sample and forget the oldest where the ring is full."""
        if len(values) != self.layers:
            raise ValueError(f"a sample has {self.layers} values, got {len(values)}")
        if len(self) < self.capacity:
            self._values.extend(values)
            return
        start = self._next * self.layers
        self._values[start : start + self.layers] = array("f", values)
        self._next = (self._next + 1) % self.capacity

    def last(self, count: int) -> tuple[tuple[float, ...], ...]:
        """Up to ``count`` samples, the newest last."""
        have = len(self)
        layers, values = self.layers, self._values
        places = ((self._next + index) % have for index in range(have - min(count, have), have)) if have else ()
        return tuple(tuple(values[place * layers : (place + 1) * layers]) for place in places)


class Meter(Line):
    """One line: a label, a stacked bar of fixed range, and the value in words."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"deck--{tone}" for tone in TONES}
    DEFAULT_CSS = "Meter { height: 1; }"

    def __init__(
        self,
        label: str = "",
        *,
        parts: Sequence[tuple[float, str]] = (),
        text: Text = "",
        label_width: int = 0,
        text_width: int = 0,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """``parts`` are per cents with their tones. The widths make the bars of several meters line up."""
        super().__init__(name=name, id=id, classes=classes)
        self.label = label
        self._parts = tuple(parts)
        self._text = text
        self._label_width = max(label_width, width_of(label) + 1 if label else 0)
        self._text_width = text_width

    def show(self, parts: Sequence[tuple[float, str]], text: Text = "") -> None:
        """Show other values."""
        if (tuple(parts), text) != (self._parts, self._text):
            self._parts, self._text = tuple(parts), text
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line; the text is cut last."""
        width = self.size.width
        words, taken = cut_cells(self._text, max(0, width - self._label_width - 8))
        tail = min(max(taken, self._text_width), max(taken, width // 2))
        room = max(0, width - self._label_width - tail - (3 if words else 2))
        label = Cell(f" {self.label:<{self._label_width}}", "muted")
        space = [Cell(" ")] if words else []
        return strip_of([label, *bar(self._parts, room), *space, *words], width, self.book)


class Spark(Line):
    """A history as stacked columns, one cell a sample, the newest on the right; any height."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"deck--{tone}" for tone in TONES}
    DEFAULT_CSS = "Spark { height: 1; }"

    def __init__(
        self,
        history: History | None = None,
        *,
        layers: Sequence[str] = LAYERS,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """``layers`` are the tones of the values of a sample, from the bottom."""
        super().__init__(name=name, id=id, classes=classes)
        self._history = history
        self._layers = tuple(layers)

    def show(self, history: History) -> None:
        """Show this history."""
        self._history = history
        self.refresh()

    def refresh_history(self) -> None:
        """Show what was pushed since."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the columns."""
        width, height = self.size
        samples = self._history.last(width) if self._history is not None else ()
        row = height - 1 - y
        cells = [Cell(" " * (width - len(samples)))]
        cells += [spark_cell(sample, self._layers, row, height) for sample in samples]
        return strip_of(cells, width, self.book)
