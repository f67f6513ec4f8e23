"""Connections to hosts: which stand, why the others do not, and how to mend that."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from console.core.keys import Place
from console.core.snapshot import LinkState
from console.ui import keymap
from console.ui.present import hosts as present
from console.ui.present.words import host_width
from console.ui.screens.list_screen import ListScreen
from console.ui.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual.binding import BindingType

    from console.ui.cells import Text
    from console.ui.widgets.detail import Entry, Heading
    from console.ui.widgets.table import Column, Row

_FIRST = (LinkState.DOWN, LinkState.STALE, LinkState.CONNECTING, LinkState.UP)


class HostsScreen(ListScreen):
    """All hosts; those that do not answer first."""

    PLACE: ClassVar[Place] = Place.HOSTS
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.HOSTS)]

    def columns(self) -> Sequence[Column]:
        """Link, host, round trip, age, user, system, what to know."""
        return present.columns(host_width(self.deck.store.specs.values()))

    def rows(self, changed: frozenset[str] | None) -> tuple[Sequence[Row], int]:
        """One row a host."""
        del changed
        store, now = self.deck.store, self.deck.clock.monotonic()
        wanted = self.needle.lower().split()
        kept = [
            snapshot
            for snapshot in store.snapshots()
            if all(
                word in f"{snapshot.host} {snapshot.link.state} {snapshot.link.error or ''}".lower() for word in wanted
            )
        ]
        kept.sort(key=lambda snapshot: _FIRST.index(snapshot.link.state))
        rows = [present.row(snapshot, store.specs[snapshot.host], now) for snapshot in kept]
        return rows, len(store.specs) - len(rows)

    def empty(self) -> tuple[Text, ...]:
        """That there is no host."""
        return (f"No host contains {self.needle!r}. esc shows all.",) if self.needle else ("No host is configured.",)

    def detail(self, key: Hashable | None) -> Sequence[Entry | Heading]:
        """The selected host."""
        if key is None:
            return ()
        store = self.deck.store
        host = cast("str", key)
        return present.detail(store.snapshot(host), store.specs[host], self.deck.clock.monotonic())

    def selection(self) -> Selection:
        """The host."""
        host = cast("str | None", self.table.cursor_key)
        return Selection(self.PLACE, host, open=host is not None)
