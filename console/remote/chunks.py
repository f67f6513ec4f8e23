"""What a program has said and nobody has read yet: the receiving half of a channel, however its bytes arrive."""

import asyncio
from collections.abc import Callable

from console.core.text import decode, sanitise
from console.remote.transport import TransportError

HIGH_WATER = 256 * 1024
"""Unread bytes at which the sender is told to wait."""

ERRORS_KEPT = 4096
"""Bytes of standard error that are kept: the last ones."""

NOISE_LIMIT = 256 * 1024
"""Bytes that a login shell's start files may print before the program runs."""


class Chunks:
    """Collects both output streams of a program for one reader.

    With a ``mark``, all that comes before it on either stream is dropped: what a login shell prints on its own account.
    ``flow`` is called with false when the sender must wait and with true when it may go on.
    """

    __slots__ = (
        "_chunks",
        "_ended",
        "_error_mark",
        "_errors",
        "_failure",
        "_flow",
        "_mark",
        "_noise",
        "_paused",
        "_size",
        "_waiter",
    )

    def __init__(self, mark: bytes = b"", flow: Callable[[bool], None] | None = None) -> None:
        self._mark = mark
        self._error_mark = mark
        self._flow = flow
        self._chunks: list[bytes] = []
        self._size = 0
        self._noise = b""
        self._errors = b""
        self._ended = False
        self._failure: TransportError | None = None
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, data: bytes) -> None:
        """Take a chunk of standard output."""
        if self._mark:
            data = self._after_mark(data)
        if data:
            self._chunks.append(data)
            self._size += len(data)
            if self._size > HIGH_WATER and not self._paused and self._flow is not None:
                self._paused = True
                self._flow(False)
            self._wake()

    def feed_error(self, data: bytes) -> None:
        """Take a chunk of standard error."""
        errors = self._errors + data
        if self._error_mark:
            before, found, after = errors.partition(self._error_mark)
            if found:
                self._error_mark = b""
            errors = after if found else before
        self._errors = errors[-ERRORS_KEPT:]

    def end(self, failure: TransportError | None = None) -> None:
        """No more will come: the program ended, or the link failed. Only the first call counts."""
        if self._ended:
            return
        self._ended = True
        self._failure = failure
        if failure is None and self._mark:
            self._failure = TransportError("shell", f"the login shell ended before our command ran{self._last_words()}")
        self._wake()

    def stop(self) -> None:
        """We ended it ourselves: nothing is missing."""
        self._mark = b""
        self.end()

    @property
    def ended(self) -> bool:
        """Nothing more will come, though something may be left to read."""
        return self._ended

    def errors(self) -> bytes:
        """The last 4 KiB of standard error."""
        return self._errors

    async def read(self) -> bytes:
        """Return all that has come since the last call, ``b""`` at the end; raises the failure of the link."""
        while not self._chunks:
            if self._failure is not None:
                raise self._failure
            if self._ended:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if self._paused and self._flow is not None:
            self._paused = False
            self._flow(True)
        return data

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _after_mark(self, data: bytes) -> bytes:
        self._noise += data
        before, found, after = self._noise.partition(self._mark)
        if found:
            self._mark = self._noise = b""
            return after
        if len(before) > NOISE_LIMIT:
            self.end(TransportError("shell", f"the login shell printed {len(before)} bytes instead of our command"))
        return b""

    def _last_words(self) -> str:
        said = sanitise(decode(self._noise[-ERRORS_KEPT:] + b"\n" + self._errors)).split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), "")
        return f": {last[:200]}" if last else "; can this user log in and run commands there?"
