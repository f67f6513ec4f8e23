"""Every listener and its owner, against what is declared. A digit filters by port at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from textual import work

from console.core.keys import TABS, Place
from console.ui import keymap
from console.ui.present import ports as present
from console.ui.present.words import host_width
from console.ui.screens.list_screen import ListScreen
from console.ui.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual.binding import BindingType

    from console.core.network import Listener
    from console.diagnosis.drift import Drift, Told
    from console.diagnosis.portmap import Entry as Mapped
    from console.ui.cells import Text
    from console.ui.widgets.detail import Entry, Heading
    from console.ui.widgets.table import Column, Row

LOOK_AGAIN = 30.0
"""Seconds after which the files of a host are compared again when the screen is opened."""


class _Kept(NamedTuple):
    """The lines of a host and what they were made of: what did not change is the same object."""

    parts: tuple[object, ...]
    rest: tuple[object, ...]
    lines: tuple[present.Line, ...]


class PortsScreen(ListScreen):
    """All listeners of all hosts; what clashes, or nobody declared, floats to the top.

    Files are looked at when the screen is opened, and only those that changed.
    """

    PLACE: ClassVar[Place] = Place.PORTS
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.PORTS)]
    FILTER_HINT: ClassVar[str] = "port, address, owner or host   (F1 to F7 change the screen)"

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[str, _Kept] = {}
        self._told: dict[str, tuple[object, Told]] = {}
        self._asked: dict[str, float] = {}

    def on_screen_resume(self) -> None:
        """Catch up, and have the files of every host compared."""
        super().on_screen_resume()
        if self.is_mounted and not self.deck_app.leaving:
            self._look()

    @work(group="declared", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        now = self.deck.clock.monotonic()
        due = [host for host in self.deck.store.specs if now - self._asked.get(host, -LOOK_AGAIN) >= LOOK_AGAIN]
        self._asked |= dict.fromkeys(due, now)
        # A host that is down has its reason on every screen.
        await asyncio.gather(*(self.deck.fleet.look_at_files(host) for host in due), return_exceptions=True)

    def columns(self) -> Sequence[Column]:
        """Host, port, address, owner, how that is known, who can reach it."""
        return present.columns(host_width(self.deck.store.specs.values()))

    def rows(self, changed: frozenset[str] | None) -> tuple[Sequence[Row], int]:
        """The rows; of a host whose listeners did not change they are those of before."""
        del changed  # compared by what they are made of
        drifts = self._drifts()
        lines: list[present.Line] = []
        for snapshot in self.deck.store.snapshots():
            known = self._known(snapshot.host, drifts)
            parts = (snapshot.services, snapshot.listeners, snapshot.declared, snapshot.given, known.findings)
            rest = (snapshot.link.state, known.drifts)
            before = self._lines.get(snapshot.host)
            same = before is not None and all(a is b for a, b in zip(before.parts, parts, strict=True))
            if before is None or not same or before.rest != rest:
                made = present.host_lines(known, self.deck.store.specs[snapshot.host])
                before = self._lines[snapshot.host] = _Kept(parts, rest, made)
            lines += before.lines
        return present.filtered(lines, self.needle)

    def _known(self, host: str, drifts: Sequence[Drift]) -> present.Known:
        return present.Known(
            self.deck.store.snapshot(host),
            self.deck.store.findings_of(host),
            self.deck.declared(host),
            tuple(one for one in drifts if one.host == host),
        )

    def _drifts(self) -> tuple[Drift, ...]:
        """Over all hosts; of one whose services did not change what was found before."""
        from console.diagnosis.drift import drifts, stable_ports

        for snapshot in self.deck.store.snapshots():
            before = self._told.get(snapshot.host)
            if before is None or before[0] is not snapshot.services:
                self._told[snapshot.host] = (snapshot.services, stable_ports(snapshot))
        return drifts(told for _, told in self._told.values())

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

    def _unheld(self) -> Mapped | None:
        """What is declared under the cursor, where nobody listens."""
        key = cast("present.Key | None", self.table.cursor_key)
        if key is None or key[4] != present.NOBODY:
            return None
        return self._known(key[0], ()).mapped().get((key[1], key[3]))

    def detail(self, key: Hashable | None) -> Sequence[Entry | Heading]:
        """The selected listener, or what is declared where there is none."""
        if key is None:
            return ()
        known = self._known(cast("present.Key", key)[0], self._drifts())
        now = self.deck.clock.monotonic()
        listener, unheld = self.listener(), self._unheld()
        if unheld is not None:
            return present.unheld_detail(unheld, known, now)
        return present.detail(listener, known, now) if listener is not None else ()

    def selection(self) -> Selection:
        """The listener with the service that has it, or that wants it where nobody listens."""
        listener, unheld = self.listener(), self._unheld()
        if unheld is not None:
            port = unheld.declared_by[0].at(unheld.port)
            return Selection(self.PLACE, unheld.host, unheld.services[:1], endpoint=port, open=True)
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
