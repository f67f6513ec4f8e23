"""Times of the lines of files: as they are written, in the zone in which they are written, or none.

Before the log comes what tells of its times: the zone of the host, and of each file when it was written last, how many
of its lines will come, and those among them that look as if they had a time.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from console.core.command import Command
from console.core.log_text import structured
from console.core.snapshot import LogLine
from console.core.stamps import Stamp, offset_of, stamp, stamp_of

_SCRIPT = r"""
hd_lines=$1 hd_n=$2
shift 2
date '+zone %z'
while [ "$hd_n" -gt 0 ]; do
  hd_n=$((hd_n - 1))
  echo file
  if [ -f "$1" ] && [ -r "$1" ]; then
    stat -c 'written %Y' -- "$1"
    tail -n "$hd_lines" -- "$1" | awk '
      /[0-9][0-9]:[0-9][0-9]|"ts"|"time|"@time/ { a[k++ % 4] = substr($0, 1, 1000); if (k == 1) a["first"] = a[0] }
      END {
        print "held " NR
        if (k) print "| " a["first"]
        for (i = k > 4 ? k - 4 : 0; i < k; i++) print "| " a[i % 4]
      }'
  fi
  shift
done 2>/dev/null
echo end
exec "$@"
"""
BACKLOG_WITHIN = 10.0
"""Seconds in which the lines that were there already arrive; whatever comes later is news."""

ReadLine = Callable[[str], LogLine | None]


def with_times(command: Command, files: tuple[str, ...], lines: int) -> Command:
    """The command, after what tells of the times of the files that it reads."""
    words = ("sh", "-c", _SCRIPT, "sh", str(lines), str(len(files)), *files, *command.argv)
    return replace(command, argv=words)


@dataclass(slots=True)
class _File:
    """What is known of the times of one file."""

    written: float | None = None
    held: int = 0
    """How many of its lines were there already."""
    samples: tuple[Stamp, ...] = ()
    """The times of its first line that has one, and of the last ones."""
    offset: float | None = None
    at: float | None = None
    """The time of the newest line that had one."""
    count: int = 0
    """How many of its lines were read."""

    @property
    def untimed(self) -> bool:
        """Whether its lines have no times, as far as is known."""
        return self.at is None and not self.samples


class TimedLines:
    """Reads the lines of files and gives each its time: its own, else that of the line before it in its file.

    ``since``: what is older is left out; of a file without times all but the last ``untimed`` lines that were there
    already. ``now`` is the host's clock.
    """

    def __init__(
        self,
        read_line: ReadLine,
        files: tuple[str, ...],
        *,
        now: float,
        since: float | None,
        untimed: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read_line = read_line
        self._files = {file: _File() for file in files}
        self.paths = tuple(file for file in self._files if file.startswith("/"))
        """The files to be looked at before."""
        self._heads = {f"==> {file} <==": file for file in files} if len(files) > 1 else {}
        self._current = self._files[files[0]] if len(files) == 1 else None
        self._now = now
        self._since = since
        self._untimed = untimed
        self._clock = clock
        self._local: float | None = None
        self._told = 0
        self._begun: float | None = None

    def __call__(self, text: str) -> LogLine | None:
        """Read one line."""
        if self._begun is None and self._take(text):
            return None
        if text in self._heads:
            self._current = self._files[self._heads[text]]
        elif self._current is not None:
            self._current.count += 1
        line = self._read_line(text)
        if line is None or line.at is not None:
            return line
        file = self._files.setdefault(line.source, _File(offset=self._local))
        found = stamp_of(dict(line.fields), self._now) or stamp(line.message, self._now)
        own = found.moment(file.offset) if found is not None else None
        file.at = file.at if own is None else own
        return replace(line, at=file.at, untimed=file.untimed) if self._wanted(file) else None

    def written(self, path: str) -> float | None:
        """When a file was written last as it was begun to be read: no line of it is younger; ``None`` if not known."""
        file = self._files.get(path)
        return None if file is None else file.written

    def _wanted(self, file: _File) -> bool:
        if self._since is None:
            return True
        if file.untimed:
            over = self._begun is not None and self._clock() - self._begun > BACKLOG_WITHIN
            return over or file.count > file.held - self._untimed
        if file.at is not None:
            return file.at >= self._since
        # It goes on from a line that was not read: as young as the next one that has a time.
        first = file.samples[0].moment(file.offset)
        return first is None or first >= self._since

    def _take(self, text: str) -> bool:
        """Take one line of what comes before the log; false for any other."""
        word, _, rest = text.partition(" ")
        file = self._files[self.paths[self._told - 1]] if self._told else None
        if word == "zone":
            self._zone(rest)
        elif text == "file" and self._told < len(self.paths):
            self._told += 1
        elif word == "written" and file is not None and rest.isdecimal():
            file.written = float(rest[:12])
        elif word == "held" and file is not None and rest.isdecimal():
            file.held = int(rest[:12])
        elif word == "|" and file is not None:
            found = stamp(rest, self._now) or stamp_of(structured(rest)[1], self._now)
            file.samples += () if found is None else (found,)
        else:
            # Of a flood the oldest lines are dropped, and "end" may be among them.
            self._begin()
            return text == "end"
        return True

    def _zone(self, text: str) -> None:
        zone = re.fullmatch(r"([+-])(\d\d)(\d\d)", text)
        if zone is not None:
            self._local = float(f"{zone[1]}1") * (int(zone[2]) * 3600 + int(zone[3]) * 60)

    def _begin(self) -> None:
        self._begun = self._clock()
        for file in self._files.values():
            file.offset = offset_of(file.samples, file.written, self._local)
