"""From evidence to a verdict: why a service cannot have a port, who has it, and what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from console.core.finding import Proposal
from console.core.network import Listener, Socket
from console.core.restarts import gave_up
from console.core.service import Endpoint, State
from console.diagnosis import denied, proposals
from console.diagnosis.evidence import Evidence
from console.diagnosis.gaps import not_checked
from console.diagnosis.holders import clashing, holder_of_socket, holders_of
from console.diagnosis.leftovers import count_states, in_the_way, kind_of, last_timewait
from console.diagnosis.outline import outline, undecided
from console.diagnosis.proposals import CommandsOf, no_commands
from console.diagnosis.traces import traces
from console.diagnosis.verdict import Confidence, Holder, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want, find_want, is_own

JUST_NOW = 10.0
"""Seconds within which a failure contradicts a port on which nothing is seen."""
_IN_USE = "EADDRINUSE"


def diagnose(evidence: Evidence, commands_of: CommandsOf = no_commands) -> Verdict:
    """Say what stands between a service and its port, from what was seen so far.

    Never ``free`` while a look that could have shown an owner was refused or not taken.
    """
    want = find_want(evidence)
    verdict = _decide(evidence, want, commands_of)
    if want.down and want.history is not None:
        # Its newest attempt failed without a word of the port: to make room for it would mend nothing.
        verdict = replace(verdict, actions=tuple(replace(way, recommended=False) for way in verdict.actions))
    gaps = {gap.what: gap for gap in (*verdict.not_checked, *not_checked(evidence, want, verdict))}
    return replace(verdict, not_checked=tuple(gaps.values()), evidence=traces(evidence, want, verdict))


def _decide(evidence: Evidence, want: Want, commands_of: CommandsOf) -> Verdict:
    if want.endpoint is None:
        return undecided(evidence, want, _names_no_port(evidence, want))
    if want.down and want.symptom is not None and want.symptom.errno != _IN_USE:
        denial = denied.decide(evidence, want, commands_of)
        if denial is not None:
            return denial
    found = clashing(evidence, want.endpoint)
    foreign = tuple(listener for listener in found if not is_own(want.service, listener))
    if foreign:
        return _held(evidence, want, want.endpoint, foreign, commands_of)
    if found:
        return _own(evidence, want, want.endpoint, found, commands_of)
    gap = evidence.listeners_gap()
    if gap is not None:
        return undecided(evidence, want, f"who listens on {want.port} is not known", NotChecked("listeners", gap))
    sockets = in_the_way(evidence, want.endpoint)
    if sockets:
        return _leftover(evidence, want, want.endpoint, sockets, commands_of)
    return _nothing_seen(evidence, want, want.endpoint, commands_of)


def _names_no_port(evidence: Evidence, want: Want) -> str:
    if want.service is None:
        return f"{want.name} is not among the services of {evidence.snapshot.host}"
    unread = evidence.refusal("journal") or evidence.refusal("user_journal")
    if unread is not None:
        return (
            f"which port {want.name} wants is not known: its log could not be read, and nothing declares one; "
            f"ask for the port instead ({evidence.snapshot.host}:PORT)"
        )
    if want.symptom is not None:
        return (
            f"{want.name} could not bind ({want.symptom.errno}), but neither its log nor a declaration names the port"
        )
    return f"{want.name} names no port: neither its log, nor a declaration, nor a socket of it"


def _held(
    evidence: Evidence, want: Want, endpoint: Endpoint, listeners: Sequence[Listener], commands_of: CommandsOf
) -> Verdict:
    holders = holders_of(evidence, endpoint, listeners)
    first = holders[0]
    if _is_own_socket(want, first):
        word = VerdictWord.DUPLICATE
        summary = f"{first.name} holds {want.port} for {want.name}, which tries to bind it once more"
    else:
        word = VerdictWord.HELD
        names = dict.fromkeys(holder.name for holder in holders)
        summary = f"{want.port} is held by {' and '.join(names)}"
    ways = proposals.for_held(evidence, want, _distinct(holders), commands_of)
    return replace(
        outline(evidence, want, word, summary, first.confidence),
        holders=holders,
        clash=next((holder.clash for holder in holders if holder.clash), None),
        actions=_ordered(ways),
        impact=tuple(_impact(evidence, holders)),
    )


def _own(
    evidence: Evidence, want: Want, endpoint: Endpoint, listeners: Sequence[Listener], commands_of: CommandsOf
) -> Verdict:
    holders = holders_of(evidence, endpoint, listeners)
    sure = holders[0].confidence
    if not _against_itself(want):
        rest = f"the port is not why it is {want.service.state}" if want.service and want.down else ""
        summary = f"{want.name} itself holds {want.port}: {rest or 'nothing is in its way'}"
        return replace(outline(evidence, want, VerdictWord.HELD, summary, sure), holders=holders)
    summary = f"{want.name} clashes with itself: a process of its own holds {want.port} already"
    left = proposals.left_behind(evidence, holders[0])
    ways: list[Proposal | None] = [left]
    ways += proposals.start(want, commands_of, recommended=False) if left else proposals.restart(want, commands_of)
    return replace(
        outline(evidence, want, VerdictWord.DUPLICATE, summary, sure),
        holders=holders,
        clash=holders[0].clash,
        actions=_ordered(ways),
    )


def _against_itself(want: Want) -> bool:
    """Whether a process of its own keeps the service from its port: it says so, or it ended and left the process."""
    if want.symptom is not None and want.symptom.errno == _IN_USE:
        return True
    return want.service is not None and want.service.state in (State.FAILED, State.STOPPED)


def _leftover(
    evidence: Evidence, want: Want, endpoint: Endpoint, sockets: tuple[Socket, ...], commands_of: CommandsOf
) -> Verdict:
    word = kind_of(evidence, sockets, want.service)
    holders = tuple(
        {holder.pid: holder for holder in (holder_of_socket(evidence, one) for one in sockets if one.pids)}.values()
    )
    by = f" by {holders[0].name}" if holders else ""
    stop = proposals.stop_holder(evidence, want, holders[0], commands_of) if holders else None
    ways: list[Proposal | None] = [stop, proposals.move(evidence, want)]
    sure = Confidence.HIGH if holders else Confidence.MEDIUM
    if word is VerdictWord.OUTGOING:
        peer = f"{sockets[0].peer_address}:{sockets[0].peer_port}"
        summary = f"an outgoing connection{by} to {peer} took {want.port} from the ephemeral range"
        ways.insert(0, proposals.reserve(endpoint.port, holders[0] if holders else None, evidence.limits))
    elif word is VerdictWord.BOUND_NOT_LISTENING:
        summary = f"{want.port} is bound{by} without listening"
    else:
        left = last_timewait(sockets)
        left = None if holders else left
        until = f"; the last ends in {left:.0f} s" if left is not None else ""
        summary = f"nobody listens on {want.port}, but connections linger: {count_states(sockets)}{until}"
        live = any(socket.state != "TIME-WAIT" for socket in sockets)
        if stop is None:
            ways.extend(proposals.start(want, commands_of, recommended=not live, after=left))
        sure = Confidence.MEDIUM if live and not holders else Confidence.HIGH
    return replace(outline(evidence, want, word, summary, sure), holders=holders, actions=_ordered(ways))


def _nothing_seen(evidence: Evidence, want: Want, endpoint: Endpoint, commands_of: CommandsOf) -> Verdict:
    if evidence.sockets is None and endpoint.protocol == "tcp":
        # Connections without a listener keep a port too: without that look it may not be called free.
        return undecided(evidence, want, f"nobody listens on {want.port}; connections on it were not looked at")
    if _failed_just_now(evidence, want):
        return undecided(evidence, want, f"{want.name} could not bind {want.port} just now, yet nothing is seen on it")
    ways = proposals.start(want, commands_of)
    if gave_up(want.service):
        summary = f"nothing is on {want.port} now, but after {_tries(want)} {want.name} is not started any more"
        verdict = outline(evidence, want, VerdictWord.START_LIMIT, summary, Confidence.MEDIUM)
        return replace(verdict, actions=ways)
    rivals = sorted({one.service for one in want.declared_by})
    if want.ref is None and len(rivals) > 1:
        summary = f"{want.port} is free, but {' and '.join(rivals)} both claim it"
        return outline(evidence, want, VerdictWord.DUPLICATE, summary)
    again = f": {want.name} can be started" if ways else ""
    verdict = outline(evidence, want, VerdictWord.FREE, f"{want.port} is free{again}", Confidence.MEDIUM)
    return replace(verdict, actions=ways)


def _tries(want: Want) -> str:
    restarts = want.service.restarts if want.service is not None else None
    return f"{restarts} restarts" if restarts else "too many starts"


def _failed_just_now(evidence: Evidence, want: Want) -> bool:
    """Whether a service that is still trying ran into the port a moment ago."""
    if want.symptom is None or want.symptom.errno != _IN_USE or want.symptom.at is None or evidence.now is None:
        return False
    trying = want.service is not None and want.service.state in (State.FLAPPING, State.STARTING)
    return trying and evidence.now - want.symptom.at < JUST_NOW


def _is_own_socket(want: Want, holder: Holder) -> bool:
    return want.service is not None and holder.ref is not None and holder.ref.name in want.service.triggered_by


def _impact(evidence: Evidence, holders: Iterable[Holder]) -> Iterable[str]:
    for holder in _distinct(tuple(holders)):
        if holder.connections:
            yield f"{holder.connections} live connection{'s' if holder.connections > 1 else ''}"
        service = evidence.snapshot.service(holder.ref) if holder.ref is not None else None
        if service is not None:
            yield from service.dependants


def _distinct(holders: tuple[Holder, ...]) -> list[Holder]:
    """One of each owner: a service that listens on IPv4 and IPv6 is stopped once."""
    return list(
        {(holder.ref, holder.pid if holder.ref is None else None): holder for holder in reversed(holders)}.values()
    )[::-1]


def _ordered(ways: Iterable[Proposal | None]) -> tuple[Proposal, ...]:
    """Without repetitions, with one recommendation at most and that one first."""
    unique = {(way.id, way.label): way for way in ways if way is not None}
    best = next((way for way in unique.values() if way.recommended), None)
    rest = [replace(way, recommended=False) for way in unique.values() if way is not best]
    return ((best,) if best is not None else ()) + tuple(rest)
