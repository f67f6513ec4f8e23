"""How the last run of a unit ended, as its journal tells: systemd's own lines, and the last words of its processes."""

import re
from collections.abc import Collection, Sequence

from console.core.endings import Ending
from console.core.snapshot import LogLine

_exited = re.compile(r"Main process exited, code=(exited|killed|dumped), status=(\d{1,3})/")
_failed = re.compile(r"Failed with result '([a-z-]{1,40})'\.")
_WELL = ("Deactivated successfully.", "Succeeded.")
_started = re.compile("Started ")
_opens = re.compile(r"Starting |\S+: (?:Scheduled restart job|Service RestartSec=)")
_runs = re.compile(r"Start(?:ed|ing) ")
_refused = re.compile(r": Start request repeated too quickly\.$")
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
    an end begins one. That a unit was started is written when its process runs, which may have said something by then.
    """
    attempts: list[list[LogLine]] = [[]]
    begun = starting = False
    end: int | None = None
    for line in lines:
        if line.pid not in managers:
            attempts[-1].append(line)
            continue
        opens, started = bool(_opens.match(line.message)), bool(_started.match(line.message))
        again = end is not None or (begun and not starting)
        if opens or (started and again) or (end is not None and not _course.match(line.message)):
            early = _newcomers(attempts[-1], end, managers) if started and end is not None else []
            attempts.append(early)
            begun, starting, end = False, False, None
        begun, starting = begun or opens or started, opens or (starting and not started)
        attempts[-1].append(line)
        if end is None and last_ending(line.service, (line,)) is not None:
            end = len(attempts[-1])
    return attempts


def _newcomers(attempt: list[LogLine], end: int, managers: Collection[int | None]) -> list[LogLine]:
    """What processes said after its end that had said nothing before: taken out of it."""
    known = {line.pid for line in attempt[:end]} | set(managers)
    early = [line for line in attempt[end:] if line.pid not in known]
    attempt[end:] = [line for line in attempt[end:] if line.pid in known]
    return early


def _has_ended(attempt: Sequence[LogLine], managers: Collection[int | None]) -> bool:
    """Whether it ended, and was more than a start that systemd refused because there were too many before."""
    own = [line for line in attempt if line.pid in managers]
    refused = any(_refused.search(line.message) for line in own) and not any(_runs.match(line.message) for line in own)
    return not refused and any(last_ending(line.service, (line,)) is not None for line in own)
