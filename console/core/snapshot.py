"""What is known of a host at one moment, and how it came to be known."""

from dataclasses import dataclass, replace
from enum import StrEnum

from console.core.declaration import Declaration, Declared
from console.core.difference import Difference, Pair
from console.core.health import Health
from console.core.network import Listener, Process
from console.core.release import ReleaseBook
from console.core.sample import Filesystem, Rates, Sample
from console.core.service import Endpoint, OwnNetwork, Service, ServiceRef, is_user_manager


class LinkState(StrEnum):
    """The state of the connection to a host."""

    CONNECTING = "connecting"
    UP = "up"
    STALE = "stale"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Link:
    """The connection to a host.

    ``since`` is the console's monotonic clock in seconds. ``error`` is one line for a person, ``code`` one stable word
    for it: ``timeout``, ``refused``, ``auth-failed``, ``host-key-unknown``, ``host-key-changed``, ``host-key-revoked``,
    ``no-banner``, ``name``, ``unreachable``, ``lost``, ``jump``, ``config``, ``shell`` (the login runs no commands),
    ``internal`` (a fault of ours),
    ``channels`` (the host gives this connection no further channel).
    """

    state: LinkState
    since: float
    error: str | None = None
    code: str | None = None
    rtt: float | None = None
    """Seconds of the last probe's round trip."""
    retry_at: float | None = None
    """Monotonic time of the next attempt."""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """What a host is. Asked once a connection."""

    hostname: str
    os: str
    kernel: str
    user: str
    uid: int
    groups: tuple[str, ...] = ()
    tools: frozenset[str] = frozenset()
    """Which of the tools that probes may require are there."""
    login_shell: str = ""
    systemd: str | None = None
    """Version of systemd where it is PID 1."""
    session: tuple[int, ...] = ()
    """The processes by which the console is on this host: the one that looks, and all above it."""
    cgroups: tuple[str, ...] = ()
    """The control groups of these processes."""
    came_by: Endpoint | None = None
    """Where the console's connection arrived on this host, as sshd tells."""
    relayed: bool = False
    """What connected to sshd is on this host itself: it passes on what came to another place, which sshd cannot tell.
    It is in ``session`` and ``cgroups``, as far as this login may know."""
    dialled: int | None = None
    """The port to which the console connected."""


@dataclass(frozen=True, slots=True)
class Source:
    """One source of data of a host: when it last answered and why it does not.

    ``at`` is the console's monotonic clock in seconds, ``None`` when it never answered.
    ``failure`` is one line for a person; a source with a failure keeps its last data, whose age grows.
    """

    name: str
    at: float | None
    failure: str | None = None
    partial: bool = False
    """It answers: the failure is that of a part of it, or of something beside what it told at ``at``."""
    former: bool = False
    """What it told is of a former connection: it was not asked over this one yet."""
    waiting: bool = False
    """It was asked, and its time is not up: the failure says how long it takes."""
    hangs: bool = False
    """It was asked, or a part of it, and gave no answer in its time."""
    broken: bool = False
    """It, or a part of it, answered as nothing does that is well; who has no right to ask is answered well."""

    @property
    def stale(self) -> bool:
        """Whether what it told last may not be so any more."""
        return self.former or (self.failure is not None and not self.partial)

    @property
    def troubled(self) -> bool:
        """Whether it, or a part of it, fails otherwise than that this login has no right to ask it."""
        ailing = self.hangs or self.broken or self.waiting
        return self.failure is not None and (ailing or (self.at is not None and not self.partial))


@dataclass(frozen=True, slots=True)
class Symptom:
    """A start failure as a service's own log tells it."""

    ref: ServiceRef
    errno: str
    """``EADDRINUSE``, ``EACCES``, ``EPERM``, ``EADDRNOTAVAIL`` or ``EAFNOSUPPORT``."""
    line: str
    endpoint: Endpoint | None = None
    """What it wanted to bind, where the line names it."""
    at: float | None = None
    """The host's wall clock (Unix time, seconds) of the newest occurrence."""
    count: int = 1
    attempt: float | None = None
    """``attempt_since`` of the service when its log was read: what came later the log was not asked for."""


@dataclass(frozen=True, slots=True)
class LastWords:
    """The end of the log of a service that is down, oldest line first, already sanitised and masked."""

    ref: ServiceRef
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AbandonedPlan:
    """A plan whose processes are gone and that left no result: what it began was neither checked nor undone."""

    id: str
    kind: str
    """``restart`` ..."""
    ref: ServiceRef
    who: str
    """Who began it."""
    at: float | None = None
    """When it began: the host's wall clock (Unix time, seconds)."""
    step: str = ""
    """What it was doing last, where that is known."""


@dataclass(frozen=True, slots=True)
class LastPorts:
    """Where a service listened when it was last seen to."""

    ref: ServiceRef
    ports: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log, already sanitised. ``level``: ``critical``, ``error``, ``warning``, ``info``, ``debug``."""

    host: str
    service: str
    source: str
    """``journal`` or the path of a file."""
    message: str
    at: float | None = None
    level: str = "info"
    pid: int | None = None
    cursor: str | None = None
    dropped: int = 0
    """How many lines before this one were dropped because they came faster than they could be taken."""
    fields: tuple[tuple[str, str], ...] = ()
    by_engine: bool = False
    """The engine of a container says it, and not what runs in the container."""
    untimed: bool = False
    """No line of its source had a time so far: what is older than a moment cannot be told apart there."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known of one host. Immutable; parts that did not change are the same objects as before."""

    host: str
    link: Link
    at: float | None = None
    """The console's monotonic clock when the newest part arrived."""
    identity: Identity | None = None
    sample: Sample | None = None
    rates: Rates | None = None
    filesystems: tuple[Filesystem, ...] = ()
    silent_mounts: tuple[Filesystem, ...] = ()
    """Those that were asked and gave no answer."""
    blocked: tuple[Process, ...] = ()
    """Processes in state D."""
    halted: tuple[Process, ...] = ()
    """Processes in state T: stopped by a signal."""
    services: tuple[Service, ...] = ()
    listeners: tuple[Listener, ...] = ()
    processes: tuple[Process, ...] = ()
    """What is known of processes that listen and that no service has, and of those above them."""
    symptoms: tuple[Symptom, ...] = ()
    last_words: tuple[LastWords, ...] = ()
    """What the logs of services that are down ended with, as far as they were read."""
    health: tuple[Health, ...] = ()
    """What the declared health checks of running services said last."""
    last_ports: tuple[LastPorts, ...] = ()
    """Where services that do not listen now did when they were last seen to."""
    declared: Declared | None = None
    """What files claim ports; ``None`` where they were not looked at yet."""
    given: tuple[Declaration, ...] = ()
    """What a cluster gives away of this host's ports, as of the last look at it."""
    sources: tuple[Source, ...] = ()
    complete: bool = False
    """Whether every routine source of this host was asked at least once."""
    clock_skew: float | None = None
    """Seconds by which the host's wall clock is ahead of the console's; the round trip is the error."""
    books: tuple[ReleaseBook, ...] = ()
    """The releases of those services of which they were asked."""

    differences: tuple[Difference, ...] = ()
    """What other releases would change, of those pairs of which it was asked."""
    abandoned: tuple[AbandonedPlan, ...] = ()
    """The plans that were left there without an end, as of the last look at its plans."""

    def difference(self, pair: Pair) -> Difference | None:
        """In what two releases differ, where it was asked."""
        return next((found for found in self.differences if found.pair == pair), None)

    def book(self, ref: ServiceRef) -> ReleaseBook | None:
        """The releases of a service, where they were asked."""
        return next((book for book in self.books if book.ref == ref), None)

    def source(self, name: str) -> Source | None:
        """Return the source of that name when it was asked at all."""
        return next((source for source in self.sources if source.name == name), None)

    def said_last(self, ref: ServiceRef) -> tuple[str, ...]:
        """The end of the log of a service that is down; nothing where it was not read or is empty."""
        return next((words.lines for words in self.last_words if words.ref == ref), ())

    def listened(self, ref: ServiceRef) -> tuple[Endpoint, ...]:
        """Where a service that does not listen now did when it was last seen to."""
        return next((known.ports for known in self.last_ports if known.ref == ref), ())

    def health_of(self, ref: ServiceRef) -> Health | None:
        """What the declared health check of a service said last; ``None`` where it has none, or was not asked yet."""
        return next((known for known in self.health if known.ref == ref), None)

    def run_by(self, ref: ServiceRef) -> tuple[Service, ...]:
        """The services of other managers that this one runs: a manager's unit, and what goes with it."""
        return tuple(each for each in self.services if each.ref.manager != "systemd" and each.is_run_by(ref))

    def network_of(self, service: Service, endpoint: Endpoint | None = None) -> OwnNetwork | None:
        """The network in which a service is to run, by its own definition or that of the unit that runs its manager.

        ``endpoint``: what it is to be given there; of a socket unit it gets the socket that this has made.
        """
        if endpoint is not None and any(self._makes(name, service, endpoint) for name in service.triggered_by):
            return None
        if service.own_network is not None or service.ref.manager == "systemd":
            return service.own_network
        units = (one for one in self.services if one.own_network is not None and service.is_run_by(one.ref))
        return next((one.own_network for one in units), None)

    def _makes(self, trigger: str, service: Service, endpoint: Endpoint) -> bool:
        unit = self.service(replace(service.ref, name=trigger)) if trigger.endswith(".socket") else None
        place = endpoint.protocol, endpoint.port
        if unit is None or unit.own_network is not None:
            return False
        return any((one.protocol, one.port) == place for one in unit.wants)

    def units_of(self, ref: ServiceRef) -> tuple[Service, ...]:
        """The running units of a user's own service manager, where that unit is such a manager."""
        if (ref.manager, ref.scope) != ("systemd", "system") or not is_user_manager(ref.name):
            return ()
        own = (one for one in self.services if one.ref.manager == "systemd" and one.ref.scope != "system")
        return tuple(one for one in own if f"/{ref.name}/" in f"{one.cgroup}/")

    def service(self, ref: ServiceRef) -> Service | None:
        """Return the service of that identity."""
        return next((service for service in self.services if service.ref == ref), None)

    def process(self, pid: int | None) -> Process | None:
        """Return what is known of a process."""
        return next((process for process in self.processes if process.pid == pid), None)
