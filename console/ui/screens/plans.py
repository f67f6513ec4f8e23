"""Every change of this session: what runs, and what ended with which result."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from console.core.keys import Place
from console.ui import keymap
from console.ui.present import plans as present
from console.ui.present.words import host_width
from console.ui.screens.list_screen import ListScreen
from console.ui.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual.binding import BindingType

    from console.ui.cells import Text
    from console.ui.widgets.detail import Entry, Heading
    from console.ui.widgets.table import Column, Row


class PlansScreen(ListScreen):
    """Running changes first, then the newest."""

    PLACE: ClassVar[Place] = Place.PLANS
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.PLANS)]

    def columns(self) -> Sequence[Column]:
        """Result, what, host, service, when, how long."""
        return present.columns(host_width(self.deck.store.specs.values()))

    def rows(self, changed: frozenset[str] | None) -> tuple[Sequence[Row], int]:
        """One row a change."""
        del changed
        deck, wall = self.deck, self.deck.clock.wall()
        words = self.needle.lower().split()
        every = deck.changes.all()
        kept = [
            change
            for change in every
            if all(word in f"{change.plan.kind} {change.plan.target}".lower() for word in words)
        ]
        rows = [present.row(change, deck.store.specs.get(change.plan.target.host), wall) for change in kept]
        return rows, len(every) - len(rows)

    def empty(self) -> tuple[Text, ...]:
        """That nothing was changed yet."""
        if self.needle:
            return (f"No change contains {self.needle!r}. esc shows all.",)
        return (
            "Nothing was changed from this console yet.",
            "What earlier consoles did: hostdeck audit",
        )

    def detail(self, key: Hashable | None) -> Sequence[Entry | Heading]:
        """The selected change with its steps."""
        change = self.deck.changes.of(cast("str", key)) if key is not None else None
        return present.detail(change, self.deck.clock) if change is not None else ()

    def selection(self) -> Selection:
        """The change's service."""
        key = cast("str | None", self.table.cursor_key)
        change = self.deck.changes.of(key) if key is not None else None
        if change is None:
            return Selection(self.PLACE)
        return Selection(self.PLACE, change.plan.target.host, (change.plan.target,), plan=change.plan, open=True)
