"""Docker asked through sudo: the list each minute, and of a container only what it is after it changed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from console.managers.container_sudo import LISTED, TOLD, Inspected, is_settled
from console.managers.containers import Container, unreadable
from console.remote.docker_engine import UNREAD_AGAIN
from console.remote.shell import Answer, Ask

SURE_WITHIN = 100.0
"""Seconds since the last list within which a container that began anew shows it by its age, in whole minutes."""
AT_ONCE = 100
"""Containers of one question: its answer must come in time."""


class BySudo:
    """What is known of the containers of an engine whose socket is closed to this user."""

    def __init__(self, ask: Callable[[Ask], Awaitable[Answer]]) -> None:
        self._ask = ask
        self._allowed = False
        self._containers: dict[str, Container] = {}
        self._stamps: dict[str, str] = {}
        self._unread: dict[str, float] = {}
        """When it was asked for each of those of which nothing could be told."""
        self._clock = asyncio.get_running_loop().time
        self._listed_at = self._clock()

    @property
    def containers(self) -> tuple[Container, ...]:
        """All that are known, by name."""
        return tuple(sorted(self._containers.values(), key=lambda each: each.name))

    async def look(self) -> Answer | None:
        """Look again; gives the answer that says why that was not possible."""
        began = self._clock()
        answer = await self._ask(Ask(LISTED, ("known",) if self._allowed else ()))
        self._allowed = answer.failure is None
        if answer.failure is not None:
            return answer
        listed: Mapping[str, str] = answer.value
        seen = self._stamps if began - self._listed_at < SURE_WITHIN else {}
        same = {ident: stamp for ident, stamp in listed.items() if seen.get(ident) == stamp and is_settled(stamp)}
        self._unread = {ident: at for ident, at in self._unread.items() if ident in same and began - at < UNREAD_AGAIN}
        same = {
            ident: stamp
            for ident, stamp in same.items()
            if ident in self._unread or self._containers[ident].unread is None
        }
        changed = [ident for ident in listed if ident not in same]
        self._containers = {ident: each for ident, each in self._containers.items() if ident in listed}
        self._stamps = same
        for at in range(0, len(changed), AT_ONCE):
            failed = await self._inspect({ident: listed[ident] for ident in changed[at : at + AT_ONCE]})
            if failed is not None:
                return failed
        self._listed_at = began
        return None

    async def _inspect(self, some: Mapping[str, str]) -> Answer | None:
        answer = await self._ask(Ask(TOLD, tuple(some)))
        if answer.failure is not None:
            return answer
        told: Inspected = answer.value
        found = {each.ident: each for each in told.containers}
        if missing := some.keys() - found.keys():
            # One of which nothing is told has gone since, or cannot be read.
            again = await self._ask(Ask(LISTED, ("known",)))
            if again.failure is not None:
                return again
            left = [ident for ident in missing if ident in again.value]
            found |= {ident: unreadable(ident, _name(some[ident]), ValueError(told.said)) for ident in left}
            self._unread |= dict.fromkeys(left, self._clock())
        self._containers |= found
        self._stamps |= {ident: some[ident] for ident in found}
        return None


def _name(stamp: str) -> str:
    """The first word of its line; behind a comma are names that others have for it."""
    return stamp.split()[0].partition(",")[0]
