"""Times that hosts tell, and no clock can show."""

from datetime import UTC, datetime

import pytest

from console.core.moments import FIRST, LAST, iso, plausible


@pytest.mark.parametrize("at", [None, -62_135_596_800.0, 2.5e11 + 1e10, float("inf"), float("nan"), FIRST, LAST])
def test_what_no_clock_shows_is_not_known(at: float | None) -> None:
    assert plausible(at) is None
    assert iso(at) is None


@pytest.mark.parametrize("at", [0.0, 1_795_183_200.5, FIRST + 1, LAST - 1])
def test_every_other_moment_can_be_shown(at: float) -> None:
    assert plausible(at) == at
    datetime.fromtimestamp(at, UTC).astimezone()
    assert iso(at) == f"{datetime.fromtimestamp(int(at), UTC):%Y-%m-%dT%H:%M:%SZ}"
