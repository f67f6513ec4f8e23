"""The units of other users' service managers, as root sees them: asked when something changed, and now and then."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from console.core.service import Service, State
from console.managers.systemd import SYSTEMD
from console.managers.systemd_lingering import LINGERING_UNITS, Lingering, uid_of
from console.remote.builder import SnapshotBuilder
from console.remote.shell import NO_RIGHT, Answer, Ask

EVERY = 120.0
"""Seconds between two looks at a manager in which nothing starts or ends."""
MOVING = 2.0
"""The same where a unit is on the move."""
AGAIN = 30.0
"""The same where it did not tell: one that hangs keeps all that is slow waiting for seconds."""


@dataclass(slots=True)
class _Known:
    stamp: str = ""
    services: tuple[Service, ...] = ()
    due: float = -math.inf


class LingeringManagers:
    """What is known of each."""

    def __init__(self, builder: SnapshotBuilder, clock: Callable[[], float]) -> None:
        self._builder = builder
        self._clock = clock
        self._known: dict[Lingering, _Known] = {}
        # What a former connection learned stays until it is asked again.
        for service in builder.told(SYSTEMD.id):
            if (uid := uid_of(service)) is not None:
                known = self._known.setdefault(Lingering(service.user or "", int(uid)), _Known())
                known.services = (*known.services, service)

    @property
    def services(self) -> tuple[Service, ...]:
        """All their units."""
        return tuple(service for who in sorted(self._known) for service in self._known[who].services)

    def watched(self, found: Mapping[Lingering, str]) -> None:
        """Take whose managers run; what one ran that does not any more is gone."""
        for who in self._known.keys() - found.keys():
            gone = {service.ref for service in self._known.pop(who).services}
            self._builder.forget(_source(who.user), gone, self._clock())
        for who, stamp in found.items():
            known = self._known.setdefault(who, _Known())
            if known.stamp != stamp:
                known.stamp, known.due = stamp, -math.inf

    def touch(self, names: Iterable[str]) -> None:
        """Ask for these units again, e.g. after an action."""
        wanted = set(names)
        for known in self._known.values():
            if any(service.ref.name in wanted for service in known.services):
                known.due = -math.inf

    def due(self) -> list[Ask]:
        """Whose units are to be asked for now."""
        now = self._clock()
        return [
            Ask(LINGERING_UNITS, (who.user, str(who.uid)))
            for who, known in self._known.items()
            if known.stamp and now >= known.due
        ]

    def told(self, args: tuple[str, ...], answer: Answer) -> str | None:
        """Take an answer; the name of its source where it told of units."""
        user, uid = args
        known, now = self._known.get(Lingering(user, int(uid))), self._clock()
        if known is None:
            return None
        if answer.failure is not None:
            # Where this login has no right to it that holds as long as the connection: sudo notes each question.
            known.due = math.inf if answer.status == NO_RIGHT else now + AGAIN
            self._builder.note(_source(user), now, answer.failure, hangs=answer.hangs)
            return None
        host = self._builder.snapshot.host
        known.services = tuple(replace(one, ref=replace(one.ref, host=host)) for one in answer.value)
        moving = any(one.state in (State.STARTING, State.FLAPPING) for one in known.services)
        known.due = now + (MOVING if moving else EVERY)
        return _source(user)


def _source(user: str) -> str:
    return f"{SYSTEMD.id}_user:{user}"
