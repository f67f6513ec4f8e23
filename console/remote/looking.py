"""What is asked of a connected host, and when: a fast lane every tick, a slow lane for what takes longer."""

import asyncio
from collections.abc import Callable, Sequence, Set
from itertools import chain
from typing import Any, TypeVar

from console.core.pid_file import PidFile
from console.core.probe import Probe
from console.core.sample import Sample
from console.core.snapshot import Identity
from console.managers.systemd import WATCH
from console.probes import ALL, blocked, clock, identity, listeners
from console.remote.builder import SnapshotBuilder
from console.remote.loops import LOOPS
from console.remote.schedule import Schedule
from console.remote.session import Session
from console.remote.shell import Answer, Ask, ShellLostError
from console.remote.surveys import Surveys
from console.remote.systemd import SystemdWatch

T = TypeVar("T")

QUICK = 1.0
"""Seconds between two looks at units that are on the move."""
LISTENERS_EVERY = 5.0
"""Seconds between two looks at the listeners of a host whose sockets come and go."""
FIRST_TIMEOUT = 10.0
"""Seconds for the first looks: they define what they ask."""


class ProbeError(Exception):
    """A probe asked on demand has no answer; the text is the reason, one line."""


class Looking:
    """The work of one session: which probes are due, and where their answers go."""

    def __init__(
        self,
        session: Session,
        builder: SnapshotBuilder,
        emit: Callable[[], None],
        clock: Callable[[], float],
        wall: Callable[[], float],
        pid_files: tuple[PidFile, ...] = (),
    ) -> None:
        self._session = session
        self._builder = builder
        self._emit = emit
        self._clock = clock
        self._wall = wall
        self._systemd = SystemdWatch(builder, clock)
        self.surveys = Surveys(builder, session.transport, session.survey, session.slow, emit, clock, LOOPS, pid_files)
        routine = (*ALL, *self._systemd.routine, *Surveys.routine())
        self._fast = Schedule(probe for probe in routine if not probe.slow)
        self._slow = Schedule(probe for probe in routine if probe.slow)
        self._wake = asyncio.Event()
        self._sockets: str | None = None
        self._rounds = asyncio.Lock()

    @staticmethod
    def probes() -> tuple[Probe[Any], ...]:
        """Every probe that a shell must know."""
        return (*ALL, *SystemdWatch.probes, *Surveys.probes())

    async def first(self) -> None:
        """Ask who the host is and how it is, and leave out what it has no tools for."""
        asks = [Ask(identity.PROBE), *(Ask(probe) for probe in self._fast.due(self._clock(), within=QUICK))]
        sent = self._wall()
        try:
            answers = await self._session.fast(asks, FIRST_TIMEOUT)
        except TimeoutError:
            raise ShellLostError(f"the first look had no answer in {FIRST_TIMEOUT:.0f} s") from None
        self._take(asks, answers, self._fast, (sent + self._wall()) / 2)
        if self._builder.identity is not None:
            self._leave_out(self._builder.identity)

    async def quick(self) -> None:
        """Ask all else that is quick, once."""
        try:
            await self.tick(FIRST_TIMEOUT)
        except TimeoutError:
            raise ShellLostError(f"the first look had no answer in {FIRST_TIMEOUT:.0f} s") from None

    async def tick(self, timeout: float) -> None:  # noqa: ASYNC109
        """Ask what is due in the fast lane; ``TimeoutError`` when the shell does not answer."""
        # Nothing due is asked too: an answer, even an empty one, is what says that the host is there.
        asks = [self.surveys.asking(probe) for probe in self._fast.due(self._clock())]
        sent = self._wall()
        answers = await self._session.fast(asks, timeout)
        before = self._builder.snapshot.sample
        self._take(asks, answers, self._fast, (sent + self._wall()) / 2)
        if hints := self._hinted(before, {ask.probe.name for ask in asks}):
            self._take(hints, await self._session.fast(hints, timeout), self._fast, self._wall())
        if self._systemd.moving or self._builder.blocked_unseen:
            self._wake.set()

    def _hinted(self, before: Sample | None, asked: Set[str]) -> list[Ask]:
        """What the counters say has changed: units when process 1 ran, listeners when sockets came or went.

        An exec each second for either would cost the host more than all counters together.
        """
        now = self._builder.snapshot.sample
        if now is None or before is None:
            return []
        hints: list[Probe[Any]] = []
        stirred = now.init_switches is None or now.init_switches != before.init_switches
        # Of the user's own service manager the counters tell nothing.
        if stirred or self._systemd.has_user_units:
            hints.append(WATCH)
        moved = now.sockets is None or now.sockets != self._sockets
        if moved and self._fast.overdue(listeners.PROBE.name, LISTENERS_EVERY, self._clock()):
            hints.append(listeners.PROBE)
        if listeners.PROBE.name in asked or listeners.PROBE in hints:
            self._sockets = now.sockets
        return [Ask(probe) for probe in hints if probe.name not in asked and self._fast.knows(probe.name)]

    async def everything(self) -> None:
        """Ask all that is routine, now."""
        self._fast.everything()
        self._slow.everything()
        self.surveys.touch()
        await self.tick(10.0)
        await self.slow_round()

    async def slow_round(self) -> None:
        """Ask what is due in the slow lane, one after the other, each shown as soon as it is there."""
        async with self._rounds:
            due = [Ask(probe) for probe in self._slow.due(self._clock())]
            if self._builder.blocked_unseen:
                due.append(Ask(blocked.PROBE))
            await self._ask_slowly(due)
            if changed := self._systemd.changed():
                await self._ask_slowly(changed)
                # Who has which port now, before a log is read that speaks of ports.
                self._builder.take(await self._quickly([Ask(listeners.PROBE)]), self._clock())
            await self._ask_slowly(self._systemd.logs())

    async def slow_loop(self) -> None:
        """Go on for ever; woken when a watch says that something changed."""
        while True:
            pause = min(self._slow.next() - self._clock(), QUICK if self._systemd.moving else 60.0)
            try:
                async with asyncio.timeout(max(0.0, pause)):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self.slow_round()

    def touch(self, names: Sequence[str]) -> None:
        """Look again at these services and at the listeners, e.g. after an action."""
        self._systemd.touch(names)
        self.surveys.touch()
        self._fast.now(listeners.PROBE.name)
        self._wake.set()

    async def ask_all(self, asks: Sequence[Ask]) -> list[Answer]:
        """Ask several probes on demand: the quick ones in one trip, beside them the slow ones."""
        quick = [ask for ask in asks if not ask.probe.slow]
        slow = [ask for ask in asks if ask.probe.slow]
        parts = await asyncio.gather(self._quickly(quick), *(self._slowly(ask) for ask in slow))
        self._builder.take(parts[0], self._clock())
        order = {id(ask): answer for ask, answer in zip([*quick, *slow], chain(*parts), strict=True)}
        return [order[id(ask)] for ask in asks]

    async def _slowly(self, ask: Ask) -> list[Answer]:
        return [await self._session.slow(ask)]

    async def _quickly(self, asks: Sequence[Ask]) -> list[Answer]:
        if not asks:
            return []
        limit = max(ask.probe.timeout for ask in asks) + 2.0
        try:
            return await self._session.fast(asks, limit)
        except TimeoutError:
            return [Answer(ask.probe, failure=f"no answer in {limit:.0f} s") for ask in asks]

    async def ask(self, probe: Probe[T], *args: str) -> T:
        """Ask one probe on demand; raises ``ProbeError``."""
        [answer] = await self.ask_all([Ask(probe, args)])
        if answer.failure is not None:
            raise ProbeError(answer.failure)
        value: T = answer.value
        return value

    async def _ask_slowly(self, asks: Sequence[Ask]) -> None:
        for ask in asks:
            answer = await self._session.slow(ask)
            self._take([ask], [answer], self._slow, self._wall())
            self._emit()

    def _take(self, asks: Sequence[Ask], answers: Sequence[Answer], schedule: Schedule, at: float) -> None:
        plain = []
        for ask, answer in zip(asks, answers, strict=True):
            schedule.failed(answer.probe.name, failure=answer.failure is not None)
            if answer.probe is clock.PROBE and answer.failure is None:
                self._builder.skew(answer.value - at)
            taken = self.surveys.take(answer) or self._systemd.take(answer, ask.args)
            if not taken or answer.probe is WATCH:
                plain.append(answer)
        self._builder.take(plain, self._clock())

    def _leave_out(self, known: Identity) -> None:
        for schedule in (self._fast, self._slow):
            for probe in schedule.probes:
                missing = [tool for tool in probe.requires if tool not in known.tools]
                if missing:
                    schedule.drop(probe.name)
                    self._builder.missing(probe.name, f"not available: no {missing[0]} on this host")
