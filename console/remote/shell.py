"""The persistent probe shell: one channel, functions uploaded once, framed requests."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from console.core.probe import ParseError, Probe
from console.core.text import decode, sanitise
from console.remote.probe_program import BOOT, definitions, program, request
from console.remote.transport import Channel, Transport, TransportError

MAX_FRAME = 16 * 1024 * 1024
"""Bytes; a larger answer is not one of ours."""

_DIGITS = 18


class ShellLostError(TransportError):
    """The probe shell ended or answered something that is no frame."""

    def __init__(self, message: str) -> None:
        super().__init__("lost", message)


@dataclass(slots=True)
class Ask:
    """A probe and its arguments."""

    probe: Probe[Any]
    args: tuple[str, ...] = ()


@dataclass(slots=True)
class Answer:
    """What came back: a value, or the reason why there is none. ``same``: nothing changed since the last request."""

    probe: Probe[Any]
    value: Any = None
    failure: str | None = None
    same: bool = False


class ProbeShell:
    """One ``sh`` on a host that answers probes. Requests are answered one after the other."""

    def __init__(self, transport: Transport, probes: Sequence[Probe[Any]]) -> None:
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

    async def start(self) -> None:
        """Open the channel, upload the functions and wait until the shell says that it is ready."""
        self._channel = await self._transport.open(("sh", "-c", BOOT))
        self._channel.write(program(self._first, self._nonce.decode()))
        await self._skip_to_frame()
        await self._frame(0)

    async def close(self) -> None:
        """End the shell. Never raises."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    async def request(self, asks: Sequence[Ask]) -> list[Answer]:
        """Ask for several sections in one round trip; raises ``TransportError`` when the shell is gone.

        A broken section gives an ``Answer`` with a failure and leaves the others alone.
        """
        async with self._lock:
            if self._channel is None:
                raise ShellLostError("the probe shell is closed")
            self._sequence += 1
            if self._abandoned:
                self._kept.clear()
            calls = [(ask.probe, ask.args) for ask in asks]
            line = request(self._sequence, calls, forget=self._abandoned)
            self._channel.write(definitions(self._new(asks)) + line)
            self._abandoned = True
            body = await self._frame(self._sequence)
            self._abandoned = False
        return self._answers(asks, body)

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
            return Answer(probe, failure=failure_line(text, status.decode()))
        try:
            answer = Answer(probe, probe.parse(text))
        except ParseError as error:
            answer = Answer(probe, failure=f"{probe.name}: {error}")
        if probe.cached:
            self._kept[probe.name] = answer
        return answer


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
    return lines[-1][:300] if lines else f"exit status {status}"
