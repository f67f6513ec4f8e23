"""The persistent probe shell: one channel, functions uploaded once, framed requests."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from console.core.probe import ParseError, Probe
from console.core.text import decode, sanitise
from console.remote.probe_program import BOOT, definitions, program, request, stays
from console.remote.transport import Channel, Transport, TransportError

MAX_FRAME = 16 * 1024 * 1024
"""Bytes; a larger answer is not one of ours."""

WARM = 2
"""Requests after which the resident process is worth its start: who looks but once has none."""
RESIDENT_WITHIN = 1.0
"""Seconds that it may take, few enough that the host is not stale; then it is ended and the shell answers instead."""
REST = 60
"""Requests after which one that was ended is started again; each time after four times as many."""

TIMED_OUT = 124
"""The exit status of timeout(1) for what it ended."""
NO_RIGHT = 77
"""That of a look that this login may not take, EX_NOPERM of sysexits(3)."""

_DIGITS = 18
_LONGEST = 300
"""Letters of a reason."""


class ShellLostError(TransportError):
    """The probe shell ended or answered something that is no frame."""

    def __init__(self, message: str) -> None:
        super().__init__("lost", message)


def unheard() -> None:
    """Nobody waits for the start."""


@dataclass(slots=True)
class Ask:
    """A probe and its arguments. ``verbatim``: its text is wanted too, so it is told whether it changed or not."""

    probe: Probe[Any]
    args: tuple[str, ...] = ()
    verbatim: bool = False


@dataclass(slots=True)
class Answer:
    """What came back: a value, or the reason why there is none. ``same``: nothing changed since the last request."""

    probe: Probe[Any]
    value: Any = None
    failure: str | None = None
    same: bool = False
    text: str = ""
    """What the host printed, sanitised, where that was wanted."""
    status: int = 0
    """How the section ended on the host."""
    hangs: bool = False
    """There was no answer in time."""


class ProbeShell:
    """One ``sh`` on a host that answers probes. Requests are answered one after the other."""

    def __init__(self, transport: Transport, probes: Sequence[Probe[Any]], *, resident: bool = True) -> None:
        self._transport = transport
        # What is asked of every host from the first; the others follow when they are asked for.
        self._first = tuple(probe for probe in probes if probe.every > 0 and not probe.slow)
        self._defined = {probe.name for probe in self._first}
        self._nonce = secrets.token_hex(8).encode()
        self._channel: Channel | None = None
        self._buffer = bytearray()
        self._sequence = 0
        self._lock = asyncio.Lock()
        self._kept: dict[str, Answer] = {}
        self._abandoned = False
        self.ready = False
        """Whether the shell has said that it is."""
        self._before_resident, self._rest = WARM, REST
        self._resident = resident

    async def start(self) -> None:
        """Open the channel, upload the functions and wait until the shell says that it is ready."""
        await self.begin()
        await self._greeting()

    async def begin(self) -> None:
        """The same without that wait: what is asked meanwhile is on the way behind the functions."""
        self._channel = await self._transport.open(("sh", "-c", BOOT))
        self._channel.write(program(self._first, self._nonce.decode()))

    async def close(self) -> None:
        """End the shell. Never raises."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    @property
    def busy(self) -> bool:
        """Whether what is asked now waits for the answer to something else."""
        return self._lock.locked()

    async def request(self, asks: Sequence[Ask], ready: Callable[[], None] = unheard) -> list[Answer]:
        """Ask for several sections in one round trip; raises ``TransportError`` when the shell is gone.

        A broken section gives an ``Answer`` with a failure and leaves the others alone. ``ready`` is called when the
        shell has started and is about to answer.
        """
        async with self._lock:
            if self._channel is None:
                raise ShellLostError("the probe shell is closed")
            lively = self._for_resident(asks)
            if lively:
                with suppress(TimeoutError):
                    async with asyncio.timeout(RESIDENT_WITHIN):
                        return _in_order(asks, lively, await self._exchange(lively, resident=True))
                self._before_resident, self._rest = self._rest, 4 * self._rest
            return await self._exchange(asks, end_resident=bool(lively), ready=ready)

    def _for_resident(self, asks: Sequence[Ask]) -> list[Ask]:
        """The same with that of the resident process at the end; empty where it is not to be asked."""
        at = next((at for at, ask in enumerate(asks) if ask.probe.resident), None)
        if at is None or not self._resident or asks[at].args or asks[at].verbatim:
            return []
        self._before_resident -= 1
        return [*asks[:at], *asks[at + 1 :], asks[at]] if self._before_resident < 0 else []

    async def request_each(self, asks: Sequence[Ask]) -> AsyncGenerator[Answer, None]:
        """The same in one round trip, each section told as soon as it is there: none waits for those behind it."""
        async with self._lock:
            forgets = self._abandoned
            sent = [(ask, self._send([ask], forget=forgets and at == 0)) for at, ask in enumerate(asks)]
            await self._greeting()
            for ask, sequence in sent:
                body = await self._frame(sequence)
                yield self._answers([ask], body)[0]
            self._abandoned = False

    async def _exchange(
        self,
        asks: Sequence[Ask],
        *,
        resident: bool = False,
        end_resident: bool = False,
        ready: Callable[[], None] = unheard,
    ) -> list[Answer]:
        sequence = self._send(asks, forget=self._abandoned, resident=resident, end_resident=end_resident)
        await self._greeting()
        ready()
        body = await self._frame(sequence)
        self._abandoned = False
        return self._answers(asks, body)

    def _send(self, asks: Sequence[Ask], *, forget: bool, resident: bool = False, end_resident: bool = False) -> int:
        """Write one request; the sequence of its answer. It counts as given up until that was read."""
        if self._channel is None:
            raise ShellLostError("the probe shell is closed")
        self._sequence += 1
        if forget:
            self._kept.clear()
        calls = [(_told(ask), ask.args) for ask in asks]
        line = request(self._sequence, calls, forget=forget, resident=resident, end_resident=end_resident)
        begins = stays(asks[-1].probe) if resident and self._before_resident == -1 else b""
        self._channel.write(definitions(self._new(asks)) + begins + line)
        self._abandoned = True
        return self._sequence

    def _new(self, asks: Sequence[Ask]) -> list[Probe[Any]]:
        """What the shell does not know yet; from now on it does."""
        new = {ask.probe.name: ask.probe for ask in asks if ask.probe.name not in self._defined}
        self._defined |= new.keys()
        return list(new.values())

    async def _fill(self) -> None:
        # Held fast: closed meanwhile it still says why it ended.
        channel = self._channel
        if channel is None:
            raise ShellLostError("the probe shell is closed")
        chunk = await channel.read()
        if not chunk:
            said = sanitise(decode(channel.errors())).strip().replace("\n", " ")[:200]
            raise ShellLostError("the probe shell ended" + (f": {said}" if said else ""))
        self._buffer += chunk
        if len(self._buffer) > MAX_FRAME:
            raise ShellLostError(f"the probe shell sent {len(self._buffer)} bytes without a frame")

    async def _greeting(self) -> None:
        """Read, once, that the shell is ready."""
        if self.ready:
            return
        await self._skip_to_frame()
        await self._frame(0)
        self.ready = True

    async def _skip_to_frame(self) -> None:
        # A login shell's start files may print anything before the program runs.
        mark = self._nonce + b" 0 "
        while (at := self._buffer.find(mark)) < 0:
            await self._fill()
        del self._buffer[:at]

    async def _frame(self, sequence: int) -> bytes:
        while True:
            while (end := self._buffer.find(b"\n")) < 0:
                await self._fill()
            words = bytes(self._buffer[:end]).split()
            number, length = (_number(word) for word in words[1:]) if len(words) == 3 else (None, None)
            if words[:1] != [self._nonce] or number is None or length is None:
                raise ShellLostError(f"the probe shell answered something else: {bytes(self._buffer[:80])!r}")
            if length > MAX_FRAME:
                raise ShellLostError(f"the probe shell announced {length} bytes")
            while len(self._buffer) < end + 1 + length:
                await self._fill()
            body = bytes(self._buffer[end + 1 : end + 1 + length])
            del self._buffer[: end + 1 + length]
            # An older sequence is the answer to a request that was given up.
            if number == sequence:
                return body

    def _answers(self, asks: Sequence[Ask], body: bytes) -> list[Answer]:
        answers = []
        at = 0
        for ask in asks:
            end = body.find(b"\n", at)
            words = body[at:end].split()
            length = _length(words, ask) if end >= 0 else None
            if length is None or end + 1 + length >= len(body):
                raise ShellLostError(f"the probe shell did not answer {ask.probe.name}")
            at = end + 1 + length + 1
            answers.append(self._answer(ask, words[1], body[end + 1 : end + 1 + length]))
        return answers

    def _answer(self, ask: Ask, status: bytes, body: bytes) -> Answer:
        probe = ask.probe
        if status == b"=":
            kept = self._kept.get(probe.name)
            if kept is None:
                raise ShellLostError(f"the probe shell says that {probe.name} did not change, but never told it")
            return Answer(probe, kept.value, kept.failure, same=True)
        text = sanitise(decode(body))
        if status != b"0":
            self._kept.pop(probe.name, None)
            hangs = int(status) == TIMED_OUT
            why = _killed(probe) if hangs and probe.killed_after else failure_line(text, status.decode())
            return Answer(probe, failure=why, status=int(status), hangs=hangs)
        try:
            answer = Answer(probe, probe.parse(text), text=text if ask.verbatim else "")
        except ParseError as error:
            answer = Answer(probe, failure=f"{probe.name}: {error}", text=text if ask.verbatim else "")
        except Exception as error:
            # A fault of ours, which must be seen; what one probe makes of its answer is nothing to the others.
            said = (
                f"{probe.name}: hostdeck could not read the answer, please report it: {type(error).__name__}: {error}"
            )
            answer = Answer(probe, failure=said[:_LONGEST], text=text if ask.verbatim else "")
        if _told(ask).cached:
            self._kept[probe.name] = answer
        return answer


def _killed(probe: Probe[Any]) -> str:
    return f"no answer in {probe.killed_after:g} s: a file system that it looks at may hang, see df"


def _told(ask: Ask) -> Probe[Any]:
    """The probe as it is asked: one whose text is wanted never answers "same"."""
    return replace(ask.probe, cached=False) if ask.verbatim and ask.probe.cached else ask.probe


def _in_order(asks: Sequence[Ask], asked: Sequence[Ask], answers: Sequence[Answer]) -> list[Answer]:
    """The answers in the order of ``asks``, which were asked in another."""
    of = {id(ask): answer for ask, answer in zip(asked, answers, strict=True)}
    return [of[id(ask)] for ask in asks]


def _length(words: list[bytes], ask: Ask) -> int | None:
    """The length of an answer from its head; ``None`` where it is the head of no answer to this."""
    if len(words) != 3 or words[0] != ask.probe.name.encode():
        return None
    return _number(words[2]) if words[1] == b"=" or _number(words[1]) is not None else None


def _number(word: bytes) -> int | None:
    """A count as the shell writes it; a word of thousands of digits is none."""
    return int(word) if word.isdigit() and len(word) <= _DIGITS else None


def failure_line(stderr: str, status: str) -> str:
    """The last thing said on standard error, as one line; the exit status where nothing was said."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if not lines and status == str(TIMED_OUT):
        return "it had no answer in its time and was ended on the host"
    return lines[-1][:_LONGEST] if lines else f"exit status {status}"
