"""Services and the one identity by which a service is known everywhere."""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from console.core.launch import Launch
from console.core.pid_file import Detached
from console.core.stop_way import StopWay


class State(StrEnum):
    """A service's state, the same words for every manager; the manager's own word is kept beside it."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPED = "stopped"
    FAILED = "failed"
    FLAPPING = "flapping"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class ServiceRef:
    """The identity of a service: row key, lock key, message address and audit key.

    ``scope`` is ``system`` or ``user:NAME``.
    """

    host: str
    manager: str
    name: str
    scope: str = "system"

    def __str__(self) -> str:
        """``host/manager:name``, with ``@NAME`` after the manager for a user's own service manager."""
        user = "" if self.scope == "system" else f"@{self.scope.removeprefix('user:')}"
        return f"{self.host}/{self.manager}{user}:{self.name}"

    @property
    def shown(self) -> str:
        """A service with its manager, where its name does not tell: ``api (pm2)``, ``api.service of alice``."""
        whose = "" if self.scope == "system" else f" of {self.scope.removeprefix('user:')}"
        return f"{self.name}{whose}" if self.manager == "systemd" else f"{self.name} ({self.manager}{whose})"

    def beside(self, other: "ServiceRef | None") -> str:
        """The name, told apart from that of another service which has the same."""
        return self.shown if other is not None and other != self and other.name == self.name else self.name


_USER_MANAGER = re.compile(r"user@\d+\.service")


def is_user_manager(unit: str) -> bool:
    """Whether a unit of the system is the whole service manager of a user: ``user@1000.service``."""
    return _USER_MANAGER.fullmatch(unit) is not None


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """An address and a port of a transport protocol. ``address`` is ``*`` where only the port is known."""

    protocol: str
    address: str
    port: int
    v6only: bool = field(default=False, compare=False)
    """Whether it is known to leave IPv4 to others; an address is the same with and without."""

    def __str__(self) -> str:
        """``tcp/0.0.0.0:8080``, with brackets around an IPv6 address."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.protocol}/{address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Hint:
    """Where a service may be meant to listen, and what says so: its command, a variable. It is not certain."""

    endpoint: Endpoint
    where: str


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """Another network than the host's, in which a service is to run by its definition."""

    path: str | None = None
    """The file of the namespace; ``None`` where one is made anew at each start."""
    shared_with: tuple[str, ...] = ()
    """Units whose network it gets where one of them runs when it is started."""

    def __str__(self) -> str:
        """As its definition says it."""
        return f"NetworkNamespacePath={self.path}" if self.path is not None else "PrivateNetwork=yes"


HOST_NETWORK = "host"
"""What engines call the network of the host: no container can have that name for its network."""
PRODUCTION = " (production)"
"""How the context of a cluster ends, in a chain, that is one of production."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an image comes from, by its engine and its own labels (OCI image specification, annotations)."""

    ident: str
    """``sha256:...``: the same for the same content only."""
    revision: str | None = None
    """``org.opencontainers.image.revision``: the commit it was built from."""
    source: str | None = None
    """``org.opencontainers.image.source``: where the source is kept."""


class Overdue(StrEnum):
    """What of a service has a time limit."""

    START = "start"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Service:
    """One service as its manager reports it. ``None`` means that the manager did not tell."""

    ref: ServiceRef
    state: State
    native_state: str
    """The manager's own word, e.g. ``failed/failed`` or ``active/running``."""
    description: str = ""
    pids: tuple[int, ...] = ()
    """The main process first."""
    since: float | None = None
    """When the present state began, in seconds of the host's wall clock (Unix time)."""
    attempt_since: float | None = None
    """From when on, on the same clock, log lines are of the newest attempt to start it; in a loop of restarts, of the
    newest attempt that ended."""
    never_ran: bool = False
    """It was made and never came up: nobody misses what it would serve."""
    restarts: int | None = None
    """Automatic restarts counted by the manager since the service was last started by hand."""
    ports: tuple[Endpoint, ...] = ()
    """Where it listens now."""
    wants: tuple[Endpoint, ...] = ()
    """What it is declared to listen on (configuration, socket unit), whether it does or not."""
    hints: tuple[Hint, ...] = ()
    """Where its definition may mean it to listen."""
    version: str | None = None
    health: str | None = None
    health_seconds: float | None = None
    """After how long its own health check has decided at the latest, where it has one and its manager tells."""
    result: str | None = None
    """Why it ended, in the manager's word: ``success``, ``exit-code``, ``start-limit-hit``, ``oom-kill`` ..."""
    exit_code: int | None = None
    exit_signal: int | None = None
    overdue: Overdue | None = None
    """What took longer than it may, where its manager ended it for that (``result`` is ``timeout``) and tells which."""
    enabled: str | None = None
    """``enabled``, ``disabled``, ``static``, ``masked``, ``masked-runtime`` ..."""
    unit_file: str | None = None
    drop_ins: tuple[str, ...] = ()
    needs_reload: bool = False
    """The file on disk is newer than what the manager has loaded."""
    restart_policy: str | None = None
    oneshot: bool = False
    """It does its work and ends: to be down after it ended well is as it should be."""
    reload_command: bool = False
    """The manager knows a reload of its own for this service."""
    triggered_by: tuple[str, ...] = ()
    """Socket, timer or path units that start it."""
    starters: tuple[str, ...] | None = None
    """The active units that start it again after it was stopped: of those in ``triggered_by``, and what upholds it
    (``Upholds=`` of systemd.unit(5)). ``None`` where it was not told which are active."""
    dependants: tuple[str, ...] = ()
    """What its manager stops or restarts along with it, and why: ``nginx.service (PartOf)``."""
    stop_way: StopWay | None = None
    """How its manager ends it, where that was told."""
    start_seconds: float | None = None
    """How long its manager waits until it is up, ``inf`` where that has no limit; ``None`` where that was not told."""
    start_limit: tuple[int, float] | None = None
    """How many starts within how many seconds the manager allows before it gives up."""
    cgroup: str | None = None
    memory: int | None = None
    """Bytes."""
    cpu_seconds: float | None = None
    tasks: int | None = None
    user: str | None = None
    chain: tuple[str, ...] = ()
    """Who runs it, outermost first: ``("systemd", "api.service")``, ``("systemd", "supervisor.service", "supervisord",
    "api")``."""
    daemon: int | None = None
    """The process of its service manager, where that is one of many on a host; 1 is never told."""
    manager_version: str | None = None
    """Of its service manager, where that told it with its services."""
    tool: tuple[str, ...] = ()
    """The words with which its manager's tool answers on that host, to be followed by a verb: ``("docker",)``,
    ``("sudo", "-n", "--", "supervisorctl")``, ``("sudo", "-n", "-u", "deploy", "--", "pm2")``. Empty where there is no
    such tool, or none that answers this user."""
    file_tool: tuple[str, ...] = ()
    """The words of the tool that reads the files in which it is declared, with those files, where that is another."""
    handle: tuple[str, ...] = ()
    """What its tool is given to mean just this service, where that may be other words than its name."""
    tool_missing: str | None = None
    """Why there is no tool, in one line that says what to do."""
    files_wrong: str | None = None
    """What is wrong in the files that its manager, or itself where it is the unit of one, would not start with."""
    files_unseen: str | None = None
    """Why it is not known what is in these files."""
    adrift: str | None = None
    """Why nobody looks after it: its manager does not run. What else is told is of an earlier time, or of its files."""
    ran: bool = False
    """Of one that nobody looks after: it ran when its manager told of it last."""
    log_files: tuple[str, ...] = ()
    """Where it writes its log on the host, the most useful first, where its manager told."""
    group: str | None = None
    """What it is part of in its manager: a Compose project, a Kubernetes namespace, a group of programs."""
    members: tuple[str, ...] = ()
    """What it is made of in its manager, by the names that the manager's tool takes: the containers of a service."""
    member_ports: tuple[tuple[str, Endpoint], ...] = ()
    """Which of several members has which port."""
    network: str | None = None
    """Whose network a container has instead of one of its own: ``HOST_NETWORK``, or that of the container so named."""
    image: str | None = None
    origin: Origin | None = None
    unclear: str | None = None
    """Why its state is not known, where its manager's word does not say it."""
    stuck: bool = False
    """Its manager does not get done what is wanted of it now, ``result`` says why; what it was before goes on."""
    replicas: int | None = None
    """How many of it are wanted, or were before it was stopped, where its manager runs more than one."""
    launch: Launch | None = None
    """What it runs, where its manager told that with its state."""
    directory: str | None = None
    """Where it is started, where its manager told that and no definition does: it may be wherever somebody was then."""
    program: str | None = None
    """The name of the program that it is configured to run, without its folder, where its manager told only that."""
    own_network: OwnNetwork | None = None
    """``None``: the host's, as far as was told."""
    detached: Detached | None = None
    """Of a service that is known by its pid file: what the file names, and how it is started and stopped."""
    told_at: float | None = None
    """The console's monotonic clock when it was told last, where just the part of its manager that runs it (one daemon
    of several) does not answer; else its source has the age."""

    @property
    def production_context(self) -> str | None:
        """The context of a cluster of production in which it is a workload, as its manager has marked it."""
        marked = self.chain[:1] == ("kubernetes",) and self.chain[1:2] and self.chain[1].endswith(PRODUCTION)
        return self.chain[1].removesuffix(PRODUCTION) if marked else None

    @property
    def pid(self) -> int | None:
        """The main process, where there is one."""
        return self.pids[0] if self.pids else None

    @property
    def is_masked(self) -> bool:
        """Whether its manager is told never to start it, for good or until the next boot."""
        return self.enabled in ("masked", "masked-runtime")

    def is_triggered_by(self, ref: ServiceRef) -> bool:
        """Whether that unit starts it: one of the same service manager, for names alone tell no two of them apart."""
        same = (ref.host, ref.manager, ref.scope) == (self.ref.host, self.ref.manager, self.ref.scope)
        return same and ref.name in self.triggered_by

    @property
    def started_by(self) -> tuple[str, ...]:
        """What starts it again after a stop; where that was not told its sockets, which few people stop."""
        if self.starters is not None:
            return self.starters
        return tuple(name for name in self.triggered_by if name.endswith(".socket"))

    @property
    def taken_along(self) -> tuple[ServiceRef, ...]:
        """Its dependants: services of the same manager."""
        return tuple(replace(self.ref, name=word.partition(" (")[0]) for word in self.dependants)

    @property
    def is_under_user(self) -> bool:
        """Whether the service manager of a user runs it, as its chain tells."""
        # A chain names such a manager by its unit, or by whose it is.
        above = self.chain[1] if self.chain[:1] == ("systemd",) and len(self.chain) > 1 else ""
        return is_user_manager(above) or above.startswith("user manager of ")

    def is_run_by(self, unit: ServiceRef) -> bool:
        """Whether this unit of systemd runs it, or what runs it.

        A unit of a user's own manager is behind that manager in the chain; a system unit of the same name is another.
        """
        above = self.chain[1:-1] if self.chain[:1] == ("systemd",) else ()
        if not above or unit.manager != "systemd":
            return False
        if unit.scope == "system":
            return unit.name in (above[:1] if self.is_under_user else above)
        return self.is_under_user and unit.scope == self.ref.scope and unit.name in above[1:]

    def answers_for(self, ref: ServiceRef) -> bool:
        """Whether that is the service itself, or the unit that starts it."""
        return ref == self.ref or self.is_triggered_by(ref)
