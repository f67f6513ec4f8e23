"""What a verdict rests on, in the order in which a person reads it: for the page, the terminal and the report."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from console.core.finding import Proposal
from console.core.snapshot import LogLine
from console.core.text import Masker
from console.diagnosis.looks import Look
from console.diagnosis.verdict import Verdict

LOG_LINES = 20
"""Lines of the end of its log."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it. ``code``: the lines are commands, what they printed, or a log."""

    title: str
    lines: tuple[str, ...]
    code: bool = True


def sections(
    verdict: Verdict, log: Iterable[LogLine] = (), zone: tzinfo = UTC, actions: tuple[Proposal, ...] | None = None
) -> tuple[Section, ...]:
    """Facts, the end of the log, every look word for word, what was not seen, and the ways out."""
    found = (
        Section("What was found", verdict.evidence),
        Section(f"Log of {verdict.service.name}" if verdict.service else "Log", log_lines(log, zone)),
        *(_look(look) for look in verdict.looks),
        Section("Not checked", tuple(f"{gap.what}: {gap.why}" for gap in verdict.not_checked), code=False),
    )
    told = (*(one for one in found if one.lines), *ways(verdict.actions if actions is None else actions))
    return tuple(Section(one.title, _masked(one.lines), one.code) for one in told)


def _masked(lines: tuple[str, ...]) -> tuple[str, ...]:
    """A page and a report leave the terminal: no secret goes with them."""
    masker = Masker()
    return tuple(masker.mask(line) for line in lines)


def log_lines(log: Iterable[LogLine], zone: tzinfo) -> tuple[str, ...]:
    """The end of a log, oldest line first."""
    return tuple(f"{_at(line, zone)}{line.message}" for line in tuple(log)[-LOG_LINES:])


def _at(line: LogLine, zone: tzinfo) -> str:
    return "" if line.at is None else datetime.fromtimestamp(line.at, zone).strftime("%H:%M:%S ")


def _look(look: Look) -> Section:
    lines = look.output.split("\n") if look.output else []
    if look.failure is not None:
        lines.append(f"no answer: {look.failure}")
    # In parentheses is what nobody types.
    typed = look.command if look.command.startswith("(") else f"$ {look.command}"
    return Section(typed, tuple(lines or ["(nothing)"]))


def ways(actions: Iterable[Proposal]) -> Iterator[Section]:
    """Each way out with its commands."""
    for number, action in enumerate(actions, 1):
        mark = " (recommended)" if action.recommended and action.reason_off is None else ""
        off = (f"# {action.reason_off}",) if action.reason_off else ()
        yield Section(f"{number} {action.label}{mark}", (*off, *action.lines))
