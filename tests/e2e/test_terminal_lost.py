"""The console and its terminal end together, whichever goes first."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "LANG": "C.UTF-8"}
    started = Terminal([sys.executable, "-m", "console", "demo"], env=env)
    started.wait_for(r"cannot bind", 20)
    return started


def test_a_closed_terminal_ends_the_console(terminal: Terminal) -> None:
    terminal.hang_up()
    assert terminal.process.wait(30) != 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_terminal_is_given_back(terminal: Terminal, number: signal.Signals) -> None:
    os.kill(terminal.process.pid, number)
    assert terminal.wait_for_exit() == 128 + number
    # The alternate screen is left and the cursor shown again.
    assert terminal.raw.rindex(b"\x1b[?1049l") > terminal.raw.rindex(b"\x1b[?1049h")
    assert terminal.raw.rindex(b"\x1b[?25h") > terminal.raw.rindex(b"\x1b[?25l")
    terminal.close()
