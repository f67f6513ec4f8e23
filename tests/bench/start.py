"""P1: the first frame with the service table, against the first frame of a bare Textual app, in turns."""

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.terminal import Terminal

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("first frame")
Bare().run()
"""

RUNS = 9


def first_frame(argv: Sequence[str], pattern: str) -> float:
    """Seconds from the start of the process until the terminal shows the pattern."""
    began = time.perf_counter()
    # An installed program has its bytecode on disk; this variable, where it is set, would keep it from being written.
    with Terminal(argv, columns=120, lines=40, env={"PYTHONDONTWRITEBYTECODE": ""}) as terminal:
        terminal.wait_for(pattern, timeout=20)
        return time.perf_counter() - began


def run() -> list[str]:
    """Measure in turns, so that both see the same machine; medians."""
    with tempfile.TemporaryDirectory() as home:
        bare_app = Path(home) / "bare.py"
        bare_app.write_text(BARE)
        bare = (sys.executable, str(bare_app))
        ours = (sys.executable, "-m", "console")
        times: dict[str, list[float]] = {"bare": [], "ours": []}
        for turn in range(RUNS + 1):
            pair = {"bare": first_frame(bare, "first frame"), "ours": first_frame(ours, "Services")}
            if turn:  # the first turn only warms the caches
                for name, seconds in pair.items():
                    times[name].append(seconds)
    base, mine = statistics.median(times["bare"]), statistics.median(times["ours"])
    ratio = statistics.median(a / b for a, b in zip(times["ours"], times["bare"], strict=True))
    return [f"P1  first frame: {mine * 1000:.0f} ms, bare Textual {base * 1000:.0f} ms: ratio {ratio:.2f} (goal 1.25)"]


if __name__ == "__main__":
    print("\n".join(run()))
