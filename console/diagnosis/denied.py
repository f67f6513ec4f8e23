"""When it is not a holder: the port is not permitted, or the address is not this host's."""

from dataclasses import replace

from console.core.finding import Proposal
from console.core.overlap import is_wildcard, same_address
from console.diagnosis import proposals
from console.diagnosis.evidence import Evidence
from console.diagnosis.outline import outline
from console.diagnosis.ports import unprivileged_start
from console.diagnosis.proposals import CommandsOf
from console.diagnosis.verdict import Confidence, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want

_ROOT = (None, "", "root", "0")
_SELINUX = NotChecked("SELinux", "its label for the port and its log need root, and are not read yet")


def decide(evidence: Evidence, want: Want, commands_of: CommandsOf) -> Verdict | None:
    """Explain EACCES or EADDRNOTAVAIL; ``None`` when its cause is seen to be gone."""
    if want.symptom is None or want.endpoint is None:
        return None
    if want.symptom.errno == "EACCES":
        return _not_permitted(evidence, want, want.endpoint.port, commands_of)
    if want.symptom.errno == "EADDRNOTAVAIL":
        return _no_such_address(evidence, want, want.endpoint.address, commands_of)
    return None


def _not_permitted(evidence: Evidence, want: Want, port: int, commands_of: CommandsOf) -> Verdict:
    start = unprivileged_start(evidence)
    user = want.service.user if want.service is not None else None
    if port >= start:
        summary = f"{want.name} may not bind {want.port}, though ports from {start} on need no privilege"
        verdict = outline(evidence, want, VerdictWord.NOT_PERMITTED, f"{summary}: SELinux or a sandbox forbids it")
        again = proposals.start(want, commands_of, recommended=False)
        return replace(verdict, not_checked=(_SELINUX,), actions=again)
    known = evidence.limits is not None
    who = f"{want.name} runs as {user}" if user not in _ROOT else f"{want.name} lacks it"
    summary = f"ports below {start} need CAP_NET_BIND_SERVICE; {who}"
    sure = Confidence.HIGH if known and user not in _ROOT else Confidence.MEDIUM
    verdict = outline(evidence, want, VerdictWord.NOT_PERMITTED, summary, sure)
    gaps: tuple[NotChecked, ...] = ()
    if not known:
        why = evidence.refusal("limits") or "not asked yet"
        gaps += (NotChecked("ip_unprivileged_port_start", f"{why}; {start} is the kernel's default"),)
    if user in _ROOT:
        gaps += (_SELINUX,)
    return replace(verdict, actions=_ways_to_bind(evidence, want, port), not_checked=gaps)


def _ways_to_bind(evidence: Evidence, want: Want, port: int) -> tuple[Proposal, ...]:
    moved = proposals.move(evidence, want)
    return (*proposals.allow_privileged(want, port), *((moved,) if moved is not None else ()))


def _no_such_address(evidence: Evidence, want: Want, address: str, commands_of: CommandsOf) -> Verdict | None:
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
    bare = address.partition("%")[0]
    if any(same_address(one.address, bare) for one in evidence.addresses):
        return None
    have = ", ".join(f"{one.address} on {one.interface}" for one in evidence.addresses if one.scope == "global")
    summary = f"{address} is no address of {evidence.snapshot.host}, which has {have or 'only its loopback'}"
    verdict = outline(evidence, want, VerdictWord.NO_SUCH_ADDRESS, summary, Confidence.HIGH)
    rebind = Proposal(
        "change-address",
        f"let {want.name} listen on an address that is there",
        recommended=True,
        reason_off=f"by hand: change {address} where {want.name} is configured, or give the host that address (a VIP?)",
    )
    return replace(verdict, actions=(rebind, *proposals.start(want, commands_of, recommended=False)))
