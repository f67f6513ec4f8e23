"""What a verdict comes to, in a form that a test can compare whole; what is another each time is told as N or ID."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from console.diagnosis import Confidence, Verdict, VerdictWord, as_text

MOST_LINES = 14
"""Of a terminal of 24."""
_volatile = ((re.compile(r"\b[0-9a-f]{12}\b"), "ID"), (re.compile(r"\bpid \d+"), "pid N"),
             (re.compile(r"\bin \d+ s\b"), "in N s"))  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """All of a verdict that must be right."""

    verdict: VerdictWord
    confidence: Confidence
    holders: tuple[str, ...] = ()
    """Their names, the first one first."""
    containers: tuple[str | None, ...] = ()
    clash: str | None = None
    respawn: str | tuple[str | None, ...] | None = None
    """Of the holders: one for all of them, or, where they differ, that of each."""
    gaps: frozenset[str] = frozenset()
    """What was not checked."""
    action: str | None = None
    """The id of the recommended action."""
    steps: str | None = None
    """Its label."""
    off: bool = False
    """Whether it is by hand, or off for this login."""
    says: str = field(default="", compare=False)
    """Its sentence; of what is expected, a part of it."""


def judged(verdict: Verdict) -> Judged:
    """The verdict in this form; also sees to it that it fits the screen."""
    text = as_text(verdict)
    assert len(text) <= MOST_LINES, "\n".join(text)
    assert all(len(line) <= 80 for line in text), "\n".join(text)
    best = next((action for action in verdict.actions if action.recommended), None)
    respawns = tuple(holder.respawn for holder in verdict.holders)
    return Judged(
        verdict.verdict,
        verdict.confidence,
        tuple(_plain(holder.name) for holder in verdict.holders),
        tuple(_plain(holder.container) if holder.container is not None else None for holder in verdict.holders),
        verdict.clash and _plain(verdict.clash),
        respawns if len(set(respawns)) > 1 else next(iter(respawns), None),
        frozenset(_plain(gap.what) for gap in verdict.not_checked),
        best.id if best is not None else None,
        _plain(best.label) if best is not None else None,
        best is not None and best.reason_off is not None,
        _plain(verdict.summary),
    )


def _plain(text: str) -> str:
    for volatile, word in _volatile:
        text = volatile.sub(word, text)
    return text
