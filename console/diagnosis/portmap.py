"""Declared against actual: who will clash, what nobody declared, what is declared and not there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from console.core.declaration import Declaration
from console.core.network import Listener
from console.core.overlap import Binding, clash, is_loopback, overlaps
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import LinkState, Snapshot
from console.diagnosis.boots import starts_with_host
from console.diagnosis.claims import claims, of_service, owner_of, related
from console.managers.join import Owners
from console.managers.kubernetes_ports import keeps
from console.probes.limits import PortLimits

WARM_UP = 30.0
"""Seconds after its start in which a service may not listen yet."""
WIDEST = 64
"""Ports of a declared range that are compared one by one."""


class Fit(StrEnum):
    """How what is declared and what is there fit, what needs a person first; stable, part of the JSON."""

    CLASH = "clash"
    """Two want it, or one wants what another has."""
    EXPOSED = "exposed"
    """Declared for this host only, and open to others."""
    UNDECLARED = "undeclared"
    """Somebody listens, and nothing says so."""
    MISSING = "missing"
    """A service that runs declares it, and nobody listens."""
    DECLARED = "declared"
    UNREAD = "unread"
    """Nothing that was read says what its service declares."""
    IDLE = "idle"
    """Declared by what does not run."""

    @property
    def rank(self) -> int:
        """0 for what a person should see first."""
        return list(Fit).index(self)


@dataclass(frozen=True, slots=True)
class Entry:
    """One port of one host."""

    host: str
    protocol: str
    port: int
    fit: Fit
    summary: str = ""
    """One sentence for a person; empty where all is as declared."""
    when: str | None = None
    """Of a clash: ``now``, ``next start`` or ``next boot``."""
    declared_by: tuple[Declaration, ...] = ()
    listeners: tuple[Listener, ...] = ()
    services: tuple[ServiceRef, ...] = ()
    """Whom it is about, who wants the port first."""


def port_map(snapshot: Snapshot, others: tuple[Declaration, ...] = ()) -> tuple[Entry, ...]:
    """Every port of a host that is declared or listened on, what needs a person first."""
    host = _Host(snapshot, claims(snapshot, others))
    found = [host.entry(protocol, number, port) for (protocol, number), port in host.ports().items()]
    return tuple(sorted(found, key=lambda entry: (entry.fit.rank, entry.port, entry.protocol)))


def sees_listeners(snapshot: Snapshot) -> bool:
    """Whether a host tells who listens: else nobody is known to, which is not nobody."""
    source = snapshot.source("listeners")
    answered = source is not None and source.at is not None and source.failure is None
    return snapshot.link.state is LinkState.UP and answered


def contested(snapshot: Snapshot, others: tuple[Declaration, ...] = ()) -> tuple[Entry, ...]:
    """Only the ports that several services declare; on most hosts there is none, and this costs next to nothing."""
    host = _Host(snapshot, claims(snapshot, others))
    wanted = {place: port for place, port in host.ports().items() if len({claim.service for claim in port.sure}) > 1}
    return tuple(host.entry(protocol, number, port) for (protocol, number), port in wanted.items())


@dataclass(frozen=True, slots=True)
class _Port:
    declared: list[Declaration]
    listeners: list[Listener]

    @property
    def sure(self) -> list[Declaration]:
        return [claim for claim in self.declared if claim.sure]


@dataclass(frozen=True, slots=True)
class _Finding:
    """What there is to say of a port."""

    fit: Fit
    summary: str = ""
    when: str | None = None
    services: tuple[ServiceRef, ...] = ()


class _Host:
    """One host, asked port by port."""

    def __init__(self, snapshot: Snapshot, known: Sequence[Declaration]) -> None:
        self._snapshot = snapshot
        self._services = snapshot.services
        self._known = known
        self._by_name: dict[str, list[Service]] = {}
        for service in snapshot.services:
            self._by_name.setdefault(service.ref.name, []).append(service)
        self._sees = sees_listeners(snapshot)

    @cached_property
    def _owners(self) -> Owners:
        return Owners(self._services)

    def ports(self) -> dict[tuple[str, int], _Port]:
        """Every port that is declared or listened on."""
        ports: dict[tuple[str, int], _Port] = {}
        for claim in self._known:
            for number in claim.ports[:WIDEST]:
                ports.setdefault((claim.endpoint.protocol, number), _Port([], [])).declared.append(claim)
        for listener in self._snapshot.listeners:
            ports.setdefault((listener.protocol, listener.port), _Port([], [])).listeners.append(listener)
        return ports

    def _owner_of(self, claim: Declaration) -> Service | None:
        """The service of which a declaration speaks; a whole reference as its name is rare."""
        return owner_of(claim, self._by_name.get(claim.service, () if "/" not in claim.service else self._services))

    def entry(self, protocol: str, number: int, port: _Port) -> Entry:
        """What there is to say of one port: a clash instead of all else, else what fits worst."""
        found = self._given_away(number, port) or self._taken(number, port, up=True)
        found = found or self._at_boot(number, port) or self._taken(number, port, up=False)
        if found is None and port.listeners:
            each = [self._listener(listener, port) for listener in port.listeners]
            found = min(each, key=lambda one: one.fit.rank)
        found = found or self._nobody(protocol, number, port)
        return Entry(
            self._snapshot.host, protocol, number, found.fit, found.summary, found.when,
            tuple(port.declared), tuple(port.listeners), found.services,
        )  # fmt: skip

    def _given_away(self, number: int, port: _Port) -> _Finding | None:
        """Who listens on a port that a cluster gives away, or will: both can bind it, and what comes goes elsewhere."""
        for gift in (claim for claim in port.sure if claim.given):
            to = f"the cluster gives it to {gift.service} ({gift.where})"
            service = self._owner_of(gift)
            refs = (service.ref,) if service is not None else ()
            for listener in port.listeners:
                if overlaps(gift.at(number), listener) is None or not self._is_foreign(listener):
                    continue
                owner = self._owners.of(listener)
                name = owner.ref.name if owner is not None else _process(listener)
                mine = (owner.ref,) if owner is not None else ()
                return _Finding(Fit.CLASH, f"{name} listens on it, but {to}", "now", (*mine, *refs))
            for claim, rival in self._wanting(port):
                if clash(Binding.of_endpoint(claim.at(number)), Binding.of_endpoint(gift.at(number))) is not None:
                    words = f"{rival.ref.name} declares it ({claim.where}), but {to}"
                    return _Finding(Fit.CLASH, words, _when(rival), (rival.ref, *refs))
        return None

    def _is_foreign(self, listener: Listener) -> bool:
        """Whether it is known who listens, and that it is neither a part of the cluster nor what that runs."""
        owner = self._owners.of(listener)
        if keeps(listener.process, listener.unit, listener.cgroup):
            return False
        return listener.process is not None or (owner is not None and owner.ref.manager != "kubernetes")

    def _wanting(self, port: _Port) -> Iterator[tuple[Declaration, Service]]:
        """Services of the host itself that want the port, or will at its next start."""
        for claim in port.sure:
            service = self._owner_of(claim)
            if claim.given or claim.choice or service is None or service.ref.manager == "kubernetes":
                continue
            if service.state is not State.STOPPED or starts_with_host(service, self._services):
                yield claim, service

    def _taken(self, number: int, port: _Port, *, up: bool) -> _Finding | None:
        """A service that will try to bind the port, which somebody else has: one that is up or trying, or one that is
        down and starts with the host."""
        for claim in port.sure:
            service = self._owner_of(claim)
            if claim.choice or claim.given or service is None or (service.state is not State.STOPPED) is not up:
                continue
            if not up and not starts_with_host(service, self._services):
                continue
            rival = self._holder(claim, number, service, port.listeners)
            if rival is not None:
                name, ref = rival
                words = f"{service.ref.name} declares it ({claim.where}), but {name} has it"
                return _Finding(Fit.CLASH, words, _when(service), (service.ref, *((ref,) if ref is not None else ())))
        return None

    def _holder(
        self, claim: Declaration, number: int, service: Service, listeners: Sequence[Listener]
    ) -> tuple[str, ServiceRef | None] | None:
        """Who has the port instead of the service that declares it; ``None`` where it has it itself, or nobody."""
        others: list[tuple[str, ServiceRef | None]] = []
        for listener in listeners:
            if overlaps(claim.at(number), listener) is None:
                continue
            owner = self._owners.of(listener)
            if owner is not None and self._has_it_for(owner, service, claim):
                return None
            others.append((owner.ref.name, owner.ref) if owner is not None else (_process(listener), None))
        if _has(service, claim, number):
            return None
        return others[0] if others else None

    def _has_it_for(self, owner: Service, service: Service, claim: Declaration) -> bool:
        """Whether who listens does so for the service, or by the very same line: a file that several of them read."""
        container = claim.text.startswith("-p ") and owner.ref.manager in ("docker", "compose")
        if container or self._is_one(owner, service):
            return True
        return any(other.where == claim.where for other in self._known if other.is_of(owner.ref))

    def _is_one(self, first: Service, second: Service) -> bool:
        """Whether they are one thing: a service, the socket unit that starts it, what it runs or what runs it."""
        if first.ref == second.ref or first.ref.name in second.triggered_by or second.ref.name in first.triggered_by:
            return True
        return first.is_run_by(second.ref) or second.is_run_by(first.ref)

    def _at_boot(self, number: int, port: _Port) -> _Finding | None:
        """Two that start with the host and cannot both have the port."""
        starting = [
            (claim, service)
            for claim in port.sure
            if not claim.choice
            and (service := self._owner_of(claim)) is not None
            and starts_with_host(service, self._services)
        ]
        for place, (claim, service) in enumerate(starting):
            for other, rival in starting[:place]:
                ways = Binding.of_endpoint(claim.at(number)), Binding.of_endpoint(other.at(number))
                if self._is_one(service, rival) or related(claim, other, self._services) or clash(*ways) is None:
                    continue
                if _has(service, claim, number) and _has(rival, other, number):
                    continue  # what their files do not tell of their sockets these show: both are bound
                names = f"{rival.ref.name} ({other.where}) and {service.ref.name} ({claim.where})"
                words = f"{names} both start with the host"
                return _Finding(Fit.CLASH, words, "next boot", (service.ref, rival.ref))
        return None

    def _listener(self, listener: Listener, port: _Port) -> _Finding:
        owner = self._owners.of(listener)
        refs = (owner.ref,) if owner is not None else ()
        own = [claim for claim in port.sure if owner is not None and self._speaks_of(claim, owner)]
        if not own and self._is_given(listener, port):
            return _Finding(Fit.DECLARED, services=refs)
        if not own:
            fit, words = self._unspoken(listener, owner)
            return _Finding(fit, words, None, refs)
        if not is_loopback(listener.address) and all(is_loopback(claim.endpoint.address) for claim in own):
            words = f"declared for {own[0].endpoint.address} ({own[0].where}), open at {listener.address}"
            return _Finding(Fit.EXPOSED, words, None, refs)
        return _Finding(Fit.DECLARED, services=refs)

    def _is_given(self, listener: Listener, port: _Port) -> bool:
        """Whether a part of the cluster keeps a port that it gave away, or what it was given to listens there."""
        if not keeps(listener.process, listener.unit, listener.cgroup):
            return False
        return any(one.given and overlaps(one.at(listener.port), listener) is not None for one in port.sure)

    def _speaks_of(self, claim: Declaration, owner: Service) -> bool:
        service = None if claim.is_of(owner.ref) else self._owner_of(claim)
        return claim.is_of(owner.ref) or (service is not None and self._has_it_for(owner, service, claim))

    def _unspoken(self, listener: Listener, owner: Service | None) -> tuple[Fit, str]:
        """What to say of a listener that no declaration of its service speaks of."""
        passing = PortLimits().ephemeral(listener.port) and is_loopback(listener.address)
        if owner is None:
            return (Fit.UNREAD if passing else Fit.UNDECLARED), f"no service answers for {_process(listener)}"
        told = [claim for claim in of_service(self._known, owner.ref) if claim.endpoint.protocol == listener.protocol]
        if not told or passing:
            return Fit.UNREAD, ""
        ports = ", ".join(str(port) for port in sorted({claim.endpoint.port for claim in told})[:3])
        return Fit.UNDECLARED, f"{owner.ref.name} declares {ports} and listens here too"

    def _nobody(self, protocol: str, number: int, port: _Port) -> _Finding:
        owners = [(claim, self._owner_of(claim)) for claim in port.declared]
        for claim, service in owners:
            sure = claim.sure and not claim.choice and not claim.given and self._sees
            if sure and service is not None and self._should_listen(service, protocol, number):
                words = f"{service.ref.name} runs and declares it ({claim.where}), but nobody listens"
                return _Finding(Fit.MISSING, words, None, (service.ref,))
        names = " and ".join(dict.fromkeys(claim.service for claim in port.declared))
        refs = dict.fromkeys(service.ref for _, service in owners if service is not None)
        if any(claim.given for claim in port.sure):
            return _Finding(Fit.DECLARED, services=tuple(refs))
        return _Finding(Fit.IDLE, f"declared by {names}", None, tuple(refs))

    def _should_listen(self, service: Service, protocol: str, number: int) -> bool:
        if service.state is not State.RUNNING:
            return False
        if any((one.protocol, one.port) == (protocol, number) for one in service.ports):
            return False
        wall = self._snapshot.sample.wall if self._snapshot.sample is not None else None
        return wall is not None and service.since is not None and wall - service.since >= WARM_UP


def _has(service: Service, claim: Declaration, number: int) -> bool:
    """Whether it listens on a port that it declares."""
    return any((one.protocol, one.port) == (claim.endpoint.protocol, number) for one in service.ports)


def _when(service: Service) -> str:
    """When a service is in another's way that cannot have its port."""
    return "now" if service.state in (State.FAILED, State.FLAPPING) else "next start"


def _process(listener: Listener) -> str:
    return listener.unit or listener.process or f"a process of {listener.user or 'another user'}"
