"""Docker asked through sudo: the list each minute, and of a container only what it is after it changed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from console.managers.container_sudo import LISTED, TOLD, is_settled
from console.managers.containers import Container
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
        changed = [ident for ident in listed if ident not in same]
        self._containers = {ident: each for ident, each in self._containers.items() if ident in listed}
        self._stamps = same
        for at in range(0, len(changed), AT_ONCE):
            some = changed[at : at + AT_ONCE]
            told = await self._ask(Ask(TOLD, tuple(some)))
            if told.failure is not None:
                return told
            self._containers |= {each.ident: each for each in told.value}
            self._stamps |= {ident: listed[ident] for ident in some}
        self._listed_at = began
        return None
