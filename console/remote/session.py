"""One connection to a host with its two probe shells: a fast lane and, where sshd allows it, a slow one."""

import asyncio
from collections.abc import Sequence
from typing import Any

from console.core.probe import Probe
from console.remote.shell import Answer, Ask, ProbeShell, ShellLostError
from console.remote.transport import ChannelRefusedError, Transport

START_TIMEOUT = 8.0
"""Seconds that a login shell may take for its start files."""


class Session:
    """What a connected host can be asked. A session is never re-opened: a lost one is replaced."""

    def __init__(self, transport: Transport, probes: Sequence[Probe[Any]]) -> None:
        self.transport = transport
        self._probes = tuple(probes)
        self._fast = ProbeShell(transport, self._probes)
        self._slow: ProbeShell | None = None
        self._slow_lock = asyncio.Lock()
        self.one_channel = False
        """The host gives no second channel (MaxSessions 1): both lanes share the first."""

    async def open(self) -> None:
        """Connect and start the fast lane; raises ``TransportError``."""
        await self.transport.connect()
        await _bounded(self._fast.start(), START_TIMEOUT, "the login shell did not start")

    async def close(self) -> None:
        """Close both lanes and the connection. Never raises."""
        await self._fast.close()
        if self._slow is not None:
            await self._slow.close()
        await self.transport.close()

    async def fast(self, asks: Sequence[Ask], timeout: float) -> list[Answer]:  # noqa: ASYNC109
        """Ask in the fast lane; ``TimeoutError`` when the shell does not answer in time."""
        async with asyncio.timeout(timeout):
            return await self._fast.request(asks)

    async def reopen_fast(self, timeout: float) -> None:  # noqa: ASYNC109
        """Replace a frozen shell by a new one on the same connection (keepalive does not notice a frozen shell)."""
        old, self._fast = self._fast, ProbeShell(self.transport, self._probes)
        await old.close()
        await _bounded(self._fast.start(), timeout, "a new probe shell did not answer")

    async def slow(self, ask: Ask) -> Answer:
        """Ask one thing in the slow lane, bounded by the probe's own timeout; a timeout is that source's failure."""
        limit = ask.probe.timeout + 2.0
        async with self._slow_lock:
            try:
                async with asyncio.timeout(limit):
                    shell = await self._slow_shell()
                    return (await shell.request([ask]))[0]
            except TimeoutError:
                await self._drop_slow()
                return Answer(ask.probe, failure=f"no answer in {limit:.0f} s")

    async def _slow_shell(self) -> ProbeShell:
        if self.one_channel:
            return self._fast
        if self._slow is None:
            shell = ProbeShell(self.transport, self._probes)
            try:
                await shell.start()
            except ChannelRefusedError:
                self.one_channel = True
                return self._fast
            except BaseException:
                # Also when the time is up, which comes as a cancellation: its channel is one of four.
                await shell.close()
                raise
            self._slow = shell
        return self._slow

    async def _drop_slow(self) -> None:
        shell, self._slow = self._slow, None
        if shell is not None:
            await shell.close()


async def _bounded(work: Any, seconds: float, complaint: str) -> None:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        raise ShellLostError(f"{complaint} in {seconds:.0f} s") from None
