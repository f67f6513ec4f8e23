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
from console.remote.docker_api import Api, EngineError, SilentError, in_thread
from console.remote.docker_engine import FollowedEngine
from console.remote.unix_sockets import local_exchange, local_forward

REMOVED = Path(__file__).parents[1] / "managers" / "recorded" / "docker-removed.jsonl"
"""Events of Docker 20.10.24 after ``docker compose down`` of Compose 2.40.3."""
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
        self.nonsense = False
        self.connections = 0
        self.events = "OK"
        self.broken: dict[str, str | None] = {}
        """Containers of which it cannot tell, and what it says instead; nothing: it does not answer."""
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
                ident = path.split("/")[3] if path.endswith("/json") else ""
                while self.broken.get(ident, "") is None:
                    await asyncio.sleep(0.05)
                if (why := self.broken.get(ident)) is not None:
                    body = json.dumps({"message": why}).encode()
                    writer.write(f"HTTP/1.1 500 no\r\n{DATE}Content-Type: application/json\r\n".encode())
                    writer.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
                    await writer.drain()
                    continue
                body = (self.events if "/events" in path else json.dumps(self.answer(path))).encode()
                writer.write(f"HTTP/1.1 200 OK\r\n{DATE}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()

    def answer(self, path: str) -> object:
        if path.endswith("/version"):
            return {"ApiVersion": "1.41"}
        if self.nonsense:
            return ["no"]
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


async def soon(holds: Callable[[], bool], seconds: float = 15.0) -> float:
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
        await soon(lambda: followed.containers[3].state(None) is State.STOPPED)
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
        with pytest.raises(SilentError, match="dockerd does not answer"):
            await asyncio.wait_for(task, 5)
        assert len(followed.containers) == 1


async def test_what_hangs_from_the_beginning(daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_api, "PING_TIMEOUT", 0.3)
    daemon.hangs = True
    async with following(tmp_path) as (_, task, _):
        with pytest.raises(SilentError, match="dockerd does not answer"):
            await asyncio.wait_for(task, 5)


async def test_one_that_cannot_be_read_is_shown_as_unknown_with_the_reason(daemon: Daemon, tmp_path: Path) -> None:
    daemon.add("a" * 64, "web")
    daemon.containers["b" * 64] = {"Name": "/odd", "State": {"Status": "running"}}
    async with following(tmp_path) as (followed, _, _):
        await soon(lambda: len(followed.containers) == 2)
        odd, web = followed.containers
        assert (odd.name, odd.state(None), web.state(None)) == ("odd", State.UNKNOWN, State.RUNNING)
        assert odd.native.startswith("not read: expected a container with an Id, got: ")


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
        with pytest.raises(SilentError, match="does not answer"):
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
    monkeypatch.setattr(docker_api, "PING_TIMEOUT", 0.3)

    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 40:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.05)

    server = await asyncio.start_unix_server(dripping, str(tmp_path / "s"))
    async with following(tmp_path) as (_, task, _):
        with pytest.raises(SilentError, match="does not answer"):
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


@pytest.mark.parametrize(
    ("what", "actions", "asked"),
    [
        ("dockerd", ["die"], False),
        ("dockerd", ["kill", "die", "stop"], True),
        ("dockerd", [], None),
        ("podman", ["die"], None),
        ("podman", ["kill", "die"], True),
    ],
)
async def test_podman_which_tells_nothing_of_a_stop_remembers_none(
    daemon: Daemon, tmp_path: Path, what: str, actions: list[str], asked: bool | None
) -> None:
    lines = "\n".join(json.dumps({"Action": action, "id": "a"}) for action in actions)
    daemon.events = lines
    api = await in_thread(Api, str(tmp_path / "s"), what)
    try:
        assert await in_thread(api.asked_to_end, "a", 1795254732.0, 1795254740.0) is asked
    finally:
        api.close()


UNREADABLE = "RWLayer of container b is unexpectedly nil"
"""What dockerd 26 says of an exited container whose folder below ``overlay2`` was removed."""


async def test_one_of_which_the_engine_cannot_tell_leaves_the_others_seen(daemon: Daemon, tmp_path: Path) -> None:
    for ident, name in (("a", "web"), ("b", "old"), ("c", "api")):
        daemon.add(ident, name)
    daemon.broken["b"] = UNREADABLE
    async with following(tmp_path) as (followed, task, _):
        await soon(lambda: len(followed.containers) == 3)
        api, old, web = followed.containers
        assert (api.state(None), old.state(None), web.state(None)) == (State.RUNNING, State.UNKNOWN, State.RUNNING)
        assert old.native == f"not read: dockerd: {UNREADABLE}"
        daemon.add("c", "api", "exited")
        daemon.event("c")
        await soon(lambda: followed.containers[0].state(None) is State.STOPPED)
        assert not task.done()


async def test_one_that_could_not_be_read_is_asked_for_again_once_something_happens_to_it(
    daemon: Daemon, tmp_path: Path
) -> None:
    daemon.add("a", "odd")
    daemon.broken["a"] = "it is being removed"
    async with following(tmp_path) as (engine, _, _):
        await soon(lambda: [each.unread is not None for each in engine.containers] == [True])
        daemon.broken.clear()
        daemon.event("a")
        await soon(lambda: [each.unread for each in engine.containers] == [None])


async def test_one_that_hangs_when_asked_for_is_unknown_and_its_engine_followed(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_api, "TIMEOUT", 0.3)
    for ident, name in (("a", "web"), ("b", "old"), ("c", "api")):
        daemon.add(ident, name)
    daemon.broken["b"] = None
    async with following(tmp_path) as (followed, task, _):
        await asyncio.wait_for(task, 5)
        # Its connection is gone, and no other one is made before somebody saw that the engine was not stopped.
        again = asyncio.create_task(followed.follow())
        await soon(lambda: len(followed.containers) == 3)
        assert [each.state(None) for each in followed.containers] == [State.RUNNING, State.UNKNOWN, State.RUNNING]
        assert followed.containers[1].native == "not read: dockerd does not answer"
        daemon.broken.clear()
        daemon.add("b", "old", "exited")
        followed.poke()
        await soon(lambda: followed.containers[1].state(None) is State.STOPPED)
        again.cancel()


async def test_an_engine_that_hangs_while_one_is_asked_for_is_the_one_that_hangs(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_api, "TIMEOUT", 0.3)
    monkeypatch.setattr(docker_api, "PING_TIMEOUT", 0.3)
    daemon.add("b", "old")
    daemon.broken["b"] = None
    async with following(tmp_path) as (followed, task, _):
        await asyncio.wait_for(task, 5)
        daemon.hangs = True
        with pytest.raises(SilentError):
            await asyncio.wait_for(followed.follow(), 5)
        daemon.hangs = False
        daemon.broken.clear()
        again = asyncio.create_task(followed.follow())
        await soon(lambda: len(followed.containers) == 1 and followed.containers[0].state(None) is State.RUNNING)
        again.cancel()


async def test_projects_whose_containers_were_removed_are_told_by_past_events(daemon: Daemon, tmp_path: Path) -> None:
    daemon.events = f"{REMOVED.read_text(encoding='utf-8')}7\n"
    daemon.add("1", "web")
    async with following(tmp_path) as (followed, _, _):
        await soon(lambda: len(followed.containers) == 1)
        places = ("/srv/two", ("/srv/two/compose.yml",))
        # Another of the project was removed by hand before.
        assert [(one.service, one.directory, one.files) for one in followed.gone if one.name == "pair"] == [
            (name, *places) for name in ("spare", "db", "web")
        ]
