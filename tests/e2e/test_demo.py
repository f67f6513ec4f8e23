"""The demo as a person plays it: three incidents, solved with the keys, in a real terminal."""

import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_all_three_incidents_are_solved_with_the_keys(tmp_path: Path, size: tuple[int, int]) -> None:
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "LANG": "C.UTF-8"}
    with Terminal([sys.executable, "-m", "console", "demo"], columns=size[0], lines=size[1], env=env) as terminal:
        terminal.wait_for(r"cannot bind tcp 8080, held by", 15)
        terminal.wait_for(r"IO wait \d+ %", 10)
        terminal.press("x")
        run(terminal, r"systemctl stop legacy-api\.service")
        terminal.wait_until_gone(r"cannot bind tcp 8080")

        terminal.wait_for(r"billing\.serv", 5)
        terminal.press("g")
        terminal.mend("1")
        run(terminal, r"systemctl reset-failed")
        terminal.wait_until_gone(r"billing\.serv")

        terminal.press("2")
        terminal.wait_for(r"pg-backup|state +service", 5)
        terminal.press("/")
        terminal.wait_for(r"/host, service", 5)
        terminal.press(*"pg-backup", "enter")
        terminal.wait_for(r"db-1 +pg-backup\.service", 5)
        terminal.press("s")
        run(terminal, r"systemctl stop pg-backup\.service")
        terminal.press("1")
        terminal.wait_for(r"All quiet: 12 hosts", 20)
        terminal.press("q")
        assert terminal.wait_for_exit() == 0


def run(terminal: Terminal, expected: str) -> None:
    """Review the plan, run it, see its result, and go back."""
    terminal.wait_for(expected, 5)
    terminal.run_plan()
    terminal.wait_for(r"RESULT +. done", 20)
    terminal.press("esc")
    terminal.wait_until_gone(r"RESULT")
