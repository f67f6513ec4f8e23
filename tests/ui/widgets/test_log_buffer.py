import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from console.core.snapshot import LogLine
from console.ui.widgets.log_buffer import DROPPED, LogBuffer, pattern_of


def line(message: str, level: str = "info", at: float | None = None, dropped: int = 0) -> LogLine:
    return LogLine("web-1", "api", "journal", message, at=at, level=level, dropped=dropped)


def messages(buffer: LogBuffer) -> list[str]:
    return [buffer.line(index).message for index in range(len(buffer))]


def test_the_oldest_lines_go_first() -> None:
    buffer = LogBuffer(max_lines=3)
    assert buffer.add([line(str(number)) for number in range(2)]) == 0
    assert buffer.add([line(str(number)) for number in range(2, 5)]) == 2
    assert messages(buffer) == ["2", "3", "4"]
    assert buffer.sequence(0) == 2


def test_bytes_are_bounded_but_the_newest_line_stays() -> None:
    buffer = LogBuffer(max_bytes=1000)
    buffer.add([line("x" * 400) for _ in range(5)])
    assert len(buffer) == 2
    assert buffer.bytes <= 1000
    buffer.add([line("y" * 4000)])
    assert [message[0] for message in messages(buffer)] == ["y"]


def test_a_batch_larger_than_the_ring_leaves_its_end() -> None:
    buffer = LogBuffer(max_lines=10)
    buffer.add([line(str(number)) for number in range(1000)])
    assert messages(buffer) == [str(number) for number in range(990, 1000)]


def test_dropped_lines_leave_a_mark_that_no_filter_hides() -> None:
    buffer = LogBuffer()
    buffer.add([line("a"), line("b", dropped=1234)])
    assert buffer.dropped == 1234
    assert buffer.line(1).level == DROPPED
    assert "1,234 lines dropped" in buffer.line(1).message
    buffer.set_filter(pattern_of("nothing", regex=False), "error")
    assert [buffer.line(index).level for index in range(len(buffer))] == [DROPPED]


def test_filter_by_text_and_level() -> None:
    buffer = LogBuffer()
    buffer.add([line("Bind failed", "error"), line("bind ok"), line("other", "critical"), line("bind!", "warning")])
    buffer.set_filter(pattern_of("bind", regex=False))
    assert messages(buffer) == ["Bind failed", "bind ok", "bind!"]
    assert buffer.hidden == 1
    buffer.set_filter(pattern_of("Bind", regex=False))
    assert messages(buffer) == ["Bind failed"]
    buffer.set_filter(None, "warning")
    assert messages(buffer) == ["Bind failed", "other", "bind!"]
    buffer.add([line("new"), line("newer", "error")])
    assert messages(buffer)[-1] == "newer"
    buffer.set_filter(None)
    assert buffer.hidden == 0


def test_text_is_text_and_a_regular_expression_is_one() -> None:
    assert pattern_of("a.b[/x]", regex=False).search("a.b[/x]")
    assert not pattern_of("a.b", regex=False).search("axb")
    assert pattern_of("a.b$", regex=True).search("AxB")


def test_find_goes_both_ways_over_shown_lines() -> None:
    buffer = LogBuffer()
    buffer.add([line("x 0"), line("1"), line("x 2"), line("3"), line("x hidden"), line("x 5")])
    buffer.set_filter(re.compile(r"\d"))
    buffer.set_search(pattern_of("x", regex=False))
    assert buffer.matches == 3
    assert [buffer.find(0, 1), buffer.find(2, 1), buffer.find(5, 1)] == [2, 5, None]
    assert [buffer.find(5, -1), buffer.find(2, -1), buffer.find(0, -1)] == [2, 0, None]
    buffer.add([line("x 6")])
    assert buffer.find(5, 1) == 6


OPERATIONS = st.lists(
    st.one_of(
        st.lists(st.sampled_from(["x", "y", "xy", "z"]), max_size=8),
        st.sampled_from(["filter x", "filter", "search y", "search"]),
    ),
    max_size=20,
)


@given(OPERATIONS, st.integers(1, 12))
def test_filter_and_search_agree_with_looking_at_every_line(operations: list[list[str] | str], kept: int) -> None:
    buffer = LogBuffer(max_lines=kept)
    everything: list[str] = []
    wanted, sought = "", ""
    for operation in operations:
        if isinstance(operation, list):
            before = len(buffer)
            gone = buffer.add([line(message) for message in operation])
            everything += operation
            news = [message for message in operation[-kept:] if wanted in message]
            assert len(buffer) == before + len(news) - gone
        elif operation.startswith("filter"):
            wanted = operation[7:]
            buffer.set_filter(pattern_of(wanted, regex=False) if wanted else None)
        else:
            sought = operation[7:]
            buffer.set_search(pattern_of(sought, regex=False) if sought else None)
        left = everything[-kept:]
        assert messages(buffer) == [message for message in left if wanted in message]
        assert buffer.hidden == len(left) - len(buffer)
        numbers = [buffer.sequence(index) for index in range(len(buffer))]
        assert all(one < two for one, two in pairwise(numbers))
        assert [buffer.index(number) for number in numbers] == list(range(len(buffer)))
        expected = [number for index, number in enumerate(numbers) if sought and sought in buffer.line(index).message]
        assert buffer.matches == len(expected)
        if expected:
            assert buffer.find(-1, 1) == expected[0]


def test_histogram_counts_shown_lines_in_round_spans() -> None:
    buffer = LogBuffer()
    buffer.add([line("x", "error" if second % 10 == 0 else "info", at=1_000_000.0 + second) for second in range(100)])
    buckets = buffer.histogram(30)
    assert buckets is not None
    assert buckets.seconds == 5
    assert buckets.start % 5 == 0
    assert sum(buckets.counts) == 100
    assert sum(buckets.errors) == 10
    assert len(buckets.counts) == 30
    assert buckets.counts[-1] == 5
    buffer.set_filter(None, "error")
    filtered = buffer.histogram(30)
    assert filtered is not None
    assert sum(filtered.counts) == 10


def test_no_histogram_without_times() -> None:
    buffer = LogBuffer()
    assert buffer.histogram(10) is None
    buffer.add([line("x")])
    assert buffer.histogram(10) is None
