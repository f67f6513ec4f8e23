"""The loop of supervisord: daemons that are another's, that answer nonsense or hang."""

from __future__ import annotations

import asyncio
import re
import xmlrpc.client
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

import pytest

from console.core.service import Service
from console.managers.supervisord_files import Ground
from console.remote.shell import Answer, Ask
from console.remote.supervisord import loop
from console.remote.surveys import Place, Report, Wanted
from console.remote.transport import Transport, TransportError

API = {"group": "api", "name": "api", "statename": "RUNNING", "pid": 7, "start": 900, "stop": 0, "now": 1000}
GOOD, BAD = "/run/supervisor.sock", "/tmp/supervisor.sock"


def answer(request: bytes, *programs: object) -> bytes:
    told: list[object] = [{"statename": "RUNNING"}, 5, list(programs)]
    if b"getState" not in request:
        told = [""] * request.count(b"<name>methodName")
    body = xmlrpc.client.dumps((told,), methodresponse=True, allow_none=True)
    return b"HTTP/1.0 200 OK\r\n\r\n" + body.encode()


Behaviour = Callable[[bytes], bytes]


def good(request: bytes) -> bytes:
    return answer(request, API)


@dataclass
class Host:
    """Its sockets, and what the loop reports of them."""

    sockets: dict[str, Behaviour]
    ground: dict[str, Ground] = field(default_factory=dict)
    services: list[set[str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def exchange(self, path: str, request: bytes) -> bytes:
        self.asked.append(path)
        return self.sockets[path](request)

    def forward(self, path: str) -> None:
        raise NotImplementedError

    async def ask(self, ask: Ask) -> Answer:
        return Answer(ask.probe, self.ground.get(ask.args[0], Ground(tool=("supervisorctl",), programs=())))

    async def looks(self, times: int = 1) -> Host:
        """Let the loop look so often."""
        wanted = Wanted("\n".join(f"rw {path}" for path in self.sockets))
        place = Place(wanted, cast(Report, _Told(self)), self.ask, cast(Transport, self))
        task = asyncio.create_task(loop(place))
        for _ in range(times):
            for _ in range(50):
                await asyncio.sleep(0)
            wanted.now()
        task.cancel()
        assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError
        return self


@dataclass
class _Told:
    host: Host

    def services(self, services: Iterable[Service]) -> None:
        self.host.services.append({each.ref.name for each in services})

    def failed(self, reason: str) -> None:
        self.host.failures.append(reason)


async def test_what_is_anothers_is_said_and_not_shown() -> None:
    why = f"{BAD} belongs to another user, mallory"
    host = await Host({BAD: good}, {BAD: Ground(foreign=why)}).looks()
    assert host.services == []
    assert why in host.failures[0]


@pytest.mark.parametrize("value", [int("9" * 400), [[[]]] * 3, "x\ny", None, {}])
@pytest.mark.parametrize("key", list(API))
async def test_nonsense_of_one_hides_no_other(key: str, value: object) -> None:
    def odd(request: bytes) -> bytes:
        big, value_ = b"<int>77777</int>", 77777 if isinstance(value, int) else value
        return answer(request, {**API, "name": "odd", key: value_}).replace(big, b"<int>" + b"9" * 400 + b"</int>")

    host = await Host({BAD: odd, GOOD: good}).looks()
    assert "api" in host.services[0]


async def test_an_answer_without_bottom_hides_no_other() -> None:
    def deep(request: bytes) -> bytes:
        nested = b"<value><array><data>" * 30_000 + b"</data></array></value>" * 30_000
        return answer(request, "HERE").replace(b"<value><string>HERE</string></value>", nested)

    host = await Host({BAD: deep, GOOD: good}).looks()
    assert host.services == [{"api"}]
    assert BAD in host.failures[0]


async def test_one_that_hangs_is_asked_beside_the_others() -> None:
    host = Host({BAD: good, GOOD: good})
    never = asyncio.Event()
    real = host.exchange

    async def exchange(path: str, request: bytes) -> bytes:
        if path == BAD:
            await never.wait()
        return await real(path, request)

    host.exchange = exchange  # type: ignore[method-assign]
    await host.looks()
    assert GOOD in host.asked


async def test_what_is_shown_of_one_that_hangs_is_told_to_be_old() -> None:
    hangs = False

    def other(request: bytes) -> bytes:
        if hangs:
            raise TransportError("socket", f"{BAD}: no answer in 5 s")
        return answer(request, {**API, "name": "other", "group": "other"})

    host = await Host({GOOD: good, BAD: other}).looks()
    assert (host.services, host.failures) == ([{"api", "other"}], [])
    host = Host({GOOD: good, BAD: other})

    def once(request: bytes) -> bytes:
        nonlocal hangs
        hangs = len(host.services) > 0
        return good(request)

    host.sockets[GOOD] = once
    await host.looks(2)
    assert host.services[-1] == {"api", "other"}
    assert re.search(rf"{BAD}: no answer in 5 s; its programs are shown as they were at [\d:]+ UTC", host.failures[-1])
