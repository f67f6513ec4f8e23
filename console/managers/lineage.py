"""Who runs whom: services of the managers that systemd itself runs, joined to their processes and their unit."""

from collections.abc import Mapping
from dataclasses import replace

from console.core.network import Family
from console.core.service import Service


def mains(services: tuple[Service, ...]) -> tuple[int, ...]:
    """The processes of which the families are needed: main processes, and the managers themselves."""
    found = (
        pid
        for service in services
        if service.ref.manager != "systemd"
        for pid in (service.pid, service.daemon)
        if pid is not None and pid > 1
    )
    return tuple(sorted(set(found)))


def with_families(services: tuple[Service, ...], families: Mapping[int, Family]) -> tuple[Service, ...]:
    """The services with all their processes, what these use and the unit below which they run.

    What a manager told itself stands. Services for which nothing is new are the same objects as before.
    """
    if not families:
        return services
    return tuple(_joined(service, families) for service in services)


def _joined(service: Service, families: Mapping[int, Family]) -> Service:
    if service.ref.manager == "systemd":
        return service
    own = None if service.pid is None else families.get(service.pid)
    ran_by = None if service.daemon is None else families.get(service.daemon)
    if own is not None:
        told = service.pids if len(service.pids) > 1 else ()
        service = replace(
            service,
            pids=tuple(dict.fromkeys((*told, *own.members))),
            cgroup=service.cgroup or own.cgroup,
            memory=service.memory if service.memory is not None else own.memory,
            cpu_seconds=service.cpu_seconds if service.cpu_seconds is not None else own.cpu_seconds,
            tasks=service.tasks if service.tasks is not None else len(own.members),
        )
    above = unit_of(ran_by.cgroup if ran_by is not None else service.cgroup if service.daemon is None else None)
    tail = service.chain or (service.ref.manager, service.ref.name)
    if above is not None and tail[0] != "systemd":
        service = replace(service, chain=("systemd", above, *tail))
    return service


def unit_of(cgroup: str | None) -> str | None:
    """The innermost unit of a path in the control groups, ``/system.slice/supervisor.service`` for one."""
    for part in reversed((cgroup or "").split("/")):
        if part.endswith((".service", ".scope")) and part != "init.scope":
            return part
    return None
