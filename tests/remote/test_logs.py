"""Following a log: hostile lines, endless lines, floods, endings."""

import asyncio
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.service import Service, ServiceRef, State
from console.core.snapshot import LogLine
from console.remote.logs import MAX_WAITING, LineSplitter, follow, source
from console.remote.transport import TransportError

REF = ServiceRef("web1", "systemd", "api.service")
SERVICE = Service(REF, State.UNKNOWN, "not asked")


class FakeChannel:
    """A program that says these chunks and then ends, or loses the link."""

    def __init__(self, *chunks: bytes, exit_status: int = 0, stderr: bytes = b"", lost: bool = False) -> None:
        self._chunks = list(chunks)
        self._stderr = stderr
        self._lost = lost
        self.exit: int | None = exit_status
        self.closed = False

    def write(self, data: bytes) -> None:
        raise AssertionError(data)

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        if self._chunks:
            return self._chunks.pop(0)
        if self._lost:
            raise TransportError("lost", "the link died")
        return b""

    def errors(self) -> bytes:
        return self._stderr

    async def close(self) -> None:
        self.closed = True


async def lines_of(channel: FakeChannel) -> list[LogLine]:
    _, read_line = source(SERVICE, lines=10, since=None, follow=False, file="/var/log/api.log")
    return [line async for line in follow(channel, read_line)]


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 20))
def test_lines_are_the_same_however_the_bytes_arrive(parts: list[bytes], size: int) -> None:
    whole = b"\n".join(parts)
    splitter = LineSplitter()
    found = []
    for at in range(0, len(whole), size):
        found += splitter.feed(whole[at : at + size])
    found += splitter.end()
    expected = whole.split(b"\n")
    assert found == (expected if expected[-1] else expected[:-1])


def test_a_line_of_10_mb_is_cut_with_its_count_and_takes_no_memory() -> None:
    splitter = LineSplitter()
    chunk = b"x" * 65536
    tracemalloc.start()
    for _ in range(160):
        assert splitter.feed(chunk) == []
    [line] = splitter.feed(b"\n")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert line == b"x" * 65536 + b" [10420224 bytes cut]"
    assert peak < 4 * 1024 * 1024


async def test_what_a_terminal_would_obey_and_secrets_do_not_come_through() -> None:
    channel = FakeChannel(b"a\x1b]0;own\x07b\xff\x9b2J\nlogin password=hunter2 ok\n")
    first, second = await lines_of(channel)
    assert first.message == "ab\ufffd\ufffd2J"
    assert "hunter2" not in second.message
    assert (first.service, first.source) == ("api.service", "/var/log/api.log")


async def test_a_private_key_that_comes_line_by_line_is_hidden() -> None:
    key = (
        b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nc2VjcmV0c2VjcmV0\n-----END PRIVATE KEY-----\nafter\n"
    )
    found = await lines_of(FakeChannel(key))
    told = "\n".join(line.message for line in found)
    assert "MIIEvQ" not in told
    assert "c2VjcmV0" not in told
    assert found[-1].message == "after"


async def test_the_level_and_the_message_of_a_line_in_json_are_found() -> None:
    [line] = await lines_of(FakeChannel(b'{"level":"error","msg":"no disk","port":8080}\n'))
    assert (line.level, line.message, line.fields) == ("error", "no disk", (("port", "8080"),))


async def test_a_flood_is_counted_and_not_queued() -> None:
    count = MAX_WAITING * 3
    found = await lines_of(FakeChannel(b"y\n" * count))
    assert len(found) + sum(line.dropped for line in found) == count
    assert len(found) <= MAX_WAITING
    assert found[0].dropped > 0


async def test_a_lost_link_is_told_after_the_lines_that_came() -> None:
    _, read_line = source(SERVICE, lines=10, since=None, follow=True, file="/x")
    channel = FakeChannel(b"one\n", lost=True)
    found = []
    with pytest.raises(TransportError, match="the link died"):  # noqa: PT012
        async for line in follow(channel, read_line):
            found.append(line.message)
    assert found == ["one"]
    assert channel.closed


async def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(TransportError, match="may not read the system journal"):
        await lines_of(FakeChannel(exit_status=4, stderr=b"may not read the system journal: join group adm\n"))


async def test_the_program_is_ended_when_nobody_reads_any_more() -> None:
    _, read_line = source(SERVICE, lines=10, since=None, follow=True, file="/x")
    channel = FakeChannel(b"one\ntwo\n")
    lines = follow(channel, read_line)
    assert (await anext(lines)).message == "one"
    await lines.aclose()
    assert channel.closed


def test_a_file_name_is_never_an_option() -> None:
    command, _ = source(SERVICE, lines=5, since=None, follow=True, file="-rf")
    assert command.argv == ("tail", "-n", "5", "-F", "--", "-rf")
