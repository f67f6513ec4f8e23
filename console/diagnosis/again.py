"""Where a look had no answer in time: that another may have one is the way out."""

from collections.abc import Iterator

from console.core.command import quote
from console.core.finding import Proposal
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Verdict, VerdictWord
from console.diagnosis.wanting import Want

ID = "look-again"


def ways(evidence: Evidence, want: Want, verdict: Verdict) -> Iterator[Proposal]:
    """The advice, where the verdict is unknown and a look had no answer in time."""
    if verdict.verdict is VerdictWord.UNKNOWN and evidence.silent and all(one.id != ID for one in verdict.actions):
        yield way(evidence, want)


def way(evidence: Evidence, want: Want) -> Proposal:
    """Look once more; which looks stay silent is what a check of the host tells."""
    host = evidence.snapshot.host
    if want.ref is not None:
        target = str(want.ref)
    else:
        udp = "/udp" if want.endpoint is not None and want.endpoint.protocol == "udp" else ""
        target = f"{host}:{want.endpoint.port if want.endpoint is not None else ''}{udp}"
    return Proposal(
        ID,
        "look again: what had no answer may have one now" if evidence.silent else "look again in a few seconds",
        commands=(
            quote(("hostdeck", "why", target)),
            *((quote(("hostdeck", "doctor", host)),) if evidence.silent else ()),
        ),
        reason_off="by hand: ask once more, here or by the command",
    )
