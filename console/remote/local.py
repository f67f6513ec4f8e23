"""This machine, through the same protocol as any host."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from console.core.command import Command, Output
from console.remote.chunks import Chunks
from console.remote.collect import MAX_CHANNELS, collect, too_many
from console.remote.transport import Channel, HostSpec, TransportError
from console.remote.unix_sockets import local_exchange, local_forward

# A program that is not there ends with 127 and a line on standard error, here as over SSH.
_START = ("sh", "-c", 'exec "$@"', "sh")

END_GRACE = 0.5
"""Seconds that a program has to end by itself once its standard input is closed, and again after SIGTERM."""


class _Process(asyncio.SubprocessProtocol):
    """The callbacks of one child."""

    def __init__(self) -> None:
        self.chunks = Chunks(flow=self._flow)
        self.ended = asyncio.Event()
        self.input_gone = False
        self.room = asyncio.Event()
        self.room.set()
        self._transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self.chunks.feed(data)
        else:
            self.chunks.feed_error(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 0:
            self.input_gone = True
            self.room.set()

    def pause_writing(self) -> None:
        self.room.clear()

    def resume_writing(self) -> None:
        self.room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        # Comes when the child has exited and every pipe is closed.
        self.chunks.end()

    def process_exited(self) -> None:
        self.ended.set()

    def _flow(self, go_on: bool) -> None:
        if self._transport is not None:
            pipe = cast(asyncio.ReadTransport | None, self._transport.get_pipe_transport(1))
            if pipe is not None and not pipe.is_closing():
                (pipe.resume_reading if go_on else pipe.pause_reading)()


class LocalChannel:
    """A child process in a session of its own, so that it and its children can be ended together."""

    def __init__(self, transport: asyncio.SubprocessTransport, process: _Process) -> None:
        self._transport = transport
        self._process = process
        self._pid = transport.get_pid()

    def write(self, data: bytes) -> None:
        """Queue bytes for standard input."""
        stdin = self._stdin()
        if stdin is not None and not stdin.is_closing():
            stdin.write(data)

    async def drain(self) -> None:
        """See ``Inlet.drain``."""
        await self._process.room.wait()

    def end_input(self) -> None:
        """Close standard input once everything is written."""
        stdin = self._stdin()
        if stdin is not None:
            stdin.close()

    async def read(self) -> bytes:
        """Return the next chunk of standard output, ``b""`` at its end."""
        return await self._process.chunks.read()

    def errors(self) -> bytes:
        """The last 4 KiB of standard error."""
        return self._process.chunks.errors()

    @property
    def exit(self) -> int | None:
        """The exit status once it is known; 128 plus the signal's number where a signal ended it."""
        code = self._transport.get_returncode()
        return code if code is None or code >= 0 else 128 - code

    async def close(self) -> None:
        """Close standard input, then end what does not end by itself, with all that it started. Never raises."""
        stdin = self._stdin()
        if stdin is not None and not stdin.is_closing() and not self._process.input_gone:
            stdin.abort()
        try:
            for number in (None, signal.SIGTERM, signal.SIGKILL):
                if number is not None:
                    self._signal(number)
                if await self._ended():
                    break
        finally:
            # When this is cancelled, the program still goes; what it started and left behind goes in any case.
            if self._process.ended.is_set():
                _kill_session(self._pid)
            else:
                self._signal(signal.SIGKILL)
            with contextlib.suppress(OSError):
                self._transport.close()
            self._process.chunks.end()

    async def _ended(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_GRACE):
                await self._process.ended.wait()
        return self._process.ended.is_set()

    def _signal(self, number: signal.Signals) -> None:
        # The group may be gone, or belong to root since the program is sudo.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, number)

    def _stdin(self) -> asyncio.WriteTransport | None:
        return cast(asyncio.WriteTransport | None, self._transport.get_pipe_transport(0))


async def start(argv: tuple[str, ...], directory: str, environment: Mapping[str, str]) -> LocalChannel:
    """Start a program of this machine: no shell, no input, both its outputs as one. Raises ``OSError``."""
    transport, process = await asyncio.get_running_loop().subprocess_exec(
        _Process,
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        cwd=directory,
        env={**os.environ, **environment},
    )
    return LocalChannel(transport, process)


def _kill_session(leader: int) -> None:
    """End what is left of a session whose leader has gone (proc_pid_stat(5), field 6).

    The leader's number belongs to the session as long as the session has members; only after that can it be another
    process's, which is then to be seen under that very number and left alone.
    """
    proc = Path("/proc")
    if (proc / str(leader)).exists():
        return
    for entry in proc.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            if entry.read_bytes().rpartition(b") ")[2].split()[3] == str(leader).encode():
                os.kill(int(entry.parent.name), signal.SIGKILL)


class LocalTransport:
    """Programs on this machine."""

    def __init__(self, spec: HostSpec) -> None:
        self._spec = spec
        self._channels: set[LocalChannel] = set()
        self._connected = False

    @property
    def host(self) -> str:
        """The host's name in the console."""
        return self._spec.name

    @property
    def connected(self) -> bool:
        """Whether ``connect`` was called and ``close`` was not."""
        return self._connected

    @property
    def root(self) -> bool:
        """Whether programs run as root already."""
        return os.geteuid() == 0

    async def connect(self) -> None:
        """Always succeeds."""
        self._connected = True

    async def close(self) -> None:
        """End every program that was started. Never raises."""
        self._connected = False
        channels, self._channels = self._channels, set()
        await asyncio.gather(*(channel.close() for channel in channels), return_exceptions=True)

    async def exchange(self, path: str, request: bytes) -> bytes:
        """See ``UnixSockets.exchange``."""
        return await local_exchange(path, request)

    def forward(self, path: str) -> contextlib.AbstractAsyncContextManager[str]:
        """See ``UnixSockets.forward``."""
        return local_forward(path)

    async def open(self, argv: tuple[str, ...]) -> Channel:
        """Start a program with ``LC_ALL=C``."""
        return await self._open(argv)

    async def run(self, command: Command, stdin: bytes = b"") -> Output:
        """Run one command to its end or its timeout."""
        began = time.monotonic()
        channel = await self._open(command.words(root=self.root))
        try:
            channel.write(stdin)
            channel.end_input()
            output = await collect(channel, command.timeout)
        finally:
            await channel.close()
        return Output(output.exit, output.stdout, output.stderr, time.monotonic() - began)

    async def _open(self, argv: tuple[str, ...]) -> LocalChannel:
        if not self._connected:
            raise TransportError("lost", f"{self.host} is not connected: connect first")
        self._channels = {channel for channel in self._channels if channel.exit is None}
        if len(self._channels) >= MAX_CHANNELS:
            raise too_many()
        try:
            transport, process = await asyncio.get_running_loop().subprocess_exec(
                _Process, *_START, *argv, start_new_session=True, env={**os.environ, "LC_ALL": "C"}
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise TransportError("shell", f"no program can be started on this machine: {reason}") from None
        channel = LocalChannel(transport, process)
        self._channels.add(channel)
        return channel
