"""What another release would change, before a plan runs; and, while it is built, for how long against the last time."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from console.cli import encode_plans
from console.cli.changes import Teller, print_plan
from console.cli.differences import MOST
from console.cli.live import LiveLine
from console.cli.terminal import Terminal
from console.core.command import Command, Effect
from console.core.difference import Change, Cut, Difference, Gap, How, Pair, Subject
from console.core.plan import ActionKind, Plan, PlanProgress, Step, StepResult, StepState
from console.remote import plan_json
from console.remote.audit import AuditTrail
from tests.actions.hosts import ref
from tests.cli.test_commands import Run, cli

__all__ = ["cli"]

PAIR = Pair(ref("api.service"), "b", "a")
BUILD = Step("build c: make", Command(("make",), effect=Effect.CHANGE), usual=40.0)
DIFFERENCE = Difference(
    PAIR,
    (
        Change(Subject.COMMIT, How.REMOVED, "71fa998 Second"),
        Change(Subject.VARIABLE, How.CHANGED, ".env: LOG", "debug", "info"),
        *(Change(Subject.FILE, How.CHANGED, f"part{number}") for number in range(40)),
    ),
    gaps=(Gap("layers", "nobody told"),),
    cut=(Cut(Subject.FILE, How.CHANGED, 7),),
)
PLAN = Plan("20261120-1", ActionKind.REBUILD, ref("api.service"), (BUILD,), difference=DIFFERENCE)


class Screen(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_dry_run_tells_it_with_the_commands_and_says_how_much_it_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(PLAN, root=True)
    shown = capsys.readouterr().out
    assert "changes       1 commit lost; 47 files changed; 1 variable changed; not known: layers" in shown
    assert "lost          71fa998 Second" in shown
    assert f"and {44 - MOST} lines more, --json prints them" in shown
    assert "takes         the last build took 40 s" in shown
    assert "1   make" in shown


def test_what_is_not_known_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(replace(PLAN, difference=Difference(PAIR, failure="no right")), root=True)
    assert "changes       what differs is not known: no right" in capsys.readouterr().out
    print_plan(replace(PLAN, difference=None), root=True)
    assert "changes" not in capsys.readouterr().out


def test_the_document_has_all_of_it() -> None:
    told = encode_plans.plan(PlanProgress(PLAN), dry_run=True, root=True)
    found = told["difference"]
    assert (found["live"], found["target"], found["reason"]) == ("b", "a", None)
    assert found["lost"] == ["71fa998 Second"]
    assert {"what": "variable", "how": "changed", "name": ".env: LOG", "before": "debug", "after": "info"} in found[
        "changes"
    ]
    assert found["not_known"] == [{"what": "layers", "reason": "nobody told"}]
    assert found["cut"] == [{"what": "file", "how": "changed", "count": 7}]
    assert told["steps"][0]["usual_seconds"] == 40.0
    assert (
        encode_plans.plan(PlanProgress(replace(PLAN, difference=None)), dry_run=True, root=True)["difference"] is None
    )


def test_the_audit_trail_keeps_its_one_line(cli: Run) -> None:
    AuditTrail().planned(PLAN, "ann")
    [entry] = AuditTrail().read()
    assert entry.difference == "b -> a: 1 commit lost; 47 files changed; 1 variable changed; not known: layers"
    assert "changes b -> a: 1 commit lost" in cli("audit")[1]


def test_whoever_picks_a_plan_up_knows_how_long_its_build_takes() -> None:
    found, _ = plan_json.loads(plan_json.dumps(PLAN, "ann"), "web1")
    assert found.steps[0].usual == 40.0


def running(state: StepState = StepState.RUNNING) -> PlanProgress:
    return PlanProgress(PLAN, steps=(StepResult(BUILD.name, state, 41.0 if state is StepState.DONE else None),))


def test_a_build_that_runs_is_counted_against_the_last_one_on_a_terminal() -> None:
    screen, now = Screen(), [100.0]
    line = LiveLine(Terminal(screen), lambda: now[0])
    line.follow(running())
    now[0] += 12.0
    line.tick()
    assert screen.getvalue().rpartition("\r")[2].endswith("build c: make ... 12 s of about 40 s")
    line.follow(running(StepState.DONE))
    assert screen.getvalue().endswith("\r\x1b[K")
    before = screen.getvalue()
    line.tick()
    assert screen.getvalue() == before


def test_elsewhere_it_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller(about_port=False)
    for progress in (running(), running(), running(StepState.DONE)):
        teller.tell(progress)
    shown = capsys.readouterr().out
    assert shown.count("build c: make  took 40 s the last time") == 1
    assert "\r" not in shown
    assert "build c: make  41.0 s" in shown


LOST = "connection lost, the plan goes on there; trying again: web1: no sign of life for 15 s"


def test_a_link_that_is_lost_is_told_once_and_no_step_is_begun_anew(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller(about_port=False)
    done, lost = running(StepState.DONE), replace(running(StepState.DONE), reason=LOST)
    # The host tells its state from the beginning when it is asked again.
    for progress in (running(), done, lost, lost, running(), done, lost, done):
        teller.tell(progress)
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count("took 40 s the last time") == 1
    assert shown.count("build c: make 41.0 s") == 1
    assert shown.count(LOST) == 2, "once for each loss"


def test_what_a_link_that_is_lost_does_not_change_is_how_long_a_step_runs() -> None:
    screen, now = Screen(), [100.0]
    line = LiveLine(Terminal(screen), lambda: now[0])
    line.follow(running())
    now[0] += 12.0
    line.follow(replace(running(StepState.PENDING), reason=LOST))
    now[0] += 12.0
    line.follow(running())
    assert screen.getvalue().rpartition("\r")[2].endswith("24 s of about 40 s")
    assert "connection lost" in screen.getvalue()
