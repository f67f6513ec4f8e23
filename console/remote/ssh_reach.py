"""From a host's address to a socket on which an SSH server has begun to speak.

This part is done without the SSH library, because the causes of a failure can be told apart only here: no such name,
nothing listens, no way, no answer, no banner, too busy.
"""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast
from weakref import WeakKeyDictionary

from console.core.text import decode, sanitise
from console.remote.ssh_config import SshTarget
from console.remote.transport import TransportError

EYEBALLS = 0.3
"""Seconds before the next address of a host is tried beside the one that has not answered (RFC 8305)."""

LAST_WORDS = 0.5
"""Seconds that a proxy command which hung up has to say why."""

PROXY_GRACE = 2.0
"""Seconds that a proxy command has to end after SIGTERM."""

LOOKUPS = 32
"""Name look-ups at a time."""

_PEEK = 512

_looking: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class BusyError(Exception):
    """The server hung up before the login: it has too many already, or does not want this address."""


@dataclass(slots=True)
class Way:
    """A connected socket, and what must end with it."""

    sock: socket.socket
    where: str
    proxy: "_Proxy | None" = None

    async def complaint(self) -> str:
        """What a proxy command that has ended said on standard error last, one line."""
        return await self.proxy.last_line() if self.proxy is not None else ""

    def close(self) -> None:
        """Close the socket and end the proxy command."""
        self.sock.close()
        self.finish()

    def finish(self) -> None:
        """End the proxy command; the socket belongs to somebody else by now."""
        proxy, self.proxy = self.proxy, None
        if proxy is not None:
            proxy.end()


async def reach(target: SshTarget) -> Way:
    """Open the way to an SSH server; raises ``TransportError``. The caller bounds the time."""
    if target.proxy_command is not None:
        return await _through_command(target.proxy_command)
    where = f"[{target.hostname}]:{target.port}" if ":" in target.hostname else f"{target.hostname}:{target.port}"
    addresses = await _look_up(target)
    return Way(await _first(addresses, target, where), where)


async def wait_for_banner(way: Way) -> None:
    """Wait until the server says something; raises ``BusyError`` when it hangs up instead."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(way.sock.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(way.sock.fileno())
    try:
        said = way.sock.recv(_PEEK, socket.MSG_PEEK)
    except BlockingIOError:
        return
    except OSError as error:
        raise BusyError from error
    if not said or b"MaxStartups" in said:
        raise BusyError
    if b"Not allowed at this time" in said:
        reason = f"sshd at {way.where} turns this address away for a while (PerSourcePenalties): try again later"
        raise TransportError("refused", reason)


async def _look_up(target: SshTarget) -> list[tuple[int, tuple[object, ...]]]:
    def ask(flags: int = 0) -> list[tuple[int, tuple[object, ...]]]:
        found = socket.getaddrinfo(target.hostname, target.port, target.family, socket.SOCK_STREAM, flags=flags)
        return [(family, address) for family, _, _, _, address in found]

    with contextlib.suppress(socket.gaierror):
        return ask(socket.AI_NUMERICHOST)
    loop = asyncio.get_running_loop()
    async with _looking.setdefault(loop, asyncio.Semaphore(LOOKUPS)):
        try:
            return await _in_thread(ask)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            advice = "check the name, or set HostName in the ssh configuration"
            raise TransportError("name", f"the name {target.hostname} has no address ({reason}): {advice}") from None


async def _in_thread(work: Callable[[], list[tuple[int, tuple[object, ...]]]]) -> list[tuple[int, tuple[object, ...]]]:
    """Run a look-up in a thread of its own that holds up neither the loop's threads nor the end of the program."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[list[tuple[int, tuple[object, ...]]]] = loop.create_future()

    def settle(found: list[tuple[int, tuple[object, ...]]] | BaseException) -> None:
        if result.done():
            return
        if isinstance(found, BaseException):
            result.set_exception(found)
        else:
            result.set_result(found)

    def look() -> None:
        try:
            found: list[tuple[int, tuple[object, ...]]] | BaseException = work()
        except (OSError, UnicodeError) as error:
            found = error
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=look, name="name look-up", daemon=True).start()
    return await result


async def _first(addresses: Iterable[tuple[int, tuple[object, ...]]], target: SshTarget, where: str) -> socket.socket:
    """Connect to the address that answers first; each gets a little start before the next."""
    tasks: set[asyncio.Task[socket.socket]] = set()
    failure: OSError = OSError(errno.EADDRNOTAVAIL, "no address")
    queue = list(addresses)
    try:
        while queue or tasks:
            if queue:
                tasks.add(asyncio.create_task(_connect(*queue.pop(0), target.bind_address)))
            patience = EYEBALLS if queue else None
            done, tasks = await asyncio.wait(tasks, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.exception()
                if error is None:
                    return task.result()
                if not isinstance(error, OSError):
                    raise error
                failure = error
    finally:
        for task in tasks:
            task.cancel()
            task.add_done_callback(_close_late)
    raise _why(failure, where)


def _close_late(task: "asyncio.Task[socket.socket]") -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _connect(family: int, address: tuple[object, ...], bind: str | None) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        sock.setblocking(False)
        if bind is not None:
            sock.bind((bind, 0))
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _why(error: OSError, where: str) -> TransportError:
    if error.errno == errno.ECONNREFUSED:
        return TransportError("refused", f"nothing listens at {where}: is sshd running there, is the port right?")
    if error.errno == errno.ETIMEDOUT:
        return TransportError("timeout", f"no answer from {where}: is the host up, does a firewall drop the packets?")
    reason = os.strerror(error.errno) if error.errno else str(error)
    return TransportError("unreachable", f"no way to {where} ({reason}): check the network, the VPN or the address")


async def _through_command(command: str) -> Way:
    """Start a ``ProxyCommand`` as ssh does: by the user's shell, with the connection on its standard streams."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    shell = os.environ.get("SHELL") or "/bin/sh"
    try:
        _, proxy = await asyncio.get_running_loop().subprocess_exec(
            _Proxy,
            shell,
            "-c",
            f"exec {command}",
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            start_new_session=True,
        )
    except OSError as error:
        ours.close()
        reason = f"ProxyCommand cannot be run by {shell}: {error.strerror}"
        raise TransportError("config", reason, retry=False) from None
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Way(ours, "the ProxyCommand", proxy)


class _Proxy(asyncio.SubprocessProtocol):
    """A running proxy command."""

    def __init__(self) -> None:
        self._tail = b""
        self._transport: asyncio.SubprocessTransport | None = None
        self._ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._tail = (self._tail + data)[-1024:]

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()
        if self._transport is not None:
            self._transport.close()

    def end(self) -> None:
        """End the command and what it started: politely, then by force."""
        self._signal(signal.SIGTERM)
        asyncio.get_running_loop().call_later(PROXY_GRACE, self._signal, signal.SIGKILL)

    async def last_line(self) -> str:
        """What the command said on standard error last, once it has ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._ended.wait()
        lines = [line.strip() for line in sanitise(decode(self._tail)).splitlines() if line.strip()]
        return lines[-1][:200] if lines else ""

    def _signal(self, number: signal.Signals) -> None:
        # Not after its end: the number may belong to somebody else by then.
        if self._transport is not None and self._transport.get_returncode() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._transport.get_pid(), number)
