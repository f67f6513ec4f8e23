"""What lies beyond the host's own list of listeners: which looks it takes, and what silence about it means."""

from collections.abc import Iterator

from console.core.overlap import is_loopback
from console.core.service import Endpoint
from console.diagnosis import clusters, taken
from console.diagnosis.container_ways import missing_right
from console.diagnosis.evidence import Evidence, Question
from console.diagnosis.spaces import ENGINES, is_hidden_container
from console.diagnosis.verdict import NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want

_NOBODY_SEEN = (VerdictWord.FREE, VerdictWord.START_LIMIT, VerdictWord.UNKNOWN, VerdictWord.HELD_IN_CONTAINER)

_NOT_YET = "not asked yet"
_LONGEST = 80
"""Letters of a rule that are told; the evidence has all of it."""


def questions(evidence: Evidence, want: Want, file: str | None) -> Iterator[Question]:
    """The looks at other networks of the host, and at what the kernel sends there.

    ``file``: that of the network in which the port is wanted, where it is not the host's.
    """
    contained = want.service is not None and want.service.ref.manager in ENGINES
    if want.endpoint is None and not contained:
        return
    if evidence.namespaces is None:
        yield Question("namespaces", (file,) if file is not None else ())
    if want.endpoint is None:
        return
    identity = evidence.snapshot.identity
    if evidence.cluster is None and identity is not None and "kubectl" in identity.tools:
        yield Question("cluster")
    if evidence.redirects is None:
        yield Question("redirects", (str(want.endpoint.port),))
    if evidence.addresses is None and _names_addresses(evidence):
        yield Question("addresses")


def _names_addresses(evidence: Evidence) -> bool:
    """Whether rules send on only what comes to one address or by one interface.

    Until they are read: whether an engine may have made any. To ask for both at once saves a round trip, and costs the
    host a process.
    """
    if evidence.redirects is None:
        return any(service.ref.manager in ENGINES and service.ports for service in evidence.snapshot.services)
    return any(one.address or one.interface for one in (*evidence.redirects.found, *evidence.redirects.unread))


def gaps(evidence: Evidence, want: Want, verdict: Verdict) -> Iterator[NotChecked]:
    """What was not seen of it and belongs to this verdict."""
    if want.endpoint is None:
        return
    for port in dict.fromkeys(holder.port for holder in verdict.holders if is_hidden_container(holder)):
        why = missing_right(evidence) or "its engine names none"
        yield NotChecked(f"which container publishes {port}", why)
    nobody = verdict.verdict in _NOBODY_SEEN
    if nobody or (verdict.verdict is VerdictWord.HELD and want.symptom is None):
        gap = unseen_rules(evidence, want.endpoint)
        if gap is not None and (nobody or gap.why != _NOT_YET):
            yield gap
        yield from clusters.gaps(evidence)
    if nobody and (gap := unread_rules(evidence, want.endpoint)) is not None:
        yield gap
    if nobody and (refused := evidence.refusal("namespaces")) is not None:
        yield NotChecked("other networks of this host", refused)
    if nobody and (missing := missing_right(evidence)) is not None:
        yield NotChecked(f"containers that publish {want.endpoint.port} when they are started", missing)


def unseen_rules(evidence: Evidence, wanted: Endpoint) -> NotChecked | None:
    """Why rules of the kernel may take the port unseen, so that nobody can call it free; ``None`` where none can.

    What the host sends to its own loopback address meets none of the rules at its entry.
    """
    if is_loopback(wanted.address):
        return None
    if evidence.redirects is None:
        return NotChecked("rules that send the port elsewhere (NAT)", evidence.refusal("redirects") or _NOT_YET)
    if evidence.redirects.refused is not None:
        return NotChecked("other rules that send the port elsewhere (NAT)", evidence.redirects.refused)
    return None


def unread_rules(evidence: Evidence, wanted: Endpoint) -> NotChecked | None:
    """Rules that may send on what comes to the port, and do not tell it in words that are understood here."""
    found = taken.unread_of(evidence, wanted)
    if not found:
        return None
    rule = found[0].rule
    short = rule if len(rule) <= _LONGEST else f"{rule[:_LONGEST]}..."
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    read = evidence.redirects is not None and found[0] in evidence.redirects.found
    why = "which ports it takes is not told" if read else "not understood"
    return NotChecked(f"whether a rule sends {wanted.port} elsewhere (NAT)", f"{why}: {short}{more}")
