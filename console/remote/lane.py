"""A probe shell for what may take long, so that it holds up nothing else."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from console.core.probe import Probe
from console.remote.shell import Answer, Ask, ProbeShell
from console.remote.transport import Transport, TransportError

Told = Callable[[Ask, Answer], None]
"""What is done with an answer as soon as it is there."""


def unheard(_ask: Ask, _answer: Answer) -> None:
    """Nobody waits for single answers."""


class Lane:
    """Asks one thing after the other in a shell that is started when it is first needed."""

    def __init__(self, transport: Transport, probes: Sequence[Probe[Any]]) -> None:
        self._transport = transport
        self._probes = probes
        self._shell: ProbeShell | None = None
        self._lock = asyncio.Lock()

    @property
    def idle(self) -> bool:
        """Whether it answers at once: its shell is there, and nothing else is asked."""
        return self._shell is not None and not self._lock.locked()

    async def warm(self, seconds: float) -> None:
        """Start the shell before it is needed. Never raises: where that fails, what is asked first will say so."""
        with suppress(TransportError, TimeoutError):
            async with self._lock, asyncio.timeout(seconds):
                await self._begun()

    async def ask(self, ask: Ask) -> Answer:
        """Bounded by the probe's own timeout; a timeout is that source's failure.

        Raises ``ChannelRefusedError`` where the host gives no channel for the shell, and ``TransportError``.
        """
        return (await self.ask_all([ask]))[0]

    async def ask_all(self, asks: Sequence[Ask], told: Told = unheard) -> list[Answer]:
        """The same of several things that are written at once: each is bounded from when it is that one's turn."""
        answers: list[Answer] = []
        async with self._lock:
            while len(answers) < len(asks):
                answers += await self._until_silent(asks[len(answers) :], told)
        return answers

    async def _until_silent(self, asks: Sequence[Ask], told: Told) -> list[Answer]:
        """What is answered, up to the first that is not answered in time; with that the shell ends."""
        answers: list[Answer] = []
        clock = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(patience(asks[0])) as turn:
                shell = await self._begun()
                async for answer in shell.request_each(asks):
                    told(asks[len(answers)], answer)
                    answers.append(answer)
                    if len(answers) < len(asks):
                        turn.reschedule(clock() + patience(asks[len(answers)]))
        except TimeoutError:
            await self.close()
            silent = asks[len(answers)]
            answers.append(Answer(silent.probe, failure=f"no answer in {patience(silent):.0f} s", hangs=True))
            told(silent, answers[-1])
        return answers

    async def close(self) -> None:
        """End the shell. Never raises."""
        shell, self._shell = self._shell, None
        if shell is not None:
            await shell.close()

    async def _begun(self) -> ProbeShell:
        if self._shell is None:
            shell = ProbeShell(self._transport, self._probes)
            try:
                await shell.begin()
            except BaseException:
                # Also when the time is up, which comes as a cancellation: channels are few.
                await shell.close()
                raise
            self._shell = shell
        return self._shell


def patience(ask: Ask) -> float:
    """Seconds to wait for an answer: the probe ends itself by its timeout, where the host can."""
    return ask.probe.timeout + 2.0
