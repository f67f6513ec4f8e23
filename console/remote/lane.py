"""A probe shell for what may take long, so that it holds up nothing else."""

import asyncio
from collections.abc import Sequence
from typing import Any

from console.core.probe import Probe
from console.remote.shell import Answer, Ask, ProbeShell
from console.remote.transport import Transport


class Lane:
    """Asks one thing after the other in a shell that is started when it is first needed."""

    def __init__(self, transport: Transport, probes: Sequence[Probe[Any]]) -> None:
        self._transport = transport
        self._probes = probes
        self._shell: ProbeShell | None = None
        self._lock = asyncio.Lock()

    async def ask(self, ask: Ask) -> Answer:
        """Bounded by the probe's own timeout; a timeout is that source's failure.

        Raises ``ChannelRefusedError`` where the host gives no channel for the shell, and ``TransportError``.
        """
        limit = patience(ask)
        async with self._lock:
            try:
                async with asyncio.timeout(limit):
                    shell = await self._started()
                    return (await shell.request([ask]))[0]
            except TimeoutError:
                await self.close()
                return Answer(ask.probe, failure=f"no answer in {limit:.0f} s")

    async def close(self) -> None:
        """End the shell. Never raises."""
        shell, self._shell = self._shell, None
        if shell is not None:
            await shell.close()

    async def _started(self) -> ProbeShell:
        if self._shell is None:
            shell = ProbeShell(self._transport, self._probes)
            try:
                await shell.start()
            except BaseException:
                # Also when the time is up, which comes as a cancellation: channels are few.
                await shell.close()
                raise
            self._shell = shell
        return self._shell


def patience(ask: Ask) -> float:
    """Seconds to wait for an answer: the probe ends itself by its timeout, where the host can."""
    return ask.probe.timeout + 2.0
