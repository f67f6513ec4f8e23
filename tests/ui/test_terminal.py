"""The real program in a pseudo-terminal: whatever ends it, the terminal is given back and nothing stays behind."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator

import pytest

from console.remote.transport import HostSpec
from console.ui import cells, terminal, themes
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


class Stuck:
    """An app whose end waits for ever, as for a terminal that is gone; and a fleet that ends at once."""

    return_code = None

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.over = threading.Event()

    def exit(self, code: int) -> None:
        self.codes.append(code)

    async def run_async(self) -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.05)
        assert self.over.wait(30), "nobody ended it"
        return 0

    async def stop(self) -> None:
        """There is nothing to stop."""


async def test_an_end_that_does_not_come_about_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, ended = Stuck(), []

    def ends(code: int) -> None:
        ended.append(code)
        stuck.over.set()

    monkeypatch.setattr(terminal, "END_SECONDS", 0.2)
    monkeypatch.setattr(os, "_exit", ends)
    try:
        await terminal.session(stuck, stuck)  # type: ignore[arg-type]
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)
    assert (stuck.codes, ended) == ([129], [129])
