"""The loop of Docker and Compose: every engine of a host followed by a task of its own, told together."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from console.core.text import cut, sanitise
from console.managers import compose, docker
from console.managers.container_clients import CLIENTS
from console.managers.container_engines import ENGINES, Engine, Engines, parse
from console.managers.container_services import Told
from console.managers.containers import Container
from console.remote.compose_declared import Declared
from console.remote.docker_api import EngineError
from console.remote.docker_engine import FollowedEngine
from console.remote.shell import Ask
from console.remote.surveys import Place
from console.remote.transport import TransportError, UnixSockets

RETRY = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between two attempts at an engine that does not answer."""
BY_SUDO_EVERY = 60.0
NOT_THERE = SUDO_REFUSED = 300.0
"""What is not there, or not allowed, is tried when its presence changes; and now and then."""
LOOK_PAUSE = 3.0
FIRST_WITHIN = 3.0
"""Seconds for which the first answer waits for what is asked beside it."""


async def loop(place: Place) -> None:
    """Follow all engines of a host until cancelled."""
    engines = _Engines(place)
    try:
        while True:
            engines.set(parse(place.wanted.stamp))
            await place.wanted.wait(3600.0)
    finally:
        await engines.close()


def _own_fault(error: Exception) -> str:
    words = cut(sanitise(str(error)).replace("\n", " "), 200)
    return f"hostdeck itself failed here, please report it: {type(error).__name__}: {words}"


class _Source:
    """One engine, and how it goes."""

    def __init__(self, engine: Engine, owner: "_Engines") -> None:
        self.engine = engine
        self.failure: str | None = None
        self.answered = False
        self.tool: tuple[str, ...] = ()
        self._owner = owner
        self._listed: tuple[Container, ...] = ()
        self._again = asyncio.Event()
        self._may = False
        sockets = owner.place.transport
        self._followed = FollowedEngine(engine, sockets, self._told) if isinstance(sockets, UnixSockets) else None
        self.task = asyncio.create_task(self._keep(), name=f"{engine.path} of {owner.place.transport.host}")

    @property
    def containers(self) -> tuple[Container, ...]:
        if self.tool or self._followed is None:
            return self._listed
        return self._followed.containers

    @property
    def now(self) -> float | None:
        return None if self._followed is None else self._followed.now

    def poke(self) -> None:
        """Look again."""
        self._again.set()
        if self._followed is not None:
            self._followed.poke()

    def _told(self) -> None:
        self.failure, self.answered = None, True
        self._owner.tell()

    async def _keep(self) -> None:
        attempts = 0
        while True:
            pause = RETRY[min(attempts, len(RETRY) - 1)]
            before, self.answered = self.answered, False
            try:
                pause = await self._once() or pause
            except (EngineError, TransportError) as error:
                self.failure = str(error)
            except Exception as error:
                self.failure = _own_fault(error)
            attempts = 0 if self.answered else attempts + 1
            self.answered = self.answered or before
            self._owner.tell()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._again.wait()
            self._again.clear()

    async def _once(self) -> float | None:
        """Follow it as long as it goes; or the time until the next attempt."""
        if not self.engine.up or (not self.engine.allowed and self.engine.path != "/run/docker.sock"):
            self.failure = self.engine.why_not
            return NOT_THERE
        if self.engine.allowed and self._followed is None:
            self.failure = f"{self.engine.path} cannot be reached over this connection"
            return NOT_THERE
        if not await self._is_up():
            return NOT_THERE
        if not self.engine.allowed or self._followed is None:
            return await self._by_sudo()
        await self._followed.follow()
        return None

    async def _is_up(self) -> bool:
        """Whether its daemon runs at this moment: a connection could start what somebody has just stopped."""
        answer = await self._owner.place.ask(Ask(ENGINES))
        if answer.failure is not None:
            raise EngineError(answer.failure)
        now = next((engine for engine in answer.value.engines if engine.path == self.engine.path), None)
        if now is not None and now.up:
            return True
        self.failure = f"{self.engine.path} is gone" if now is None else now.why_not
        return False

    async def _by_sudo(self) -> float:
        answer = await self._owner.place.ask(Ask(docker.BY_SUDO, ("known",) if self._may else ()))
        self._may = answer.failure is None
        if answer.failure is not None:
            self.failure = self.engine.why_not if not self.tool else answer.failure
            return SUDO_REFUSED
        self._listed, self.tool = answer.value, docker.SUDO_TOOL
        self._told()
        return BY_SUDO_EVERY


class _Engines:
    """All engines of one host."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._found = Engines()
        self._sources: dict[Engine, _Source] = {}
        self._declared = Declared(place.ask)
        self._units: Mapping[str, str] = {}
        self._runs: frozenset[int] = frozenset()
        self._compose = False
        self._whole = False
        self._work = asyncio.Event()
        self._worker = asyncio.create_task(self._look_around())

    def set(self, found: Engines) -> None:
        """Follow these engines, and look again at those that are followed already."""
        self._found = found
        for engine in self._sources.keys() - set(found.engines):
            self._sources.pop(engine).task.cancel()
        for engine in found.engines:
            if engine in self._sources:
                self._sources[engine].poke()
            else:
                self._sources[engine] = _Source(engine, self)

    async def close(self) -> None:
        """End every task."""
        tasks = [self._worker, *(source.task for source in self._sources.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def tell(self) -> None:
        """Tell the services of all engines, and what is wrong with any of them."""
        # It is called from tasks that must outlive whatever a host makes of it.
        try:
            self._tell_all()
        except Exception as error:
            self.place.report.failed(_own_fault(error))

    def _tell_all(self) -> None:
        told = self._told()
        report = self.place.report
        failures = "; ".join(source.failure for source in self._sources.values() if source.failure is not None)
        if any(source.failure is None and source.answered for source in self._sources.values()):
            if not self._whole:
                self._work.set()
                return
            report.services(docker.services(told))
            self._tell_compose(told)
        if failures:
            report.failed(failures)
            if self._compose:
                report.of("compose").failed(failures)
        runs = frozenset(each.pid for one in told for each in one.containers if each.pid is not None)
        if runs != self._runs:
            self._runs = runs
            self._work.set()

    def _tell_compose(self, told: tuple[Told, ...]) -> None:
        services = compose.services(told, self._declared.names)
        # A host without any project has no such source.
        self._compose = self._compose or bool(services)
        if self._compose:
            self.place.report.of("compose").services(services)
            if self._declared.trouble is not None:
                self.place.report.of("compose").failed(self._declared.trouble)

    def _told(self) -> tuple[Told, ...]:
        return tuple(
            Told(
                source.engine,
                self._found,
                source.containers,
                source.now,
                source.tool,
                self._units,
                lost=source.failure is not None,
            )
            for source in self._sources.values()
        )

    async def _look_around(self) -> None:
        """What the engines do not tell: who attends to containers, and which services are declared."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(60.0):
                    await self._work.wait()
            self._work.clear()
            if not any(source.answered for source in self._sources.values()):
                continue
            look = asyncio.ensure_future(self._look())
            if not self._whole:
                # A slow manager's answer must not hold up what is known of the containers.
                await asyncio.wait((look,), timeout=FIRST_WITHIN)
                self._whole = True
                self.tell()
            if await self._changed(look):
                self.tell()
            # A container in a loop of restarts is no reason to look at every process each second.
            await asyncio.sleep(LOOK_PAUSE)

    async def _changed(self, look: "asyncio.Future[bool]") -> bool:
        try:
            return await look
        except Exception as error:
            self.place.report.failed(_own_fault(error))
            return False

    async def _look(self) -> bool:
        changed = await self._declared.look(compose.sources(self._told()))
        answer = await self.place.ask(Ask(CLIENTS))
        if answer.failure is None and answer.value != self._units:
            self._units, changed = answer.value, True
        return changed
