"""Every service of every manager on every host, in one list."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, ClassVar, cast

from console.core.keys import Place
from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import LinkState
from console.core.words import listed
from console.ui import keymap
from console.ui.cells import Cell
from console.ui.off import KINDS
from console.ui.present import services as present
from console.ui.present.words import freshness, host_width
from console.ui.screens.list_screen import ListScreen
from console.ui.screens.log_tail import SHOWN, LogTail
from console.ui.screens.usage_watch import UsageWatch
from console.ui.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual.binding import BindingType

    from console.core.service import Service
    from console.ui.cells import Text
    from console.ui.widgets.detail import Entry, Heading
    from console.ui.widgets.table import Column, DeckTable, Row


class ServicesScreen(ListScreen):
    """All services, grouped; what failed floats to the top."""

    PLACE: ClassVar[Place] = Place.SERVICES
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(Place.SERVICES)]
    FILTER_HINT: ClassVar[str] = "host, service, manager, state or port"

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[str, present.HostLines] = {}
        self._tail = LogTail(self)
        self._usage = UsageWatch(self)
        self._versions = False
        self._parts: dict[str, tuple[tuple[object, ...], present.Listing]] = {}
        self._made_of: tuple[object, ...] = ()
        self._listing = present.Listing((), 0)

    def columns(self) -> Sequence[Column]:
        """The columns for the present grouping."""
        stale = any(known.stale for known in self._lines.values())
        host = host_width(self.deck.store.specs.values())
        return present.columns(self.deck.group, host, versions=self._versions, stale=stale)

    def rows(self, changed: frozenset[str] | None) -> tuple[Sequence[Row], int]:
        """The rows; of a host that did not change they are those of before."""
        del changed  # each host's lines know themselves whether they still hold
        deck, wall, now = self.deck, self.deck.clock.wall(), self.deck.clock.monotonic()
        for snapshot in deck.store.snapshots():
            known = self._lines.get(snapshot.host)
            if known is None or not known.holds(snapshot, now):
                self._lines[snapshot.host] = present.host_lines(snapshot, deck.store.specs[snapshot.host], wall, now)
        self._versions = any(known.versions for known in self._lines.values())
        listing = self._by_host(now) if deck.group == "host" else self._by_other()
        return listing.rows, listing.hidden

    def _by_host(self, now: float) -> present.Listing:
        parts: list[present.Listing] = []
        for host, known in self._lines.items():
            notes = self._notes(host, now)
            made_of = (known, self.needle, notes, self._versions)
            before = self._parts.get(host)
            if before is None or before[0][0] is not known or before[0][1:] != made_of[1:]:
                part = present.part_of_host(host, known.lines, self.needle, notes, versions=self._versions)
                before = self._parts[host] = (made_of, part)
            parts.append(before[1])
        return present.joined(parts)

    def _notes(self, host: str, now: float) -> tuple[Cell, ...]:
        notes = (Cell("  prod", "accent"),) if self.deck.production(host) else ()
        snapshot = self.deck.store.snapshot(host)
        return notes if snapshot.link.state is LinkState.UP else (*notes, Cell("  "), *freshness(snapshot, now))

    def _by_other(self) -> present.Listing:
        made_of = (*self._lines.values(), self.deck.group, self.needle, self._versions)
        if len(made_of) != len(self._made_of) or any(a is not b for a, b in zip(made_of, self._made_of, strict=True)):
            lines = list(chain.from_iterable(known.lines for known in self._lines.values()))
            self._listing = present.listing(lines, self.deck.group, self.needle, {}, versions=self._versions)
            self._made_of = made_of
        return self._listing

    def empty(self) -> tuple[Text, ...]:
        """Why there is no service to see."""
        waiting = self.deck.store.waiting()
        if self.needle:
            so_far = " so far" if waiting else ""
            none = f"No service{so_far} contains {self.needle!r}. esc shows all."
            return (none, f"Waiting for {listed(waiting)}.") if waiting else (none,)
        return (f"Waiting for {listed(waiting)}." if waiting else "No service manager answered: see Hosts for why.",)

    def detail(self, key: Hashable | None) -> Sequence[Entry | Heading]:
        """The selected service with its findings and the end of its log."""
        ref = cast("ServiceRef | None", key)
        service = self.deck.store.service(ref) if ref is not None else None
        if ref is None or service is None:
            return ()
        store = self.deck.store
        findings = [finding for finding in store.findings_of(ref.host) if finding.service == ref]
        log = self._tail.of(ref)[-SHOWN:]
        snapshot = store.snapshot(ref.host)
        usage = self._usage.of(ref) if service.pids and snapshot.link.state is LinkState.UP else None
        return present.detail(service, snapshot, self.deck.clock, findings=findings, log=log, usage=usage)

    def selection(self) -> Selection:
        """The service under the cursor, or all that are marked."""
        table = self.table
        key = cast("ServiceRef | None", table.cursor_key)
        marked = self._marked(table) if table.marks else ()
        services = marked or ((key,) if key is not None else ())
        host = key.host if key is not None else services[0].host if services else None
        service = self.deck.store.service(key) if key is not None else None
        return Selection(
            self.PLACE,
            host,
            services,
            cursor=(key or marked[0]) if marked else None,
            endpoint=self._port_of(service) if service is not None else None,
            labels={ident: f"{ident} {len(marked)}" for ident in KINDS} if marked else {},
            open=key is not None,
        )

    def _port_of(self, service: Service) -> Endpoint | None:
        """The port that is in question: the one that it cannot have, else what it wants or has."""
        for finding in self.deck.store.findings_of(service.ref.host):
            if finding.service == service.ref and finding.port is not None:
                wanted = [one for one in service.wants if (one.protocol, one.port) == (finding.protocol, finding.port)]
                return wanted[0] if wanted else Endpoint(finding.protocol, "*", finding.port)
        return next(iter((*service.wants, *service.ports)), None)

    def _marked(self, table: DeckTable) -> tuple[ServiceRef, ...]:
        """What is marked, in the order of the list."""
        return tuple(row.key for row in table.rows if isinstance(row.key, ServiceRef) and row.key in table.marks)

    def press_group(self) -> None:
        """Group by the next thing."""
        deck = self.deck
        deck.group = present.GROUPS[(present.GROUPS.index(deck.group) + 1) % len(present.GROUPS)]
        self.refresh_all()
        self.say(f"grouped by {deck.group}")

    def press_mark(self) -> None:
        """Mark the row; an action then applies to all that are marked."""
        self.table.toggle_mark()
        self.show_keys()
