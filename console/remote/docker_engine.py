"""One container engine, followed: all containers once, then by its events only what changed."""

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from console.core.probe import ParseError
from console.managers.container_engines import Engine
from console.managers.containers import JUST_STARTED, Container, Project, container, project_of, unreadable
from console.remote.docker_api import Api, EngineError, GoneError, SilentError, in_thread
from console.remote.transport import UnixSockets

ALIVE_EVERY = 5.0
"""Seconds without an event after which it is asked whether it is there: one that hangs sends no end of stream."""
LIST_EVERY = 60.0
"""Seconds between two looks at the list, for whatever an event did not tell."""
GATHER = 0.05
"""Seconds for which events are gathered: one restart is a handful of them."""
OPEN_WITHIN = 15.0
"""Seconds for the stream of events to begin."""
MANY = 4096
"""Containers changed at once of which each is asked by itself; beyond that the list tells."""
UNREAD_AGAIN = 300.0
"""Seconds until it is asked again for a container of which the engine could not tell: that may cost the connection."""
DAEMONS = {"docker": "dockerd", "podman": "podman"}


class Changes:
    """Which containers changed, told from the thread that reads the events."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.ended = False
        self.failure: EngineError | None = None
        """Why the stream ended, where that is told."""
        self._loop = asyncio.get_running_loop()
        self._idents: dict[str, None] = {}
        self._lock = threading.Lock()
        self._some = asyncio.Event()
        self._open = asyncio.Event()
        self._look = False

    def tell(self, ident: str, at: float) -> None:
        """Take an event, from any thread."""
        with self._lock:
            asleep = not self._idents and not self._look
            if len(self._idents) < MANY:
                self._idents[ident] = None
            else:
                self._look = True
            self.since = max(self.since, at)
        # One call for many events: what floods us must not fill the loop's queue.
        if asleep:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._some.set)

    def poke(self) -> None:
        """Ask for a look at everything."""
        self._look = True
        self._some.set()

    def opened(self) -> None:
        """Take that the stream is there, from any thread."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._open.set)

    async def wait_open(self) -> None:
        """Wait until the stream is there, or has ended before it was."""
        await self._open.wait()

    def end(self) -> None:
        """Take the end of the stream."""
        self.ended = True
        self._open.set()
        self._some.set()

    async def next(self, seconds: float) -> tuple[tuple[str, ...], bool]:
        """Wait for a change, at most so long: which containers, and whether all are to be looked at."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._some.wait()
            await asyncio.sleep(GATHER)
        with self._lock:
            self._some.clear()
            idents, self._idents = tuple(self._idents), {}
            look, self._look = self._look, False
        return idents, look


class _CutOffError(Exception):
    """What was asked of one container took the connection with it."""


@dataclass(frozen=True, slots=True)
class _Unread:
    """A container of which its engine could not tell."""

    why: EngineError
    listed: tuple[str, str] | None
    until: float


class FollowedEngine:
    """What is known of one engine. ``tell`` is called when that changed or was found to hold still."""

    def __init__(self, engine: Engine, sockets: UnixSockets, tell: Callable[[], None]) -> None:
        self.engine = engine
        self.now: float | None = None
        self.gone: tuple[Project, ...] = ()
        """Projects of containers that were removed before it was followed, as far as it remembers."""
        self._sockets = sockets
        self._tell = tell
        self._containers: dict[str, Container] = {}
        self._states: dict[str, tuple[str, str]] = {}
        self._listed: dict[str, tuple[str, str]] = {}
        self._unread: dict[str, _Unread] = {}
        self._changes: Changes | None = None
        self._clock = asyncio.get_running_loop().time

    @property
    def containers(self) -> tuple[Container, ...]:
        """All that are known, by name."""
        return tuple(sorted(self._containers.values(), key=lambda each: each.name))

    def poke(self) -> None:
        """Look again at all of them."""
        if self._changes is not None:
            self._changes.poke()

    async def follow(self) -> None:
        """Follow it until it does not answer or ends the stream; raises ``EngineError`` or ``TransportError``.

        Its socket may belong to systemd, which starts the engine for whoever connects. So nothing connects a second
        time: the way there is taken away as soon as both connections stand, and who calls makes sure before he calls
        again that the engine was not stopped. That is also how it ends where one container hangs the connection: the
        next time that one is not asked for, and whether the engine itself hangs is told by then.
        """
        try:
            await self._follow()
        except _CutOffError:
            return
        except EngineError:
            # It is the engine that does not answer, and none of its containers.
            self._unread.clear()
            raise

    async def _follow(self) -> None:
        async with self._sockets.forward(self.engine.path) as path, _gate(path) as gate:
            api = await in_thread(Api, str(gate), DAEMONS[self.engine.kind])
            reader: asyncio.Task[None] | None = None
            try:
                self.now = await in_thread(api.ping)
                # From before the list on: what happens meanwhile is told twice rather than never.
                self._changes = changes = Changes(self.now - 1.0)
                reader = asyncio.create_task(_read(api, changes))
                await _opened(changes, DAEMONS[self.engine.kind])
                gate.unlink()
                self.gone = await self._removed(api, self.now)
                await self._everything(api)
                await self._until_end(api, changes)
            finally:
                self._changes = None
                api.close()
                if reader is not None:
                    reader.cancel()

    async def _removed(self, api: Api, now: float) -> tuple[Project, ...]:
        """What it does not tell of the past is no reason not to follow it."""
        try:
            removed = await in_thread(api.removed, now)
        except SilentError:
            raise
        except EngineError:
            return ()
        return tuple(one for labels in removed if (one := project_of(labels)) is not None)

    async def _until_end(self, api: Api, changes: Changes) -> None:
        listed = self._clock()
        while not changes.ended:
            idents, look = await changes.next(self._pause())
            if idents:
                self.now = max(self.now or 0.0, changes.since)
                self._ask_again(idents)
                await self._inspect(api, idents)
            elif not changes.ended:
                self.now = await in_thread(api.ping)
            if look or self._clock() - listed > LIST_EVERY:
                await self._everything(api)
                listed = self._clock()
            else:
                self._tell()

    def _pause(self) -> float:
        """Until the next question: sooner where a container that was started again has yet to show that it stays."""
        if self.now is None:
            return ALIVE_EVERY
        young = [self.now - each.started for each in self._containers.values() if each.restarts and each.started]
        waits = [JUST_STARTED - age for age in young if 0 <= age < JUST_STARTED]
        return min([ALIVE_EVERY, *(wait + 0.5 for wait in waits)])

    async def _everything(self, api: Api) -> None:
        """The list, and by inspection those of which it says something new."""
        states = await in_thread(api.containers)
        for ident in self._containers.keys() - states.keys():
            del self._containers[ident]
        self._listed = states
        self._unread = {ident: each for ident, each in self._unread.items() if self._is_unread(ident)}
        read = {ident for ident, each in self._containers.items() if each.unread is None}
        changed = [ident for ident, state in states.items() if self._states.get(ident) != state or ident not in read]
        await self._inspect(api, changed)
        self._states = states
        self._tell()

    def _ask_again(self, idents: Iterable[str]) -> None:
        """Something happened to them: what was being removed is gone by now. One that hangs is still left alone."""
        for ident in idents:
            known = self._unread.get(ident)
            if known is not None and not isinstance(known.why, SilentError):
                del self._unread[ident]

    def _is_unread(self, ident: str) -> bool:
        """Whether it is not to be asked for again yet: its state is the same, and its time is not up."""
        known = self._unread.get(ident)
        return known is not None and known.listed == self._listed.get(ident) and self._clock() < known.until

    async def _inspect(self, api: Api, idents: Iterable[str]) -> None:
        for ident in idents:
            if not self._is_unread(ident):
                await self._ask_for(api, ident)
            if self._is_unread(ident):
                self._containers[ident] = self._unreadable(ident, self._unread[ident].why)

    async def _ask_for(self, api: Api, ident: str) -> None:
        try:
            self._containers[ident] = await self._container(api, ident)
        except GoneError:
            self._containers.pop(ident, None)
            self._states.pop(ident, None)
        except ParseError as error:
            self._containers[ident] = self._unreadable(ident, error)
        except EngineError as error:
            self._unread[ident] = _Unread(error, self._listed.get(ident), self._clock() + UNREAD_AGAIN)
            try:
                self.now = await in_thread(api.ping)
            except EngineError:
                raise _CutOffError from None

    async def _container(self, api: Api, ident: str) -> Container:
        found = container(await in_thread(api.inspect, ident))
        if not found.unclear or found.finished is None:
            return found
        now = max(self.now or 0.0, self._changes.since if self._changes is not None else 0.0)
        return replace(found, asked=await in_thread(api.asked_to_end, ident, found.finished, now))

    def _unreadable(self, ident: str, why: Exception) -> Container:
        return unreadable(ident, self._listed.get(ident, ("", ""))[0], why)


@asynccontextmanager
async def _gate(path: str) -> AsyncIterator[Path]:
    """Another name of a socket, which can be taken away."""
    with tempfile.TemporaryDirectory(prefix="hd-") as directory:
        gate = Path(directory) / "s"
        gate.symlink_to(path)
        yield gate


async def _opened(changes: Changes, what: str) -> None:
    try:
        async with asyncio.timeout(OPEN_WITHIN):
            await changes.wait_open()
    except TimeoutError:
        raise SilentError(f"{what} does not answer: it tells no events") from None
    if changes.failure is not None:
        raise changes.failure


async def _read(api: Api, changes: Changes) -> None:
    try:
        # What is wrong with it, if anything is, the next question tells.
        await in_thread(api.follow, changes.since, changes.tell, changes.opened)
    except EngineError as error:
        changes.failure = error
    finally:
        changes.end()
