"""What a fleet asks of a host whose connection gives no further channel."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from console.core.command import Command, Output
from console.core.finding import Finding
from console.core.plan import Plan, PlanProgress, Result, Step
from console.core.snapshot import AbandonedPlan, Identity, Link, LinkState, Snapshot
from console.remote.fleet import Fleet
from console.remote.transport import ChannelRefusedError, HostSpec, Transport
from tests.remote.plans import make


class Connection:
    """Answers what sudo allows, or has no channel for it."""

    def __init__(self, *, full: bool) -> None:
        self.host, self.connected, self.full, self.closed = "web1", not full, full, False

    async def connect(self) -> None:
        self.connected = True

    async def close(self) -> None:
        self.closed = True

    async def run(self, _command: Command, _stdin: bytes = b"") -> Output:
        if self.full:
            raise ChannelRefusedError("MaxSessions 1")
        return Output(0, "user oncall\npath 0 /usr/bin/systemctl\nexit 0 1\nsaid 0 sudo: a password is required\n")


async def test_rights_are_asked_over_a_connection_of_their_own_where_the_first_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Row 13: MaxSessions 1."""
    own: list[Any] = []

    def connect(_spec: HostSpec) -> Any:
        own.append(Connection(full=False))
        return own[-1]

    fleet = Fleet([HostSpec("web1", "web1")], connect, lambda _snapshot: ())
    monkeypatch.setattr(fleet, "transport", lambda _host: Connection(full=True))
    monkeypatch.setattr(fleet, "identity", lambda _host: Identity("web1", "Debian", "6.1", "oncall", 1000))
    step = Step("restart", Command(("systemctl", "restart", "api.service"), elevate=True))
    found = await fleet.rights("web1", make(step))
    assert not found.allowed
    assert found.missing == ("oncall ALL=(root) NOPASSWD: /usr/bin/systemctl restart api.service",)
    assert [each.closed for each in own] == [True]


def test_a_host_is_judged_when_its_findings_are_asked_for_and_once_for_each_snapshot() -> None:
    judged: list[Snapshot] = []

    def judge(snapshot: Snapshot) -> tuple[Finding, ...]:
        judged.append(snapshot)
        return ()

    def connect(spec: HostSpec) -> Transport:
        raise AssertionError(spec)

    fleet = Fleet([HostSpec("web1", "web1")], connect, judge)
    poller = fleet._poller("web1")
    poller.builder.link(Link(LinkState.UP, 1.0))
    poller._emit()
    assert judged == []
    assert fleet.findings("web1") == fleet.findings("web1") == ()
    assert judged == [fleet.snapshot("web1")]


@pytest.mark.parametrize(("result", "left"), [(Result.DONE, 1), (Result.UNDONE, 1), (Result.REFUSED, 2)])
async def test_what_was_abandoned_of_a_service_is_over_once_a_plan_of_it_has_ended(result: Result, left: int) -> None:
    plan = make(Step("restart", Command(("true",))))

    async def run(_plan: Plan, _fleet: Fleet) -> AsyncGenerator[PlanProgress, None]:
        yield PlanProgress(plan, result=result)

    fleet = Fleet([HostSpec("web1", "web1")], lambda spec: Connection(full=False), lambda _: (), run=run)  # type: ignore[arg-type, return-value]
    other = replace(plan.target, name="other.service")
    gone = tuple(AbandonedPlan("20261120-7", "restart", ref, "bob") for ref in (plan.target, other))
    fleet.abandoned(plan.target.host, gone)
    _ = [progress async for progress in fleet.execute(plan)]
    assert len(fleet.snapshot(plan.target.host).abandoned) == left
