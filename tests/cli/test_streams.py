"""Several logs as one."""

from collections.abc import AsyncIterator

import pytest

from console.cli.streams import last, merged, ordered, sources_without_times
from console.core.snapshot import LogLine
from console.remote.transport import TransportError


async def log(*messages: str, lost: bool = False) -> AsyncIterator[LogLine]:
    for message in messages:
        yield LogLine("h", "s", "journal", message)
    if lost:
        raise TransportError("lost", "the link is lost")


async def test_logs_that_end_are_put_in_the_order_of_time() -> None:
    async def timed(source: str, *times: float | None) -> AsyncIterator[LogLine]:
        for at in times:
            yield LogLine("h", "s", source, str(at), at=at)

    found = [line.message for line in await ordered([timed("a", 1.0, None, 5.0), timed("b", 2.0, 4.0)])]
    assert found == ["1.0", "None", "2.0", "4.0", "5.0"]
    found = [line.message for line in await ordered([timed("a", 5.0, 1.0)])]
    assert found == ["5.0", "1.0"], "who wrote one log knew its order"


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


def lines(source: str, *messages: str, at: float | None = 1.0) -> list[LogLine]:
    return [LogLine("h", "s", source, message, at=at, untimed=at is None) for message in messages]


def test_the_last_lines() -> None:
    assert [line.message for line in last(lines("a", "a", "b", "c"), 2, 9)] == ["b", "c"]
    assert last(lines("a", "a"), 0, 9) == []


def test_the_last_lines_of_a_file_without_times_are_not_pushed_out_by_others() -> None:
    found = last([*lines("err", "x", "y", "z", at=None), *lines("out", "a", "b", "c")], 2, 2)
    assert [line.message for line in found] == ["y", "z", "b", "c"]


def test_a_file_whose_first_lines_only_have_no_time_has_times() -> None:
    assert sources_without_times([*lines("a", "x", at=None), *lines("b", "x", at=None), *lines("b", "y")]) == ("a",)
