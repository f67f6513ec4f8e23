"""A service that has its port, and clients that do not get in: which looks can tell, and what they tell."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from console.core.finding import Proposal
from console.core.keepers import is_ssh_server
from console.core.network import Listener
from console.core.overlap import is_loopback, is_wildcard, same_address
from console.core.reach import Attempt, Reached, Vantage
from console.core.service import State
from console.diagnosis import forwarding, openings, own_doing, proposals
from console.diagnosis.evidence import Evidence, Question
from console.diagnosis.firewall import Gate, Judgement
from console.diagnosis.holders import clashing
from console.diagnosis.paths import Path, families, packet, paths
from console.diagnosis.verdict import Confidence, NotChecked, Reach, Verdict, VerdictWord
from console.diagnosis.wanting import Want, is_own

_FILTERS = (("nft", "nftables"), ("iptables", "iptables"), ("iptables", "ip6tables"))


def questions(evidence: Evidence, want: Want) -> list[Question]:
    """Asked for only where a listener is there that nobody else wants the place of, and where that is of now."""
    mine = serving(evidence, want)
    former = not evidence.looks and evidence.listeners_gap() is not None
    if not mine or former or want.endpoint is None:
        return []
    port = str(want.endpoint.port)
    found = [] if evidence.addresses is not None else [Question("addresses")]
    private = all(is_loopback(listener.address) for listener in mine)
    if not private:
        found += [Question(probe) for tool, probe in _FILTERS if tool in _tools(evidence) and _unasked(evidence, probe)]
        if "firewall-cmd" in _tools(evidence) and evidence.refusal("nftables") and evidence.firewalld is None:
            found.append(Question("firewalld"))
        found += own_doing.questions(evidence, mine)
    if want.endpoint.protocol != "tcp":
        return found
    inside = _inside_address(mine)
    if evidence.connected is None and inside is not None:
        found.append(Question("reach", (inside, port)))
    outside = _outside_address(evidence, mine)
    if outside is not None and not private:
        found.append(Question("reach_ssh", (outside, port)))
        if evidence.peer is not None:
            found.append(Question("reach_here", (outside, port)))
    target = outside or evidence.peer
    if evidence.asked_from is not None and target is not None:
        found.append(Question("reach_from", (evidence.asked_from, target, port)))
    done = {attempt.vantage for attempt in evidence.attempts}
    return [question for question in found if _VANTAGES.get(question.probe) not in done]


_VANTAGES = {"reach_ssh": Vantage.SSH, "reach_here": Vantage.HERE, "reach_from": Vantage.OTHER}


def judged(
    evidence: Evidence, want: Want, verdict: Verdict, commands_of: proposals.CommandsOf = proposals.no_commands
) -> Verdict:
    """The verdict on a port that its service has, with whether clients get there."""
    mine = serving(evidence, want)
    if not mine or not _looked(evidence):
        return verdict
    reach = _reach((*_local(evidence, mine), *evidence.attempts), tuple(_judgements(evidence, want, mine)))
    verdict = replace(verdict, reach=reach)
    name = verdict.holder.name if verdict.holder is not None else want.name
    failed = _failed(reach)
    client = _client(evidence, failed[0]) if failed else None
    stopping = _stopping(evidence, want, mine, failed[0], client) if failed else None
    if stopping is not None:
        reach = replace(reach, rule=stopping)
    cause = _cause(evidence, want, mine, reach, name, stopping, client, commands_of)
    gaps = (*verdict.not_checked, *_gaps(evidence, want, mine))
    if cause is None:
        return replace(verdict, not_checked=gaps)
    summary, sure, known_by, ways = cause
    return replace(
        verdict,
        reach=replace(reach, known_by=known_by),
        verdict=VerdictWord.UNREACHABLE,
        at_home=False,
        summary=summary,
        clash=None,
        confidence=sure,
        actions=ways,
        not_checked=gaps,
    )


def _cause(
    evidence: Evidence, want: Want, mine: Sequence[Listener], reach: Reach, name: str, stopping: Judgement | None,
    client: str | None, commands_of: proposals.CommandsOf,
) -> tuple[str, Confidence, tuple[str, ...], tuple[Proposal, ...]] | None:  # fmt: skip
    """Why clients do not get in, how sure that is, what says so and what helps; ``None`` where they do."""
    failed = _failed(reach)
    full = own_doing.full_queue(mine) if failed or own_doing.local_failure(reach.attempts) else None
    if full is not None:
        summary = f"{name} listens on {_places(mine)}, but {own_doing.not_accepting(evidence, full)}"
        ways = proposals.restart(want, commands_of)
        if own_doing.is_frozen(evidence, full):
            ways = tuple(replace(way, recommended=False) for way in ways)
        return summary, Confidence.HIGH, ("queue",), ways
    own = None if stopping or reach.dropped or _private(mine) else own_doing.dropping(evidence, client)
    if own is not None and (failed or not _asked_outside(reach)):
        where = f"{name} listens on {_places(mine)}{_answers_inside(reach)}"
        return *own_doing.by_unit(where, own, failed), (own_doing.admit(own, client),)
    kept_out = _kept_out(evidence, want, mine, reach, name, stopping)
    if kept_out is None:
        return None
    return *kept_out, openings.ways(evidence, want, reach, name, client=client, private=_private(mine))


def serving(evidence: Evidence, want: Want) -> tuple[Listener, ...]:
    """The listeners on the port that are there by right: the service's own, or those of a port nobody else wants.

    Only to these a connection is tried.
    """
    if want.endpoint is None or want.symptom is not None:
        return ()
    found = clashing(evidence, want.endpoint)
    if any(is_ssh_server(listener.process) or is_ssh_server(listener.unit) for listener in found):
        # We came in by it; a further connection would only fill its log.
        return ()
    if want.ref is None:
        return found
    if want.service is None or want.service.state is not State.RUNNING:
        return ()
    return found if all(is_own(want.service, listener, evidence.snapshot.services) for listener in found) else ()


def _tools(evidence: Evidence) -> frozenset[str]:
    identity = evidence.snapshot.identity
    return identity.tools if identity is not None else frozenset()


def _unasked(evidence: Evidence, probe: str) -> bool:
    return getattr(evidence, probe) is None


def _filters_read(evidence: Evidence) -> bool:
    """Whether the rules are known well enough to say that nothing drops."""
    tools = _tools(evidence)
    return bool({"nft", "iptables"} & tools) and not _unread(evidence) and not _left_out(evidence)


def _looked(evidence: Evidence) -> bool:
    refused = any(evidence.refusal(probe) is not None for _, probe in _FILTERS)
    return bool(evidence.connected or evidence.attempts or evidence.chains or _filters_read(evidence) or refused)


def _private(listeners: Iterable[Listener]) -> bool:
    return all(is_loopback(listener.address) for listener in listeners)


def _inside_address(listeners: Sequence[Listener]) -> str | None:
    """Where the host itself connects to; ``None`` for a listener that only takes what comes by its device."""
    for listener in listeners:
        scoped = f"%{listener.interface}" if listener.interface else ""
        if listener.address.startswith("fe80:"):
            return f"{listener.address}{scoped}"
        if not listener.interface:
            if not is_wildcard(listener.address):
                return listener.address.removeprefix("::ffff:")
            return "::1" if listener.address == "::" else "127.0.0.1"
    return None


def _outside_address(evidence: Evidence, listeners: Sequence[Listener]) -> str | None:
    """Where clients connect to: the address it listens on, or of all addresses the one we came to."""
    for listener in listeners:
        if not is_wildcard(listener.address):
            if not is_loopback(listener.address) and not listener.address.startswith("fe80:"):
                return listener.address.removeprefix("::ffff:")
            continue
        known = [evidence.connected.server] if evidence.connected and evidence.connected.server else []
        known += [evidence.peer] if evidence.peer is not None else []
        known += [one.address for one in evidence.addresses or () if one.scope == "global"]
        fitting = [address for address in known if _takes(listener, address)]
        if fitting:
            return fitting[0]
    return None


def _takes(listener: Listener, address: str) -> bool:
    """Whether a listener on every address takes connections to this one."""
    version = "ip6" if ":" in address else "ip"
    return not is_loopback(address) and version in families(listener)


def _judgements(evidence: Evidence, want: Want, listeners: Sequence[Listener]) -> Iterator[tuple[Path, Judgement]]:
    whole = _filters_read(evidence)
    if not whole and not evidence.chains:
        return
    for path in paths(evidence, listeners):
        found = forwarding.judge(evidence, packet(want, path))
        # That nothing drops is only known when all was read.
        yield path, found if whole or found.gate is not Gate.OPEN else replace(found, gate=Gate.UNCLEAR)


def _local(evidence: Evidence, listeners: Sequence[Listener]) -> Iterator[Attempt]:
    found = evidence.connected
    if found is not None:
        yield Attempt(
            Vantage.HOST, _inside_address(listeners) or "", listeners[0].port, found.result, found.said, found.tool
        )


def _reach(attempts: tuple[Attempt, ...], judgements: Sequence[tuple[Path, Judgement]]) -> Reach:
    worst = sorted(judgements, key=lambda one: list(_WORST).index(one[1].gate))
    dropping = worst[0][1] if worst else None
    return Reach(
        attempts,
        dropping,
        bool(judgements) and all(judgement.gate is Gate.DROPPED for _, judgement in judgements),
        tuple(
            f"{path.interface or 'any interface'} {'IPv6' if path.family == 'ip6' else 'IPv4'}: {judgement.gate}"
            for path, judgement in judgements
        ),
    )


_WORST = (Gate.DROPPED, Gate.LIMITED, Gate.UNCLEAR, Gate.OPEN)


def _kept_out(
    evidence: Evidence, want: Want, listeners: Sequence[Listener], reach: Reach, name: str, stopping: Judgement | None
) -> tuple[str, Confidence, tuple[str, ...]] | None:
    """Why clients do not get in, and how sure that is; ``None`` where they do, as far as is known."""
    failed = _failed(reach)
    where = f"{name} listens on {_places(listeners)}"
    if _private(listeners):
        public = _public(want)
        if not failed and public is None:
            return None
        rest = f"though {public} declares it public" if public is not None else f"so {failed[0].where} nobody gets in"
        return f"{where} only, {rest}", Confidence.HIGH, ("address", *(("connect",) if failed else ()))
    answers = _answers_inside(reach)
    if reach.dropped and reach.rule is not None and (failed or not _asked_outside(reach)):
        sure = Confidence.HIGH if failed else Confidence.MEDIUM
        known_by = ("rule", *(("connect",) if failed else ()))
        what = "its answers to who is outside" if reach.rule.answers else "what comes from outside"
        return f"{where}{answers}, but {reach.rule.place} drops {what}", sure, known_by
    if not failed:
        return None
    if stopping is not None:
        what = "its answers to what comes" if stopping.answers else "what comes"
        whose = f"{stopping.place} drops {what} {failed[0].where}"
        return f"{where}{answers}, but {whose}", Confidence.HIGH, ("rule", "connect")
    told = f"{failed[0].where} {_sentence(failed[0])}"
    if reach.rule is not None and reach.rule.gate is not Gate.OPEN and reach.rule.chain is not None:
        why = "a rule of the host may be why"
    elif reach.rule is not None and reach.rule.sent_by is not None and reach.rule.sent_to is None:
        why = "a rule sends it on, and the rules for what is forwarded were not judged"
    elif reach.rule is not None:
        why = own_doing.not_by_rules(evidence, reach.attempts)
    else:
        why = _by_zones(evidence, want) or "what keeps it out is not known"
    return f"{where}{answers}, but {told}: {why}", Confidence.MEDIUM, ("connect",)


def _by_zones(evidence: Evidence, want: Want) -> str | None:
    """What the zones of firewalld tell where the rules could not be read."""
    active = [zone for zone in evidence.firewalld or () if zone.active]
    if not active or want.endpoint is None:
        return None
    port = (want.endpoint.protocol, want.endpoint.port)
    closed = [zone for zone in active if zone.lets_in(*port) is False]
    if len(closed) != len(active):
        return None
    names = " and ".join(zone.name for zone in closed)
    return f"firewalld's zone {names} lets in {' '.join((*closed[0].services, *closed[0].ports)) or 'nothing'}"


def _asked_outside(reach: Reach) -> list[Attempt]:
    """The attempts from outside that count: where a host was named, that one's."""
    tried = [one for one in reach.attempts if one.vantage.outside and one.result is not Reached.NOT_TRIED]
    return [one for one in tried if one.vantage is Vantage.OTHER] or tried


def _failed(reach: Reach) -> list[Attempt]:
    return [one for one in _asked_outside(reach) if one.result is not Reached.ANSWERS]


def _client(evidence: Evidence, attempt: Attempt) -> str | None:
    """The address from which an attempt came, as far as it is known."""
    if attempt.vantage is Vantage.OTHER:
        return evidence.other
    return evidence.connected.client if evidence.connected is not None else None


def _stopping(
    evidence: Evidence, want: Want, listeners: Sequence[Listener], attempt: Attempt, client: str | None
) -> Judgement | None:
    """The rule that stopped this very attempt, with those that decide otherwise for clients elsewhere.

    ``None`` where none is sure to have.
    """
    for path in paths(evidence, listeners):
        if path.address is None or not same_address(path.address, attempt.address):
            continue
        any_client = packet(want, path)
        found = forwarding.judge(evidence, replace(any_client, source=client))
        if found.gate is Gate.DROPPED:
            return replace(found, doubts=forwarding.judge(evidence, any_client).doubts)
    return None


def _places(listeners: Sequence[Listener]) -> str:
    shown = []
    for listener in listeners:
        address = f"[{listener.address}]" if ":" in listener.address else listener.address
        device = f"%{listener.interface}" if listener.interface else ""
        shown.append(f"{address}{device}:{listener.port}")
    return " and ".join(dict.fromkeys(shown))


def _answers_inside(reach: Reach) -> str:
    inside = [one for one in reach.attempts if not one.vantage.outside]
    if any(one.result is Reached.ANSWERS for one in inside):
        return " and answers on the host"
    local = next((one for one in inside if one.vantage is Vantage.HOST), None)
    return f" ({_result(local)} on the host itself)" if local is not None else ""


def _result(attempt: Attempt) -> str:
    match attempt.result:
        case Reached.ANSWERS:
            return "answers"
        case Reached.SILENT:
            return "no answer in 3 s"
        case Reached.REFUSED:
            return "refused"
        case _:
            return attempt.said or str(attempt.result)


def _sentence(attempt: Attempt) -> str:
    match attempt.result:
        case Reached.SILENT:
            return "there is no answer"
        case Reached.REFUSED:
            return "it is refused"
        case _:
            return _result(attempt)


def tried(reach: Reach) -> str:
    """The attempts in a line: ``on the host answers; from here no answer in 3 s``."""
    return "; ".join(f"{one.where} {_result(one)}" for one in reach.attempts if one.result is not Reached.NOT_TRIED)


def _public(want: Want) -> str | None:
    """Who says that the port is for others: a declaration with an address that is not the host's own."""
    for one in want.declared_by:
        address = one.endpoint.address
        if address not in ("*", "") and not is_loopback(address):
            return one.where
    return None


def _unread(evidence: Evidence) -> list[str]:
    return [probe for tool, probe in _FILTERS if tool in _tools(evidence) and _unasked(evidence, probe)]


def _left_out(evidence: Evidence) -> dict[str, str]:
    """What a tool that answered did not tell, by the name of the tool."""
    told = {"iptables": evidence.iptables, "ip6tables": evidence.ip6tables}
    return {tool: saved.gap for tool, saved in told.items() if saved is not None and saved.gap is not None}


def _gaps(evidence: Evidence, want: Want, listeners: Sequence[Listener]) -> Iterator[NotChecked]:
    if _private(listeners):
        return
    outside = [one for one in evidence.attempts if one.vantage.outside]
    if outside and all(one.result is Reached.ANSWERS for one in outside):
        return
    refused = {probe: evidence.refusal(probe) or "not asked yet" for probe in _unread(evidence)}
    if refused and all(tool not in _tools(evidence) or probe in refused for tool, probe in _FILTERS):
        yield NotChecked("firewall rules", next(iter(refused.values())))
    elif refused:
        for probe, why in refused.items():
            yield NotChecked(f"rules of {probe}", why)
    elif not {"nft", "iptables"} & _tools(evidence):
        yield NotChecked("firewall rules", "this host has no nft and no iptables to read them with")
    for tool, why in _left_out(evidence).items():
        yield NotChecked(f"other rules of {tool}", why)
    if want.endpoint is not None and want.endpoint.protocol == "udp":
        yield NotChecked("whether it answers", "UDP tells nothing of a connection")
