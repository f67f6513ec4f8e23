"""One change of several services: of those that are named, and of all of a group."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from console.cli import planning, several
from console.cli.errors import CliError
from console.config.model import Config
from console.core.plan import ActionKind, Plan, PlanProgress, Result
from console.core.service import Service, State
from console.core.snapshot import Snapshot
from console.core.target import parse
from console.remote.rights import Right, Rights
from console.remote.transport import HostSpec
from tests.actions.hosts import ref, service, snapshot


def program(name: str, state: State = State.RUNNING, **more: object) -> Service:
    return service(name, state, ref=ref(name, manager="supervisord"), tool=("supervisorctl",), **more)


SHOP = (program("shop:cart"), program("shop:idle", State.STOPPED), program("shop:pay"), program("other"))


@dataclass
class Told:
    """A fleet that runs plans as it is told to."""

    where: Snapshot
    failing: str = ""
    denied: str = ""
    ran: list[str] = field(default_factory=list)

    def snapshot(self, host: str) -> Snapshot:
        here = [replace(one, ref=replace(one.ref, host=host)) for one in self.where.services]
        return replace(self.where, host=host, services=tuple(here))

    async def settled(self, host: str) -> Snapshot:
        return self.snapshot(host)

    async def rights(self, host: str, plan: Plan) -> Rights:
        rights = (Right("x", "x", False, reason="no right"),) if plan.target.name == self.denied else ()
        return Rights("oncall", rights)

    async def execute(self, plan: Plan) -> AsyncIterator[PlanProgress]:
        one_host = plan.target.host == "web1"
        self.ran.append(plan.target.name if one_host else f"{plan.target.host}/{plan.target.name}")
        yield PlanProgress(plan)
        bad = plan.target.name == self.failing
        yield PlanProgress(plan, result=Result.FAILED if bad else Result.DONE, reason="it died" if bad else None)


@pytest.fixture(autouse=True)
def _no_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "recent_starts", lambda *_: 0)


async def act(fleet: Told, kind: ActionKind = ActionKind.RESTART, word: str = "web1/shop:*", **given: object) -> int:
    """``word``: one target or several."""
    arguments = Namespace(**{"yes": True, "dry_run": False, "reason": None, "json": False} | given)
    told: Any = fleet
    targets = [parse(one) for one in word.split()]
    aims = tuple(several.Aim(HostSpec(one.host or "", one.host or ""), one) for one in targets)
    return await several.act(several.Wish(told, Config(), aims, kind, arguments))


async def test_each_has_its_plan_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Told(snapshot(*SHOP))
    assert await act(fleet) == 0
    assert fleet.ran == ["shop:cart", "shop:idle", "shop:pay"]
    assert capsys.readouterr().out.count("done") == 3


async def test_the_first_that_fails_stops_those_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Told(snapshot(*SHOP), failing="shop:idle")
    assert await act(fleet, json=True) == 1
    assert fleet.ran == ["shop:cart", "shop:idle"]
    told = capsys.readouterr()
    assert "not begun, because of that: shop:pay" in told.err
    found = json.loads(told.out)
    assert (found["schema"], found["result"], found["reason"]) == ("hostdeck.plans/1", "failed", "it died")
    assert [plan["result"] for plan in found["plans"]] == ["done", "failed", None]
    assert found["target"] == "web1/shop:*"


async def test_nothing_is_done_where_one_may_not_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Told(snapshot(*SHOP), denied="shop:pay")
    assert await act(fleet, json=True) == 1
    assert fleet.ran == []
    told = capsys.readouterr()
    assert "refused, nothing was done: restart of web1/supervisord:shop:pay: no right" in told.err
    assert json.loads(told.out)["result"] == "refused"


@pytest.mark.parametrize(
    ("kind", "ran", "passed"),
    [
        (ActionKind.START, ["shop:idle"], {"web1/supervisord:shop:cart", "web1/supervisord:shop:pay"}),
        (ActionKind.STOP, ["shop:cart", "shop:pay"], {"web1/supervisord:shop:idle"}),
    ],
)
async def test_what_is_as_it_is_wanted_is_passed_over(
    kind: ActionKind, ran: list[str], passed: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = Told(snapshot(*SHOP))
    assert await act(fleet, kind, json=True) == 0
    assert fleet.ran == ran
    assert {one["target"] for one in json.loads(capsys.readouterr().out)["skipped"]} == passed


async def test_a_dry_run_shows_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Told(snapshot(*SHOP))
    assert await act(fleet, ActionKind.STOP, dry_run=True) == 0
    assert fleet.ran == []
    out = capsys.readouterr().out
    assert "web1/supervisord:shop:idle is passed over: it is down already" in out
    assert "supervisorctl stop shop:cart" in out
    assert "supervisorctl stop shop:pay" in out


async def test_named_services_come_in_the_order_of_their_names_each_once() -> None:
    fleet = Told(snapshot(*SHOP))
    assert await act(fleet, word="web1/other web1/shop:pay web1/supervisord:other web2/other") == 0
    assert fleet.ran == ["other", "shop:pay", "web2/other"]


async def test_of_named_services_none_is_begun_behind_one_that_failed(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Told(snapshot(*SHOP), failing="shop:pay")
    assert await act(fleet, word="web1/shop:pay web1/other web2/other", json=True) == 1
    assert fleet.ran == ["shop:pay"]
    told = capsys.readouterr()
    assert "not begun, because of that: web1/supervisord:other, web2/supervisord:other" in told.err
    found = json.loads(told.out)
    assert (found["target"], found["result"]) == ("web1/shop:pay web1/other web2/other", "failed")
    assert [plan["target"] for plan in found["plans"]] == [f"{one}" for one in (
        "web1/supervisord:shop:pay", "web1/supervisord:other", "web2/supervisord:other")]  # fmt: skip


async def test_of_named_services_none_is_touched_where_one_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Told(snapshot(*SHOP))
    with pytest.raises(CliError, match="no service 'nobody'"):
        await act(fleet, word="web1/other web1/nobody")
    assert fleet.ran == []


async def test_nothing_to_do_is_fine_and_one_adrift_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert await act(Told(snapshot(SHOP[1])), ActionKind.STOP) == 0
    assert "nothing to do for web1/shop:*" in capsys.readouterr().out
    adrift = replace(SHOP[1], adrift="nobody looks after it", tool=(), tool_missing="nobody looks after it")
    assert await act(Told(snapshot(adrift)), ActionKind.START) == 1
    assert "nobody looks after it" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [ActionKind.FREE_PORT, ActionKind.REBUILD, ActionKind.ROLLBACK])
async def test_what_is_of_one_service_is_not_done_to_all(kind: ActionKind) -> None:
    with pytest.raises(CliError, match=f"{kind} takes one service: name it"):
        await act(Told(snapshot(*SHOP)), kind)
