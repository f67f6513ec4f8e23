"""Hands a plan over and follows it until it has a result, across losses of the connection."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from console.core.plan import PlanProgress, Result
from console.core.text import decode, sanitise
from console.remote import plan_door
from console.remote.plan_script import PLACES
from console.remote.plan_state import PlanState
from console.remote.transport import Channel, ChannelRefusedError, Transport, TransportError, backoff

_LONGEST_LINE = 65_536


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Times, in seconds, of the console's side of a plan."""

    silence: float = 12.0
    """Without a sign of life for so long, the connection counts as lost; the host gives one every two seconds."""
    patience: float = 120.0
    """How long a lost host is tried before the result is given as unknown."""
    hand_over: float = 30.0
    """How long after the request a plan whose arrival is not known is handed over again; later it is called off."""
    longest_wait: float = 5.0
    """The longest pause between two attempts to connect."""
    places: tuple[str, ...] = PLACES


class PlanWatch:
    """One plan on one host. ``script`` is ``None`` for a plan that is known to be there: it is only followed.

    ``spare`` makes a further connection, which the watch closes. It is used when the given one has no channel left, and
    once that one was lost: then it is for its owner to mend. Without it the given connection is connected again.
    """

    def __init__(
        self,
        transport: Transport,
        state: PlanState,
        script: str | None,
        settings: RunSettings,
        *,
        spare: Callable[[], Transport] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._state = state
        self._script = script
        self._settings = settings
        self._spare = spare
        self._own: Transport | None = None
        self._broken = False
        self._clock = clock
        self.arrived = script is None
        """Whether the host is known to have the plan."""
        self._sent_at: float | None = None
        self._silences = 0
        """How often the host had the plan's directory and not a line of its state."""
        self._heard_at = clock()
        self._attempts = 0
        self._end: tuple[Result, str] | None = None

    @property
    def abandoned(self) -> bool:
        """Whether the plan's process went away without a result."""
        return self._end is not None and self._end[1] is _DEAD

    async def run(self) -> AsyncGenerator[PlanProgress, None]:
        """Progress after each change, the last with a result. Ending the iteration leaves the plan to itself."""
        try:
            while True:
                try:
                    async for progress in self._once():
                        yield progress
                except TransportError as error:
                    self._lost(error)
                    if self._end is None:
                        yield self._state.progress(reason=self._pause_words(error))
                if self._end is not None:
                    yield self._state.progress(result=self._end[0], reason=self._end[1])
                    return
                if self._state.result is not None:
                    return
                await self._pause()
        finally:
            if self._own is not None:
                await self._own.close()

    async def _once(self) -> AsyncIterator[PlanProgress]:
        """One connection's part of the watch."""
        channel = await self._open()
        try:
            channel.write(self._request())
            answered = False
            async for lines in self._lines(channel):
                changed = False
                for line in lines:
                    changed = self._take(line) or changed
                    answered = answered or line.startswith("d ")
                if changed:
                    yield self._state.progress()
                if self._state.result is not None or self._end is not None:
                    return
            if not answered:
                raise self._broke_off(channel)
        finally:
            # Whatever may be wrong with the channel: it must not hide how the plan ended.
            with contextlib.suppress(Exception):
                await channel.close()

    async def _open(self) -> Channel:
        if self._broken:
            await self._renew()
        try:
            return await self._channel()
        except ChannelRefusedError:
            if self._spare is None or self._own is not None:
                raise
            self._own = self._transport = self._spare()
            return await self._channel()

    async def _renew(self) -> None:
        """After a loss: a connection that may still think it stands is not asked again."""
        self._broken = False
        if self._own is not None:
            await self._own.close()
        elif self._spare is not None:
            self._own = self._transport = self._spare()

    async def _channel(self) -> Channel:
        if not self._transport.connected:
            await self._transport.connect()
        try:
            async with asyncio.timeout(self._settings.silence):
                return await self._transport.open(plan_door.SHELL)
        except TimeoutError:
            raise self._silent() from None

    def _silent(self) -> TransportError:
        return TransportError("lost", f"{self._transport.host}: no sign of life for {self._settings.silence:.0f} s")

    def _broke_off(self, channel: Channel) -> TransportError:
        """The door always ends with a word or a result: a host without a process or memory to spare has no door."""
        code = "" if channel.exit is None else f" with exit {channel.exit}"
        said = sanitise(decode(channel.errors())).strip().rpartition("\n")[2][:200]
        return TransportError("lost", f"{self._transport.host}: its sh ended{code}{f': {said}' if said else ''}")

    def _request(self) -> bytes:
        places: Sequence[str] = self._settings.places
        plan_id = self._state.plan.id
        if self._silences == 1:
            return plan_door.call_off(plan_id, places)
        if self.arrived or self._script is None:
            return plan_door.follow(plan_id, places)
        now = self._clock()
        if self._sent_at is None:
            self._sent_at = now
        if now - self._sent_at > self._settings.hand_over:
            return plan_door.call_off(plan_id, places)
        return plan_door.hand_over(plan_id, self._script, places)

    async def _lines(self, channel: Channel) -> AsyncIterator[list[str]]:
        rest = b""
        while True:
            try:
                chunk = await asyncio.wait_for(channel.read(), self._settings.silence)
            except TimeoutError:
                raise self._silent() from None
            if not chunk:
                return
            *whole, rest = (rest + chunk).split(b"\n")
            rest = rest[:_LONGEST_LINE]
            lines = [decode(line[:_LONGEST_LINE]) for line in whole]
            # What a host prints that lets nobody in is no sign of life.
            if any(line == "h" or line[:2] in ("d ", "s ", "o ") for line in lines):
                self._heard_at = self._clock()
                self._attempts = 0
            yield lines

    def _take(self, line: str) -> bool:
        if line.startswith("d "):
            return self._door(line[2:])
        if line.startswith("s "):
            self.arrived = True
        return self._state.feed(line)

    def _door(self, line: str) -> bool:
        word, _, rest = line.partition(" ")
        host = self._transport.host
        if word == "begun":
            self.arrived = True
            return True
        if word == "refused":
            self._end = (Result.REFUSED, f"{host} did not take the plan, nothing was done: {sanitise(rest).strip()}")
        elif word == "called-off":
            self._end = (Result.REFUSED, f"the plan never reached {host} and was called off: nothing was done")
        elif word == "running":
            self.arrived = True
            # What has begun and still writes nothing is looked at once more.
            if self._silences == 1:
                self._silences = 2
        elif word == "silent":
            self._silences += 1
            if self._silences > 2:
                self._end = (Result.UNKNOWN, f"plan {self._state.plan.id} began on {host} and wrote nothing down")
        elif word == "dead":
            self._end = (Result.FAILED, _DEAD)
        elif word == "absent" and self.arrived:
            self._end = (Result.UNKNOWN, f"{host} knows nothing of plan {self._state.plan.id}: {_ABSENT}")
        return False

    def _lost(self, error: TransportError) -> None:
        plan = self._state.plan
        host = self._transport.host
        self._broken = True
        if self._sent_at is None and not self.arrived:
            self._end = (Result.REFUSED, f"nothing was done: {error}")
        elif not error.retry or self._clock() - self._heard_at > self._settings.patience:
            arrived = "it goes on there by itself" if self.arrived else "whether it arrived there is not known"
            self._end = (
                Result.UNKNOWN,
                f"{host} is lost ({error}); {arrived}. Do not run it again: "
                f"hostdeck audit --ask --host {host} asks the host for the result of plan {plan.id}",
            )

    def _pause_words(self, error: TransportError) -> str:
        what = "the plan goes on there" if self.arrived else "the plan may have arrived there"
        return f"connection lost, {what}; trying again: {error}"

    async def _pause(self) -> None:
        self._attempts += 1
        await asyncio.sleep(min(self._settings.longest_wait, backoff(self._attempts, random.random())))  # noqa: S311


_DEAD = (
    "the plan's process on the host is gone (killed, or the host was restarted) and left no result: what it began was "
    "neither checked nor undone; the next plan sets its lock aside once nothing of it runs any more"
)
_ABSENT = "its files are gone, or the host was set up anew"
