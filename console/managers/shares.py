"""A socket that several control groups have: who inherited it keeps the port when the others are stopped."""

from dataclasses import replace

from console.core.network import Listener, unit_of
from console.core.service import Service
from console.core.snapshot import Snapshot
from console.managers.join import Owners, is_publishing

_ENGINES = ("docker", "compose", "kubernetes")


def parts(snapshot: Snapshot, listener: Listener) -> tuple[Listener, ...]:
    """The listener as each control group has it that must let go of it, that in which it was made first.

    Of a process that was not looked at it is not known in which it is.
    """
    owners = Owners(snapshot.services)
    owner = owners.of(listener)
    if listener.cgroup is None or is_publishing(listener) or (owner is not None and owner.ref.manager in _ENGINES):
        return (listener,)
    away: dict[str, list[int]] = {}
    for pid in listener.pids:
        if (group := _away(snapshot, owners, owner, listener, pid)) is not None:
            away.setdefault(group, []).append(pid)
    if not away:
        return (listener,)
    gone = {pid for pids in away.values() for pid in pids}
    home = tuple(pid for pid in listener.pids if pid not in gone)
    others = (_part(snapshot, listener, tuple(pids), group) for group, pids in away.items())
    return (*((_part(snapshot, listener, home, listener.cgroup),) if home else ()), *others)


def _part(snapshot: Snapshot, listener: Listener, pids: tuple[int, ...], group: str) -> Listener:
    first = snapshot.process(next((pid for pid in pids if pid != 1), None))
    name = first.name if first is not None else listener.process if pids[0] == listener.pid else None
    unit = listener.unit if group == listener.cgroup else unit_of(group)
    return replace(listener, pids=pids, process=name, cgroup=group, unit=unit)


def _away(snapshot: Snapshot, owners: Owners, owner: Service | None, listener: Listener, pid: int) -> str | None:
    """The control group of a process that has the socket and is none of its owner's."""
    known = snapshot.process(pid)
    group = known.cgroup if known is not None else None
    if pid <= 1 or group is None or group == "/" or group.startswith("/.."):
        return None
    for service in (owners.of_pid(pid), owners.of_cgroup(group)):
        # What a socket unit started has the socket by right, and is stopped with it.
        if service is not None and owner is not None and service.answers_for(owner.ref):
            return None
    homes = (listener.cgroup, owner.cgroup if owner is not None else None)
    return None if any(f"{group}/".startswith(f"{home}/") for home in homes if home) else group
