"""Following a service's log: one channel, lines cut and sanitised, floods counted instead of queued."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace

from console.core.command import Command
from console.core.log_text import service_line
from console.core.service import Service, ServiceRef
from console.core.snapshot import LogLine
from console.core.text import Masker, decode, sanitise
from console.managers import manager
from console.managers.base import FileLogSource, LogSource
from console.remote.log_times import TimedLines, with_times
from console.remote.transport import Channel, TransportError

ReadLine = Callable[[str], LogLine | None]

MAX_LINE = 64 * 1024
"""Bytes of one line that are kept; the rest is counted."""
FLOOD_BYTES = 2 * 1024 * 1024
FLOOD_WINDOW = 0.1
"""At most so many bytes are taken in so many seconds."""
MAX_WAITING = 20_000
"""Lines that may wait to be taken; older ones are dropped and counted."""


class LineSplitter:
    """Cuts a stream of bytes into lines; a line that is too long is cut and says how many bytes are missing."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._over = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that are whole now, without their newline."""
        *whole, rest = chunk.split(b"\n")
        lines = []
        for part in whole:
            self._keep(part)
            lines.append(self._take())
        self._keep(rest)
        return lines

    def end(self) -> list[bytes]:
        """What is left when the stream ended without a newline."""
        return [self._take()] if self._rest else []

    def _keep(self, part: bytes) -> None:
        room = self._limit - len(self._rest)
        self._rest += part[:room]
        self._over += max(0, len(part) - room)

    def _take(self) -> bytes:
        line = bytes(self._rest)
        if self._over:
            line += b" [%d bytes cut]" % self._over
        self._rest.clear()
        self._over = 0
        return line


class LogFollower:
    """One followed log: a reader that never waits for the screen, and what it has for the screen."""

    def __init__(self, channel: Channel, read_line: ReadLine) -> None:
        self._channel = channel
        self._read_line = read_line
        self._waiting: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._dropped = 0
        self._some = asyncio.Event()
        self._ended = False
        self._lost: TransportError | None = None
        self._reader = asyncio.create_task(self._read())

    async def lines(self) -> AsyncIterator[LogLine]:
        """Lines as they come; ends when the program ends; raises ``TransportError`` when the link is lost."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._waiting:
                line = self._next()
                if line is not None:
                    yield line
            if self._ended and not self._waiting:
                if self._lost is not None:
                    raise self._lost
                return

    async def close(self) -> None:
        """End the program on the host. Never raises."""
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader
        await self._channel.close()

    def _next(self) -> LogLine | None:
        line = self._read_line(sanitise(decode(self._waiting.popleft())))
        if line is not None and self._dropped:
            line = replace(line, dropped=self._dropped)
            self._dropped = 0
        return line

    async def _read(self) -> None:
        splitter = LineSplitter()
        taken, began = 0, time.monotonic()
        try:
            while chunk := await self._channel.read():
                self._keep(splitter.feed(chunk))
                taken += len(chunk)
                if taken > FLOOD_BYTES:
                    # Not reading is what slows a flood down: the window fills and the program on the host waits.
                    await asyncio.sleep(max(0.0, FLOOD_WINDOW - (time.monotonic() - began)))
                    taken, began = 0, time.monotonic()
            self._keep(splitter.end())
            if self._channel.exit not in (0, None) and (said := sanitise(decode(self._channel.errors())).strip()):
                self._lost = TransportError("log", said.splitlines()[-1][:300], retry=False)
        except TransportError as error:
            self._lost = error
        except Exception as error:
            self._lost = TransportError(
                "internal", f"reading the log failed: {type(error).__name__}: {error}", retry=False
            )
        finally:
            self._ended = True
            self._some.set()

    def _keep(self, lines: list[bytes]) -> None:
        if not lines:
            return
        self._dropped += max(0, len(self._waiting) + len(lines) - MAX_WAITING)
        self._waiting.extend(lines)
        self._some.set()


async def follow(channel: Channel, read_line: ReadLine) -> AsyncGenerator[LogLine, None]:
    """Lines of a running program as they come; see ``LogFollower.lines``."""
    follower = LogFollower(channel, read_line)
    try:
        async for line in follower.lines():
            yield line
    finally:
        await follower.close()


def timed_source(
    service: Service, *, lines: int, since: float | None, follow: bool, file: str, now: float, untimed: int
) -> tuple[Command, ReadLine]:
    """The same as ``source``, with the times that lines of files have. ``now`` is the host's clock.

    Of a file without times its last ``untimed`` lines are what is younger than ``since``.
    """
    command, read_line = source(service, lines=lines, since=since, follow=follow, file=file)
    found = manager(service.ref.manager)
    if not file and not isinstance(found, FileLogSource):
        return command, read_line
    names = found.log_paths(service) if isinstance(found, FileLogSource) and not file else (file,)
    reader = TimedLines(read_line, names, now=now, since=since, untimed=untimed)
    return with_times(command, reader.paths, lines), reader


def source(
    service: Service, *, lines: int, since: float | None, follow: bool, file: str = ""
) -> tuple[Command, ReadLine]:
    """The command that prints a log, and how its lines are read; raises ``TransportError`` when there is none."""
    ref = service.ref
    if file:
        return tail(file, lines=lines, follow=follow), _file_reader(ref, file)
    found = manager(ref.manager)
    if not isinstance(found, LogSource):
        raise TransportError("config", f"{ref}: {ref.manager} keeps no log that can be followed", retry=False)
    try:
        command = found.log_command(service, lines=lines, since=since, follow=follow)
    except ValueError as error:
        raise TransportError("log", f"{ref}: {error}", retry=False) from None
    paths = found.log_paths(service) if isinstance(found, FileLogSource) else ()
    return command, _manager_reader(ref, found, paths)


def tail(file: str, *, lines: int, follow: bool) -> Command:
    """``tail``; with ``follow`` it goes on through rotation and waits for a file that does not exist yet."""
    words = ("tail", "-n", str(lines), *(("-F",) if follow else ()), "--", file)
    return Command(words, purpose=f"read {file}")


def _manager_reader(ref: ServiceRef, source: LogSource, paths: tuple[str, ...]) -> ReadLine:
    """Masked once the line is taken apart: masking JSON as it stands could break it. A key is one process's.

    ``paths`` are the files it may come from: ``tail`` prints before the lines of each which one that is.
    """
    maskers: dict[tuple[str, int | None], Masker] = defaultdict(Masker)
    heads = {f"==> {path} <==": path for path in paths} if len(paths) > 1 else {}
    path = paths[0] if len(paths) == 1 else ""

    def read(text: str) -> LogLine | None:
        nonlocal path
        if text in heads:
            path = heads[text]
            return None
        line = source.log_line(ref, text)
        if line is None:
            return None
        return replace(line, message=maskers[path, line.pid].mask(line.message), source=path or line.source)

    return read


def _file_reader(ref: ServiceRef, file: str) -> ReadLine:
    masker = Masker()

    def read(raw: str) -> LogLine | None:
        return service_line(ref, file, masker.mask(raw))

    return read
