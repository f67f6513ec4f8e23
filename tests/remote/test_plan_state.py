"""What a host tells of a plan may be anything: it is read, or passed over, and never raises."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.clients import daemon_of
from console.core.command import Command, Effect
from console.core.plan import OUTLIVED, ActionKind, Check, Intent, Plan, Result, Step, StepState
from console.core.service import Endpoint, ServiceRef
from console.core.text import HIDDEN, sanitise
from console.remote import plan_inspect, plan_json
from console.remote.audit import AuditTrail
from console.remote.plan_locks import LockHolder
from console.remote.plan_script import lock_key, share_key
from console.remote.plan_state import OUTPUT_LINES, PlanState
from tests.remote.plans import change, make, shell

PLAN = make(
    Step("one", change("systemctl", "stop", "a.service", elevate=True), change("systemctl", "start", "a.service")),
    Step(
        "two",
        change("systemctl", "start", "b.service", elevate=True),
        change("systemctl", "stop", "b.service", elevate=True),
        undo_unless=Check("it has no process", shell("exit 0"), within=0),
    ),
    preflight=(Check("there", shell("exit 0")),),
    checks=(Check("up", shell("exit 0"), within=5, hold=2),),
    touches=(ServiceRef("web1", "systemd", "b.service"),),
    shares=("/srv/api",),
    reason="incident 4711",
)

WORDS = st.sampled_from(
    [
        "s",
        "o",
        "h",
        "d",
        "step",
        "check",
        "undo",
        "preflight",
        "result",
        "run",
        "running",
        "done",
        "failed",
        "undone",
        "refused",
        "skipped",
        "1",
        "2",
        "9",
        "-1",
        "1.5",
        "over",
        "flapped",
        "lock",
        "right",
        "state",
        "audit",
        "not-undone",
        "step.1",
        "check.1",
        "²",
        "٣",
        "\x1b[31m",
    ]
)
LINES = st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=9).map(" ".join)


def fed(*lines: str, plan: Plan = PLAN) -> PlanState:
    state = PlanState(plan)
    for line in lines:
        state.feed(line)
    return state


@given(st.lists(LINES, max_size=30))
def test_any_line_is_read_or_passed_over(lines: list[str]) -> None:
    progress = fed(*lines).progress()
    for step in (*progress.preflight, *progress.steps, *progress.checks, *progress.undo):
        assert step.output == sanitise(step.output)
    assert progress.reason == (None if progress.reason is None else sanitise(progress.reason))


@pytest.mark.parametrize(
    ("line", "result", "reason"),
    [
        ("result done", Result.DONE, None),
        ("result undone check 1 3", Result.UNDONE, "up failed: not active"),
        ("result failed step 2 5", Result.FAILED, "two failed with exit 5"),
        ("result failed check 1 3 not-undone  1", Result.FAILED,
         "up failed: not active; and these could not be undone: undo of one"),
        ("result refused right 2", Result.REFUSED,
         "no right to run sudo -n -- systemctl start b.service without a password"),
        ("result refused preflight 1 1", Result.REFUSED, "there failed"),
        ("result refused audit", Result.REFUSED, "the host could not write its audit line: nothing was done"),
        ("result failed aborted", Result.FAILED, "the plan's own process ended unexpectedly on the host"),
        ("result refused lock k 42 live 1001:oncall v=1&plan=x&by=ann%40b&why=two%0Alines&kind=stop&target=a",
         Result.REFUSED,
         "locked by oncall (uid 1001, as ann@b) for 42 s, stop of a: two lines"),
        ("result refused lock k 42 live 1001:1001 v=1&user=root", Result.REFUSED, "locked by uid 1001 for 42 s"),
        (f"result refused lock {lock_key(PLAN.touches[0])} 60 gone 9:x v=1&plan=p", Result.REFUSED,
         "locked by x (uid 9) for 60 s; its process is gone, plan p: the lock can be broken: "
         "hostdeck break-lock web1/systemd:b.service --reason TEXT"),
        (f"result refused lock {share_key('/srv/api')} 60 gone 9:x v=1&plan=p&target=w1%2Fsystemd%3Ac.service",
         Result.REFUSED, "/srv/api: locked by x (uid 9) for 60 s; its process is gone, plan p: the lock can be broken: "
         "hostdeck break-lock web1/systemd:c.service --reason TEXT"),
        ("result failed check 1 3 kept 95 undo 1 not-undone  1", Result.FAILED,
         "up failed: not active; the lock stays until undo of one has ended, at most 95 s; "
         "because it still runs this was not done or not finished: undo of one"),
        ("result failed not-undone 1", Result.FAILED, "it failed; and these could not be undone: undo of one"),
        (f"result refused link {lock_key(PLAN.target)} No space left on device", Result.REFUSED,
         "the host could not make the lock of web1/systemd:api.service, nothing was done: No space left on device"),
        ("result refused link k File exists", Result.REFUSED,
         "the host could not make the lock of a service, nothing was done: every name that was tried for it is taken"),
        ("result refused link k", Result.REFUSED,
         "the host could not make the lock of a service, nothing was done: the host does not say why"),
        (f"result refused lock {lock_key(PLAN.target)} 60 foreign 9:x v=1&plan=p", Result.REFUSED,
         "locked by x (uid 9) for 60 s; its process lives, and root may set it aside all the same, plan p: the lock "
         "can be broken: hostdeck break-lock web1/systemd:api.service --reason TEXT"),
        ("result refused lock k 9000 over - -", Result.REFUSED,
         "locked by somebody for 2 h; its lease is over, plan ?: the lock can be broken: "
         "hostdeck break-lock HOST/SERVICE --reason TEXT"),
    ],
)  # fmt: skip
def test_results_in_words(line: str, result: Result, reason: str | None) -> None:
    told = ("s step 2 failed 5 0.10", "o check.1 not active", "s check 1 failed 3 5.00", f"s {line}")
    progress = fed(*told).progress()
    assert (progress.result, progress.reason) == (result, reason)


def test_what_could_not_be_stopped_is_told_with_what_it_keeps() -> None:
    told = fed("s step 2 failed 125 4.2 over", "s result failed step 2 125 kept 200 step 2 not-undone  1").progress()
    assert told.result is Result.FAILED
    assert told.reason == (
        "two took longer than 4 s and could not be ended: it still runs; the lock stays until two has ended, "
        "at most 3 min; because it still runs this was not done or not finished: undo of one"
    )
    assert fed("s step 2 failed 125 4.2", "s result undone step 2 125").reason == "two failed with exit 125"


def test_of_a_client_that_was_ended_it_is_said_who_may_still_be_at_it() -> None:
    told = fed("s step 2 failed 124 200.1 over", "s result undone step 2 124").reason
    assert told == "two took longer than 200 s: its command was ended, and systemd may still be at it"
    told = fed("s check 1 failed 124 10.1 over", "s result undone check 1 124").reason
    assert told == "up took longer than 10 s and was ended"
    podman = Command(("sudo", "-n", "--", "/usr/bin/podman", "stop", "docker"), effect=Effect.CHANGE)
    assert daemon_of(podman) is None
    built = replace(podman, argv=("sh", "-c", "make", "sh", "docker"))
    assert daemon_of(replace(built, becomes=("sudo", "-n", "--", "docker", "compose", "up"))) == "docker"
    assert daemon_of(built) is None


def test_the_first_result_stays() -> None:
    assert fed("s result done", "s result failed aborted").progress().result is Result.DONE


def test_what_was_not_done_is_skipped_and_what_was_undone_says_so() -> None:
    progress = fed(
        "s step 1 done 0 0.10", "s step 2 failed 1 0.20", "s undo 1 done 0 0.10", "s result undone step 2 1"
    ).progress()
    assert [step.state for step in progress.steps] == [StepState.UNDONE, StepState.FAILED]
    assert [step.state for step in progress.checks] == [StepState.SKIPPED]
    assert [(step.name, step.state) for step in progress.undo] == [("undo of one", StepState.DONE)]


def test_what_was_begun_when_the_plan_ended_is_not_told_as_never_begun(tmp_path: Path) -> None:
    progress = fed("s step 1 running", "s result failed aborted").progress()
    assert [step.state for step in progress.steps] == [StepState.FAILED, StepState.SKIPPED]
    assert progress.steps[0].output == "it had not told when the plan ended"
    trail = AuditTrail(tmp_path / "audit.jsonl")
    trail.planned(PLAN, "ann")
    trail.finished(PLAN, Result.FAILED, "aborted", progress)
    assert trail.read()[0].left_out == {1}


def test_output_is_bounded_and_safe() -> None:
    state = fed(*(f"o step.1 {number} \x1b]52;c;x\x07 password=hunter2 {'x' * 5000}" for number in range(1000)))
    lines = state.progress().steps[0].output.splitlines()
    assert len(lines) == OUTPUT_LINES
    assert lines[-1].startswith("999 ")
    assert all(len(line) < 2100 and "hunter2" not in line and "\x1b" not in line for line in lines)


def test_a_plan_comes_back_from_its_host() -> None:
    named = replace(PLAN, names=((PLAN.target, "node (pid 4112)"),))
    assert plan_json.loads(plan_json.dumps(named, "ann@bastion"), "web1")[0] == named
    plan, operator = plan_json.loads(plan_json.dumps(PLAN, "ann@bastion"), "web1")
    assert operator == "ann@bastion"
    assert plan == PLAN
    assert plan_json.loads(plan_json.dumps(PLAN, "x"), "other")[0].target.host == "other"


def test_what_may_be_tried_next_comes_back_too_and_is_offered_once_that_step_failed() -> None:
    other = ServiceRef("web1", "systemd", "api.service")
    offer = Intent(ActionKind.KILL, ServiceRef("web1", "process", "70"), Endpoint("tcp", "*", 8080), then=other)
    plan = replace(PLAN, steps=(replace(PLAN.steps[0], otherwise=offer), *PLAN.steps[1:]))
    assert plan_json.loads(plan_json.dumps(plan, "x"), "web1")[0] == plan
    state = PlanState(plan)
    assert state.progress().offer is None
    for line in ("s run 1 x", "s step 1 running", f"s step 1 failed {OUTLIVED} 3.00", "s result failed step 1 3"):
        state.feed(line)
    assert state.progress().offer == offer


def test_a_step_that_failed_before_or_after_its_signal_offers_no_stronger_one() -> None:
    """A restart whose start fails: the old process has ended."""
    offer = Intent(ActionKind.KILL, ServiceRef("web1", "process", "70"))
    state = PlanState(replace(PLAN, steps=(replace(PLAN.steps[0], otherwise=offer), *PLAN.steps[1:])))
    for line in ("s run 1 x", "s step 1 running", "s step 1 failed 1 3.00", "s result failed step 1 1"):
        state.feed(line)
    assert state.progress().offer is None


def test_what_was_kept_and_what_came_last_are_told_and_survive_the_way_to_the_host() -> None:
    plan = replace(PLAN, evidence=(Step("log", PLAN.steps[0].command),), closing=(Step("tidy", PLAN.steps[0].command),))
    assert plan_json.loads(plan_json.dumps(plan, "x"), "web1")[0] == plan
    state = PlanState(plan)
    for line in (
        "s closing 1 running",
        "o closing.1 disk full",
        "s closing 1 failed 5 0.10",
        "s result done closing 1 5",
    ):
        state.feed(line)
    progress = state.progress()
    assert (progress.result, progress.reason) == (Result.DONE, "tidy failed with exit 5: disk full")
    assert [(one.name, one.state) for one in progress.closing] == [("tidy", StepState.FAILED)]
    assert progress.evidence == ()


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["schema", "id", "kind", "target", "steps", "checks", "argv", "command"]),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_anything_else_is_no_plan(data: object) -> None:  # fmt: skip
    with pytest.raises(ValueError):
        plan_json.loads(json.dumps(data), "web1")


@pytest.mark.parametrize("key", sorted(json.loads(plan_json.dumps(PLAN, "x")).keys() - {"schema"}))
@pytest.mark.parametrize("value", [None, 7, "x", [], [None], {}, [{}]])
def test_a_plan_with_one_wrong_part(key: str, value: object) -> None:
    """It is read as a plan, or it is none: nothing else happens."""
    data = json.loads(plan_json.dumps(PLAN, "x"))
    data[key] = value
    try:
        plan, _ = plan_json.loads(json.dumps(data), "web1")
    except ValueError:
        return
    assert isinstance(plan, Plan)


@given(st.lists(st.one_of(LINES, st.sampled_from(["p x 1", "l k 1 live 1 v=1", "n 5 b 0", "a dead", "plan {}"]))))
def test_any_answer_about_a_host_is_read(lines: list[str]) -> None:
    view = plan_inspect.parse("\n".join(lines), "web1")
    assert view.plans == ()


@given(st.lists(st.text(max_size=6), max_size=6))
def test_any_lock_is_read(words: list[str]) -> None:
    LockHolder.parse(words)
    holder = LockHolder.parse(["k", "1", "live", "0", "&".join(words)])
    assert holder is not None
    assert "\n" not in holder.sentence()


HUGE = ("1" + "0" * 400, "9" * 5000, "1e999", "-1", "NaN", "Infinity")


def described(*state: str, uid: str = "0", up: str = "500", text: str | None = None) -> str:
    """The answer of a host on which one plan lies."""
    text = plan_json.dumps(PLAN, "mallory") if text is None else text
    return "\n".join((f"n {up} b 1001", f"p {PLAN.id} {uid}", f"plan {text}", *(f"state {line}" for line in state)))


@pytest.mark.parametrize("huge", HUGE)
@pytest.mark.parametrize("key", ["timeout", "within", "hold"])
def test_a_plan_with_a_number_that_no_float_holds_is_none(key: str, huge: str) -> None:
    text = re.sub(rf'"{key}": [0-9.]+', f'"{key}": {huge}', plan_json.dumps(PLAN, "mallory"))
    with pytest.raises(ValueError):
        plan_json.loads(text, "web1")
    assert plan_inspect.parse(described(text=text), "web1").plans == ()


@pytest.mark.parametrize("huge", HUGE)
def test_numbers_of_a_host_that_no_float_holds_are_passed_over(huge: str) -> None:
    run = f"run 1 {PLAN.id} {huge} {huge} b {huge} {huge} {huge} root"
    told = (
        run,
        f"step {huge} failed 1 1",
        f"step 1 failed {huge} {huge} over",
        f"check 1 failed {huge} 1 flapped {huge}",
    )
    for up in ("500", huge):
        (found,) = plan_inspect.parse(described(*told, "result failed step 1 1", up=up), "web1").plans
        assert (found.at, found.age, found.progress.steps[0].seconds) == (None, None, None)
        assert "took longer than 0 s" in (found.progress.reason or "")
    (lock,) = plan_inspect.parse(f"l k {huge} live {huge}:x v=1&at={huge}&lease={huge}&by={huge}", "web1").locks
    assert (lock.age, lock.uid, lock.at, lock.lease) == (None, None, None, None)


def test_dates_that_no_calendar_has_are_none() -> None:
    run = f"run 1 {PLAN.id} 1 1 b 1 9999999999999 1 root"
    assert plan_inspect.parse(described(run), "web1").plans[0].at is None
    assert plan_inspect.parse("l k 1 live 0 v=1&at=9999999999999", "web1").locks[0].at is None


def test_only_the_plans_of_root_and_of_this_user_are_read() -> None:
    found = [plan_inspect.parse(described("result done", uid=uid), "web1").plans for uid in ("0", "1001", "1002", "-")]
    assert [len(plans) for plans in found] == [1, 1, 0, 0]


def test_a_private_key_in_the_output_of_a_step_is_masked_to_its_last_line() -> None:
    state = PlanState(PLAN)
    state.feed("s step 1 running")
    for line in (
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "b3BlbnNzaC1rZXktdjE",
        "aBcD12==",
        "-----END OPENSSH PRIVATE KEY-----",
    ):
        state.feed(f"o step.1 {line}")
    state.feed("o step.1 it stays down")
    output = state.progress().steps[0].output
    assert "aBcD12==" not in output
    assert HIDDEN in output
    assert output.endswith("it stays down")


def test_a_key_that_one_run_of_a_step_cut_hides_nothing_of_the_next() -> None:
    state = PlanState(PLAN)
    state.feed("s step 1 running")
    state.feed("o step.1 -----BEGIN PRIVATE KEY-----")
    state.feed("s step 1 running")
    state.feed("o step.1 started")
    assert state.progress().steps[0].output == "started"


@pytest.mark.parametrize(
    "argv", [("pm2", "restart", "api"), ("sudo", "-n", "-u", "deploy", "--", "/opt/pm2", "stop", "3")]
)
def test_the_table_that_pm2_prints_after_each_change_is_left_out(argv: tuple[str, ...]) -> None:
    said = "[PM2] [api](0) ✓"
    lines = ("┌────┬──────┐", "│ id │ name │", "├────┼──────┤", "└────┴──────┘")
    for command, kept in ((change(*argv), [said]), (change("make", "build"), [said, *lines])):
        state = PlanState(make(Step("one", command)))
        for line in (said, *lines):
            state.feed(f"o step.1 {line}")
        assert state.progress().steps[0].output.splitlines() == kept
