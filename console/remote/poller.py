"""The loop of one host: connect, ask what is due, build snapshots, back off when the link is lost."""

import asyncio
import math
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from console.core.difference import Difference
from console.core.probe import Probe
from console.core.release import ReleaseBook
from console.core.snapshot import AbandonedPlan, Link, LinkState, Snapshot
from console.remote.builder import SnapshotBuilder
from console.remote.health import HealthWatch
from console.remote.host_keys import HostKey, HostKeyError, KeyStatus
from console.remote.looking import Looking
from console.remote.session import Session
from console.remote.transport import HostSpec, Transport, TransportError, backoff

T = TypeVar("T")

STALE_AFTER = 3.0
"""Seconds without an answer after which a host is shown as stale."""
STABLE_AFTER = 30.0
"""Seconds after which a connection counts as good: one that always breaks is tried ever more rarely."""
MANAGERS_WITHIN = 8.0
"""Seconds for which the first look waits for service managers that do not answer: most say why within 6."""
HEALTH_WITHIN = 8.0
"""Seconds for which a command waits for declared health checks: one that says no is asked twice."""
REOPEN_AFTER = 5.0
"""Seconds without an answer after which the shell is taken for frozen and replaced."""
REOPEN_TIMEOUT = 3.0
"""Seconds that the replacement may take; then the host is down. Together below the 10 s of the fault table."""


class Poller:
    """Watches one host for as long as ``run`` runs. Every change of its snapshot is told through ``on_change``."""

    def __init__(
        self,
        spec: HostSpec,
        connect: Callable[[HostSpec], Transport],
        on_change: Callable[[Snapshot], None],
        *,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.spec = spec
        self._connect = connect
        self._on_change = on_change
        self._interval = interval
        self._clock = clock
        self._wall = wall
        self.builder = SnapshotBuilder(spec.name, clock(), wall, spec.production_contexts)
        self.session: Session | None = None
        self._looking: Looking | None = None
        self._health: HealthWatch | None = None
        self.comparing = asyncio.Lock()
        """Held while it is asked in what releases differ: whoever asks for the same pair waits for that answer."""
        self._wake = asyncio.Event()
        self._answered = clock()
        self._seen, self._settled = asyncio.Event(), asyncio.Event()
        self._attempts = 0
        self.offered: HostKey | None = None
        self._ended = False
        self.failure: TransportError | None = None
        """Why the last connection ended; known before its channels are closed."""

    @property
    def snapshot(self) -> Snapshot:
        """The latest."""
        return self.builder.snapshot

    async def seen(self) -> Snapshot:
        """Wait until all but some of its service managers was looked at, or the host is known to be down."""
        await self._seen.wait()
        return self.snapshot

    async def settled(self) -> Snapshot:
        """Wait until the first whole look is done, or the host is known to be down."""
        await self._settled.wait()
        return self.snapshot

    async def checked(self) -> Snapshot:
        """Wait for the first whole look and for what declared health checks say; these are not waited for else."""
        await self.settled()
        if self._health is not None:
            with suppress(TransportError):
                await self._health.first(HEALTH_WITHIN)
        return self.snapshot

    def retry_now(self) -> None:
        """Connect again at once instead of waiting for the next attempt."""
        self._wake.set()

    async def refresh(self) -> Snapshot:
        """Ask everything now and wait for it; the snapshot as it is when the host is down."""
        if self._looking is not None:
            await self._looking.everything()
        else:
            self.retry_now()
        return self.snapshot

    async def ask(self, probe: Probe[T], *args: str) -> T:
        """Ask one probe on demand; raises ``TransportError`` or ``ProbeError``."""
        return await self.looking.ask(probe, *args)

    @property
    def looking(self) -> Looking:
        """What can be asked while the host is connected; raises ``TransportError`` when it is not."""
        if self._looking is None:
            link = self.snapshot.link
            raise TransportError(link.code or "lost", link.error or f"{self.spec.name} is not connected")
        return self._looking

    def book(self, book: ReleaseBook) -> None:
        """Take the releases of a service, and tell of it."""
        self.builder.book(book)
        self._emit()

    def abandoned(self, plans: tuple[AbandonedPlan, ...]) -> None:
        """Take which plans were left on the host without an end, and tell of it."""
        self.builder.abandoned(plans)
        self._emit()

    def difference(self, difference: Difference) -> None:
        """Take in what two releases of a service differ, and tell of it."""
        self.builder.difference(difference)
        self._emit()

    def check_age(self, now: float) -> None:
        """Mark the host as stale when its answers are late; called from outside so that a hung link is noticed."""
        link = self.snapshot.link
        if link.state is LinkState.UP and now - self._answered > max(STALE_AFTER, 2.5 * self._interval) - 0.5:
            self._link(replace(link, state=LinkState.STALE, since=self._answered))

    async def run(self) -> None:
        """Connect and look, again and again, until cancelled; call ``end`` before that."""
        try:
            while True:
                error = await self._one_session()
                if self._ended:
                    break
                self._attempts += 1
                await self._wait_to_retry(error)
        finally:
            await self._drop_session()

    def end(self) -> None:
        """Connect no more: a group of tasks that fails just then tells of its failure, and the cancellation is lost."""
        self._ended = True

    async def _one_session(self) -> TransportError:
        try:
            await self._open()
            await self._look()
            self.failure = TransportError("lost", "the connection ended")
        except Exception as error:
            self.failure = _reason(error)
        finally:
            await self._drop_session()
        return self.failure

    async def _open(self) -> None:
        link = self.snapshot.link
        if link.state is not LinkState.DOWN:
            self._link(Link(LinkState.CONNECTING, self._clock(), link.error, link.code, attempts=self._attempts))
        self.session = Session(self._connect(self.spec), Looking.probes())
        await self.session.open()
        self.builder.new_session()
        self._looking = Looking(self.session, self.builder, self._emit, self._clock, self._wall, self.spec.pid_files)
        await self._looking.first()

    async def _look(self) -> None:
        assert self._looking is not None
        assert self.session is not None
        self._up()
        transport, checks = self.session.transport, self.spec.health_checks
        self._health = health = HealthWatch(checks, self.builder, transport, self._emit, self._clock)
        async with asyncio.TaskGroup() as tasks:
            # Both lanes are asked in one trip.
            tasks.create_task(self._slow_loop(self._looking))
            await self._looking.quick()
            self._up()
            tasks.create_task(self._tick_loop())
            tasks.create_task(self._looking.surveys.run())
            if self._interval < math.inf:
                tasks.create_task(health.run())

    async def _slow_loop(self, looking: Looking) -> None:
        await looking.slow_round()
        self._seen.set()
        await looking.surveys.told(MANAGERS_WITHIN)
        await looking.read_named()
        self.builder.complete()
        self._emit()
        self._settled.set()
        await looking.slow_loop(timed=self._interval < math.inf)

    async def _tick_loop(self) -> None:
        if self._interval == math.inf:
            return
        # Spread over the second, or 200 hosts answer in the same millisecond.
        next_tick = self._clock() + random.random() * 0.2 * self._interval  # noqa: S311
        while True:
            await asyncio.sleep(max(0.0, next_tick - self._clock()))
            next_tick = max(next_tick + self._interval, self._clock())
            await self.tick()

    async def tick(self) -> None:
        """Ask once what is due in the fast lane."""
        assert self._looking is not None
        assert self.session is not None
        asked = self._clock()
        try:
            await self._looking.tick(REOPEN_AFTER)
        except TimeoutError:
            await self.session.reopen_fast(REOPEN_TIMEOUT)
            return
        self._up(self._clock() - asked)

    def _up(self, rtt: float | None = None) -> None:
        self._answered = self._clock()
        link = self.snapshot.link
        if link.state is LinkState.UP and self._answered - link.since > STABLE_AFTER:
            self._attempts = 0
        if link.state is LinkState.UP:
            # Only a noticeable change of the round trip is worth a new object.
            if rtt is None or (link.rtt is not None and abs(rtt - link.rtt) < 0.3 * link.rtt + 0.005):
                self._emit()
                return
            link = replace(link, rtt=rtt)
        else:
            link = Link(LinkState.UP, self._answered, rtt=rtt)
        self._link(link)

    def _link(self, link: Link) -> None:
        self.builder.link(link)
        self._emit()

    def _emit(self) -> None:
        self._on_change(self.builder.snapshot)

    async def _wait_to_retry(self, error: TransportError) -> None:
        unknown = isinstance(error, HostKeyError) and error.status is KeyStatus.UNKNOWN
        self.offered = error.key if unknown and isinstance(error, HostKeyError) else None
        wait = backoff(self._attempts, random.random()) if error.retry else None  # noqa: S311
        now = self._clock()
        was = self.snapshot.link
        since = was.since if was.state is LinkState.DOWN else now
        retry_at = now + wait if wait is not None else None
        self._link(Link(LinkState.DOWN, since, str(error), error.code, None, retry_at, self._attempts))
        self._seen.set()
        self._settled.set()
        self._wake.clear()
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _drop_session(self) -> None:
        session, looking = self.session, self._looking
        self.session = self._looking = self._health = None
        if looking is not None:
            # They may have begun before the look that failed.
            await looking.surveys.close()
        if session is not None:
            await session.close()


def _reason(error: Exception) -> TransportError:
    """Why a session ended: a lost link, or a fault of ours, which must be seen and must not end the watching."""
    found: BaseException = error
    while isinstance(found, BaseExceptionGroup):
        lost = [each for each in found.exceptions if isinstance(each, TransportError)]
        found = lost[0] if lost else found.exceptions[0]
    if isinstance(found, TransportError):
        return found
    return TransportError("internal", f"hostdeck itself failed here, please report it: {type(found).__name__}: {found}")
