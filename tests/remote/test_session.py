"""The two lanes of a session on one connection."""

import asyncio

import pytest

from console.core.command import Command, Output
from console.core.probe import Probe
from console.remote.session import Session
from console.remote.shell import Ask
from console.remote.transport import Channel

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
