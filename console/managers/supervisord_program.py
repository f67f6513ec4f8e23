"""Programs as supervisord, or its tool, tells of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from console.core.probe import ParseError
from console.core.text import MARK, sanitise
from console.managers.supervisord_files import Key

_LARGEST = 2**53
"""Whole numbers below it are exact as floats; none that supervisord tells is larger."""

_uptime = re.compile(r"pid (\d{1,9}), uptime (?:(\d{1,9}) days?, )?(\d{1,9}):(\d\d):(\d\d)\Z")
_status = re.compile(r"(\S+) +(STOPPED|STARTING|RUNNING|BACKOFF|STOPPING|EXITED|FATAL|UNKNOWN)(?: +(.*))?\Z")


@dataclass(frozen=True, slots=True)
class Program:
    """A program as the daemon, or its tool, tells of it. ``None``: not told."""

    group: str
    name: str
    word: str
    pid: int | None = None
    start: float | None = None
    stop: float | None = None
    now: float | None = None
    said: str = ""
    """Why it does not run."""
    code: int | None = None
    expected: bool | None = None
    """Whether it may have ended as it did; of one that ended."""
    logs: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Group and name."""
        return self.group, self.name


def name_of(key: Key) -> str:
    """As supervisorctl shows it: the group is left out where it is the program's own."""
    group, name = key
    return name if group == name else f"{group}:{name}"


def key_of(name: str) -> Key:
    """The opposite."""
    group, colon, rest = name.partition(":")
    return (group, rest) if colon else (name, name)


def program(told: object) -> Program:
    """One of ``getAllProcessInfo``."""
    if not isinstance(told, dict):
        raise ParseError("the state of a program", repr(told))
    group, name, word = (told.get(key) for key in ("group", "name", "statename"))
    if not (isinstance(group, str) and isinstance(name, str) and isinstance(word, str) and group and name):
        raise ParseError("group, name and state of a program", repr(told))
    if not all(each.isprintable() and MARK not in each for each in (group, name, word)):
        raise ParseError("a name without control characters", repr((group, name, word)))
    said = str(told.get("spawnerr") or "")
    code = number_of(told.get("exitstatus"))
    ended = word == "EXITED"
    return Program(
        group,
        name,
        word,
        pid=pid_of(told.get("pid")),
        start=_time(told.get("start")),
        stop=_time(told.get("stop")),
        now=_time(told.get("now")),
        said=said,
        code=code or 0 if ended and (code or 0) >= 0 else None,
        expected=not said if ended else None,
        logs=tuple(path for key in ("stdout_logfile", "stderr_logfile") if (path := path_of(told.get(key)))),
    )


def programs_of_status(lines: list[str], now: float) -> tuple[Program, ...]:
    """The lines of ``supervisorctl status``."""
    found = []
    for line in lines:
        match = _status.match(line)
        if match is None:
            continue
        group, name = key_of(match[1])
        word, said = match[2], match[3] or ""
        up = _uptime.match(said)
        seconds = int(up[2] or 0) * 86400 + int(up[3]) * 3600 + int(up[4]) * 60 + int(up[5]) if up else 0
        start = now - seconds if up else None
        why = said if word in ("FATAL", "BACKOFF") else ""
        found.append(Program(group, name, word, int(up[1]) if up else None, start, now=now, said=why))
    return tuple(found)


def loaded_configs(told: object) -> dict[Key, Mapping[str, object]] | None:
    """``getAllConfigInfo`` by program; of what is not in use only that the daemon has read it, which is not enough."""
    if not isinstance(told, list):
        return None
    found: dict[Key, Mapping[str, object]] = {}
    for each in told:
        if isinstance(each, dict) and isinstance(each.get("group"), str) and isinstance(each.get("name"), str):
            found[each["group"], each["name"]] = each
    return found


def pid_of(value: object) -> int | None:
    """A number that may be one of a process."""
    number = number_of(value)
    return number if number is not None and 0 < number < 2**31 else None


def number_of(value: object) -> int | None:
    """A whole number that may be one of supervisord's."""
    whole = isinstance(value, int) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST
    return int(value) if whole and isinstance(value, int) else None


def _time(value: object) -> float | None:
    """Seconds; 0 is never."""
    number = number_of(value)
    return float(number) if number is not None and number > 0 else None


def path_of(value: object) -> str | None:
    """A whole path that is shown as it is."""
    if not isinstance(value, str) or not value.startswith("/") or "\n" in value:
        return None
    return value if sanitise(value) == value else None
