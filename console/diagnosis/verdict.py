"""What a diagnosis says: the ``hostdeck.why/1`` object as frozen types."""

from dataclasses import dataclass
from enum import StrEnum

from console.core.finding import Proposal
from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import Symptom

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
        """Whether nothing is in the way of the port: exit code 0."""
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
    chain: tuple[str, ...] = ()
    """Who runs it, outermost first."""
    since: float | None = None
    """The host's wall clock (Unix time, seconds)."""
    up: float | None = None
    """Seconds since it started."""
    connections: int | None = None
    respawn: str | None = None
    """What starts it again when it is killed, e.g. ``systemd Restart=always``."""
    command: str | None = None
    confidence: Confidence = Confidence.LOW
    known_by: tuple[str, ...] = ()
    """``inode``, ``manager``, ``cgroup``, ``uid``, ``name``."""
    clash: str | None = None
    """Why the wanted address cannot be bound beside it."""
    interface: str | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens."""
        return Endpoint(self.protocol, self.address, self.port)

    @property
    def name(self) -> str:
        """The best name there is: the service, else the process, else the user."""
        if self.ref is not None:
            return self.ref.name
        if self.container is not None:
            return f"container {self.container}"
        if self.process is not None:
            return f"{self.process} (pid {self.pid})" if self.pid is not None else self.process
        if self.unit is not None:
            return self.unit
        return f"a hidden process of {self.user}" if self.user is not None else "a hidden process"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A configuration that claims a port. ``where`` is a file with a line, or the words of a manager."""

    service: str
    endpoint: Endpoint
    where: str


@dataclass(frozen=True, slots=True)
class NotChecked:
    """What could not be looked at, and why."""

    what: str
    why: str


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
    holders: tuple[Holder, ...] = ()
    clash: str | None = None
    declared_by: tuple[Declaration, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    actions: tuple[Proposal, ...] = ()
    confidence: Confidence = Confidence.LOW
    impact: tuple[str, ...] = ()
    """What else is hit when the holder ends."""
    evidence: tuple[str, ...] = ()
    """What the verdict rests on, a line each."""

    @property
    def holder(self) -> Holder | None:
        """The first holder."""
        return self.holders[0] if self.holders else None
