"""A host that exists only in a script, for unit tests: strict about what is called and about what is not.

    script = [
        Run(("systemctl", "restart", "api.service"), Output(0)),
        Open(("sh",), Expect(b"uptime\\n"), Say(b"up 3 days\\n"), End(0)),
    ]
    async with ScriptedTransport("web1", script) as host:
        ...

Leaving the block fails when something of the script was not called; every call that is not in it fails at once, and
again at the end in case somebody swallowed the failure.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn, Self

from console.core.command import Command, Output
from console.remote.chunks import Chunks
from console.remote.transport import Channel, TransportError

Words = tuple[str, ...]


class ScriptError(AssertionError):
    """The code under test did something else than the script says."""


@dataclass(frozen=True, slots=True)
class Run:
    """``run`` is called with this argument vector; the answer is an output or an error."""

    argv: Words
    answer: Output | TransportError
    stdin: bytes | None = None
    """Checked where it is given."""


@dataclass(frozen=True, slots=True)
class Expect:
    """The program is written exactly these bytes, or bytes that match this pattern."""

    what: bytes | re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class Say:
    """The program prints this, or what is made of the bytes that were expected last."""

    what: bytes | Callable[[bytes], bytes]
    error: bool = False
    """On standard error."""


@dataclass(frozen=True, slots=True)
class End:
    """The program ends."""

    exit: int = 0


@dataclass(frozen=True, slots=True)
class Lose:
    """The link is lost."""

    error: TransportError


Step = Expect | Say | End | Lose


class Open:
    """``open`` is called with this argument vector; then the steps happen in their order."""

    def __init__(self, argv: Words, *steps: Step) -> None:
        self.argv = argv
        self.steps = steps

    def __repr__(self) -> str:
        return f"Open({self.argv!r}, {len(self.steps)} steps)"


@dataclass(frozen=True, slots=True)
class Refuse:
    """``open`` is called with this argument vector and fails."""

    argv: Words
    error: TransportError


Call = Run | Open | Refuse


class ScriptedChannel:
    """A program that says what its script says."""

    def __init__(self, transport: "ScriptedTransport", script: Open) -> None:
        self._transport = transport
        self._argv = script.argv
        self._steps = list(script.steps)
        self._written = b""
        self._last = b""
        self._chunks = Chunks()
        self._exit: int | None = None
        self.closed = False
        self._go_on()

    def write(self, data: bytes) -> None:
        """Check the bytes against the script and go on with it."""
        if self.closed:
            self._transport.fail(f"{self._argv}: {data!r} was written after the channel was closed")
        self._written += data
        self._go_on()

    async def read(self) -> bytes:
        """Return what the script said since the last call."""
        return await self._chunks.read()

    def errors(self) -> bytes:
        """The last 4 KiB of standard error."""
        return self._chunks.errors()

    @property
    def exit(self) -> int | None:
        """The exit status of the script's ``End``."""
        return self._exit

    async def close(self) -> None:
        """End the program."""
        self.closed = True
        self._chunks.end()

    def missing(self) -> str | None:
        """What has not happened, in words."""
        if self._written:
            return f"{self._argv}: {self._written[:200]!r} was written, expected {self._next()}"
        return f"{self._argv}: never written: {self._next()}" if self._steps else None

    def _next(self) -> str:
        return repr(self._steps[0]) if self._steps else "nothing more"

    def _go_on(self) -> None:
        while self._steps:
            step = self._steps[0]
            if isinstance(step, Expect):
                if not self._met(step.what):
                    return
            elif isinstance(step, Say):
                said = step.what if isinstance(step.what, bytes) else step.what(self._last)
                (self._chunks.feed_error if step.error else self._chunks.feed)(said)
            elif isinstance(step, End):
                self._exit = step.exit
                self._chunks.end()
            else:
                self.lose(step.error)
                self._transport.lose(step.error)
            del self._steps[0]
        if self._written and self._exit is None and not self._chunks.ended:
            self._transport.fail(f"{self._argv}: {self._written[:200]!r} was written, expected nothing more")

    def _met(self, what: bytes | re.Pattern[bytes]) -> bool:
        if isinstance(what, bytes):
            size = min(len(what), len(self._written))
            if self._written[:size] != what[:size]:
                self._transport.fail(f"{self._argv}: {self._written[:200]!r} was written, expected {what[:200]!r}")
            found = size if size == len(what) else None
        else:
            match = what.match(self._written)
            found = match.end() if match is not None else None
        if found is None:
            return False
        self._last, self._written = self._written[:found], self._written[found:]
        return True

    def lose(self, error: TransportError) -> None:
        """The link is lost."""
        self._chunks.end(error)


class ScriptedTransport:
    """A ``Transport`` that follows a script.

    ``connects`` are the outcomes of ``connect`` in their order: an error, or ``None`` for success; after the last one
    it succeeds. With ``ordered=False`` calls may come in any order, as those of two lanes do.
    """

    def __init__(
        self,
        host: str,
        script: Sequence[Call] = (),
        *,
        connects: Sequence[TransportError | None] = (),
        ordered: bool = True,
    ) -> None:
        self._host = host
        self._script = list(script)
        self._connects = list(connects)
        self._ordered = ordered
        self._connected = False
        self._failures: list[str] = []
        self.channels: list[ScriptedChannel] = []
        """Every channel that was opened."""

    @property
    def host(self) -> str:
        """The host's name."""
        return self._host

    @property
    def connected(self) -> bool:
        """Whether ``connect`` succeeded and the link was not lost or closed since."""
        return self._connected

    async def connect(self) -> None:
        """Succeed or fail as ``connects`` says."""
        outcome = self._connects.pop(0) if self._connects else None
        if outcome is not None:
            raise outcome
        self._connected = True

    async def close(self) -> None:
        """Close every channel."""
        self._connected = False
        for channel in self.channels:
            await channel.close()

    async def open(self, argv: Words) -> Channel:
        """Give the channel of the script's next call."""
        call = self._take("open", argv)
        if isinstance(call, Refuse):
            raise call.error
        if not isinstance(call, Open):
            self.fail(f"open of {argv}, expected {call}")
        channel = ScriptedChannel(self, call)
        self.channels.append(channel)
        return channel

    async def run(self, command: Command, stdin: bytes = b"") -> Output:
        """Give the answer of the script's next call. Elevation is seen in the argument vector."""
        argv = command.words(root=False)
        call = self._take("run", argv)
        if not isinstance(call, Run):
            self.fail(f"run of {argv}, expected {call}")
        if call.stdin is not None and call.stdin != stdin:
            self.fail(f"run of {argv} with the input {stdin[:200]!r}, expected {call.stdin[:200]!r}")
        if isinstance(call.answer, TransportError):
            raise call.answer
        return call.answer

    def lose(self, error: TransportError) -> None:
        """Lose the link, as a step of a script does."""
        self._connected = False
        for channel in self.channels:
            channel.lose(error)

    def fail(self, message: str) -> NoReturn:
        """Note a failure for ``verify`` and raise it."""
        self._failures.append(f"{self._host}: {message}")
        raise ScriptError(self._failures[-1])

    def verify(self) -> None:
        """Fail when anything went another way than the script, or not at all."""
        left = [f"{self._host}: never called: {call}" for call in self._script]
        left += [f"{self._host}: connect was never called for the outcome {outcome!r}" for outcome in self._connects]
        for channel in self.channels:
            missing = channel.missing()
            if missing is not None:
                left.append(f"{self._host}: {missing}")
        if self._failures or left:
            raise ScriptError("\n".join([*self._failures, *left]))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
        # What the block raised is the cause; that calls are missing then is only its consequence.
        if error is None:
            self.verify()

    def _take(self, verb: str, argv: Words) -> Call:
        if not self._connected:
            self.fail(f"{verb} of {argv} without a connection")
        allowed = self._script[:1] if self._ordered else self._script
        fits = (at for at, call in enumerate(allowed) if call.argv == argv and (verb == "run") == isinstance(call, Run))
        found = next(fits, None)
        if found is None:
            self.fail(f"{verb} of {argv}, expected {self._script[0] if self._script else 'nothing more'}")
        return self._script.pop(found)
