"""What every verdict has in common."""

from dataclasses import replace

from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Confidence, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want

_ORDER = tuple(Confidence)[::-1]
"""The least first."""


def outline(
    evidence: Evidence, want: Want, word: VerdictWord, summary: str, confidence: Confidence = Confidence.LOW
) -> Verdict:
    """A verdict on what is wanted, without holders and actions."""
    endpoint = want.endpoint
    return Verdict(
        host=evidence.snapshot.host,
        port=endpoint.port if endpoint is not None else None,
        protocol=endpoint.protocol if endpoint is not None else "tcp",
        verdict=word,
        summary=summary,
        service=want.ref,
        state=want.service.state.value if want.service is not None else None,
        wanted=endpoint,
        symptom=want.symptom,
        port_known_by=want.known_by,
        declared_by=want.declared_by,
        confidence=min(confidence, want.sure, key=_ORDER.index),
    )


def undecided(evidence: Evidence, want: Want, summary: str, *gaps: NotChecked) -> Verdict:
    """No answer, and what would have given one."""
    verdict = outline(evidence, want, VerdictWord.UNKNOWN, summary)
    return replace(verdict, not_checked=gaps)
