from dataclasses import replace

import pytest

from console.core.command import Command
from console.core.plan import ActionKind, Check, Plan, PlanProgress, Result, Step, StepResult, StepState
from console.core.service import ServiceRef
from console.ui.widgets.plan_steps import PlanSteps
from tests.ui.widgets.support import SIZES, WidgetApp, lines, words

PLAN = Plan(
    "1",
    ActionKind.RESTART,
    ServiceRef("web-3", "systemd", "api.service"),
    (
        Step("reset", Command(("systemctl", "reset-failed", "api.service"))),
        Step(
            "restart", Command(("systemctl", "restart", "a b; rm -rf /")), Command(("systemctl", "stop", "api.service"))
        ),
    ),
    preflight=(Check("right to sudo", Command(("true",))),),
    checks=(Check("active for 10 s", Command(("true",))), Check("tcp 8080 held by api.service", Command(("true",)))),
)


@pytest.mark.parametrize("size", SIZES)
async def test_a_plan_shows_its_steps_by_name_with_the_commands_that_fit(size: tuple[int, int]) -> None:
    steps = PlanSteps()
    async with WidgetApp(steps).run_test(size=size) as pilot:
        steps.show(PlanProgress(PLAN))
        await pilot.pause()
        shown = [line for line in lines(pilot.app) if line]
        assert shown[1].split()[1] == "reset"
        assert shown[2].split()[1] == "restart"
        if size[0] >= 80:
            assert "reset   systemctl reset-failed api.service" in shown[1]
            assert "restart   systemctl restart 'a b; rm -rf /'" in shown[2]
            assert "systemctl stop api.service" in shown[5]
        assert shown[1].startswith(" 1 ")
        assert shown[2].startswith(" 2 ")
        assert len(shown) == 6
        assert "undo restart" in shown[5]
        assert "pending" not in words(shown)


async def test_progress_has_state_seconds_and_output() -> None:
    steps = PlanSteps()
    async with WidgetApp(steps).run_test(size=(80, 24)) as pilot:
        steps.show(
            PlanProgress(
                PLAN,
                preflight=(StepResult("right to sudo", StepState.DONE, 0.01),),
                steps=(
                    StepResult("reset", StepState.DONE, 0.2),
                    StepResult("restart", StepState.FAILED, 4.0, "first\nJob for api.service failed [/x]"),
                ),
                checks=(StepResult("active for 10 s", StepState.SKIPPED),),
                undo=(StepResult("systemctl stop api.service", StepState.RUNNING),),
                result=Result.FAILED,
            )
        )
        await pilot.pause()
        shown = lines(pilot.app)
        assert "✓ done" in shown[1]
        assert shown[1].endswith("0.2 s")
        assert "✗ failed" in shown[2]
        assert shown[3].strip() == "Job for api.service failed [/x]"
        assert "– skipped" in shown[4]
        assert "○ pending" in shown[5]
        assert shown[6].startswith(" undone")
        assert "◐ running" in shown[6]


async def test_the_running_step_stays_in_sight() -> None:
    plan = Plan("1", ActionKind.STOP, PLAN.target, tuple(Step(f"s{n}", Command(("step", str(n)))) for n in range(40)))
    steps = PlanSteps()
    async with WidgetApp(steps).run_test(size=(80, 10)) as pilot:
        done = tuple(StepResult(f"s{n}", StepState.DONE, 1.0) for n in range(30))
        steps.show(PlanProgress(plan, steps=(*done, StepResult("s30", StepState.RUNNING))))
        await pilot.pause()
        assert "step 30" in words(lines(pilot.app))


async def test_a_script_is_never_shown_and_what_runs_is_counted() -> None:
    script = Command(("sh", "-c", "tries=$6\nwhile :; do\n  look\ndone"))
    checks = (Check("active", Command(("true",)), within=5.0, hold=10.0),)
    plan = Plan(
        "1", ActionKind.STOP, PLAN.target, (Step("wait until the port is free", script, script),), checks=checks
    )
    now = [100.0]
    steps = PlanSteps(now=lambda: now[0])
    async with WidgetApp(steps).run_test(size=(80, 24)) as pilot:
        steps.show(PlanProgress(plan))
        await pilot.pause()
        assert "tries" not in words(lines(pilot.app))
        steps.show(PlanProgress(plan, steps=(StepResult("wait", StepState.RUNNING),)))
        now[0] += 3
        steps._tick()
        await pilot.pause()
        shown = words(lines(pilot.app))
        assert "wait until the port is free" in shown
        assert "3 s" in shown
        assert "tries" not in shown
        done = (StepResult("wait", StepState.DONE, 3.0),)
        steps.show(PlanProgress(plan, steps=done, checks=(StepResult("active", StepState.RUNNING),)))
        now[0] += 4
        steps._tick()
        await pilot.pause()
        assert "4 s of 10 s" in words(lines(pilot.app))
        now[0] += 8
        steps._tick()
        await pilot.pause()
        assert "12 s, up to 15 s" in words(lines(pilot.app))


@pytest.mark.parametrize("size", SIZES)
async def test_a_step_that_took_long_before_is_counted_against_that(size: tuple[int, int]) -> None:
    now = [100.0]
    steps = PlanSteps(now=lambda: now[0])
    build = Step("build 20261120T140211Z-abcdef012", Command(("make", "build")), usual=200.0)
    async with WidgetApp(steps).run_test(size=size) as pilot:
        running = PlanProgress(replace(PLAN, steps=(build,)), steps=(StepResult(build.name, StepState.RUNNING),))
        steps.show(running)
        now[0] += 130.0
        steps._tick()
        await pilot.pause()
        shown = words(lines(pilot.app))
        assert ("2 min 10 s of about 3 min 20 s" if size[0] >= 60 else "2 min 10 s") in shown
