"""An engine behind a socket of our own: what hangs, lies or goes away is one line, and soon."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from console.core.service import State
from console.managers.container_engines import Engine
from console.remote import docker_api, docker_engine
from console.remote.docker_api import EngineError, in_thread
from console.remote.docker_engine import FollowedEngine
from console.remote.unix_sockets import local_exchange, local_forward

DATE = "Date: Sat, 21 Nov 2026 09:52:11 GMT\r\n"


class Here:
    """Sockets of this machine."""

    async def exchange(self, path: str, request: bytes) -> bytes:
        return await local_exchange(path, request)

    def forward(self, path: str):  # type: ignore[no-untyped-def]
        return local_forward(path)


class Daemon:
    """Speaks as much of Docker's API as is asked of it."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, object]] = {}
        self.hangs = False
        self.mute = False
        self.connections = 0
        self.streams: list[asyncio.StreamWriter] = []

    def add(self, ident: str, name: str, status: str = "running") -> None:
        self.containers[ident] = {"Id": ident, "Name": f"/{name}", "State": {"Status": status}}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                while self.hangs:
                    await asyncio.sleep(0.05)
                path = head.split(" ")[1]
                while self.mute and "/events" in path:
                    await asyncio.sleep(0.05)
                if "/events" in path and "until" not in path:
                    writer.write(f"HTTP/1.1 200 OK\r\n{DATE}Transfer-Encoding: chunked\r\n\r\n".encode())
                    self.streams.append(writer)
                    await writer.drain()
                    continue
                body = json.dumps(self.answer(path)).encode()
                writer.write(f"HTTP/1.1 200 OK\r\n{DATE}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()

    def answer(self, path: str) -> object:
        if path.endswith("/version"):
            return {"ApiVersion": "1.41"}
        if "/containers/json" in path:
            return [
                {"Id": ident, "State": one["State"]["Status"], "Names": [one["Name"]]}  # type: ignore[index]
                for ident, one in self.containers.items()
            ]
        return self.containers.get(path.split("/")[3], {}) if "/containers/" in path else "OK"

    def event(self, ident: str) -> None:
        body = json.dumps({"id": ident, "Action": "start", "timeNano": 1795254732_000000000}).encode() + b"\n"
        for stream in self.streams:
            stream.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")

    def end(self) -> None:
        for stream in self.streams:
            stream.close()


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    made = Daemon()
    server = await asyncio.start_unix_server(made.serve, str(tmp_path / "s"))
    yield made
    made.end()
    server.close()


@asynccontextmanager
async def following(tmp_path: Path) -> AsyncIterator[tuple[FollowedEngine, asyncio.Task[None], asyncio.Event]]:
    told = asyncio.Event()
    engine = Engine("docker", str(tmp_path / "s"), True, 1, True, "root", "docker", "1")
    followed = FollowedEngine(engine, Here(), told.set)
    task = asyncio.create_task(followed.follow())
    yield followed, task, told
    task.cancel()
    with suppress(asyncio.CancelledError, EngineError):
        await task


async def soon(holds: Callable[[], bool], seconds: float = 3.0) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def test_only_two_connections_and_what_changed(daemon: Daemon, tmp_path: Path) -> None:
    for number in range(8):
        daemon.add(f"{number}", f"web{number}")
    async with following(tmp_path) as (followed, _, _):
        await soon(lambda: len(followed.containers) == 8)
        # One to see that it is there, one of the SDK's own for the version, and the two that stay.
        connections = daemon.connections
        assert connections <= 4
        daemon.add("3", "web3", "exited")
        daemon.event("3")
        assert await soon(lambda: followed.containers[3].state(None) is State.STOPPED) < 1.0
        del daemon.containers["4"]
        followed.poke()
        await soon(lambda: len(followed.containers) == 7)
        assert daemon.connections == connections


async def test_the_end_of_the_stream_ends_the_following_and_connects_no_more(daemon: Daemon, tmp_path: Path) -> None:
    daemon.add("a", "web")
    async with following(tmp_path) as (followed, task, _):
        await soon(lambda: len(followed.containers) == 1)
        connections = daemon.connections
        daemon.end()
        with suppress(EngineError):
            await asyncio.wait_for(task, 5)
        assert daemon.connections == connections


async def test_one_that_hangs_is_said_and_not_waited_for(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_api, "PING_TIMEOUT", 0.3)
    monkeypatch.setattr(docker_engine, "ALIVE_EVERY", 0.2)
    daemon.add("a", "web")
    async with following(tmp_path) as (followed, task, _):
        await soon(lambda: len(followed.containers) == 1)
        daemon.hangs = True
        with pytest.raises(EngineError, match="dockerd does not answer"):
            await asyncio.wait_for(task, 5)
        assert len(followed.containers) == 1


async def test_what_hangs_from_the_beginning(daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_api, "TIMEOUT", 0.3)
    daemon.hangs = True
    async with following(tmp_path) as (_, task, _):
        with pytest.raises(EngineError, match="dockerd does not answer"):
            await asyncio.wait_for(task, 5)


async def test_a_thread_that_is_left_behind_holds_nothing_up() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(in_thread(time.sleep, 0.5), 0.05)
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 / 0)
    assert await in_thread(lambda: 4) == 4


async def test_an_engine_that_hangs_before_its_events_is_said(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_api, "TIMEOUT", 0.3)
    daemon.mute = True
    before = threading.active_count()
    async with following(tmp_path) as (_, task, _):
        with pytest.raises(EngineError, match="does not answer"):
            await asyncio.wait_for(task, 5)
    await soon(lambda: threading.active_count() <= before)


async def test_one_that_tells_events_too_late_is_said_and_leaves_no_thread(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_engine, "OPEN_WITHIN", 0.3)
    daemon.mute = True
    before = threading.active_count()
    async with following(tmp_path) as (_, task, _):
        with pytest.raises(EngineError, match="it tells no events"):
            await asyncio.wait_for(task, 5)
        await soon(lambda: threading.active_count() <= before)


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"Connection: close\r\n", b"[" + b"{}," * 20000),
        (b"Content-Length: 999999999\r\n", b" " * 60000),
        (b"Transfer-Encoding: chunked\r\n", b"1000\r\n" + b"," * 4096 + b"\r\n"),
    ],
)
async def test_an_answer_without_an_end_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes, part: bytes
) -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
            while True:
                writer.write(part)
                await writer.drain()
                sent += len(part)

    server = await asyncio.start_unix_server(endless, str(tmp_path / "s"))
    async with following(tmp_path) as (_, task, _):
        with pytest.raises(EngineError, match="longer than"):
            await asyncio.wait_for(task, 10)
    assert sent < 40_000_000
    server.close()


async def test_an_answer_that_drips_comes_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_api, "TIMEOUT", 0.3)

    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 40:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.05)

    server = await asyncio.start_unix_server(dripping, str(tmp_path / "s"))
    async with following(tmp_path) as (_, task, _):
        with pytest.raises(EngineError, match="does not answer"):
            await asyncio.wait_for(task, 5)
    server.close()


async def test_an_event_without_an_end_ends_the_stream(daemon: Daemon, tmp_path: Path) -> None:
    async with following(tmp_path) as (_, task, told):
        await asyncio.wait_for(told.wait(), 5)
        for _ in range(400):
            daemon.streams[0].write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        with suppress(EngineError):
            await asyncio.wait_for(task, 5)


async def test_a_flood_of_events_is_a_look_at_all() -> None:
    changes = docker_engine.Changes(0.0)
    for number in range(20000):
        changes.tell(f"{number}", float(number))
    idents, look = await changes.next(1.0)
    assert (len(idents), look) == (docker_engine.MANY, True)
    changes.tell("a", 1.0)
    assert await changes.next(1.0) == (("a",), False)
    assert changes.since == 19999.0
