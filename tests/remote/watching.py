"""A fleet of real hosts whose changes a test can wait for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from console.core.finding import Finding
from console.core.snapshot import LinkState, Snapshot
from console.remote.connect import JumpPool, connect
from console.remote.fleet import Fleet
from console.remote.transport import HostSpec
from tests.patience import SHARED


class Watched:
    """A running fleet and the history of its links."""

    def __init__(self, specs: Sequence[HostSpec]) -> None:
        self.fleet = Fleet(specs, partial(connect, pool=JumpPool()), lambda snapshot: ())
        self.changes = 0
        self.links: dict[str, list[LinkState]] = {spec.name: [] for spec in specs}
        self._moved = asyncio.Event()

    def note(self, snapshot: Snapshot, _findings: tuple[Finding, ...]) -> None:
        """Called by the fleet."""
        self.changes += 1
        history = self.links[snapshot.host]
        if not history or history[-1] is not snapshot.link.state:
            history.append(snapshot.link.state)
        self._moved.set()

    async def until(self, host: str, holds: Callable[[Snapshot], bool], seconds: float) -> float:
        """Wait until a host's snapshot holds; returns the seconds it took.

        `seconds` is what it takes at most on a machine of its own; tests share theirs with other tests.
        """
        began = time.monotonic()
        try:
            async with asyncio.timeout(SHARED * seconds):
                while not holds(self.fleet.snapshot(host)):
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise AssertionError(f"not within {SHARED * seconds} s: {self.fleet.snapshot(host).link}") from None
        return time.monotonic() - began

    async def link(self, host: str, state: LinkState, seconds: float) -> float:
        """Wait for a state of the connection."""
        return await self.until(host, lambda snapshot: snapshot.link.state is state, seconds)


@asynccontextmanager
async def watching(*specs: HostSpec, up: bool = True) -> AsyncIterator[Watched]:
    """Start a fleet, wait until its hosts were looked at, and end it."""
    watched = Watched(specs)
    watched.fleet.start(watched.note)
    try:
        for spec in specs:
            snapshot = await asyncio.wait_for(watched.fleet.settled(spec.name), 30)
            assert not up or snapshot.link.state is LinkState.UP, snapshot.link
        yield watched
    finally:
        await watched.fleet.stop()
