"""The service managers of one host beside systemd: which are there, and a loop for each that keeps its services known.

Each manager is a task of its own, so that one that hangs or is broken leaves the others alone. What a manager told is
kept when it does not answer; its source then says why, and its age grows.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from console.core.pid_file import PidFile
from console.core.probe import Probe
from console.core.service import Service, ServiceRef
from console.managers import DETECTED, MANAGERS
from console.managers.base import Declarable, Detected, Roaming, Surveyed
from console.managers.kubernetes_names import marked
from console.managers.kubernetes_ports import PORTS, ClusterPorts
from console.managers.systemd import SYSTEMD
from console.probes import family
from console.remote.builder import SnapshotBuilder
from console.remote.failure_logs import FailureLogs
from console.remote.left_behind import HOSTED, LeftBehind
from console.remote.service_book import is_down
from console.remote.shell import Answer, Ask
from console.remote.survey_loop import AskHost, Loop, Place, Report, Wanted, by_shell
from console.remote.transport import ChannelRefusedError, Transport, TransportError

FAMILIES_EVERY = 5.0
"""Seconds between two looks at the processes below those of services."""
SEARCH_EVERY = 60.0
"""Seconds between two looks at every process for a manager that may be anywhere."""
PATIENCE = 60.0
"""Seconds at most between two attempts at a manager that does not answer."""

# What a manager can do stays as it is, and asking a protocol for it at each tick takes its time.
_ROAMING = {found.presence.name: found for found in DETECTED if isinstance(found, Roaming)}
_DECLARABLE = {found.presence.name: found for found in DETECTED if isinstance(found, Declarable)}


class Surveys:
    """The managers of one host beside systemd. ``loops`` are those that are not asked through the shell, by id."""

    def __init__(
        self,
        builder: SnapshotBuilder,
        transport: Transport,
        ask: AskHost,
        ask_quick: AskHost,
        emit: Callable[[], None],
        clock: Callable[[], float],
        loops: Mapping[str, Loop],
        pid_files: tuple[PidFile, ...] = (),
    ) -> None:
        self._builder = builder
        self._transport = transport
        self._ask = ask
        self._ask_quick = ask_quick
        self._emit = emit
        self._clock = clock
        self._loops = loops
        self._pid_files = pid_files
        self._managers = {found.presence.name: found for found in DETECTED}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wanted: dict[str, Wanted] = {}
        self._stamps: dict[str, str] = {}
        self._searched: dict[str, float] = {}
        self._told: dict[str, asyncio.Event] = {}
        self._inner: dict[str, set[str]] = {}
        self._logs = FailureLogs(builder, transport)
        self._left = LeftBehind(builder, ask, emit, clock)
        self._to_read: set[str] = set()
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._work = asyncio.Event()

    @staticmethod
    def probes() -> tuple[Probe[Any], ...]:
        """Every probe that the shell must know."""
        others = (found for found in MANAGERS if found is not SYSTEMD)
        return (*(probe for found in others for probe in found.probes()), family.PROBE)

    @staticmethod
    def routine() -> tuple[Probe[Any], ...]:
        """What is asked of every host, to know which managers are there."""
        return tuple(found.presence for found in DETECTED)

    def knows(self, probe: Probe[Any]) -> bool:
        """Whether it says that a manager is there."""
        return probe.name in self._managers

    def asking(self, probe: Probe[Any]) -> Ask:
        """A routine probe with its arguments."""
        if (roaming := _ROAMING.get(probe.name)) is not None:
            told = self._stamps.get(roaming.id, "")
            return Ask(probe, roaming.search_words(told, search=self._is_searched(roaming.id)))
        declarable = _DECLARABLE.get(probe.name)
        return Ask(probe, declarable.presence_words(self._pid_files) if declarable is not None else ())

    def _is_searched(self, manager: str) -> bool:
        now = self._clock()
        every = 0.0 if self._builder.awaits(manager) else SEARCH_EVERY
        due = now - self._searched.get(manager, -SEARCH_EVERY) >= every
        if due:
            self._searched[manager] = now
        return due

    def known(self, manager: str) -> tuple[Service, ...]:
        """The services of a manager as it told them last."""
        return self._builder.told(manager)

    def take(self, answer: Answer) -> bool:
        """Take an answer that says whether a manager is there; false for any other probe's."""
        found = self._managers.get(answer.probe.name)
        if found is None:
            return False
        if self._left.due(found.id):
            self._work.set()
        before = self._stamps.get(found.id)
        if answer.failure is None:
            self._stamps[found.id] = answer.value or ""
        if answer.failure is not None:
            self._builder.note(found.id, self._clock(), answer.failure, hangs=answer.hangs)
        elif not answer.value:
            self._leave(found.id)
        elif found.id not in self._tasks:
            self._begin(found, answer.value)
        elif answer.value != before:
            self._wanted[found.id].now(answer.value)
        return True

    def units_told(self) -> None:
        """Read what units of theirs that are down would run, beside all else."""
        if any(map(self._left.due, HOSTED)):
            self._work.set()

    def touch(self) -> None:
        """Look again at all of them, e.g. after an action."""
        self._left.forget()
        for wanted in self._wanted.values():
            wanted.now()

    async def told(self, seconds: float) -> None:
        """Wait until every manager that is there has told its services or why it cannot; at most so long.

        Of one that has not by then that is noted, or its services would be missed without a word. What the logs of
        failed services say belongs to it.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(event.wait() for event in list(self._told.values())))
                await self._left.look()
                await self._look_at_processes()
                if self._reading:
                    await asyncio.wait(self._reading.values())
        for manager in [name for name, event in self._told.items() if not event.is_set()]:
            slow = f"no answer in {seconds:.0f} s, it is waited for"
            self._builder.note(manager, self._clock(), slow, waiting=True)

    async def run(self) -> None:
        """Look at the processes of what is found and the logs of what fails, until cancelled; then end every loop."""
        try:
            while True:
                self._work.clear()
                await self._left.look()
                await self._look_at_processes()
                for reader in self._reading.values():
                    if reader.done():
                        reader.result()
                # Nothing is asked of a host that has systemd alone.
                limit = FAMILIES_EVERY if self._builder.mains() else None
                with suppress(TimeoutError):
                    async with asyncio.timeout(limit):
                        await self._work.wait()
        finally:
            await self.close()

    async def close(self) -> None:
        """End every loop. Never raises."""
        tasks = [*self._tasks.values(), *self._reading.values()]
        self._tasks, self._reading = {}, {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def found(
        self,
        manager: str,
        services: tuple[Service, ...],
        lost: Collection[ServiceRef],
        ended: Collection[ServiceRef],
        trouble: str | None,
        *,
        hangs: bool,
        broken: bool,
    ) -> None:
        """Take the services of a manager."""
        host = self._builder.snapshot.host
        told_of = marked(services, self._builder.production_contexts) if manager == "kubernetes" else services
        named = tuple(replace(service, ref=replace(service.ref, host=host)) for service in told_of)
        before, told = self._builder.mains(), self._builder.snapshot.symptoms
        silent, gone = (frozenset(replace(ref, host=host) for ref in refs) for refs in (lost, ended))
        self._builder.services(
            manager, named, manager, self._clock(), lost=silent, ended=gone, trouble=trouble, hangs=hangs, broken=broken
        )
        if self._builder.outdated:
            self._work.set()
        if manager in self._told:
            self._told[manager].set()
        if any(is_down(service) for service in named) or any(one.ref.manager == manager for one in told):
            self._read_log(manager)
        if self._builder.mains() != before:
            self._work.set()
        self._emit()

    def unanswered(self, manager: str, services: tuple[Service, ...]) -> None:
        """Take what files say of a manager that does not tell it."""
        host, before = self._builder.snapshot.host, self._builder.mains()
        named = tuple(replace(service, ref=replace(service.ref, host=host)) for service in services)
        self._builder.unanswered(manager, named, self._clock())
        if self._builder.mains() != before:
            self._work.set()

    def also(self, manager: str, inner: str) -> Report:
        """Where a manager's loop tells of another one, which goes when the first goes."""
        self._inner.setdefault(manager, set()).add(inner)
        return Report(inner, self)

    def given(self, found: ClusterPorts) -> None:
        """Take which ports of the host a cluster gives away."""
        self._builder.given(found, self._clock())

    def ungiven(self, reason: str, *, hangs: bool) -> None:
        """Take why that is not told; what was told last stays, and its age grows."""
        self._builder.note(PORTS.name, self._clock(), reason, hangs=hangs)

    def failed(self, manager: str, reason: str, *, hangs: bool, broken: bool) -> None:
        """Take why a manager does not tell."""
        self._builder.note(manager, self._clock(), reason, hangs=hangs, broken=broken)
        if self._builder.outdated:
            self._work.set()
        if manager in self._told:
            self._told[manager].set()
        self._emit()

    def _begin(self, found: Detected, stamp: str) -> None:
        wanted = self._wanted[found.id] = Wanted(stamp)
        self._told[found.id] = asyncio.Event()
        loop = self._loops.get(found.id)
        if loop is None and isinstance(found, Surveyed):
            loop = by_shell(found)
        if loop is None:
            raise RuntimeError(f"{found.id} is neither asked through the shell nor has it a loop of its own")
        place = Place(wanted, Report(found.id, self), self._ask, self._transport, self._pid_files)
        self._tasks[found.id] = asyncio.create_task(
            self._keep(loop, place), name=f"{found.id} of {place.transport.host}"
        )

    def _leave(self, manager: str) -> None:
        task = self._tasks.pop(manager, None)
        if task is not None:
            task.cancel()
            self._told.pop(manager)
            self._wanted.pop(manager)
        inner = self._inner.pop(manager, set())
        # Also what an earlier connection saw may have gone since.
        if task is not None or self._builder.source(manager) is not None:
            for each in (manager, *inner):
                self._builder.gone(each, self._clock())
            if manager == "kubernetes":
                self._builder.given(None, self._clock())
            self._work.set()
            self._emit()

    async def _keep(self, loop: Loop, place: Place) -> None:
        pause = 1.0
        while True:
            began = self._clock()
            try:
                await loop(place)
            except Exception as error:
                place.report.failed(_reason(error), broken=True)
            if self._clock() - began > PATIENCE:
                pause = 1.0
            # A change of what is there is a reason to try at once.
            await place.wanted.wait(pause)
            pause = min(PATIENCE, pause * 2)

    async def _look_at_processes(self) -> None:
        pids = self._builder.mains()
        if not pids:
            return
        answer = await self._ask_quick(Ask(family.PROBE, tuple(str(pid) for pid in pids)))
        self._builder.note(family.PROBE.name, self._clock(), answer.failure)
        if answer.failure is None:
            self._builder.families(answer.value, self._clock())
        self._emit()

    def _read_log(self, manager: str) -> None:
        """Read the logs of its failed services, or read them again as soon as that is done."""
        self._to_read.add(manager)
        if manager not in self._reading:
            name = f"logs of {manager} of {self._transport.host}"
            self._reading[manager] = asyncio.create_task(self._read_logs(manager), name=name)

    async def _read_logs(self, manager: str) -> None:
        """One log after the other, beside all else: one that hangs keeps only those of its manager waiting."""
        while manager in self._to_read:
            self._to_read.discard(manager)
            source, failure = f"{manager}_logs", None
            try:
                await self._logs.read(manager, self._clock)
            except ChannelRefusedError as error:
                failure = str(error)
            if failure is not None or self._builder.source(source) is not None:
                self._builder.note(source, self._clock(), failure)
            self._emit()
        self._reading.pop(manager, None)


def _reason(error: Exception) -> str:
    if isinstance(error, TransportError):
        return str(error)
    return f"hostdeck itself failed here, please report it: {type(error).__name__}: {error}"
