"""Keys that come at once, as a paste or a slow link gives them, in a real terminal."""

import sys
from collections.abc import Iterator
from multiprocessing import Process
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal


def home(path: Path) -> dict[str, str]:
    return {"HOME": str(path), "XDG_CONFIG_HOME": str(path), "XDG_STATE_HOME": str(path), "LANG": "C.UTF-8"}


def test_a_burst_of_keys_is_read_whole_and_nothing_of_a_filter_acts(tmp_path: Path) -> None:
    with Terminal([sys.executable, "-m", "console", "demo"], env=home(tmp_path)) as terminal:
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


def _spin() -> None:
    while True:
        pass


@pytest.fixture
def busy() -> Iterator[None]:
    """A machine on which the console seldom has its turn."""
    loops = [Process(target=_spin, daemon=True) for _ in range(8)]
    for loop in loops:
        loop.start()
    yield
    for loop in loops:
        loop.kill()
        loop.join()


@pytest.mark.usefixtures("busy")
def test_a_burst_runs_no_plan_that_was_not_in_sight(tmp_path: Path) -> None:
    with Terminal([sys.executable, "-m", "console", "demo"], env=home(tmp_path)) as terminal:
        terminal.wait_for(r"cannot bind tcp 8080", 60)
        for keys in ("m1\x12", "m1\x12\x12\x12", "w1\x12", "r\x12"):
            terminal.press(keys)
            # Behind w1 the host is asked first: ctrl+r meets no plan, and the plan comes into sight afterwards.
            terminal.wait_for(r"Run \(ctrl\+r\)" if keys.startswith("w") else r"press it once more", 60)
            terminal.press("esc")
            terminal.wait_until_gone(r"Run \(ctrl\+r\)|press it once more|esc to go back", 60)
            if keys.startswith("w"):
                terminal.press("esc")
                terminal.wait_for(r"enter diagnose", 60)
        terminal.press("7")
        terminal.wait_for(r"Nothing was changed from this console yet", 60)
