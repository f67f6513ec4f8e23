"""Choosing lines of a log."""

from argparse import ArgumentTypeError

import pytest

from console.cli.commands.logs import pattern, span
from console.cli.streams import when
from console.core.snapshot import LogLine


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("1.5d", 129600)])
def test_spans(text: str, seconds: float) -> None:
    assert span(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "-5m", "5 m", "1w", "1e3", "9" * 20])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        span(text)


def test_case_matters_only_where_it_is_written() -> None:
    assert pattern("error").search("ERROR")
    assert not pattern("Error").search("error")


@pytest.mark.parametrize(
    ("at", "fields", "expected"),
    [
        (5.0, (("time", "2026-11-20T14:00:00Z"),), 5.0),
        (None, (("time", "2026-11-20T14:00:00.500Z"),), 1_795_183_200.5),
        (None, (("ts", "2026-11-20T15:00:00+01:00"),), 1_795_183_200.0),
        (None, (("time", "2026-11-20T14:00:00"),), None),
        (None, (("time", "noon"),), None),
        # What Go writes for a time that was never set, and the other end.
        (None, (("time", "0001-01-01T00:00:00Z"),), None),
        (None, (("time", "9999-12-31T23:59:59-10:00"),), None),
        (-62_135_596_800.0, (), None),
        (None, (), None),
    ],
)
def test_the_time_of_a_line(at: float | None, fields: tuple[tuple[str, str], ...], expected: float | None) -> None:
    assert when(LogLine("h", "s", "f", "m", at=at, fields=fields)) == expected
