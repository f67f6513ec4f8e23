"""Several logs as one."""

from collections.abc import AsyncIterator

import pytest

from console.cli.streams import last, merged, ordered
from console.core.snapshot import LogLine
from console.remote.transport import TransportError


async def log(*messages: str, lost: bool = False) -> AsyncIterator[LogLine]:
    for message in messages:
        yield LogLine("h", "s", "journal", message)
    if lost:
        raise TransportError("lost", "the link is lost")


async def test_logs_that_end_are_put_in_the_order_of_time() -> None:
    async def timed(*times: float | None) -> AsyncIterator[LogLine]:
        for at in times:
            yield LogLine("h", "s", "journal", str(at), at=at)

    found = [line.message async for line in ordered([timed(1.0, None, 5.0), timed(2.0, 4.0)])]
    assert found == ["1.0", "None", "2.0", "4.0", "5.0"]


@pytest.mark.parametrize("logs", [1, 3])
async def test_as_they_come(logs: int) -> None:
    found = [line.message async for line in merged([log("a", "b") for _ in range(logs)])]
    assert sorted(found) == ["a"] * logs + ["b"] * logs


async def test_a_lost_link_is_told_after_what_came() -> None:
    found = []

    async def take() -> None:
        async for line in merged([log("a", lost=True), log("b")]):
            found.append(line.message)

    with pytest.raises(TransportError, match="the link is lost"):
        await take()
    assert sorted(found) == ["a", "b"]


async def test_the_last_lines() -> None:
    assert [line.message async for line in last(log("a", "b", "c"), 2)] == ["b", "c"]
    assert [line.message async for line in last(log("a"), 0)] == []
