"""Prepares a plan before its host is given it: looks, builds on this machine, sends what was built.

Nothing of what runs on the host is changed by it. The host's lock is looked at and not held: whoever builds for ten
minutes would keep everybody from mending the service. The plan itself takes it, and compares what is live by then.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from console.core.command import Effect
from console.core.plan import Plan, Preparation, Result, StepResult, StepState, Where
from console.remote import local
from console.remote.listing import Listing
from console.remote.plan_locks import LockHolder
from console.remote.plan_script import lock_keys
from console.remote.transport import Transport, TransportError
from console.remote.upload import UploadError, pack, send
from console.remote.way import Way

OFTEN = 0.1
"""Seconds between two tellings of how far it is, at least."""
SELDOM = 1.0
"""The same of what prints nothing."""
STRAGGLERS = 0.25
"""Seconds in which what a program printed last is waited for, where something it started holds its output open."""

Locks = Callable[[Transport], Awaitable[Sequence[LockHolder]]]


class FailedError(Exception):
    """A preparation that did not go well; the text says why."""


@dataclass(slots=True)
class _Part:
    """One preparation as far as it is."""

    of: Preparation
    listing: Listing
    state: StepState = StepState.PENDING
    began: float = 0.0
    seconds: float | None = None

    def told(self) -> StepResult:
        running = self.state is StepState.RUNNING
        seconds = time.monotonic() - self.began if running else self.seconds
        return StepResult(self.of.name, self.state, seconds, self.listing.text, self.listing.count)


class Preparing:
    """The preparations of one plan, one after the other. ``root``: whether the connection is root's."""

    def __init__(self, plan: Plan, way: Way, locks: Locks, *, root: bool) -> None:
        self._plan, self._way, self._locks, self._root = plan, way, locks, root
        self._parts = [_Part(one, Listing()) for one in plan.prepare]
        self._began = time.time()
        self._build_took = 0.0
        self.failure: tuple[Result, str] | None = None
        """How it ended, where it did not end well."""

    def told(self) -> tuple[StepResult, ...]:
        """How far each of them is."""
        return tuple(part.told() for part in self._parts)

    async def run(self) -> AsyncGenerator[None, None]:
        """Go on, and pause whenever there is something to tell. Ending the iteration ends what runs."""
        try:
            await self._see_locks()
            async with self._alone():
                for part in self._parts:
                    async with aclosing(self._one(part)) as going:
                        async for _ in going:
                            yield
        except (FailedError, TransportError) as error:
            self._fail(str(error))
            yield
            await self._tidy()

    def _fail(self, why: str) -> None:
        part = next((one for one in self._parts if one.state is StepState.RUNNING), None)
        looked = part is None or (part.of.where is not Where.UPLOAD and part.of.command.effect is Effect.READ)
        if part is not None:
            part.seconds, part.state = time.monotonic() - part.began, StepState.FAILED
        for one in self._parts:
            one.state = StepState.SKIPPED if one.state is StepState.PENDING else one.state
        nothing = "nothing was done" if looked else f"nothing that runs on {self._plan.target.host} was changed"
        self.failure = (Result.REFUSED if looked else Result.FAILED, f"{why}; {nothing}")

    async def _tidy(self) -> None:
        """Remove what a part of an upload left. What cannot be removed now is removed by the next upload."""
        failed = next((one for one in self._parts if one.state is StepState.FAILED), None)
        if failed is None or self.failure is None or failed.of.where is not Where.UPLOAD:
            return
        left = await clear(self._plan, self._way)
        if left is not None:
            self.failure = (self.failure[0], f"{self.failure[1]}; {left}")

    async def _see_locks(self) -> None:
        keys = set(lock_keys(self._plan))
        held = next((lock for lock in await self._way.ask(self._locks) if lock.key in keys and not lock.dead), None)
        if held is not None:
            raise FailedError(held.sentence(str(self._plan.target)))

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Nobody else of this machine builds in the same directory from a console meanwhile."""
        places = dict.fromkeys(one.directory for one in self._plan.prepare if one.where is Where.HERE and one.directory)
        handles: list[int] = []
        try:
            for place in places:
                try:
                    handles.append(os.open(place, os.O_RDONLY | os.O_DIRECTORY))
                    fcntl.flock(handles[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise FailedError(f"another console of this machine builds in {place}") from None
                except OSError as error:
                    raise FailedError(f"{place} on this machine: {(error.strerror or str(error)).lower()}") from None
            yield
        finally:
            for handle in handles:
                os.close(handle)

    async def _one(self, part: _Part) -> AsyncGenerator[None, None]:
        part.state, part.began = StepState.RUNNING, time.monotonic()
        yield
        ways = {Where.HOST: self._look, Where.HERE: self._here, Where.UPLOAD: self._upload}
        async with aclosing(ways[part.of.where](part)) as going:
            async for _ in going:
                yield
        part.seconds, part.state = time.monotonic() - part.began, StepState.DONE
        yield

    async def _look(self, part: _Part) -> AsyncGenerator[None, None]:
        """As the plan's own preflight will once more: exit 77 is "cannot be told"."""
        output = await self._way.ask(lambda transport: transport.run(part.of.command))
        for line in (output.stdout + output.stderr).strip().splitlines():
            part.listing.feed(line.encode() + b"\n")
        if output.exit not in (*part.of.command.ok_exits, 77):
            raise FailedError(_failed(part, output.exit, look=True))
        yield

    async def _here(self, part: _Part) -> AsyncGenerator[None, None]:
        command = part.of.command
        try:
            channel = await local.start(command.argv, part.of.directory or "/", dict(part.of.environment))
        except FileNotFoundError:
            raise FailedError(f"{command.argv[0]} is not on this machine") from None
        except (OSError, ValueError) as error:
            raise FailedError(f"{command.argv[0]} cannot be run on this machine: {error}") from None
        try:
            async with aclosing(_heard(part, channel)) as going:
                async for _ in going:
                    yield
        finally:
            await channel.close()
        part.listing.end()
        if channel.exit not in command.ok_exits:
            raise FailedError(_failed(part, channel.exit, look=command.effect is Effect.READ))
        if command.effect is Effect.CHANGE:
            self._build_took += time.monotonic() - part.began

    async def _upload(self, part: _Part) -> AsyncGenerator[None, None]:
        sent = 0
        try:
            part.listing.replace("reading what was built")
            # The clock of files lags behind by a tick.
            made, digest = await pack(part.of.directory or "/", self._began - OFTEN if part.of.fresh else None)
            words = part.of.command.words(root=self._root)
            channel = await self._way.ask(lambda transport: transport.open(words))
            shown = 0.0
            async with aclosing(send(channel, made, digest, round(self._build_took))) as going:
                async for sent, said in going:
                    _in_time(part)
                    part.listing.replace(f"{_size(sent)} of {_size(made.size)}" + (said and f", {said}"))
                    if said or time.monotonic() - shown >= OFTEN:
                        shown = time.monotonic()
                        yield
        except UploadError as error:
            raise FailedError(f"{part.of.name} failed: {error}") from None
        except TransportError as error:
            raise FailedError(f"{part.of.name} was cut after {_size(sent)}: {error}") from None


async def _heard(part: _Part, channel: local.LocalChannel) -> AsyncGenerator[None, None]:
    """Take what a program prints until it has ended; tell it often enough, and not more often."""
    told, ended = time.monotonic(), False
    while True:
        _in_time(part)
        try:
            async with asyncio.timeout(STRAGGLERS):
                chunk = await channel.read()
        except TimeoutError:
            if ended:
                return
            ended = channel.exit is not None
            chunk = None
        if chunk == b"":
            return
        part.listing.feed(chunk or b"")
        if time.monotonic() - told >= (OFTEN if chunk else SELDOM):
            told = time.monotonic()
            yield


def _size(count: int) -> str:
    return f"{count / 1024:.0f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MiB"


def _in_time(part: _Part) -> None:
    limit = part.of.command.timeout
    if time.monotonic() - part.began > limit:
        raise FailedError(f"{part.of.name} took longer than {limit:.0f} s and was ended")


def _failed(part: _Part, code: int | None, *, look: bool) -> str:
    said = f": {part.listing.last}" if part.listing.last else ""
    return f"{part.of.name} failed{'' if look or code is None else f' with exit {code}'}{said}"


async def clear(plan: Plan, way: Way) -> str | None:
    """Remove from the host what the preparations of a plan sent; why that could not be done."""
    for undo in (one.undo for one in plan.prepare if one.undo is not None):
        try:
            output = await way.ask(lambda transport, undo=undo: transport.run(undo))  # type: ignore[misc]
        except TransportError as error:
            return f"what had arrived there stays until the next rebuild: {error}"
        if output.exit != 0:
            return f"what had arrived there stays until the next rebuild: {output.stderr.strip() or output.exit}"
    return None
