"""What must come of looking at a target of a real host as one of its users."""

from collections.abc import Sequence
from dataclasses import dataclass

from console.diagnosis import Confidence, Verdict, VerdictWord, as_text
from tests.lab import Host, Lab

from .real import why

ROOT, ONCALL, NOSUDO = "root", "oncall", "nosudo"
HIGH, MEDIUM, LOW = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW


@dataclass(frozen=True)
class Expected:
    """What must come of looking at a target as a user; ``None`` is "not compared"."""

    target: str
    user: str
    verdict: VerdictWord
    confidence: Confidence | None = None
    holder: str | None = None
    clash: str | None = None
    action: str | None = None
    """The id of the recommended action."""
    steps: str | None = None
    """Its label."""
    gap: str | None = None
    summary: str | None = None
    """Words of the summary."""
    gaps: int | None = None
    """How many looks are missing."""


def look(lab: Lab, host: Host, wanted: Sequence[Expected], asked_from: str | None = None) -> list[Verdict]:
    """Look as each of the users, compare, and see to it that each verdict fits the screen."""
    verdicts = []
    for user in dict.fromkeys(one.user for one in wanted):
        mine = [expected for expected in wanted if expected.user == user]
        found = why(lab, host, [expected.target for expected in mine], user, asked_from=asked_from)
        for expected, verdict in zip(mine, found, strict=True):
            problem = f"{host.name}, {expected.target} as {user}:\n" + "\n".join(as_text(verdict)) + f"\n{verdict}"
            assert found_in(verdict, expected) == expected, problem
            assert len(as_text(verdict)) <= 12, problem
            assert all(len(line) <= 80 for line in as_text(verdict)), problem
            verdicts.append(verdict)
    return verdicts


def found_in(verdict: Verdict, expected: Expected) -> Expected:
    """What was found, in the same form; what is not compared is taken over."""
    best = next((action for action in verdict.actions if action.recommended), None)
    holder = verdict.holder
    name = holder.name if holder is not None else None
    if expected.holder is not None and name is not None and name.startswith(expected.holder):
        name = expected.holder
    gaps = [gap.what for gap in verdict.not_checked]
    return Expected(
        expected.target,
        expected.user,
        verdict.verdict,
        verdict.confidence if expected.confidence is not None else None,
        name if expected.holder is not None else None,
        verdict.clash if expected.clash is not None else None,
        best.id if best is not None and expected.action is not None else None,
        best.label if best is not None and expected.steps is not None else None,
        expected.gap if expected.gap in gaps else None,
        expected.summary if expected.summary is not None and expected.summary in verdict.summary else None,
        len(gaps) if expected.gaps is not None else None,
    )
