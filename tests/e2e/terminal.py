"""A real terminal for the real program: a pty whose output a terminal emulator (pyte) turns into a screen."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Self

import pyte

from tests.patience import SHARED

KEYS = {
    "enter": "\r",
    "esc": "\x1b",
    "tab": "\t",
    "space": " ",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "backspace": "\x7f",
} | {f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"}


def _without_size(environment: Mapping[str, str]) -> dict[str, str]:
    """What goes before the size that the terminal itself tells."""
    return {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")}


class _Screen(pyte.Screen):
    def select_graphic_rendition(self, *attrs: int, private: bool = False, **_: object) -> None:
        # pyte 0.8.2 passes private=True for XTMODKEYS (CSI > ... m) and its own screen does not take it.
        if not private:
            super().select_graphic_rendition(*attrs)


class Terminal:
    """Runs a program in a pty of ``columns`` x ``lines`` and reads what a person would see."""

    def __init__(
        self, argv: Sequence[str], *, columns: int = 80, lines: int = 24, env: Mapping[str, str] | None = None
    ) -> None:
        self.screen = _Screen(columns, lines)
        self.bytes_read = 0
        self.raw = bytearray()
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process = subprocess.Popen(
            list(argv),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**_without_size(os.environ), "TERM": "xterm-256color", **(env or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def text(self) -> str:
        """The screen as lines without trailing blanks."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def press(self, *keys: str) -> None:
        """Send keys by name, or as they are."""
        for key in keys:
            os.write(self._master, KEYS.get(key, key).encode())

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, as a window manager would."""
        self.screen.resize(lines, columns)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def wait_for(self, pattern: str, timeout: float = 10.0) -> re.Match[str]:
        """Read until the screen matches; the whole screen is in the error when it does not."""
        deadline = time.monotonic() + SHARED * timeout
        while not (match := re.search(pattern, self.text)):
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"no {pattern!r} within {SHARED * timeout} s on the screen:\n{self.text}")
        return match

    def wait_until_gone(self, pattern: str, timeout: float = 10.0) -> None:
        """Read until the screen does not match any more, and the program has drawn what it had to draw."""
        deadline = time.monotonic() + SHARED * timeout
        while (there := re.search(pattern, self.text)) or self._read(0.1):
            if there and not self._read(deadline - time.monotonic()):
                raise AssertionError(f"{pattern!r} still on the screen after {SHARED * timeout} s:\n{self.text}")

    def run_plan(self, begun: str = r"RESULT", timeout: float = 20.0) -> None:
        """Look at the plan as long as a person must, then run it; on a busy machine that may take more than one try."""
        self.wait_for(r"Run \(ctrl\+r\)", timeout)
        deadline = time.monotonic() + SHARED * timeout
        while not re.search(begun, self.text):
            assert time.monotonic() < deadline, f"the plan is not run within {SHARED * timeout} s:\n{self.text}"
            self._look(0.5)
            self.press("ctrl+r")
            self.wait_for(rf"{begun}|press it once more", timeout)
            self._look(0.5)

    def mend(self, digit: str, timeout: float = 20.0) -> None:
        """Look at the ways out of the selected finding as long as a person must, then choose one."""
        hint = r"to review what would be run|press it once more"
        self.press("m")
        self.wait_for(hint, timeout)
        deadline = time.monotonic() + SHARED * timeout
        while re.search(hint, self.text):
            assert time.monotonic() < deadline, f"none is chosen within {SHARED * timeout} s:\n{self.text}"
            self._look(0.5)
            self.press(digit)
            self._look(0.5)

    def _look(self, seconds: float) -> None:
        """Read what comes for a time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def wait_for_exit(self, timeout: float = 10.0) -> int:
        """Read until the program ends and return its exit code."""
        deadline = time.monotonic() + SHARED * timeout
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def close(self) -> None:
        """End the program as a closed terminal would, and make sure that it is gone."""
        self.hang_up()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(5)

    def hang_up(self) -> None:
        """Take the terminal away, as a lost SSH session does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def _read(self, timeout: float) -> bool:
        """Take what the program wrote; false when time is up or the program is gone."""
        if timeout <= 0 or not select.select([self._master], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        self.bytes_read += len(data)
        self.raw += data
        self._stream.feed(data)
        return bool(data)
