"""Plain text for a person: aligned columns, states as glyph and word, ages, colour only where it is wanted."""

import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TextIO

RED, YELLOW, GREEN, DIM, BOLD = "31", "33", "32", "2", "1"

_STATES = {
    "up": ("●", "*", GREEN),
    "running": ("●", "*", GREEN),
    "done": ("●", "*", GREEN),
    "ok": ("●", "*", GREEN),
    "connecting": ("◌", "~", YELLOW),
    "starting": ("◌", "~", YELLOW),
    "pending": ("○", "-", DIM),
    "stopped": ("○", "-", DIM),
    "skipped": ("○", "-", DIM),
    "stale": ("◌", "~", YELLOW),
    "flapping": ("▲", "!", YELLOW),
    "warning": ("▲", "!", YELLOW),
    "undone": ("▲", "!", YELLOW),
    "failed": ("✖", "x", RED),
    "abandoned": ("✖", "x", RED),
    "refused": ("✖", "x", RED),
    "down": ("✖", "x", RED),
    "critical": ("✖", "x", RED),
    "no": ("✖", "x", RED),
    "unknown": ("?", "?", YELLOW),
    "info": ("·", ".", DIM),
}


class Terminal:
    """Where text goes, and what that can show."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream if stream is not None else sys.stdout
        self.is_terminal = self.stream.isatty()
        self.color = self.is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.moves = self.is_terminal and os.environ.get("TERM") != "dumb"
        """Whether a line can be written over."""
        self.width = shutil.get_terminal_size((80, 24)).columns if self.is_terminal else None
        """Columns; ``None`` where lines need no end, in a file or a pipe."""
        self.unicode = "utf" in (self.stream.encoding or "").lower()

    def line(self, text: str = "") -> None:
        """Print one line, cut to the terminal's width."""
        print(cut_cells(text, self.width) if self.width else text, file=self.stream)

    def wrap(self, text: str, indent: int = 0, hang: int = 4) -> None:
        """Print text that must not be cut: what does not fit goes to further lines, indented by ``hang`` more."""
        for line in wrap_cells(" " * indent + text, self.width, indent + hang):
            print(line, file=self.stream)

    def paint(self, text: str, code: str) -> str:
        """Colour, where there is colour."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text

    def state(self, word: str) -> str:
        """A state as glyph and word, in its colour."""
        glyph, plain, code = _STATES.get(word, ("·", ".", DIM))
        return self.paint(f"{glyph if self.unicode else plain} {word}", code)

    def last_seen(self, word: str) -> str:
        """A state that was told earlier and is not known to hold."""
        glyph, plain, code = _STATES["stale"]
        return self.paint(f"{glyph if self.unicode else plain} {word}", code)

    def table(self, rows: Iterable[Sequence[str]], *, head: Sequence[str] = (), right: Iterable[int] = ()) -> None:
        """Print aligned columns; the last column takes what is left of the width. ``right`` are right-aligned ones."""
        body = [tuple(row) for row in rows]
        if not body:
            return
        if head:
            body.insert(0, tuple(self.paint(word, DIM) for word in head))
        columns, aligned_right = len(body[0]), set(right)
        widths = [max(cells(row[column]) for row in body) for column in range(columns)]
        for row in body:
            parts = []
            for column, text in enumerate(row):
                space = " " * (widths[column] - cells(text))
                last = column == columns - 1
                parts.append(space + text if column in aligned_right else text + ("" if last else space))
            self.line("  ".join(parts).rstrip())


def cells(text: str) -> int:
    """How many columns the text takes."""
    if text.isascii() and "\x1b" not in text:
        return len(text)
    return sum(_cell(character) for character, visible in _characters(text) if visible)


def cut_cells(text: str, width: int) -> str:
    """Cut to a number of columns, colours left whole; ``…`` stands for what is missing."""
    if cells(text) <= width:
        return text
    parts, used, colored = [], 0, False
    for character, visible in _characters(text):
        if visible and used + _cell(character) > width - 1:
            break
        used += _cell(character) if visible else 0
        colored = colored or not visible
        parts.append(character)
    return "".join(parts) + "…" + ("\x1b[0m" if colored else "")


def wrap_cells(text: str, width: int | None, indent: int) -> Iterable[str]:
    """Break text at blanks so that each line has at most so many columns; a word that is longer stays whole."""
    if width is None or cells(text) <= width or width < indent + 20:
        yield text
        return
    line = text[: len(text) - len(text.lstrip(" "))]
    begun = False
    for word in text.lstrip(" ").split(" "):
        if begun and cells(line) + 1 + cells(word) > width:
            yield line.rstrip(" ")
            line, begun = " " * indent, False
        line += (" " if begun else "") + word
        begun = True
    yield line


def _characters(text: str) -> Iterable[tuple[str, bool]]:
    """The characters, and whether each is seen (those of our own colours are not)."""
    inside = False
    for character in text:
        if character == "\x1b":
            inside = True
        yield character, not inside
        if inside and character == "m":
            inside = False


def _cell(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def age(seconds: float | None) -> str:
    """A span for a person: ``12s``, ``5m``, ``3h``, ``6d``; ``-`` where it is not known."""
    if seconds is None:
        return "-"
    seconds = max(0.0, seconds)
    for limit, unit, size in ((90, "s", 1), (5400, "m", 60), (129600, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds / 86400:.0f}d"


def size(count: float | None) -> str:
    """Bytes in binary units."""
    if count is None:
        return "-"
    for unit in ("B", "K", "M", "G", "T"):
        if count < 1024 or unit == "T":
            return f"{count:.0f}{unit}" if count >= 10 or unit == "B" else f"{count:.1f}{unit}"
        count /= 1024
    return "-"
