"""What the screens know: the latest snapshot of each host, its findings and a short history of its numbers."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from console.core.finding import Finding
from console.core.freshness import Freshness, not_of_now
from console.core.namesakes import Managers, managers_by_name
from console.core.sample import Rates, Sample
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot
from console.remote.transport import HostSpec
from console.ui.widgets.meter import History

CAPACITY = 120
"""Values of a history: two minutes at one look a second."""


class HostHistory:
    """The recent numbers of one host, in per cent of what there is."""

    __slots__ = ("cpu", "disk", "memory")

    def __init__(self) -> None:
        self.cpu = History(layers=3, capacity=CAPACITY)
        self.memory = History(layers=1, capacity=CAPACITY)
        self.disk = History(layers=1, capacity=CAPACITY)

    def push(self, sample: Sample, rates: Rates) -> None:
        """Take what one look said."""
        self.cpu.push(rates.cpu.user, rates.cpu.system + rates.cpu.steal, rates.cpu.iowait)
        self.memory.push(memory_used(sample))
        self.disk.push(max((disk.busy for disk in rates.disks), default=0.0))


def memory_used(sample: Sample) -> float:
    """Per cent of the memory that is not available to programs."""
    total = sample.memory.total
    return 100.0 * (total - sample.memory.available) / total if total else 0.0


class Counts(NamedTuple):
    """How much there is to see."""

    services: int
    failed: int
    """Of the services: those that failed or flap."""
    listeners: int


def counted(snapshot: Snapshot) -> Counts:
    """Count what one host has."""
    failed = sum(1 for service in snapshot.services if service.state in (State.FAILED, State.FLAPPING))
    return Counts(len(snapshot.services), failed, len(snapshot.listeners))


class Store:
    """The latest of every host. Changed only by ``apply``; who wants to know reads ``take_changed``."""

    def __init__(self, hosts: Iterable[HostSpec], now: float) -> None:
        self.specs = {spec.name: spec for spec in hosts}
        connecting = Link(LinkState.CONNECTING, now)
        self._snapshots = {name: Snapshot(name, connecting) for name in self.specs}
        self._findings: dict[str, tuple[Finding, ...]] = {}
        self._old: dict[str, Mapping[tuple[str, str, str], Freshness]] = {}
        self._first_seen: dict[tuple[str, str, str], float] = {}
        self._history = {name: HostHistory() for name in self.specs}
        self._changed: set[str] = set()
        self._sorted: tuple[Finding, ...] | None = None
        self._counts: dict[str, Counts] = dict.fromkeys(self.specs, Counts(0, 0, 0))
        self._names: dict[str, tuple[tuple[Service, ...], Managers]] = {}

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts' names in the order in which they were given."""
        return tuple(self.specs)

    def apply(self, snapshot: Snapshot, findings: tuple[Finding, ...], now: float | None = None) -> None:
        """Take what is now known of a host, at ``now`` on the console's monotonic clock, if that is known.

        A host that is not of this fleet is ignored.
        """
        host = snapshot.host
        if host not in self.specs:
            return
        before = self._snapshots[host]
        self._snapshots[host] = snapshot
        self._changed.add(host)
        if snapshot.sample is not None and snapshot.rates is not None and snapshot.sample is not before.sample:
            self._history[host].push(snapshot.sample, snapshot.rates)
        if snapshot.services is not before.services or snapshot.listeners is not before.listeners:
            self._counts[host] = counted(snapshot)
        if now is not None:
            self._note(host, findings, now)
        old = not_of_now(snapshot, findings)
        if self._findings.get(host) != findings or self._old.get(host, {}).keys() != old.keys():
            self._sorted = None
        self._findings[host], self._old[host] = findings, old

    def _note(self, host: str, findings: tuple[Finding, ...], now: float) -> None:
        """Remember since when each finding of a host is seen from here; one that comes back begins anew."""
        keys = {finding.key for finding in findings}
        for gone in [key for key in self._first_seen if key[0] == host and key not in keys]:
            del self._first_seen[gone]
        for key in keys:
            self._first_seen.setdefault(key, now)

    def first_seen(self, finding: Finding) -> float | None:
        """When this console first saw a finding, on its monotonic clock."""
        return self._first_seen.get(finding.key)

    def take_changed(self) -> frozenset[str]:
        """The hosts that changed since this was last called."""
        changed, self._changed = frozenset(self._changed), set()
        return changed

    def snapshot(self, host: str) -> Snapshot:
        """The latest of one host."""
        return self._snapshots[host]

    def snapshots(self) -> tuple[Snapshot, ...]:
        """The latest of every host."""
        return tuple(self._snapshots.values())

    def history(self, host: str) -> HostHistory:
        """The recent numbers of one host."""
        return self._history[host]

    def findings(self) -> tuple[Finding, ...]:
        """All findings of all hosts: worst first, of these what holds now before what is stale, then the newest."""
        if self._sorted is None:
            found = [finding for host in self.specs for finding in self._findings.get(host, ())]
            found.sort(key=lambda one: (one.severity.rank, self.stale(one) is not None, -(one.since or 0.0)))
            self._sorted = tuple(found)
        return self._sorted

    def stale(self, finding: Finding) -> Freshness | None:
        """How old a finding is of which it is not known whether it still holds; ``None`` of one that holds now."""
        return self._old.get(finding.host, {}).get(finding.key)

    def findings_of(self, host: str) -> tuple[Finding, ...]:
        """The findings of one host."""
        return self._findings.get(host, ())

    def finding(self, key: tuple[str, str, str]) -> Finding | None:
        """The finding of that identity, where it still holds."""
        return next((finding for finding in self.findings_of(key[0]) if finding.key == key), None)

    def service(self, ref: ServiceRef) -> Service | None:
        """The service of that identity."""
        known = self._snapshots.get(ref.host)
        return known.service(ref) if known is not None else None

    def names(self, host: str) -> Managers:
        """Which managers of a host have a service of which name."""
        services = self._snapshots[host].services
        kept = self._names.get(host)
        if kept is None or kept[0] is not services:
            kept = self._names[host] = (services, managers_by_name(services))
        return kept[1]

    def counts(self) -> Counts:
        """How much there is on all hosts together."""
        every = self._counts.values()
        return Counts(sum(n.services for n in every), sum(n.failed for n in every), sum(n.listeners for n in every))

    def links(self) -> tuple[tuple[str, int], ...]:
        """How many hosts are in which state of their connection, for the header: only states that occur."""
        states = [snapshot.link.state for snapshot in self._snapshots.values()]
        return tuple((state.value, states.count(state)) for state in _LINK_ORDER if state in states)

    def waiting(self) -> tuple[str, ...]:
        """Hosts that were not looked at as a whole yet and are not known to be down."""
        return tuple(
            snapshot.host
            for snapshot in self._snapshots.values()
            if snapshot.link.state is LinkState.CONNECTING
            or (snapshot.link.state is LinkState.UP and not snapshot.complete)
        )


_LINK_ORDER = (LinkState.UP, LinkState.CONNECTING, LinkState.STALE, LinkState.DOWN)


class Timer(Protocol):
    """Calls something once, later."""

    def __call__(self, delay: float, callback: Callable[[], None], /) -> object:
        """Call back after ``delay`` seconds."""
        ...


SOON = 0.005
"""Seconds: as soon as a timer can."""


class Coalescer:
    """Turns any number of pokes into few calls: one at once, then at most one per ``gap`` seconds.

    The gap grows with what a call costs, so that the screen never takes more than about a fifth of the time.
    """

    def __init__(self, later: Timer, clock: Callable[[], float], call: Callable[[], None], gap: float = 0.25) -> None:
        self._later, self._clock, self._call = later, clock, call
        self._gap = self._least = gap
        self._last: float | None = None
        self._waiting = False

    def poke(self) -> None:
        """Ask for a call."""
        if self._waiting:
            return
        now = self._clock()
        # A timer of nothing divides by it.
        wait = SOON if self._last is None else max(SOON, self._last + self._gap - now)
        self._waiting = True
        self._later(wait, self._run)

    def _run(self) -> None:
        self._waiting = False
        began = self._clock()
        self._call()
        self._last = self._clock()
        self._gap = min(2.0, max(self._least, 5 * (self._last - began)))
