"""The loop that asks declared health checks of the running services of a host, one after the other."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from console.actions.health import command_look, never_told, url_look
from console.core.command import Command, Output
from console.core.health import Health, HealthCheck
from console.core.service import Service, ServiceRef, State
from console.core.text import mask
from console.managers import manager
from console.remote.builder import SnapshotBuilder
from console.remote.collect import run_when_free
from console.remote.transport import ChannelRefusedError, Transport

AGAIN = 2.0
"""Seconds after which it is asked once more when it fails: what has just been started answers a moment later."""
LOOK_FOR = 1.0
"""Seconds between two looks at which services are there to be asked."""
LIMIT = 10.0
"""Seconds that one check may take."""
CANNOT_TELL = 77
LONGEST = 300
"""Characters of what a check said that are kept."""


@dataclass(frozen=True, slots=True)
class _Due:
    service: Service
    check: HealthCheck


class HealthWatch:
    """Knows what is due. A check has a channel of its own: one that hangs holds up nothing but the next check."""

    def __init__(
        self,
        checks: tuple[HealthCheck, ...],
        builder: SnapshotBuilder,
        transport: Transport,
        emit: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._checks = tuple(check for check in checks if check.every > 0)
        self._builder = builder
        self._transport = transport
        self._emit = emit
        self._clock = clock
        self._known: dict[ServiceRef, Health] = {health.ref: health for health in builder.snapshot.health}
        self._next: dict[ServiceRef, float] = {}
        self._round = asyncio.Lock()

    async def run(self) -> None:
        """Ask what is due, until cancelled; raises ``TransportError`` when the link is lost."""
        while self._checks:
            await self.round()
            await asyncio.sleep(LOOK_FOR)

    async def first(self, seconds: float) -> None:
        """Ask all once; at most so long."""
        if not self._checks:
            return
        try:
            async with asyncio.timeout(seconds):
                await self.round()
        except TimeoutError:
            waiting = [one.service.ref.name for one in self._due(math.inf) if one.service.ref not in self._known]
            if waiting:
                why = f"{', '.join(waiting[:3])}: no answer in {seconds:g} s, it is waited for"
                self._builder.note("health", self._clock(), why, waiting=True)

    async def round(self) -> None:
        """Ask what is due."""
        async with self._round:
            self._forget()
            for due in self._due(self._clock()):
                self._known[due.service.ref] = await self._ask(due)
                self._next[due.service.ref] = self._clock() + due.check.every
                self._tell()

    def _due(self, now: float) -> list[_Due]:
        found: dict[ServiceRef, _Due] = {}
        for check in self._checks:
            fitting = [one for one in self._builder.snapshot.services if check.fits(one) and one.adrift is None]
            # One name of two managers means neither.
            if len({one.ref.manager for one in fitting}) == 1:
                found |= {one.ref: _Due(one, check) for one in fitting if one.ref not in found and _is_asked(one)}
        # A command may take longest: what is asked of a URL does not wait for it.
        due = sorted(found.values(), key=lambda one: bool(one.check.command))
        return [one for one in due if self._next.get(one.service.ref, 0.0) <= now]

    def _forget(self) -> None:
        """Of what does not run nothing is told: it is asked anew when it does."""
        alive = {one.ref for one in self._builder.snapshot.services if _is_asked(one)}
        if gone := self._known.keys() - alive:
            for ref in gone:
                del self._known[ref]
                self._next.pop(ref, None)
            self._tell()

    async def _ask(self, due: _Due) -> Health:
        ref, before = due.service.ref, self._known.get(due.service.ref)
        never = _never(due)
        unsure: str | None = None
        good = []
        for name, look in _looks(due):
            try:
                output = await self._output(look, sure=before is not None and before.well is False)
            except ChannelRefusedError as error:
                unsure = f"{name}: not checked: {error}"
                continue
            said = _said(name, output)
            if output.exit == CANNOT_TELL:
                unsure = said
            elif output.exit != 0:
                return self._failed(ref, said, before)
            else:
                good.append(said)
        # What could not be asked may be the one that fails.
        if unsure is None and never is not None:
            return Health(ref, None, "; ".join((never, *good)), self._clock(), never=True)
        return Health(ref, None if unsure else True, unsure or "; ".join(good), self._clock())

    async def _output(self, look: Command, *, sure: bool) -> Output:
        """What a check gave; one that fails is asked once more, unless it did so before or gave no answer at all."""
        bound = replace(look, timeout=LIMIT)
        output = await run_when_free(self._transport, bound)
        if output.exit in (0, CANNOT_TELL, -1) or sure:
            return output
        await asyncio.sleep(AGAIN)
        return await run_when_free(self._transport, bound)

    def _failed(self, ref: ServiceRef, said: str, before: Health | None) -> Health:
        failures = before.failures + 1 if before is not None else 1
        sample = self._builder.snapshot.sample
        since = before.since if before is not None and before.failures else sample.wall if sample is not None else None
        return Health(ref, False, said, self._clock(), since, failures)

    def _tell(self) -> None:
        known = tuple(self._known[ref] for ref in sorted(self._known))
        self._builder.health(known)
        unsure = [f"{one.ref.name}: {one.said}" for one in known if one.well is None and not one.never]
        more = f" and {len(unsure) - 3} more" if len(unsure) > 3 else ""
        self._builder.note("health", self._clock(), "; ".join(unsure[:3]) + more if unsure else None, partial=True)
        self._emit()


def _is_asked(service: Service) -> bool:
    return service.state is State.RUNNING and service.adrift is None


def _looks(due: _Due) -> list[tuple[str, Command]]:
    found = []
    runs = manager(due.service.ref.manager)
    if due.check.url is not None and runs is not None and never_told(due.check.url, runs) is None:
        name, look = url_look(due.check.url, runs)
        found.append((_brief(name), look))
    if due.check.command:
        found.append(command_look(due.check.command))
    return found


def _never(due: _Due) -> str | None:
    """What of a check is not asked, as nothing would come of it."""
    url, runs = due.check.url, manager(due.service.ref.manager)
    if url is None or runs is None or (why := never_told(url, runs)) is None:
        return None
    return f"{_brief(url_look(url, runs)[0])}: {why}"


def _brief(name: str) -> str:
    return name.removesuffix(" 2xx").removesuffix(" answers")


def _said(name: str, output: Output) -> str:
    """The last line that a check printed, or how it ended."""
    lines = [line.strip() for line in (output.stdout or output.stderr).split("\n") if line.strip()]
    if output.exit == -1:
        return f"{name}: no answer in {LIMIT:g} s"
    said = mask(lines[-1][:LONGEST]) if lines else ""
    how = f"exit {output.exit}" if output.exit not in (0, CANNOT_TELL) else ""
    what = said or how or "well"
    return what if what.startswith(name) else f"{name}: {what}"
