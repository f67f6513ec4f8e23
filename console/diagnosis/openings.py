"""How clients are let in again: advice only, because a rule is somebody's decision."""

from collections.abc import Callable

from console.core.command import quote
from console.core.finding import Proposal
from console.core.firewall import Chain
from console.core.service import Endpoint
from console.diagnosis.by_hand import changed
from console.diagnosis.evidence import Evidence
from console.diagnosis.firewall import Gate, Judgement
from console.diagnosis.verdict import Reach
from console.diagnosis.wanting import Want

_WHOSE = "by hand: the rule is somebody's decision, and what loads it at boot must be changed as well"
_LONGEST = 80
"""Letters of a rule that are told in a sentence; the evidence has all of it."""


def ways(
    evidence: Evidence, want: Want, reach: Reach, name: str, *, client: str | None, private: bool
) -> tuple[Proposal, ...]:
    """The ways to let clients in, the best first.

    Where only some addresses are let in, or some are kept out, nobody but ``client`` is: whether that is meant so is
    not known, and so it is not advised.
    """
    if want.endpoint is None:
        return ()
    if private:
        if want.ref is None:
            why = f"by hand: set the address where {name} is configured, then restart it"
        else:
            own = next((one.where for one in want.declared_by if one.is_of(want.ref)), None)
            why = changed("the address", own, want.ref, want.service)
        return (Proposal("change-address", f"let {name} listen on every address", recommended=True, reason_off=why),)
    rule = reach.rule
    if rule is None or rule.chain is None or rule.gate not in (Gate.DROPPED, Gate.LIMITED):
        return ()
    where = f"{want.endpoint.protocol} {want.endpoint.port}"
    place = rule.sent_to or Endpoint(want.endpoint.protocol, "*", want.endpoint.port)
    if not rule.doubts:
        commands = _commands(evidence, rule, place, None)
        label = (
            f"let the answers of {where} out before that rule" if rule.answers else f"let {where} in before that rule"
        )
        return (Proposal("open-port", label, (), commands, True, _WHOSE),)
    listed = rule.doubts[0] if len(rule.doubts[0]) <= _LONGEST else f"{rule.doubts[0][:_LONGEST]}..."
    if client is None or rule.gate is Gate.LIMITED or rule.chain.family == ("ip" if ":" in client else "ip6"):
        why = f"by hand: decide whether the client belongs to those of the rule: {listed}"
        return (Proposal("admit-client", f"let the client in to {where} by its address", reason_off=why),)
    commands = _commands(evidence, rule, place, client)
    why = f"by hand: decide first whether {client} belongs to those of the rule: {listed}"
    return (Proposal("admit-client", f"let {client} alone in to {where}", (), commands, reason_off=why),)


def _by_iptables(chain: Chain) -> bool:
    """Whether iptables wrote the chain, also where nft lists it."""
    return chain.tool != "nft" or (chain.family in ("ip", "ip6") and chain.name.isupper())


def _commands(evidence: Evidence, rule: Judgement, place: Endpoint, client: str | None) -> tuple[str, ...]:
    """Let a client in, or everybody, in the words of whoever wrote the rules.

    A front end would lose what is put beside its own; of what is forwarded, and of answers, its words are others, and
    none are given.
    """
    chain = rule.chain
    assert chain is not None
    zones = any(one.table == "firewalld" for one in evidence.chains)
    front = zones or any(one.name.startswith("ufw-") for one in evidence.chains)
    if front and (rule.sent_to is not None or rule.answers):
        return ()
    if front:
        return (quote(_firewalld(chain, place, client) if zones else _ufw(place, client)),)
    words: Callable[[Judgement, Chain, Endpoint, str | None], tuple[str, ...]]
    words = _iptables if _by_iptables(chain) else _nft
    return (quote(words(rule, chain, place, client)),)


def _firewalld(chain: Chain, place: Endpoint, client: str | None) -> tuple[str, ...]:
    # Its chains are named after its zones: filter_IN_public.
    zone = chain.name.removeprefix("filter_IN_") if chain.name.startswith("filter_IN_") else ""
    begin = ("firewall-cmd", *((f"--zone={zone}",) if zone else ()))
    if client is None:
        return (*begin, f"--add-port={place.port}/{place.protocol}")
    family = "ipv6" if ":" in client else "ipv4"
    source = f'rule family="{family}" source address="{client}"'
    return (*begin, f'--add-rich-rule={source} port port="{place.port}" protocol="{place.protocol}" accept')


def _ufw(place: Endpoint, client: str | None) -> tuple[str, ...]:
    if client is None:
        return ("ufw", "allow", f"{place.port}/{place.protocol}")
    # Of its own rules the first that fits decides.
    return ("ufw", "prepend", "allow", "proto", place.protocol, "from", client, "to", "any", "port", str(place.port))


def _iptables(rule: Judgement, chain: Chain, place: Endpoint, client: str | None) -> tuple[str, ...]:
    tool = chain.tool if chain.tool != "nft" else "ip6tables" if chain.family == "ip6" else "iptables"
    # An answer goes the other way.
    here, there, port = ("-s", "-d", "--sport") if rule.answers else ("-d", "-s", "--dport")
    source = (there, client) if client is not None else ()
    to = (here, place.address) if place.address != "*" else ()
    table = ("-t", chain.table) if chain.table != "filter" else ()
    which = (*source, *to, "-p", place.protocol, port, str(place.port))
    return (tool, *table, "-I", chain.name, *which, "-j", "ACCEPT")


def _nft(rule: Judgement, chain: Chain, place: Endpoint, client: str | None) -> tuple[str, ...]:
    here, there, port = ("saddr", "daddr", "sport") if rule.answers else ("daddr", "saddr", "dport")
    source = ("ip6" if ":" in client else "ip", there, client) if client is not None else ()
    to = ("ip6" if ":" in place.address else "ip", here, place.address) if place.address != "*" else ()
    accept = (*source, *to, place.protocol, port, str(place.port), "accept")
    if rule.rule is None or rule.rule.handle is None:
        return ("nft", "add", "rule", chain.family, chain.table, chain.name, *accept)
    handle = str(rule.rule.handle)
    return ("nft", "insert", "rule", chain.family, chain.table, chain.name, "position", handle, *accept)
