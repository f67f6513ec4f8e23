from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.finding import Severity
from console.core.plan import StepState
from console.core.service import Endpoint, State
from console.core.snapshot import LinkState
from console.ui import cells
from console.ui.cells import Cell, plain


@pytest.fixture
def ascii_glyphs() -> Iterator[None]:
    cells.set_ascii(True)
    yield
    cells.set_ascii(False)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "?"),
        (-3, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (2460, "41m"),
        (3600, "1h"),
        (86400 * 6, "6d"),
        (3e8, "9y"),
    ],
)
def test_ages_are_one_number(seconds: float | None, text: str) -> None:
    assert cells.age(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "?"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (22 << 20, "22 MiB"),
        (3 << 50, "3.0 PiB"),
    ],
)
def test_sizes_are_binary(size: float | None, text: str) -> None:
    assert cells.size(size) == text


@given(st.floats(min_value=0, max_value=1e18))
def test_no_size_needs_more_than_eight_cells(size: float) -> None:
    assert len(cells.size(size)) <= 8


@pytest.mark.parametrize(
    ("value", "text"), [(None, "?"), (0, "0 %"), (0.2, "<1 %"), (62.4, "62 %"), (99.7, "99 %"), (100, "100 %")]
)
def test_a_little_is_not_nothing_and_nearly_all_is_not_all(value: float | None, text: str) -> None:
    assert cells.percent(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.42, "0.4 s"), (12.3, "12 s"), (200, "3 min 20 s"), (None, "?")])
def test_durations(value: float | None, text: str) -> None:
    assert cells.seconds(value) == text


def test_the_clock_counts_from_utc_with_an_offset() -> None:
    assert cells.clock(1_000_000.0) == "13:46:40"
    assert cells.clock(1_000_000.0, 3600) == "14:46:40"
    assert cells.clock(None) == "?"


KINDS: list[tuple[type[StrEnum], Callable[[Any], Cell]]] = [
    (State, cells.state),
    (LinkState, cells.link),
    (StepState, cells.step),
    (Severity, cells.severity),
]


def every_state() -> Iterator[tuple[Cell, str]]:
    for kind, show in (
        (State, cells.state),
        (LinkState, cells.link),
        (StepState, cells.step),
        (Severity, cells.severity),
    ):
        for value in kind:
            yield show(value), value.value


def test_every_state_has_its_word_and_a_glyph() -> None:
    for cell, word in every_state():
        glyph, shown = cell.text.split(" ", 1)
        assert shown == word
        assert len(glyph) == 1


def test_states_of_a_kind_differ_without_colour(ascii_glyphs: None) -> None:
    for kind, show in (
        (State, cells.state),
        (LinkState, cells.link),
        (StepState, cells.step),
        (Severity, cells.severity),
    ):
        assert len({show(value).text[0] for value in kind}) == len(kind)
        assert all(show(value).text.isascii() for value in kind)


def test_ports_are_distinct_and_say_how_many_more() -> None:
    endpoints = [Endpoint("tcp", "0.0.0.0", 80), Endpoint("tcp", "::", 80), Endpoint("udp", "*", 53)]
    assert cells.ports(endpoints) == "80 53/udp"
    assert cells.ports([Endpoint("tcp", "*", port) for port in (1, 2, 3, 4, 5)]) == "1 2 +3"


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        *(("127.0.0.1", "local"), ("::1", "local"), ("10.2.3.4", "private"), ("172.20.0.1", "private")),
        *(("172.32.0.1", "world"), ("100.64.1.1", "private"), ("fe80::1%eth0", "private"), ("0.0.0.0", "world")),
        *(("*", "world"), ("::ffff:127.0.0.1", "local"), ("192.168.1.1", "private"), ("8.8.8.8", "world")),
    ],
)
def test_exposure(address: str, reach: str) -> None:
    assert cells.exposure(address) == reach


def test_a_bar_is_stacked_and_has_a_fixed_range() -> None:
    shown = cells.bar([(25, "user"), (25, "iowait")], 20)
    assert plain(shown) == "█████▒▒▒▒▒··········"
    assert [cell.tone for cell in shown] == ["user", "iowait", "muted"]


def test_two_per_cent_of_io_wait_look_like_two_per_cent() -> None:
    assert plain(cells.spark([(0, 0, 2.0)], 1)) == "▁"
    assert plain(cells.spark([2, 2, 2], 3)) == "▁▁▁"


def test_a_full_column_shows_two_layers() -> None:
    assert cells.spark([(50.0, 0.0, 50.0)], 1) == (Cell("▄", "user|iowait"),)


def test_a_spark_is_right_aligned_and_has_the_newest_last() -> None:
    assert plain(cells.spark([0, 100], 4)) == "   █"
    assert plain(cells.spark([100, 0, 0], 2)) == "  "


def test_ascii_sparks_and_bars(ascii_glyphs: None) -> None:
    assert plain(cells.spark([(60.0, 0.0, 40.0)], 1)).isascii()
    assert plain(cells.bar([(50, "user")], 4)) == "##.."


@given(st.lists(st.tuples(*[st.floats(0, 200)] * 3), max_size=30), st.integers(0, 40))
def test_sparks_and_bars_have_exactly_their_width(values: list[tuple[float, float, float]], width: int) -> None:
    assert len(plain(cells.spark(values, width))) == width
    assert len(plain(cells.bar([(value, "user") for value in (values[0] if values else ())], width))) == width
