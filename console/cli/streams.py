"""Several logs as one."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from operator import itemgetter

from console.core.moments import plausible
from console.core.snapshot import LogLine


def when(line: LogLine) -> float | None:
    """When the line was written, in Unix seconds: by the journal, else by what a structured line says itself."""
    if line.at is not None:
        return plausible(line.at)
    text = next((value for name, value in line.fields if name in {"time", "ts", "timestamp", "@timestamp"}), "")
    try:
        at = datetime.fromisoformat(text)
        return plausible(at.timestamp()) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


async def ordered(logs: Sequence[AsyncIterator[LogLine]]) -> AsyncIterator[LogLine]:
    """The lines of several logs that end, by their time; a line without one stays behind the line before it."""
    if len(logs) == 1:
        async for line in logs[0]:
            yield line
        return
    timed: list[tuple[float, LogLine]] = []
    for log in logs:
        at = 0.0
        async for line in log:
            known = when(line)
            at = at if known is None else known
            timed.append((at, line))
    for _, line in sorted(timed, key=itemgetter(0)):
        yield line


async def last(lines: AsyncIterator[LogLine], count: int) -> AsyncIterator[LogLine]:
    """The last so many lines, once the log has ended."""
    kept: deque[LogLine] = deque(maxlen=count)
    async for line in lines:
        kept.append(line)
    for line in kept:
        yield line


async def merged(logs: Sequence[AsyncIterator[LogLine]]) -> AsyncIterator[LogLine]:
    """The lines of several logs as they come."""
    if len(logs) == 1:
        async for line in logs[0]:
            yield line
        return
    waiting: asyncio.Queue[LogLine | None] = asyncio.Queue(1000)

    async def take(log: AsyncIterator[LogLine]) -> None:
        async for line in log:
            await waiting.put(line)

    async def take_all() -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for log in logs:
                    tasks.create_task(take(log))
        finally:
            await waiting.put(None)

    taker = asyncio.create_task(take_all())
    try:
        while (found := await waiting.get()) is not None:
            yield found
        await _first_error(taker)
    finally:
        taker.cancel()


async def _first_error(taker: asyncio.Task[None]) -> None:
    try:
        await taker
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
