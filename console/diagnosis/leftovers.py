"""What can sit on a port without listening: left-over connections, outgoing ones, a bound socket."""

import re
from collections import Counter
from collections.abc import Sequence

from console.core.network import Listener, Socket
from console.core.overlap import Binding, clash
from console.core.service import Endpoint, Service
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import VerdictWord
from console.probes.limits import PortLimits

WELL_KNOWN = 1024
"""No client comes from a port below."""
BOUND = ("BOUND", "UNCONN", "CLOSED")
"""Words for a TCP socket that is bound and neither listens nor is connected."""
_TIMER = re.compile(r"timewait,(?:(?P<minutes>\d+)min)?(?:(?P<seconds>\d+(?:\.\d+)?)(?P<unit>m?s)(?:ec)?)?,")


def in_the_way(evidence: Evidence, wanted: Endpoint) -> tuple[Socket, ...]:
    """The sockets that do not listen and may keep a listener from binding ``wanted``."""
    target = Binding.of_endpoint(wanted)
    return tuple(socket for socket in evidence.not_listening if clash(target, Binding.of_socket(socket)) is not None)


def kind_of(evidence: Evidence, sockets: tuple[Socket, ...], service: Service | None) -> VerdictWord:
    """Tell what the sockets are; ``sockets`` is not empty."""
    if any(socket.protocol == "tcp" and socket.state in BOUND for socket in sockets):
        return VerdictWord.BOUND_NOT_LISTENING
    if any(is_outgoing(evidence, socket, service) for socket in sockets):
        return VerdictWord.OUTGOING
    return VerdictWord.LINGERING


def is_outgoing(evidence: Evidence, socket: Socket, service: Service | None) -> bool:
    """Whether this host opened the connection: the other end is where a server would be.

    Where that cannot be told from the ports, a process outside the service is taken for a client.
    """
    listens = {listener.port for listener in evidence.snapshot.listeners}
    if socket.peer_port in listens and _is_local(evidence, socket):
        return True
    if socket.peer_port < WELL_KNOWN:
        return True
    if not in_ephemeral(evidence, socket.port):
        return False
    if not in_ephemeral(evidence, socket.peer_port):
        return True
    return bool(socket.pids) and (service is None or not set(socket.pids) & set(service.pids))


def beside(
    evidence: Evidence, sockets: Sequence[Socket], listeners: Sequence[Listener], service: Service | None
) -> tuple[Socket, ...]:
    """Those of the sockets that are outgoing connections of others than who listens: nothing of it came in there."""
    return tuple(
        socket
        for socket in sockets
        if (socket.pids or socket.cgroup)
        and not any(_is_of(listener, socket) for listener in listeners)
        and is_outgoing(evidence, socket, service)
    )


def _is_of(listener: Listener, socket: Socket) -> bool:
    """Whether who listens has the connection, too."""
    return bool(set(listener.pids) & set(socket.pids)) or (
        socket.cgroup is not None and socket.cgroup == listener.cgroup
    )


def in_ephemeral(evidence: Evidence, port: int) -> bool:
    """Whether outgoing connections may take the port; by the kernel's default where the host was not asked."""
    return (evidence.limits or PortLimits()).ephemeral(port)


def count_states(sockets: tuple[Socket, ...]) -> str:
    """``3 in TIME-WAIT, 1 in CLOSE-WAIT``, the most frequent first."""
    return ", ".join(f"{count} in {state}" for state, count in Counter(s.state for s in sockets).most_common())


def last_timewait(sockets: tuple[Socket, ...]) -> float | None:
    """Seconds until the last TIME-WAIT is over; ``None`` where the kernel did not say."""
    left = [seconds for socket in sockets if (seconds := _timewait(socket.timer)) is not None]
    return max(left, default=None)


def _timewait(timer: str | None) -> float | None:
    """Read ``ss -o``: ``timewait,42sec,0``, ``timewait,1min10sec,0``, ``timewait,850ms,0``."""
    match = _TIMER.match(timer or "")
    if match is None:
        return None
    seconds = float(match["seconds"] or 0) * (0.001 if match["unit"] == "ms" else 1.0)
    return float(match["minutes"] or 0) * 60.0 + seconds


def _is_local(evidence: Evidence, socket: Socket) -> bool:
    if socket.peer_address == socket.address:
        return True
    return any(one.address == socket.peer_address for one in evidence.addresses or ())
