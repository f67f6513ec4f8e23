"""The loop of Docker and Compose: every engine of a host followed by a task of its own, told together."""

import asyncio
from contextlib import suppress

from console.core.text import cut, sanitise
from console.managers import compose, docker
from console.managers.container_clients import CLIENTS, Client, units
from console.managers.container_engines import ENGINES, Engine, Engines, parse
from console.managers.container_services import Told
from console.managers.container_sudo import SUDO_TOOL
from console.managers.containers import Container, Project
from console.remote.compose_declared import Declared
from console.remote.docker_api import EngineError, SilentError
from console.remote.docker_engine import FollowedEngine
from console.remote.docker_sudo import BySudo
from console.remote.shell import Ask
from console.remote.survey_loop import Place
from console.remote.transport import TransportError, UnixSockets

RETRY = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between two attempts at an engine that does not answer."""
HUNG_EVERY = 2.0
"""The same for one that hangs: each attempt waits for the answer itself, so that the end of it is seen at once."""
HUNG_BY_SUDO_EVERY = 10.0
"""The same through sudo, which writes each attempt into the log of the host."""
BY_SUDO_EVERY = 60.0
NOT_THERE = SUDO_REFUSED = 300.0
"""What is not there, or not allowed, is tried when its presence changes; and now and then."""
LOOK_PAUSE = 3.0
MOST_GONE = 32
"""Projects without a container that are remembered of an engine."""
FIRST_WITHIN = 3.0
"""Seconds for which the first answer waits for other engines, and for what is asked beside it."""


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

    def __init__(self, engine: Engine, owner: "_Engines", former: tuple[Container, ...] = ()) -> None:
        self.engine = engine
        self.former = former
        """What was told by the engine that was behind this socket before, until this one answers."""
        self.failure: str | None = None
        self.hangs = False
        """Whether the failure is that it gave no answer."""
        self.broken = False
        """Whether it answered as no engine does that is well."""
        self.answered = False
        self.tried = False
        """Whether it has answered or failed since it is followed."""
        self.tool: tuple[str, ...] = ()
        self._owner = owner
        self._by_sudo = BySudo(owner.place.ask)
        self._again = asyncio.Event()
        sockets = owner.place.transport
        self._followed = FollowedEngine(engine, sockets, self._told) if isinstance(sockets, UnixSockets) else None
        self.task = asyncio.create_task(self._keep(), name=f"{engine.path} of {owner.place.transport.host}")

    @property
    def containers(self) -> tuple[Container, ...]:
        if self.former:
            return self.former
        if self.tool or self._followed is None:
            return self._by_sudo.containers
        return self._followed.containers

    @property
    def gone(self) -> tuple[Project, ...]:
        return () if self._followed is None else self._followed.gone

    @property
    def now(self) -> float | None:
        return None if self._followed is None else self._followed.now

    def poke(self) -> None:
        """Look again."""
        self._again.set()
        if self._followed is not None:
            self._followed.poke()

    def _told(self) -> None:
        self.former = ()
        self.failure, self.hangs, self.broken, self.answered, self.tried = None, False, False, True, True
        self._owner.tell()

    def _fails(self, why: str | None, *, hangs: bool = False, broken: bool = False) -> None:
        self.failure, self.hangs, self.broken = why, hangs, broken

    async def _keep(self) -> None:
        attempts = 0
        while True:
            pause = RETRY[min(attempts, len(RETRY) - 1)]
            before, self.answered = self.answered, False
            try:
                pause = await self._once() or pause
            except SilentError:
                pause = HUNG_EVERY
                self._fails(self.engine.why_silent, hangs=True)
            except (EngineError, TransportError) as error:
                self._fails(str(error), broken=isinstance(error, EngineError))
            except Exception as error:
                self._fails(_own_fault(error), broken=True)
            attempts = 0 if self.answered else attempts + 1
            self.answered, self.tried = self.answered or before, True
            self._owner.tell()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._again.wait()
            self._again.clear()

    async def _once(self) -> float | None:
        """Follow it as long as it goes; or the time until the next attempt."""
        if not self.engine.up or (not self.engine.allowed and self.engine.path != "/run/docker.sock"):
            self._fails(self.engine.why_not)
            return NOT_THERE
        if self.engine.allowed and self._followed is None:
            self._fails(f"{self.engine.path} cannot be reached over this connection")
            return NOT_THERE
        # As it is at this moment: a connection could start what somebody has just stopped.
        answer = await self._owner.place.ask(Ask(ENGINES))
        if answer.failure is not None:
            self._fails(answer.failure, hangs=answer.hangs)
            return None
        found: Engines = answer.value
        now = next((engine for engine in found.engines if engine.path == self.engine.path), None)
        if now is None or not now.up or now.frozen:
            frozen = now is not None and now.frozen
            self._fails(f"{self.engine.path} is gone" if now is None else now.why_not, hangs=frozen)
            return HUNG_EVERY if frozen else NOT_THERE
        if not self.engine.allowed or self._followed is None:
            return await self._through_sudo()
        await self._followed.follow()
        return None

    async def _through_sudo(self) -> float:
        failed = await self._by_sudo.look()
        if failed is not None and failed.hangs:
            self._fails(self.engine.why_silent, hangs=True)
            return HUNG_BY_SUDO_EVERY
        if failed is not None:
            self._fails(failed.failure if self.tool else self.engine.why_not)
            return SUDO_REFUSED
        self.tool = SUDO_TOOL
        self._told()
        return BY_SUDO_EVERY


class _Engines:
    """All engines of one host."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._found = Engines()
        self._sources: dict[Engine, _Source] = {}
        self._declared = Declared(place.ask)
        self._clients: tuple[Client, ...] = ()
        self._runs: frozenset[int] = frozenset()
        self._projects: dict[str, dict[tuple[str, ...], Project]] = {}
        self._compose = False
        self._whole = False
        self._waits = True
        self._work = asyncio.Event()
        self._patience = asyncio.get_running_loop().call_later(FIRST_WITHIN, self._waits_no_more)
        self._worker = asyncio.create_task(self._look_around())

    def set(self, found: Engines) -> None:
        """Follow these engines, and look again at those that are followed already."""
        self._found = found
        former = {}
        for engine in self._sources.keys() - set(found.engines):
            source = self._sources.pop(engine)
            source.task.cancel()
            former[engine.path] = source.containers
        for engine in found.engines:
            if engine in self._sources:
                self._sources[engine].poke()
            else:
                self._sources[engine] = _Source(engine, self, former.get(engine.path, ()))
        # Of two containers of one name it is the order of engines that tells which is called otherwise.
        self._sources = {engine: self._sources[engine] for engine in found.engines}

    def _waits_no_more(self) -> None:
        self._waits = False
        self.tell()

    async def close(self) -> None:
        """End every task."""
        self._patience.cancel()
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
            self.place.report.failed(_own_fault(error), broken=True)

    def _tell_all(self) -> None:
        # What one engine fails with at once is not all there is to tell where another has yet to answer.
        if self._waits and any(not source.tried for source in self._sources.values()):
            return
        told = self._told()
        report = self.place.report
        failures = "; ".join(source.failure for source in self._sources.values() if source.failure is not None)
        hangs = any(source.hangs for source in self._sources.values())
        broken = any(source.broken for source in self._sources.values())
        if any(source.failure is None and source.answered for source in self._sources.values()):
            if not self._whole:
                self._work.set()
                return
            report.services(
                docker.services(told), lost=docker.lost(told), trouble=failures or None, hangs=hangs, broken=broken
            )
            self._tell_compose(told, failures)
        elif failures:
            report.failed(failures, hangs=hangs, broken=broken)
            if self._compose:
                report.of("compose").failed(failures, hangs=hangs, broken=broken)
        runs = frozenset(each.pid for one in told for each in one.containers if each.pid is not None)
        if runs != self._runs:
            self._runs = runs
            self._work.set()

    def _tell_compose(self, told: tuple[Told, ...], failures: str) -> None:
        services = compose.services(told, self._declared.names)
        # A host without any project has no such source.
        self._compose = self._compose or bool(services)
        if self._compose:
            lost = compose.lost(told, self._declared.names)
            trouble = failures or self._declared.trouble
            self.place.report.of("compose").services(services, lost=lost, trouble=trouble)

    def _told(self) -> tuple[Told, ...]:
        return tuple(
            Told(
                source.engine,
                self._found,
                source.containers,
                source.now,
                source.tool,
                units(self._clients, source.engine, source.containers),
                self._gone(source),
                lost=source.failure is not None or bool(source.former),
            )
            for source in self._sources.values()
        )

    def _gone(self, source: _Source) -> tuple[Project, ...]:
        """Projects that had containers and have none now: their services are declared all the same.

        Of one file it is the last project: one that is made for each run of a test is not another each time.
        """
        known = self._projects.setdefault(source.engine.path, {})
        living = {one.project.files: one.project for one in source.containers if one.project is not None}
        for one in (*source.gone, *living.values()):
            if one.files and known.get(one.files) != one:
                known.pop(one.files, None)
                known[one.files] = one
        while len(known) > MOST_GONE + len(living):
            del known[next(iter(known))]
        names = {one.name for one in living.values()}
        return tuple(one for one in known.values() if one.files not in living and one.name not in names)

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
            self.place.report.failed(_own_fault(error), broken=True)
            return False

    async def _look(self) -> bool:
        # First: a container that is stopped before its unit is known comes back. Compose may take its time.
        answer = await self.place.ask(Ask(CLIENTS))
        changed = answer.failure is None and answer.value != self._clients
        if changed:
            self._clients = answer.value
        return await self._declared.look(compose.sources(self._told())) or changed
