"""What a diagnosis looks at, and what it would still like to see."""

from dataclasses import dataclass

from console.core.network import Process, Socket
from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import LinkState, LogLine, Snapshot, Symptom
from console.diagnosis.verdict import Declaration
from console.probes.addresses import HostAddress
from console.probes.limits import PortLimits


@dataclass(frozen=True, slots=True)
class Question:
    """A look that would still change the verdict: the name of a probe and its arguments."""

    probe: str
    """``listeners``, ``process``, ``sockets``, ``limits``, ``addresses``, ``journal`` or ``user_journal``."""
    args: tuple[str, ...] = ()
    """What the probe takes: process ids; a port; a number of lines and a unit."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A look that was tried in vain, and why."""

    probe: str
    why: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything a verdict rests on. ``None`` is "not asked"; an empty tuple is "asked, and there is none"."""

    snapshot: Snapshot
    target: ServiceRef | Endpoint
    """A service, or a port (with the address ``*`` where only the port was named)."""
    symptom: Symptom | None = None
    """Overrides the symptoms of the snapshot."""
    declared: tuple[Declaration, ...] = ()
    """Declarations beyond those that services carry themselves, e.g. of the console's configuration."""
    processes: tuple[Process, ...] | None = None
    sockets: tuple[Socket, ...] | None = None
    """Sockets with the port as their local port that do not listen."""
    limits: PortLimits | None = None
    addresses: tuple[HostAddress, ...] | None = None
    journal: tuple[LogLine, ...] | None = None
    """The newest lines of the service's log, oldest first."""
    refused: tuple[Refusal, ...] = ()

    @property
    def now(self) -> float | None:
        """The host's wall clock, where it was asked."""
        sample = self.snapshot.sample
        return sample.wall if sample is not None else None

    @property
    def is_root(self) -> bool:
        """Whether the connection sees what only root sees."""
        identity = self.snapshot.identity
        return identity is not None and identity.uid == 0

    @property
    def reachable(self) -> bool:
        """Whether what is known of the host is of now."""
        return self.snapshot.link.state is LinkState.UP

    def refusal(self, probe: str) -> str | None:
        """Why a look was refused; ``None`` when it was not tried or it succeeded."""
        return next((refusal.why for refusal in self.refused if refusal.probe == probe), None)

    def process(self, pid: int | None) -> Process | None:
        """What is known of a process."""
        return next((process for process in self.processes or () if process.pid == pid), None)

    def listeners_gap(self) -> str | None:
        """Why the list of listeners is not to be relied on; ``None`` when it is."""
        if not self.reachable:
            return self.snapshot.link.error or f"the host is {self.snapshot.link.state}"
        source = self.snapshot.source("listeners")
        if source is None or source.at is None:
            return (source.failure if source else None) or self.refusal("listeners") or "not asked yet"
        return source.failure
