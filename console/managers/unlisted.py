"""Who has a listener that no service of a list has: a unit of another user's own manager, or processes nobody manages.

The one rule for the verdict and for the plan: what one of them names, the other can act on.
"""

import re
from collections.abc import Iterable, Iterator

from console.core.engines import is_daemon, is_publisher
from console.core.keepers import is_in_container, is_keeper, is_ssh_session, is_way_in
from console.core.network import Listener, Process
from console.core.restarts import awaits_restart
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Snapshot
from console.core.way_in import is_way_to_host
from console.managers.join import Owners, of_user
from console.managers.lineage import launches
from console.managers.process import ID as PROCESS
from console.managers.systemd_lingering import reached

MACHINE = 248
"""The version of systemd from which on root reaches the manager of another user with ``-M USER@``.

That way takes a bus of the user's session, which not every host has; to become the user takes none.
"""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_user_unit = re.compile(r"/user@\d+\.service/.*\.(service|socket)\Z")


def unlisted(snapshot: Snapshot, ref: ServiceRef) -> Service | None:
    """The service of that identity, made of what the host tells of its listeners and processes."""
    if ref.manager == PROCESS:
        return process(snapshot, int(ref.name)) if ref.name.isdecimal() and len(ref.name) <= 10 else None
    if ref.manager != "systemd" or ref.scope == "system":
        return None
    found = (unit_of_user(snapshot, listener) for listener in snapshot.listeners)
    return next((service for service in found if service is not None and service.ref == ref), None)


def unit_of_user(snapshot: Snapshot, listener: Listener) -> Service | None:
    """The unit of a user's own manager in whose control group the socket was made; ``None`` where it is none."""
    unit, user = listener.unit, listener.user
    if unit is None or user is None or not of_user(listener) or not _user_unit.search(listener.cgroup or ""):
        return None
    ref = ServiceRef(snapshot.host, "systemd", unit, f"user:{user}")
    tool, missing = _reach(snapshot, user, listener.uid)
    return Service(
        ref, State.RUNNING, "", pids=listener.pids, cgroup=listener.cgroup, user=user,
        ports=(Endpoint(listener.protocol, listener.address, listener.port),), tool=tool, tool_missing=missing,
        chain=("systemd", f"user@{listener.uid}.service", unit),
    )  # fmt: skip


def _reach(snapshot: Snapshot, user: str, uid: int | None) -> tuple[tuple[str, ...], str | None]:
    """The words with which this login acts on the units of another user, or why there are none."""
    own = snapshot.identity
    if own is not None and own.user == user:
        return (), None
    if own is None or own.uid != 0:
        return (), f"it belongs to {user}'s own service manager: connect as {user}, or as root"
    if "runuser" in own.tools:
        return reached(user, uid), None
    version = (own.systemd or "").partition(".")[0]
    if not version.isdecimal() or int(version) < MACHINE or not _NAME.fullmatch(user):
        why = f"this host has no runuser, and its systemd {own.systemd or ''} does not reach it from root's login"
        return (), f"it belongs to {user}'s own service manager; {why}: connect as {user}"
    return ("systemctl", "--user", "-M", f"{user}@"), None


def processes_of(snapshot: Snapshot, listener: Listener, service: Service | None) -> tuple[Service, ...]:
    """The processes to end for a listener that no service manager lets go: each that started those beside it.

    ``service``: to which the listener belongs by its control group or process, where there is one.
    """
    if not _is_stray(snapshot, listener, service):
        return ()
    found = (process(snapshot, pid) for pid in heads(listener.pids, snapshot.processes))
    return tuple(process for process in found if process is not None)


def _is_stray(snapshot: Snapshot, listener: Listener, service: Service | None) -> bool:
    if service is not None:
        return is_left_behind(snapshot, service, listener.pids)
    # A unit that is not listed, or not yet, is none the less a unit.
    unit = listener.unit or ""
    return _launched(unit) or not unit.endswith((".service", ".socket"))


def is_left_behind(snapshot: Snapshot, service: Service, pids: tuple[int, ...]) -> bool:
    """Whether these are processes that a unit left running: it has ended, or runs other services and not these.

    To stop the unit does nothing to them, or too much.
    """
    if service.ref.manager != "systemd" or not pids or set(pids) & set(service.pids):
        return False
    if _has_ended(service) or snapshot.run_by(service.ref):
        return True
    return _launched(service.ref.name)


def is_hidden_leftover(service: Service, listener: Listener) -> bool:
    """Whether it is of a process that a unit left in its control group, which this login may not name.

    A unit that has ended did, and one that starts jobs or logins of others, as it listens for none of these.
    """
    left = _has_ended(service) or (_launched(service.ref.name) and not is_way_to_host(service))
    mine = service.ref.manager == "systemd" and listener.unit == service.ref.name
    return mine and left and not listener.pids and (service.ref.scope != "system") == of_user(listener)


def _has_ended(service: Service) -> bool:
    """Whether nothing runs as this unit, also where systemd will start it again."""
    return service.state in (State.STOPPED, State.FAILED) or awaits_restart(service)


def _launched(unit: str) -> bool:
    """Whether what a login or a job left running stays in the control group of this unit, as that of what let it in."""
    return launches(unit)


def strangers(snapshot: Snapshot) -> tuple[int, ...]:
    """The processes that listen and that no service lets go, or that are only known by a pid file.

    With those that have a socket beside others: which of them a service lets go is only known by looking at them.
    """
    main = {pid for service in snapshot.services for pid in service.pids}
    owners = Owners(snapshot.services)
    found: set[int] = set()
    for listener in snapshot.listeners:
        service = owners.of(listener) if listener.pids else None
        if _is_stray(snapshot, listener, service) or (service is not None and service.ref.manager == "pidfile"):
            found.update(pid for pid in listener.pids if pid > 1)
        elif len(listener.pids) > 1:
            found.update(pid for pid in listener.pids if pid > 1 and pid not in main)
    return tuple(sorted(found))


def still_listening(
    processes: tuple[Process, ...], listeners: Iterable[Listener], also: frozenset[int]
) -> tuple[Process, ...]:
    """Of known processes those that listen, and those above them: a number that let go may be another's by now.

    ``also``: those that were told of last.
    """
    if not processes:
        return processes
    known = {process.pid: process for process in processes}
    wanted: set[int] = set()
    for pid in (pid for listener in listeners for pid in listener.pids):
        while pid in known and pid not in wanted:
            wanted.add(pid)
            pid = known[pid].ppid or 0
    kept = tuple(process for process in processes if process.pid in wanted or process.pid in also)
    return processes if kept == processes else kept


def heads(pids: Iterable[int], processes: Iterable[Process]) -> tuple[int, ...]:
    """Of processes that share a socket those that none of the others started: a master, not its workers."""
    parents = {process.pid: process.ppid for process in processes}
    others = {pid for pid in pids if pid > 1}
    return tuple(sorted(pid for pid in others if parents.get(pid) not in others))


def why_kept(snapshot: Snapshot, pid: int) -> str | None:
    """Why a process is never signalled from here, in one line; ``None`` where nothing is known against it."""
    name = _name(snapshot, pid)
    known = snapshot.process(pid)
    if pid <= 1 or (known is not None and known.ppid == 2):
        return f"{name} (pid {pid}) is the system itself: it is not signalled"
    if snapshot.identity is not None and pid in snapshot.identity.session:
        return f"{name} (pid {pid}) is the way by which this console is here: it is not signalled"
    if name in ("systemd", "init"):
        return f"{name} (pid {pid}) is a service manager: it is not signalled"
    if known is not None and is_ssh_session(name, known.command):
        return f"{name} (pid {pid}) is an SSH session of {known.user or 'somebody'}, which forwards: end that session"
    if is_way_in(name):
        return f"{name} (pid {pid}) is the way to this host: it is not signalled"
    if is_publisher(name) or is_daemon(name) or (known is not None and is_in_container(known.cgroup)):
        return f"{name} (pid {pid}) is of a container engine: stop the container, not the engine"
    service = Owners(snapshot.services).of_pid(pid)
    # One with a pid file is started again by nobody either.
    if service is not None and service.state is not State.STOPPED and service.ref.manager != "pidfile":
        return f"{name} (pid {pid}) is a process of {service.ref}: act on that"
    keeper = next((one for one in above(snapshot, pid) if is_keeper(one.name)), None)
    if keeper is not None:
        return f"{keeper.name} (pid {keeper.pid}) runs {name} (pid {pid}) and would start it again: act on that"
    return None


def above(snapshot: Snapshot, pid: int) -> Iterator[Process]:
    """The processes above one, the nearest first, as far as they were looked at."""
    seen = {pid}
    known = snapshot.process(pid)
    while known is not None and known.ppid is not None and known.ppid > 1 and known.ppid not in seen:
        seen.add(known.ppid)
        known = snapshot.process(known.ppid)
        if known is not None:
            yield known


def _name(snapshot: Snapshot, pid: int) -> str:
    known = snapshot.process(pid)
    if known is not None:
        return known.name
    return next((one.process for one in snapshot.listeners if one.pid == pid and one.process), None) or "a process"


def process(snapshot: Snapshot, pid: int) -> Service | None:
    """A process as a service without a manager; what was not looked at yet cannot be acted on."""
    known = snapshot.process(pid)
    mine = [listener for listener in snapshot.listeners if pid in listener.pids]
    if known is None and not mine:
        return None
    user = known.user if known is not None else mine[0].user
    inodes = dict.fromkeys(str(one.inode) for one in mine if one.inode is not None)
    off = f"process {pid} was not looked at yet: w looks" if known is None or known.started is None else None
    began = known.started if known is not None and known.started is not None else 0
    ref = ServiceRef(snapshot.host, PROCESS, str(pid))
    return Service(
        ref, State.RUNNING, "alive", _name(snapshot, pid), pids=(pid,), user=user,
        ports=tuple(Endpoint(one.protocol, one.address, one.port) for one in mine),
        cgroup=known.cgroup if known is not None else None, tool=_words(snapshot, user), tool_missing=off,
        handle=(str(pid), str(began), *inodes),
    )  # fmt: skip


def _words(snapshot: Snapshot, user: str | None) -> tuple[str, ...]:
    own = snapshot.identity
    mine = own is not None and (own.uid == 0 or own.user == user)
    return ("kill",) if mine else ("sudo", "-n", "--", "kill")
