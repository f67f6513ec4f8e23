"""What the loop of a service manager works with, and where it tells what it found."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from console.core.pid_file import PidFile
from console.core.service import Service, ServiceRef
from console.managers.base import Declarable, Surveyed
from console.managers.kubernetes_ports import ClusterPorts
from console.remote.shell import NO_RIGHT, Answer, Ask
from console.remote.transport import Transport

SETTLE = 1.0
"""Seconds after a change in which a manager is asked once more: what it starts takes its time."""


class Taker(Protocol):
    """Takes what the loops of all managers of a host tell."""

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
        """Take all services of a manager."""
        ...

    def failed(self, manager: str, reason: str, *, hangs: bool, broken: bool) -> None:
        """Take why a manager does not tell."""
        ...

    def unanswered(self, manager: str, services: tuple[Service, ...]) -> None:
        """Take what files say of a manager that does not tell it."""
        ...

    def given(self, found: ClusterPorts) -> None:
        """Take which ports of the host a cluster gives away."""
        ...

    def ungiven(self, reason: str, *, hangs: bool) -> None:
        """Take why it does not tell them."""
        ...

    def known(self, manager: str) -> tuple[Service, ...]:
        """What a manager told last."""
        ...

    def also(self, manager: str, inner: str) -> "Report":
        """Where a manager's loop tells of another one, which goes when the first goes."""
        ...


class Report:
    """Where a manager's loop tells what it found."""

    def __init__(self, manager: str, surveys: Taker) -> None:
        self.manager = manager
        self._surveys = surveys

    def services(
        self,
        services: Iterable[Service],
        *,
        lost: Collection[ServiceRef] = (),
        ended: Collection[ServiceRef] = (),
        trouble: str | None = None,
        hangs: bool = False,
        broken: bool = False,
    ) -> None:
        """All services of this manager, without the host.

        ``lost``: those among them that a daemon told which does not answer now; their age grows. ``ended``: those that
        a daemon told which is not there any more, while another is. ``trouble``: what of this manager cannot be told,
        one line that says what mends it. ``hangs``: that gave no answer. ``broken``: that answered as nothing does that
        is well.
        """
        self._surveys.found(self.manager, tuple(services), lost, ended, trouble, hangs=hangs, broken=broken)

    def failed(self, reason: str, *, hangs: bool = False, broken: bool = False) -> None:
        """Why none of them can be told now; one line that says what mends it.

        ``hangs``: there was no answer. ``broken``: the answer was none of something that is well.
        """
        self._surveys.failed(self.manager, reason, hangs=hangs, broken=broken)

    def unanswered(self, services: Iterable[Service]) -> None:
        """What files say of services of which their daemon told nothing, since it hangs; without the host."""
        self._surveys.unanswered(self.manager, tuple(services))

    def given(self, found: ClusterPorts) -> None:
        """Which ports of the host a cluster gives away."""
        self._surveys.given(found)

    def ungiven(self, reason: str, *, hangs: bool) -> None:
        """Why that cannot be told now."""
        self._surveys.ungiven(reason, hangs=hangs)

    def known(self) -> tuple[Service, ...]:
        """What was told last, also over an earlier connection; without the host."""
        told = self._surveys.known(self.manager)
        return tuple(replace(service, ref=replace(service.ref, host="")) for service in told)

    def of(self, manager: str) -> "Report":
        """The same for a manager that is seen only through this one, as Compose is through Docker."""
        return self._surveys.also(self.manager, manager)


class Wanted:
    """Tells a loop when to look again: something changed, or an action was just done."""

    def __init__(self, stamp: str) -> None:
        self.stamp = stamp
        """What the manager's ``presence`` says now."""
        self._event = asyncio.Event()

    def now(self, stamp: str | None = None) -> None:
        """Ask for a look."""
        if stamp is not None:
            self.stamp = stamp
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for the next reason to look, at most so long; true when something changed."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


AskHost = Callable[[Ask], Awaitable[Answer]]
"""Asks one probe in the slow lane; a failure is part of the answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the loop of a manager works with."""

    wanted: Wanted
    report: Report
    ask: AskHost
    transport: Transport
    pid_files: tuple[PidFile, ...] = ()
    """What the configuration declares for a manager that is ``Declarable``."""


Loop = Callable[[Place], Awaitable[None]]
"""Keeps the services of one manager known until it is cancelled. What it raises is shown as the reason of its failure;
it is then begun anew, ever more rarely."""


def failed(report: Report, answer: Answer) -> None:
    """Tell why a survey was not answered; who has no right to ask is answered well."""
    refused = answer.status == NO_RIGHT
    report.failed(answer.failure or "", hangs=answer.hangs, broken=not (refused or answer.hangs))


def by_shell(manager: Surveyed) -> Loop:
    """The loop of a manager that is asked through the probe shell."""

    declarable = manager if isinstance(manager, Declarable) else None

    async def loop(place: Place) -> None:
        changed = False
        while True:
            words: tuple[str, ...] = ()
            if declarable is not None:
                words = declarable.survey_words(place.pid_files, place.report.known())
            answer = await place.ask(Ask(manager.survey, words))
            if answer.failure is not None:
                failed(place.report, answer)
            else:
                place.report.services(answer.value)
            # What a change sets in motion goes on for a moment.
            changed = await place.wanted.wait(SETTLE if changed else manager.survey.every)

    return loop
