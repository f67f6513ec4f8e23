"""What the configuration says of a service or a host beyond what the host tells."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from console.config.model import Config, ServiceConfig
from console.core.health import HealthCheck
from console.core.pid_file import STOP_TIMEOUT, PidFile
from console.core.release import Recipe
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import Snapshot
from console.core.target import is_named
from console.remote.transport import HostSpec

if TYPE_CHECKING:
    from console.core.declaration import Declaration
    from console.findings.declared import Expected


def services_on(config: Config, spec: HostSpec) -> Iterator[ServiceConfig]:
    """The declared services that a host runs: those that name it, one of its groups, or nobody."""
    for service in config.services:
        anywhere = not service.hosts and not service.groups
        if anywhere or spec.name in service.hosts or set(service.groups) & set(spec.groups):
            yield service


def owners(service: ServiceConfig, services: Iterable[Service]) -> tuple[ServiceRef, ...]:
    """The services of a host that a declaration means: of its manager, or of the only one with some of that name."""
    refs = tuple(one.ref for one in services if is_named(service.name, one.ref))
    managers = {ref.manager for ref in refs}
    wanted = service.manager or (managers.pop() if len(managers) == 1 else None)
    return tuple(ref for ref in refs if ref.manager == wanted)


def log_files(
    config: Config, spec: HostSpec, ref: ServiceRef, services: Sequence[Service], every: bool = False
) -> tuple[str, ...]:
    """The log files that are declared for a service, beside the log that its manager reads; ``every``: that too."""
    # The first log of a service with a pid file is what its manager reads.
    first = 1 if ref.manager == "pidfile" and not every else 0
    found = (
        path
        for service in services_on(config, spec)
        if service.logs and ref in owners(service, services)
        for path in service.logs[first:]
    )
    return tuple(dict.fromkeys(found))


def health_url(config: Config, spec: HostSpec, ref: ServiceRef, services: Sequence[Service]) -> str | None:
    """The health check that is declared for a service."""
    declared = (service for service in services_on(config, spec) if service.health)
    return next((service.health for service in declared if ref in owners(service, services)), None)


def health_command(config: Config, spec: HostSpec, ref: ServiceRef, services: Sequence[Service]) -> tuple[str, ...]:
    """The command that tells whether a service is well, where one is declared."""
    declared = (service for service in services_on(config, spec) if service.health_command)
    return next((service.health_command for service in declared if ref in owners(service, services)), ())


def health_checks(config: Config, spec: HostSpec) -> tuple[HealthCheck, ...]:
    """The health checks that are declared for the services of a host."""
    return tuple(
        HealthCheck(service.name, service.manager, service.health, service.health_command, service.health_every)
        for service in services_on(config, spec)
        if service.health or service.health_command
    )


def reload_test(config: Config, spec: HostSpec, ref: ServiceRef, services: Sequence[Service]) -> tuple[str, ...]:
    """What tests the configuration of a service before a reload, where that is declared."""
    declared = (service for service in services_on(config, spec) if service.reload_test)
    return next((service.reload_test for service in declared if ref in owners(service, services)), ())


def reloads_on_sighup(config: Config, spec: HostSpec, ref: ServiceRef, services: Sequence[Service]) -> bool:
    """Whether it is declared of a service that it reloads on SIGHUP."""
    declared = (service for service in services_on(config, spec) if service.reloads_on_sighup)
    return any(ref in owners(service, services) for service in declared)


def recipe(config: Config, spec: HostSpec, ref: ServiceRef, services: Sequence[Service]) -> Recipe | None:
    """How a service gets a new release, where that is declared."""
    declared = (service for service in services_on(config, spec) if service.release is not None)
    found = next((service.release for service in declared if ref in owners(service, services)), None)
    return None if found is None else Recipe(**{name.name: getattr(found, name.name) for name in fields(found)})


def pid_files(config: Config, spec: HostSpec) -> tuple[PidFile, ...]:
    """The services of a host that are declared by their pid files."""
    return tuple(
        PidFile(
            service.name,
            service.pid_file,
            service.command,
            service.directory or "/",
            service.user,
            service.stop_signal or "TERM",
            service.stop_timeout or STOP_TIMEOUT,
            service.logs,
        )
        for service in services_on(config, spec)
        if service.manager == "pidfile" and service.pid_file is not None
    )


def with_declared(config: Config, spec: HostSpec, snapshot: Snapshot) -> Snapshot:
    """The snapshot with the declared ports among what its services want. The same object where nothing is declared."""
    wanted: dict[ServiceRef, list[Endpoint]] = {}
    for declared in services_on(config, spec):
        for ref in owners(declared, snapshot.services) if declared.ports else ():
            wanted.setdefault(ref, []).extend(declared.ports)
    if not wanted:
        return snapshot
    services = tuple(_wanting(service, wanted.get(service.ref, ())) for service in snapshot.services)
    return replace(snapshot, services=services)


def _wanting(service: Service, ports: Sequence[Endpoint]) -> Service:
    wants = tuple(dict.fromkeys((*service.wants, *ports)))
    return service if wants == service.wants else replace(service, wants=wants)


def declarations(config: Config, spec: HostSpec, services: Sequence[Service]) -> "tuple[Declaration, ...]":
    """Who claims which port by the configuration; nobody where several services may be meant."""
    from console.core.declaration import Declaration

    return tuple(
        Declaration(name, port, service.where or "hostdeck configuration", service.manager or "", "")
        for service in services_on(config, spec)
        if service.ports
        for name in _names(service, services)
        for port in service.ports
    )


def _names(service: ServiceConfig, services: Sequence[Service]) -> tuple[str, ...]:
    found = owners(service, services)
    if not found and service.manager is None and any(is_named(service.name, one.ref) for one in services):
        return ()
    return tuple(dict.fromkeys(ref.name for ref in found)) or (_unit(service),)


def expected(config: Config, spec: HostSpec, *, alone: bool) -> "tuple[Expected, ...]":
    """The services that ought to run on a host. ``alone``: it is the only host, so all of it is meant for it."""
    from console.findings.declared import Expected

    return tuple(
        Expected(
            spec.name,
            _unit(service),
            service.manager,
            service.ports,
            placed=alone or bool(service.hosts or service.groups),
        )
        for service in services_on(config, spec)
    )


def _unit(service: ServiceConfig) -> str:
    """The name as its manager has it, where that is named."""
    return service.name if service.manager != "systemd" or "." in service.name else f"{service.name}.service"
