"""Plans of a host, whichever console began them. Pure.

Of plans whose word counts (the connected user's and root's) all is told; of other users' plans what their locks say.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from console.core.plan import Result, StepState
from console.core.service import ServiceRef
from console.core.snapshot import AbandonedPlan
from console.remote.plan_inspect import HostPlan, HostView, PlanLife
from console.remote.plan_locks import LockHolder


@dataclass(frozen=True, slots=True)
class OtherPlan:
    """A plan that runs on a host, ended there a day ago at most, or was left there without a result."""

    id: str
    kind: str
    target: str
    """The service, by the name that its own console has for it."""
    who: str
    """Who owns it on the host, and what he calls himself."""
    life: PlanLife
    age: float | None = None
    """Seconds since it began, when the host was asked; ``None`` where the host does not know."""
    reason: str = ""
    step: str = ""
    """What it is doing, where that is told."""
    commands: tuple[str, ...] = ()
    end: str = ""
    """Why it has no result, or that its lock can be broken; of one that ended the reason of its result."""
    result: Result | None = None
    """How it ended; ``None`` where it has no end."""
    took: float | None = None
    """Seconds that it took, where that was noted."""


def others(view: HostView) -> tuple[OtherPlan, ...]:
    """All of them: what runs first, then what was left, then what ended, the newest first."""
    plans = {one.plan.id: one for one in view.plans}
    found = [_of_plan(one) for one in plans.values()]
    known = set(plans)
    for lock in view.locks:
        if lock.plan and lock.plan not in known:
            known.add(lock.plan)
            found.append(of_lock(lock))
    return tuple(sorted(found, key=lambda one: _ORDER.get(one.life, 1)))


_ORDER = {PlanLife.RUNNING: 0, PlanLife.ENDED: 2}


def _of_plan(found: HostPlan) -> OtherPlan:
    plan, progress = found.plan, found.progress
    looks = (*progress.preflight, *progress.steps, *progress.checks, *progress.undo, *progress.closing)
    return OtherPlan(
        plan.id,
        plan.kind.value,
        plan.target.name,
        _who(found.user or f"uid {found.uid}", found.operator),
        found.life,
        found.age,
        plan.reason or "",
        next((look.name for look in looks if look.state is StepState.RUNNING), ""),
        tuple(step.command.brief() for step in plan.steps),
        progress.reason or "",
        progress.result if found.life is PlanLife.ENDED else None,
        found.took,
    )


def abandoned(plans: Iterable[HostPlan]) -> tuple[AbandonedPlan, ...]:
    """Those without an end, but for one of a service on which a later plan has ended.

    ``plans``: of one host, whoever began them.
    """
    found = sorted(plans, key=lambda one: one.at or 0.0, reverse=True)
    over: set[ServiceRef] = set()
    left = []
    for one in found:
        ref = one.plan.target
        if one.life is PlanLife.ABANDONED and ref not in over:
            looks = (*one.progress.steps, *one.progress.undo)
            step = next((look.name for look in looks if look.state in (StepState.RUNNING, StepState.FAILED)), "")
            who = _who(one.user or f"uid {one.uid}", one.operator)
            left.append(AbandonedPlan(one.plan.id, one.plan.kind.value, ref, who, one.at, step))
        if one.life in (PlanLife.ENDED, PlanLife.ABANDONED) and one.progress.result is not Result.REFUSED:
            over.add(ref)
    return tuple(sorted(left, key=lambda one: one.ref))


def of_lock(lock: LockHolder) -> OtherPlan:
    """What the lock of a plan says of it."""
    name = lock.target.partition("/")[2] or lock.target
    return OtherPlan(
        lock.plan,
        lock.kind or "a plan",
        name.partition(":")[2] or name,
        _who(lock.user or f"uid {lock.uid}", lock.operator),
        PlanLife.ABANDONED if lock.over else PlanLife.RUNNING,
        None if lock.age is None else float(lock.age),
        lock.reason,
        end=_end(lock) if lock.over else "",
    )


def _end(lock: LockHolder) -> str:
    way = "the next plan sets its lock aside" if lock.dead else "the lock can be broken (hostdeck break-lock)"
    return f"{lock.end}: {way}"


def _who(owner: str, operator: str) -> str:
    return owner if operator in ("", owner) else f"{owner} (as {operator})"
