"""UNIX sockets of this machine, and what is the same for those of any host."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

from console.remote.transport import TransportError

MAX_ANSWER = 4 * 1024 * 1024
"""Bytes of one answer."""
TIMEOUT = 5.0
"""Seconds for one exchange, the connecting included."""


class Reader(Protocol):
    """What is read from: asyncio's stream, or that of an SSH channel."""

    async def read(self, n: int = -1) -> bytes:
        """The next bytes; none at the end."""
        ...


class Writer(Protocol):
    """What is written to."""

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        ...

    def close(self) -> None:
        """Close both directions."""
        ...


SILENT = "socket-silent"
"""The code of the error where whoever has the socket gives no answer."""


def refused(path: str, why: str, code: str = "socket") -> TransportError:
    """A socket that takes no connection, or does not serve it."""
    return TransportError(code, f"{path}: {why}")


async def talk(path: str, reader: Reader, writer: Writer, request: bytes) -> bytes:
    """Send a request and read to the end; raises ``TransportError``. The writer is closed."""
    answer = bytearray()
    try:
        async with asyncio.timeout(TIMEOUT):
            writer.write(request)
            while chunk := await reader.read(65536):
                answer += chunk
                if len(answer) > MAX_ANSWER:
                    raise refused(path, f"the answer is longer than {MAX_ANSWER} bytes")
    except TimeoutError:
        raise refused(path, f"no answer in {TIMEOUT:.0f} s", SILENT) from None
    except OSError as error:
        raise refused(path, f"the connection broke: {error}") from None
    finally:
        writer.close()
    return bytes(answer)


async def local_exchange(path: str, request: bytes) -> bytes:
    """The exchange with a socket of this machine."""
    try:
        async with asyncio.timeout(TIMEOUT):
            reader, writer = await asyncio.open_unix_connection(path)
    except TimeoutError:
        raise refused(path, f"no answer in {TIMEOUT:.0f} s", SILENT) from None
    except OSError as error:
        raise refused(path, error.strerror or str(error)) from None
    return await talk(path, reader, writer, request)


@contextlib.asynccontextmanager
async def local_forward(path: str) -> AsyncIterator[str]:
    """A socket of this machine is reachable as it is."""
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError as error:
        raise refused(path, error.strerror or str(error)) from None
    writer.close()
    yield path
