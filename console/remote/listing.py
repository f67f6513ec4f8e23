"""The output of a program of this machine as lines for a person, the last of them, safe to show."""

from console.core.text import Masker, cut, decode, sanitise
from console.remote.plan_state import LINE_LENGTH, OUTPUT_LINES

_LONGEST = 65_536
"""Bytes of a line without an end that are kept."""


class Listing:
    """Takes bytes as they come."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._rest = b""
        self._masker = Masker()
        self.count = 0
        """Lines so far, with those that are not kept."""

    def feed(self, data: bytes) -> None:
        """Take what the program printed next."""
        *whole, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LONGEST:]
        for line in whole:
            self._take(line)

    def end(self) -> None:
        """Take what has no line feed too."""
        if self._rest:
            self._take(self._rest)
            self._rest = b""

    def say(self, text: str) -> None:
        """Add a line of our own."""
        self._lines.append(text)
        del self._lines[:-OUTPUT_LINES]
        self.count += 1

    def replace(self, text: str) -> None:
        """Have this line alone: a meter."""
        self._lines = [text]

    @property
    def text(self) -> str:
        """The lines that are kept."""
        return "\n".join(self._lines)

    @property
    def last(self) -> str:
        """The last line that says something."""
        return next((line.strip() for line in reversed(self._lines) if line.strip()), "")

    def _take(self, line: bytes) -> None:
        # A meter draws over itself: what stands there at last is the line.
        shown = next((part for part in reversed(line.split(b"\r")) if part), b"")
        self.say(self._masker.mask(cut(sanitise(decode(shown[:_LONGEST])), LINE_LENGTH)))
