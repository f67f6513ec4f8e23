"""Several logs as one."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from operator import itemgetter

from console.core.moments import plausible
from console.core.snapshot import LogLine


def when(line: LogLine) -> float | None:
    """When the line was written, in Unix seconds, where that is known and can be shown."""
    return plausible(line.at)


async def ordered(logs: Sequence[AsyncIterator[LogLine]]) -> list[LogLine]:
    """The lines of logs that end, by their time; a line without one stays behind the line before it in its file.

    What comes of one source stays as it came: who wrote it knew the order.
    """
    timed: list[tuple[float, LogLine]] = []
    for log in logs:
        times: dict[str, float] = {}
        async for line in log:
            at = times[line.source] = when(line) or times.get(line.source, 0.0)
            timed.append((at, line))
    if len({line.source for _, line in timed}) > 1:
        timed.sort(key=itemgetter(0))
    return [line for _, line in timed]


def last(lines: Sequence[LogLine], count: int, untimed: int) -> list[LogLine]:
    """The last so many lines; of each file without times, which has no place among the others, the last ``untimed``."""
    without = sources_without_times(lines)
    left = dict.fromkeys(without, untimed)
    kept: list[LogLine] = []
    for line in reversed(lines):
        if line.source in left:
            left[line.source] -= 1
            wanted = left[line.source] >= 0
        else:
            count -= 1
            wanted = count >= 0
        if wanted:
            kept.append(line)
    return kept[::-1]


def sources_without_times(lines: Collection[LogLine]) -> tuple[str, ...]:
    """Where no line has a time, in the order in which they come."""
    sources = {line.source: False for line in lines if line.untimed}
    for line in lines:
        if line.source in sources and line.at is not None:
            sources[line.source] = True
    return tuple(source for source, timed in sources.items() if not timed)


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
