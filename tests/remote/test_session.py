"""The lanes of a session on one connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from console.core.command import Command, Output
from console.core.probe import Probe
from console.remote import session as session_module
from console.remote.local import LocalTransport
from console.remote.session import Session
from console.remote.shell import Ask, ShellLostError
from console.remote.transport import Channel, HostSpec

NOTHING = Probe("nothing", ":", str, slow=True, timeout=-1.9)


class SilentChannel:
    """A shell that never answers."""

    exit: int | None = None

    def __init__(self, transport: "SilentTransport") -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        pass

    async def read(self) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError

    def errors(self) -> bytes:
        return b""

    async def close(self) -> None:
        self._transport.closed += 1


class SilentTransport:
    """A host whose shells never answer."""

    host = "silent"
    connected = True
    opened = closed = 0

    async def connect(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def open(self, argv: tuple[str, ...]) -> Channel:
        self.opened += 1
        return SilentChannel(self)

    async def run(self, command: Command, stdin: bytes = b"") -> Output:
        raise AssertionError(command)


@pytest.mark.parametrize("times", [1, 5])
async def test_a_slow_lane_that_does_not_start_gives_its_channel_back(times: int) -> None:
    transport = SilentTransport()
    session = Session(transport, (NOTHING,))
    for _ in range(times):
        answer = await session.slow(Ask(NOTHING))
        assert answer.failure is not None
    assert (transport.opened, transport.closed) == (times, times)


HANGS = Probe("hangs", "sleep 30", str, slow=True, timeout=30.0)
QUICK = Probe("quick", "echo here", str, slow=True)
TOLD = Probe("told", 'echo "$1"', str, slow=True, cached=False)
BROKEN = Probe("broken", "return 4", str, slow=True)


@asynccontextmanager
async def opened(transport: LocalTransport | None = None) -> AsyncIterator[Session]:
    session = Session(transport or LocalTransport(HostSpec("here", None)), (HANGS, QUICK))
    await session.open()
    try:
        yield session
    finally:
        await session.close()


async def test_a_manager_that_hangs_keeps_nothing_else_waiting() -> None:
    """Row 48."""
    async with opened() as session:
        hanging = asyncio.create_task(session.survey(Ask(HANGS)))
        async with asyncio.timeout(5):
            assert (await session.slow(Ask(QUICK))).value == "here"
            assert (await session.fast([Ask(QUICK)], 5.0))[0].value == "here"
        hanging.cancel()


class Noting(LocalTransport):
    """This machine, whose channels note in which order they are written to and read from."""

    def __init__(self) -> None:
        super().__init__(HostSpec("here", None))
        self.noted: list[str] = []

    async def open(self, argv: tuple[str, ...]) -> Channel:
        channel = await super().open(argv)
        write, read = channel.write, channel.read

        def written(data: bytes) -> None:
            self.noted.append("written")
            write(data)

        async def told() -> bytes:
            self.noted.append("read")
            return await read()

        channel.write, channel.read = written, told  # type: ignore[method-assign]
        return channel


async def test_what_is_slow_is_written_at_once_and_answered_in_its_order() -> None:
    transport = Noting()
    async with opened(transport) as session:
        await session.slow(Ask(QUICK))
        transport.noted.clear()
        answers = await session.slow_all([Ask(QUICK), Ask(TOLD, ("a",)), Ask(BROKEN), Ask(TOLD, ("b",))])
        assert [answer.value for answer in answers] == ["here", "a", None, "b"]
        assert transport.noted[:5] == [*["written"] * 4, "read"]
        assert "written" not in transport.noted[4:]


async def test_each_of_what_is_asked_at_once_is_told_when_it_is_there() -> None:
    heard: list[tuple[str, object]] = []
    async with opened() as session:
        for one_channel in (False, True):
            session.one_channel = one_channel
            asks = [Ask(TOLD, ("a",)), Ask(BROKEN), Ask(QUICK)]
            answers = await session.slow_all(asks, lambda ask, answer: heard.append((ask.probe.name, answer.value)))
            assert heard == [("told", "a"), ("broken", None), ("quick", "here")]
            assert [answer.value for answer in answers] == ["a", None, "here"]
            heard.clear()


async def test_a_lane_is_opened_beside_the_first_and_what_is_asked_waits_for_no_word_of_it() -> None:
    transport = Noting()
    async with opened(transport) as session:
        assert session._warming is not None
        await session._warming
        assert session._slow.idle
        transport.noted.clear()
        await session.slow(Ask(QUICK))
        assert transport.noted[0] == "written", "what is asked goes out before the shell has said that it is ready"


async def test_what_is_asked_beside_a_tick_goes_the_other_way_where_that_is_free() -> None:
    async with opened() as session:
        assert session._warming is not None
        await session._warming
        assert not session.slow_is_sooner
        tick = asyncio.create_task(session.fast([Ask(HANGS)], 20.0))
        await asyncio.sleep(0)
        assert session.slow_is_sooner
        busy = asyncio.create_task(session.slow(Ask(HANGS)))
        await asyncio.sleep(0)
        assert not session.slow_is_sooner
        await session._slow.close()
        assert not session.slow_is_sooner, "its shell is not there: to start one takes longer"
        tick.cancel()
        busy.cancel()
        await asyncio.gather(tick, busy, return_exceptions=True)
        session.one_channel = True
        assert not session.slow_is_sooner


async def test_of_what_is_asked_at_once_only_what_hangs_is_without_an_answer() -> None:
    stuck = Probe("stuck", "sleep 30", str, slow=True, timeout=-1.5)
    async with opened() as session:
        answers = await session.slow_all([Ask(QUICK), Ask(stuck), Ask(TOLD, ("a",)), Ask(stuck), Ask(TOLD, ("b",))])
        assert [answer.value for answer in answers] == ["here", None, "a", None, "b"]
        assert answers[1].failure == answers[3].failure == "no answer in 0 s"
        assert [answer.hangs for answer in answers] == [False, True, False, True, False]


async def test_with_one_channel_what_is_slow_is_waited_for_and_ends_no_session() -> None:
    """Row 13: MaxSessions 1."""
    slow = Probe("slow", "sleep 1; echo late", str, slow=True, timeout=4.0)
    async with opened() as session:
        session.one_channel = True
        late = asyncio.create_task(session.survey(Ask(slow)))
        await asyncio.sleep(0)
        [answer] = await session.fast([Ask(QUICK)], 0.5)
        assert answer.value == "here"
        assert (await late).value == "late"


async def test_a_shell_that_is_closed_under_a_request_says_so() -> None:
    async with opened() as session:
        asked = asyncio.create_task(session.fast([Ask(HANGS)], 20.0))
        await asyncio.sleep(0.1)
        await session.reopen_fast(5.0)
        with pytest.raises(ShellLostError):
            await asked


async def test_the_first_look_is_on_the_way_before_the_shell_says_that_it_is_ready() -> None:
    class OneNoting(Noting):
        """Notes only what passes over its first channel, that of the fast lane."""

        async def open(self, argv: tuple[str, ...]) -> Channel:
            first, self.first = self.first, False
            return await (Noting if first else LocalTransport).open(self, argv)

        first = True

    transport = OneNoting()
    session = Session(transport, (QUICK,))
    await session.open()
    try:
        [answer] = await session.first([Ask(QUICK)], 5.0)
        assert answer.value == "here"
        # The program and the question, and only then what the shell says.
        assert transport.noted[:3] == ["written", "written", "read"]
    finally:
        await session.close()


async def test_a_login_shell_that_does_not_start_is_told_from_one_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_module, "START_TIMEOUT", 0.01)
    silent = Session(SilentTransport(), (NOTHING,))
    await silent.open()
    with pytest.raises(ShellLostError, match="the login shell did not start"):
        await silent.first([Ask(NOTHING)], 5.0)
    await silent.close()
    monkeypatch.undo()
    async with opened() as session:
        with pytest.raises(TimeoutError):
            await session.first([Ask(HANGS)], 0.01)
