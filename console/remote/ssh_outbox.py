"""Fewer packets: what an SSH connection writes in one turn of the event loop goes out in one piece.

The SSH library sends an empty packet before each one that matters (it guards old ciphers), each by a system call of its
own. That is half of what a request costs this process, and a TCP header more on a slow link.
"""

import asyncio
from collections.abc import Callable
from typing import Any


class Outbox:
    """A transport that collects writes until the loop comes round."""

    __slots__ = ("_loop", "_transport", "_waiting")

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send this together with all that is written until the loop comes round."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(data)

    def flush(self) -> None:
        """Send what has been collected."""
        if self._waiting:
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._transport.write(data)

    def abort(self) -> None:
        """Close at once; what was written before is still handed on, as it is without this class."""
        self._last_flush()
        self._transport.abort()

    def close(self) -> None:
        """Close once everything is sent."""
        self._last_flush()
        self._transport.close()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport below knows."""
        return self._transport.get_extra_info(name, default)

    def _last_flush(self) -> None:
        try:
            self.flush()
        except OSError:
            # The channel below has closed: there is nobody left to tell.
            self._waiting.clear()


def batched(factory: Callable[[], Any]) -> Callable[[], Any]:
    """Make connections that write through an ``Outbox``."""

    def make() -> Any:
        connection = factory()
        made = connection.connection_made
        connection.connection_made = lambda transport: made(Outbox(transport))
        return connection

    return make
