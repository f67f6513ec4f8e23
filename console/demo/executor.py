"""Plans in the demo: each step does to the world what systemctl would do, at a pace that can be watched."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import replace

from console.core.plan import Plan, PlanProgress, Result, StepResult, StepState
from console.demo.world import DemoHost

PACE = 0.4
"""Seconds that a step takes, and a check, however long it would look on a real host."""
SHORTER = "the demo looks once and does not wait"


async def run(plan: Plan, host: DemoHost, clock: Callable[[], float]) -> AsyncGenerator[PlanProgress, None]:
    """Run a plan in the world of the demo."""
    told = PlanProgress(
        plan,
        preflight=_pending(check.name for check in plan.preflight),
        steps=_pending(step.name for step in plan.steps),
        checks=_pending(check.name for check in plan.checks),
    )
    for number, _ in enumerate(plan.preflight):
        told = replace(told, preflight=_with(told.preflight, number, StepState.DONE))
        yield told
    for number, step in enumerate(plan.steps):
        yield (told := replace(told, steps=_with(told.steps, number, StepState.RUNNING)))
        await asyncio.sleep(PACE)
        host.clock = clock()
        complaint = _do(host, step.command.argv)
        state = StepState.FAILED if complaint else StepState.DONE
        yield (told := replace(told, steps=_with(told.steps, number, state, complaint or "")))
        if complaint:
            yield replace(told, result=Result.FAILED, reason=complaint)
            return
    for number, check in enumerate(plan.checks):
        yield (told := replace(told, checks=_with(told.checks, number, StepState.RUNNING)))
        await asyncio.sleep(PACE)
        said = SHORTER if check.hold > PACE else ""
        yield (told := replace(told, checks=_with(told.checks, number, StepState.DONE, said)))
    yield replace(told, result=Result.DONE, proof=_proof(host, plan))


def _do(host: DemoHost, argv: tuple[str, ...]) -> str | None:
    words = [word for word in argv if not word.startswith("-")]
    verb = words[1] if len(words) > 1 else ""
    unit = next((word for word in words[2:] if word in host.units), "")
    if verb == "daemon-reload":
        host.daemon_reload()
    elif not unit:
        return f"the demo does not know: {' '.join(argv)[:80]}"
    elif verb in ("start", "restart"):
        if verb == "restart":
            host.stop(unit)
        return host.start(unit)
    elif verb == "stop":
        host.stop(unit)
    elif verb == "reset-failed":
        host.reset_failed(unit)
    elif verb in ("reload", "kill"):
        host.reload(unit)
    return None


def _proof(host: DemoHost, plan: Plan) -> tuple[str, ...]:
    names = dict.fromkeys((*(ref.name for ref in plan.touches), plan.target.name))
    return tuple(
        f"{name} is {unit.active}" + (f", pid {unit.pid}" if unit.pid else "")
        for name in names
        if (unit := host.units.get(name)) is not None
    )


def _pending(names: Iterable[str]) -> tuple[StepResult, ...]:
    return tuple(StepResult(name, StepState.PENDING) for name in names)


def _with(results: tuple[StepResult, ...], number: int, state: StepState, output: str = "") -> tuple[StepResult, ...]:
    seconds = PACE if state in (StepState.DONE, StepState.FAILED) else None
    changed = replace(results[number], state=state, seconds=seconds, output=output)
    return (*results[:number], changed, *results[number + 1 :])
