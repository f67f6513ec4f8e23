"""A connection for a few requests in a row, with another one where the first has no channel left or was lost."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from console.remote.transport import ChannelRefusedError, Transport

T = TypeVar("T")


class Way:
    """``spare`` makes a further connection, which is closed with the way. Without it the given one is mended."""

    def __init__(self, transport: Transport, spare: Callable[[], Transport] | None = None) -> None:
        self.transport = transport
        self._spare = spare
        self._own: Transport | None = None

    async def ask(self, request: Callable[[Transport], Awaitable[T]]) -> T:
        """Make a request of the connection; raises ``TransportError``."""
        if not self.transport.connected:
            await self._renew()
        try:
            return await request(self.transport)
        except ChannelRefusedError:
            if self._spare is None or self._own is not None:
                raise
            await self._renew()
            return await request(self.transport)

    async def close(self) -> None:
        """Close what was opened. Never raises."""
        own, self._own = self._own, None
        if own is not None:
            await own.close()

    async def _renew(self) -> None:
        await self.close()
        if self._spare is not None:
            self._own = self.transport = self._spare()
        await self.transport.connect()
