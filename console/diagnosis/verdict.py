"""What a diagnosis says: the ``hostdeck.why/1`` object as frozen types."""

from dataclasses import dataclass
from enum import StrEnum

from console.core.command import quote
from console.core.declaration import Declaration
from console.core.finding import Proposal
from console.core.network import Socket
from console.core.reach import Attempt
from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import Symptom
from console.diagnosis.firewall import Judgement
from console.diagnosis.looks import Look

SCHEMA = "hostdeck.why/1"


class VerdictWord(StrEnum):
    """The answer in one word; stable, part of the JSON."""

    FREE = "free"
    HELD = "held"
    HELD_IN_CONTAINER = "held-in-container"
    LINGERING = "lingering"
    OUTGOING = "outgoing"
    BOUND_NOT_LISTENING = "bound-not-listening"
    NOT_PERMITTED = "not-permitted"
    NO_SUCH_ADDRESS = "no-such-address"
    UNREACHABLE = "unreachable"
    DUPLICATE = "duplicate"
    START_LIMIT = "start-limit"
    UNKNOWN = "unknown"

    @property
    def fine(self) -> bool:
        """Whether nothing is in the way of the port, by this word alone."""
        return self in (VerdictWord.FREE, VerdictWord.HELD_IN_CONTAINER)


class Confidence(StrEnum):
    """How sure an owner is known: by its file descriptor or its manager, by cgroup or uid, or only by name."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the port, and how that is known. ``None`` is "not known", never "none"."""

    protocol: str
    address: str
    port: int
    pid: int | None = None
    user: str | None = None
    process: str | None = None
    ref: ServiceRef | None = None
    """What its manager knows it as."""
    unit: str | None = None
    container: str | None = None
    """Its name, or the first letters of its identity where only these were seen."""
    chain: tuple[str, ...] = ()
    """Who runs it, outermost first."""
    since: float | None = None
    """The host's wall clock (Unix time, seconds)."""
    up: float | None = None
    """Seconds since it started."""
    connections: int | None = None
    respawn: str | None = None
    """What starts it again when it is killed, e.g. ``systemd Restart=always``."""
    told: bool = True
    """Whether its manager told of it, and so also whether anything starts it again."""
    command: str | None = None
    cwd: str | None = None
    """Where it works."""
    ppid: int | None = None
    pid_file: str | None = None
    confidence: Confidence = Confidence.LOW
    known_by: tuple[str, ...] = ()
    """``inode``, ``manager``, ``cgroup``, ``uid``, ``proxy`` (the words of a process that listens for a container),
    ``nat`` (a rule of the kernel), ``kernel`` (a socket of its own), ``namespace`` (the sockets of another network),
    ``name``."""
    clash: str | None = None
    """Why the wanted address cannot be bound beside it."""
    interface: str | None = None
    only_from: str | None = None
    """The clients that a rule sends to it, where it does not send all: an address or a network."""
    strays: tuple[int, ...] = ()
    """The processes to end, where no manager lets go of it."""
    parent: str | None = None
    """What started these and lives, so that it may start them again: ``loop.sh (pid 70)``."""
    again: str | None = None
    """What becomes of the unit that left it behind, where systemd starts that again."""
    note: str | None = None
    """What else there is to know of it: that it is an older run of the service that wants the port."""
    to: Endpoint | None = None
    """Where what comes is sent on to, where it is not served at the address itself."""
    label: str | None = None
    """What it is, where it is more than a container or a process: a pod, a service of a cluster, an engine's unit."""
    peer: str | None = None
    """The other end of a connection that does not listen."""
    sockets: tuple[Socket, ...] = ()
    """By what it keeps the port without listening."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens."""
        return Endpoint(self.protocol, self.address, self.port)

    def is_at(self, endpoint: Endpoint | None) -> bool:
        """Whether it has this port, at whatever address, and not another one of a service that wants several."""
        return endpoint is not None and (self.protocol, self.port) == (endpoint.protocol, endpoint.port)

    @property
    def name(self) -> str:
        """The best name there is: the service, else the process, else the user."""
        if self.ref is not None:
            return self.ref.name
        if self.label is not None:
            return self.label
        if self.container is not None:
            return f"container {self.container}"
        if self.process is not None:
            return f"{self.process} (pid {self.pid})" if self.pid is not None else self.process
        if self.unit is not None:
            return self.unit
        return f"a hidden process of {self.user}" if self.user is not None else "a hidden process"


LISTENED = "it listened there when it was last seen to run"
"""By what a port is known of which only an earlier run speaks."""


LISTENERS = "listeners"
"""What was not checked where the list of listeners is not of now."""


@dataclass(frozen=True, slots=True)
class NotChecked:
    """What could not be looked at, and why."""

    what: str
    why: str

    @property
    def brief(self) -> str:
        """Both for a sentence, without the line of sudoers that would help."""
        return f"{self.what}: {self.why.partition(', or in sudoers')[0]}"


@dataclass(frozen=True, slots=True)
class Failure:
    """How a service failed whose log names no address."""

    why: str
    log: tuple[str, ...] = ()
    """What it said last, oldest line first."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether clients get to a service that has its port."""

    attempts: tuple[Attempt, ...] = ()
    rule: Judgement | None = None
    """The worst that a packet filter does with what comes from outside; ``None`` where none was read."""
    dropped: bool = False
    """No way in is left."""
    ways_in: tuple[str, ...] = ()
    """Each interface and what becomes of a client there."""
    known_by: tuple[str, ...] = ()
    """What says that clients do not get in: ``address``, ``rule``, ``unit`` (its filter), ``queue``, ``connect``."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a service cannot have a port, who has it, and what to do."""

    host: str
    port: int | None
    """``None`` where a service names no port at all; the verdict is then ``unknown``."""
    protocol: str
    verdict: VerdictWord
    summary: str
    """One sentence for a person."""
    service: ServiceRef | None = None
    """The service that wants the port, where it is known."""
    state: str | None = None
    """The state of that service."""
    wanted: Endpoint | None = None
    symptom: Symptom | None = None
    port_known_by: str | None = None
    """What names the port, where that is neither the log nor a socket."""
    failure: Failure | None = None
    """How the service failed, where its log does not say that it was a port."""
    holders: tuple[Holder, ...] = ()
    clash: str | None = None
    declared_by: tuple[Declaration, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    actions: tuple[Proposal, ...] = ()
    confidence: Confidence = Confidence.LOW
    reach: Reach | None = None
    """Only where the port is held by whom it belongs to, and that was looked at."""
    impact: tuple[str, ...] = ()
    """What else is hit when the holder ends."""
    evidence: tuple[str, ...] = ()
    """What the verdict rests on, a line each."""
    at_home: bool = False
    """Whether the port is its holder's own, which runs, and nobody else is seen to want it: nothing is to be mended."""
    frozen: int | None = None
    """The process of the service that was asked about, where a signal stopped it: it has its port and does nothing."""
    keep: ServiceRef | None = None
    """Of two services that run one program: the one to keep."""
    looks: tuple[Look, ...] = ()
    """The looks that were taken on the host for it, word for word."""

    @property
    def has_its_port(self) -> bool:
        """Whether the service that was asked about runs and holds the port itself."""
        own = self.frozen is None and self.holders and all(holder.ref == self.service for holder in self.holders)
        return self.verdict is VerdictWord.HELD and self.service is not None and self.state == "running" and bool(own)

    @property
    def fine(self) -> bool:
        """Whether nothing is in the way: exit code 0."""
        return self.verdict.fine or self.has_its_port

    @property
    def inside(self) -> bool:
        """Whether those who are named listen only in networks of their own: none of them has the port of the host."""
        own = all("namespace" in holder.known_by and "nat" not in holder.known_by for holder in self.holders)
        return self.verdict is not VerdictWord.HELD and bool(self.holders) and own

    @property
    def port_words(self) -> str | None:
        """What names the port, as a sentence; ``None`` where that is the log or a socket."""
        if self.port_known_by is None:
            return None
        if self.port_known_by == LISTENED:
            return f"{self.port}: {LISTENED}"
        return f"{self.port} is named by {self.port_known_by}"

    @property
    def target(self) -> str:
        """What ``hostdeck why`` is asked for to get this verdict again, as a word of a shell."""
        if self.service is not None:
            return quote((str(self.service),))
        return f"{quote((self.host,))}:{self.port}{'/udp' if self.protocol == 'udp' else ''}"

    @property
    def is_old(self) -> bool:
        """Whether it rests on an old list of listeners."""
        return any(gap.what == LISTENERS for gap in self.not_checked)

    @property
    def holder(self) -> Holder | None:
        """The first holder."""
        return self.holders[0] if self.holders else None
