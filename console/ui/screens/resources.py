"""CPU, memory, disks and network of every host, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from console.core.keys import Place
from console.core.words import listed
from console.ui import keymap
from console.ui.present import resources as present
from console.ui.present.words import host_width
from console.ui.screens.list_screen import ListScreen
from console.ui.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual import events
    from textual.binding import BindingType

    from console.ui.cells import Text
    from console.ui.widgets.detail import Entry, Heading
    from console.ui.widgets.table import Column, Row

WIDE, NARROW, BESIDE = 30, 16, 12
"""Cells of a spark line; the last where the detail is beside the list and takes two fifths of the width."""


class ResourcesScreen(ListScreen):
    """One line a host, with spark lines of fixed range."""

    PLACE: ClassVar[Place] = Place.RESOURCES
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.RESOURCES)]

    def __init__(self) -> None:
        super().__init__()
        self._spark = NARROW

    def columns(self) -> Sequence[Column]:
        """The columns with spark lines that fit."""
        return present.columns(self._spark, host_width(self.deck.store.specs.values()))

    def on_resize(self, event: events.Resize) -> None:
        """Draw longer or shorter spark lines."""
        width = event.size.width
        spark = WIDE if width >= 160 else BESIDE if width >= 120 else NARROW if width >= 60 else 8
        if spark != self._spark:
            self._spark = spark
            self.sync()

    def rows(self, changed: frozenset[str] | None) -> tuple[Sequence[Row], int]:
        """One row a host, worst first in coarse steps."""
        del changed
        deck = self.deck
        limits = deck.config.thresholds
        wanted = self.needle.lower().split()
        snapshots = [
            snapshot for snapshot in deck.store.snapshots() if all(word in snapshot.host.lower() for word in wanted)
        ]
        snapshots.sort(key=lambda snapshot: present.rank(snapshot, limits))
        specs, history, now = deck.store.specs, deck.store.history, deck.clock.monotonic()
        rows = [
            present.row(snapshot, specs[snapshot.host], history(snapshot.host), limits, self._spark, now)
            for snapshot in snapshots
        ]
        return rows, len(specs) - len(rows)

    def empty(self) -> tuple[Text, ...]:
        """Why there is no host to see."""
        if self.needle:
            return (f"No host contains {self.needle!r}. esc shows all.",)
        return (f"Waiting for {listed(self.deck.store.waiting())}.",)

    def detail(self, key: Hashable | None) -> Sequence[Entry | Heading]:
        """What the numbers of the selected host mean."""
        if key is None:
            return ()
        deck = self.deck
        snapshot = deck.store.snapshot(cast("str", key))
        return present.summary(snapshot, deck.config.thresholds, deck.clock.monotonic())

    def selection(self) -> Selection:
        """The host."""
        host = cast("str | None", self.table.cursor_key)
        return Selection(self.PLACE, host, open=host is not None)
