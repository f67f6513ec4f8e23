"""The log lines that are kept: a ring bounded by lines and bytes, with a filter, a search and counts over time.

Lines have sequence numbers that never change, so that a view can stay on a line while older ones go. Nothing here
knows of the screen.
"""

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from math import floor
from sys import getsizeof
from typing import NamedTuple

from console.core.snapshot import LogLine

DROPPED = "dropped"
"""The level of the line that stands for dropped ones."""
_LEVELS = ("critical", "error", "warning", "info", "debug")
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800)

Pattern = re.Pattern[str]


class LogBuckets(NamedTuple):
    """How many lines, and how many of them errors, came in each of some spans of time."""

    start: float
    """Unix time of the first span's beginning."""
    seconds: float
    """How long each span is."""
    counts: tuple[int, ...]
    errors: tuple[int, ...]


class LogPosition(NamedTuple):
    """Where the view stands. Lines are counted from 1 among the shown ones."""

    first: int = 0
    last: int = 0
    shown: int = 0
    total: int = 0
    hidden: int = 0
    """By the filter."""
    dropped: int = 0
    """Before they came here: the host was faster than the link."""
    matches: int = 0
    lag: float | None = None
    """Seconds between the time in the newest line and the moment it was shown; ``None`` for old lines."""
    following: bool = True


def pattern_of(text: str, *, regex: bool) -> Pattern:
    """What is searched for; capital letters matter only where the text has some. Raises ``re.error``."""
    flags = 0 if any(letter.isupper() for letter in text) else re.IGNORECASE
    return re.compile(text if regex else re.escape(text), flags)


class LogBuffer:
    """The kept lines and, of them, the shown ones; see the module. An index counts the shown lines."""

    def __init__(self, max_lines: int = 50_000, max_bytes: int = 16 << 20) -> None:
        """Keep at most so many lines and so many bytes of messages, and always the newest line."""
        self.max_lines = max(1, max_lines)
        self.max_bytes = max_bytes
        self._pattern: Pattern | None = None
        self._levels: frozenset[str] | None = None
        self._search: Pattern | None = None
        self.clear()

    def clear(self) -> None:
        """Forget all lines; filter and search stay."""
        self.lines: deque[LogLine] = deque()
        self.first = 0
        """The sequence number of the oldest kept line."""
        self.bytes = 0
        self.dropped = 0
        """How many lines were dropped before they came here."""
        self.source_width = 0
        """The longest ``host service`` that was seen, in characters."""
        self._sources: set[tuple[str, str]] = set()
        self._shown: deque[int] | None = deque() if self._filtered else None
        self._matches: deque[int] = deque()

    # Which lines are shown

    @property
    def _filtered(self) -> bool:
        return self._pattern is not None or self._levels is not None

    def __len__(self) -> int:
        return len(self.lines) if self._shown is None else len(self._shown)

    @property
    def hidden(self) -> int:
        """How many kept lines the filter hides."""
        return 0 if self._shown is None else len(self.lines) - len(self._shown)

    @property
    def matches(self) -> int:
        """How many shown lines the search finds."""
        return len(self._matches)

    def sequence(self, index: int) -> int:
        """The sequence number of a shown line."""
        return self.first + index if self._shown is None else self._shown[index]

    def line(self, index: int) -> LogLine:
        """A shown line."""
        return self.lines[index] if self._shown is None else self.lines[self._shown[index] - self.first]

    def index(self, sequence: int) -> int:
        """The index of a line, or of the next one that is shown."""
        if self._shown is None:
            return max(0, min(sequence - self.first, len(self.lines)))
        return bisect_left(self._shown, sequence)

    # What comes and goes

    def add(self, batch: Sequence[LogLine]) -> int:
        """Add lines, the newest last; returns how many *shown* lines had to go at the front."""
        if len(batch) > self.max_lines:
            self.dropped += sum(line.dropped for line in islice(batch, len(batch) - self.max_lines))
            batch = batch[-self.max_lines :]
        if any(line.dropped for line in batch):
            batch = [each for line in batch for each in self._marked(line)]
        start = self.first + len(self.lines)
        self.lines.extend(batch)
        self.bytes += sum([getsizeof(line.message) for line in batch])
        self._meet({(line.host, line.service) for line in batch})
        if self._shown is not None:
            keep = self._keeper()
            self._shown.extend([number for number, line in enumerate(batch, start) if keep(line)])
        if self._search is not None:
            self._find_from(start)
        return self._trim()

    def _meet(self, sources: set[tuple[str, str]]) -> None:
        if not sources <= self._sources:
            self._sources |= sources
            self.source_width = max(len(host) + len(service) + 1 for host, service in self._sources)

    def _marked(self, line: LogLine) -> tuple[LogLine, ...]:
        if not line.dropped or line.level == DROPPED:
            return (line,)
        return (self.marker(line.dropped, line.host, line.service), line)

    def marker(self, number: int, host: str = "", service: str = "") -> LogLine:
        """A line that stands for dropped ones; it is never hidden."""
        self.dropped += number
        return LogLine(
            host, service, "", f"{number:,} lines dropped: they came faster than they could be taken", level=DROPPED
        )

    def _trim(self) -> int:
        lines = self.lines
        gone = 0
        while len(lines) > self.max_lines or (self.bytes > self.max_bytes and len(lines) > 1):
            self.bytes -= getsizeof(lines.popleft().message)
            gone += 1
        self.first += gone
        while self._matches and self._matches[0] < self.first:
            self._matches.popleft()
        if self._shown is None:
            return gone
        hidden_gone = len(self._shown)
        while self._shown and self._shown[0] < self.first:
            self._shown.popleft()
        return hidden_gone - len(self._shown)

    # Filter and search

    def _keeper(self) -> Callable[[LogLine], bool]:
        pattern, levels = self._pattern, self._levels

        def keep(line: LogLine) -> bool:
            if line.level == DROPPED:
                return True
            if levels is not None and line.level not in levels:
                return False
            return pattern is None or pattern.search(line.message) is not None

        return keep

    def set_filter(self, pattern: Pattern | None, worst: str = "debug") -> None:
        """Show only lines whose message has the pattern and that are at least as bad as ``worst``."""
        self._pattern = pattern
        rank = _LEVELS.index(worst)
        self._levels = None if worst == "debug" else frozenset(_LEVELS[: rank + 1])
        keep = self._keeper()
        numbers = (number for number, line in enumerate(self.lines, self.first) if keep(line))
        self._shown = deque(numbers) if self._filtered else None
        self.set_search(self._search)

    def set_search(self, pattern: Pattern | None) -> None:
        """Find the shown lines whose message has the pattern."""
        self._search = pattern
        self._matches = deque()
        if pattern is not None:
            self._find_from(self.first)

    @property
    def search(self) -> Pattern | None:
        """What is searched for."""
        return self._search

    def _find_from(self, start: int) -> None:
        if self._search is None:
            return
        find = self._search.search
        if self._shown is None:
            numbered: Iterable[tuple[int, LogLine]] = enumerate(islice(self.lines, start - self.first, None), start)
        else:
            numbers = islice(self._shown, bisect_left(self._shown, start), None)
            numbered = ((number, self.lines[number - self.first]) for number in numbers)
        self._matches.extend([number for number, line in numbered if find(line.message)])

    def find(self, sequence: int, direction: int) -> int | None:
        """The sequence number of the next match after (1) or before (-1) a line; ``None`` where there is none."""
        if direction > 0:
            place = bisect_right(self._matches, sequence)
            return self._matches[place] if place < len(self._matches) else None
        place = bisect_left(self._matches, sequence)
        return self._matches[place - 1] if place else None

    # Counts

    def histogram(self, buckets: int) -> LogBuckets | None:
        """The shown lines that have a time, counted in at most so many spans; ``None`` where none has."""
        lines: Iterable[LogLine] = self.lines
        if self._shown is not None:
            lines = (self.lines[number - self.first] for number in self._shown)
        times = [(line.at, line.level) for line in lines if line.at is not None and line.level != DROPPED]
        if not times or buckets < 1:
            return None
        oldest, newest = min(times)[0], max(times)[0]
        step = next((step for step in _STEPS if (newest - oldest) / step < buckets - 1), _STEPS[-1])
        start = (floor(newest / step) - buckets + 1) * step
        counts, errors = [0] * buckets, [0] * buckets
        for at, level in times:
            place = int((at - start) // step)
            if place >= 0:
                counts[place] += 1
                errors[place] += level in ("critical", "error")
        return LogBuckets(start, step, tuple(counts), tuple(errors))
