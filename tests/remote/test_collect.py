"""A program's whole output, whenever it comes."""

from __future__ import annotations

import asyncio

from console.remote.collect import collect


class LateChannel:
    """Its output and its end come together, while a look at it is just being given up."""

    def __init__(self) -> None:
        self.exit: int | None = None
        self._said: list[bytes] = []

    def write(self, data: bytes) -> None:
        raise NotImplementedError

    async def read(self) -> bytes:
        if not self._said and self.exit is None:
            try:
                await asyncio.sleep(60)
            finally:
                self.exit = 0
                self._said.append(b"late\n")
        if not self._said:
            await asyncio.sleep(60)
        return self._said.pop()

    def errors(self) -> bytes:
        return b""

    async def close(self) -> None:
        raise NotImplementedError


async def test_what_comes_together_with_the_end_is_not_lost() -> None:
    output = await collect(LateChannel(), 5.0)
    assert (output.exit, output.stdout) == (0, "late\n")
