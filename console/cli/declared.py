"""What the configuration says of a service or a host beyond what the host tells."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from console.config.model import Config, ServiceConfig
from console.core.pid_file import STOP_TIMEOUT, PidFile
from console.core.service import Service, ServiceRef
from console.core.snapshot import Snapshot
from console.remote.transport import HostSpec

if TYPE_CHECKING:
    from console.diagnosis.verdict import Declaration
    from console.findings.declared import Expected


def services_on(config: Config, spec: HostSpec) -> Iterator[ServiceConfig]:
    """The declared services that a host runs: those that name it, one of its groups, or nobody."""
    for service in config.services:
        anywhere = not service.hosts and not service.groups
        if anywhere or spec.name in service.hosts or set(service.groups) & set(spec.groups):
            yield service


def is_declared(service: ServiceConfig, ref: ServiceRef) -> bool:
    """Whether a declaration is about this service."""
    return service.manager == ref.manager and service.name in {ref.name, ref.name.removesuffix(".service")}


def log_files(config: Config, spec: HostSpec, ref: ServiceRef) -> tuple[str, ...]:
    """The log files that are declared for a service, beside the log that its manager reads."""
    # The first log of a service with a pid file is what its manager reads.
    first = 1 if ref.manager == "pidfile" else 0
    found = (
        path for service in services_on(config, spec) if is_declared(service, ref) for path in service.logs[first:]
    )
    return tuple(dict.fromkeys(found))


def health_url(config: Config, spec: HostSpec, ref: ServiceRef) -> str | None:
    """The health check that is declared for a service."""
    urls = (service.health for service in services_on(config, spec) if is_declared(service, ref))
    return next((url for url in urls if url), None)


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
    declared = tuple(service for service in services_on(config, spec) if service.ports)
    if not declared:
        return snapshot
    return replace(snapshot, services=tuple(_wanting(service, declared) for service in snapshot.services))


def _wanting(service: Service, declared: tuple[ServiceConfig, ...]) -> Service:
    ports = [port for found in declared if is_declared(found, service.ref) for port in found.ports]
    wants = tuple(dict.fromkeys((*service.wants, *ports)))
    return service if wants == service.wants else replace(service, wants=wants)


def declarations(config: Config, spec: HostSpec) -> "tuple[Declaration, ...]":
    """Who claims which port by the configuration."""
    from console.diagnosis.verdict import Declaration

    return tuple(
        Declaration(_unit(service), port, "hostdeck configuration")
        for service in services_on(config, spec)
        for port in service.ports
    )


def expected(config: Config, spec: HostSpec, *, alone: bool) -> "tuple[Expected, ...]":
    """The services that ought to run on a host. ``alone``: it is the only host, so all of it is meant for it."""
    from console.findings.declared import Expected

    return tuple(
        Expected(
            ServiceRef(spec.name, service.manager, _unit(service)),
            service.ports,
            placed=alone or bool(service.hosts or service.groups),
        )
        for service in services_on(config, spec)
    )


def _unit(service: ServiceConfig) -> str:
    """The name as the manager has it."""
    return service.name if service.manager != "systemd" or "." in service.name else f"{service.name}.service"
