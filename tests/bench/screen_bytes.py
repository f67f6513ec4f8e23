"""P7: bytes to the terminal, 140x40, one update a second of 1 and of 20 rows.

``python -m tests.bench.screen_bytes [UPDATES]`` runs each way of drawing in a real pseudo terminal, one after another,
and prints bytes per update and the ratio to a hand-written diff. The goal: with 20 changing rows at most 3 times the
hand-written diff, and below htop (or top, where htop is not installed).

All draw the same rows in the same colours. The hand-written one knows each cell's place and sends only the characters
that changed: the least that a program of one table could do.
"""

import argparse
import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

WIDTH, HEIGHT = 140, 40
ROWS = 38
WAYS = ("deck", "deck on a plain screen", "DataTable")
LOGS = ("log", "log on a plain screen")
ENV = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
COLUMNS = (
    ("State", 10),
    ("Host", 8),
    ("Service", 40),
    ("Manager", 8),
    ("Ports", 12),
    ("Up", 5),
    ("CPU", 6),
    ("Memory", 9),
)


def table(tick: int, changing: int) -> list[tuple[str, ...]]:
    """The texts of all cells; those of the first ``changing`` rows differ from tick to tick in three columns."""
    rows: list[tuple[str, ...]] = []
    for index in range(ROWS):
        step = tick if index < changing else 0
        cpu, memory = (index * 7 + step * 13) % 100, 100 + (index * 31 + step * 17) % 800
        state = "✗ failed" if index % 9 == 4 else "● running"
        name = f"service-{index}.service"
        up = f"{(index + step) % 60}m"
        rows.append((state, f"web-{index % 12}", name, "systemd", f"80{index:02}", up, f"{cpu} %", f"{memory} MiB"))
    return rows


# The children: each draws until it has done all updates. The file descriptor gets a byte at the start and at the end.


def run_textual(way: str, changing: int, updates: int, mark: Callable[[], None]) -> None:
    """Draw with Textual: our table, or Textual's own."""
    from textual.app import App
    from textual.screen import Screen

    from console.ui import themes
    from console.ui.widgets.bars import StatusBar
    from console.ui.widgets.narrow import NarrowScreen

    make = log_view if way in LOGS else data_table if way == "DataTable" else deck_table
    show = make(changing)

    class Bench(App[None]):
        def __init__(self) -> None:
            super().__init__()
            self.register_theme(themes.find(themes.DEFAULT))
            self.theme = themes.DEFAULT
            self.tick = 0

        def get_theme_variable_defaults(self) -> dict[str, str]:
            return themes.variable_defaults(self.current_theme)

        def get_default_screen(self) -> Screen[Any]:
            return NarrowScreen() if way in ("deck", "log") else Screen()

        async def on_mount(self) -> None:
            await self.mount(StatusBar(clock="14:02:31"), show.widget)
            show.fill()
            self.set_timer(1.5, self.begin)

        def begin(self) -> None:
            mark()
            self.set_interval(1.0, self.update_rows)

        def update_rows(self) -> None:
            self.tick += 1
            if self.tick > updates:
                mark()
                self.exit()
            else:
                show.update(self.tick)

    Bench().run()


class Shown(NamedTuple):
    """A widget and how it is given its rows."""

    widget: Any
    fill: Callable[[], None]
    update: Callable[[int], None]


def deck_table(changing: int) -> Shown:
    """Our table."""
    from console.ui.cells import Text, state
    from console.ui.widgets.table import Column, DeckTable, Row

    numbers = ("Up", "CPU", "Memory")
    columns = [Column(title, title, width, align="right" if title in numbers else "left") for title, width in COLUMNS]
    widget = DeckTable(columns)

    def update(tick: int) -> None:
        rows = []
        for index, cells in enumerate(table(tick, changing)):
            texts: tuple[Text, ...] = (state(cells[0][2:]), *cells[1:])
            rows.append(Row(index, texts))
        widget.show(rows)

    return Shown(widget, lambda: update(0), update)


def data_table(changing: int) -> Shown:
    """Textual's table, with ``update_cell`` for each cell that changed."""
    from textual.widgets import DataTable

    widget = DataTable[str]()

    def fill() -> None:
        for title, width in COLUMNS:
            widget.add_column(title, width=width, key=title)
        for index, cells in enumerate(table(0, changing)):
            widget.add_row(*cells, key=str(index))

    def update(tick: int) -> None:
        for index, (old, new) in enumerate(zip(table(tick - 1, changing), table(tick, changing), strict=True)):
            for (title, _), before, after in zip(COLUMNS, old, new, strict=True):
                if before != after:
                    widget.update_cell(str(index), title, after)

    return Shown(widget, fill, update)


def log_view(new: int) -> Shown:
    """Our log view, followed while so many lines come with each update."""
    from console.core.snapshot import LogLine
    from console.ui.widgets.log_view import LogView

    widget = LogView(now=lambda: 0.0, offset=0.0)

    def feed(start: int, count: int) -> None:
        numbers = range(start, start + count)
        widget.feed(
            [LogLine("web-1", "api", "journal", f"GET /things/{n * 7919 % 9973} 200", at=float(n)) for n in numbers]
        )

    return Shown(widget, lambda: feed(0, 200), lambda tick: feed(200 + tick * new, new))


def run_by_hand(changing: int, updates: int, mark: Callable[[], None]) -> None:
    """Draw by hand: place, and the characters between the first and the last that differ."""
    places = []
    x = 2
    for _, width in COLUMNS:
        places.append((x, width))
        x += width + 2
    old: list[tuple[str, ...]] = [("",) * len(COLUMNS)] * ROWS

    def paint(tick: int) -> None:
        nonlocal old
        out: list[str] = []
        new = table(tick, changing)
        for y, (before, after) in enumerate(zip(old, new, strict=True), 2):
            for (x, width), was, now in zip(places, before, after, strict=True):
                if was == now:
                    continue
                a, b = was.rjust(width), now.rjust(width)
                first = next(index for index in range(width) if a[index] != b[index])
                last = next(index for index in range(width - 1, -1, -1) if a[index] != b[index])
                out.append(f"\x1b[{y};{x + first}H{b[first : last + 1]}")
        old = new
        sys.stdout.write("".join(out))
        sys.stdout.flush()

    sys.stdout.write("\x1b[?1049h\x1b[2J\x1b[38;2;213;219;225;48;2;16;20;24m")
    paint(0)
    time.sleep(0.5)
    mark()
    for tick in range(1, updates + 1):
        time.sleep(1.0)
        paint(tick)
    time.sleep(0.2)
    mark()


def child(way: str, changing: int, updates: int, descriptor: int) -> None:
    """One way of drawing, inside the pseudo terminal."""

    def mark() -> None:
        os.write(descriptor, b".")

    if way == "by hand":
        run_by_hand(changing, updates, mark)
    else:
        run_textual(way, changing, updates, mark)


# The parent: a terminal that counts.


def spawn(argv: list[str], descriptors: tuple[int, ...] = ()) -> tuple[subprocess.Popen[bytes], int]:
    """Start a program in a pseudo terminal of our size."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    process = subprocess.Popen(
        argv,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        pass_fds=descriptors,
        env={**os.environ, **ENV},
        start_new_session=True,
    )
    os.close(slave)
    return process, master


def answer(master: int, data: bytes) -> None:
    """Answer as a modern terminal does: it knows synchronised output, so that its bytes are counted too."""
    if b"\x1b[?2026$p" in data:
        os.write(master, b"\x1b[?2026;2$y")


def measure(way: str, changing: int, updates: int) -> float:
    """Bytes per update."""
    marks, writer = os.pipe()
    argv = [sys.executable, "-m", "tests.bench.screen_bytes", "--child", way, str(changing), str(updates), str(writer)]
    process, master = spawn(argv, (writer,))
    os.close(writer)
    counted, seen = 0, 0
    deadline = time.monotonic() + updates + 30
    try:
        while seen < 2 and time.monotonic() < deadline:
            ready, _, _ = select.select([master, marks], [], [], 1.0)
            if master in ready:
                data = os.read(master, 65536)
                answer(master, data)
                counted += len(data) if seen == 1 else 0
            if marks in ready:
                seen += len(os.read(marks, 1))
    finally:
        process.terminate()
        process.wait()
        os.close(master)
        os.close(marks)
    if seen < 2:
        raise RuntimeError(f"{way}: did not finish")
    return counted / updates


def measure_program(argv: list[str], updates: int) -> float:
    """Bytes per second of a program that draws by itself."""
    process, master = spawn(argv)
    counted = 0
    start = time.monotonic() + 2.5
    try:
        while time.monotonic() < start + updates:
            ready, _, _ = select.select([master], [], [], 0.1)
            if ready:
                data = os.read(master, 65536)
                counted += len(data) if time.monotonic() >= start else 0
    finally:
        process.terminate()
        process.wait()
        os.close(master)
    return counted / updates


def other_program() -> tuple[str, list[str]]:
    """A well-known program beside which we are measured."""
    if shutil.which("htop"):
        return "htop", ["htop", "-d", "10"]
    return "top", ["top", "-d", "1"] if shutil.which("top") else []


def run(updates: int = 8) -> Iterator[str]:
    """Measure; each line as soon as it is known."""
    yield f"P7  bytes to the terminal per update, {WIDTH}x{HEIGHT}, {ROWS} rows, 1 Hz, {updates} updates"
    found: dict[tuple[str, int], float] = {}
    for changing in (1, 20):
        for way in ("by hand", *WAYS):
            found[way, changing] = measure(way, changing, updates)
            ratio = found[way, changing] / found["by hand", changing]
            yield f"    {changing:>2} rows  {way:<22} {found[way, changing]:>8.0f}  {ratio:>6.2f} x by hand"
    for way in LOGS:
        yield f"     5 lines {way:<22} {measure(way, 5, updates):>8.0f}"
    ours, hand = found["deck", 20], found["by hand", 20]
    good = ours <= 3 * hand
    name, argv = other_program()
    if argv:
        theirs = measure_program(argv, updates)
        good = good and ours < theirs
        yield f"             {name:<22} {theirs:>8.0f}  deck with 20 rows: {ours / theirs:.2f} x {name}"
    yield f"    20 rows: {ours / hand:.2f} x by hand (goal 3), and below {name}: {'reached' if good else 'MISSED'}"


def main() -> int:
    """Print it; 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description="bytes to the terminal (P7)")
    parser.add_argument("updates", nargs="?", type=int, default=8, help="updates to measure, one a second")
    line = ""
    for line in run(parser.parse_args().updates):
        print(line, flush=True)
    return int("MISSED" in line)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    else:
        sys.exit(main())
