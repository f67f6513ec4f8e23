"""How the last run of a unit ended, as its journal tells: systemd's own lines, and the last words of its processes."""

import re
from collections.abc import Sequence

from console.core.endings import Ending
from console.core.snapshot import LogLine

_exited = re.compile(r"Main process exited, code=(exited|killed|dumped), status=(\d{1,3})/")
_failed = re.compile(r"Failed with result '([a-z-]{1,40})'\.")
_WELL = ("Deactivated successfully.", "Succeeded.")
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
    """The lines of a unit's journal, oldest first, that say why it is down: of the newest run that ended with any.

    That is what its processes wrote, and of systemd's lines those that tell more than the course of things, which is
    told only where there is nothing else.
    """
    managers = {1, *(line.pid for line in lines if last_ending(line.service, (line,)) is not None)}
    runs: list[list[LogLine]] = [[]]
    for line in lines:
        if line.pid in managers and _begins.match(line.message):
            runs.append([])
        runs[-1].append(line)
    for only_ended in (True, False):
        for run in reversed(runs):
            ended = any(last_ending(line.service, (line,)) is not None for line in run if line.pid in managers)
            said = [line for line in run if not (line.pid in managers and _course.match(line.message))]
            if (ended or not only_ended) and any(line.message.strip() for line in said):
                return tuple(said)
    return tuple(lines)
