"""A service that wants an address which the host has not, or has not yet."""

from dataclasses import replace

from console.core.finding import Proposal
from console.core.overlap import is_loopback, is_wildcard, same_address
from console.diagnosis import proposals
from console.diagnosis.evidence import Evidence
from console.diagnosis.failure import is_unexplained
from console.diagnosis.outline import outline
from console.diagnosis.proposals import CommandsOf
from console.diagnosis.verdict import Confidence, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want
from console.probes.addresses import HostAddress
from console.probes.declared.names import is_address

_MOVERS = ("keepalived", "pacemaker", "corosync", "ucarp", "vrrpd", "ctdb", "heartbeat", "kube-vip")
"""Services that give a host an address and take it away again."""


def is_suspected(evidence: Evidence, want: Want) -> bool:
    """Whether a unit whose log does not say why it is down wants one address, which the host need not have."""
    address = want.endpoint.address if want.endpoint is not None else "*"
    if not is_address(address) or is_wildcard(address) or is_loopback(address):
        return False
    return is_unexplained(evidence, want)


def decide(evidence: Evidence, want: Want, address: str, commands_of: CommandsOf) -> Verdict | None:
    """Explain EADDRNOTAVAIL; ``None`` when the address is there by now."""
    if is_wildcard(address):
        return outline(
            evidence,
            want,
            VerdictWord.NO_SUCH_ADDRESS,
            f"{want.name} wants an address that {evidence.snapshot.host} has not; its log does not say which",
        )
    if evidence.addresses is None:
        why = evidence.refusal("addresses") or "not asked yet"
        summary = f"{evidence.snapshot.host} had no address {address} when {want.name} started"
        verdict = outline(evidence, want, VerdictWord.NO_SUCH_ADDRESS, summary, Confidence.MEDIUM)
        return replace(verdict, not_checked=(NotChecked("addresses of the host", why),))
    bare, _, scope = address.partition("%")
    there = [one for one in evidence.addresses if same_address(one.address, bare)]
    if not there:
        return _absent(evidence, want, address, commands_of)
    if bare.lower().startswith("fe80:") and all(one.interface != scope for one in there):
        names = " and ".join(dict.fromkeys(one.interface for one in there))
        told = f"not on {scope}" if scope else f"and needs its interface: {bare}%{there[0].interface}"
        return _wrong(evidence, want, f"{bare} is an address of {names}, {told}", commands_of)
    unusable = next((one for one in there if one.unusable), None)
    return None if unusable is None else _unusable(evidence, want, unusable, commands_of)


def _absent(evidence: Evidence, want: Want, address: str, commands_of: CommandsOf) -> Verdict:
    have = ", ".join(f"{one.address} on {one.interface}" for one in evidence.addresses or () if one.scope == "global")
    mover = _mover(evidence)
    vip = f"; {mover} runs here: is it a VIP that another host has now?" if mover is not None else ""
    summary = f"{address} is no address of {evidence.snapshot.host}, which has {have or 'only its loopback'}{vip}"
    return _wrong(evidence, want, summary, commands_of, mover=mover, address=address)


def _wrong(
    evidence: Evidence,
    want: Want,
    summary: str,
    commands_of: CommandsOf,
    *,
    mover: str | None = None,
    address: str = "",
) -> Verdict:
    place = want.endpoint.address if want.endpoint is not None else address
    rebind = Proposal(
        "change-address",
        f"let {want.name} listen on an address that is there",
        recommended=mover is None,
        reason_off=f"by hand: change {place} where {want.name} is configured, or give the host that address (a VIP?)",
    )
    ways: list[Proposal] = [rebind]
    may = evidence.limits is not None and evidence.limits.nonlocal_bind
    if address and ":" not in address and not may:
        anywhere = Proposal(
            "nonlocal-bind",
            "let services bind addresses that are not here (yet)",
            commands=("sysctl -w net.ipv4.ip_nonlocal_bind=1",),
            recommended=mover is not None,
            reason_off="by hand: it holds for the whole host; put it in /etc/sysctl.d as well",
        )
        ways = [anywhere, rebind] if mover is not None else [rebind, anywhere]
    verdict = outline(evidence, want, VerdictWord.NO_SUCH_ADDRESS, summary, Confidence.HIGH)
    return replace(verdict, actions=(*ways, *proposals.start(want, commands_of, recommended=False)))


def _unusable(evidence: Evidence, want: Want, one: HostAddress, commands_of: CommandsOf) -> Verdict:
    if "dadfailed" in one.flags:
        summary = f"{one.address} on {one.interface} cannot be used: another host has it (duplicate address detection)"
        again = proposals.start(want, commands_of, recommended=False)
    else:
        summary = f"{one.address} on {one.interface} is tentative: it can be bound when the network was asked for it"
        again = proposals.start(want, commands_of)
    return replace(outline(evidence, want, VerdictWord.NO_SUCH_ADDRESS, summary, Confidence.HIGH), actions=again)


def _mover(evidence: Evidence) -> str | None:
    names = (service.ref.name for service in evidence.snapshot.services if service.pids or service.cgroup)
    return next((name for name in names if name.startswith(_MOVERS)), None)
