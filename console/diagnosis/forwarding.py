"""What packet filters do with a client whose packets a rule sends on, mostly to a container."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network

from console.core.firewall import Act, Packet, Rule
from console.core.overlap import is_loopback, same_address
from console.core.service import Endpoint
from console.diagnosis import firewall
from console.diagnosis.evidence import Evidence
from console.diagnosis.firewall import Gate, Judgement
from console.probes.addresses import HostAddress


def judge(evidence: Evidence, packet: Packet) -> Judgement:
    """Follow a connection to the host, and from there to where a rule sends it.

    A rule that sends it on is never what drops it: where it cannot be followed, nothing is said of what comes behind.
    What the chains before that rule do counts as well, and what they do to the answers: the worst is told.
    """
    found = firewall.judge(evidence.chains, packet)
    if found.rule is None or found.rule.act is not Act.ELSEWHERE:
        return firewall.worse(found, firewall.answered(evidence.chains, packet))
    onward = None if found.doubts else _onward(packet, found.rule, evidence.addresses or ())
    if onward is None:
        return Judgement(Gate.UNCLEAR, doubts=found.doubts, sent_by=found.rule)
    to = Endpoint(onward.protocol, onward.destination or "*", onward.port or 0)
    there = firewall.judge(evidence.chains, onward, firewall.ONWARD)
    back = firewall.answered(evidence.chains, onward, firewall.BACK_FROM_ELSEWHERE, onward.out)
    behind = replace(firewall.worse(there, back), sent_by=found.rule, sent_to=to)
    return behind if found.before is None else firewall.worse(behind, found.before)


def _onward(packet: Packet, rule: Rule, own: Sequence[HostAddress]) -> Packet | None:
    """The packet behind the rule; ``None`` where it stays on this host, or where it goes is not known."""
    if rule.to is None or not own:
        return None
    address, port = rule.to
    if is_loopback(address) or any(same_address(one.address, address) for one in own):
        return None
    return replace(
        packet, destination=address, port=port or packet.port, forwarded=True, out=_interface_to(address, own)
    )


def _interface_to(address: str, own: Sequence[HostAddress]) -> str | None:
    """The interface to whose network the address belongs; ``None`` where it lies behind a router."""
    place = ip_address(address)
    near = [one for one in own if place in ip_network(f"{one.address}/{one.prefix}", strict=False)]
    return max(near, key=lambda one: one.prefix).interface if near else None
