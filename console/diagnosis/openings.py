"""How clients are let in again: advice only, because a rule is somebody's decision."""

from console.core.command import quote
from console.core.finding import Proposal
from console.core.firewall import Chain
from console.diagnosis.by_hand import changed
from console.diagnosis.evidence import Evidence
from console.diagnosis.firewall import Gate, Judgement
from console.diagnosis.verdict import Reach
from console.diagnosis.wanting import Want

_WHOSE = "by hand: the rule is somebody's decision, and what loads it at boot must be changed as well"


def ways(evidence: Evidence, want: Want, reach: Reach, name: str, *, private: bool) -> tuple[Proposal, ...]:
    """The ways to let clients in, the best first."""
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
    if rule is None or rule.chain is None or rule.gate is not Gate.DROPPED:
        return ()
    port, protocol = want.endpoint.port, want.endpoint.protocol
    command = _command(evidence, rule, protocol, port)
    label = f"let {protocol} {port} in before that rule"
    return (Proposal("open-port", label, commands=(command,), recommended=True, reason_off=_WHOSE),)


def _by_iptables(chain: Chain) -> bool:
    """Whether iptables wrote the chain, also where nft lists it."""
    return chain.tool != "nft" or (chain.family in ("ip", "ip6") and chain.name.isupper())


def _command(evidence: Evidence, rule: Judgement, protocol: str, port: int) -> str:
    """In the words of whoever wrote the rules: a front end would lose what is put beside its own."""
    chain = rule.chain
    assert chain is not None
    if any(one.table == "firewalld" for one in evidence.chains):
        # Its chains are named after its zones: filter_IN_public.
        zone = chain.name.removeprefix("filter_IN_") if chain.name.startswith("filter_IN_") else ""
        return quote(("firewall-cmd", *((f"--zone={zone}",) if zone else ()), f"--add-port={port}/{protocol}"))
    if any(one.name.startswith("ufw-") for one in evidence.chains):
        return quote(("ufw", "allow", f"{port}/{protocol}"))
    if _by_iptables(chain):
        tool = "ip6tables" if chain.family == "ip6" else "iptables"
        return quote((tool, "-I", chain.name, "-p", protocol, "--dport", str(port), "-j", "ACCEPT"))
    accept = (protocol, "dport", str(port), "accept")
    if rule.rule is None or rule.rule.handle is None:
        return quote(("nft", "add", "rule", chain.family, chain.table, chain.name, *accept))
    handle = str(rule.rule.handle)
    return quote(("nft", "insert", "rule", chain.family, chain.table, chain.name, "position", handle, *accept))
