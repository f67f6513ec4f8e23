"""The loop of containers: what it asks of a host, how often, and what it outlives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from console.core.service import Service
from console.managers import docker
from console.managers.container_clients import CLIENTS
from console.managers.container_engines import ENGINES, Engines, parse
from console.remote import docker_loop
from console.remote.shell import Answer, Ask
from console.remote.surveys import Place, Report, Wanted
from console.remote.transport import Transport

BY_SUDO = "engine docker /run/docker.sock up 58 denied\ntools docker sudo\nsocket /run/docker.sock root docker 1"
DOWN = BY_SUDO.replace("up 58", "down -")
IDENT = "a" * 64


@dataclass
class Told:
    """What the loop reported."""

    found: list[tuple[Service, ...]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def services(self, services: tuple[Service, ...]) -> None:
        self.found.append(tuple(services))

    def failed(self, reason: str) -> None:
        self.failures.append(reason)

    def of(self, manager: str) -> Told:
        return self


class Host:
    """Answers the probes of one host."""

    host = "h"

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.engines: Engines = parse(BY_SUDO)
        self.pid = 7
        self.clients: Callable[[], object] = dict

    def count(self, name: str) -> int:
        return sum(asked == name for asked, _ in self.asked)

    async def ask(self, ask: Ask) -> Answer:
        self.asked.append((ask.probe.name, ask.args))
        await asyncio.sleep(0)
        return Answer(ask.probe, self.answer(ask))

    def answer(self, ask: Ask) -> object:
        if ask.probe is ENGINES:
            return self.engines
        if ask.probe is CLIENTS:
            return self.clients()
        one = {"Id": IDENT, "Name": "/web", "State": {"Status": "running", "Pid": self.pid}}
        return docker.parse_inspected(json.dumps([one]))


@asynccontextmanager
async def looping(host: Host, told: Told) -> AsyncIterator[None]:
    place = Place(Wanted(BY_SUDO), cast(Report, told), host.ask, cast(Transport, host))
    task = asyncio.create_task(docker_loop.loop(place))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def soon(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(3):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_loop, "BY_SUDO_EVERY", 0.02)
    monkeypatch.setattr(docker_loop, "LOOK_PAUSE", 0.01)


async def test_a_fault_while_looking_around_is_told_and_outlived() -> None:
    host, told = Host(), Told()

    def fault() -> object:
        raise ValueError("a\nb")

    host.clients = fault
    async with looping(host, told):
        await soon(lambda: any("hostdeck itself failed here" in line for line in told.failures))
        assert not any("\n" in line for line in told.failures)
        host.clients, host.pid = (lambda: {"web": "web.service"}), 8
        await soon(lambda: bool(told.found) and told.found[-1][0].chain[:1] == ("systemd",))


async def test_a_fault_while_telling_is_told_and_outlived(monkeypatch: pytest.MonkeyPatch) -> None:
    host, told = Host(), Told()
    good = docker.services

    def fault(_: object) -> tuple[Service, ...]:
        raise ValueError("no")

    monkeypatch.setattr(docker, "services", fault)
    async with looping(host, told):
        await soon(lambda: any("hostdeck itself failed here" in line for line in told.failures))
        monkeypatch.setattr(docker, "services", good)
        await soon(lambda: bool(told.found))


async def test_sudo_asks_nothing_of_an_engine_that_has_been_stopped() -> None:
    host, told = Host(), Told()
    async with looping(host, told):
        await soon(lambda: bool(told.found))
        host.engines = parse(DOWN)
        await soon(lambda: any("does not run" in line for line in told.failures))
        asked = host.count(docker.BY_SUDO.name)
        await asyncio.sleep(0.1)
        assert host.count(docker.BY_SUDO.name) == asked
        assert asked < host.count(ENGINES.name)


async def test_sudo_is_asked_once_what_it_allows() -> None:
    host, told = Host(), Told()
    async with looping(host, told):
        await soon(lambda: host.count(docker.BY_SUDO.name) >= 3)
    asked = [args for name, args in host.asked if name == docker.BY_SUDO.name]
    assert asked[:3] == [(), ("known",), ("known",)]
