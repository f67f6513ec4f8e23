"""What service managers would run whose unit is down: nobody tells of it, but their files do."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from console.core.on_disk import OnDisk
from console.core.service import Service
from console.managers import DETECTED
from console.managers.adrift import UP
from console.managers.base import Hosted
from console.remote.builder import SnapshotBuilder
from console.remote.shell import Answer, Ask

HOSTED = {found.id: found for found in DETECTED if isinstance(found, Hosted)}
"""The managers that have such files: what one can do stays as it is, and is not asked at each tick."""

AGAIN = 60.0
"""Seconds after which the files are read again."""


@dataclass(frozen=True, slots=True)
class _Read:
    at: float
    units: tuple[str, ...]


class LeftBehind:
    """Reads the files of each manager while a unit of its is there and down."""

    def __init__(
        self,
        builder: SnapshotBuilder,
        ask: Callable[[Ask], Awaitable[Answer]],
        emit: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._builder = builder
        self._ask = ask
        self._emit = emit
        self._clock = clock
        self._reads: dict[str, _Read] = {}
        self._looking = asyncio.Lock()

    def forget(self) -> None:
        """Read all again, e.g. after an action."""
        self._reads = {name: replace(read, at=-math.inf) for name, read in self._reads.items()}

    def due(self, name: str) -> bool:
        """Whether the files of that manager are to be read, or what they said is over."""
        manager = HOSTED.get(name)
        if manager is None:
            return False
        units, read = self._down(manager), self._reads.get(name)
        if read is None or read.units != units:
            return bool(units or read)
        return self._clock() - read.at >= AGAIN

    async def look(self) -> None:
        """Read what is due; what another is reading is waited for."""
        async with self._looking:
            for manager in HOSTED.values():
                if self.due(manager.id):
                    await self._look(manager)

    async def _look(self, manager: Hosted) -> None:
        units = self._down(manager)
        wrong: dict[str, str] = {}
        unseen: list[str] = []
        found: dict[object, Service] = {}
        for unit in units:
            answer = await self._ask(Ask(manager.written, manager.written_words(unit) or ()))
            on_disk: OnDisk = OnDisk(unseen=answer.failure) if answer.failure is not None else answer.value
            found |= {service.ref: service for service in self._named(manager, unit, on_disk)}
            unseen += [on_disk.unseen] if on_disk.unseen is not None else []
            wrong |= {unit: on_disk.wrong} if on_disk.wrong is not None else {}
        self._reads.pop(manager.id, None)
        if units:
            self._reads[manager.id] = _Read(self._clock(), units)
            self._builder.written(manager.id, tuple(found.values()), self._clock())
        self._builder.files_wrong(manager.id, wrong, self._clock())
        if unseen or self._builder.source(f"{manager.id}_files") is not None:
            self._builder.note(f"{manager.id}_files", self._clock(), "; ".join(unseen) or None)
        self._emit()

    def _named(self, manager: Hosted, unit: str, on_disk: OnDisk) -> tuple[Service, ...]:
        host = self._builder.snapshot.host
        return tuple(
            replace(
                service,
                ref=replace(service.ref, host=host),
                chain=("systemd", unit, *(service.chain or (manager.id, service.ref.name))),
            )
            for service in on_disk.services
        )

    def _down(self, manager: Hosted) -> tuple[str, ...]:
        """Its units that are there and do not run."""
        return tuple(
            unit.ref.name
            for unit in self._builder.told("systemd")
            if unit.ref.scope == "system" and unit.state not in UP and manager.written_words(unit.ref.name) is not None
        )
