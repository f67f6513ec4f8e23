"""Sockets as the kernel lists them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket that accepts connections (TCP) or datagrams (UDP).

    Source: ``ss -Hltunpe`` of iproute2. ``pid`` is ``None`` where the kernel hides the owner from this user;
    that means "not seen", never "no owner".
    """

    protocol: str
    """``tcp`` or ``udp``."""
    address: str
    """Without brackets and without the interface: ``0.0.0.0``, ``::``, ``127.0.0.1``, ``*`` for a dual-stack socket."""
    port: int
    inode: int | None = None
    uid: int | None = None
    user: str | None = None
    pids: tuple[int, ...] = ()
    """Every process that holds the socket, as far as it was seen."""
    process: str | None = None
    unit: str | None = None
    """The systemd unit of the socket's cgroup, e.g. ``nginx.service`` or ``echo.socket``."""
    cgroup: str | None = None
    v6only: bool | None = None
    """Only for IPv6; ``None`` where the kernel did not say."""
    interface: str | None = None
    """Set for a socket bound to a device (SO_BINDTODEVICE) or a link-local scope."""
    backlog: int | None = None
    """Connections that wait to be accepted."""
    queue: int | None = None
    """How many may: the kernel takes one more, and drops what comes then."""

    @property
    def pid(self) -> int | None:
        """The first process seen to hold the socket."""
        return self.pids[0] if self.pids else None


@dataclass(frozen=True, slots=True)
class Socket:
    """A socket that does not listen: a TCP one that is connected, closing, in TIME_WAIT or only bound, a UDP one with
    a peer.
    """

    protocol: str
    state: str
    """As ``ss`` prints it: ``ESTAB``, ``TIME-WAIT``, ``CLOSE-WAIT`` ...; ``BOUND`` for one that is only bound."""
    address: str
    port: int
    peer_address: str
    peer_port: int
    pids: tuple[int, ...] = ()
    process: str | None = None
    inode: int | None = None
    timer: str | None = None
    """As ``ss -o`` prints it, e.g. ``timewait,42sec,0``."""
    uid: int | None = None
    user: str | None = None
    unit: str | None = None
    """The systemd unit of the socket's cgroup."""
    cgroup: str | None = None
    v6only: bool | None = None
    interface: str | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """A process, as ``/proc/PID`` or ``ps`` shows it."""

    pid: int
    name: str
    ppid: int | None = None
    user: str | None = None
    state: str | None = None
    """One letter, proc_pid_stat(5): R, S, D, Z ..."""
    command: str | None = None
    cgroup: str | None = None
    started: int | None = None
    """Clock ticks after boot (field 22 of ``/proc/PID/stat``): with the pid an identity that survives pid reuse."""
    age: float | None = None
    """Seconds since it started."""
    wait_channel: str | None = None
    """The kernel function in which it sleeps (``wchan``)."""
    cwd: str | None = None
    """Its working directory, with ``(deleted)`` behind one that is gone; ``None`` where this login may not see it."""


@dataclass(frozen=True, slots=True)
class Family:
    """A process and all that descend from it."""

    pid: int
    started: int
    """Clock ticks after boot, of the process itself."""
    cpu_seconds: float
    """Of all that live, since each of them started."""
    memory: int
    """Bytes, resident."""
    cgroup: str | None
    members: tuple[int, ...]
    """The process itself first."""
    users: tuple[str, ...] = ()
    """Whose it is, by name or else by number: whoever it runs as, and whoever has the user's slice that it is in."""


_UNITS = (".service", ".scope", ".socket", ".mount", ".swap")


def unit_of(cgroup: str | None) -> str | None:
    """The innermost systemd unit that is no slice in a cgroup path, as systemd.unit(5) names them."""
    for part in reversed((cgroup or "").split("/")):
        if part.endswith(_UNITS):
            # systemd puts a "_" in front of a name that the kernel could take for its own, such as "cpu.service".
            return part.removeprefix("_")
    return None
