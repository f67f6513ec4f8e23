"""What a verdict could not look at, and why: so that nobody takes silence for an answer."""

from collections.abc import Iterator

from console.diagnosis.evidence import Evidence
from console.diagnosis.respawn import is_respawn_known
from console.diagnosis.verdict import NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want

_NOBODY_SEEN = (VerdictWord.FREE, VerdictWord.START_LIMIT, VerdictWord.UNKNOWN)
_NOT_LISTENING = (VerdictWord.LINGERING, VerdictWord.OUTGOING, VerdictWord.BOUND_NOT_LISTENING)
_NOT_YET = "not asked yet"


def not_checked(evidence: Evidence, want: Want, verdict: Verdict) -> Iterator[NotChecked]:
    """Everything that was not seen and belongs to this verdict."""
    yield from _owner(evidence, verdict)
    yield from _hidden_connections(evidence, verdict)
    if want.endpoint is None:
        why = evidence.refusal("journal") or evidence.refusal("user_journal")
        if why is not None:
            yield NotChecked(f"log of {want.name}", why)
        return
    if verdict.holders or verdict.verdict in _NOBODY_SEEN:
        yield from _connections(evidence, want)
    if verdict.verdict in _NOBODY_SEEN:
        yield from _unseen_holders(evidence, want)


def _owner(evidence: Evidence, verdict: Verdict) -> Iterator[NotChecked]:
    if any(holder.pid is None for holder in verdict.holders):
        if evidence.is_root:
            yield NotChecked("process of the holder", "none was seen: it may be in another namespace")
        else:
            yield NotChecked("process of the holder", "needs root: sudo would add its pid, command and start time")
    elif verdict.holders and evidence.processes is None and any((holder.pid or 0) > 1 for holder in verdict.holders):
        yield NotChecked("command and start of the holder", evidence.refusal("process") or _NOT_YET)
    for holder in verdict.holders:
        if holder.ref is not None and holder.respawn is None:
            service = evidence.snapshot.service(holder.ref)
            if not is_respawn_known(service):
                yield NotChecked(f"restart policy of {holder.ref.name}", "its manager did not tell")


def _hidden_connections(evidence: Evidence, verdict: Verdict) -> Iterator[NotChecked]:
    """Connections of other users keep the port, and their processes are shown only to root."""
    if verdict.verdict not in _NOT_LISTENING or verdict.holders or evidence.is_root:
        return
    if any(socket.state != "TIME-WAIT" and not socket.pids for socket in evidence.sockets or ()):
        yield NotChecked("process of the connections", "needs root: sudo would add it")


def _connections(evidence: Evidence, want: Want) -> Iterator[NotChecked]:
    if want.endpoint is not None and want.endpoint.protocol == "udp":
        yield NotChecked("connected UDP sockets", "only sockets that receive from everybody are listed")
    elif evidence.sockets is None:
        yield NotChecked("connections of the port", evidence.refusal("sockets") or _NOT_YET)


def _unseen_holders(evidence: Evidence, want: Want) -> Iterator[NotChecked]:
    yield NotChecked("sockets that are bound and do not listen", "ss -B of iproute2 6.11, or lsof as root, shows them")
    identity = evidence.snapshot.identity
    if identity is not None and "docker" in identity.tools:
        yield NotChecked("stopped containers that publish the port", "containers are not looked at yet")
    if want.symptom is None and want.down and evidence.journal is None:
        yield NotChecked(f"log of {want.name}", evidence.refusal("journal") or _NOT_YET)
