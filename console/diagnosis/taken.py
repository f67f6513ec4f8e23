"""Ports that are taken although nobody listens on them: the kernel sends what comes to them somewhere else."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from console.core.finding import Proposal
from console.core.overlap import is_loopback, is_wildcard, same_address
from console.core.service import Endpoint, ServiceRef
from console.diagnosis import clusters, kernel_ways, proposals
from console.diagnosis.container_ways import stop_container
from console.diagnosis.evidence import Evidence
from console.diagnosis.outline import outline
from console.diagnosis.proposals import CommandsOf
from console.diagnosis.spaces import (
    Resident,
    as_holder,
    connections_at,
    is_hidden_container,
    is_published,
    resident_at,
)
from console.diagnosis.verdict import Confidence, Holder, Verdict, VerdictWord
from console.diagnosis.wanting import Want
from console.managers import can
from console.managers.acting import Stoppable
from console.managers.join import Owners, Published, container_at
from console.probes.addresses import HostAddress
from console.probes.redirects import Redirect


def redirects_of(evidence: Evidence, wanted: Endpoint) -> tuple[Redirect, ...]:
    """The redirections that take what would come to ``wanted``.

    A rule for an address that this host does not have is about another one: those of a cluster are many.
    """
    if evidence.redirects is None or is_loopback(wanted.address):
        return ()
    own = evidence.addresses
    return tuple(one for one in evidence.redirects.found if _concerns(one, wanted, own))


def unread_of(evidence: Evidence, wanted: Endpoint) -> tuple[Redirect, ...]:
    """The rules that may take what would come to ``wanted``: their ports, or where they send, could not be read."""
    if evidence.redirects is None or is_loopback(wanted.address):
        return ()
    own = evidence.addresses
    unread = evidence.redirects.unread
    return tuple(
        one
        for one in evidence.redirects.open
        if (one in unread or _leaves(one, wanted, own)) and _is_met(one, wanted, own)
    )


def takers(evidence: Evidence, wanted: Endpoint) -> tuple[Holder, ...]:
    """Who gets what comes to ``wanted`` instead of a listener there.

    What a cluster gave away it also writes rules for: then these say nothing more.
    """
    given = clusters.takers(evidence, wanted)
    sent = tuple(_holder(evidence, wanted, redirect) for redirect in redirects_of(evidence, wanted))
    if given and sent:
        given = tuple(replace(one, known_by=(*one.known_by, "nat")) for one in given)
        sent = tuple(one for one in sent if one.ref is not None and one.ref.manager != "kubernetes")
    return tuple({(holder.name, holder.to): holder for holder in (*given, *sent)}.values())


def rules(evidence: Evidence, wanted: Endpoint) -> Iterator[str]:
    """The rules, word for word, for the evidence view."""
    for one in redirects_of(evidence, wanted):
        yield f"rule: {one.rule}"
    for one in unread_of(evidence, wanted):
        yield f"rule, not understood: {one.rule}"
    yield from clusters.facts(evidence, wanted)


def sentence(holder: Holder) -> str:
    """What happens to what comes to a port, to be put behind "what comes to it"."""
    if holder.to is None:
        return f"goes to {holder.name}"
    where = f"{holder.to.address}:{holder.to.port}" if holder.to is not None and holder.to.address else None
    if where is None and holder.to is not None:
        where = f"port {holder.to.port}"
    return f"is sent to {where or 'elsewhere'} ({holder.name})" if holder.name != where else f"is sent to {where}"


def _place(holder: Holder) -> str:
    """What is sent on: all that comes from outside, or a part of it."""
    place = "it" if holder.address == "*" else f"{holder.address}:{holder.port}"
    parts = (
        f"from {holder.only_from}" if holder.only_from else "",
        f"by {holder.interface}" if holder.interface else "",
    )
    narrow = " ".join(part for part in parts if part)
    return f"{place} {narrow}" if narrow else "it from outside" if holder.address == "*" else place


def _concerns(one: Redirect, wanted: Endpoint, own: Sequence[HostAddress] | None) -> bool:
    return bool(one.ports) and _leaves(one, wanted, own) and _is_met(one, wanted, own)


def _leaves(one: Redirect, wanted: Endpoint, own: Sequence[HostAddress] | None) -> bool:
    """Whether it sends elsewhere than to the port itself."""
    stays = one.to_address is None or one.to_address in {mine.address for mine in own or ()}
    return not (stays and one.to_port in (None, wanted.port))


def _is_met(one: Redirect, wanted: Endpoint, own: Sequence[HostAddress] | None) -> bool:
    """Whether some of what comes to the port meets the rule."""
    if not one.takes(wanted.protocol, wanted.port) or one.interface == "lo":
        return False
    if one.interface is not None and own is None:
        # By which interfaces anything comes is not known.
        return one.address is None
    if one.address is None and one.interface is None:
        return True
    asked = [mine for mine in own or () if is_wildcard(wanted.address) or same_address(mine.address, wanted.address)]
    return any(one.is_for(mine.address) and one.comes_by(mine.interface) for mine in asked)


def _holder(evidence: Evidence, wanted: Endpoint, redirect: Redirect) -> Holder:
    place = Endpoint(wanted.protocol, redirect.address or "*", wanted.port)
    to = Endpoint(wanted.protocol, redirect.to_address or "", redirect.to_port or wanted.port)
    if redirect.to_address is None:
        return _narrowed(_on_this_host(evidence, place, to), redirect)
    resident = resident_at(evidence, to)
    service = Published(evidence.snapshot.services).of(wanted)
    if service is not None:
        process = resident.process if resident is not None else None
        made = as_holder(evidence, Resident(process, service, container_at(service, wanted)), place, ("manager", "nat"))
    elif resident is not None:
        made = as_holder(evidence, resident, place, ("nat", "namespace"))
    else:
        made = replace(_nobody(place, to), known_by=("nat",), confidence=Confidence.MEDIUM)
    return replace(_narrowed(made, redirect), to=to, connections=connections_at(evidence, to))


def _narrowed(made: Holder, redirect: Redirect) -> Holder:
    return replace(made, interface=redirect.interface, only_from=redirect.source)


def _on_this_host(evidence: Evidence, place: Endpoint, to: Endpoint) -> Holder:
    owners = Owners(evidence.snapshot.services)
    for listener in evidence.snapshot.listeners:
        if (listener.protocol, listener.port) != (to.protocol, to.port):
            continue
        process = evidence.process(listener.pid)
        resident = Resident(process, owners.of(listener), None, listener.unit)
        known = ("nat", *(("inode",) if listener.pids else ("cgroup",) if listener.unit else ()))
        made = as_holder(evidence, resident, place, known)
        return replace(made, to=to, pid=listener.pid, process=listener.process, user=listener.user)
    return replace(_nobody(place, to), to=to, known_by=("nat",), confidence=Confidence.MEDIUM)


def _nobody(place: Endpoint, to: Endpoint) -> Holder:
    label = f"{to.address}:{to.port}" if to.address else f"port {to.port}"
    return Holder(place.protocol, place.address, place.port, label=label)


def shadowed(
    evidence: Evidence, want: Want, holders: tuple[Holder, ...], sent: tuple[Holder, ...], commands_of: CommandsOf
) -> Verdict | None:
    """Somebody listens, and what comes to the port goes to another; ``None`` where it goes to those who listen."""
    others = tuple(one for one in sent if not any(_is_one(one, holder) for holder in holders))
    if not others:
        return None
    first = others[0]
    summary = f"{holders[0].name} listens on {want.port}, but what comes to {_place(first)} {sentence(first)}"
    verdict = outline(evidence, want, VerdictWord.UNREACHABLE, summary, first.confidence)
    return replace(
        verdict, holders=(*others, *holders), actions=_ways(evidence, want, others, commands_of, start=False)
    )


def _is_one(sent: Holder, listening: Holder) -> bool:
    """Whether a rule sends to whom a listener is for: an engine listens and writes a rule for each port it publishes.

    Where it is not known for which container an engine listens, the rule may be the one of that container.
    """
    if sent.name == listening.name or (is_hidden_container(listening) and sent.to is not None):
        return True
    return is_published(listening) and sent.to is not None and sent.to == listening.to


def held(evidence: Evidence, want: Want, found: tuple[Holder, ...], commands_of: CommandsOf) -> Verdict:
    """Nobody listens, and who would bind the port gets nothing of what comes to it."""
    first = found[0]
    summary = (
        f"{want.port} is taken by {first.name} without a listener: what comes to {_place(first)} {sentence(first)}"
    )
    verdict = outline(evidence, want, VerdictWord.HELD, summary, first.confidence)
    own = want.ref is not None and all(holder.ref == want.ref for holder in found)
    clash = f"none to bind; what comes {sentence(first)}"
    ways = () if own else _ways(evidence, want, found, commands_of, start=True)
    overlap = clusters.overlap(evidence, want.endpoint) if want.endpoint is not None else None
    impact = tuple(word for word in (connections_words(found), overlap) if word)
    return replace(verdict, holders=found, clash=None if own else clash, actions=ways, impact=impact)


def connections_words(found: tuple[Holder, ...]) -> str | None:
    """How many live connections end when these let go."""
    count = sum(holder.connections or 0 for holder in found)
    return f"{count} live connection{'s' if count > 1 else ''}" if count else None


def _ways(
    evidence: Evidence, want: Want, found: tuple[Holder, ...], commands_of: CommandsOf, *, start: bool
) -> tuple[Proposal, ...]:
    stoppable = [
        holder
        for holder in found
        if holder.ref is not None
        and can(holder.ref, Stoppable)
        and clusters.by_hand(evidence, holder) is None
        and _has_rule(evidence, holder, holder.ref)
    ]
    ways: list[Proposal | None] = []
    if stoppable:
        ways.append(
            proposals.stop_services(evidence, want, stoppable, commands_of, start_after=start, has="nothing to see")
        )
    overlap = clusters.overlap(evidence, want.endpoint) if want.endpoint is not None else None
    reserve = kernel_ways.reserve(found[0].port, None, evidence.limits) if overlap else None
    wanted = want.ref is not None
    ways += [_by_hand(evidence, holder, recommended=wanted) for holder in found if holder not in stoppable]
    reserve = replace(reserve, recommended=False) if reserve is not None else None
    return proposals.ordered((*ways, proposals.move(evidence, want), reserve))


def _has_rule(evidence: Evidence, holder: Holder, ref: ServiceRef) -> bool:
    """Whether the rule goes when the service does: one that a person wrote stays, and takes the port as before."""
    published = Published(evidence.snapshot.services).of(holder.endpoint)
    return ref.manager == "kubernetes" or (published is not None and published.ref == ref)


def _by_hand(evidence: Evidence, holder: Holder, *, recommended: bool) -> Proposal | None:
    if (advice := clusters.by_hand(evidence, holder)) is not None:
        return replace(advice, recommended=recommended)
    if holder.container is not None and holder.ref is None:
        return stop_container(evidence, holder)
    return Proposal(
        "remove-redirect",
        f"remove the rule that sends {holder.port} to {holder.name}",
        recommended=recommended,
        reason_off="by hand: whoever wrote the rule writes it again, so remove it there; the evidence has it",
    )
