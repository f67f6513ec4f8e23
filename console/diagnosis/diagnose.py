"""From evidence to a verdict: why a service cannot have a port, who has it, and what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from console.core.finding import Proposal
from console.core.network import Listener, Socket
from console.core.restarts import gave_up
from console.core.service import Endpoint, State
from console.core.words import listed
from console.diagnosis import (
    again,
    at_home,
    beyond,
    denied,
    duplicates,
    idle,
    in_front,
    inside,
    kernel_ways,
    mixed,
    next_start,
    only_bound,
    other_ports,
    own_network,
    portless,
    proposals,
    reach,
    standstill,
    taken,
    twins,
)
from console.diagnosis.doubts import doubted
from console.diagnosis.evidence import Evidence
from console.diagnosis.failure import failure_of, is_unexplained
from console.diagnosis.gaps import not_checked
from console.diagnosis.holder_words import distinct
from console.diagnosis.holders import clashing, holders_of, owners_of
from console.diagnosis.leftovers import count_states, in_the_way, kind_of, last_timewait
from console.diagnosis.outline import outline, undecided
from console.diagnosis.proposals import CommandsOf, no_commands
from console.diagnosis.sharing import shared_by
from console.diagnosis.strays import LEFT
from console.diagnosis.traces import traces
from console.diagnosis.verdict import LISTENERS, Confidence, Holder, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want, find_want, in_its_way, is_own

JUST_NOW = 10.0
"""Seconds within which a failure contradicts a port on which nothing is seen."""
_IN_USE = "EADDRINUSE"


def diagnose(evidence: Evidence, commands_of: CommandsOf = no_commands) -> Verdict:
    """Say what stands between a service and its port, from what was seen so far.

    Never ``free`` while a look that could have shown an owner was refused or not taken.
    """
    want = find_want(evidence)
    verdict = reach.judged(evidence, want, _decide(evidence, want, commands_of), commands_of)
    verdict = standstill.judged(evidence, want, verdict)
    if want.history is not None and (want.down or want.history is want.symptom):
        # Its newest attempt failed without a word of the port: to make room for it would mend nothing.
        verdict = replace(verdict, actions=tuple(replace(way, recommended=False) for way in verdict.actions))
    verdict = doubted(evidence, want, replace(verdict, failure=failure_of(evidence, want)))
    if want.endpoint is not None and evidence.listeners_gap() is not None:
        # Whoever had the port then may be gone: it is no reason to end anything.
        ways = tuple(replace(way, recommended=False) for way in verdict.actions)
        found = tuple(replace(one, confidence=Confidence.LOW) for one in verdict.holders)
        verdict = replace(verdict, holders=found, actions=ways, confidence=Confidence.LOW)
    gaps = {gap.what: gap for gap in (*verdict.not_checked, *not_checked(evidence, want, verdict))}
    verdict = replace(verdict, actions=(*verdict.actions, *again.ways(evidence, verdict)))
    facts = traces(evidence, want, verdict)
    return replace(verdict, not_checked=tuple(gaps.values()), evidence=facts, looks=evidence.looks)


def _decide(evidence: Evidence, want: Want, commands_of: CommandsOf) -> Verdict:
    if want.service is not None and want.service.adrift is not None:
        return portless.adrift(evidence, want, want.service, commands_of)
    if want.endpoint is None:
        return inside.of_service(evidence, want) or portless.decide(evidence, want, commands_of)
    elsewhere = own_network.decide(evidence, want, commands_of)
    if elsewhere is not None and (want.symptom is None or want.symptom.errno in own_network.THERE):
        return elsewhere
    said = _by_its_words(evidence, want, commands_of) or elsewhere
    return said if said is not None else _by_what_listens(evidence, want, want.endpoint, commands_of)


def _by_its_words(evidence: Evidence, want: Want, commands_of: CommandsOf) -> Verdict | None:
    """What its log and its files say already, whoever has the port."""
    if want.down and want.symptom is not None and want.symptom.errno != _IN_USE:
        denial = denied.decide(evidence, want, commands_of)
        if denial is not None:
            return denial
    return duplicates.decide(evidence, want, commands_of)


def _by_what_listens(evidence: Evidence, want: Want, endpoint: Endpoint, commands_of: CommandsOf) -> Verdict:
    found = clashing(evidence, endpoint)
    foreign = in_its_way(want.service, want.symptom, found, evidence.snapshot.services)
    sent = taken.takers(evidence, endpoint)
    if found and sent and (want.service is None or not foreign):
        shadow = taken.shadowed(evidence, want, holders_of(evidence, endpoint, found), sent, commands_of)
        if shadow is not None:
            return shadow
    if foreign:
        return _held(evidence, want, endpoint, foreign, commands_of)
    if found:
        own = tuple(one for one in found if is_own(want.service, one, evidence.snapshot.services))
        return _own(evidence, want, endpoint, own, commands_of)
    gap = evidence.listeners_gap()
    if gap is not None:
        summary = f"who listens on {want.port} is not known ({gap})"
        return undecided(evidence, want, summary, NotChecked(LISTENERS, gap))
    if sent:
        return taken.held(evidence, want, sent, commands_of)
    sockets = in_the_way(evidence, endpoint)
    if sockets:
        return _leftover(evidence, want, endpoint, sockets, commands_of)
    return idle.verdict(evidence, want, _nothing_seen(evidence, want, endpoint, commands_of))


def _held(
    evidence: Evidence, want: Want, endpoint: Endpoint, listeners: Sequence[Listener], commands_of: CommandsOf
) -> Verdict:
    found = holders_of(evidence, endpoint, listeners)
    holders = tuple(twins.noted(evidence, want, duplicates.noted(want, one)) for one in found)
    holders = tuple(standstill.noted(evidence, one) for one in holders)
    if (twin := twins.decide(evidence, want, holders, commands_of)) is not None:
        return replace(twin, impact=tuple(_impact(evidence, holders)))
    first, beside = holders[0], mixed.connected(evidence, want, endpoint, holders)
    if _is_own_socket(want, first):
        word = VerdictWord.DUPLICATE
        summary = f"{first.name} holds {want.port} for {want.name}, which tries to bind it once more"
    else:
        word = VerdictWord.HELD
        names = dict.fromkeys(holder.ref.beside(want.ref) if holder.ref else holder.name for holder in holders)
        summary = f"{want.port} is held by {next_start.joined(names)}"
    more = other_ports.holders(evidence, want, (*holders, *beside))
    summary += mixed.words(beside) + other_ports.words(want, more)
    if (owner := at_home.owner(evidence, want, holders)) is not None:
        verdict = outline(evidence, want, VerdictWord.HELD, at_home.sentence(want, owner), first.confidence)
        return replace(verdict, holders=holders, at_home=True, impact=tuple(_impact(evidence, holders)))
    everybody = (*holders, *beside, *more)
    ways = (*proposals.for_held(evidence, want, everybody, commands_of), mixed.reserve(evidence, endpoint, beside))
    # Of a port that is only asked about nobody's address clashes.
    clash = next((holder.clash for holder in holders if holder.clash), None) if want.ref is not None else None
    shared = shared_by(listeners)
    return replace(
        outline(evidence, want, word, summary, first.confidence),
        holders=everybody,
        clash=f"{clash}; {shared}" if clash and shared else clash,
        actions=proposals.ordered(ways),
        impact=tuple(_impact(evidence, (*holders, *more))),
    )


def _own(
    evidence: Evidence, want: Want, endpoint: Endpoint, listeners: Sequence[Listener], commands_of: CommandsOf
) -> Verdict:
    holders = holders_of(evidence, endpoint, listeners)
    sure = holders[0].confidence
    if not _against_itself(want):
        rest = f"the port is not why it is {want.service.state}" if want.service and want.down else ""
        has = f"{want.name} has its port, {want.port}: nothing is in its way"
        summary = f"{want.name} itself holds {want.port}: {rest}" if rest else has
        return replace(outline(evidence, want, VerdictWord.HELD, summary, sure), holders=holders)
    summary = f"{want.name} clashes with itself: a process of its own holds {want.port} already"
    if any(holder.strays or holder.note == LEFT for holder in holders):
        ways = proposals.for_held(evidence, want, holders, commands_of)
    else:
        ways = proposals.restart(want, commands_of)
    return replace(
        outline(evidence, want, VerdictWord.DUPLICATE, summary, sure),
        holders=holders,
        clash=holders[0].clash,
        actions=proposals.ordered(ways),
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
    holders = owners_of(evidence, sockets)
    owners = distinct(holders)
    names = next_start.joined(one.name for one in owners)
    by = f" by {names}" if owners else ""
    stops = proposals.stop_connected(evidence, want, owners, commands_of)
    ways: list[Proposal | None] = [*stops, proposals.move(evidence, want)]
    sure = holders[0].confidence if holders else Confidence.MEDIUM
    if word is VerdictWord.OUTGOING:
        peer = f"{sockets[0].peer_address}:{sockets[0].peer_port}"
        summary = f"an outgoing connection{by} to {peer} took {want.port} from the ephemeral range"
        ways.insert(0, kernel_ways.reserve(endpoint.port, holders[0] if holders else None, evidence.limits))
    elif word is VerdictWord.BOUND_NOT_LISTENING:
        summary = f"{want.port} is bound{by} without listening"
    else:
        left = None if holders else last_timewait(sockets)
        until = f"; the last ends in {left:.0f} s" if left is not None else ""
        if holders:
            until = f"; they end when {names} or the other side closes them"
        summary = f"nobody listens on {want.port}, but connections linger: {count_states(sockets)}{until}"
        live = any(socket.state != "TIME-WAIT" for socket in sockets)
        told = want.symptom is not None and want.symptom.errno == _IN_USE
        if not live and not told:
            # Most servers bind beside it, and nobody said that this one did not.
            summary += f"; they keep {endpoint.port} only from what does not set SO_REUSEADDR"
            left = None
        if not stops:
            ways.extend(proposals.start(want, commands_of, recommended=not live, after=left))
        sure = sure if live else Confidence.HIGH if told else Confidence.LOW
    return replace(outline(evidence, want, word, summary, sure), holders=holders, actions=proposals.ordered(ways))


def _nothing_seen(evidence: Evidence, want: Want, endpoint: Endpoint, commands_of: CommandsOf) -> Verdict:
    if evidence.sockets is None:
        # Connections without a listener keep a port too: without that look it may not be called free.
        rest = f"connections on it were not looked at{evidence.because('sockets')}"
        return undecided(evidence, want, f"nobody listens on {want.port}; {rest}")
    hidden = only_bound.gap(evidence, endpoint)
    if hidden is not None and want.symptom is not None and want.symptom.errno == _IN_USE and want.down:
        suspected = only_bound.suspected(evidence, want)
        if suspected is not None:
            stops = proposals.stop_connected(evidence, want, suspected.holders[:1], commands_of)
            return replace(suspected, actions=proposals.ordered((*stops, proposals.move(evidence, want))))
    if _failed_just_now(evidence, want):
        summary = f"{want.name} could not bind {want.port} just now, yet nothing is seen on it"
        verdict = undecided(evidence, want, summary)
        return replace(verdict, actions=(again.way(evidence, verdict),))
    if (denial := denied.likely(evidence, want, commands_of)) is not None:
        return denial
    late = denied.late_address(want)
    ways = (*proposals.start(want, commands_of), *((late,) if late is not None else ()))
    unseen = tuple(gap for gap in (hidden, beyond.unseen_rules(evidence, endpoint)) if gap is not None)
    sure = Confidence.LOW if unseen else Confidence.MEDIUM
    if gave_up(want.service):
        nobody = "nobody is seen" if unseen else "nothing is"
        return replace(_given_up(evidence, want, nobody, sure), actions=ways)
    contained = inside.found(evidence, want, endpoint, ways)
    rivals = duplicates.rivals(evidence, want, contained.holders if contained is not None else ())
    if want.ref is None and len(next_start.awake(evidence, rivals)) > 1:
        free = f"nobody is seen on {want.port}" if unseen else f"{want.port} is free"
        summary = f"{free}, but {listed(rivals)} {'both' if len(rivals) == 2 else 'all'} claim it"
        return outline(evidence, want, VerdictWord.DUPLICATE, summary)
    if (unread := beyond.unread_rules(evidence, endpoint)) is not None:
        summary = f"nobody listens on {want.port}; {unread.what} is not known"
        return replace(undecided(evidence, want, summary), actions=ways)
    if unseen:
        summary = f"nobody is seen on {want.port}; not checked: {listed(gap.brief for gap in unseen)}"
        verdict = replace(undecided(evidence, want, summary, *unseen), actions=ways)
        return verdict if contained is None else inside.undecided(contained, verdict)
    if contained is not None:
        return contained
    summary = next_start.sentence(evidence, want, rivals, startable=any(way.id == "start" for way in ways))
    verdict = outline(evidence, want, VerdictWord.FREE, summary, sure)
    return replace(verdict, actions=ways)


def _given_up(evidence: Evidence, want: Want, nobody: str, sure: Confidence) -> Verdict:
    summary = f"{nobody} on {want.port} now, but after {_tries(want)} {want.name} is not started any more"
    if is_unexplained(evidence, want):
        # Whether the cause is gone is not known to who could not read what it was.
        return outline(evidence, want, VerdictWord.START_LIMIT, f"{summary}; on what it failed is not known")
    return outline(evidence, want, VerdictWord.START_LIMIT, summary, sure)


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
    return want.service is not None and holder.ref is not None and want.service.is_triggered_by(holder.ref)


def _impact(evidence: Evidence, holders: tuple[Holder, ...]) -> Iterable[str]:
    for holder in distinct(holders):
        if holder.connections:
            yield f"{holder.connections} live connection{'s' if holder.connections > 1 else ''}"
        service = evidence.snapshot.service(holder.ref) if holder.ref is not None else None
        if service is not None:
            yield from service.dependants
    yield from in_front.words(evidence, holders)
