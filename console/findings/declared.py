"""What ought to run and does not: services that the configuration declares, and enabled ones that were put down."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from console.core.endings import why_failed
from console.core.finding import Finding, Proposal, Severity
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import LinkState, Snapshot
from console.core.target import is_named
from console.diagnosis.proposals import CommandsOf, proposal
from console.managers import MANAGERS
from console.managers.systemd import SYSTEMD

WARM_UP = 30.0
"""Seconds after its start in which a service may not listen yet."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A service that the configuration declares for a host."""

    host: str
    name: str
    manager: str | None = None
    """Who runs it; ``None``: whoever has a service of that name."""
    ports: tuple[Endpoint, ...] = ()
    placed: bool = True
    """It must be on this very host; otherwise only those hosts that have it are judged."""

    @property
    def subject(self) -> str:
        """What it is called where the host has none of that name."""
        return str(ServiceRef(self.host, self.manager, self.name)) if self.manager else f"{self.host}/{self.name}"

    def fits(self, service: Service) -> bool:
        """Whether it is this service, of the host or of one of its users."""
        return self.manager in (None, service.ref.manager) and is_named(self.name, service.ref)


Pairs = tuple[tuple[Expected, tuple[Service, ...]], ...]


def paired(expected: Iterable[Expected], services: Sequence[Service]) -> Pairs:
    """Each declared service with what the host has of that name."""
    return tuple((one, tuple(service for service in services if one.fits(service))) for one in expected)


def put_down(pairs: Pairs) -> list[Service]:
    """The declared services that are there and stopped, and neither end by themselves nor wait to be needed."""
    return [
        service
        for _, services in pairs
        for service in services
        if all(other.state is State.STOPPED for other in services) and not (service.triggered_by or service.oneshot)
    ]


def down(snapshot: Snapshot, services: Iterable[Service], pairs: Pairs, commands_of: CommandsOf) -> list[Finding]:
    """Declared services that do not run."""
    found = []
    for service in services:
        ports = [port for one, _ in pairs if one.fits(service) for port in one.ports]
        evidence = ("the configuration declares it", _state(service), *(_on_port(snapshot, port) for port in ports))
        nobody = [port for port in ports if not _has(snapshot, port)]
        also = f", and nobody has {_port(nobody[0])}" if nobody and _sees_ports(snapshot) else ""
        found.append(
            Finding(
                "service-down", Severity.CRITICAL, snapshot.host, str(service.ref),
                f"not running ({service.native_state}){also}",
                evidence, _start(service.ref, commands_of), service.ref,
                ports[0].port if ports else None, ports[0].protocol if ports else "tcp", service.since,
            )
        )  # fmt: skip
    return found


def missing(snapshot: Snapshot, pairs: Pairs) -> Iterator[Finding]:
    """Declared services that the host does not have; nothing is said while its services are not seen."""
    for one, services in pairs:
        asked = (one.manager,) if one.manager is not None else _managers(snapshot)
        if services or not one.placed or not asked or not all(_answers(snapshot, name) for name in asked):
            continue
        count = sum(service.ref.manager in asked for service in snapshot.services)
        who = f"{asked[0]} lists" if len(asked) == 1 else f"{', '.join(asked)} list"
        evidence = (
            "the configuration declares it",
            f"{who} {count} services here, none of this name: not installed, masked, or misspelt",
            *(_on_port(snapshot, port) for port in one.ports),
        )
        way = Proposal(
            "check-declaration",
            f"install {one.name}, or correct the configuration",
            reason_off="by hand: what is not there cannot be started",
        )
        has = f"{asked[0]} has no such service" if len(asked) == 1 else f"none of {', '.join(asked)} has such a service"
        yield Finding(
            "service-missing", Severity.WARNING, snapshot.host, one.subject,
            f"declared, but {has}", evidence, (way,),
        )  # fmt: skip


def ambiguous(snapshot: Snapshot, pairs: Pairs) -> Iterator[Finding]:
    """Declarations that name no manager where more than one has a service of that name: which is meant is not guessed.

    Their health checks, logs and ports count for none of them; that one of them runs, and has the ports, does.
    """
    for one, services in pairs:
        found = tuple(dict.fromkeys(service.ref.manager for service in services))
        if len(found) < 2:
            continue
        choice = " or ".join(f'manager = "{name}"' for name in found)
        way = Proposal(
            "name-manager",
            f"add {choice} to [[services]] {one.name} in the configuration",
            reason_off="by hand: in the configuration of Hostdeck",
        )
        yield Finding(
            "service-ambiguous", Severity.WARNING, snapshot.host, one.subject,
            f"declared without a manager, but {' and '.join(found)} have a service of that name: add {choice}",
            tuple(f"{service.ref}: {service.native_state}" for service in services), (way,),
        )  # fmt: skip


def _managers(snapshot: Snapshot) -> tuple[str, ...]:
    """Every manager of the host, once all were asked; systemd only where it runs."""
    without = snapshot.identity is not None and snapshot.identity.systemd is None
    known = {source.name for source in snapshot.sources} - ({SYSTEMD.id} if without else set())
    return tuple(each.id for each in MANAGERS if each.id in known) if snapshot.complete else ()


def silent(snapshot: Snapshot, pairs: Pairs, commands_of: CommandsOf) -> Iterator[Finding]:
    """Declared services that run while nobody has a port that is declared for them."""
    if not _sees_ports(snapshot):
        return
    for one, services in pairs:
        service = next((service for service in services if service.state is State.RUNNING), None)
        nobody = [port for port in one.ports if not _has(snapshot, port)]
        if service is None or not nobody or _is_young(snapshot, service):
            continue
        again = Intent(ActionKind.RESTART, service.ref)
        way = proposal("restart", f"restart {service.ref.name}", (again,), commands_of, recommended=False)
        yield Finding(
            "service-down", Severity.CRITICAL, snapshot.host, str(service.ref),
            f"runs, but nobody has {' and '.join(map(_port, nobody))}",
            ("the configuration declares the port", _state(service), *(_on_port(snapshot, port) for port in nobody)),
            (way,), service.ref, nobody[0].port, nobody[0].protocol, service.since,
        )  # fmt: skip


def is_put_down(service: Service, *, fell: bool) -> bool:
    """Whether a service that starts with the host, and is meant to stay, was put down and left there.

    ``fell``: it was seen to fail before. One that ended well by itself, never ran since the boot or is started by a
    timer or a socket is as it should be.
    """
    if service.state is not State.STOPPED or service.since is None or service.triggered_by or service.oneshot:
        return False
    if service.ref.scope != "system" or service.enabled not in ("enabled", "enabled-runtime"):
        return False
    return fell or service.restart_policy is not None or service.result not in (None, "", "success")


def stopped(snapshot: Snapshot, services: Iterable[Service], commands_of: CommandsOf) -> list[Finding]:
    """Enabled services that are not running."""
    return [
        Finding(
            "service-stopped",
            Severity.INFO,
            snapshot.host,
            str(service.ref),
            "enabled, but not running",
            (_state(service),),
            _start(service.ref, commands_of, recommended=False),
            service.ref,
            since=service.since,
        )
        for service in services
    ]


def _start(ref: ServiceRef, commands_of: CommandsOf, *, recommended: bool = True) -> tuple[Proposal, ...]:
    begin = Intent(ActionKind.START, ref)
    return (proposal("start", f"start {ref.name}", (begin,), commands_of, recommended=recommended),)


def _state(service: Service) -> str:
    ended = f", its last run ended: {why_failed(service)}" if service.result not in (None, "", "success") else ""
    enabled = f", {service.enabled}" if service.enabled else ""
    policy = f", Restart={service.restart_policy}" if service.restart_policy else ""
    return f"{service.ref.manager}: {service.native_state}{enabled}{policy}{ended}"


def _is_young(snapshot: Snapshot, service: Service) -> bool:
    wall = snapshot.sample.wall if snapshot.sample is not None else None
    return wall is None or service.since is None or wall - service.since < WARM_UP


def _answers(snapshot: Snapshot, source: str) -> bool:
    asked = snapshot.source(source)
    up = snapshot.link.state is LinkState.UP
    return up and asked is not None and asked.at is not None and asked.failure is None and not asked.former


def _sees_ports(snapshot: Snapshot) -> bool:
    return _answers(snapshot, "listeners")


def _has(snapshot: Snapshot, port: Endpoint) -> bool:
    return any(listener.protocol == port.protocol and listener.port == port.port for listener in snapshot.listeners)


def _port(port: Endpoint) -> str:
    return f"{port.protocol} {port.port}"


def _on_port(snapshot: Snapshot, port: Endpoint) -> str:
    if not _sees_ports(snapshot):
        return f"{_port(port)}: who has it is not seen"
    holders = [
        listener.unit or listener.process or "a process that is hidden"
        for listener in snapshot.listeners
        if (listener.protocol, listener.port) == (port.protocol, port.port)
    ]
    return f"{_port(port)}: held by {' and '.join(dict.fromkeys(holders))}" if holders else f"{_port(port)}: free"
