"""What a verdict could not look at, and why: so that nobody takes silence for an answer."""

from collections.abc import Iterator

from console.diagnosis import beyond, hidden, kernel_sockets, only_bound, other_host, own_network, user_sockets
from console.diagnosis.clusters import is_of
from console.diagnosis.container_ways import missing_right
from console.diagnosis.evidence import Evidence
from console.diagnosis.failure import is_failing
from console.diagnosis.holder_words import is_bare
from console.diagnosis.respawn import is_respawn_known
from console.diagnosis.verdict import LISTENERS, Holder, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want

_NOBODY_SEEN = (VerdictWord.FREE, VerdictWord.HELD_IN_CONTAINER, VerdictWord.START_LIMIT, VerdictWord.UNKNOWN)
_NOT_LISTENING = (VerdictWord.LINGERING, VerdictWord.OUTGOING, VerdictWord.BOUND_NOT_LISTENING)
_NOT_YET = "not asked yet"
_ELSEWHERE = {"nat", "namespace"}


def not_checked(evidence: Evidence, want: Want, verdict: Verdict) -> Iterator[NotChecked]:
    """Everything that was not seen and belongs to this verdict."""
    if want.endpoint is not None:
        yield from _old_listeners(evidence)
    yield from other_host.gap(evidence, want)
    yield from _owner(evidence, verdict)
    if own_network.listeners(evidence, want) is not None:
        # What is not seen of the host's own network does not matter there.
        yield from _log(evidence, want)
        return
    yield from _hidden_connections(evidence, verdict)
    yield from beyond.gaps(evidence, want, verdict)
    yield from user_sockets.gaps(evidence, verdict)
    if want.endpoint is None:
        why = evidence.refusal("journal") or evidence.refusal("user_journal")
        if why is not None:
            yield NotChecked(f"log of {want.name}", why)
        return
    if verdict.holders or verdict.verdict in _NOBODY_SEEN:
        yield from _connections(evidence, want)
    if verdict.verdict in _NOBODY_SEEN:
        yield from _unseen_holders(evidence, want)
    yield from _log(evidence, want)


def _old_listeners(evidence: Evidence) -> Iterator[NotChecked]:
    """What all of it rests on may have changed since."""
    why = evidence.listeners_gap()
    if why is not None:
        age = evidence.listeners_age()
        yield NotChecked(LISTENERS, why if age is None else f"as of {age:.0f} s ago: {why}")


def _log(evidence: Evidence, want: Want) -> Iterator[NotChecked]:
    """The log of one that is down by itself: what was stopped has nothing to say of it."""
    if want.symptom is None and want.down and want.ref is not None and evidence.log_of(want.ref) is None:
        why = evidence.refusal("journal") or evidence.refusal("user_journal")
        if why is not None or (want.service is not None and is_failing(want.service)):
            yield NotChecked(f"log of {want.name}", why or _NOT_YET)


def _owner(evidence: Evidence, verdict: Verdict) -> Iterator[NotChecked]:
    # What gets the port by a rule or from a cluster need not be a process of this host.
    unseen = [one for one in verdict.holders if one.pid is None and not kernel_sockets.is_kernel(one)]
    if any(not _is_elsewhere(one) for one in unseen):
        if evidence.is_root:
            yield NotChecked("process of the holder", "none was seen: it may be in another namespace")
        else:
            why = evidence.refusal("listeners_root")
            added = "needs root: sudo would add its pid, command and start time"
            yield NotChecked("process of the holder", why or added)
    elif evidence.processes is None and any(_is_bare(one) for one in verdict.holders):
        yield NotChecked("command and start of the holder", evidence.refusal("process") or _NOT_YET)
    yield from _directory(evidence, verdict)
    for holder in verdict.holders:
        if holder.ref is not None and holder.respawn is None:
            service = evidence.snapshot.service(holder.ref)
            if not is_respawn_known(service):
                yield NotChecked(f"restart policy of {holder.ref.name}", "its manager did not tell")
        elif (manager := hidden.keeper_of(evidence, holder)) is not None and holder.ref is None:
            why = hidden.missing_right(evidence, manager) or f"{manager} did not tell"
            yield NotChecked(f"which program of {manager} it is", why)
        elif holder.container is not None and holder.ref is None:
            why = missing_right(evidence) or "no engine of this host told of it"
            if not is_of(holder):
                yield NotChecked(f"restart policy of container {holder.container}", why)


def _directory(evidence: Evidence, verdict: Verdict) -> Iterator[NotChecked]:
    """The link to it is only followed by root and by the user of the process, whoever may read its command."""
    bare = [one for one in verdict.holders if is_bare(one) and one.command is not None and one.cwd is None]
    if bare:
        yield NotChecked("working directory of the holder", "not told" if evidence.is_root else "needs root")


def _is_elsewhere(holder: Holder) -> bool:
    return bool(_ELSEWHERE & set(holder.known_by)) or (is_of(holder) and "manager" in holder.known_by)


def _is_bare(holder: Holder) -> bool:
    """Whether nothing but the number of its process is known. What matters of a container is the container."""
    return (holder.pid or 0) > 1 and holder.command is None and holder.container is None


def _hidden_connections(evidence: Evidence, verdict: Verdict) -> Iterator[NotChecked]:
    """Connections of other users keep the port, and their processes are shown only to root."""
    if verdict.verdict not in _NOT_LISTENING or verdict.holders or evidence.is_root:
        return
    if any(socket.state != "TIME-WAIT" and not socket.pids for socket in evidence.not_listening):
        yield NotChecked("process of the connections", "needs root: sudo would add it")


def _connections(evidence: Evidence, want: Want) -> Iterator[NotChecked]:
    if evidence.sockets is None:
        yield NotChecked("connections of the port", evidence.refusal("sockets") or _NOT_YET)


def _unseen_holders(evidence: Evidence, want: Want) -> Iterator[NotChecked]:
    unknown = only_bound.gap(evidence, want.endpoint) if want.endpoint is not None else None
    if unknown is not None:
        yield unknown
    yield from _declarations(evidence)


def _declarations(evidence: Evidence) -> Iterator[NotChecked]:
    declared = evidence.snapshot.declared
    if declared is None:
        yield NotChecked("files that declare ports", evidence.refusal("declarations") or _NOT_YET)
    elif declared.hidden:
        count = len(declared.hidden)
        files = declared.hidden[0] if count == 1 else f"{declared.hidden[0]} and {count - 1} more"
        yield NotChecked("files that declare ports", f"{files} may not be read")
