"""A screen that writes only the cells that changed to the terminal.

Textual sends every repainted region again, each from the left edge of its widget and with all colours anew. Over a slow
link that is most of the traffic, so this screen remembers what the terminal shows and sends the difference. A full
repaint (another screen, back from a shell) is always sent in full, so that both agree again. The app must ask for one
after every resize (``App.on_resize``): after a storm that ends at the old size Textual paints nothing, but the terminal
has moved its lines about.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.strip import Strip

from console.ui.widgets.terminal import Terminal

T = TypeVar("T")


class _FullUpdate(LayoutUpdate):
    """The whole screen; makes terminal and memory agree."""

    def __init__(self, strips: list[Iterable[Strip]], region: Region, terminal: Terminal) -> None:
        super().__init__(strips, region)
        self._terminal = terminal

    def render_segments(self, console: Console) -> str:
        """Return what is written to the terminal."""
        terminal = self._terminal
        terminal.forget(self.region.size, console)
        for y, line in enumerate(self.strips, self.region.y):
            terminal.put(self.region.x, y, (segment for strip in line for segment in strip))
        return terminal.take()


class _PartialUpdate(ChopsUpdate):
    """The repainted regions; only what differs in them is written."""

    def __init__(self, update: ChopsUpdate, terminal: Terminal, size: Size) -> None:
        chops: Sequence[Mapping[int, Strip | None]] = update.chops
        super().__init__(chops, update.spans, update.chop_ends)
        self._terminal = terminal
        self._size = size

    def render_segments(self, console: Console) -> str:
        """Return what is written to the terminal."""
        terminal = self._terminal
        if terminal.size != self._size:
            terminal.forget(self._size, console)
        terminal.paint(
            (x, y, strip)
            for y, x1, x2 in self.spans
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False)
            if strip is not None and x < x2 and end > x1
        )
        return terminal.take()


class NarrowCompositor(Compositor):
    """Textual's compositor with updates that know what the terminal shows."""

    def __init__(self) -> None:
        super().__init__()
        self.terminal = Terminal()

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """Return the update that paints the whole screen."""
        update = super().render_full_update(simplify=simplify)
        return _FullUpdate(update.strips, update.region, self.terminal)

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return the update that paints what is dirty, if anything is."""
        update = super().render_partial_update()
        return None if update is None else _PartialUpdate(update, self.terminal, self.size)


class NarrowScreen(Screen[T]):
    """A screen that writes only the cells that changed to the terminal."""

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(name, id, classes)
        self._compositor = NarrowCompositor()
