"""The lanes of a session on one connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from console.core.command import Command, Output
from console.core.probe import Probe
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


@asynccontextmanager
async def opened() -> AsyncIterator[Session]:
    session = Session(LocalTransport(HostSpec("here", None)), (HANGS, QUICK))
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
