"""Which service wants the port, what exactly it wants, and what its log says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from console.core.attempts import is_current
from console.core.declaration import Declaration
from console.core.network import Listener, Socket
from console.core.overlap import Binding, clash, is_wildcard, overlaps
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Snapshot, Symptom
from console.diagnosis.bind_errors import symptoms
from console.diagnosis.claims import of_service, owner_of
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import LISTENED, Confidence
from console.managers.join import Published, has_own_cgroup, is_publishing, of_user

MOST_PORTS = 16
"""Ports of a declared range that are looked at."""


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
    known_by: str | None = None
    """What names the port, where that is neither the log nor a socket."""
    sure: Confidence = Confidence.HIGH
    """How sure it is that this port is meant."""
    also: tuple[Endpoint, ...] = ()
    """Other ports that it wants, by what tells of this one, and that somebody else has: it needs them all."""
    claimed: tuple[Endpoint, ...] = ()
    """The same, where its log does not speak of them and only a declaration does."""

    @property
    def guessed(self) -> bool:
        """Whether nothing but its definition or an earlier run speaks for this port."""
        return self.sure is not Confidence.HIGH

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
    target = evidence.target
    return _with_others(
        evidence, _of_port(evidence, target) if isinstance(target, Endpoint) else _of_service(evidence, target)
    )


def _with_others(evidence: Evidence, want: Want) -> Want:
    """With the other ports that it lacks: to make room for it at one of several is for nothing."""
    if want.ref is None or want.endpoint is None or _is_elsewhere(evidence, want.service, want.endpoint):
        return want
    # Of a range one port may be enough.
    known, wants = _current(evidence, want.ref, want.service), _wants(evidence, want.ref, ranges=False)
    told = _candidates(evidence.snapshot.listeners, want.service, known, wants, evidence.not_listening)
    held = [one for one in told if _is_held(evidence.snapshot, want.service, one)]
    also = {(one.protocol, one.port): one for one, _ in held if not _is_at(one, want.endpoint)}
    rest = [one for one in wants if not _is_at(one, want.endpoint) and (one.protocol, one.port) not in also]
    claimed = tuple(one for one in rest if _is_held(evidence.snapshot, want.service, (one, None)))
    return replace(want, also=tuple(also.values()), claimed=claimed)


def _is_at(first: Endpoint, second: Endpoint) -> bool:
    return (first.protocol, first.port) == (second.protocol, second.port)


def declarations(evidence: Evidence, endpoint: Endpoint, wanting: Service | None = None) -> tuple[Declaration, ...]:
    """Every declaration that claims the port, of those first who would start with the host.

    ``wanting``: in the network of this service. Without one in the host's.
    """
    found = [
        one
        for one in evidence.claims
        if one.claims(endpoint.protocol, endpoint.port) and _same_port(one.at(endpoint.port), endpoint)
    ]
    found += [
        Declaration(service.ref.name, hint.endpoint, hint.where, service.ref.manager, service.ref.scope, sure=False)
        for service in evidence.snapshot.services
        for hint in service.hints
        if _same_port(hint.endpoint, endpoint)
    ]
    found = [one for one in found if _meets(evidence, one, endpoint, wanting)]
    sure = {(one.service, one.manager) for one in found if one.sure}
    # What a name only suggests adds nothing to what its service surely claims.
    unique = {(one.service, one.where): one for one in found if one.sure or (one.service, one.manager) not in sure}
    return tuple(sorted(unique.values(), key=lambda one: _weight(evidence, one)))


def _meets(evidence: Evidence, claim: Declaration, endpoint: Endpoint, wanting: Service | None) -> bool:
    """Whether what it declares is in the same network, as far as is known."""
    snapshot = evidence.snapshot
    service = owner_of(claim, snapshot.services)
    mine = snapshot.network_of(wanting, endpoint) if wanting is not None else None
    theirs = snapshot.network_of(service, endpoint) if service is not None else None
    if service is None or wanting is None or mine is None or theirs is None or service.ref == wanting.ref:
        return (mine is None) is (theirs is None)
    shared = service.ref.name in mine.shared_with
    return shared or (mine.path is not None and mine.path == theirs.path)


def _weight(evidence: Evidence, claim: Declaration) -> tuple[bool, bool]:
    service = owner_of(claim, evidence.snapshot.services)
    runs = service is not None and (service.state is not State.STOPPED or service.enabled == "enabled")
    return (not claim.sure, not runs)


def is_own(service: Service | None, listener: Listener, services: Sequence[Service] = ()) -> bool:
    """Whether the listener belongs to the service itself (and not to a socket unit that starts it).

    ``services``: those of the host, to know a container by the port that its engine holds for it.
    """
    if service is None:
        return False
    if is_publishing(listener) and (published := Published(services).of(listener)) is not None:
        return published.ref == service.ref
    if listener.unit is not None and listener.unit.endswith(".socket"):
        return listener.unit == service.ref.name and _is_of_scope(service.ref, listener)
    if any(pid in service.pids for pid in listener.pids):
        return True
    if service.cgroup is not None and listener.cgroup is not None:
        inside = f"{listener.cgroup}/".startswith(f"{service.cgroup}/")
        return inside and (has_own_cgroup(service) or _is_alone(service, listener, services))
    return service.ref.scope == "system" and not of_user(listener) and listener.unit == service.ref.name


def in_its_way(
    service: Service | None, symptom: Symptom | None, listeners: Sequence[Listener], services: Sequence[Service]
) -> tuple[Listener, ...]:
    """Of the listeners that meet what a service wants those that are not its own, and that keep it from the port.

    Who listens beside a running service that listens there too does not: the kernel has let them both.
    """
    own = [listener for listener in listeners if is_own(service, listener, services)]
    others = tuple(listener for listener in listeners if listener not in own)
    if not own or symptom is not None or service is None or service.state is not State.RUNNING:
        return others
    has = [Binding.of_listener(one) for one in own]
    return tuple(one for one in others if any(clash(bound, Binding.of_listener(one)) for bound in has))


def _is_alone(service: Service, listener: Listener, services: Sequence[Service]) -> bool:
    """Whether, of what its manager runs, only this can have a listener of their control group.

    A process that is told is known: then it is none of the service's.
    """
    return not listener.pids and not any(
        other.ref != service.ref and other.cgroup == service.cgroup and not has_own_cgroup(other) for other in services
    )


def _is_of_scope(ref: ServiceRef, listener: Listener) -> bool:
    """Whether the listener is of the same service manager: the name of a unit says nothing of another one's."""
    if ref.scope == "system":
        return not of_user(listener)
    return of_user(listener) and listener.user in (None, ref.scope.removeprefix("user:"))


def _of_service(evidence: Evidence, ref: ServiceRef) -> Want:
    service = evidence.snapshot.service(ref)
    told, known = _told(evidence, ref), _current(evidence, ref, service)
    history = told[0] if told and not any(is_current(symptom, service) for symptom in known) else None
    wants = _wants(evidence, ref)
    candidates = _candidates(evidence.snapshot.listeners, service, known, wants, evidence.not_listening)
    if not candidates:
        return _guess(evidence, ref, service, known[0] if known else None, history)
    endpoint, symptom = _best(evidence, service, candidates)
    declared_by = declarations(evidence, endpoint, service)
    own = (one for one in of_service(evidence.claims, ref) if one.assumed and endpoint.port in one.ports)
    named = next((one.where for one in (*declared_by, *own) if one.service in (ref.name, str(ref))), None)
    has = service is not None and any(_same_port(port, endpoint) for port in service.ports)
    known_by = named if symptom is None and endpoint in wants and not has else None
    # It ended with words that name no port: that the port is taken may have nothing to do with it.
    beside = known_by is not None and service is not None and service.state is not State.RUNNING
    sure = Confidence.LOW if beside and evidence.log_of(ref) else Confidence.HIGH
    return Want(endpoint, ref, service, symptom, declared_by, history, known_by, sure)


def _guess(
    evidence: Evidence, ref: ServiceRef, service: Service | None, symptom: Symptom | None, history: Symptom | None
) -> Want:
    """What its definition or its last run says, where nothing else names a port."""
    had = {(port.protocol, port.port): port for port in evidence.snapshot.listened(ref)}
    found: list[tuple[Endpoint, str, Confidence]] = []
    for hint in service.hints if service is not None else ():
        ran = had.pop((hint.endpoint.protocol, hint.endpoint.port), None)
        if ran is None:
            # Its log says that there is a port that is taken.
            sure = Confidence.LOW if symptom is None else Confidence.MEDIUM
            found.append((hint.endpoint, hint.where, sure))
        else:
            found.append((ran, f"{hint.where}; {LISTENED}", Confidence.MEDIUM))
    found += [(port, LISTENED, Confidence.MEDIUM) for port in had.values()]
    if not found:
        return Want(None, ref, service, symptom, history=history)
    endpoint, _ = _best(evidence, service, [(port, None) for port, _, _ in found])
    known_by, sure = next((where, sure) for port, where, sure in found if port == endpoint)
    return Want(endpoint, ref, service, symptom, declarations(evidence, endpoint, service), history, known_by, sure)


def _wants(evidence: Evidence, ref: ServiceRef, *, ranges: bool = True) -> tuple[Endpoint, ...]:
    """What a service is declared to listen on; of what it has already it is known at which address.

    Not what a cluster gives it: rules send that on, whoever listens there, and none of its pods binds it.
    """
    service = evidence.snapshot.service(ref)
    told = list(service.wants) if service is not None else []
    told += [
        _seen(evidence, one.at(port)) if one.assumed else one.at(port)
        for one in of_service(evidence.claims, ref)
        if not one.given and (ranges or not one.last)
        for port in one.ports[:MOST_PORTS]
    ]
    has = service.ports if service is not None else ()
    found: list[Endpoint] = []
    for want in told:
        own = [port for port in has if (port.protocol, port.port) == (want.protocol, want.port)]
        found += own if own and want.address == "*" else [want]
    return tuple(dict.fromkeys(found))


def _candidates(
    listeners: tuple[Listener, ...],
    service: Service | None,
    known: tuple[Symptom, ...],
    wants: tuple[Endpoint, ...],
    sockets: tuple[Socket, ...],
) -> list[tuple[Endpoint, Symptom | None]]:
    """What it may be about, with what the log says of it: the log first, then declarations, then what it holds."""
    found: list[tuple[Endpoint, Symptom | None]] = [
        (_completed(_with_protocol(listeners, symptom, symptom.endpoint, sockets), wants), symptom)
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
        tried = _with_protocol(evidence.snapshot.listeners, symptom, symptom.endpoint, evidence.not_listening)
        if not _same_port(tried, endpoint):
            continue
        service = evidence.snapshot.service(symptom.ref)
        if is_current(symptom, service) and not _is_elsewhere(evidence, service, endpoint):
            wants = service.wants if service is not None else ()
            return Want(_completed(tried, wants), symptom.ref, service, symptom, declared_by)
    for service in evidence.snapshot.services:
        if service.state not in (State.FAILED, State.FLAPPING) or _is_elsewhere(evidence, service, endpoint):
            continue
        want = next((one for one in _wants(evidence, service.ref) if _same_port(one, endpoint)), None)
        if want is not None:
            told = _told(evidence, service.ref)
            known = [symptom for symptom in told if is_current(symptom, service)]
            history = told[0] if told and not known else None
            return Want(want, service.ref, service, known[0] if known else None, declared_by, history)
    return Want(endpoint, declared_by=declared_by)


def _is_elsewhere(evidence: Evidence, service: Service | None, endpoint: Endpoint) -> bool:
    """Whether it wants the port in another network than the host's."""
    return service is not None and evidence.snapshot.network_of(service, endpoint) is not None


def _all_symptoms(evidence: Evidence) -> tuple[Symptom, ...]:
    own = (evidence.symptom,) if evidence.symptom is not None else ()
    return own + evidence.snapshot.symptoms


def _told(evidence: Evidence, ref: ServiceRef) -> tuple[Symptom, ...]:
    """Every symptom in the log of a service, of whatever attempt, the newest first."""
    known = [symptom for symptom in _all_symptoms(evidence) if symptom.ref == ref]
    if not known and evidence.journal:
        known = list(symptoms(ref, evidence.journal))
    return tuple(known)


def _current(evidence: Evidence, ref: ServiceRef, service: Service | None) -> tuple[Symptom, ...]:
    """Those of its present run or its newest attempt; one that somebody points at is what is asked about, of whatever
    attempt it is."""
    told = _told(evidence, ref)
    return tuple(symptom for symptom in told if symptom is evidence.symptom or is_current(symptom, service))


def _with_protocol(
    listeners: tuple[Listener, ...], symptom: Symptom, endpoint: Endpoint, sockets: tuple[Socket, ...]
) -> Endpoint:
    """Few logs name the protocol: what is in the way does."""
    if endpoint.protocol != "tcp" or symptom.errno != "EADDRINUSE" or "tcp" in symptom.line.lower():
        return endpoint
    return _by_sockets(listeners, endpoint, sockets)


def _seen(evidence: Evidence, endpoint: Endpoint) -> Endpoint:
    """What is declared in words that name no protocol."""
    if endpoint.protocol != "tcp":
        return endpoint
    return _by_sockets(evidence.snapshot.listeners, endpoint, evidence.not_listening)


def _by_sockets(listeners: tuple[Listener, ...], endpoint: Endpoint, sockets: tuple[Socket, ...]) -> Endpoint:
    """It is UDP where only a UDP socket is on the port."""
    other = Endpoint("udp", endpoint.address, endpoint.port)
    if any(overlaps(endpoint, listener) for listener in listeners):
        return endpoint
    if any(one.protocol == "tcp" and one.port == endpoint.port for one in sockets):
        return endpoint
    connected = any(one.protocol == "udp" and one.port == endpoint.port for one in sockets)
    return other if connected or any(overlaps(other, listener) for listener in listeners) else endpoint


def _completed(endpoint: Endpoint, wants: Iterable[Endpoint]) -> Endpoint:
    """Take the address from the declaration where the log names only the port."""
    if endpoint.address != "*":
        return next((want for want in wants if want == endpoint), endpoint)
    return next((want for want in wants if _same_port(want, endpoint) and want.address != "*"), endpoint)


def _best(
    evidence: Evidence, service: Service | None, candidates: Sequence[tuple[Endpoint, Symptom | None]]
) -> tuple[Endpoint, Symptom | None]:
    """The first that somebody else holds; else the first. Of several in its log, which is last there is chance."""
    held = [one for one in candidates if _is_held(evidence.snapshot, service, one)]
    if not held:
        return candidates[0]
    logged = all(symptom is not None and symptom.endpoint is not None for _, symptom in held)
    return min(held, key=lambda one: one[0].port) if logged and evidence.symptom is None else held[0]


def _is_held(snapshot: Snapshot, service: Service | None, candidate: tuple[Endpoint, Symptom | None]) -> bool:
    """Whether somebody else has it, and so is in its way."""
    endpoint, symptom = candidate
    met = [listener for listener in snapshot.listeners if overlaps(endpoint, listener)]
    return bool(in_its_way(service, symptom, met, snapshot.services))


def _same_port(first: Endpoint, second: Endpoint) -> bool:
    if (first.protocol, first.port) != (second.protocol, second.port):
        return False
    return is_wildcard(first.address) or is_wildcard(second.address) or first.address == second.address
