"""Sockets that are bound to a port and do nothing else: which looks show them, and what to say where none could."""

from dataclasses import replace

from console.core.network import Socket
from console.core.service import Endpoint
from console.diagnosis.evidence import Evidence, Question
from console.diagnosis.holders import clashing, holder_of_socket
from console.diagnosis.leftovers import in_the_way
from console.diagnosis.outline import outline
from console.diagnosis.verdict import Confidence, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want

WHAT = "sockets that are bound and do not listen"
MOST = 8
"""Processes that are asked about."""
_PROBES = ("bound", "unlisted")


def questions(evidence: Evidence, wanted: Endpoint) -> list[Question]:
    """Asked for only where nobody else is seen on the port."""
    if wanted.protocol != "tcp" or clashing(evidence, wanted) or in_the_way(evidence, wanted):
        return []
    port = (str(wanted.port),)
    if evidence.bound is None and evidence.refusal("bound") is None:
        return [Question("bound", port)]
    if evidence.bound is None and evidence.unlisted is None and evidence.sockets is not None:
        return [Question("unlisted", port)]
    return []


def gap(evidence: Evidence, wanted: Endpoint) -> NotChecked | None:
    """Why they are not known; ``None`` where they are, and for UDP, which has none that are not listed."""
    if wanted.protocol != "tcp" or evidence.knows_bound:
        return None
    names = dict.fromkeys(f"{one.process} (pid {one.pids[0]})" for one in evidence.unlisted or () if one.pids)
    if names:
        return NotChecked(WHAT, f"{', '.join(list(names)[:3])} has one whose port is not told")
    refusals = [why for why in (evidence.refusal(probe) for probe in _PROBES) if why is not None]
    return NotChecked(WHAT, refusals[-1] if refusals else "not asked yet")


def pids(evidence: Evidence) -> set[int]:
    """The processes with such sockets, as far as they are worth a look."""
    found = [pid for one in evidence.unlisted or () for pid in one.pids if not one.port]
    return set(found[:MOST])


def suspects(evidence: Evidence, want: Want) -> tuple[Socket, ...]:
    """The sockets of others whose port is not told."""
    own = want.service.pids if want.service is not None else ()
    return tuple(one for one in evidence.unlisted or () if not one.port and not set(one.pids) & set(own))


def suspected(evidence: Evidence, want: Want) -> Verdict | None:
    """The verdict on a port that is said to be in use, where only such sockets can be the reason."""
    found = suspects(evidence, want)
    if not found or want.endpoint is None:
        return None
    holders = tuple(
        replace(holder_of_socket(evidence, one), port=want.endpoint.port, confidence=Confidence.LOW, known_by=())
        for one in {one.pids: one for one in found}.values()
    )
    names = " or ".join(holder.name for holder in holders[:2])
    summary = f"nobody listens on {want.port}; {names} has a socket that is in no list and may be bound to it"
    verdict = outline(evidence, want, VerdictWord.BOUND_NOT_LISTENING, summary, Confidence.LOW)
    unknown = gap(evidence, want.endpoint)
    return replace(verdict, holders=holders, not_checked=(unknown,) if unknown is not None else ())
