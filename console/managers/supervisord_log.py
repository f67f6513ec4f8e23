"""The log of supervisord itself: how programs ended, and how often they were started again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

_line = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) [A-Z]{4} (.*)")
_spawned = re.compile(r"spawned: '(.+)' with pid (\d{1,9})\Z")
_ended = re.compile(
    r"(exited|stopped): (\S+) \((?:exit status (-?\d{1,9})|terminated by (SIG\w+|signal \d{1,3}))"
    r"(?: \(core dumped\))?(; .*)?\)\Z"
)
_zone = re.compile(r"([+-])(\d\d)(\d\d)\Z")
_gave_up = re.compile(r"gave up: (\S+) entered FATAL state")

PROMPT = 5.0
"""Seconds after its end within which a start is supervisord's own; its waits between attempts grow by a second each."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the log tells of one program. Times are on the log's own clock, local time: good for differences."""

    restarts: int = 0
    """Starts that followed an end by themselves, since it was last started by hand."""
    ended: float | None = None
    code: int | None = None
    signal: str | None = None
    expected: bool | None = None
    by_hand: bool = True
    """The next start is somebody's wish."""
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Chronicle:
    """What was read of a log so far."""

    last: str = ""
    """The last line that was read."""
    programs: Mapping[str, Past] = field(default_factory=dict)


def read(chronicle: Chronicle, text: str) -> Chronicle:
    """Read the newest part of the log, which may begin before what was read already and in the middle of a line."""
    lines = [line for line in text.split("\n") if _line.match(line)]
    if chronicle.last in lines:
        lines = lines[len(lines) - lines[::-1].index(chronicle.last) :]
    if not lines:
        return chronicle
    programs = dict(chronicle.programs)
    for line in lines:
        match = _line.match(line)
        assert match is not None
        _take(programs, _seconds(match[1], match[2]), match[3])
    return Chronicle(lines[-1], programs)


def _seconds(day: str, milliseconds: str) -> float:
    try:
        # It is local time, read as if it were UTC: only differences are made of it.
        return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() + int(milliseconds) / 1000
    except ValueError:
        return 0.0


def _take(programs: dict[str, Past], at: float, said: str) -> None:
    if said.startswith("supervisord started with pid"):
        programs.clear()
    elif (match := _spawned.match(said)) is not None:
        past = programs.get(match[1], Past())
        again = not past.by_hand and past.ended is not None and at - past.ended <= PROMPT + past.restarts
        restarts = past.restarts + 1 if again else 0
        programs[match[1]] = replace(past, restarts=restarts, by_hand=False, pid=int(match[2]))
    elif (match := _ended.match(said)) is not None:
        programs[match[2]] = replace(
            programs.get(match[2], Past()),
            ended=at,
            code=None if match[3] is None else int(match[3]),
            signal=match[4],
            expected="not expected" not in (match[5] or ""),
            by_hand=match[1] == "stopped",
        )
    elif (match := _gave_up.match(said)) is not None and match[1] in programs:
        programs[match[1]] = replace(programs[match[1]], by_hand=True)


def zone_seconds(text: str) -> float | None:
    """Seconds of ``+0200``."""
    match = _zone.match(text)
    return None if match is None else int(f"{match[1]}1") * (int(match[2]) * 3600.0 + int(match[3]) * 60.0)
