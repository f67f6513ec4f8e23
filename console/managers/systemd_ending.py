"""How the last run of a unit ended, as its journal tells: systemd's own lines, and the last words of its processes."""

import re
from collections.abc import Collection, Sequence

from console.core.endings import Ending
from console.core.snapshot import LogLine

_exited = re.compile(r"Main process exited, code=(exited|killed|dumped), status=(\d{1,3})/")
_failed = re.compile(r"Failed with result '([a-z-]{1,40})'\.")
_WELL = ("Deactivated successfully.", "Succeeded.")
_starting, _started = re.compile("Starting "), re.compile("Started ")
_refused = re.compile(r": Start request repeated too quickly\.$")
_begins = re.compile(r"Start(?:ed|ing) |\S+: (?:Scheduled restart job|Service RestartSec=)")
_course = re.compile(
    r"(?:Start|Stopp|Finish|Reload)(?:ed|ing) |Failed to start "
    r"|\S+: (?:(?:Main|Control) process exited|Failed with result|Scheduled restart job|Service RestartSec="
    r"|Start request repeated|Deactivated successfully|Succeeded\.|Consumed |Triggering OnFailure="
    r"|Found left-over process|This usually indicates|Killing process|Unit process )"
)
"""What systemd writes of each run, whatever the reason of its end."""


def last_ending(unit: str, lines: Sequence[LogLine]) -> Ending | None:
    """The newest in the lines of a unit, oldest first; ``None`` where they tell of none.

    While the next run lives ``systemctl show`` says nothing of it.
    """
    result: str | None = None
    for line in reversed(lines):
        own, colon, said = line.message.partition(": ")
        if not colon or own != unit:
            continue
        if said in _WELL:
            return Ending(result or "success")
        if (failed := _failed.match(said)) is not None:
            if result is not None:
                return Ending(result)
            result = failed[1]
        elif (exited := _exited.match(said)) is not None:
            word, number = exited[1], int(exited[2])
            if word == "exited":
                return Ending(result or "exit-code", exit_code=number)
            return Ending(result or ("signal" if word == "killed" else "core-dump"), exit_signal=number)
    return Ending(result) if result is not None else None


def telling(lines: Sequence[LogLine]) -> tuple[LogLine, ...]:
    """The lines of a unit's journal, oldest first, that say why it is down: of the newest attempt that ended.

    That is what its processes wrote, and of systemd's lines those that tell more than the course of things, which is
    told only where there is nothing else: what an earlier attempt said is no reason of this one's end.
    """
    managers = {1, *(line.pid for line in lines if last_ending(line.service, (line,)) is not None)}
    attempts = _attempts(lines, managers)
    newest = next((one for one in reversed(attempts) if _has_ended(one, managers)), attempts[-1])
    said = tuple(line for line in newest if not (line.pid in managers and _course.match(line.message)))
    return said if any(line.message.strip() for line in said) else tuple(newest)


def _attempts(lines: Sequence[LogLine], managers: Collection[int | None]) -> list[list[LogLine]]:
    """The lines by attempt to start the unit.

    Of some that fail early systemd writes no beginning: then what it writes next to an end that is not of the course of
    an end begins one. Words of a process may be late.
    """
    attempts: list[list[LogLine]] = [[]]
    starting = over = False
    for line in lines:
        if line.pid in managers:
            begins = bool(_begins.match(line.message)) and not (starting and _started.match(line.message))
            if begins or (over and not _course.match(line.message)):
                attempts.append([])
                starting = over = False
            starting = starting or bool(_starting.match(line.message))
            over = over or last_ending(line.service, (line,)) is not None
        attempts[-1].append(line)
    return attempts


def _has_ended(attempt: Sequence[LogLine], managers: Collection[int | None]) -> bool:
    """Whether it ended, and was more than a start that systemd refused because there were too many before."""
    own = [line for line in attempt if line.pid in managers]
    refused = any(_refused.search(line.message) for line in own) and not any(
        _starting.match(line.message) or _started.match(line.message) for line in own
    )
    return not refused and any(last_ending(line.service, (line,)) is not None for line in own)
