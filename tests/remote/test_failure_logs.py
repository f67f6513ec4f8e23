"""Reading the log of what failed, once after each failure, and only what is about this host."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from console.core.command import Command, Output
from console.core.service import HOST_NETWORK, Endpoint, Service, ServiceRef, State
from console.core.snapshot import LogLine
from console.remote import collect, failure_logs
from console.remote.builder import SnapshotBuilder
from console.remote.collect import too_many
from console.remote.failure_logs import FailureLogs, symptoms_of

LINE = "listen tcp 0.0.0.0:8080: bind: address already in use"


@dataclass
class Told:
    """A host whose every log says the same."""

    text: str
    asked: list[Command] = field(default_factory=list)
    exit: int = 0

    async def run(self, command: Command) -> Output:
        self.asked.append(command)
        return Output(self.exit, self.text)


def failed(manager: str, since: float = 100.0) -> Service:
    ref = ServiceRef("web1", manager, {"kubernetes": "shop/deploy/api", "compose": "shop/api"}.get(manager, "api"))
    tool = ("kubectl",) if manager == "kubernetes" else ("tool",)
    files, wants = ("/var/log/api.log",), (Endpoint("tcp", "0.0.0.0", 8080),)
    return Service(ref, State.FAILED, "FATAL", since=since, tool=tool, log_files=files, wants=wants)


def logs_of(told: Told, *services: Service) -> tuple[SnapshotBuilder, FailureLogs]:
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    for service in services:
        builder.services(service.ref.manager, (service,), service.ref.manager, 1.0)
    return builder, FailureLogs(builder, told)  # type: ignore[arg-type]


async def test_a_log_is_read_once_after_each_failure_and_forgotten_when_it_runs() -> None:
    told = Told(LINE)
    builder, logs = logs_of(told, failed("supervisord"))
    for _ in range(2):
        await logs.read("supervisord", lambda: 1.0)
        [symptom] = builder.snapshot.symptoms
        assert (symptom.errno, symptom.endpoint) == ("EADDRINUSE", Endpoint("tcp", "0.0.0.0", 8080))
    assert len(told.asked) == 1
    again = failed("supervisord", since=200.0)
    builder.services("supervisord", (again,), "supervisord", 2.0)
    await logs.read("supervisord", lambda: 1.0)
    assert len(told.asked) == 2
    builder.services("supervisord", (replace(again, state=State.RUNNING),), "supervisord", 3.0)
    await logs.read("supervisord", lambda: 1.0)
    assert builder.snapshot.symptoms == ()


async def test_the_end_of_the_log_is_kept_while_it_is_down_without_its_secrets() -> None:
    told = Told("".join(f"line {number}\n" for number in range(9)) + "\npassword=hunter2 refused\n" + "x" * 999)
    builder, logs = logs_of(told, failed("supervisord"))
    await logs.read("supervisord", lambda: 1.0)
    said = builder.snapshot.said_last(failed("supervisord").ref)
    assert said[:4] == ("line 5", "line 6", "line 7", "line 8")
    assert "hunter2" not in said[4]
    assert said[5].startswith("xxx")
    assert len(said[5]) < 350
    assert builder.snapshot.said_last(ServiceRef("web1", "pm2", "api")) == ()
    builder.services("supervisord", (replace(failed("supervisord"), state=State.RUNNING),), "supervisord", 3.0)
    await logs.read("supervisord", lambda: 1.0)
    assert builder.snapshot.last_words == ()


@pytest.mark.parametrize(
    ("manager", "text", "found"),
    [
        ("docker", LINE, 0),
        ("docker", f"docker: Error response from daemon: {LINE}", 1),
        ("docker", f"docker: Error response from daemon: {LINE.replace('8080', '8085')}", 0),
        ("docker", f"2026-11-21T09:52:11.123456789Z docker: Error response from daemon: {LINE}", 0),
        ("docker", f"2026-11-21T09:52:11.123456789Z \rdocker: Error response from daemon: {LINE}", 0),
        ("docker", f"2026-11-21T09:52:11.123456789Z \u2028docker: Error response from daemon: {LINE}", 0),
        ("compose", f"api-1\tdocker: Error response from daemon: {LINE}", 1),
        ("compose", f"api-1\t2026-11-21T09:52:11.123456789Z docker: Error response from daemon: {LINE}", 0),
        ("kubernetes", LINE, 0),
    ],
)
async def test_an_address_inside_a_container_is_none_of_the_host(manager: str, text: str, found: int) -> None:
    builder, logs = logs_of(Told(text), failed(manager))
    await logs.read(manager, lambda: 1.0)
    assert len(builder.snapshot.symptoms) == found


@pytest.mark.parametrize("manager", ["docker", "compose"])
async def test_what_has_the_network_of_the_host_speaks_of_its_ports(manager: str) -> None:
    service = replace(failed(manager), wants=(), network_of=HOST_NETWORK)
    builder, logs = logs_of(Told(LINE), service)
    await logs.read(manager, lambda: 1.0)
    assert [one.endpoint for one in builder.snapshot.symptoms] == [Endpoint("tcp", "0.0.0.0", 8080)]
    builder, logs = logs_of(Told(LINE), replace(service, network_of="inner"))
    await logs.read(manager, lambda: 1.0)
    assert builder.snapshot.symptoms == ()


async def test_an_old_complaint_of_a_log_without_times_is_not_believed() -> None:
    served = "\n".join(f"GET /{number} 200" for number in range(40))
    builder, logs = logs_of(Told(f"{LINE}\n{served}\npanic: cannot open /etc/api.yaml"), failed("pidfile"))
    await logs.read("pidfile", lambda: 1.0)
    assert builder.snapshot.symptoms == ()


async def test_a_log_that_could_not_be_read_is_read_again_later() -> None:
    told = Told(LINE, exit=1)
    builder, logs = logs_of(told, failed("supervisord"))
    for now, asked in ((1.0, 1), (2.0, 1), (62.0, 2)):
        await logs.read("supervisord", lambda: now)  # noqa: B023
        assert len(told.asked) == asked
    told.exit = 0
    await logs.read("supervisord", lambda: 130.0)
    assert len(builder.snapshot.symptoms) == 1


async def test_the_time_that_a_log_took_to_fail_does_not_count() -> None:
    at = [10.0]

    class Slow(Told):
        async def run(self, command: Command) -> Output:
            at[0] += 80.0
            return await super().run(command)

    told = Slow("", exit=124)
    _, logs = logs_of(told, failed("supervisord"))
    for _ in range(2):
        await logs.read("supervisord", lambda: at[0])
    assert len(told.asked) == 1


MANAGERS = ("docker", "pidfile", "pm2", "supervisord")


async def test_managers_that_fail_together_leave_channels_to_others() -> None:
    """A log that a person follows, and a change, need some too; one log that hangs does not keep the others waiting."""
    hang, others_read = asyncio.Event(), asyncio.Event()

    class Narrow(Told):
        open = most = 0

        async def run(self, command: Command) -> Output:
            self.open += 1
            self.most = max(self.most, self.open)
            if not self.asked:
                self.asked.append(command)
                await hang.wait()
            else:
                await asyncio.sleep(0)
                await super().run(command)
            self.open -= 1
            if len(self.asked) == len(MANAGERS):
                others_read.set()
            return Output(0, LINE)

    told = Narrow(LINE)
    builder, logs = logs_of(told, *map(failed, MANAGERS))
    reading = [asyncio.create_task(logs.read(manager, lambda: 1.0)) for manager in MANAGERS]
    await asyncio.wait_for(others_read.wait(), 10)
    hang.set()
    await asyncio.gather(*reading)
    assert told.most == failure_logs.TOGETHER
    assert {ref.manager for ref in (end.ref for end in builder.snapshot.last_words)} == set(MANAGERS)


async def test_a_log_that_finds_all_channels_in_use_is_read_when_one_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "FREE_AFTER", 0.0)

    class Full(Told):
        refused = 0

        async def run(self, command: Command) -> Output:
            if self.refused < 3:
                self.refused += 1
                raise too_many()
            return await super().run(command)

    told = Full(LINE)
    builder, logs = logs_of(told, failed("supervisord"))
    await logs.read("supervisord", lambda: 1.0)
    assert (told.refused, len(builder.snapshot.symptoms)) == (3, 1)


@pytest.mark.parametrize(("restarts", "count"), [(0, 1), (2, 3), (9, 4), (None, 4)])
def test_attempts_of_earlier_runs_are_not_counted_with_those_of_the_present_one(
    restarts: int | None, count: int
) -> None:
    service = replace(failed("systemd"), restarts=restarts)
    lines = [LogLine("web1", "api", "journal", LINE, at=100.0 + number, pid=number) for number in range(4)]
    [found] = symptoms_of(service, lines)
    assert found.count == count
