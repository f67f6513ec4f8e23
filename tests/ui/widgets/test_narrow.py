"""What a real terminal (pyte) shows after the differences were written must be what was put."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Size
from textual.strip import Strip

from console.ui.widgets.table import DeckTable
from console.ui.widgets.terminal import Terminal, cells_of, code_of
from tests.ui.widgets.support import WidgetApp
from tests.ui.widgets.test_table import COLUMNS, rows

WIDTH, HEIGHT = 12, 3
STYLES = [Style(), Style(color="red"), Style(color="red", bold=True), Style(bgcolor="#102030"), Style(reverse=True)]


def fresh() -> tuple[Terminal, pyte.Screen, pyte.Stream]:
    terminal = Terminal()
    terminal.forget(Size(WIDTH, HEIGHT), Console(force_terminal=True, color_system="truecolor"))
    screen = pyte.Screen(WIDTH, HEIGHT)
    return terminal, screen, pyte.Stream(screen)


def put(terminal: Terminal, stream: pyte.Stream, y: int, segments: list[Segment], x: int = 0) -> str:
    terminal.put(x, y, segments)
    data = terminal.take()
    stream.feed(data)
    return data


def whole(segments: list[Segment]) -> list[Segment]:
    """Exactly one line of the screen."""
    return list(Strip(segments).adjust_cell_length(WIDTH, Style()))


SEGMENT = st.builds(Segment, st.text(st.sampled_from("ab c漢é"), min_size=1, max_size=5), st.sampled_from(STYLES))
LINE = st.lists(SEGMENT, max_size=5).map(whole)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, HEIGHT - 1), LINE), max_size=12))
def test_differences_lead_to_the_same_screen_as_writing_everything(updates: list[tuple[int, list[Segment]]]) -> None:
    terminal, screen, stream = fresh()
    last: dict[int, list[Segment]] = {}
    for y, segments in updates:
        put(terminal, stream, y, segments)
        last[y] = segments
    other, expected, expected_stream = fresh()
    for y, segments in last.items():
        put(other, expected_stream, y, segments)
    assert screen.display == expected.display
    assert screen.buffer == expected.buffer


def test_what_is_shown_already_is_not_written() -> None:
    terminal, _, stream = fresh()
    line = [Segment("hello world ", STYLES[1])]
    assert "hello" in put(terminal, stream, 0, line)
    assert put(terminal, stream, 0, line) == ""
    changed = put(terminal, stream, 0, [Segment("hello_world ", STYLES[1])])
    assert changed == "\x1b[1;6H\x1b[31m_\x1b[0m"


def test_a_style_is_written_once_for_many_cells() -> None:
    terminal, _, stream = fresh()
    for y in range(HEIGHT):
        put(terminal, stream, y, [Segment("0           ", STYLES[1])])
    for y in range(HEIGHT):
        terminal.put(0, y, [Segment("1           ", STYLES[1])])
    assert terminal.take().count("\x1b[31m") == 1


def test_a_wide_character_is_replaced_as_a_whole() -> None:
    terminal, screen, stream = fresh()
    put(terminal, stream, 0, whole([Segment("a漢b", Style())]))
    put(terminal, stream, 0, whole([Segment("axxb", Style())]))
    assert screen.display[0] == "axxb        "
    put(terminal, stream, 0, whole([Segment("漢字", Style())]))
    assert screen.display[0].startswith("漢字")


TALL = 14


def tall() -> tuple[Terminal, pyte.Screen, pyte.Stream]:
    terminal = Terminal()
    terminal.forget(Size(WIDTH, TALL), Console(force_terminal=True, color_system="truecolor"))
    screen = pyte.Screen(WIDTH, TALL)
    return terminal, screen, pyte.Stream(screen)


def paint(terminal: Terminal, stream: pyte.Stream, lines: list[str], x: int = 0) -> str:
    pieces = [(x, y, [Segment(f"{text:<{WIDTH - x}}"[: WIDTH - x], STYLES[y % 5])]) for y, text in enumerate(lines)]
    terminal.paint(pieces)
    data = terminal.take()
    stream.feed(data)
    return data


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 3), st.sampled_from([0, 1]), st.sampled_from(["", "same"])),
        min_size=1,
        max_size=8,
    )
)
def test_scrolling_leads_to_the_same_screen_as_writing_everything(frames: list[tuple[int, int, int, str]]) -> None:
    """Each frame is a window on a long list: below a header, with a foot, sometimes beside another widget."""
    terminal, screen, stream = tall()
    other, expected, expected_stream = tall()
    paint(terminal, stream, ["|" * WIDTH] * TALL)
    paint(other, expected_stream, ["|" * WIDTH] * TALL)
    for start, header, x, blank in frames:
        body = [f"line {number}" if number % 7 else blank for number in range(start, start + TALL - header - 1)]
        lines = [*(f"header {number}" for number in range(header)), *body, f"foot {start}"]
        paint(terminal, stream, lines, x)
        for y, text in enumerate(lines):
            other.put(x, y, [Segment(f"{text:<{WIDTH - x}}"[: WIDTH - x], STYLES[y % 5])])
        expected_stream.feed(other.take())
        assert screen.display == expected.display
        assert screen.buffer == expected.buffer
        assert screen.margins is None or screen.margins == (0, TALL - 1)


def test_a_new_line_at_the_end_scrolls_the_others() -> None:
    terminal, screen, stream = tall()
    body = [Segment(f"{'a longer line':<{WIDTH}}"[:WIDTH])]
    assert body
    lines = [f"some text {number}" for number in range(20)]
    pieces = [(0, y, [Segment(f"{text:<{WIDTH}}")]) for y, text in enumerate(lines[:TALL])]
    terminal.paint(pieces)
    stream.feed(terminal.take())
    terminal.paint([(0, y, [Segment(f"{text:<{WIDTH}}")]) for y, text in enumerate(lines[1 : TALL + 1])])
    data = terminal.take()
    stream.feed(data)
    assert screen.display == [f"{text:<{WIDTH}}" for text in lines[1 : TALL + 1]]
    assert len(data) < 50


def test_cells_of_text() -> None:
    assert cells_of("ab") == "ab"
    assert list(cells_of("a漢e\u0301")) == ["a", "漢", "", "e\u0301"]


@pytest.mark.parametrize(
    ("style", "code"),
    [
        (Style(), ("", "", "")),
        (Style(bold=True, color="#010203"), ("1", "38;2;1;2;3", "")),
        (Style(bgcolor="default", color="default", dim=True), ("2", "", "")),
        (Style(link="https://example.org", color="green"), ("", "32", "")),
    ],
)
def test_codes(style: Style, code: tuple[str, str, str]) -> None:
    assert code_of(style, ColorSystem.TRUECOLOR) == code


# In a real pseudo terminal


def main() -> None:
    """The program in the terminal: a table; ``x`` changes a row, and what must be seen goes to the file."""
    path = Path(sys.argv[1])

    class Program(WidgetApp):
        BINDINGS: ClassVar[list[BindingType]] = [
            ("x", "change", ""),
            ("w", "write", ""),
            ("z", "shell", ""),
            ("q", "quit", ""),
        ]
        step = 0

        def on_mount(self) -> None:
            self.query_one(DeckTable).show(rows(30))

        def action_change(self) -> None:
            self.step += 1
            news = rows(30)
            news[self.step] = news[self.step]._replace(cells=("✗ failed", f"漢字-{self.step}", "9.9 GiB", "1"))
            self.query_one(DeckTable).show(news[: 30 - self.step])

        def action_write(self) -> None:
            text = "\n".join(strip.text for strip in self.screen._compositor.render_strips())
            Path(f"{path}.new").write_text(text, encoding="utf-8")
            Path(f"{path}.new").rename(path)

        def action_shell(self) -> None:
            with self.suspend():
                os.write(1, b"\x1b[?1049h\x1b[2J" + b"something else\r\n" * 30)

    Program(DeckTable(COLUMNS)).run()


class Pty:
    """A terminal with our program in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.master, slave = pty.openpty()
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.size = (80, 24)
        self._tell_size()
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.ui.widgets.test_narrow", str(path)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            start_new_session=True,
        )
        os.close(slave)

    def _tell_size(self) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", self.size[1], self.size[0], 0, 0))

    def resize(self, width: int, height: int) -> None:
        self.size = (width, height)
        self._tell_size()
        self.screen.resize(height, width)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def read_until(self, done: Callable[[], bool], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([self.master], [], [], 0.05)
            if ready:
                try:
                    self.stream.feed(os.read(self.master, 65536))
                except OSError:
                    return
            elif done():
                return
        raise AssertionError("\n".join(self.screen.display))

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def expected(self) -> list[str]:
        """What the program says is on the screen."""
        self.path.unlink(missing_ok=True)
        self.press("w")
        self.read_until(self.path.exists)
        return self.path.read_text(encoding="utf-8").split("\n")

    def shown(self) -> list[str]:
        return list(self.screen.display)


def test_the_terminal_shows_what_the_program_means(tmp_path: Path) -> None:
    terminal = Pty(tmp_path / "screen")
    try:
        terminal.read_until(lambda: "service-0" in terminal.shown()[1])
        for keys in ("x", "x", "jjj", "x", "G", "g ", "x", "\x06", "z", "k"):
            terminal.press(keys)
            terminal.read_until(lambda: terminal.expected() == terminal.shown())
        for width, height in ((40, 15), (120, 40), (81, 24), (80, 24)) * 3:
            terminal.resize(width, height)
        # The last of the sizes may still be painted when its first line is there.
        terminal.read_until(lambda: len(terminal.expected()) == 24 and terminal.expected() == terminal.shown())
        terminal.press("q")
        terminal.process.wait(timeout=20)
    finally:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.master)


if __name__ == "__main__":
    main()
