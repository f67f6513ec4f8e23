"""The times with which lines of real programs begin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.log_text import structured
from console.core.stamps import Stamp, offset_of, stamp, stamp_of

RECORDED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "recorded" / "stamps.json").read_text(encoding="utf-8")
)
BERLIN = 3600.0
NOW = 1_795_183_331.0
"""2026-11-20T14:02:11Z"""


@pytest.mark.parametrize("program", RECORDED)
def test_what_real_programs_write_is_the_moment_in_which_they_wrote_it(program: str) -> None:
    known = RECORDED[program]
    assert known["zone"] == "+0100"
    found = [stamp(line, known["at"]) for line in known["lines"]]
    assert found[0] is not None, known["lines"][0]
    for one in found:
        if one is not None:
            assert one.moment(BERLIN) == pytest.approx(known["at"], abs=10)


def test_what_goes_on_from_the_line_before_has_no_time_of_its_own() -> None:
    lines = RECORDED["Python logging"]["lines"]
    begun = [stamp(line, RECORDED["Python logging"]["at"]) is not None for line in lines]
    assert begun == [True, True, False, False, False, False, False, True]


@pytest.mark.parametrize(
    ("text", "at", "zoned"),
    [
        ("2026-11-20T14:02:11Z x", NOW, True),
        ("2026-11-20T14:02:11.250Z x", NOW + 0.25, True),
        ("2026-11-20 15:02:11+01 x", NOW, True),
        ("2026-11-20T19:32:11 +05:30 x", NOW, True),
        ("2026-11-20 14:02:11.250 UTC [812] LOG:  x", NOW + 0.25, True),
        ("2026-11-20 14:02:11,250 x", NOW + 0.25, False),
        ("2026-11-20 14:02: x", NOW - 11, False),
        ("2026-11-20 14:02:60 a leap second", NOW + 48, False),
        ("I, [2026-11-20T14:02:11.000000 #812]  INFO -- : x", NOW, False),
        ("[INFO] 2026-11-20 14:02:11 x", NOW, False),
        ('level=info ts=2026-11-20T14:02:11Z msg="x"', NOW, True),
        ("<34>Nov 20 14:02:11 web1 su: x", NOW, False),
    ],
)
def test_forms(text: str, at: float, zoned: bool) -> None:
    assert stamp(text, NOW) == Stamp(at, zoned)


@pytest.mark.parametrize(
    "text",
    ["", "tick", "started at 2026-11-20 14:02:11", "2026-13-20 14:02:11 x", "14:02:11 x", "Feb 30 14:02:11 web1 x: y",
     "2026-11-20 is a day", "1795183331 x", "0000-01-01 00:00:00 x"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    assert stamp(text, NOW) is None


def test_a_year_that_is_not_written_is_the_last_in_which_the_day_was() -> None:
    assert stamp("Nov 20 14:02:11 web1 x: y", NOW) == Stamp(NOW, zoned=False)
    assert stamp("Nov 21 10:00:00 web1 x: y", NOW) == Stamp(NOW + 71_869.0, zoned=False), "its clock may be ahead"
    december = stamp("Dec 24 14:02:11 web1 x: y", NOW)
    assert december is not None
    assert december.at < NOW - 300 * 86_400


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ('{"time":"2026-11-20T14:02:11Z","msg":"x"}', NOW),
        ('{"level":30,"time":1795183331250,"msg":"pino"}', NOW + 0.25),
        ('{"level":"info","ts":1795183331.25,"msg":"zap"}', NOW + 0.25),
        ('{"@timestamp":"2026-11-20T15:02:11+01:00","message":"x"}', NOW),
        ('{"time":"12","msg":"x"}', None),
        ('{"msg":"x"}', None),
    ],
)
def test_the_time_among_fields(line: str, at: float | None) -> None:
    found = stamp_of(structured(line)[1], NOW)
    assert (None if found is None else found.moment(None)) == at


def test_the_moment_of_a_time_without_a_zone_is_only_known_with_that_zone() -> None:
    bare = Stamp(NOW, zoned=False)
    assert (bare.moment(None), bare.moment(BERLIN), bare.moment(0.0)) == (None, NOW - BERLIN, NOW)
    # What Go writes for a time that was never set.
    never = stamp("0001-01-01T00:00:00Z x", NOW)
    assert never is not None
    assert never.moment(0.0) is None


@pytest.mark.parametrize(
    ("last", "written", "local", "offset"),
    [
        (NOW + BERLIN, NOW + 1, BERLIN, BERLIN),
        (NOW, NOW + 1, BERLIN, 0.0),
        (NOW - 7200, NOW, BERLIN, BERLIN),
        (NOW, None, BERLIN, BERLIN),
        (NOW, NOW + 1, 0.0, 0.0),
        (NOW, NOW + 1, None, None),
    ],
)
def test_a_program_that_writes_utc_on_a_host_elsewhere_is_known_by_when_its_file_was_written(
    last: float, written: float | None, local: float | None, offset: float | None
) -> None:
    assert offset_of([Stamp(NOW - 9, zoned=True), Stamp(last, zoned=False)], written, local) == offset


@settings(deadline=None)
@given(st.text(max_size=600))
def test_no_line_is_too_odd(text: str) -> None:
    stamp(text, NOW)
    stamp_of({"time": text, "ts": text}, NOW)
    stamp(f"2026-11-20T14:02:11{text}", NOW)
