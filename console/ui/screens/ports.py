"""Every listener and its owner. A digit filters by port at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from console.core.keys import TABS, Place
from console.ui import keymap
from console.ui.present import ports as present
from console.ui.present.words import host_width
from console.ui.screens.list_screen import ListScreen
from console.ui.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual.binding import BindingType

    from console.core.finding import Finding
    from console.core.network import Listener
    from console.core.service import Service
    from console.ui.cells import Text
    from console.ui.widgets.detail import Entry, Heading
    from console.ui.widgets.table import Column, Row

Known = tuple["tuple[Service, ...]", "tuple[Listener, ...]", "tuple[Finding, ...]", object]


class PortsScreen(ListScreen):
    """All listeners of all hosts; what clashes or has no service floats to the top."""

    PLACE: ClassVar[Place] = Place.PORTS
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.PORTS)]
    FILTER_HINT: ClassVar[str] = "port, address, owner or host   (F1 to F7 change the screen)"

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[str, tuple[Known, tuple[present.Line, ...]]] = {}

    def columns(self) -> Sequence[Column]:
        """Host, port, address, owner, how that is known, who can reach it."""
        return present.columns(host_width(self.deck.store.specs.values()))

    def rows(self, changed: frozenset[str] | None) -> tuple[Sequence[Row], int]:
        """The rows; of a host whose listeners did not change they are those of before."""
        del changed  # compared by what they are made of
        store = self.deck.store
        lines: list[present.Line] = []
        for snapshot in store.snapshots():
            findings = store.findings_of(snapshot.host)
            known: Known = (snapshot.services, snapshot.listeners, findings, snapshot.link.state)
            before = self._lines.get(snapshot.host)
            if before is None or any(a is not b for a, b in zip(before[0], known, strict=True)):
                before = (known, present.host_lines(snapshot, store.specs[snapshot.host], findings))
                self._lines[snapshot.host] = before
            lines += before[1]
        return present.filtered(lines, self.needle)

    def empty(self) -> tuple[Text, ...]:
        """That nothing listens, and on how many hosts that was asked."""
        return present.nothing(self.deck.store, self.needle)

    def listener(self) -> Listener | None:
        """The listener under the cursor."""
        key = cast("present.Key | None", self.table.cursor_key)
        if key is None:
            return None
        listeners = self.deck.store.snapshot(key[0]).listeners
        return next((listener for listener in listeners if present.key_of(key[0], listener) == key), None)

    def detail(self, key: Hashable | None) -> Sequence[Entry | Heading]:
        """The selected listener."""
        listener = self.listener()
        if key is None or listener is None:
            return ()
        snapshot = self.deck.store.snapshot(cast("present.Key", key)[0])
        findings = self.deck.store.findings_of(snapshot.host)
        return present.detail(listener, snapshot, self.deck.clock.monotonic(), findings)

    def selection(self) -> Selection:
        """The listener with the service that has it."""
        listener = self.listener()
        if listener is None:
            return Selection(self.PLACE)
        host = cast("present.Key", self.table.cursor_key)[0]
        owner = present.Owners(self.deck.store.snapshot(host).services).of(listener)
        services = (owner.service.ref,) if owner.service is not None else ()
        return Selection(self.PLACE, host, services, endpoint=present.endpoint_of(listener), open=True)

    async def action_digit(self, digit: str) -> None:
        """A number is what a person types here: it filters at once, and the other keys go on meaning what they mean."""
        first = not self.needle
        await self._filter_by(self.needle + digit)
        if first and digit in "1234567":
            # Elsewhere this digit changes the screen: say so to who meant that.
            place = TABS[int(digit) - 1]
            key = keymap.tab_key(place, self.PLACE, self.deck.config.keys)
            self.say(f"here a digit filters by port: {key} opens {place.title()}, esc shows all ports")

    async def action_backspace(self) -> None:
        """Take the last character of the filter back."""
        if self.needle[:-1]:
            await self._filter_by(self.needle[:-1])
        elif self.needle:
            self.clear_filter()

    async def _filter_by(self, text: str) -> None:
        self.needle = text
        await self.open_filter(text, focus=False)
        self.refresh_all()
