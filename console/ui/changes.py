"""Plans that run and that have ended. They belong to the app, never to a screen: closing a screen cancels nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from console.core.plan import Plan, PlanProgress, Result, StepResult, StepState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from console.core.service import ServiceRef
    from console.ui.clock import Clock
    from console.ui.fleet_port import FleetPort, MissedPlan


@dataclass(slots=True)
class Change:
    """One plan that was started from this console. Times are Unix seconds of this machine."""

    plan: Plan
    progress: PlanProgress
    started: float
    ended: float | None = None
    began_known: bool = True
    """Whether ``started`` is more than when it was heard of: a host that was restarted since does not know."""
    end_known: bool = True
    """Whether ``ended`` was seen or told: of one that had ended when it was adopted its host may not know when."""

    @property
    def running(self) -> bool:
        """Whether it has no result yet."""
        return self.ended is None

    @property
    def preparing(self) -> bool:
        """Whether it runs and its host does not have it yet: it ends with this console."""
        return self.running and any(part.state is not StepState.DONE for part in self.progress.prepare)

    @property
    def step(self) -> str:
        """What it is doing: the step or check that runs."""
        parts = (
            *self.progress.prepare,
            *self.progress.preflight,
            *self.progress.steps,
            *self.progress.checks,
            *self.progress.undo,
        )
        return next((part.name for part in parts if part.state is StepState.RUNNING), "starting")


class Changes:
    """Every change of this session; at most one runs per service."""

    def __init__(self, fleet: FleetPort, clock: Clock, moved: Callable[[Change], None]) -> None:
        self._fleet, self._clock, self._moved = fleet, clock, moved
        self._changes: list[Change] = []

    def all(self) -> tuple[Change, ...]:
        """What runs first, then the newest."""
        newest_first = self._changes[::-1]
        return (*(c for c in newest_first if c.running), *(c for c in newest_first if not c.running))

    def running(self) -> tuple[Change, ...]:
        """What has no result yet."""
        return tuple(change for change in self._changes if change.running)

    def of(self, plan_id: str) -> Change | None:
        """The change of that plan."""
        return next((change for change in self._changes if change.plan.id == plan_id), None)

    def on(self, ref: ServiceRef) -> Change | None:
        """The change that runs on this service, touches it or takes it along."""
        return next((change for change in self.running() if ref in change.plan.services), None)

    def last(self, ref: ServiceRef) -> Change | None:
        """The change that was the last on this service, or runs on it."""
        return next((change for change in self.all() if ref in change.plan.services), None)

    def begin(self, plan: Plan) -> Change | None:
        """Enter a plan; ``None`` when another change holds one of its services."""
        if any(self.on(ref) for ref in plan.services):
            return None
        change = Change(plan, pending(plan), self._clock.wall())
        self._changes.append(change)
        return change

    def adopt(self, missed: MissedPlan) -> Change | None:
        """Enter a plan that an earlier console began, or whose end was not seen; ``None`` for one known here."""
        known = self.of(missed.plan.id)
        if known is not None:
            return self._learn(known, missed)
        began = self._clock.wall() - (missed.age or 0.0)
        ended = missed.progress.result is not None
        change = Change(
            missed.plan,
            missed.progress,
            began,
            began + (missed.took or 0.0) if ended else None,
            began_known=missed.age is not None,
            end_known=not ended or (missed.age is not None and missed.took is not None),
        )
        self._changes.insert(0, change)
        self._moved(change)
        return change

    def _learn(self, known: Change, missed: MissedPlan) -> Change | None:
        if known.progress.result is not Result.UNKNOWN:
            return None
        known.progress = missed.progress
        if missed.progress.result is None:
            known.ended = None
        self._moved(known)
        return known

    async def resume(self, change: Change) -> None:
        """Watch one that was adopted, to its result. Never raises but when it is cancelled."""
        await self._follow(change, self._fleet.resume(change.plan))

    async def run(self, change: Change) -> None:
        """Run a plan to its result and keep every word of it. Never raises but when it is cancelled."""
        await self._follow(change, self._fleet.execute(change.plan))

    async def _follow(self, change: Change, told: AsyncIterator[PlanProgress]) -> None:
        try:
            async for progress in told:
                change.progress = progress
                if progress.result is None:
                    self._moved(change)
        except Exception as error:
            change.progress = replace(change.progress, result=Result.UNKNOWN, reason=f"{type(error).__name__}: {error}")
        finally:
            if change.progress.result is None:
                change.progress = replace(
                    change.progress, result=Result.UNKNOWN, reason="the stream of the plan ended without a result"
                )
            change.ended, change.end_known = self._clock.wall(), True
            self._moved(change)


def pending(plan: Plan) -> PlanProgress:
    """A plan of which nothing has begun."""
    return PlanProgress(
        plan,
        prepare=tuple(StepResult(one.name, StepState.PENDING) for one in plan.prepare),
        preflight=tuple(StepResult(check.name, StepState.PENDING) for check in plan.preflight),
        steps=tuple(StepResult(step.name, StepState.PENDING) for step in plan.steps),
        checks=tuple(StepResult(check.name, StepState.PENDING) for check in plan.checks),
    )
