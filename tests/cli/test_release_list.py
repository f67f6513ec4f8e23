"""The table of releases."""

import pytest

from console.cli.release_list import _row
from console.core.release import Release


@pytest.mark.parametrize(("live", "told"), [(True, "not noted"), (False, "never")])
def test_what_is_live_was_never_never_live(live: bool, told: str) -> None:
    assert _row(Release("20261120-ccc", live=live), None, None)[4] == told
