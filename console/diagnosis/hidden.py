"""Programs of a service manager that this login may not ask: the manager's unit has the port, but not for itself."""

from collections.abc import Iterator
from dataclasses import replace

from console.core.finding import Proposal
from console.core.keepers import manager_of
from console.core.network import Process
from console.core.overlap import overlaps
from console.core.service import Service, ServiceRef
from console.diagnosis.evidence import Evidence, Question
from console.diagnosis.respawn import respawn_of
from console.diagnosis.strays import LEFT, again
from console.diagnosis.verdict import Holder
from console.diagnosis.wanting import Want

_LISTS = {"supervisord": ("supervisorctl status",), "pm2": ("pm2 list",)}


def keeper_of(evidence: Evidence, holder: Holder) -> str | None:
    """The manager for a program of which the port is held, where it is not known which one that is."""
    manager = manager_of(holder.unit)
    if manager is None or holder.note == LEFT or (holder.ref is not None and holder.ref.manager != "systemd"):
        return None
    if holder.pid is not None:
        # It may listen for itself, where it is remote-controlled; and what none of its programs is it left behind.
        known = holder.ref is not None and evidence.snapshot.run_by(holder.ref)
        return None if _is_manager(holder.process or "") or known else manager
    return None if evidence.members is not None and not _others(evidence, holder) else manager


def questions(evidence: Evidence, want: Want) -> Iterator[Question]:
    """The processes that share a control group with a socket whose own process is hidden."""
    if want.endpoint is None or evidence.members is not None:
        return
    for listener in evidence.snapshot.listeners:
        if overlaps(want.endpoint, listener) is None or listener.pids or listener.cgroup is None:
            continue
        if want.down or manager_of(listener.unit) is not None:
            yield Question("members", (listener.cgroup,))
            return


def completed(evidence: Evidence, holder: Holder) -> Holder:
    """A holder in the unit of a manager as one of that manager's programs; any other one as it is."""
    manager = keeper_of(evidence, holder)
    if manager is None or holder.pid is not None:
        return holder
    known = _others(evidence, holder)
    if known and not any(_is_run(evidence, one) for one in known):
        age = known[0].age if len(known) == 1 else None
        return replace(holder, note=LEFT, respawn=None, since=None, up=age, again=again(evidence, holder.ref))
    pids = {one.pid for one in known}
    programs = [one for one in _programs(evidence, holder) if pids & set(one.pids)]
    if len(programs) == 1:
        service = programs[0]
        up = max(0.0, evidence.now - service.since) if evidence.now is not None and service.since is not None else None
        respawn = respawn_of(evidence.snapshot, service)
        return replace(
            holder, ref=service.ref, chain=service.chain, respawn=respawn, since=service.since, up=up, told=True
        )
    one = known[0] if len(known) == 1 else None
    return replace(
        holder,
        ref=None,
        label=f"a program of {holder.unit}",
        chain=(*holder.chain[:2], manager),
        respawn=None,
        since=None,
        up=one.age if one is not None else None,
        process=None,
        command=f"perhaps {one.pid}: {one.command}" if one is not None else None,
        cwd=None,
        ppid=None,
    )


def find(evidence: Evidence, holder: Holder) -> Proposal | None:
    """How a person finds and stops that program; ``None`` for a holder that is none. Its unit is never stopped."""
    manager = keeper_of(evidence, holder)
    if manager is None:
        return None
    commands = _LISTS[manager]
    names = [one.ref.name for one in _programs(evidence, holder)]
    which = f"which of {', '.join(names[:4])} it is shows only to root" if names else f"{manager} did not tell of it"
    why = missing_right(evidence, manager) or which
    label = f"stop the program of {manager} that has {holder.port}"
    return Proposal("find-program", label, commands=commands, recommended=True, reason_off=f"by hand: {why}")


def missing_right(evidence: Evidence, manager: str) -> str | None:
    """Why a manager's programs are not told to this login, and what mends it."""
    source = evidence.snapshot.source(manager)
    return source.failure if source is not None else None


def _programs(evidence: Evidence, holder: Holder) -> tuple[Service, ...]:
    """What is known to run below its unit."""
    known = holder.ref is not None and holder.ref.name == holder.unit
    unit = holder.ref if known else None
    return evidence.snapshot.run_by(unit or ServiceRef(evidence.snapshot.host, "systemd", holder.unit or ""))


def _others(evidence: Evidence, holder: Holder) -> list[Process]:
    """The processes beside it that are of the user whose the socket is, and not the manager."""
    return [one for one in evidence.members or () if one.user == holder.user and not _is_manager(one.name)]


def _is_run(evidence: Evidence, process: Process) -> bool:
    """Whether it descends from its manager, as far as is known: what an earlier run of that left behind does not."""
    beside = {one.pid: one for one in evidence.members or ()}
    seen: set[int] = set()
    while process.pid not in seen:
        seen.add(process.pid)
        if _is_manager(process.name) or process.ppid is None:
            return True
        process = beside.get(process.ppid, process)
    return False


def _is_manager(name: str) -> bool:
    return name.startswith(("supervisord", "PM2 v"))
