"""From a verdict to a mended host, as a person at the keys does it: the recommended way out, planned, run, proved."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from console.cli.commands.why import diagnosis, permitted
from console.cli.planning import make_plan
from console.cli.targets import any_target
from console.config.model import ActionConfig, Config
from console.core.finding import Proposal
from console.core.plan import Intent, Plan, PlanProgress
from console.core.snapshot import Snapshot
from console.diagnosis import Verdict
from console.remote.audit import AuditEntry, AuditTrail
from console.ui.planner import ActionsPlanner
from tests.lab import Host, Lab

from .real import _up as up

QUICK = Config(actions=ActionConfig(hold=3, respawn=2, within=15, term_timeout=3))


@dataclass(frozen=True)
class Acted:
    """What came of acting on a verdict."""

    verdict: Verdict
    way: Proposal
    plan: Plan
    last: PlanProgress
    after: Snapshot
    audit: AuditEntry


def act(
    lab: Lab,
    host: Host,
    target: str,
    user: str = "root",
    config: Config = QUICK,
    meanwhile: Callable[[Host], AbstractContextManager[object]] = nullcontext,
) -> Acted:
    """Look, take the recommended way out, run its plan, look again. ``meanwhile``: what is so when it is run."""
    return asyncio.run(_act(lab, host, target, user, config, meanwhile))


async def _act(
    lab: Lab,
    host: Host,
    target: str,
    user: str,
    config: Config,
    meanwhile: Callable[[Host], AbstractContextManager[object]],
) -> Acted:
    async with up(lab, host, user, config) as (fleet, spec):
        verdict = await diagnosis(fleet, config, spec, any_target(target))
        verdict = replace(verdict, actions=await permitted(fleet, config, spec, verdict.actions))
        way = next(action for action in verdict.actions if action.recommended)
        assert way.reason_off is None, way
        planner = ActionsPlanner(config, lambda intent, snapshot: make_plan(config, spec, intent, snapshot, "test"))
        plan = planner.plan(way.intents, fleet.snapshot(host.name))
        with meanwhile(host):
            last = await _run(fleet.execute, plan)
        after = await fleet.refresh(host.name)
        return Acted(verdict, way, plan, last, after, _audited(plan))


def kill(lab: Lab, host: Host, intent: Intent, user: str = "root", config: Config = QUICK) -> PlanProgress:
    """Run what a failed plan offers."""

    async def run() -> PlanProgress:
        async with up(lab, host, user, config) as (fleet, spec):
            from console.cli.planning import look_at_processes

            plan, why = make_plan(config, spec, intent, await look_at_processes(fleet, intent), "test")
            assert plan is not None, why
            return await _run(fleet.execute, plan)

    return asyncio.run(run())


async def _run(execute: Callable[[Plan], object], plan: Plan) -> PlanProgress:
    last: PlanProgress | None = None
    async for progress in execute(plan):  # type: ignore[attr-defined]
        last = progress
    assert last is not None
    return last


def _audited(plan: Plan) -> AuditEntry:
    return next(entry for entry in AuditTrail().read() if entry.id == plan.id)


__all__ = ["QUICK", "Acted", "act", "kill"]
