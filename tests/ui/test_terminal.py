"""The real program in a pseudo-terminal: whatever ends it, the terminal is given back and nothing stays behind."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import pytest

from console.remote.transport import HostSpec
from console.ui import cells, themes
from console.ui.terminal import choose_glyphs, themed

PATIENCE = 30.0


class Session:
    """``hostdeck demo`` in a pseudo-terminal of 80 columns."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environ = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console", "demo"],
            stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        os.set_blocking(self.master, False)
        self.output = b""

    def read_until(self, word: bytes) -> None:
        deadline = time.monotonic() + PATIENCE
        while word not in self.output:
            assert time.monotonic() < deadline, self.output[-2000:]
            self.drain()
            time.sleep(0.05)

    def drain(self) -> None:
        try:
            while chunk := os.read(self.master, 65536):
                self.output += chunk
        except (BlockingIOError, OSError):
            return

    def ended(self) -> int:
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            self.drain()
            time.sleep(0.05)
        self.drain()
        return self.process.returncode


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()


def test_a_signal_gives_the_terminal_back(session: Session) -> None:
    session.read_until(b"Findings")
    os.kill(session.process.pid, signal.SIGTERM)
    assert session.ended() == 128 + signal.SIGTERM
    assert b"\x1b[?1049l" in session.output, "the alternate screen is left"
    assert b"\x1b[?25h" in session.output, "the cursor is shown"


def test_a_terminal_that_goes_away_ends_the_console(session: Session) -> None:
    session.read_until(b"Findings")
    os.close(session.master)
    deadline = time.monotonic() + PATIENCE
    while session.process.poll() is None:
        assert time.monotonic() < deadline, "it lives on without a terminal"
        time.sleep(0.05)


def test_q_leaves_with_zero(session: Session) -> None:
    session.read_until(b"Findings")
    os.write(session.master, b"q")
    assert session.ended() == 0


@pytest.mark.parametrize(
    ("environ", "plain"),
    [
        ({}, True),
        ({"LANG": "C"}, True),
        ({"LANG": "de_DE.UTF-8"}, False),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, True),
    ],
)
def test_glyphs_follow_the_locale(environ: dict[str, str], plain: bool) -> None:
    try:
        choose_glyphs(environ)
        assert cells.is_ascii() is plain
    finally:
        cells.set_ascii(False)


def test_a_fleet_of_production_hosts_only_has_the_frame_of_production() -> None:
    theme = themes.find(themes.DEFAULT)
    production = HostSpec("a", "a", production=True)
    assert themed((production,), theme).name == f"{theme.name}-production"
    assert themed((production, HostSpec("b", "b")), theme) is theme
    assert themed((), theme) is theme
