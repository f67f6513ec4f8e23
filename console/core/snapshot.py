"""What is known of a host at one moment, and how it came to be known."""

from dataclasses import dataclass
from enum import StrEnum

from console.core.network import Listener, Process
from console.core.sample import Filesystem, Rates, Sample
from console.core.service import Endpoint, Service, ServiceRef


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


@dataclass(frozen=True, slots=True)
class Source:
    """One source of data of a host: when it last answered and why it does not.

    ``at`` is the console's monotonic clock in seconds, ``None`` when it never answered.
    ``failure`` is one line for a person; a source with a failure keeps its last data, whose age grows.
    """

    name: str
    at: float | None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Symptom:
    """A start failure as a service's own log tells it."""

    ref: ServiceRef
    errno: str
    """``EADDRINUSE``, ``EACCES`` or ``EADDRNOTAVAIL``."""
    line: str
    endpoint: Endpoint | None = None
    """What it wanted to bind, where the line names it."""
    at: float | None = None
    """The host's wall clock (Unix time, seconds) of the newest occurrence."""
    count: int = 1


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
    blocked: tuple[Process, ...] = ()
    """Processes in state D."""
    services: tuple[Service, ...] = ()
    listeners: tuple[Listener, ...] = ()
    symptoms: tuple[Symptom, ...] = ()
    sources: tuple[Source, ...] = ()
    complete: bool = False
    """Whether every routine source of this host was asked at least once."""
    clock_skew: float | None = None
    """Seconds by which the host's wall clock is ahead of the console's; the round trip is the error."""

    def source(self, name: str) -> Source | None:
        """Return the source of that name when it was asked at all."""
        return next((source for source in self.sources if source.name == name), None)

    def run_by(self, ref: ServiceRef) -> tuple[Service, ...]:
        """The services of other managers that this one runs: a manager's unit, and what goes with it."""
        return tuple(
            service
            for service in self.services
            if ref.manager == "systemd" != service.ref.manager and ref.name in service.chain[:-1]
        )

    def service(self, ref: ServiceRef) -> Service | None:
        """Return the service of that identity."""
        return next((service for service in self.services if service.ref == ref), None)
