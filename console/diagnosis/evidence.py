"""What a diagnosis looks at, and what it would still like to see."""

from dataclasses import dataclass

from console.core.declaration import Declaration
from console.core.environment import Told
from console.core.firewall import Chain
from console.core.launch import Launch
from console.core.network import Listener, Process, Socket
from console.core.reach import Attempt
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import LinkState, LogLine, Snapshot, Symptom
from console.diagnosis.claims import claims
from console.diagnosis.filter_lists import each_once
from console.diagnosis.looks import Look
from console.managers.kubernetes_ports import ClusterPorts
from console.managers.systemd_ending import telling
from console.probes.addresses import HostAddress
from console.probes.confinement import Confinement
from console.probes.denials import Denials, PortLabel
from console.probes.firewalld import Zone
from console.probes.iptables import Saved
from console.probes.kernel_sockets import KernelSockets
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.reach import Connected
from console.probes.redirects import Redirects
from console.probes.unit_filter import UnitFilter


@dataclass(frozen=True, slots=True)
class Question:
    """A look that would still change the verdict: the name of a probe and its arguments."""

    probe: str
    """The name of a probe: ``listeners``, ``process``, ``sockets``, ``bound``, ``limits``, ``journal`` ..."""
    args: tuple[str, ...] = ()
    """What the probe takes: process ids; a port; a number of lines and a unit."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A look that was tried in vain, and why."""

    probe: str
    why: str
    silent: bool = False
    """There was no answer in time: another time there may be one."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything a verdict rests on. ``None`` is "not asked"; an empty tuple is "asked, and there is none"."""

    snapshot: Snapshot
    target: ServiceRef | Endpoint
    """A service, or a port (with the address ``*`` where only the port was named)."""
    symptom: Symptom | None = None
    """Overrides the symptoms of the snapshot."""
    declared: tuple[Declaration, ...] = ()
    """What the console's configuration declares, beyond what the host tells."""
    processes: tuple[Process, ...] | None = None
    sockets: tuple[Socket, ...] | None = None
    """Connected sockets with the port as their local port."""
    bound: tuple[Socket, ...] | None = None
    """TCP sockets that are bound to the port and do nothing else."""
    unlisted: tuple[Socket, ...] | None = None
    """The same on kernels that do not tell of them, as root sees them; those of port 0 may be bound to any."""
    nftables: tuple[Chain, ...] | None = None
    iptables: Saved | None = None
    ip6tables: Saved | None = None
    firewalld: tuple[Zone, ...] | None = None
    """The zones, asked for where the rules themselves could not be read."""
    connected: Connected | None = None
    """What came of a connection that the host made to the port itself."""
    attempts: tuple[Attempt, ...] = ()
    """What came of connections from elsewhere."""
    peer: str | None = None
    """The host's address as it is reached straight from here; ``None`` behind a jump host."""
    asked_from: str | None = None
    """The host of the fleet from which the port should be reached."""
    other: str | None = None
    """The address of that host, as it is reached from here."""
    confinement: Confinement | None = None
    unit_filter: UnitFilter | None = None
    """What the unit that has the port lets in by a filter of its own."""
    audit_denials: Denials | None = None
    kernel_denials: Denials | None = None
    port_labels: tuple[PortLabel, ...] | None = None
    limits: PortLimits | None = None
    addresses: tuple[HostAddress, ...] | None = None
    journal: tuple[LogLine, ...] | None = None
    """The newest lines of the service's log, oldest first."""
    as_root: tuple[Listener, ...] | None = None
    """The listeners as root sees them, where sudo allows that look."""
    namespaces: Namespaces | None = None
    """What listens in other network namespaces than the host's own, and for them."""
    redirects: Redirects | None = None
    """Where the kernel sends what comes to the port."""
    cluster: ClusterPorts | None = None
    """What a cluster of Kubernetes gives away of this host's ports."""
    launch: Launch | None = None
    """What the service that wants the port runs, where its manager tells that only when it is asked."""
    launches: tuple[tuple[tuple[str, ...], Launch], ...] = ()
    """The same of units that have the port, by their names."""
    environments: tuple[tuple[tuple[str, ...], tuple[Told, ...]], ...] = ()
    """The variables of services, by the words that ask for them; their values are never shown."""
    members: tuple[Process, ...] | None = None
    """The processes in the control group of a socket whose own process is hidden."""
    user_sockets: tuple[Service, ...] | None = None
    """The socket units of the user whose service manager holds the port."""
    kernel_sockets: KernelSockets | None = None
    """Whether a socket that no process is seen to have is the kernel's own."""
    asked: tuple[Question, ...] = ()
    """What was asked for this verdict, whatever came of it."""
    refused: tuple[Refusal, ...] = ()
    looks: tuple[Look, ...] = ()
    """Every look that was taken for this verdict, word for word."""

    @property
    def claims(self) -> tuple[Declaration, ...]:
        """Every declaration: of managers, of files on the host, of the configuration."""
        return claims(self.snapshot, self.declared)

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

    @property
    def not_listening(self) -> tuple[Socket, ...]:
        """Every socket on the port that does not listen, as far as was seen."""
        placed = (socket for socket in self.unlisted or () if socket.port)
        return (*(self.sockets or ()), *(self.bound or ()), *placed)

    @property
    def chains(self) -> tuple[Chain, ...]:
        """All rules of packet filters that were read, each once."""
        saved = (told.chains for told in (self.iptables, self.ip6tables) if told is not None)
        return each_once(self.nftables, [chain for chains in saved for chain in chains])

    @property
    def knows_bound(self) -> bool:
        """Whether it is known which sockets are bound to the port without listening."""
        return self.bound is not None or (self.unlisted is not None and all(one.port for one in self.unlisted))

    def refusal(self, probe: str) -> str | None:
        """Why a look was refused; ``None`` when it was not tried or it succeeded."""
        return next((refusal.why for refusal in self.refused if refusal.probe == probe), None)

    def because(self, *probes: str) -> str:
        """Why these looks told nothing, to be put behind a sentence; empty where none of them was tried in vain."""
        found = dict.fromkeys(why for why in map(self.refusal, probes) if why is not None)
        return f" ({'; '.join(found)})" if found else ""

    @property
    def silent(self) -> bool:
        """Whether a look had no answer in time."""
        return any(refusal.silent for refusal in self.refused)

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
        return source.failure or ("not asked over this connection yet" if source.former else None)

    def listeners_age(self) -> float | None:
        """How many seconds old the list of listeners is at least, by the newest that is known of the host."""
        source = self.snapshot.source("listeners")
        if source is None or source.at is None:
            return None
        link = self.snapshot.link
        latest = max(self.snapshot.at or source.at, link.since if not self.reachable else source.at)
        return max(0.0, latest - source.at)

    def log_of(self, ref: ServiceRef) -> tuple[str, ...] | None:
        """The end of a service's log, as far as it says why it is down; ``None`` where it was not read."""
        if self.journal is not None:
            return tuple(line.message for line in telling(self.journal) if line.message.strip())
        words = (each.lines for each in self.snapshot.last_words if each.ref == ref)
        return next(words, None)
