"""One host: cores, pressure, disks, blocked processes, and what the numbers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Container, Grid, Vertical

from console.core.freshness import of_source
from console.core.keys import Place
from console.ui import cells, keymap
from console.ui.cells import Cell
from console.ui.present import resources as present
from console.ui.present.words import how_old
from console.ui.screens.deck_screen import DeckScreen
from console.ui.selection import Selection
from console.ui.store import memory_used
from console.ui.widgets.detail import Detail, Entry, Heading
from console.ui.widgets.meter import Meter, Spark

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.core.sample import CpuRate

MAX_CORES = 64
"""Meters of single cores; of more only the sum is shown."""


class HostScreen(DeckScreen):
    """Spark lines and meters above, words and lists below or beside."""

    PLACE: ClassVar[Place] = Place.HOST
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.HOST)]
    CSS_PATH = "host.tcss"
    AUTO_FOCUS: ClassVar[str | None] = "#facts"

    def __init__(self, host: str) -> None:
        super().__init__()
        self.host = host
        self._cores = 0

    def body(self) -> ComposeResult:
        """The history of the CPU, a meter for each core, the facts."""
        with Container(id="host"):
            with Vertical(id="meters"):
                yield Spark(self.deck.store.history(self.host).cpu, id="history")
                yield Meter("cpu   ", id="sum")
                yield Meter("memory", id="memory")
                yield Grid(id="cores")
            yield Detail(id="facts")

    def sync(self, changed: frozenset[str] | None = None) -> None:
        """Show the newest numbers of this host."""
        if changed and self.host not in changed:
            return
        snapshot = self.deck.store.snapshot(self.host)
        self.query_one("#history", Spark).refresh_history()
        if snapshot.rates is not None:
            cpu = snapshot.rates.cpu
            self.query_one("#sum", Meter).show(
                _parts(cpu), f"{cells.percent(cpu.busy)} busy, {cells.percent(cpu.iowait)} IO wait"
            )
            self._show_cores(snapshot.rates.cores)
        if snapshot.sample is not None:
            memory = snapshot.sample.memory
            used = memory_used(snapshot.sample)
            self.query_one("#memory", Meter).show(((used, "user"),), f"{cells.size(memory.available)} free")
        self.query_one("#facts", Detail).show(self.entries())

    def entries(self) -> list[Entry | Heading]:
        """What the numbers mean, the findings of the host, then the numbers."""
        deck = self.deck
        snapshot, limits = deck.store.snapshot(self.host), deck.config.thresholds
        age = how_old(of_source(snapshot, "vitals"), snapshot, deck.clock.monotonic())
        lines: list[Entry | Heading] = [Heading(self.host, age)]
        lines += [Entry("" if place else "MEANS", cell) for place, cell in enumerate(present.verdict(snapshot, limits))]
        for place, finding in enumerate(deck.store.findings_of(self.host)):
            told = (
                cells.severity_mark(finding.severity),
                Cell(f" {finding.subject.removeprefix(self.host + '/')}: {finding.summary}"),
            )
            lines.append(Entry("" if place else "WRONG", told))
        return [*lines, *present.facts(snapshot, limits)]

    def _show_cores(self, cores: tuple[CpuRate, ...]) -> None:
        grid = self.query_one("#cores", Grid)
        shown = cores if len(cores) <= MAX_CORES else ()
        if len(shown) != self._cores:
            self._cores = len(shown)
            grid.remove_children()
            grid.mount_all([Meter(f"{number:>2}", parts=_parts(core)) for number, core in enumerate(shown)])
            return
        for meter, core in zip(grid.query(Meter), shown, strict=False):
            meter.show(_parts(core), cells.percent(core.busy))

    def selection(self) -> Selection:
        """The host."""
        return Selection(self.PLACE, self.host)

    def copied(self) -> str:
        """The facts as text."""
        from console.ui.present.copying import lines_of

        return lines_of(self.entries())


def _parts(cpu: CpuRate) -> tuple[tuple[float, str], ...]:
    return ((cpu.user, "user"), (cpu.system, "system"), (cpu.iowait, "iowait"), (cpu.steal, "steal"))
