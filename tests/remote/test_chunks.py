"""What a program says, cut in any way, is read whole and once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.remote.chunks import ERRORS_KEPT, HIGH_WATER, NOISE_LIMIT, Chunks
from console.remote.transport import TransportError, backoff


async def everything(chunks: Chunks) -> bytes:
    data = b""
    while chunk := await chunks.read():
        data += chunk
    return data


async def test_chunks_come_together_and_end() -> None:
    chunks = Chunks()
    chunks.feed(b"a")
    chunks.feed(b"b")
    assert await chunks.read() == b"ab"
    reading = asyncio.create_task(chunks.read())
    await asyncio.sleep(0)
    chunks.feed(b"c")
    assert await reading == b"c"
    chunks.end()
    assert await chunks.read() == b""
    assert await chunks.read() == b""


async def test_what_came_before_a_failure_is_read_first() -> None:
    chunks = Chunks()
    chunks.feed(b"last words")
    chunks.end(TransportError("lost", "gone"))
    chunks.end()
    assert await chunks.read() == b"last words"
    for _ in range(2):
        with pytest.raises(TransportError, match="gone"):
            await chunks.read()


async def test_a_reader_that_gives_up_loses_nothing() -> None:
    chunks = Chunks()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await chunks.read()
    chunks.feed(b"late")
    assert await chunks.read() == b"late"


async def test_the_sender_waits_while_nobody_reads() -> None:
    flow: list[bool] = []
    chunks = Chunks(flow=flow.append)
    chunks.feed(b"x" * (HIGH_WATER + 1))
    chunks.feed(b"x")
    assert flow == [False]
    assert len(await chunks.read()) == HIGH_WATER + 2
    assert flow == [False, True]


@given(
    noise=st.binary(max_size=50),
    output=st.binary(max_size=50),
    cuts=st.lists(st.integers(0, 130), max_size=6).map(sorted),
)
def test_noise_before_the_mark_is_dropped_wherever_the_chunks_are_cut(
    noise: bytes, output: bytes, cuts: list[int]
) -> None:
    mark = b"0123456789abcdef\n"
    whole = noise + mark + output

    async def feed() -> tuple[bytes, bytes]:
        chunks = Chunks(mark)
        for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            chunks.feed(whole[start:end])
            chunks.feed_error(whole[start:end])
        chunks.end()
        return await everything(chunks), chunks.errors()

    assert asyncio.run(feed()) == (output, output)


async def test_a_login_shell_that_runs_nothing_is_told_with_its_last_words() -> None:
    chunks = Chunks(b"mark\n")
    chunks.feed(b"Hi!\nThis account is \x1b[31mnot available.\n")
    chunks.end()
    with pytest.raises(TransportError, match=r"before our command ran: This account is not available\.$") as refused:
        await chunks.read()
    assert refused.value.code == "shell"


async def test_endless_noise_is_not_collected() -> None:
    chunks = Chunks(b"mark\n")
    chunks.feed(b"y\n" * NOISE_LIMIT)
    with pytest.raises(TransportError, match="instead of our command"):
        await chunks.read()


def test_only_the_last_errors_are_kept() -> None:
    chunks = Chunks()
    for number in range(10_000):
        chunks.feed_error(b"%d\n" % number)
    assert len(chunks.errors()) == ERRORS_KEPT
    assert chunks.errors().endswith(b"\n9999\n")


@given(st.integers(-1, 10_000), st.floats(0, 1))
def test_the_wait_between_attempts_grows_and_stays_within_half_a_minute(attempt: int, random: float) -> None:
    wait = backoff(attempt, random)
    assert 0.5 <= wait <= 30
    assert backoff(attempt + 1, random) >= wait
