"""A build as it is told on a terminal while it runs."""

from dataclasses import replace

import pytest

from console.cli import encode_plans
from console.cli.changes import Teller, print_plan
from console.core.command import Command, Effect
from console.core.plan import (
    ActionKind,
    Plan,
    PlanProgress,
    Preparation,
    Result,
    Step,
    StepResult,
    StepState,
    Where,
)
from tests.actions.hosts import ref

TAKE = Command(("sh", "-c", "read x\n" * 50), effect=Effect.CHANGE, purpose="take 1")
PREPARE = (
    Preparation("room in /srv/api", Where.HOST, Command(("sh", "-c", "df\n" * 50))),
    Preparation(
        "build 1",
        Where.HERE,
        Command(("make", "a b"), effect=Effect.CHANGE),
        "/home/ann/src",
        (("VERSION", "v1 x"), ("COMMIT", "abc")),
    ),
    Preparation("send it to web1", Where.UPLOAD, TAKE, "/home/ann/src/build", undo=TAKE),
)
STEP = Step("put it in place", TAKE, replace(TAKE, purpose="remove what has arrived"))
PLAN = Plan("20261120-1", ActionKind.REBUILD, ref("api.service"), (STEP,), prepare=PREPARE)
LOOK = StepResult("room in /srv/api", StepState.DONE, 0.1, "12 MiB free", 1)


def told(*prepare: StepResult, result: Result | None = None) -> PlanProgress:
    return PlanProgress(PLAN, prepare=prepare, result=result, reason="it failed" if result else None)


def test_what_is_done_on_this_machine_is_shown_first_with_the_exact_command(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(PLAN, root=True)
    shown = capsys.readouterr().out.splitlines()
    assert shown[1:5] == [
        " prepare       room in /srv/api (looks only)",
        " prepare       VERSION='v1 x' COMMIT=abc make 'a b'   (on this machine, in /home/ann/src)",
        " prepare       send it to web1",
        " 1   put it in place: take 1 (a script, --json prints it)",
    ]
    assert " if not        remove what has arrived" in shown


def test_lines_come_as_they_are_printed_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller(about_port=False)
    teller.tell(told(replace(LOOK, state=StepState.RUNNING)))
    teller.tell(told(LOOK, StepResult("build 1", StepState.RUNNING, 1.0, "a\nb", 2)))
    teller.tell(told(LOOK, StepResult("build 1", StepState.RUNNING, 2.0, "b\nc", 3)))
    teller.tell(told(LOOK, StepResult("build 1", StepState.RUNNING, 3.0, "x\ny", 9)))
    teller.tell(told(LOOK, StepResult("build 1", StepState.FAILED, 4.0, "y\nz", 10), result=Result.FAILED))
    assert [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()] == [
        "● done room in /srv/api 0.1 s 12 MiB free",
        "1.0 s a",
        "1.0 s b",
        "2.0 s c",
        "3.0 s [4 lines left out]",
        "3.0 s x",
        "3.0 s y",
        "4.0 s z",
        "✖ failed build 1 4.0 s z",
        f"✖ failed rebuild of {PLAN.target}: it failed",
    ]


def test_a_meter_is_told_now_and_then_and_a_silent_build_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("console.cli.live.time.monotonic", lambda: now[0])
    teller = Teller(about_port=False)
    build = StepResult("build 1", StepState.DONE, 4.0)
    for seconds in range(50):
        now[0] = 100.0 + seconds
        teller.tell(told(LOOK, replace(build, state=StepState.RUNNING, seconds=float(seconds))))
    for seconds in range(5):
        now[0] = 200.0 + seconds
        meter = StepResult("send it to web1", StepState.RUNNING, float(seconds), f"{seconds} of 4 MiB")
        teller.tell(told(LOOK, build, meter))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == ["30.0 s (it goes on)", "● done build 1 4.0 s", "2.0 s 2 of 4 MiB", "4.0 s 4 of 4 MiB"]


def test_the_json_has_what_comes_first_word_for_word() -> None:
    first, build, upload = encode_plans.plan(PlanProgress(PLAN), dry_run=True, root=False)["prepare"]
    assert (first["where"], first["state"], first["directory"]) == ("host", "pending", None)
    assert (build["where"], build["command"], build["directory"]) == ("here", "make 'a b'", "/home/ann/src")
    assert build["environment"] == {"VERSION": "v1 x", "COMMIT": "abc"}
    assert (upload["command"], upload["undo"]) == (TAKE.shell(), TAKE.shell())
    ended = encode_plans.plan(told(LOOK), dry_run=False, root=False)["prepare"]
    assert (ended[0]["state"], ended[0]["output"]) == ("done", "12 MiB free")
