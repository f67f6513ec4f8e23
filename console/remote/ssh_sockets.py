"""Sockets of a host over its SSH connection: UNIX ones (streamlocal, OpenSSH's PROTOCOL 2.4), and ports of its own."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh

from console.core.text import sanitise
from console.remote.ssh_login import SshLink
from console.remote.transport import TransportError
from console.remote.unix_sockets import TIMEOUT, refused, talk


async def exchange(link: SshLink, path: str, request: bytes) -> bytes:
    """See ``UnixSockets.exchange``."""
    reader, writer = await _connect(link, path)
    try:
        return await talk(path, reader, writer, request)
    except asyncssh.Error as error:
        raise link.failure(error) from None


@contextlib.asynccontextmanager
async def forward(link: SshLink, path: str) -> AsyncIterator[str]:
    """See ``UnixSockets.forward``.

    A connection is made first, because a forwarded one that fails only looks like an end. The local socket is open to
    all who can reach it and stays when the listener is closed (asyncssh 2.24), hence a directory of our own.
    """
    _, writer = await _connect(link, path)
    writer.close()
    assert link.connection is not None
    with tempfile.TemporaryDirectory(prefix="hd-") as directory:
        local = str(Path(directory) / "s")
        try:
            listener = await link.connection.forward_local_path(local, path)
        except (asyncssh.Error, OSError) as error:
            raise link.failure(error) from None
        try:
            yield local
        finally:
            listener.close()
            await listener.wait_closed()


async def knock(link: SshLink, address: str, port: int) -> str | None:
    """See ``Reaching.knock``."""
    if link.connection is None or not link.open:
        raise link.failure()
    try:
        _, writer = await link.connection.open_connection(address, port, encoding=None)
    except asyncssh.ChannelOpenError as error:
        if not link.open:
            raise link.failure() from None
        prohibited = error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED
        return "prohibited" if prohibited else sanitise(str(error))[:100]
    except (asyncssh.Error, OSError) as error:
        raise link.failure(error) from None
    writer.close()
    return None


async def _connect(link: SshLink, path: str) -> "tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]":
    if link.connection is None or not link.open:
        raise link.failure()
    try:
        async with asyncio.timeout(TIMEOUT):
            return await link.connection.open_unix_connection(path, encoding=None)
    except TimeoutError:
        raise refused(path, f"no connection in {TIMEOUT:.0f} s") from None
    except asyncssh.ChannelOpenError as error:
        if not link.open:
            raise link.failure() from None
        raise _why(path, error) from None
    except (asyncssh.Error, OSError) as error:
        raise link.failure(error) from None


def _why(path: str, error: asyncssh.ChannelOpenError) -> TransportError:
    # sshd tells no errno: "open failed" stands for a socket that is not there and for one without the right to it.
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return refused(path, "sshd of this host forwards no sockets: see AllowStreamLocalForwarding there")
    return refused(path, f"sshd could not connect to it ({sanitise(str(error))[:100]})")
