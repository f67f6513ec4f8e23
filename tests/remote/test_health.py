"""Declared health checks are asked while a service runs, one after the other, and believed when they say it twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from console.core.command import Command, Effect, Output
from console.core.health import HealthCheck
from console.core.service import Service, ServiceRef, State
from console.remote import health as health_loop
from console.remote.builder import SnapshotBuilder
from console.remote.health import CANNOT_TELL, LIMIT, HealthWatch
from console.remote.transport import ChannelRefusedError


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_loop, "AGAIN", 0.0)


API = Service(ServiceRef("web1", "systemd", "api.service"), State.RUNNING, "active/running")
URL = HealthCheck("api", url="http://127.0.0.1:8080/health")


@dataclass(frozen=True)
class Hangs:
    """A host on which what has this word gives no answer, and all else is well."""

    word: str


@dataclass
class Host:
    """A host on which every check gives the same, as it is told to."""

    checks: tuple[HealthCheck, ...] = (URL,)
    output: Output | Exception | Hangs | list[Output] = field(default_factory=lambda: Output(0, "/health 200\n"))
    asked: list[Command] = field(default_factory=list)
    now: float = 100.0

    def __post_init__(self) -> None:
        self.builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
        self.runs(API)
        self.watch = HealthWatch(self.checks, self.builder, self, lambda: None, lambda: self.now)  # type: ignore[arg-type]

    async def run(self, command: Command) -> Output:
        self.asked.append(command)
        told = self.output
        if isinstance(told, Exception):
            raise told
        if isinstance(told, Hangs):
            if told.word in command.argv:
                await asyncio.Event().wait()
            return Output(0, "well")
        return told.pop(0) if isinstance(told, list) else told

    def runs(self, *services: Service) -> None:
        self.builder.services("systemd", services, "systemd", self.now)

    async def look(self, after: float = 0.0) -> tuple[bool | None, str]:
        self.now += after
        await self.watch.round()
        [health] = self.builder.snapshot.health
        return health.well, health.said


async def test_it_is_asked_at_its_interval_with_a_bound_and_without_a_change() -> None:
    host = Host()
    assert await host.look() == (True, "/health 200")
    await host.look(URL.every - 1)
    assert len(host.asked) == 1
    await host.look(1)
    assert len(host.asked) == 2
    assert {(command.timeout, command.effect, command.elevate) for command in host.asked} == {
        (LIMIT, Effect.READ, False)
    }


async def test_one_that_fails_is_asked_once_more_before_it_is_believed() -> None:
    host = Host(output=[Output(1, "/health 000"), Output(0, "/health 200")])
    assert (await host.look())[0] is True
    assert len(host.asked) == 2
    host.output = Output(1, "/health 503: no database, password=hunter2\n")
    well, said = await host.look(URL.every)
    assert (well, said.startswith("/health 503: no database")) == (False, True)
    assert "hunter2" not in said
    assert len(host.asked) == 4
    # From then on once a look.
    await host.look(URL.every)
    [health] = host.builder.snapshot.health
    assert (len(host.asked), health.failures) == (5, 2)
    host.output = Output(0, "/health 200")
    assert (await host.look(URL.every))[0] is True


async def test_no_answer_is_a_failure_and_what_cannot_be_told_is_none() -> None:
    host = Host((replace(URL, url=None, command=("/bin/check",)),), Output(-1))
    assert await host.look() == (False, "/bin/check: no answer in 10 s")
    assert len(host.asked) == 1
    for output, why in (
        (Output(CANNOT_TELL, "not checked: this host has neither curl nor wget"), "neither curl nor wget"),
        (ChannelRefusedError("web1 gives no further channel"), "not checked"),
    ):
        host = Host(output=output)
        well, said = await host.look()
        assert (well, why in said) == (None, True)
        source = host.builder.source("health")
        assert source is not None
        assert why in (source.failure or "")


async def test_what_can_never_be_told_of_a_container_is_told_of_it_and_is_no_fault_of_the_host() -> None:
    """An engine's proxy takes every connection."""
    api = Service(ServiceRef("web1", "docker", "shop"), State.RUNNING, "running")
    why = "tcp 8080: not checked: the engine's proxy accepts for a container in which nothing listens"
    for command, asked in (((), 0), (("/bin/check",), 1)):
        host = Host((HealthCheck("shop", url="tcp://127.0.0.1:8080", command=command),), Output(0, "fine"))
        host.builder.services("docker", (api,), "docker", 1.0)
        well, said = await host.look()
        assert (well, said.startswith(why), said.endswith("; /bin/check: fine")) == (None, True, bool(command))
        source = host.builder.source("health")
        assert source is not None
        assert (source.failure, len(host.asked)) == (None, asked)
    host.output = Output(1, "ill")
    assert (await host.look(30.0))[0] is False


async def test_what_does_not_run_is_not_asked_and_what_was_known_of_it_is_gone() -> None:
    host = Host()
    await host.look()
    host.runs(replace(API, state=State.FAILED))
    host.now += 100
    await host.watch.round()
    assert (len(host.asked), host.builder.snapshot.health) == (1, ())
    # It is asked as soon as it runs again.
    host.runs(API)
    await host.look()
    assert len(host.asked) == 2


async def test_a_name_of_two_managers_means_neither_and_0_seconds_never() -> None:
    host = Host()
    host.builder.services("docker", (replace(API, ref=ServiceRef("web1", "docker", "api")),), "docker", 1.0)
    await host.watch.round()
    off = Host((replace(URL, every=0.0),))
    await off.watch.round()
    await off.watch.run()
    assert host.asked == off.asked == []


async def test_a_command_does_not_keep_a_url_waiting_and_what_hangs_is_told() -> None:
    slow = HealthCheck("a.service", command=("/bin/check",))
    host = Host((slow, URL), output=Hangs("/bin/check"))
    host.runs(replace(API, ref=replace(API.ref, name="a.service")), API)
    await host.watch.first(0.5)
    [health] = host.builder.snapshot.health
    assert (health.ref.name, health.well) == ("api.service", True)
    source = host.builder.source("health")
    assert source is not None
    assert (source.waiting, source.failure) == (True, "a.service: no answer in 0.5 s, it is waited for")
