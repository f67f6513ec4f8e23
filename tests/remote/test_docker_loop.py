"""The loop of containers: what it asks of a host, how often, and what it outlives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from console.core.service import Service, ServiceRef
from console.managers import docker
from console.managers.container_clients import CLIENTS, Client
from console.managers.container_engines import ENGINES, Engines, parse
from console.managers.container_sudo import LISTED, parse_told
from console.remote import docker_loop
from console.remote.shell import Answer, Ask
from console.remote.survey_loop import Place, Report, Wanted
from console.remote.transport import Transport
from tests.remote.test_docker_engine import Daemon, Here

BY_SUDO = "engine docker /run/docker.sock up 58 denied\ntools docker sudo\nsocket /run/docker.sock root docker 1"
AND_PODMAN = f"engine podman /run/podman/podman.sock down - denied\n{BY_SUDO}"
DOWN = BY_SUDO.replace("up 58", "down -")
FROZEN = BY_SUDO.replace("up 58", "frozen 58")
IDENT = "a" * 64


@dataclass
class Told:
    """What the loop reported."""

    found: list[tuple[Service, ...]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    lost: list[set[str]] = field(default_factory=list)
    hung: list[bool] = field(default_factory=list)
    broken: list[bool] = field(default_factory=list)

    def services(
        self,
        services: tuple[Service, ...],
        *,
        lost: Collection[ServiceRef] = (),
        trouble: str | None = None,
        hangs: bool = False,
        broken: bool = False,
    ) -> None:
        self.hung.append(hangs)
        self.broken.append(broken)
        self.found.append(tuple(services))
        self.lost.append({ref.name for ref in lost})
        self.failures += [trouble] if trouble is not None else []

    def failed(self, reason: str, *, hangs: bool = False, broken: bool = False) -> None:
        self.hung.append(hangs)
        self.broken.append(broken)
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
        self.clients: Callable[[], object] = tuple
        self.hangs = False
        self.may_list = asyncio.Event()
        self.may_list.set()

    def count(self, name: str) -> int:
        return sum(asked == name for asked, _ in self.asked)

    async def ask(self, ask: Ask) -> Answer:
        self.asked.append((ask.probe.name, ask.args))
        await asyncio.sleep(0)
        if ask.probe is LISTED:
            await self.may_list.wait()
            if self.hangs:
                return Answer(ask.probe, failure="dockerd does not answer", hangs=True)
        return Answer(ask.probe, self.answer(ask))

    def answer(self, ask: Ask) -> object:
        if ask.probe is ENGINES:
            return self.engines
        if ask.probe is CLIENTS:
            return self.clients()
        if ask.probe is LISTED:
            return {IDENT: "web Up young"}
        one = {"Id": IDENT, "Name": "/web", "State": {"Status": "running", "Pid": self.pid}}
        return parse_told(json.dumps(one))


class Reachable(Host, Here):
    """One of which the sockets can be reached."""


@asynccontextmanager
async def looping(host: Host, told: Told, stamp: str = BY_SUDO) -> AsyncIterator[None]:
    place = Place(Wanted(stamp), cast(Report, told), host.ask, cast(Transport, host))
    task = asyncio.create_task(docker_loop.loop(place))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def soon(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_loop, "BY_SUDO_EVERY", 0.02)
    monkeypatch.setattr(docker_loop, "LOOK_PAUSE", 0.01)


async def test_an_engine_that_fails_at_once_leaves_the_others_time_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks once would be told that there are no containers."""
    host, told = Host(), Told()
    host.engines = parse(AND_PODMAN)
    host.may_list.clear()
    async with looping(host, told, AND_PODMAN):
        await soon(lambda: host.count(LISTED.name) == 1)
        assert (told.found, told.failures) == ([], [])
        host.may_list.set()
        await soon(lambda: bool(told.found) and bool(told.failures))
        assert "podman runs containers without its socket" in told.failures[0]
    monkeypatch.setattr(docker_loop, "FIRST_WITHIN", 0.05)
    host, told = Host(), Told()
    host.engines = parse(AND_PODMAN)
    host.may_list.clear()
    async with looping(host, told, AND_PODMAN):
        await soon(lambda: bool(told.failures))
        assert told.found == []


async def test_a_fault_while_looking_around_is_told_and_outlived() -> None:
    host, told = Host(), Told()

    def fault() -> object:
        raise ValueError("a\nb")

    host.clients = fault
    async with looping(host, told):
        await soon(lambda: any("hostdeck itself failed here" in line for line in told.failures))
        assert not any("\n" in line for line in told.failures)
        assert told.broken[-1]
        host.clients, host.pid = (lambda: (Client("web", "web.service", 0, may=True),)), 8
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
        asked = host.count(LISTED.name)
        await asyncio.sleep(0.1)
        assert host.count(LISTED.name) == asked
        assert asked < host.count(ENGINES.name)


async def test_one_that_a_signal_stopped_is_told_with_what_ends_it_and_soon_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(docker_loop, "HUNG_EVERY", 0.02)
    host, told = Host(), Told()
    host.engines = parse(FROZEN)
    async with looping(host, told, FROZEN):
        why = "dockerd (process 58) was stopped by a signal and does not answer: kill -CONT 58"
        await soon(lambda: why in told.failures)
        assert (told.found, host.count(LISTED.name)) == ([], 0)
        host.engines = parse(BY_SUDO)
        await soon(lambda: bool(told.found))


async def test_one_that_hangs_is_told_with_its_log_and_tried_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_loop, "HUNG_BY_SUDO_EVERY", 0.02)
    host, told = Host(), Told()
    host.hangs = True
    async with looping(host, told):
        await soon(lambda: bool(told.failures) and host.count(LISTED.name) > 2)
        assert told.failures[0] == (
            "dockerd behind /run/docker.sock does not answer: it hangs: "
            "journalctl -u docker may tell why, then systemctl restart docker"
        )
        host.hangs = False
        await soon(lambda: bool(told.found))


async def test_sudo_is_asked_once_what_it_allows() -> None:
    host, told = Host(), Told()
    async with looping(host, told):
        await soon(lambda: host.count(LISTED.name) >= 3)
    asked = [args for name, args in host.asked if name == LISTED.name]
    assert asked[:3] == [(), ("known",), ("known",)]


async def test_an_engine_that_answers_nonsense_is_told_as_broken(tmp_path: Path) -> None:
    """At the first look as well: what was never seen must not count as nothing there."""
    daemon, sock = Daemon(), tmp_path / "docker.sock"
    daemon.nonsense = True
    server = await asyncio.start_unix_server(daemon.serve, str(sock))
    stamp = f"engine docker {sock} up 58 rw\ntools docker\nsocket {sock} root docker 1"
    host, told = Reachable(), Told()
    host.engines = parse(stamp)
    async with looping(host, told, stamp):
        await soon(lambda: bool(told.failures))
        assert (told.found, told.hung[-1], told.broken[-1]) == ([], False, True)
    daemon.end()
    server.close()


async def test_a_container_keeps_its_name_when_the_other_engine_that_has_it_too_is_stopped(tmp_path: Path) -> None:
    paths = {"docker": tmp_path / "docker.sock", "podman": tmp_path / "podman.sock"}
    daemons = {kind: Daemon() for kind in paths}
    daemons["docker"].add("a" * 64, "db")
    daemons["docker"].add("c" * 64, "web")
    daemons["podman"].add("b" * 64, "db")
    servers = [await asyncio.start_unix_server(daemons[kind].serve, str(path)) for kind, path in paths.items()]
    lines = [
        "engine docker {docker} up 58 rw",
        "engine podman {podman} up - rw",
        "tools docker podman",
        "socket {docker} root docker 1",
        "socket {podman} root root 1",
    ]
    stamp = "\n".join(lines).format(**paths)
    host, told = Reachable(), Told()
    host.engines = parse(stamp)
    place = Place(Wanted(stamp), cast(Report, told), host.ask, cast(Transport, host))
    task = asyncio.create_task(docker_loop.loop(place))

    def tools() -> dict[str, str]:
        return {service.ref.name: service.tool[0] for service in told.found[-1]} if told.found else {}

    whole = {"db": "docker", "web": "docker", "podman/db": "podman"}
    await soon(lambda: tools() == whole)
    told.found.clear()
    down = stamp.replace("up 58", "down -")
    host.engines = parse(down)
    daemons["docker"].end()
    place.wanted.now(down)
    await soon(lambda: bool(told.failures) and tools() == whole and told.lost[-1] == {"db", "web"})
    assert all({service.ref.name for service in found} == whole.keys() for found in told.found)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    for server in servers:
        server.close()
