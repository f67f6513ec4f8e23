"""What a verdict comes to, in a form that a test can compare whole; identities of containers are told as ID."""

from __future__ import annotations

import re
from dataclasses import dataclass

from console.diagnosis import Confidence, Verdict, VerdictWord, as_text

_ident = re.compile(r"\b[0-9a-f]{12}\b")


@dataclass(frozen=True)
class Judged:
    """All of a verdict that must be right."""

    verdict: VerdictWord
    confidence: Confidence
    holders: tuple[str, ...] = ()
    """Their names, the first one first."""
    containers: tuple[str | None, ...] = ()
    clash: str | None = None
    respawn: str | None = None
    """Of the first holder."""
    gaps: frozenset[str] = frozenset()
    """What was not checked."""
    action: str | None = None
    """The id of the recommended action."""
    steps: str | None = None
    """Its label."""
    off: bool = False
    """Whether it is by hand, or off for this login."""


def judged(verdict: Verdict) -> Judged:
    """The verdict in this form; also sees to it that it fits the screen."""
    text = as_text(verdict)
    assert len(text) <= 12, "\n".join(text)
    assert all(len(line) <= 80 for line in text), "\n".join(text)
    best = next((action for action in verdict.actions if action.recommended), None)
    return Judged(
        verdict.verdict,
        verdict.confidence,
        tuple(_plain(holder.name) for holder in verdict.holders),
        tuple(_plain(holder.container) if holder.container is not None else None for holder in verdict.holders),
        verdict.clash and _plain(verdict.clash),
        verdict.holder.respawn if verdict.holder is not None else None,
        frozenset(_plain(gap.what) for gap in verdict.not_checked),
        best.id if best is not None else None,
        _plain(best.label) if best is not None else None,
        best is not None and best.reason_off is not None,
    )


def _plain(text: str) -> str:
    return _ident.sub("ID", text)
