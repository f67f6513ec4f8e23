"""Which service wants the port, what exactly it wants, and what its log says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console.core.network import Listener
from console.core.overlap import is_wildcard, overlaps
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Snapshot, Symptom
from console.diagnosis.bind_errors import symptoms
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Declaration

OLD = 5.0
"""Seconds before its present state began from which on a symptom is of an earlier run."""
WHOLE = 1.0
"""Seconds: managers tell their times in whole ones."""


@dataclass(frozen=True, slots=True)
class Want:
    """What the diagnosis is about. ``endpoint`` is ``None`` where a service names no port at all."""

    endpoint: Endpoint | None
    ref: ServiceRef | None = None
    service: Service | None = None
    symptom: Symptom | None = None
    declared_by: tuple[Declaration, ...] = ()
    history: Symptom | None = None
    """What the log says of an earlier attempt, where the newest failed without it: not why it is down now."""

    @property
    def down(self) -> bool:
        """Whether the service that wants the port is anything but running: also one that is starting or flapping, which
        may have its port, and one whose state is unknown."""
        return self.service is not None and self.service.state is not State.RUNNING

    @property
    def name(self) -> str:
        """The service that wants the port."""
        return self.ref.name if self.ref is not None else "the service"

    @property
    def port(self) -> str:
        """The port in words: ``tcp 8080``."""
        return f"{self.endpoint.protocol} {self.endpoint.port}" if self.endpoint is not None else "its port"


def find_want(evidence: Evidence) -> Want:
    """Resolve the target: a service to what it wants, or a port to who wants it."""
    if isinstance(evidence.target, Endpoint):
        return _of_port(evidence, evidence.target)
    return _of_service(evidence, evidence.target)


def declarations(evidence: Evidence, endpoint: Endpoint) -> tuple[Declaration, ...]:
    """Every declaration that claims the port, of services and of configurations."""
    found = [
        Declaration(service.ref.name, want, f"{service.ref.manager} unit {service.ref.name}")
        for service in evidence.snapshot.services
        for want in service.wants
        if _same_port(want, endpoint)
    ]
    found += [one for one in evidence.declared if _same_port(one.endpoint, endpoint)]
    unique = {(one.service, one.where): one for one in found}
    return tuple(unique.values())


def is_own(service: Service | None, listener: Listener) -> bool:
    """Whether the listener belongs to the service itself (and not to a socket unit that starts it)."""
    if service is None:
        return False
    if listener.unit is not None and listener.unit.endswith(".socket"):
        return listener.unit == service.ref.name
    if any(pid in service.pids for pid in listener.pids):
        return True
    if service.cgroup is not None and listener.cgroup is not None:
        return listener.cgroup == service.cgroup or listener.cgroup.startswith(service.cgroup + "/")
    return service.ref.scope == "system" and listener.unit == service.ref.name


def is_current(symptom: Symptom, service: Service | None) -> bool:
    """Whether a symptom is of the service's present run or of the newest attempt to start it."""
    if service is None:
        return True
    if service.state is not State.RUNNING:
        if symptom.at is None or service.attempt_since is None:
            return True
        return symptom.at >= service.attempt_since - WHOLE
    if symptom.at is None or service.since is None:
        return False
    return symptom.at >= service.since - OLD


def _of_service(evidence: Evidence, ref: ServiceRef) -> Want:
    service = evidence.snapshot.service(ref)
    told = _told(evidence, ref)
    known = tuple(symptom for symptom in told if is_current(symptom, service))
    history = told[0] if told and not known else None
    wants = tuple(service.wants) if service is not None else ()
    wants += tuple(one.endpoint for one in evidence.declared if one.service in (ref.name, str(ref)))
    candidates = _candidates(evidence.snapshot.listeners, service, known, wants)
    if not candidates:
        return Want(None, ref, service, known[0] if known else None, history=history)
    endpoint, symptom = _best(evidence.snapshot, service, candidates)
    return Want(endpoint, ref, service, symptom, declarations(evidence, endpoint), history)


def _candidates(
    listeners: tuple[Listener, ...],
    service: Service | None,
    known: tuple[Symptom, ...],
    wants: tuple[Endpoint, ...],
) -> list[tuple[Endpoint, Symptom | None]]:
    """What it may be about, with what the log says of it: the log first, then declarations, then what it holds."""
    found: list[tuple[Endpoint, Symptom | None]] = [
        (_completed(_with_protocol(listeners, symptom, symptom.endpoint), wants), symptom)
        for symptom in known
        if symptom.endpoint is not None
    ]
    if not found:
        found = [(want, known[0] if known else None) for want in wants]
    if not found and service is not None:
        found = [(port, None) for port in service.ports]
    return found


def _of_port(evidence: Evidence, endpoint: Endpoint) -> Want:
    declared_by = declarations(evidence, endpoint)
    for symptom in _all_symptoms(evidence):
        if symptom.endpoint is None:
            continue
        tried = _with_protocol(evidence.snapshot.listeners, symptom, symptom.endpoint)
        if not _same_port(tried, endpoint):
            continue
        service = evidence.snapshot.service(symptom.ref)
        if is_current(symptom, service):
            wants = service.wants if service is not None else ()
            return Want(_completed(tried, wants), symptom.ref, service, symptom, declared_by)
    for service in evidence.snapshot.services:
        if service.state not in (State.FAILED, State.FLAPPING):
            continue
        want = next((want for want in service.wants if _same_port(want, endpoint)), None)
        if want is not None:
            told = _told(evidence, service.ref)
            known = [symptom for symptom in told if is_current(symptom, service)]
            history = told[0] if told and not known else None
            return Want(want, service.ref, service, known[0] if known else None, declared_by, history)
    return Want(endpoint, declared_by=declared_by)


def _all_symptoms(evidence: Evidence) -> tuple[Symptom, ...]:
    own = (evidence.symptom,) if evidence.symptom is not None else ()
    return own + evidence.snapshot.symptoms


def _told(evidence: Evidence, ref: ServiceRef) -> tuple[Symptom, ...]:
    """Every symptom in the log of a service, of whatever attempt, the newest first."""
    known = [symptom for symptom in _all_symptoms(evidence) if symptom.ref == ref]
    if not known and evidence.journal:
        known = list(symptoms(ref, evidence.journal))
    return tuple(known)


def _with_protocol(listeners: tuple[Listener, ...], symptom: Symptom, endpoint: Endpoint) -> Endpoint:
    """Few logs name the protocol: it is UDP where only a UDP socket is in the way."""
    if endpoint.protocol != "tcp" or symptom.errno != "EADDRINUSE" or "tcp" in symptom.line.lower():
        return endpoint
    other = Endpoint("udp", endpoint.address, endpoint.port)
    if any(overlaps(endpoint, listener) for listener in listeners):
        return endpoint
    return other if any(overlaps(other, listener) for listener in listeners) else endpoint


def _completed(endpoint: Endpoint, wants: Iterable[Endpoint]) -> Endpoint:
    """Take the address from the declaration where the log names only the port."""
    if endpoint.address != "*":
        return endpoint
    return next((want for want in wants if _same_port(want, endpoint) and want.address != "*"), endpoint)


def _best(
    snapshot: Snapshot, service: Service | None, candidates: Sequence[tuple[Endpoint, Symptom | None]]
) -> tuple[Endpoint, Symptom | None]:
    """The first that somebody else holds; else the first."""
    for endpoint, symptom in candidates:
        if any(overlaps(endpoint, listener) and not is_own(service, listener) for listener in snapshot.listeners):
            return endpoint, symptom
    return candidates[0]


def _same_port(first: Endpoint, second: Endpoint) -> bool:
    if (first.protocol, first.port) != (second.protocol, second.port):
        return False
    return is_wildcard(first.address) or is_wildcard(second.address) or first.address == second.address
