"""What packet filters do with a client: decided where it can be, and said where it cannot.

Both packets of a connection count: its first, and the later ones, which some rules treat differently. So do the
answers: a client who gets none does not get in either.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import ip_address, ip_network

from console.core.firewall import Act, Chain, Fact, Match, Packet, Rule
from console.core.service import Endpoint

HOOKS = ("ingress", "prerouting", "input")
"""The hooks that a packet to the host itself passes, in this order."""
ONWARD = ("forward", "postrouting", "egress")
"""The hooks that are left to a packet that a rule sends to another host, or to a container."""
BACK = ("output", "postrouting", "egress")
"""The hooks that an answer of the host itself passes."""
BACK_FROM_ELSEWHERE = ("ingress", "prerouting", "forward", "postrouting", "egress")
"""The hooks that an answer of another host passes, or of a container."""
TRACKED = -200
"""The priority at which the kernel looks a packet up among the connections."""
TRANSLATED = 100
"""The priority at which the kernel gives what leaves the address and the port of the host."""
CLIENT_PORTS = (1024, 65535)
"""The ports that a client may have without special rights, ip(7); of a few of them a rule meets hardly any client."""
FEW = 256
DEEP = 16
"""Jumps into one another that are followed, as the kernel does."""
_NUMBERS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "ipv6-icmp": "icmpv6"}
_FINAL = (Act.ACCEPT, Act.DROP, Act.ELSEWHERE, Act.UNREADABLE)


class Gate(StrEnum):
    """Whether the filters let a client in."""

    OPEN = "open"
    DROPPED = "dropped"
    LIMITED = "limited"
    """It depends on where the client is."""
    UNCLEAR = "unclear"
    """Some rule asks for what cannot be told beforehand."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The fate of a packet, and the rule that decides it; without a rule it is the policy of the chain."""

    gate: Gate
    chain: Chain | None = None
    rule: Rule | None = None
    doubts: tuple[str, ...] = ()
    """The rules that would decide otherwise, for some clients."""
    sent_by: Rule | None = None
    """The rule that sends the packet elsewhere: it keeps nobody out, those for what is forwarded do."""
    sent_to: Endpoint | None = None
    """Where to; the rules that were judged are those for what goes there. ``None``: they were not judged."""
    before: "Judgement | None" = None
    """What the chains before the rule that sends the packet elsewhere do to some clients."""
    answers: bool = False
    """The packets are the answers to the client."""

    @property
    def words(self) -> str:
        """The rule, word for word, or the policy."""
        if self.rule is not None:
            return self.rule.text
        return f"policy {self.chain.policy}" if self.chain is not None else ""

    @property
    def place(self) -> str:
        """Where the rule is: ``nft inet guard in``."""
        return "" if self.chain is None else place(self.chain)


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A rule that may apply."""

    rule: Rule
    act: Act
    by_source: bool
    """Only where the client is keeps it from being decided."""


@dataclass(frozen=True, slots=True)
class _Course:
    """How far a packet came in a chain: the act that ended it there, ``RETURN`` where none did."""

    act: Act
    chain: Chain
    rule: Rule | None = None
    doubts: tuple[_Doubt, ...] = ()


def place(chain: Chain) -> str:
    """Where a chain is, in the words of its tool."""
    return " ".join((chain.tool, *((chain.family,) if chain.tool == "nft" else ()), chain.table, chain.name))


def judge(chains: Sequence[Chain], packet: Packet, hooks: Sequence[str] = HOOKS) -> Judgement:
    """Follow a connection through the hooks; what drops its first packet, or else its later ones, decides.

    Where a rule sends it elsewhere, that rule is the answer: what comes behind it no longer meets the same packets.
    """
    first = _judge(chains, packet, hooks)
    if first.gate is Gate.DROPPED or (first.rule is not None and first.rule.act is Act.ELSEWHERE):
        return first
    return worse(first, _judge(chains, replace(packet, first=False), hooks))


def answered(
    chains: Sequence[Chain], packet: Packet, hooks: Sequence[str] = BACK, interface: str | None = ""
) -> Judgement:
    """Follow the answers to a packet, which came in by ``interface`` where they are those of another host.

    They leave by the interface by which the client came.
    """
    back = replace(
        packet,
        interface=interface,
        out=packet.interface,
        source=packet.destination,
        destination=packet.source,
        answer=True,
    )
    return replace(judge(chains, back, hooks), answers=True)


def worse(one: Judgement, other: Judgement) -> Judgement:
    """That of two which is worse for clients; the first where they are alike."""
    return other if _WORST.index(other.gate) < _WORST.index(one.gate) else one


_WORST = (Gate.DROPPED, Gate.UNCLEAR, Gate.LIMITED, Gate.OPEN)


def _judge(chains: Sequence[Chain], packet: Packet, hooks: Sequence[str]) -> Judgement:
    """Follow a packet; the first chain that drops it decides."""
    doubtful: Judgement | None = None
    for chain in _in_order(chains, packet.family, hooks):
        if chain.kind == "nat" and (packet.answer or not packet.first):
            # Only the first packet comes there; the others follow it.
            continue
        course = _through(chains, chain, _at(chain, packet), 0)
        act = chain.policy if course.act is Act.RETURN and chain.kind != "nat" else course.act
        if act in (Act.ELSEWHERE, Act.UNREADABLE):
            return Judgement(Gate.UNCLEAR, course.chain, course.rule, _texts(course.doubts), before=doubtful)
        against = [doubt for doubt in course.doubts if doubt.act is not act]
        if act is Act.DROP and not against:
            return Judgement(Gate.DROPPED, course.chain, course.rule)
        if act is Act.DROP or any(doubt.act is not Act.ACCEPT for doubt in against):
            gate = Gate.LIMITED if all(doubt.by_source for doubt in against) else Gate.UNCLEAR
            found = Judgement(gate, course.chain, course.rule if act is Act.DROP else None, _texts(against))
            unkind = [doubt for doubt in against if doubt.act is not Act.ACCEPT]
            if act is not Act.DROP and all(doubt.act is Act.ELSEWHERE for doubt in unkind):
                # To be sent on is not to be dropped: the chain keeps nobody out.
                found = replace(found, chain=None, sent_by=unkind[0].rule)
            doubtful = found if doubtful is None or gate is Gate.UNCLEAR else doubtful
    return doubtful if doubtful is not None else Judgement(Gate.OPEN)


def _at(chain: Chain, packet: Packet) -> Packet:
    """The packet as the rules of a chain meet it."""
    if packet.answer and packet.forwarded and chain.hook in ("postrouting", "egress") and chain.priority >= TRANSLATED:
        packet = replace(packet, source=None, port=None)
    return replace(packet, state=_state_at(chain, packet))


def _state_at(chain: Chain, packet: Packet) -> str | None:
    """A packet is invalid to the rules that it meets before connection tracking."""
    begins = chain.hook in ("prerouting", "output")
    if chain.hook == "ingress" or (begins and chain.priority < TRACKED):
        return "invalid"
    if begins and chain.priority == TRACKED:
        return None
    return "new" if packet.first and not packet.answer else "established"


def _texts(doubts: Iterable[_Doubt]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(doubt.rule.text for doubt in doubts))


def _in_order(chains: Sequence[Chain], family: str, hooks: Sequence[str]) -> list[Chain]:
    mine = [chain for chain in chains if chain.hook in hooks and chain.family in (family, "inet", "netdev")]
    # A nat chain of the input hook changes only the source.
    mine = [chain for chain in mine if chain.kind != "nat" or chain.hook == "prerouting"]
    return sorted(mine, key=lambda chain: (hooks.index(chain.hook or ""), chain.priority))


def _through(chains: Sequence[Chain], chain: Chain, packet: Packet, depth: int) -> _Course:
    doubts: list[_Doubt] = []
    for rule in chain.rules:
        hit, by_source = _hit(rule, packet)
        if hit is False or rule.act is Act.GO_ON:
            continue
        inner = _jumped(chains, chain, rule, packet, depth)
        if hit is None:
            if inner.act is not Act.RETURN or rule.act in (Act.RETURN, Act.GOTO):
                doubts.append(_Doubt(rule, inner.act, by_source))
            doubts += [replace(doubt, by_source=doubt.by_source and by_source) for doubt in inner.doubts]
            continue
        doubts += inner.doubts
        if inner.act is not Act.RETURN:
            return _Course(inner.act, inner.chain, inner.rule or rule, tuple(doubts))
        if rule.act in (Act.RETURN, Act.GOTO):
            break
    return _Course(Act.RETURN, chain, None, tuple(doubts))


def _jumped(chains: Sequence[Chain], chain: Chain, rule: Rule, packet: Packet, depth: int) -> _Course:
    """What comes of a rule that applies."""
    if rule.act in _FINAL or rule.act is Act.RETURN:
        return _Course(rule.act, chain, rule)
    target = next(
        (other for other in chains if other.name == rule.target and _same_table(other, chain)),
        None,
    )
    if target is None or depth >= DEEP:
        return _Course(Act.UNREADABLE, chain, rule)
    return _through(chains, target, packet, depth + 1)


def _same_table(first: Chain, second: Chain) -> bool:
    """Also where each was told by another tool."""
    return (_in_nft(first), first.family, first.table) == (_in_nft(second), second.family, second.table)


def _in_nft(chain: Chain) -> bool:
    return chain.in_nft or chain.tool == "nft"


def _hit(rule: Rule, packet: Packet) -> tuple[bool | None, bool]:
    """Whether a rule applies, and where that is open, whether only for the client's address."""
    unsure: list[Match] = []
    for match in rule.matches:
        found = _matches(match, packet)
        if found is False:
            return False, False
        if found is None:
            unsure.append(match)
    client = Fact.DESTINATION if packet.answer else Fact.SOURCE
    return (None if unsure else True), all(match.fact is client for match in unsure)


def _matches(match: Match, packet: Packet) -> bool | None:
    found = _one_of(match, packet)
    return found if found is None else found is not match.negated


def _one_of(match: Match, packet: Packet) -> bool | None:
    match match.fact:
        case Fact.PROTOCOL:
            return packet.protocol in {_NUMBERS.get(value, value) for value in match.values}
        case Fact.FAMILY:
            return packet.family in match.values
        case Fact.PORT | Fact.SOURCE_PORT:
            if (match.fact is Fact.SOURCE_PORT) is not packet.answer:
                return _any(_of_clients(value) for value in match.values)
            return None if packet.port is None else _any(_in_range(value, packet.port) for value in match.values)
        case Fact.STATE:
            return None if packet.state is None else _state(match.values, packet)
        case Fact.FLAGS:
            return packet.protocol == "tcp" and packet.first and (not packet.answer or "syn ack" in match.values)
        case Fact.TO_US:
            return ("unicast" if packet.forwarded or packet.answer else "local") in match.values
        case Fact.INTERFACE:
            return None if packet.interface is None else any(_named(v, packet.interface) for v in match.values)
        case Fact.OUT:
            return None if packet.out is None else any(_named(v, packet.out) for v in match.values)
        case Fact.SOURCE:
            return _any(_in_network(value, packet.source) for value in match.values)
        case Fact.DESTINATION:
            return _any(_in_network(value, packet.destination) for value in match.values)
        case _:
            return None


def _any(answers: Iterable[bool | None]) -> bool | None:
    known = list(answers)
    if True in known:
        return True
    return None if None in known else False


def _state(values: tuple[str, ...], packet: Packet) -> bool | None:
    """Whether it is untracked is not known."""
    if packet.state in values or (packet.forwarded and "dnat" in values):
        return True
    return False if set(values) <= {"new", "established", "related", "invalid", "dnat"} else None


def _in_range(value: str, port: int) -> bool | None:
    low, _, high = value.partition("-")
    if not low.isdecimal() or not (high or low).isdecimal():
        return None
    return int(low[:9]) <= port <= int((high or low)[:9])


def _of_clients(value: str) -> bool | None:
    """Whether a client has a port of the range: one of those without rights may have any."""
    low, _, high = value.partition("-")
    if not low.isdecimal() or not (high or low).isdecimal():
        return None
    first, last = int(low[:9]), int((high or low)[:9])
    if last < CLIENT_PORTS[0] or last - first < FEW:
        return False
    return True if first <= CLIENT_PORTS[0] and last >= CLIENT_PORTS[1] else None


def _named(value: str, interface: str) -> bool:
    return interface.startswith(value[:-1]) if value.endswith("*") else interface == value


def _in_network(value: str, address: str | None) -> bool | None:
    if address is None:
        return None
    low, dash, high = value.partition("-")
    try:
        one = ip_address(address.partition("%")[0])
        if dash:
            first, last = ip_address(low), ip_address(high)
            return one.version == first.version and int(first) <= int(one) <= int(last)
        return one in ip_network(value, strict=False)
    except ValueError:
        return None
