"""What is asked of a connected host, and when: a fast lane every tick, a slow lane for what takes longer."""

import asyncio
from collections.abc import Callable, Sequence, Set
from itertools import chain
from typing import Any, TypeVar

from console.core.pid_file import PidFile
from console.core.probe import Probe
from console.core.sample import Sample
from console.core.service import Service
from console.core.snapshot import Identity
from console.managers.kubernetes_ports import PORTS
from console.managers.systemd import WATCH
from console.managers.unlisted import strangers
from console.probes import ALL, blocked, clock, declared, identity, listeners, process
from console.remote.builder import SnapshotBuilder
from console.remote.elevation import Elevation
from console.remote.loops import LOOPS
from console.remote.schedule import Allowance, Schedule
from console.remote.session import Session
from console.remote.shell import Answer, Ask, ShellLostError
from console.remote.surveys import Surveys
from console.remote.systemd import SystemdWatch
from console.remote.transport import Dialling

T = TypeVar("T")

QUICK = 1.0
"""Seconds between two looks at units that are on the move."""
LISTENERS_EVERY = 5.0
LISTENERS_AT_ONCE = 3
"""Seconds in the mean between two looks at the listeners of a host whose sockets come and go, and how many looks may
follow one another at each tick: what begins to listen is seen at once, and one connection after the other costs little.
"""
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
        # Of what is slow the services come first: other looks at files may take seconds where a file system hangs.
        routine = (*Surveys.routine(), *self._systemd.routine, *ALL)
        self._fast = Schedule(probe for probe in routine if not probe.slow)
        self._slow = Schedule(probe for probe in routine if probe.slow)
        self._wake = asyncio.Event()
        self._sockets: str | None = None
        self._services: tuple[Service, ...] = ()
        self._pids: frozenset[int] = frozenset()
        self._looks = Allowance(LISTENERS_AT_ONCE, LISTENERS_EVERY)
        self._rounds = asyncio.Lock()
        self._looked = False
        self._named: frozenset[str] = frozenset()
        """The files and folders named by service managers, when files were read last."""
        self._quick_once = asyncio.Event()
        """What was seen slowly is judged with what is quick."""
        self._elevation = Elevation(clock, is_root=lambda: builder.identity is not None and builder.identity.uid == 0)

    @staticmethod
    def probes() -> tuple[Probe[Any], ...]:
        """Every probe that a shell must know."""
        return (*ALL, *SystemdWatch.probes, *Surveys.probes())

    async def first(self) -> None:
        """Ask who the host is and how it is, and leave out what it has no tools for."""
        asks = [Ask(identity.PROBE), *(Ask(probe) for probe in self._fast.due(self._clock(), within=QUICK))]
        sent = self._wall()
        try:
            answers = await self._session.first(asks, FIRST_TIMEOUT)
        except TimeoutError:
            raise ShellLostError(f"the first look had no answer in {FIRST_TIMEOUT:.0f} s") from None
        self._take(asks, answers, self._fast, (sent + self._wall()) / 2)
        if isinstance(transport := self._session.transport, Dialling):
            self._builder.dialled(transport.dialled)
        if self._builder.identity is not None:
            self._leave_out(self._builder.identity)

    async def quick(self) -> None:
        """Ask all else that is quick, once."""
        try:
            await self.tick(FIRST_TIMEOUT)
        except TimeoutError:
            raise ShellLostError(f"the first look had no answer in {FIRST_TIMEOUT:.0f} s") from None
        self._quick_once.set()

    async def tick(self, timeout: float) -> None:  # noqa: ASYNC109
        """Ask what is due in the fast lane; ``TimeoutError`` when the shell does not answer."""
        # Nothing due is asked too: an answer, even an empty one, is what says that the host is there.
        asks = [Ask(probe) for probe in self._fast.due(self._clock())]
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
        else:
            self._builder.holds(WATCH.name, self._clock())
        moved = now.sockets is None or now.sockets != self._sockets or self._run_anew()
        if moved and listeners.PROBE.name not in asked and self._may_look_early():
            hints.append(listeners.PROBE)
        if listeners.PROBE.name in asked or listeners.PROBE in hints:
            self._sockets = now.sockets
            self._run_anew(noted=True)
        return [Ask(probe) for probe in hints if probe.name not in asked and self._fast.knows(probe.name)]

    def _may_look_early(self) -> bool:
        return self._looks.take(self._clock()) and self._fast.early(listeners.PROBE.name, self._clock())

    def _run_anew(self, *, noted: bool = False) -> bool:
        """Whether services have other processes than when listeners were asked last: ports are joined to them by these.

        A restart between two looks leaves as many sockets as there were.
        """
        services = self._builder.snapshot.services
        if services is self._services:
            return False
        pids = frozenset(pid for service in services for pid in service.pids)
        changed = pids != self._pids
        if noted or not changed:
            self._services, self._pids = services, pids
        return changed

    async def everything(self) -> None:
        """Ask all that is routine, now."""
        self._fast.everything()
        self._slow.everything()
        self._elevation.forget()
        self._builder.doubt_files()
        self.surveys.touch()
        await self.tick(10.0)
        await self.slow_round()

    async def slow_round(self) -> None:
        """Ask what is due in the slow lane, each shown as soon as it is there."""
        async with self._rounds:
            due = [self._asking(probe) for probe in self._slow.due(self._clock())]
            if self._builder.blocked_unseen:
                due.append(Ask(blocked.PROBE))
            await self._ask_first(due)
            if changed := self._systemd.changed():
                await self._ask_slowly(changed)
                # Who has which port now, before a log is read that speaks of ports.
                self._builder.take(await self._quickly([Ask(listeners.PROBE)]), self._clock())
            await self._look_at_strangers()
            await self._ask_slowly(self._systemd.logs())
            if self._builder.lacks_port():
                # A log says that a port is taken, and not which: what was read of the files may be older than that.
                self._builder.doubt_files()
                await self._ask_slowly([self._asking(declared.PROBE)])
            await self._read_named()

    async def read_named(self) -> None:
        """Read the files of which service managers told since files were read: the first look knows of none of them."""
        async with self._rounds:
            await self._read_named()

    async def _read_named(self) -> None:
        new = frozenset(declared.named(self._builder.snapshot)) - self._named
        if new and self._slow.knows(declared.PROBE.name):
            await self._ask_slowly([self._asking(declared.PROBE)])

    async def _look_at_strangers(self) -> None:
        """Who listens without being a service is looked at once: what ends such a process must know it again."""
        snapshot = self._builder.snapshot
        unknown = [pid for pid in strangers(snapshot) if snapshot.process(pid) is None]
        if unknown:
            asks = [Ask(process.PROBE, tuple(map(str, unknown)))]
            self._builder.take(await self._quickly(asks), self._clock())

    async def slow_loop(self, *, timed: bool = True) -> None:
        """Go on for ever; woken when a watch says that something changed, and where it is ``timed`` by what is due."""
        while True:
            pause = min(self._slow.next() - self._clock(), QUICK if self._systemd.moving else 60.0)
            try:
                async with asyncio.timeout(max(0.0, pause) if timed else None):
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
        if self._session.slow_is_sooner:
            quick, slow = [], [*quick, *slow]
        parts = await asyncio.gather(self._quickly(quick), self._slowly(slow))
        answers = {id(ask): answer for ask, answer in zip([*quick, *slow], chain(*parts), strict=True)}
        told = [answer for answer in answers.values() if not answer.probe.slow or answer.probe is declared.PROBE]
        # What was refused is the asker's affair: it is no source of this host that fails.
        revealed = (answer for answer in answers.values() if answer.probe is listeners.AS_ROOT_PROBE)
        self._builder.take(told, self._clock())
        self._builder.take([answer for answer in revealed if answer.failure is None], self._clock())
        for answer in answers.values():
            if answer.probe is PORTS and answer.failure is None:
                self._builder.given(answer.value, self._clock())
        return [answers[id(ask)] for ask in asks]

    def _asking(self, probe: Probe[Any]) -> Ask:
        """A routine probe with its arguments."""
        if probe is declared.PROBE:
            self._named = frozenset(declared.named(self._builder.snapshot))
            return Ask(probe, declared.words(self._builder.snapshot))
        return self.surveys.asking(probe)

    async def _slowly(self, asks: Sequence[Ask]) -> list[Answer]:
        """All in one trip; of looks as root only the first, where what it is refused may settle the others."""
        answers: dict[int, Answer] = {}
        while left := [ask for ask in asks if id(ask) not in answers]:
            known = [(ask, self._elevation.known(ask)) for ask in left]
            answers |= {id(ask): answer for ask, answer in known if answer is not None}
            now = self._elevation.together([ask for ask, answer in known if answer is None])
            for ask, answer in zip(now, await self._session.slow_all(now), strict=True):
                self._elevation.note(ask, answer)
                answers[id(ask)] = answer
        return [answers[id(ask)] for ask in asks]

    async def _quickly(self, asks: Sequence[Ask]) -> list[Answer]:
        if not asks:
            return []
        limit = max(ask.probe.timeout for ask in asks) + 2.0
        try:
            return await self._session.fast(asks, limit)
        except TimeoutError:
            return [Answer(ask.probe, failure=f"no answer in {limit:.0f} s", hangs=True) for ask in asks]

    async def ask(self, probe: Probe[T], *args: str) -> T:
        """Ask one probe on demand; raises ``ProbeError``."""
        [answer] = await self.ask_all([Ask(probe, args)])
        if answer.failure is not None:
            raise ProbeError(answer.failure)
        value: T = answer.value
        return value

    async def _ask_first(self, asks: Sequence[Ask]) -> None:
        """What is due: all in one trip the first time, when nobody has asked for anything else yet."""
        if self._looked:
            await self._ask_slowly(asks)
        else:
            self._looked = True
            await self._session.slow_all(asks, self._told_slowly)
            await self._quick_once.wait()

    async def _ask_slowly(self, asks: Sequence[Ask]) -> None:
        """One after the other, so that what a person asks for comes in between; of managers alone in one trip."""
        presences = [ask for ask in asks if self.surveys.knows(ask.probe)]
        if presences:
            await self._session.slow_all(presences, self._told_slowly)
        for ask in asks:
            if not self.surveys.knows(ask.probe):
                self._told_slowly(ask, await self._session.slow(ask))

    def _told_slowly(self, ask: Ask, answer: Answer) -> None:
        self._take([ask], [answer], self._slow, self._wall())
        self.surveys.units_told()
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
