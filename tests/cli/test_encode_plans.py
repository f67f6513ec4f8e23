"""The JSON of plans for scripts: keys are promises."""

from console.cli import encode_plans
from console.core.command import Command
from console.core.plan import ActionKind, Check, Plan, PlanProgress, Result, Step, StepResult, StepState

from .examples import API

PLAN = Plan(
    "p1",
    ActionKind.RESTART,
    API,
    (
        Step(
            "reset",
            Command(("systemctl", "reset-failed", "a b")),
            Command(("true",)),
            undo_unless=Check("fine", Command(("is", "fine"))),
        ),
        Step("restart", Command(("systemctl", "restart", "x"))),
    ),
    checks=(Check("active for 10 s", Command(("true",)), hold=10),),
    preflight=(Check("there", Command(("test", "-e", "/srv"))),),
    aftermath=(Check("well again", Command(("curl", "x"))),),
    reason="incident 4711",
)


def test_a_plan_before_it_runs() -> None:
    found = encode_plans.plan(PlanProgress(PLAN), dry_run=True, root=True)
    assert (found["id"], found["kind"], found["target"], found["dry_run"]) == ("p1", "restart", str(API), True)
    assert [(step["command"], step["undo"], step["state"]) for step in found["steps"]] == [
        ("systemctl reset-failed 'a b'", "true", "pending"),
        ("systemctl restart x", None, "pending"),
    ]
    assert (found["checks"][0]["name"], found["checks"][0]["command"]) == ("active for 10 s", "true")
    assert (found["preflight"][0]["name"], found["preflight"][0]["command"]) == ("there", "test -e /srv")
    assert [step["undo_unless_command"] for step in found["steps"]] == ["is fine", None]
    assert found["aftermath"] == [{"name": "well again", "command": "curl x"}]
    assert (found["result"], found["reason"], found["operator_reason"]) == (None, None, "incident 4711")


def test_a_plan_after_it_ran() -> None:
    progress = PlanProgress(
        PLAN,
        steps=(StepResult("reset", StepState.DONE, 0.1), StepResult("restart", StepState.FAILED, 1.0, "no")),
        result=Result.UNDONE,
        reason="it died",
    )
    found = encode_plans.plan(progress, dry_run=False, root=True)
    assert [step["state"] for step in found["steps"]] == ["done", "failed"]
    assert (found["result"], found["reason"], found["steps"][1]["output"]) == ("undone", "it died", "no")


def test_what_cannot_be_planned_is_refused_in_the_same_schema() -> None:
    found = encode_plans.no_plan(ActionKind.RELOAD, str(API), "no reload", dry_run=True)
    assert set(found) - {"failures"} <= set(encode_plans.plan(PlanProgress(PLAN), dry_run=True, root=True))
    assert found["result"] == "refused"


def test_steps_of_one_name_keep_their_own_state() -> None:
    same = Step("stop a.service", Command(("true",)))
    made = Plan("20261120-0003", ActionKind.FREE_PORT, API, (same, same))
    results = (StepResult("stop a.service", StepState.DONE), StepResult("stop a.service", StepState.FAILED))
    found = encode_plans.plan(PlanProgress(made, steps=results), dry_run=False, root=True)
    assert [step["state"] for step in found["steps"]] == ["done", "failed"]
    begun = encode_plans.plan(PlanProgress(made, steps=results[:1]), dry_run=False, root=True)
    assert [step["state"] for step in begun["steps"]] == ["done", "pending"]


def test_commands_are_those_that_are_run() -> None:
    step = Step(
        "stop", Command(("systemctl", "stop", "a"), elevate=True), Command(("systemctl", "start", "a"), elevate=True)
    )
    made = PlanProgress(Plan("20261120-0003", ActionKind.STOP, API, (step,)))
    shown = {root: encode_plans.plan(made, dry_run=True, root=root)["steps"][0] for root in (True, False)}
    assert (shown[True]["command"], shown[True]["undo"]) == ("systemctl stop a", "systemctl start a")
    assert (shown[False]["command"], shown[False]["undo"]) == (
        "sudo -n -- systemctl stop a",
        "sudo -n -- systemctl start a",
    )
