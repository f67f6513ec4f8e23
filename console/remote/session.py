"""One connection to a host with its probe shells: a fast lane and, where sshd allows it, slow ones."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from console.core.probe import Probe
from console.remote.lane import Lane, Told, patience, unheard
from console.remote.shell import Answer, Ask, ProbeShell, ShellLostError
from console.remote.transport import ChannelRefusedError, Transport

NOT_STARTED = "the login shell did not start"
START_TIMEOUT = 10.0
"""Seconds that a login shell may take for its start files: longer than a connection that is silent is kept."""


class Session:
    """What a connected host can be asked. A session is never re-opened: a lost one is replaced."""

    def __init__(self, transport: Transport, probes: Sequence[Probe[Any]]) -> None:
        self.transport = transport
        self._probes = tuple(probes)
        self._fast = ProbeShell(transport, self._probes)
        self._slow = Lane(transport, self._probes)
        self._managers = Lane(transport, self._probes)
        self.one_channel = False
        """The host gives no second channel (MaxSessions 1): all lanes share the first."""
        self._shared_until: float | None = None
        self._warming: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and begin the fast lane, which ``first`` waits for; raises ``TransportError``."""
        await self.transport.connect()
        # Over a long way each channel is a few trips: both are opened in those of one. The fast one is asked for first.
        self._warming = asyncio.create_task(self._slow.warm(START_TIMEOUT))
        await _bounded(self._fast.begin(), START_TIMEOUT, NOT_STARTED)

    async def first(self, asks: Sequence[Ask], timeout: float) -> list[Answer]:  # noqa: ASYNC109
        """Ask in the trip in which the shell starts; ``TimeoutError`` when one that did start does not answer in time.

        Raises ``TransportError`` when it does not start.
        """
        clock = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(START_TIMEOUT) as limit:
                return await self._fast.request(asks, ready=lambda: limit.reschedule(clock() + timeout))
        except TimeoutError:
            if self._fast.ready:
                raise
            raise ShellLostError(f"{NOT_STARTED} in {START_TIMEOUT:.0f} s") from None

    async def close(self) -> None:
        """Close every lane and the connection. Never raises."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        # With their connection all channels end in one trip.
        await self.transport.close()
        for lane in (self._fast, self._slow, self._managers):
            await lane.close()

    async def fast(self, asks: Sequence[Ask], timeout: float) -> list[Answer]:  # noqa: ASYNC109
        """Ask in the fast lane; ``TimeoutError`` when the shell does not answer in time.

        Behind something slow, where both share a channel, the time begins when that must have ended.
        """
        if self._shared_until is not None:
            timeout += max(0.0, self._shared_until - asyncio.get_running_loop().time())
        async with asyncio.timeout(timeout):
            return await self._fast.request(asks)

    @property
    def slow_is_sooner(self) -> bool:
        """Whether the fast lane has yet to answer something, as a tick over a long way, and the slow one is idle."""
        return self._fast.busy and self._slow.idle and not self.one_channel

    async def reopen_fast(self, timeout: float) -> None:  # noqa: ASYNC109
        """Replace a frozen shell by a new one on the same connection (keepalive does not notice a frozen shell).

        It does without a resident process, which may have been what froze the other.
        """
        old, self._fast = self._fast, ProbeShell(self.transport, self._probes, resident=False)
        await old.close()
        await _bounded(self._fast.start(), timeout, "a new probe shell did not answer")

    async def slow(self, ask: Ask) -> Answer:
        """Ask one thing that may take longer than a tick."""
        return (await self.slow_all([ask]))[0]

    async def slow_all(self, asks: Sequence[Ask], told: Told = unheard) -> list[Answer]:
        """Ask several such things, all in one trip where there is a channel for them; each is told when it is there."""
        if not self.one_channel:
            try:
                return await self._slow.ask_all(asks, told)
            except ChannelRefusedError:
                self.one_channel = True
        # Here one by one, so that the ticks come in between.
        answers = []
        for ask in asks:
            answers.append(await self._in_fast(ask))
            told(ask, answers[-1])
        return answers

    async def survey(self, ask: Ask) -> Answer:
        """Ask a service manager, which may hang: apart from what else is slow, where there is a channel for it."""
        if not self.one_channel:
            with suppress(ChannelRefusedError):
                return await self._managers.ask(ask)
        return await self.slow(ask)

    async def _in_fast(self, ask: Ask) -> Answer:
        limit = patience(ask)
        self._shared_until = asyncio.get_running_loop().time() + limit
        try:
            async with asyncio.timeout(limit):
                return (await self._fast.request([ask]))[0]
        except TimeoutError:
            return Answer(ask.probe, failure=f"no answer in {limit:.0f} s", hangs=True)
        finally:
            self._shared_until = None


async def _bounded(work: Any, seconds: float, complaint: str) -> None:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        raise ShellLostError(f"{complaint} in {seconds:.0f} s") from None
