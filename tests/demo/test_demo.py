"""The demo prints what the real tools print: every source answers, and plans do to it what systemctl would do."""

import asyncio
import math

import pytest

from console.core.command import Command, Effect
from console.core.plan import ActionKind, Check, Plan, PlanProgress, Result, Step
from console.core.service import ServiceRef, State
from console.core.snapshot import Snapshot
from console.core.usage import usage_rates
from console.demo import executor
from console.demo.fleet import demo_fleet
from console.demo.scenes import fleet as fleet_of_hosts
from console.remote.fleet import Fleet


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "PACE", 0.0)


async def started() -> Fleet:
    fleet = demo_fleet(lambda snapshot: (), delay=0.0)
    fleet.start()
    await asyncio.gather(*(fleet.settled(spec.name) for spec in fleet.hosts))
    return fleet


async def test_every_source_of_every_host_answers() -> None:
    fleet = await started()
    snapshots = [fleet.snapshot(spec.name) for spec in fleet.hosts]
    await fleet.stop()
    assert len(snapshots) == 12
    for snapshot in snapshots:
        assert [source for source in snapshot.sources if source.failure] == []
        assert snapshot.services
        assert snapshot.listeners
        assert snapshot.filesystems
        assert abs(snapshot.clock_skew or 0.0) < 1.0


async def test_the_environment_of_every_service_answers() -> None:
    fleet = await started()
    services = [(spec.name, service) for spec in fleet.hosts for service in fleet.snapshot(spec.name).services]
    found = [await fleet.environment(service.ref) for _, service in services[:20]]
    await fleet.stop()
    for environment in found:
        assert environment.failure is None
        assert [source.failure for source in environment.sources if source.failure] == []
        assert any(source.hides for source in environment.sources)
        assert environment.restart_due == ()
        assert "demo-of" not in repr(environment)


def state(snapshot: Snapshot, name: str) -> State:
    return next(service.state for service in snapshot.services if service.ref.name == name)


async def run(fleet: Fleet, host: str, *steps: str) -> PlanProgress:
    commands = [Command(tuple(step.split()), elevate=True, effect=Effect.CHANGE) for step in steps]
    target = ServiceRef(host, "systemd", steps[-1].split()[-1])
    plan = Plan("p", ActionKind.START, target, tuple(Step(" ".join(c.argv), c) for c in commands))
    *_, last = [progress async for progress in fleet.execute(plan)]
    await fleet.refresh(host)
    return last


@pytest.mark.usefixtures("fast")
async def test_the_port_must_be_released_before_the_service_starts() -> None:
    fleet = await started()
    failed = await run(fleet, "web-3", "systemctl reset-failed api.service", "systemctl start api.service")
    assert failed.result is Result.FAILED
    assert state(fleet.snapshot("web-3"), "api.service") is State.FAILED
    done = await run(
        fleet,
        "web-3",
        "systemctl stop legacy-api.service",
        "systemctl reset-failed api.service",
        "systemctl start api.service",
    )
    snapshot = fleet.snapshot("web-3")
    await fleet.stop()
    assert done.result is Result.DONE
    assert state(snapshot, "api.service") is State.RUNNING
    assert state(snapshot, "legacy-api.service") is State.STOPPED
    assert next(each.unit for each in snapshot.listeners if each.port == 8080) == "api.service"


@pytest.mark.usefixtures("fast")
async def test_a_start_limit_must_be_cleared_first() -> None:
    fleet = await started()
    refused = await run(fleet, "queue-1", "systemctl start billing.service")
    done = await run(fleet, "queue-1", "systemctl reset-failed billing.service", "systemctl start billing.service")
    await fleet.stop()
    assert (refused.result, done.result) == (Result.FAILED, Result.DONE)


@pytest.mark.usefixtures("fast")
async def test_the_disk_is_free_when_what_overloads_it_is_stopped() -> None:
    fleet = await started()
    before = fleet.snapshot("db-1")
    await run(fleet, "db-1", "systemctl stop pg-backup.service")
    after = fleet.snapshot("db-1")
    await fleet.stop()
    assert before.sample is not None
    assert after.sample is not None
    assert (before.sample.blocked, after.sample.blocked) == (3, 0)


@pytest.mark.usefixtures("fast")
async def test_a_check_that_would_be_held_says_that_the_demo_does_not_wait() -> None:
    fleet = await started()
    looks = Command(("systemctl", "is-active", "cron.service"))
    plan = Plan(
        "p1",
        ActionKind.RESTART,
        ServiceRef("db-1", "systemd", "cron.service"),
        (),
        checks=(Check("is active for 10 s", looks, hold=10.0), Check("is active", looks)),
    )
    told = [progress async for progress in fleet.execute(plan)][-1]
    await fleet.stop()
    assert [check.output for check in told.checks] == ["the demo looks once and does not wait", ""]


def test_processes_that_are_started_on_different_hosts_have_different_numbers() -> None:
    hosts = fleet_of_hosts()
    for host in hosts:
        host.stop("cron.service")
        host.start("cron.service")
    assert len({host.units["cron.service"].pid for host in hosts}) == len(hosts)


async def test_a_host_that_is_watched_for_long_goes_on_answering_at_once() -> None:
    """What is asked often is asked of a process that stays: of that, too, the demo knows."""
    now = [1000.0]
    fleet = demo_fleet(lambda snapshot: (), clock=lambda: now[0], interval=math.inf, delay=0.0)
    fleet.start()
    await fleet.settled("web-1")
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
    session = fleet._poller("web-1").session
    assert session is not None
    before = session._fast
    for _ in range(5):
        now[0] += 1.0
        await fleet.tick("web-1")
    assert before._before_resident < 0, "the process that stays answers, and was not given up"
    assert fleet._poller("web-1").session is session
    assert session._fast is before
    await fleet.stop()
    assert faults == []


async def test_what_a_service_uses_is_told_here_too() -> None:
    now = [1000.0]
    fleet = demo_fleet(lambda snapshot: (), clock=lambda: now[0], interval=math.inf, delay=0.0)
    fleet.start()
    await fleet.settled("db-1")
    backup = ServiceRef("db-1", "systemd", "pg-backup.service")
    before = await fleet.usage(backup)
    now[0] += 2.0
    after = await fleet.usage(backup)
    gone = await fleet.usage(ServiceRef("db-1", "systemd", "none.service"))
    await fleet.stop()
    assert before.reading is not None
    assert after.reading is not None
    told = usage_rates(before.reading, after.reading)
    assert told is not None
    assert (round(told.cpu), told.read, told.written) == (2, 0.0, float(40 << 20))
    assert gone.failure == "db-1 has no such service: db-1/systemd:none.service"
