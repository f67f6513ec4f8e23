"""Where a look had no answer in time: that another may have one is the way out."""

from collections.abc import Iterator

from console.core.command import quote
from console.core.finding import Proposal
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Verdict, VerdictWord

ID = "look-again"


def ways(evidence: Evidence, verdict: Verdict) -> Iterator[Proposal]:
    """The advice, where the verdict is unknown and a look had no answer in time."""
    if verdict.verdict is VerdictWord.UNKNOWN and evidence.silent and all(one.id != ID for one in verdict.actions):
        yield way(evidence, verdict)


def way(evidence: Evidence, verdict: Verdict) -> Proposal:
    """Look once more; which looks stay silent is what a check of the host tells."""
    doctor = (quote(("hostdeck", "doctor", verdict.host)),) if evidence.silent else ()
    return Proposal(
        ID,
        "look again: what had no answer may have one now" if evidence.silent else "look again in a few seconds",
        commands=(f"hostdeck why {verdict.target}", *doctor),
        reason_off="by hand: ask once more, here or by the command",
    )
