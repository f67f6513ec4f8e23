"""A transport to a demo host: it speaks the probe shell's protocol and renders what the real tools would print."""

import asyncio
import shlex
from collections.abc import Callable

from console.core.command import Command, Output
from console.demo.answers import answer
from console.demo.world import DemoHost
from console.remote.probe_program import END
from console.remote.transport import Channel, TransportError

Clock = Callable[[], float]
"""Seconds since the demo began."""


class DemoTransport:
    """A way to a demo host. Nothing leaves the process."""

    def __init__(self, host: DemoHost, clock: Clock, delay: float = 0.02) -> None:
        self._host = host
        self._clock = clock
        self._delay = delay
        self._connected = False

    @property
    def host(self) -> str:
        """The host's name in the console."""
        return self._host.name

    @property
    def connected(self) -> bool:
        """Whether ``connect`` was called."""
        return self._connected

    async def connect(self) -> None:
        """Be connected."""
        await asyncio.sleep(self._delay)
        self._connected = True

    async def close(self) -> None:
        """Be disconnected."""
        self._connected = False

    async def open(self, argv: tuple[str, ...]) -> Channel:
        """Start the probe shell, or a log that is followed."""
        if "journalctl" in argv:
            return _LogChannel(self._host, self._clock, argv)
        if argv[:2] == ("sh", "-c"):
            return _ShellChannel(self._host, self._clock, self._delay)
        raise TransportError("config", f"the demo has no {argv[0]}", retry=False)

    async def run(self, command: Command, stdin: bytes = b"") -> Output:
        """Nothing can be run in the demo besides plans."""
        return Output(127, "", f"the demo has no {command.argv[0]}")


class _DemoChannel:
    def __init__(self) -> None:
        self._ready: asyncio.Queue[bytes] = asyncio.Queue()

    def write(self, data: bytes) -> None:
        """Take input."""

    async def read(self) -> bytes:
        """The next output."""
        return await self._ready.get()

    def errors(self) -> bytes:
        """Nothing ever."""
        return b""

    async def close(self) -> None:
        """End the output."""
        self._ready.put_nowait(b"")

    @property
    def exit(self) -> int | None:
        """Never known."""
        return None


class _ShellChannel(_DemoChannel):
    """Understands what ``probe_program`` sends."""

    def __init__(self, host: DemoHost, clock: Clock, delay: float) -> None:
        super().__init__()
        self._host = host
        self._clock = clock
        self._delay = delay
        self._nonce = ""
        self._defining = False
        self._resident = ""
        self._input = b""
        self._kept: dict[str, tuple[tuple[str, ...], str]] = {}

    def write(self, data: bytes) -> None:
        self._input += data
        if not self._nonce:
            program, end, rest = self._input.partition(f"{END}\n".encode())
            if not end:
                return
            self._nonce = shlex.split(program.decode().partition("\n")[0].partition("=")[2])[0]
            self._ready.put_nowait(f"{self._nonce} 0 0\n".encode())
            self._input = rest
        *lines, self._input = self._input.split(b"\n")
        for line in self._requests(lines):
            asyncio.get_running_loop().call_later(self._delay, self._answer, line.decode())

    def _requests(self, lines: list[bytes]) -> list[bytes]:
        """The lines that ask; those between "+" and the end of the functions only define."""
        found = []
        for line in lines:
            if self._defining:
                self._defining = line != END.encode()
                if line.startswith(b"hd_resident="):
                    self._resident = line.partition(b"=")[2].decode()
            elif line == b"+":
                self._defining = True
            else:
                found.append(line)
        return found

    def _answer(self, line: str) -> None:
        self._host.clock = self._clock()
        out = b""
        for call in _calls(line):
            if call[0] == "z":
                self._kept.clear()
            elif call[0] in ("w", "v"):
                if call[0] == "v":
                    out += self._section(False, self._resident, ())
                self._ready.put_nowait(f"{self._nonce} {call[1]} {len(out)}\n".encode() + out)
            elif call[0] in ("k", "q"):
                out += self._section(call[0] == "k", call[1], tuple(call[2:]))

    def _section(self, cached: bool, name: str, args: tuple[str, ...]) -> bytes:
        status, text = answer(self._host, name, args)
        if cached and status == "0":
            if self._kept.get(name) == (args, text):
                status, text = "=", ""
            else:
                self._kept[name] = (args, text)
        body = text.encode()
        return f"{name} {status} {len(body)}\n".encode() + body + b"\n"


class _LogChannel(_DemoChannel):
    """``journalctl`` of one unit: what is there, and with ``-f`` what comes."""

    def __init__(self, host: DemoHost, clock: Clock, argv: tuple[str, ...]) -> None:
        super().__init__()
        self._host = host
        self._clock = clock
        self._unit = next((word.partition("=")[2] for word in argv if word.startswith("--unit=")), "")
        self._told = 0
        self._follow = "-f" in argv or "--follow" in argv
        self._timer: asyncio.TimerHandle | None = None
        self._tell()

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await super().close()

    def _tell(self) -> None:
        status, text = answer(self._host, "systemd_journal", (self._unit,))
        lines = [line for line in text.split("\n") if line.startswith("{")] if status == "0" else []
        if fresh := lines[self._told :]:
            self._ready.put_nowait("".join(f"{line}\n" for line in fresh).encode())
            self._told = len(lines)
        if self._follow:
            self._timer = asyncio.get_running_loop().call_later(0.5, self._tell)
        else:
            self._ready.put_nowait(b"")


def _calls(line: str) -> list[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";")
    lexer.whitespace_split = True
    calls: list[list[str]] = [[]]
    for word in lexer:
        if word == ";":
            calls.append([])
        else:
            calls[-1].append(word)
    return [call for call in calls if call]
