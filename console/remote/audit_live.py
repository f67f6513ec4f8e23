"""What hosts say now of plans, beside what the audit trail of this machine has of them. Pure.

The trail has no end of a plan that still runs, and nothing at all of what was begun elsewhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from console.core.plan import Result
from console.core.text import mask
from console.remote.audit import AuditEntry, AuditFilter
from console.remote.plan_inspect import HostPlan, HostView, PlanLife
from console.remote.plan_locks import LockHolder
from console.remote.plan_others import of_lock


def beside(
    trail: Iterable[AuditEntry], views: Mapping[str, HostView], wanted: AuditFilter, now: float
) -> tuple[AuditEntry, ...]:
    """The plans that are wanted, the oldest first: of the trail, with what their hosts say of them, and others there.

    ``views``: what each host that was asked has told, by its name here.
    """
    own = {entry.id for entry in trail}
    entries = [_with_life(entry, views) for entry in trail]
    for host, view in views.items():
        known = own | {found.plan.id for found in view.plans}
        entries += [_elsewhere(found) for found in view.plans if found.plan.id not in own]
        entries += [_locked(lock, host, now) for lock in view.locks if lock.plan and lock.plan not in known]
    fitting = sorted((entry for entry in entries if wanted.fits(entry)), key=lambda entry: entry.at)
    return tuple(fitting if wanted.limit is None else fitting[max(0, len(fitting) - wanted.limit) :])


def unknown_words(trail: Iterable[AuditEntry], views: Mapping[str, HostView]) -> tuple[str, ...]:
    """Of each reason for which results are not known after their hosts were asked: of how many, and where."""
    hosts: dict[str, list[str]] = {}
    for entry in trail:
        if entry.result == Result.UNKNOWN.value:
            hosts.setdefault(_why_unknown(entry, views), []).append(entry.host)
    return tuple(
        f"{len(found)} result{'s are' if len(found) > 1 else ' is'} not known: {why} ({', '.join(sorted(set(found)))})"
        for why, found in hosts.items()
    )


def _why_unknown(entry: AuditEntry, views: Mapping[str, HostView]) -> str:
    view = views.get(entry.host)
    if view is None:
        return "the host was not asked or not reached"
    found = view.plan(entry.id)
    if found is None:
        return "the host was asked and knows nothing of it, as after a day"
    return "still running" if found.life is PlanLife.RUNNING else "the host does not show whether its process runs"


def _with_life(entry: AuditEntry, views: Mapping[str, HostView]) -> AuditEntry:
    view = views.get(entry.host)
    found = view.plan(entry.id) if view is not None and entry.result == Result.UNKNOWN.value else None
    return replace(entry, life=found.life.value) if found is not None and found.life is PlanLife.RUNNING else entry


def _elsewhere(found: HostPlan) -> AuditEntry:
    plan, at = found.plan, found.at or 0.0
    abandoned = found.life is PlanLife.ABANDONED
    result = Result.FAILED if abandoned else found.progress.result or Result.UNKNOWN
    return AuditEntry(
        plan.id,
        at,
        found.operator or found.user,
        plan.target.host,
        str(plan.target),
        plan.kind.value,
        tuple(mask(step.command.shell()) for step in plan.steps),
        tuple(mask(step.command.brief()) for step in plan.steps),
        plan.reason,
        result.value,
        found.progress.reason,
        started=found.at,
        finished=None if found.took is None else at + found.took,
        life=found.life.value if abandoned or found.life is PlanLife.RUNNING else "",
        elsewhere=True,
    )


def _locked(lock: LockHolder, host: str, now: float) -> AuditEntry:
    """Of another user's plan there is no more than what its lock says."""
    found = of_lock(lock)
    return AuditEntry(
        found.id,
        0.0 if found.age is None else now - found.age,
        lock.operator or found.who,
        host,
        f"{host}/{found.target}",
        found.kind,
        reason=found.reason or None,
        result_reason=found.end or None,
        life=found.life.value,
        elsewhere=True,
    )
