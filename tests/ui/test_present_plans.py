"""Plans and verdicts as they are read before somebody presses a key."""

from dataclasses import replace

from console.core.command import Command, Effect
from console.core.finding import Proposal
from console.core.plan import (
    ActionKind,
    Check,
    Intent,
    PlanProgress,
    Preparation,
    Result,
    Step,
    StepResult,
    StepState,
    Where,
)
from console.core.service import ServiceRef
from console.ui.cells import plain
from console.ui.changes import Change, pending
from console.ui.diagnoser import HostDiagnoser
from console.ui.planner import combined, merged
from console.ui.present import plans, verdict
from console.ui.present.copying import lines_of
from tests.ui import scenes
from tests.ui.fake import FakePlanner

STOP = Intent(ActionKind.STOP, scenes.LEGACY, scenes.PORT)
START = Intent(ActionKind.START, scenes.API, scenes.PORT)


def test_a_review_shows_the_exact_commands_as_they_are_run() -> None:
    plan = FakePlanner().plan((Intent(ActionKind.RESTART, scenes.API),), scenes.web3())
    as_user = lines_of(plans.review(plan, root=False))
    assert "1         restart api.service   sudo -n -- systemctl restart api.service" in as_user
    assert "root through sudo -n" in as_user
    assert "nginx.service (PartOf)" in as_user
    as_root = lines_of(plans.review(plan, root=True))
    assert "1         restart api.service   systemctl restart api.service" in as_root


def test_a_script_that_only_looks_is_told_by_its_name_and_is_whole_among_the_commands() -> None:
    script = Command(("sh", "-c", "ss -ltn\n" * 50), effect=Effect.READ)
    plan = replace(
        FakePlanner().plan((START,), scenes.web3()),
        steps=(Step("see it released", script),),
        checks=(Check("up", script),),
    )
    shown = lines_of(plans.review(plan, root=True))
    assert "see it released   (looks only)" in shown
    assert "ss -ltn" not in shown
    assert "ss -ltn" in "\n".join(plans.all_commands(plan, root=True))


def test_a_script_that_looks_first_is_told_by_what_it_ends_in() -> None:
    ends = ("pm2", "restart", "3")
    script = Command(("sh", "-c", "look\n" * 50, "sh", *ends), effect=Effect.CHANGE, becomes=ends)
    plan = replace(FakePlanner().plan((START,), scenes.web3()), steps=(Step("restart a b", script, undo=script),))
    shown = lines_of(plans.review(plan, root=True))
    assert "restart a b   pm2 restart 3   (looks first)" in shown
    assert "if not    pm2 restart 3" in shown
    assert "look\n" not in shown
    assert "  look" in "\n".join(plans.all_commands(plan, root=True))


def test_a_short_script_is_told_by_its_name_too() -> None:
    script = Command(("sh", "-c", "tries=$6 while :; do x; done"), effect=Effect.CHANGE)
    plan = replace(FakePlanner().plan((START,), scenes.web3()), steps=(Step("wait for it", script, undo=script),))
    shown = lines_of(plans.review(plan, root=True))
    assert "1         wait for it   (e: the script)" in shown
    assert "undo: wait for it" in shown
    assert "tries" not in shown


def test_from_which_release_to_which_stands_first_and_in_the_title() -> None:
    words = Command(("sh", "-c", "a; b"), effect=Effect.CHANGE, purpose="make 2 live")
    plan = replace(
        FakePlanner().plan((START,), scenes.web3()),
        kind=ActionKind.ROLLBACK, steps=(Step("make 2 live", words),), versions=("v1.9.0", "v1.5.0"),
    )  # fmt: skip
    shown = lines_of(plans.review(plan, root=True))
    assert shown.splitlines()[0] == "release   from v1.9.0 to v1.5.0"
    assert "make 2 live   (e: the script)" in shown, "what its name says is not said twice"
    assert plans.title(plan) == "Rollback  web-3  api.service  to v1.5.0"


def test_what_undoes_a_plan_stands_above_what_it_looks_at_before() -> None:
    looks = tuple(Check(f"look {number}", Command(("true",))) for number in range(9))
    plan = replace(FakePlanner().plan((START,), scenes.web3()), preflight=looks, checks=looks[:1])
    shown = lines_of(plans.review(plan, root=True))
    assert shown.index("then ") < shown.index("if not ") < shown.index("before ")


def test_an_undo_that_only_waits_is_told_by_what_it_waits_for() -> None:
    wait = Command(("sh", "-c", "while :; do x; done"), purpose="wait until legacy.service has tcp 8080 again")
    plan = replace(FakePlanner().plan((START,), scenes.web3()), steps=(Step("see it released", wait, undo=wait),))
    assert "if not    wait until legacy.service has tcp 8080 again   (looks only)" in lines_of(
        plans.review(plan, root=True)
    )


def test_undo_is_shown_in_the_order_in_which_it_would_run() -> None:
    steps = (
        Step("a", Command(("a",)), undo=Command(("undo-a",))),
        Step("b", Command(("b",)), undo=Command(("undo-b",))),
    )
    plan = replace(FakePlanner().plan((START,), scenes.web3()), steps=steps)
    shown = lines_of(plans.review(plan, root=True))
    assert shown.index("undo-b") < shown.index("undo-a")


def test_what_a_failed_step_said_is_kept_to_its_last_lines() -> None:
    plan = FakePlanner().plan((START,), scenes.web3())
    output = "\n".join(f"line {number}" for number in range(40))
    progress = PlanProgress(plan, steps=(StepResult("start", StepState.FAILED, 0.1, output),), result=Result.FAILED)
    said = plans.failure(progress)
    assert len(said) == 12
    assert plain(said[-1].value) == "line 39"
    kept = StepResult("the last lines of api", StepState.DONE, 0.1, "Started")
    both = plans.failure(replace(progress, evidence=(kept,)))
    assert [entry.key for entry in both if entry.key] == ["SAID", "NEWEST", "KEPT"], "in this order on a small screen"
    long = replace(kept, output=output)
    assert [plain(entry.value) for entry in plans.failure(replace(progress, evidence=(long,)))[-7:]] == [
        "line 39",
        *(f"line {number}" for number in range(34, 40)),
    ]
    silent = replace(progress, steps=(StepResult("start", StepState.FAILED),))
    assert plain(plans.failure(silent)[0].value) == "it said nothing"


def test_why_some_of_the_last_words_were_not_kept_stands_below_those_that_were() -> None:
    progress = pending(FakePlanner().plan((START,), scenes.web3()))
    journal = StepResult("the journal", StepState.DONE, 0.1, "Started")
    file = StepResult("the log", StepState.FAILED, 0.1, "deploy may not read /var/log/app.log")
    refused, silent = "not kept: deploy may not read /var/log/app.log", "nothing was written since for the journal"
    for evidence, expected in (
        ((journal, file), ["Started", refused]),
        ((replace(journal, output=""), file), [silent, refused]),
        ((replace(journal, output=""),), [silent]),
        ((replace(file, output=""),), ["not kept: why was not told"]),
        ((), []),
    ):
        shown = plans.failure(replace(progress, evidence=evidence))
        assert [plain(entry.value) for entry in shown if entry.key != "NEWEST"] == expected


def test_to_stop_the_holder_and_start_the_service_is_to_free_the_port() -> None:
    reset = Intent(ActionKind.RESET_FAILED, scenes.API)
    assert combined((STOP, reset, START)) == (STOP, START)
    assert combined((reset, START)) == (START,), "a start clears the failure by itself"
    assert combined((STOP,)) == (STOP,)


def test_several_plans_of_one_host_become_one_transaction() -> None:
    planner = FakePlanner()
    socket = ServiceRef("web-3", "systemd", "echo.socket")
    both = merged(
        (planner.plan((Intent(ActionKind.STOP, socket),), scenes.web3()), planner.plan((STOP,), scenes.web3()))
    )
    assert [step.name for step in both.steps] == ["stop echo.socket", "stop legacy.service"]
    assert both.target == scenes.LEGACY
    assert both.touches == (socket,)
    assert len(both.also_hit) == 1


def test_what_cannot_be_undone_is_told_of_each_of_several_plans() -> None:
    first, second = (FakePlanner().plan((intent,), scenes.web3()) for intent in (STOP, START))
    both = merged((replace(first, irreversible="a is removed"), replace(second, irreversible="b is removed")))
    assert both.irreversible == "a is removed; b is removed"
    assert merged((replace(first, irreversible=None), replace(second, irreversible=None))).irreversible is None
    steps = (Step("stop", Command(("true",)), Command(("true",))),)
    shown = lines_of(plans.review(replace(both, steps=steps), root=True))
    assert "no way back" in shown
    assert "b is removed" in shown


def block(prefix: str = "", off: str | None = None) -> str:
    found = HostDiagnoser().now(scenes.web3(), scenes.API)
    return lines_of(
        verdict.verdict_block(found, scenes.CLOCK, lambda proposal: proposal.reason_off or off, prefix=prefix)
    )


def test_the_verdict_names_the_holder_what_keeps_it_and_what_to_press() -> None:
    shown = block()
    for line in (
        "BIND      0.0.0.0:8080 -> EADDRINUSE  (14:00:20 UTC, 5 times)",
        "HELD BY   node pid 4112 user deploy 127.0.0.1:8080",
        "WHY       systemd -> legacy.service",
        "RESPAWN   only after SIGKILL or a failing exit (systemd Restart=on-failure)",
        "MEND      1 stop legacy.service, then start api.service  (recommended)",
    ):
        assert line in shown


def test_in_a_small_pane_the_ways_out_come_before_what_the_verdict_rests_on() -> None:
    assert block().index("SURE") < block().index("MEND")
    assert block(prefix="m").index("MEND") < block(prefix="m").index("SURE")
    assert "m1 stop legacy.service" in block(prefix="m")


def test_a_way_out_that_is_off_says_why_beside_it() -> None:
    assert "off: web-3 is read-only" in block(off="web-3 is read-only")
    assert "(recommended)" not in block(off="web-3 is read-only")


def test_a_service_that_has_its_port_is_calm() -> None:
    found = HostDiagnoser().now(scenes.web3(mended=True), scenes.API)
    assert verdict.own(found)
    shown = verdict.verdict_block(found, scenes.CLOCK, lambda _proposal: None)
    assert "held by itself" in lines_of(shown)


def test_the_same_snapshot_is_judged_once() -> None:
    calls: list[object] = []
    plain_rules = HostDiagnoser()

    def judge(snapshot: object, target: object, _symptom: object) -> object:
        calls.append(target)
        return plain_rules.now(snapshot, target)  # type: ignore[arg-type]

    diagnoser = HostDiagnoser(judge)  # type: ignore[arg-type]
    snapshot = scenes.web3()
    assert diagnoser.now(snapshot, scenes.API) is diagnoser.now(snapshot, scenes.API)
    diagnoser.now(scenes.web3(), scenes.API)
    assert len(calls) == 2


def test_proposals_show_their_commands_beneath() -> None:
    proposal = Proposal("x", "do it", commands=("systemctl stop a", "systemctl start b"))
    shown = lines_of(tuple(verdict.ways((proposal,), lambda _proposal: None)))
    assert shown.splitlines()[1].strip() == "systemctl stop a"


def test_what_is_built_here_comes_first_and_is_told_as_any_step() -> None:
    build = Preparation("build 1", Where.HERE, Command(("make",), effect=Effect.CHANGE), "/src", (("VERSION", "v1"),))
    take = Command(("sh", "-c", "read x\n" * 50), effect=Effect.CHANGE)
    plan = replace(
        FakePlanner().plan((START,), scenes.web3()),
        prepare=(build, Preparation("send it", Where.UPLOAD, take, "/src/build")),
    )
    shown = lines_of(plans.review(plan, root=True)).splitlines()
    assert shown[0] == "prepare   VERSION=v1 make   (on this machine, in /src)"
    assert shown[1].strip() == "send it"
    assert "  read x" in plans.all_commands(plan, root=True)
    change = Change(plan, pending(plan), 0.0)
    assert change.preparing
    failed = StepResult("build 1", StepState.FAILED, 3.0, "a\nbroken", 2)
    change.progress = replace(change.progress, prepare=(failed,), result=Result.FAILED, reason="build 1 failed")
    assert [plain(entry.value) for entry in plans.failure(change.progress)] == ["a", "broken"]
    begun = lines_of(plans.detail(change, scenes.CLOCK)).splitlines()
    assert any(line.startswith("PREPARED") and "build 1  3.0 s  broken" in line for line in begun)
    change.progress = replace(change.progress, prepare=(replace(failed, state=StepState.DONE),), result=None)
    assert not change.preparing
