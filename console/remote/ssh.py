"""A host over SSH: one connection, a few channels, nothing of the user's shell in between."""

import asyncio
import contextlib
import math
import secrets
import time
from typing import Any

import asyncssh

from console.core.command import Command, Output, quote
from console.core.text import sanitise
from console.remote import ssh_sockets
from console.remote.chunks import Chunks
from console.remote.collect import MAX_CHANNELS, collect, too_many
from console.remote.ssh_config import SshTarget, resolve
from console.remote.ssh_login import SshLink, log_in
from console.remote.ssh_pool import JumpPool
from console.remote.transport import Channel, ChannelRefusedError, HostSpec, TransportError

WINDOW = 512 * 1024
"""Bytes that a host may send on a channel before we have taken them."""

CLOSE_GRACE = 1.0
"""Seconds that closing a channel may take before it is given up."""

TIMEOUT_GRACE = 3.0
"""Seconds beyond a command's timeout after which we stop waiting for the host to end it."""

_TIMED_OUT = frozenset({124, 137, 143})
"""What timeout(1) ends with: GNU's own, SIGKILL's, and busybox's SIGTERM."""

# The login shell of the user runs this line, and may have printed anything before. From the mark on it is our program.
_START = 'printf "%s\\n" "$0"; printf "%s\\n" "$0" >&2; exec "$@"'
_START_BOUNDED = (
    'printf "%s\\n" "$0"; printf "%s\\n" "$0" >&2; t=$1; shift;'
    ' if timeout -k 1 1 true 2>/dev/null; then exec timeout -k 2 "$t" "$@"; fi; exec "$@"'
)


class SshChannel(asyncssh.SSHClientSession[bytes]):
    """A program on the host. The SSH library calls it for each packet: no task or stream stands in between."""

    def __init__(self, link: SshLink, mark: bytes) -> None:
        self._link = link
        self._chunks = Chunks(mark + b"\n", self._flow)
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._eof = False
        self._closing = False
        self._gone = False
        self._room = asyncio.Event()
        self._room.set()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Called by the SSH library."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Called by the SSH library."""
        if datatype is None:
            self._chunks.feed(data)
        else:
            self._chunks.feed_error(data)

    def eof_received(self) -> bool:
        """Called by the SSH library. Standard input stays open: the program may still run."""
        self._eof = True
        if self.exit is not None:
            self._chunks.end()
        return True

    def exit_status_received(self, status: int) -> None:
        """Called by the SSH library."""
        if self._eof:
            self._chunks.end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the SSH library when the channel is closed, alone or with its connection."""
        self._gone = True
        self._room.set()
        if self._closing:
            self._chunks.stop()
        elif self.exit is not None or (exc is None and self._link.open):
            self._chunks.end()
        else:
            self._chunks.end(self._link.failure(exc))

    def pause_writing(self) -> None:
        """Called by the SSH library: more is queued than it wants."""
        self._room.clear()

    def resume_writing(self) -> None:
        """Called by the SSH library: the queue is short again."""
        self._room.set()

    async def drain(self) -> None:
        """See ``Inlet.drain``."""
        await self._room.wait()

    def write(self, data: bytes) -> None:
        """Queue bytes for standard input."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(data)

    def end_input(self) -> None:
        """Close standard input once everything is written."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write_eof()

    async def read(self) -> bytes:
        """Return the next chunk of standard output, ``b""`` at its end; raises ``TransportError`` on a dead link."""
        return await self._chunks.read()

    def errors(self) -> bytes:
        """The last 4 KiB of standard error."""
        return self._chunks.errors()

    @property
    def exit(self) -> int | None:
        """The exit status once it is known; 128 plus the signal's number where a signal ended it."""
        code = self._channel.get_returncode() if self._channel is not None else None
        return code if code is None or code >= 0 else 128 - code

    @property
    def ended(self) -> bool:
        """The channel is closed on both sides, or its connection is gone."""
        return self._gone

    async def close(self) -> None:
        """Close the channel; sshd closes the program's standard streams. Never raises."""
        self._closing = True
        channel = self._channel
        if channel is not None:
            channel.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_GRACE):
                    await channel.wait_closed()
        self._chunks.stop()

    def _flow(self, go_on: bool) -> None:
        if self._channel is not None:
            (self._channel.resume_reading if go_on else self._channel.pause_reading)()


class SshTransport:
    """A host over SSH, as the user's ssh configuration says, through shared jump connections."""

    def __init__(self, spec: HostSpec, pool: JumpPool) -> None:
        self._spec = spec
        self._pool = pool
        self._link: SshLink | None = None
        self._dialling: asyncio.Task[SshLink] | None = None
        self._channels: set[SshChannel] = set()
        self._opening = 0

    @property
    def host(self) -> str:
        """The host's name in the console."""
        return self._spec.name

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self._link is not None and self._link.open

    @property
    def target(self) -> SshTarget | None:
        """How the host was reached, once it was."""
        return self._link.target if self._link is not None else None

    @property
    def dialled(self) -> int | None:
        """The port to which it connected, once it did."""
        return self._link.target.port if self._link is not None else None

    @property
    def root(self) -> bool:
        """Whether the login is root's."""
        return self._link is not None and self._link.target.user == "root"

    def details(self) -> dict[str, str]:
        """What was agreed with the server, for ``doctor``: its version, ciphers, compression."""
        connection = self._link.connection if self._link is not None else None
        names = ("server_version", "send_cipher", "send_compression", "recv_compression")
        return {} if connection is None else {name: sanitise(str(connection.get_extra_info(name))) for name in names}

    def begin(self) -> None:
        """Begin to connect; ``connect`` waits for it."""
        self._dialling = asyncio.create_task(self._dial(), name=f"connect to {self.host}")

    async def connect(self) -> None:
        """Connect or raise ``TransportError``; see ``Transport.connect``."""
        dialling, self._dialling = self._dialling, None
        if dialling is None:
            await self.close()
            self._link = await self._dial()
        else:
            self._link = await dialling

    async def _dial(self) -> SshLink:
        target = await resolve(self._spec)
        lease = await self._pool.through(self._spec, target)
        try:
            return await log_in(target, self._pool, lease)
        except BaseException:
            if lease is not None:
                lease.give_back()
            raise

    async def close(self) -> None:
        """Close every channel and the connection. Never raises."""
        dialling, self._dialling = self._dialling, None
        if dialling is not None:
            dialling.cancel()
            [begun] = await asyncio.gather(dialling, return_exceptions=True)
            if isinstance(begun, SshLink):
                await begun.close()
        link, self._link = self._link, None
        channels, self._channels = self._channels, set()
        if link is not None:
            closing = (channel.close() for channel in channels if link.open)
            # What the channels have to say goes first; their end is not waited for beyond that of the connection.
            await asyncio.gather(*closing, link.close(), return_exceptions=True)

    async def exchange(self, path: str, request: bytes) -> bytes:
        """See ``UnixSockets.exchange``."""
        return await ssh_sockets.exchange(self._standing(), path, request)

    def forward(self, path: str) -> contextlib.AbstractAsyncContextManager[str]:
        """See ``UnixSockets.forward``."""
        return ssh_sockets.forward(self._standing(), path)

    @property
    def peer(self) -> str | None:
        """See ``Reaching.peer``."""
        link = self._link
        if link is None or link.connection is None or link.target.jumps or link.target.proxy_command is not None:
            return None
        name = link.connection.get_extra_info("peername")
        return str(name[0]) if isinstance(name, tuple) and name else None

    async def knock(self, address: str, port: int) -> str | None:
        """See ``Reaching.knock``."""
        return await ssh_sockets.knock(self._standing(), address, port)

    async def open(self, argv: tuple[str, ...]) -> Channel:
        """Start a program with ``LC_ALL=C``; raises ``ChannelRefusedError`` or ``TransportError``."""
        return await self._start(_START, argv)

    async def run(self, command: Command, stdin: bytes = b"") -> Output:
        """Run one command to its end. The host ends it at its timeout, where it has timeout(1)."""
        began = time.monotonic()
        words = (str(math.ceil(command.timeout)), *command.words(root=self.root))
        channel = await self._start(_START_BOUNDED, words)
        try:
            channel.write(stdin)
            channel.end_input()
            output = await collect(channel, command.timeout + TIMEOUT_GRACE)
        finally:
            await channel.close()
        seconds = time.monotonic() - began
        status = -1 if output.exit in _TIMED_OUT and seconds >= command.timeout else output.exit
        return Output(status, output.stdout, output.stderr, seconds)

    def _standing(self) -> SshLink:
        link = self._link
        if link is None or link.connection is None:
            raise TransportError("lost", f"{self.host} is not connected: connect first")
        if not link.open:
            raise link.failure()
        return link

    async def _start(self, script: str, argv: tuple[str, ...]) -> SshChannel:
        link = self._standing()
        self._channels = {channel for channel in self._channels if not channel.ended}
        if len(self._channels) + self._opening >= MAX_CHANNELS:
            raise too_many()
        mark = secrets.token_hex(8)
        line = quote(("env", "LC_ALL=C", "sh", "-c", script, mark, *argv))
        self._opening += 1
        try:
            channel = await _create(link, SshChannel(link, mark.encode()), line)
        finally:
            self._opening -= 1
        self._channels.add(channel)
        return channel


async def _create(link: SshLink, channel: SshChannel, line: str) -> SshChannel:
    creating: asyncio.Future[Any] = asyncio.ensure_future(
        link.connection.create_session(  # type: ignore[union-attr]
            lambda: channel, line, request_pty=False, encoding=None, window=WINDOW, env=None, send_env=None
        )
    )
    try:
        await asyncio.shield(creating)
    except asyncio.CancelledError:
        # The server may open it yet, and it counts there until it is closed.
        creating.add_done_callback(_close_late)
        raise
    except asyncssh.ChannelOpenError as error:
        raise await _refused(link, error) from None
    except (asyncssh.Error, OSError) as error:
        raise link.failure(error) from None
    link.answered = True
    return channel


def _close_late(creating: "asyncio.Future[Any]") -> None:
    if not creating.cancelled() and creating.exception() is None:
        creating.result()[0].close()


async def _refused(link: SshLink, error: asyncssh.ChannelOpenError) -> TransportError:
    said = sanitise(str(error))[:100]
    if not link.open or "connection closed" in said.lower():
        return await link.failure_at_login()
    link.answered = True
    if error.code == asyncssh.OPEN_REQUEST_SESSION_FAILED:
        return TransportError("shell", f"{link.target.endpoint} runs no commands for this user ({said})")
    return ChannelRefusedError(f"sshd gives this connection no further channel ({said}): see MaxSessions there")
