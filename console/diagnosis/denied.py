"""When it is not a holder: the port is not permitted, or the address is not this host's."""

from dataclasses import replace

from console.core.finding import Proposal
from console.core.overlap import is_wildcard
from console.core.service import Endpoint
from console.diagnosis import forbidden, kernel_ways, no_address, proposals
from console.diagnosis.evidence import Evidence
from console.diagnosis.forbidden import BIND_SERVICE, NO_USER
from console.diagnosis.outline import outline
from console.diagnosis.ports import unprivileged_start
from console.diagnosis.proposals import CommandsOf
from console.diagnosis.verdict import Confidence, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want


def decide(evidence: Evidence, want: Want, commands_of: CommandsOf) -> Verdict | None:
    """Explain an errno that speaks of no holder; ``None`` when its cause is seen to be gone."""
    if want.symptom is None or want.endpoint is None:
        return None
    if want.symptom.errno == "EADDRNOTAVAIL":
        return no_address.decide(evidence, want, want.endpoint.address, commands_of)
    if want.symptom.errno in forbidden.ERRNOS:
        return _not_permitted(evidence, want, want.endpoint, commands_of)
    return None


def likely(evidence: Evidence, want: Want, commands_of: CommandsOf) -> Verdict | None:
    """A port that it cannot have, where its log, which would say so, may not be read; ``None`` where it can."""
    if want.endpoint is None:
        return None
    if no_address.is_suspected(evidence, want) and evidence.addresses is not None and not _may_bind_any(evidence, want):
        found = no_address.decide(evidence, want, want.endpoint.address, commands_of)
        if found is not None:
            return replace(found, confidence=Confidence.MEDIUM)
    if evidence.confinement is None or not forbidden.is_suspected(evidence, want):
        return None
    found = _privileged(evidence, want, want.endpoint.port)
    again = proposals.start(want, commands_of, recommended=False)
    return found and replace(found, confidence=Confidence.MEDIUM, actions=(*found.actions, *again))


def _may_bind_any(evidence: Evidence, want: Want) -> bool:
    """Whether an address that the host has not can be bound all the same; of IPv6 that setting is not read."""
    if want.endpoint is None or ":" in want.endpoint.address:
        return False
    return evidence.limits is None or evidence.limits.nonlocal_bind is not False


def _not_permitted(evidence: Evidence, want: Want, endpoint: Endpoint, commands_of: CommandsOf) -> Verdict:
    sure = forbidden.by_unit(evidence, want, endpoint)
    if sure is None and want.symptom is not None and want.symptom.errno != "EAFNOSUPPORT":
        written = forbidden.by_module(evidence, want, endpoint)
        missing = _privileged(evidence, want, endpoint.port)
        # Of whom it is not known whether he has the right, what was written down says more.
        sure = (written or missing) if _is_untold(want) else (missing or written)
    if sure is not None:
        return sure
    assert want.symptom is not None
    start = unprivileged_start(evidence)
    if want.symptom.errno == "EAFNOSUPPORT":
        summary = f"{want.name} may not open a socket of this family: neither its unit nor the host says why"
    elif endpoint.port < start:
        summary = f"{want.name} may not bind {want.port}: it has the right to ports below {start}, so another rule"
    else:
        summary = f"{want.name} may not bind {want.port}, though ports from {start} on need no privilege"
    if want.symptom.errno != "EAFNOSUPPORT":
        summary += f": {_suspects(evidence)} forbids it"
    verdict = outline(evidence, want, VerdictWord.NOT_PERMITTED, summary)
    again = proposals.start(want, commands_of, recommended=False)
    return replace(verdict, not_checked=tuple(forbidden.gaps(evidence, want)), actions=again)


def _suspects(evidence: Evidence) -> str:
    known = evidence.confinement
    if known is None:
        return "SELinux or a sandbox"
    if known.selinux == "enforcing":
        return "SELinux"
    return "AppArmor or a sandbox" if known.apparmor else "a sandbox (SELinux and AppArmor are off)"


def _user_of(want: Want) -> str | None:
    """As whom it runs; ``None`` where that is not told, which of a unit of the system means root."""
    if want.service is None:
        return None
    scope = want.service.ref.scope
    return want.service.user or (scope.removeprefix("user:") if scope.startswith("user:") else None)


def _is_untold(want: Want) -> bool:
    """Whether nobody said as whom it runs: only systemd runs as root what names no user."""
    service = want.service
    return service is not None and service.ref.manager != "systemd" and _user_of(want) is None


def _privileged(evidence: Evidence, want: Want, port: int) -> Verdict | None:
    """Below the unprivileged limit without the capability; ``None`` where it has that, as far as is known."""
    start = unprivileged_start(evidence)
    if port >= start:
        return None
    user, untold = _user_of(want), _is_untold(want)
    known = evidence.confinement
    if known is not None and known.capabilities is not None and BIND_SERVICE not in known.capabilities:
        summary = f"ports below {start} need CAP_NET_BIND_SERVICE, which CapabilityBoundingSet= takes from {want.name}"
        verdict = outline(evidence, want, VerdictWord.NOT_PERMITTED, summary, Confidence.HIGH)
        return replace(verdict, actions=_ways_to_bind(evidence, want, port, bounded=True))
    whole = (user in NO_USER and not untold) or (known is not None and BIND_SERVICE in known.ambient)
    if whole and known is not None and want.service is not None:
        return None
    who = f"{want.name} runs as {user}" if user not in NO_USER else f"{want.name} lacks it"
    if untold:
        who = f"as whom {want.name} runs is not known"
    summary = f"ports below {start} need CAP_NET_BIND_SERVICE; {who}"
    sure = Confidence.HIGH if evidence.limits is not None and user not in NO_USER else Confidence.MEDIUM
    verdict = outline(evidence, want, VerdictWord.NOT_PERMITTED, summary, sure)
    gaps: tuple[NotChecked, ...] = ()
    if evidence.limits is None:
        why = evidence.refusal("limits") or "not asked yet"
        gaps += (NotChecked("ip_unprivileged_port_start", f"{why}; {start} is the kernel's default"),)
    if untold:
        gaps += (NotChecked(f"user of {want.name}", "its manager did not tell"),)
    if user in NO_USER:
        gaps += tuple(forbidden.gaps(evidence, want))
    return replace(verdict, actions=_ways_to_bind(evidence, want, port), not_checked=gaps)


def _ways_to_bind(evidence: Evidence, want: Want, port: int, *, bounded: bool = False) -> tuple[Proposal, ...]:
    moved = proposals.move(evidence, want)
    allowed = kernel_ways.allow_privileged(want, port)
    if bounded:
        why = (
            "by hand: take CAP_NET_BIND_SERVICE back into CapabilityBoundingSet= of the unit, and for another user than"
        )
        allowed = (replace(allowed[0], reason_off=f"{why} root into AmbientCapabilities= too"), *allowed[1:])
    return (*allowed, *((moved,) if moved is not None else ()))


def late_address(want: Want) -> Proposal | None:
    """Advice for an address that came after the service had tried."""
    if want.symptom is None or want.symptom.errno != "EADDRNOTAVAIL" or want.endpoint is None:
        return None
    if is_wildcard(want.endpoint.address):
        return None
    return Proposal(
        "wait-for-address",
        f"let {want.name} wait for {want.endpoint.address} at boot",
        reason_off="by hand: [Unit] Wants= and After=network-online.target, or FreeBind=yes in its socket unit",
    )
