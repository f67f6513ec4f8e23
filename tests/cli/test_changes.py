"""Plans as a person reads them before they run."""

from dataclasses import replace

import pytest

from console.cli import encode_plans
from console.cli.changes import Teller, print_plan
from console.cli.commands.act import as_told, one_by_one
from console.core.command import Command, Effect
from console.core.finding import Proposal
from console.core.network import Socket
from console.core.plan import OUTLIVED, ActionKind, Intent, Plan, PlanProgress, Result, Step, StepResult, StepState
from console.core.service import Endpoint, ServiceRef
from console.diagnosis import Verdict, VerdictWord
from console.diagnosis.verdict import Holder
from tests.actions.hosts import ref

STOP = Step("stop old.service", Command(("systemctl", "stop", "old.service")))
PLAN = Plan("20261120-1", ActionKind.FREE_PORT, ref("api.service"), (STOP,), irreversible="old.service is gone")


def test_a_script_that_looks_first_is_told_by_what_it_ends_in(capsys: pytest.CaptureFixture[str]) -> None:
    ends = ("pm2", "restart", "3")
    script = Command(("sh", "-c", "look\n" * 50, "sh", *ends), effect=Effect.CHANGE, becomes=ends)
    print_plan(replace(PLAN, steps=(Step("restart a b", script, script),)), root=True)
    shown = " ".join(capsys.readouterr().out.split())
    assert "1 pm2 restart 3 (a script that looks first, --json prints it)" in shown
    assert "if not pm2 restart 3" in shown


def test_what_cannot_be_undone_is_shown_beside_what_can(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(PLAN, root=True)
    assert "if not        old.service is gone" in capsys.readouterr().out
    step = replace(STOP, undo=Command(("systemctl", "start", "old.service")))
    print_plan(replace(PLAN, steps=(step,)), root=True)
    shown = capsys.readouterr().out
    assert "if not        systemctl start old.service" in shown
    assert "no way back   old.service is gone" in shown


def test_where_sigterm_was_in_vain_the_line_for_the_next_plan_is_told_in_text_and_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    api = ref("api.service")
    resort = Intent(
        ActionKind.KILL, ServiceRef(api.host, "process", "4112"), Endpoint("tcp", "0.0.0.0", 8080), then=api
    )
    see = Step("see node (pid 4112) end", Command(("true",)), otherwise=resort)
    said = StepResult(see.name, StepState.FAILED, 3.0, "node (pid 4112) ignores SIGTERM", exit=OUTLIVED)
    progress = PlanProgress(replace(PLAN, steps=(see,)), steps=(said,), result=Result.FAILED, reason=said.output)
    Teller(about_port=True).tell(progress)
    line = f"hostdeck kill {api.host}/process:4112 --port 8080/tcp --then systemd:api.service"
    shown = " ".join(capsys.readouterr().out.split())
    assert f"or {line} that is SIGKILL: SIGTERM was in vain" in shown
    assert encode_plans.plan(progress, dry_run=False, root=True)["offer"]["command"] == line
    done = replace(progress, steps=(replace(said, state=StepState.DONE),), result=Result.DONE)
    assert encode_plans.plan(done, dry_run=False, root=True)["offer"] is None


def test_whose_locks_it_set_aside_is_in_the_document() -> None:
    told = PlanProgress(PLAN, result=Result.DONE, broke=("20261120-dead",))
    assert encode_plans.plan(told, dry_run=False, root=True)["broke"] == ["20261120-dead"]


def test_what_failed_said_last_stands_with_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    kept = StepResult("the last lines of api.service", StepState.DONE, 0.1, "panic: no ledger\n\ngoroutine 1")
    done = StepResult(STOP.name, StepState.DONE, 1.0)
    progress = PlanProgress(PLAN, steps=(done,), evidence=(kept,), result=Result.FAILED, reason="it is not active")
    Teller(about_port=False).tell(progress)
    assert capsys.readouterr().out.splitlines()[-4:-1] == ["  it said last:", "    panic: no ledger", "    goroutine 1"]
    hidden = replace(kept, state=StepState.FAILED, output="No journal files were opened")
    Teller(about_port=False).tell(replace(progress, evidence=(hidden, replace(kept, output=""))))
    shown = capsys.readouterr().out
    assert "it said last" not in shown
    assert "  not kept: No journal files were opened\n" in shown
    assert "  nothing was written since for the last lines of api.service\n" in shown
    Teller(about_port=False).tell(replace(progress, result=Result.UNDONE, undo=(done,)))
    assert "  before that was undone it said:\n    panic: no ledger" in capsys.readouterr().out


def test_what_the_step_that_failed_printed_stands_with_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    said = "\n".join((*(f"cc {number}" for number in range(20)), "api.c:42: error", "make: *** Error 1"))
    failed = StepResult("build 1: make build", StepState.FAILED, 1.0, said)
    Teller(about_port=False).tell(PlanProgress(PLAN, steps=(failed,), result=Result.UNDONE, reason="build 1 failed"))
    shown = capsys.readouterr().out.splitlines()
    place = shown.index("  build 1: make build said:")
    assert shown[place + 1 : place + 13] == [*(f"    cc {n}" for n in range(10, 20)), "    api.c:42: error",
                                             "    make: *** Error 1"]  # fmt: skip
    short = replace(failed, output="make: *** Error 1")
    Teller(about_port=False).tell(PlanProgress(PLAN, steps=(short,), result=Result.UNDONE))
    assert "said:" not in capsys.readouterr().out, "it stands beside the step"


def test_where_one_plan_cannot_free_a_port_the_plans_are_told_in_their_order() -> None:
    api, one, two = ref("api.service"), ref("one.service"), ref("two.service")
    stops = (Intent(ActionKind.STOP, one), Intent(ActionKind.STOP, two))
    told = one_by_one(Proposal("stop-holder", "x", (*stops, Intent(ActionKind.START, api))), api)
    assert told is not None
    assert told.startswith("no one plan proves that one.service and two.service let go; one after the other: ")
    lines = told.partition("other: ")[2].split("; ")
    assert lines == [f"hostdeck stop {one}", f"hostdeck stop {two}", f"hostdeck start {api}"]
    last = Proposal("stop-holder", "x", (stops[0], Intent(ActionKind.FREE_PORT, api, Endpoint("tcp", "*", 8080))))
    asked = Intent(ActionKind.FREE_PORT, api)
    assert as_told(asked, _told(last))[1] == (
        "no one plan proves that one.service let go; one after the other: "
        f"hostdeck stop {one}; hostdeck free-port {api}"
    )
    start = Proposal("start", "x", (Intent(ActionKind.RESET_FAILED, api), Intent(ActionKind.START, api)))
    whole = Proposal("stop-holder", "x", (Intent(ActionKind.FREE_PORT, api, Endpoint("tcp", "*", 8080)),))
    assert one_by_one(start, api) is one_by_one(whole, api) is None


def _told(*ways: Proposal, wanted: Endpoint | None = None) -> Verdict:
    return Verdict("web1", 8080, "tcp", VerdictWord.HELD, "held", wanted=wanted, actions=ways)


def test_a_port_is_freed_at_the_address_of_the_verdict() -> None:
    asked = Intent(ActionKind.FREE_PORT, ref("api.service"))
    new, other = (Endpoint("tcp", address, 8080) for address in ("::", "127.0.0.1"))
    ways = [Proposal("stop-holder", "x", (replace(asked, endpoint=one),)) for one in (new, other)]
    assert as_told(asked, _told(ways[0], wanted=new)) == (replace(asked, endpoint=new), None)
    assert as_told(asked, _told(*ways)) == (asked, None), "which of the two addresses is meant is not known"
    by_hand = Proposal("stop-holder", "x", reason_off="by hand")
    assert as_told(asked, _told(by_hand, wanted=other)) == (replace(asked, endpoint=other), None)
    assert as_told(replace(asked, endpoint=other), _told()) == (replace(asked, endpoint=other), None)


def test_no_listener_is_stopped_for_a_port_that_a_connection_keeps() -> None:
    asked = Intent(ActionKind.FREE_PORT, ref("api.service"), Endpoint("tcp", "0.0.0.0", 8080))
    legacy = Holder("tcp", "127.0.0.1", 8080, ref=ref("legacy.service"))
    client = Socket("tcp", "ESTAB", "10.0.0.5", 8080, "10.0.0.9", 22)
    kept = Holder("tcp", "10.0.0.5", 8080, user="root", sockets=(client,))
    stop = Proposal("stop-holder", "stop legacy.service: ...", (Intent(ActionKind.STOP, ref("legacy.service")),))
    why = as_told(asked, replace(_told(stop), holders=(legacy, kept)))[1]
    assert why == "held: no plan takes it from all of these, and to stop some of them is for nothing"
    assert as_told(asked, replace(_told(stop), holders=(legacy,)))[1] is None
    assert as_told(asked, replace(_told(stop), holders=(kept,)))[1] is None
    other = Holder("tcp", "0.0.0.0", 8443, ref=ref("ssh.service"))
    assert as_told(asked, replace(_told(stop), holders=(legacy, other)))[1] == why, "nor for one of two that it needs"
