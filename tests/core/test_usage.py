"""Two readings of control groups: what they say, and when they say nothing."""

from dataclasses import replace

import pytest

from console.core.usage import Reading, UsageRates, usage_rates

BEFORE = Reading(100.0, ("/system.slice/api.service",), 10.0, 1 << 20, 4096, 8192)


def test_what_happened_between_two_readings_is_told_each_second() -> None:
    after = replace(BEFORE, at=102.0, cpu=13.0, memory=2 << 20, read=4096, written=10192)
    assert usage_rates(BEFORE, after) == UsageRates(150.0, 0.0, 1000.0)


def test_what_is_not_counted_is_not_taken_for_nothing() -> None:
    before = replace(BEFORE, read=None, written=None)
    assert usage_rates(before, replace(before, at=101.0)) == UsageRates(0.0, None, None)
    assert usage_rates(before, replace(BEFORE, at=101.0)) == UsageRates(0.0, None, None)


@pytest.mark.parametrize(
    "after",
    [
        replace(BEFORE, cpu=11.0),
        replace(BEFORE, at=99.0),
        replace(BEFORE, at=101.0, cpu=0.2),
        replace(BEFORE, at=101.0, groups=("/system.slice/web.service",)),
    ],
    ids=["no time", "another boot", "made anew", "another group"],
)
def test_two_readings_that_say_nothing_of_the_time_between(after: Reading) -> None:
    assert usage_rates(BEFORE, after) is None
