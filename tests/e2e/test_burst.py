"""Keys that come at once, as a paste or a slow link gives them, in a real terminal."""

import sys
from pathlib import Path

from tests.e2e.terminal import Terminal


def test_a_burst_of_keys_is_read_whole_and_nothing_of_a_filter_acts(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "LANG": "C.UTF-8"}
    with Terminal([sys.executable, "-m", "console", "demo"], env=env) as terminal:
        terminal.wait_for(r"cannot bind tcp 8080", 30)
        terminal.press("38080")
        terminal.wait_for(r"/8080 +\d+ hidden", 30)
        terminal.press("esc")
        terminal.wait_until_gone(r"/8080", 30)
        terminal.press("/rxsq")
        terminal.wait_for(r"/rxsq +\d+ hidden", 30)
        terminal.press("esc")
        terminal.wait_until_gone(r"/rxsq", 30)
        terminal.press("q")
        assert terminal.wait_for_exit(30) == 0
