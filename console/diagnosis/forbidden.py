"""Why a service may not bind a port that nobody holds: the sandbox of its unit, SELinux, AppArmor."""

from collections.abc import Iterator
from dataclasses import replace

from console.core.command import quote
from console.core.finding import Proposal
from console.core.service import Endpoint
from console.diagnosis.evidence import Evidence, Question
from console.diagnosis.failure import is_unexplained
from console.diagnosis.outline import outline
from console.diagnosis.ports import unprivileged_start
from console.diagnosis.verdict import Confidence, NotChecked, Verdict, VerdictWord
from console.diagnosis.wanting import Want
from console.probes.confinement import Confinement, rule_covers
from console.probes.denials import Denial, PortLabel

NO_USER = (None, "", "root", "0")
"""Of a unit that runs as root, or whose user is not known."""
ERRNOS = ("EACCES", "EPERM", "EAFNOSUPPORT")
BIND_SERVICE = "cap_net_bind_service"
NEAR = 30.0
"""Seconds by which a refusal and the line of the service's log that speaks of it may lie apart."""


def questions(evidence: Evidence, want: Want) -> list[Question]:
    """First what confines the service; then what the module that is in force wrote down."""
    told = want.symptom is not None and want.symptom.errno in ERRNOS and want.down
    if not told and not is_suspected(evidence, want):
        return []
    known = evidence.confinement
    if known is None:
        systemd = want.ref is not None and want.ref.manager == "systemd" and want.ref.scope == "system"
        return [Question("confinement", (want.ref.name,) if systemd and want.ref is not None else ())]
    found = []
    if known.selinux == "enforcing" or known.apparmor:
        found += [Question("audit_denials")] if evidence.audit_denials is None else []
        moment = _moment(want)
        when = (str(int(moment)),) if moment is not None else ()
        found += [Question("kernel_denials", when)] if evidence.kernel_denials is None else []
    if known.selinux == "enforcing" and evidence.port_labels is None:
        found.append(Question("port_labels"))
    return found


def is_suspected(evidence: Evidence, want: Want) -> bool:
    """Whether a unit whose log does not say why it is down wants a port that takes a privilege.

    Root has it, unless the unit takes it away.
    """
    if want.endpoint is None or want.endpoint.port >= unprivileged_start(evidence):
        return False
    return is_unexplained(evidence, want)


def by_unit(evidence: Evidence, want: Want, endpoint: Endpoint) -> Verdict | None:
    """The verdict where the unit itself forbids it."""
    known = evidence.confinement
    if known is None or want.symptom is None:
        return None
    if want.symptom.errno == "EAFNOSUPPORT":
        return _by_families(evidence, want, endpoint, known)
    rule = _denying(known, endpoint)
    if rule is None:
        return None
    summary = f"the unit of {want.name} forbids it: SocketBindDeny={rule}"
    allow = f"SocketBindAllow={endpoint.protocol}:{endpoint.port}"
    return _of_unit(evidence, want, summary, f"let {want.name} bind {endpoint.port}", allow)


def _of_unit(evidence: Evidence, want: Want, summary: str, label: str, line: str) -> Verdict:
    verdict = outline(evidence, want, VerdictWord.NOT_PERMITTED, summary, Confidence.HIGH)
    commands = tuple(quote(("systemctl", verb, "--", want.name)) for verb in ("edit", "restart"))
    way = Proposal("allow-in-unit", label, commands=commands, recommended=True,
                   reason_off=f"by hand: add to the unit [Service] {line}")  # fmt: skip
    return replace(verdict, actions=(way,))


def _denying(known: Confinement, endpoint: Endpoint) -> str | None:
    """The rule that forbids it; one that allows goes before."""
    families = ("ip6",) if ":" in endpoint.address else ("ip",) if endpoint.address != "*" else ("ip", "ip6")
    for family in families:
        place = (endpoint.protocol, endpoint.port, family)
        if any(rule_covers(rule, *place) for rule in known.bind_allow):
            continue
        found = next((rule for rule in known.bind_deny if rule_covers(rule, *place)), None)
        if found is not None:
            return found
    return None


def _by_families(evidence: Evidence, want: Want, endpoint: Endpoint, known: Confinement) -> Verdict | None:
    family = "AF_INET6" if ":" in endpoint.address else "AF_INET"
    if known.families is not None and (family in known.families) is known.families_denied:
        shown = ("~" if known.families_denied else "") + " ".join(known.families)
        summary = f"the unit of {want.name} forbids {family}: RestrictAddressFamilies={shown}"
        return _of_unit(evidence, want, summary, f"let {want.name} use {family}", f"RestrictAddressFamilies={family}")
    if family == "AF_INET6" and not known.ipv6:
        summary = f"{endpoint.address} is IPv6, which is switched off on {evidence.snapshot.host}"
        verdict = outline(evidence, want, VerdictWord.NO_SUCH_ADDRESS, summary, Confidence.HIGH)
        why = f"by hand: take {endpoint.address} out of where {want.name} is configured"
        return replace(verdict, actions=(Proposal("change-address", f"let {want.name} listen on IPv4 only",
                                                  recommended=True, reason_off=why),))  # fmt: skip
    return None


def by_module(evidence: Evidence, want: Want, endpoint: Endpoint) -> Verdict | None:
    """The verdict where SELinux or AppArmor wrote down that it refused just this."""
    denial = _denial(evidence, want, endpoint)
    if denial is None:
        return None
    if denial.module == "apparmor":
        what = " ".join(filter(None, (denial.what, denial.label)))
        summary = f"AppArmor's profile {denial.subject} forbids {want.name}: {what}"
        verdict = outline(evidence, want, VerdictWord.NOT_PERMITTED, summary, Confidence.HIGH)
        why = f"by hand: allow it in the profile, then load it anew (apparmor_parser -r); it said: {denial.line}"
        way = Proposal("allow-in-profile", f"let the profile {denial.subject} bind", recommended=True, reason_off=why)
        return replace(verdict, actions=(way,))
    summary = f"SELinux: {denial.subject} may not bind {want.port}, which is labelled {denial.label}; {denial.line}"
    verdict = outline(evidence, want, VerdictWord.NOT_PERMITTED, summary, Confidence.HIGH)
    return replace(verdict, actions=tuple(_relabel(evidence, endpoint, denial)))


def _denial(evidence: Evidence, want: Want, endpoint: Endpoint) -> Denial | None:
    """The refusal of just this port that is nearest to the failure, or, where AppArmor names none, of a process of this
    service. One of another time is another's, or of another attempt: it says nothing of this one."""
    told = [log.found for log in (evidence.kernel_denials, evidence.audit_denials) if log is not None]
    fitting = [one for found in told for one in found if _is_of(evidence, one, endpoint)]
    moment = want.symptom.at if want.symptom is not None else None

    def apart(one: Denial) -> float:
        return abs(one.at - moment) if moment is not None and one.at is not None else 0.0

    near = [one for one in reversed(fitting) if apart(one) <= NEAR]
    return min(near, key=apart, default=None)


def _is_of(evidence: Evidence, one: Denial, endpoint: Endpoint) -> bool:
    """Whether it was refused to bind this port by this protocol, as far as the message tells."""
    if one.protocol not in (None, endpoint.protocol):
        return False
    if one.module == "selinux":
        return one.what == "name_bind" and one.port == endpoint.port
    profile = evidence.confinement.apparmor_profile if evidence.confinement is not None else None
    mine = one.port == endpoint.port or (profile is not None and one.subject == profile)
    return mine and (one.what == "bind" or one.label == "net_bind_service")


def _moment(want: Want) -> float | None:
    """When it was refused the port, by the host's wall clock: as its log says, else not before its newest attempt."""
    if want.symptom is not None and want.symptom.at is not None:
        return want.symptom.at
    return want.service.attempt_since or want.service.since if want.service is not None else None


def _relabel(evidence: Evidence, endpoint: Endpoint, denial: Denial) -> Iterator[Proposal]:
    labels = evidence.port_labels
    stem = (denial.subject or "").removesuffix("_t")
    kind = next((label.kind for label in labels or () if label.kind == f"{_PORT_STEMS.get(stem, stem)}_port_t"), None)
    # A port that the policy or somebody has labelled already is not added once more.
    labelled = denial.label not in (None, *_BROAD) or any(_is_exact(label, endpoint) for label in labels or ())
    verb = "-m" if labelled else "-a"
    command = quote(("semanage", "port", verb, "-t", kind or "TYPE", "-p", endpoint.protocol, str(endpoint.port)))
    doubt = "" if kind is not None else f"; TYPE is one that {denial.subject} may bind (semanage port -l)"
    why = f"by hand: it changes the policy of the host{doubt}"
    yield Proposal("label-port", f"label {endpoint.port} as {kind or 'a port of this service'}", commands=(command,),
                   recommended=True, reason_off=why)  # fmt: skip


_PORT_STEMS = {"httpd": "http", "sshd": "ssh", "named": "dns", "squid": "squid", "postgresql": "postgresql"}
"""Domains whose ports are not named after them, as in the reference policy."""
_BROAD = ("unreserved_port_t", "reserved_port_t", "hi_reserved_port_t", "ephemeral_port_t", "port_t")


def _is_exact(label: PortLabel, endpoint: Endpoint) -> bool:
    inside = any(low <= endpoint.port <= high for low, high in label.ranges)
    return label.protocol == endpoint.protocol and inside and label.kind not in _BROAD


def gaps(evidence: Evidence, want: Want) -> Iterator[NotChecked]:
    """What could still be the reason."""
    known = evidence.confinement
    if known is None:
        why = evidence.refusal("confinement") or "not asked yet"
        yield NotChecked("SELinux, AppArmor and the sandbox of the unit", why)
        return
    if known.selinux == "enforcing" or known.apparmor:
        why_not = _unread(evidence, _moment(want))
        if why_not is not None:
            yield NotChecked("SELinux" if known.selinux == "enforcing" else "AppArmor", why_not)
        if known.selinux == "enforcing" and evidence.port_labels is None:
            yield NotChecked("labels of ports", evidence.refusal("port_labels") or "not asked yet")


def _unread(evidence: Evidence, moment: float | None) -> str | None:
    """Why it is not known what was refused at that moment; ``None`` where the log that has it was read."""
    log = evidence.audit_denials
    if log is None:
        refused = evidence.refusal("audit_denials") or "not asked yet"
        if evidence.kernel_denials is None or "not on this host" not in refused:
            return refused
        log = evidence.kernel_denials  # without auditd they are there
    return None if log.reach(moment) else "the log of refusals does not go back to this failure"
