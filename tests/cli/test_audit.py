"""``hostdeck audit``: what it tells of results that are not known."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from console.cli import wiring
from console.core.command import Command, Output
from console.core.plan import Plan, PlanProgress, Result, Step, StepResult, StepState
from console.remote import plan_json
from console.remote.audit import AuditTrail
from console.remote.transport import HostSpec, Transport, TransportError
from tests.cli.test_commands import Run, cli
from tests.remote.plans import change, make

__all__ = ["cli"]


def test_audit_says_how_many_results_are_unknown_and_what_asks_for_them(cli: Run) -> None:
    """Row 32: the next start shows it."""
    trail = AuditTrail()
    trail.planned(make(plan_id="20261120-0001"), "ann")
    assert cli("audit", "nothing-like-it")[1].splitlines()[-1] == (
        "1 result is unknown here: `hostdeck audit --result unknown --ask` "
        "asks the hosts what still runs and how it ended"
    )
    trail.planned(make(plan_id="20261120-0002"), "ann")
    assert cli("audit")[1].splitlines()[-1].startswith("2 results are unknown here: ")
    assert "unknown here" not in cli("audit", "--json")[1]


def test_what_failed_said_last_is_in_the_trail(cli: Run) -> None:
    trail, made = AuditTrail(), make(Step("stop", change("systemctl", "stop", "api")), plan_id="20261120-0003")
    trail.planned(made, "ann")
    kept = StepResult("the last lines", StepState.DONE, 0.1, "panic: no ledger")
    left = tuple(StepResult(step.name, StepState.SKIPPED) for step in made.steps)
    ill = StepResult("/health answers 2xx", StepState.FAILED, 9.0, "it answered 503\nwith token=abcdef0123456789")
    told = PlanProgress(made, steps=left, checks=(ill,), evidence=(kept,))
    trail.finished(made, Result.UNDONE, "not healthy", told)
    assert "    not run  " in cli("audit")[1]
    assert "    said  panic: no ledger" in cli("audit")[1].splitlines()
    assert "    failed with  it answered 503" in cli("audit")[1].splitlines()
    (entry,) = json.loads(cli("audit", "--json")[1])["plans"]
    assert entry["kept"] == ["panic: no ledger"]
    assert entry["failed"][0] == "it answered 503"
    assert "abcdef0123456789" not in entry["failed"][1]


def test_what_was_found_true_is_in_the_trail(cli: Run) -> None:
    """Else nobody would see later that a stop which was done took SIGKILL."""
    trail, made = AuditTrail(), make(Step("stop", change("systemctl", "stop", "api")), plan_id="20261120-0004")
    trail.planned(made, "ann")
    found = "api.service is down, but did not end in its time (Result=timeout): systemd then sends SIGKILL"
    trail.finished(made, Result.DONE, None, PlanProgress(made, result=Result.DONE, proof=(found,)))
    assert " ".join(cli("audit")[1].split()).count(f"found {found}") == 1
    (entry,) = json.loads(cli("audit", "--json")[1])["plans"]
    assert entry["proof"] == [found]


def test_what_is_not_found_says_what_was_looked_for(cli: Run) -> None:
    assert cli("audit", "api")[1].startswith("nothing was done from here yet: ")
    AuditTrail().planned(make(plan_id="20261120-0001"), "ann")
    said = cli("audit", "./api", "--kind", "stop")[1]
    assert said.startswith("none of the 1 plans in ")
    assert "has --kind stop, './api' in its service or its reason; their hosts: web1" in said


class Silent:
    """A host that does not answer, and tells when it was asked."""

    def __init__(self, host: str, asked: list[str]) -> None:
        self.host, self.connected = host, False
        self._asked = asked

    async def connect(self) -> None:
        self._asked.append(self.host)
        raise TransportError("timeout", "no answer")

    async def close(self) -> None:
        pass


def test_what_is_too_old_is_said_in_words(cli: Run) -> None:
    AuditTrail().planned(make(plan_id="20261120-0001"), "ann")
    assert "plans in " in (told := cli("audit", "--since", "0")[1])
    assert " is that young (--since); their hosts: " in told
    assert " has --host web9 and is that young (--since); " in cli("audit", "--since", "0", "--host", "web9")[1]


def test_only_the_hosts_that_are_meant_are_asked(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def silent(specs: tuple[HostSpec, ...]) -> tuple[Transport, ...]:
        return tuple(Silent(spec.name, asked) for spec in specs)  # type: ignore[misc]

    monkeypatch.setattr(wiring, "transports", silent)
    for number, host in enumerate(("hosta", "hostb", "-none")):
        made = make(plan_id=f"20261120-000{number}")
        AuditTrail().planned(replace(made, target=replace(made.target, host=host)), "ann")
    code, _, err = cli("audit", "--ask", "--host", "hosta")
    assert (code, asked) == (3, ["hosta"])
    assert "hosta: no answer" in err
    # One that cannot even be named does not keep the others from being asked.
    code, _, err = cli("audit", "--ask")
    assert (code, asked) == (3, ["hosta", "hosta", "hostb"])
    assert "-none" in err


class Told(Silent):
    """A host that tells of its plans."""

    text = ""

    async def connect(self) -> None:
        self.connected = True

    async def run(self, command: Command, stdin: bytes = b"") -> Output:
        return Output(0, self.text, "")


def told_of(plan: Plan, life: str) -> list[str]:
    """What a host tells of a plan that runs, was left, or has ended."""
    run = f"state run 1 {plan.id} 77 5 BOOT 5000 1795000000 100 oncall"
    end = ["state took 3.0", "state result done"] if life == "over" else [f"a {life}"]
    return [f"p {plan.id} 1001", f"plan {plan_json.dumps(plan, 'bob')}", run, *end]


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> tuple[Plan, ...]:
    """Four plans that web1 tells of, once it is asked: one runs, one was left, one has ended, and one runs too."""
    made = tuple(
        replace(make(Step("one", change("true")), plan_id=f"20261120-000{n}"), reason="incident 4711") for n in range(4)
    )
    lives = ("alive", "dead", "over", "alive")
    lines = [line for plan, life in zip(made, lives, strict=True) for line in told_of(plan, life)]
    Told.text = "\n".join(["n 9000 BOOT 1001", *lines])
    monkeypatch.setattr(wiring, "transports", lambda specs: tuple(Told(spec.name, []) for spec in specs))
    return made


def test_what_runs_and_what_was_left_is_told_as_that(cli: Run, plans: tuple[Plan, ...]) -> None:
    for made in plans:
        AuditTrail().planned(made, "ann")
        AuditTrail().started(made)
    lost = replace(make(plan_id="20261120-0009"), target=replace(plans[0].target, name="lost.service"))
    AuditTrail().planned(lost, "ann")
    assert cli("audit")[1].count("    it began, and no end of it was seen from here: it may still run\n") == 4
    code, told, _ = cli("audit", "--ask")
    assert code == 0
    words = [line.split("  ")[1].split(" ", 1)[1].split(" in ")[0] for line in told.splitlines() if "  by ann" in line]
    assert sorted(words) == ["abandoned", "done", "running", "running", "unknown"]
    assert told.splitlines()[-2:] == [
        "2 results are not known: still running (web1)",
        "1 result is not known: the host was asked and knows nothing of it, as after a day (web1)",
    ]
    for result, ids in {
        "running": {plans[0].id, plans[3].id},
        "abandoned": {plans[1].id},
        "failed": {plans[1].id},
        "done": {plans[2].id},
    }.items():
        found = json.loads(cli("audit", "--ask", "--result", result, "--json")[1])["plans"]
        assert {one["id"] for one in found} == ids
        assert {(one["state"], one["elsewhere"]) for one in found} <= {(result, False), ("abandoned", False)}
    # What became of the one that was left is kept here, also when nobody asks any more.
    assert json.loads(cli("audit", "--result", "abandoned", "--json")[1])["plans"][0]["result"] == "failed"


def test_plans_of_other_consoles_are_told_too(cli: Run, plans: tuple[Plan, ...]) -> None:
    AuditTrail().planned(plans[3], "ann")
    assert len(json.loads(cli("audit", "--json")[1])["plans"]) == 1
    told = cli("audit", "--ask", "--host", "web1")[1]
    others = [line for line in told.splitlines() if "another console" in line]
    about = "restart web1/systemd:api.service  by bob from another console  (incident 4711)"
    assert all(line.endswith(about) for line in others)
    assert [next(word for word in ("running", "abandoned", "done in 3.0 s") if word in line) for line in others] == [
        "running",
        "abandoned",
        "done in 3.0 s",
    ]
    found = json.loads(cli("audit", "--ask", "--host", "web1", "--json")[1])["plans"]
    assert {one["id"]: (one["state"], one["elsewhere"]) for one in found} == {
        plans[0].id: ("running", True),
        plans[1].id: ("abandoned", True),
        plans[2].id: ("done", True),
        plans[3].id: ("running", False),
    }


def test_of_another_users_plan_what_its_lock_says(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    says = "plan=20261120-0007&kind=restart&target=w%2Fsystemd%3Aapi.service&by=eve&why=hurry&lease=100"
    Told.text = f"n 9000 BOOT 1001\nl systemd-api-1 7 live 1002:eve {says}"
    monkeypatch.setattr(wiring, "transports", lambda specs: tuple(Told(spec.name, []) for spec in specs))
    (found,) = json.loads(cli("audit", "--ask", "--host", "web1", "--json")[1])["plans"]
    assert (found["target"], found["who"], found["state"]) == ("web1/api.service", "eve", "running")
