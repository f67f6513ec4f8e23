"""Who has a port: from listeners to the service, process or user behind each."""

from collections.abc import Iterable
from dataclasses import replace

from console.core.network import Listener, Process, Socket
from console.core.overlap import Binding, clash, overlaps
from console.core.service import Endpoint, Service, ServiceRef, State
from console.diagnosis import clusters, hidden, kernel_sockets, leftovers, spaces, strays, user_sockets
from console.diagnosis.container_ways import is_contained
from console.diagnosis.evidence import Evidence
from console.diagnosis.respawn import is_respawn_known, respawn_of
from console.diagnosis.verdict import Confidence, Holder
from console.managers import shares
from console.managers.join import INIT, Owners, of_user
from console.managers.unlisted import is_hidden_leftover, is_left_behind, unit_of_user

UNITS = (".service", ".socket")
# Of CLOSE-WAIT the other side is done: what nobody accepted stays in it for ever, such as a try of whoever looks.
_LIVE = ("ESTAB", "SYN-RECV")
_HALF_CLOSED = ("FIN-WAIT-1", "FIN-WAIT-2", "LAST-ACK", "CLOSING")
"""Live where a process still has the socket and only closed its own direction; without an inode nobody has it."""


def clashing(evidence: Evidence, wanted: Endpoint) -> tuple[Listener, ...]:
    """The listeners beside which ``wanted`` cannot be bound."""
    return tuple(listener for listener in evidence.snapshot.listeners if overlaps(wanted, listener) is not None)


def holders_of(evidence: Evidence, wanted: Endpoint, listeners: Iterable[Listener]) -> tuple[Holder, ...]:
    """Describe the owner of each of these listeners, the best known first.

    Of those that are known as well, IPv4 is first and the rest goes by name: the kernel lists them in an order of its
    own, and what is first is what a verdict speaks of.
    """
    known = strays.known(evidence)
    found = [_holder(evidence, wanted, part) for listener in listeners for part in shares.parts(known, listener)]
    return tuple(sorted(found, key=_rank))


def _rank(holder: Holder) -> tuple[int, bool, str, str]:
    return list(Confidence).index(holder.confidence), ":" in holder.address, holder.name, holder.address


def holder_of_socket(evidence: Evidence, socket: Socket) -> Holder:
    """Describe the owner of a socket that does not listen."""
    pid = socket.pids[0] if socket.pids else None
    process = evidence.process(pid)
    owners = Owners(evidence.snapshot.services)
    service = owners.of_pid(pid) or owners.of_cgroup(process.cgroup if process else None)
    service = service or owners.of_cgroup(socket.cgroup)
    known_by = _socket_known_by(socket)
    left = pid is not None and (service is None or is_left_behind(evidence.snapshot, service, (pid,)))
    return Holder(
        protocol=socket.protocol,
        address=socket.address,
        port=socket.port,
        pid=pid,
        user=(process.user if process else None) or socket.user or (f"uid {socket.uid}" if socket.uid else None),
        process=socket.process or (process.name if process else None),
        ref=service.ref if service else _ref_of_unit(evidence, socket),
        unit=socket.unit,
        chain=_chain(service, socket.unit, socket.process),
        up=process.age if process else None,
        since=_since(evidence, process, None),
        respawn=respawn_of(evidence.snapshot, service),
        told=is_respawn_known(service),
        command=process.command if process else None,
        cwd=process.cwd if process else None,
        ppid=process.ppid if process else None,
        confidence=_confidence(known_by),
        known_by=known_by,
        interface=socket.interface,
        peer=f"{socket.peer_address}:{socket.peer_port}" if socket.peer_port else None,
        strays=(pid,) if pid is not None and pid > 1 and left else (),
        sockets=(socket,),
    )


def same_service(first: Holder, second: Holder) -> bool:
    """Whether two holders are one service, or one process of none."""
    if first.ref is not None or second.ref is not None:
        return first.ref == second.ref
    return first.pid is not None and first.pid == second.pid


def owners_of(evidence: Evidence, sockets: Iterable[Socket]) -> tuple[Holder, ...]:
    """The owners of sockets that do not listen, each once; nobody owns what is in TIME-WAIT."""
    found = [holder_of_socket(evidence, one) for one in sockets if one.pids or one.unit or one.uid is not None]
    known: dict[object, Holder] = {}
    for holder in found:
        key = (holder.pid, holder.unit if holder.pid is None else None, holder.user)
        before = known[key].sockets if key in known else ()
        known[key] = replace(holder, sockets=(*before, *holder.sockets))
    return tuple(known.values())


def service_of(evidence: Evidence, listener: Listener) -> Service | None:
    """The service to which a listener belongs, as its manager knows it.

    A socket unit that its manager did not list is named all the same.
    """
    found = Owners(evidence.snapshot.services).of(listener)
    if found is None and (listener.unit or "").endswith(".socket") and not of_user(listener):
        return Service(_systemd(evidence, listener.unit or ""), State.UNKNOWN, "")
    return found or unit_of_user(evidence.snapshot, listener)


def connections_to(evidence: Evidence, listener: Listener) -> int | None:
    """How many live connections came in through a listener; ``None`` when that was not asked.

    Not at another address, and not what a client of this host has from the same port to somewhere else.
    """
    if evidence.sockets is None:
        return None
    place = Binding.of_listener(listener)
    met = [one for one in evidence.sockets if _is_live(one) and clash(place, Binding.of_socket(one)) is not None]
    beside = [other for other in evidence.snapshot.listeners if other.port == listener.port]
    away = leftovers.beside(evidence, met, beside, None)
    mine = [socket for socket in met if socket not in away]
    others = {pid for other in beside for pid in other.pids}
    if listener.pids and len(others) > 1:
        mine = [socket for socket in mine if set(socket.pids) & set(listener.pids)]
    return len(mine)


def _is_live(socket: Socket) -> bool:
    return socket.state in _LIVE or (socket.state in _HALF_CLOSED and socket.inode is not None)


def _holder(evidence: Evidence, wanted: Endpoint, listener: Listener) -> Holder:
    service = service_of(evidence, listener)
    ref = service.ref if service is not None else _ref_of_unit(evidence, listener)
    left = strays.strays(evidence, listener, service)
    hidden_left = service is not None and is_hidden_leftover(service, listener)
    told_by = None if hidden_left else service
    pid = left[0] if left and evidence.processes is not None else _culprit(listener)
    process = evidence.process(pid)
    known_by = _known_by(listener, service)
    made = Holder(
        protocol=listener.protocol,
        address=listener.address,
        port=listener.port,
        pid=pid,
        user=listener.user or (process.user if process else None) or _uid(listener),
        process=process.name if process else listener.process if pid == listener.pid else None,
        ref=ref,
        unit=listener.unit,
        chain=strays.chain(evidence, left[0], listener.unit, process.name if process else listener.process)
        if left
        else _chain(service, listener.unit, listener.process),
        since=_since(evidence, process, told_by),
        up=_up(evidence, process, told_by),
        connections=connections_to(evidence, listener),
        respawn=strays.respawn(evidence, left[0]) if left else respawn_of(evidence.snapshot, service),
        told=is_respawn_known(service),
        command=process.command if process else None,
        cwd=process.cwd if process else None,
        ppid=process.ppid if process else None,
        pid_file=_pid_file(service),
        confidence=_confidence(known_by),
        known_by=known_by,
        clash=overlaps(wanted, listener) if wanted.address != "*" or listener.address == "*" else None,
        interface=listener.interface,
        strays=left,
        parent=strays.parent(evidence, left[0]) if left else None,
        again=strays.again(evidence, ref) if left or hidden_left else None,
        note=strays.LEFT if hidden_left else None,
    )
    made = user_sockets.completed(evidence, made, listener)
    made = hidden.completed(evidence, spaces.completed(evidence, made, service, listener))
    made = kernel_sockets.completed(evidence, clusters.as_node_port(evidence, made), listener)
    # What somebody else runs is no process of its own.
    return made if made.label is None and not is_contained(made) else replace(made, strays=(), parent=None)


def _pid_file(service: Service | None) -> str | None:
    """The file by which its process is known; of one that is gone its state tells."""
    if service is None or service.launch is None or service.state is not State.RUNNING:
        return None
    return service.launch.pid_file


def _culprit(listener: Listener) -> int | None:
    """The process to name: of a socket that PID 1 shares with a service, the service's."""
    others = [pid for pid in listener.pids if pid != 1]
    return others[0] if others else listener.pid


def _known_by(listener: Listener, service: Service | None) -> tuple[str, ...]:
    found = []
    if listener.pids:
        found.append("inode")
    if service is not None and any(pid in service.pids for pid in listener.pids):
        found.append("manager")
    if service is not None and any(same_port(want, listener) for want in service.wants):
        found.append("manager")
    if listener.unit is not None or listener.cgroup is not None:
        found.append("cgroup")
    if listener.uid is not None and not listener.pids:
        found.append("uid")
    return tuple(dict.fromkeys(found))


def _socket_known_by(socket: Socket) -> tuple[str, ...]:
    found = ["inode"] if socket.pids else []
    if socket.unit is not None or socket.cgroup is not None:
        found.append("cgroup")
    if socket.uid is not None and not socket.pids:
        found.append("uid")
    return tuple(found)


def same_port(endpoint: Endpoint, listener: Listener) -> bool:
    """Whether a declaration and a listener name one protocol and port."""
    return (endpoint.protocol, endpoint.port) == (listener.protocol, listener.port)


def _confidence(known_by: tuple[str, ...]) -> Confidence:
    if "inode" in known_by or "manager" in known_by:
        return Confidence.HIGH
    return Confidence.MEDIUM if known_by else Confidence.LOW


def _chain(service: Service | None, unit: str | None, process: str | None) -> tuple[str, ...]:
    if service is not None:
        return service.chain or (service.ref.manager, service.ref.name)
    if unit is None:
        return ()
    inside = () if unit.endswith(UNITS) or process is None else (process,)
    return ("systemd", *(() if unit == INIT else (unit,)), *inside)


def _ref_of_unit(evidence: Evidence, listener: Listener | Socket) -> ServiceRef | None:
    """A unit that the list of services does not have, e.g. because it was started since."""
    unit = listener.unit
    if unit is None or not unit.endswith(UNITS) or of_user(listener):
        return None
    return _systemd(evidence, unit)


def _systemd(evidence: Evidence, unit: str) -> ServiceRef:
    return ServiceRef(evidence.snapshot.host, "systemd", unit)


def _uid(listener: Listener) -> str | None:
    return f"uid {listener.uid}" if listener.uid is not None else None


def _since(evidence: Evidence, process: Process | None, service: Service | None) -> float | None:
    if process is not None and process.age is not None and evidence.now is not None:
        return evidence.now - process.age
    return service.since if service is not None else None


def _up(evidence: Evidence, process: Process | None, service: Service | None) -> float | None:
    if process is not None and process.age is not None:
        return process.age
    if service is None or service.since is None or evidence.now is None:
        return None
    return max(0.0, evidence.now - service.since)
