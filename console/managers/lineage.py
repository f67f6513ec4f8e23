"""Who runs whom: services of the managers that systemd itself runs, joined to their processes and their unit."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from console.core.network import Family
from console.core.service import Service, ServiceRef, is_user_manager

LAUNCHERS = frozenset({"user", "cron", "crond", "atd", "ssh", "sshd", "rc-local"})
"""Units in whose control group processes stay that are none of theirs."""

_of_container = re.compile(r"(?:docker|libpod|crio|cri-containerd)-[0-9a-f]{12,}\.scope")
"""The scope that an engine makes for one container tells nothing of who runs it."""


def launches(unit: str) -> bool:
    """Whether what a login or a job leaves running stays in the control group of this unit, which does not run it."""
    return unit.partition(".")[0].partition("@")[0] in LAUNCHERS


def mains(services: tuple[Service, ...]) -> tuple[int, ...]:
    """The processes of which the families are needed: those that managers told, and the managers themselves."""
    found = (
        pid
        for service in services
        if service.ref.manager != "systemd"
        for pid in (*service.pids, service.daemon)
        if pid is not None and pid > 1
    )
    return tuple(sorted(set(found)))


class Lineage:
    """Joins services to all their processes, what these use and the unit below which they run."""

    def __init__(self) -> None:
        self._known: dict[ServiceRef, tuple[Service, tuple[object, ...], Service]] = {}

    def joined(
        self,
        services: tuple[Service, ...],
        families: Mapping[int, Family],
        units: Mapping[int, tuple[str, ...]] | None = None,
    ) -> tuple[Service, ...]:
        """The services with their processes; one for which nothing is new is the object of the last time.

        What a manager told itself stands, but that a user's own manager may claim only what is that user's: who
        believed it more, root for one, could be led by anybody to take the process and the ports of another service for
        its. ``units`` are those that managers were seen to run in, which is known of one that has ended as well.
        """
        units = units or {}
        before, self._known = self._known, {}
        found = []
        for service in services:
            daemon = service.daemon or 0
            basis = (*(families.get(pid) for pid in (*service.pids, daemon)), units.get(daemon))
            known = before.get(service.ref)
            if known is None or known[0] is not service or known[1] != basis:
                known = (service, basis, _joined(service, families, units))
            self._known[service.ref] = known
            found.append(known[2])
        return tuple(found)


def kept(before: tuple[Service, ...] | None, now: tuple[Service, ...]) -> tuple[Service, ...]:
    """What a manager tells now; of what did not change the objects of before."""
    if before is None:
        return now
    known = {service.ref: service for service in before}
    found = tuple(known[one.ref] if known.get(one.ref) == one else one for one in now)
    same = len(found) == len(before) and all(one is other for one, other in zip(found, before, strict=True))
    return before if same else found


def units_of(services: Iterable[Service], families: Mapping[int, Family]) -> dict[int, tuple[str, ...]]:
    """The units in which each manager runs that lives, by its process."""
    found = {}
    for service in services:
        family = families.get(service.daemon or 0)
        if family is not None and (units := units_above(family.cgroup)):
            found[family.pid] = units
    return found


def _joined(service: Service, families: Mapping[int, Family], units: Mapping[int, tuple[str, ...]]) -> Service:
    if service.ref.manager == "systemd":
        return service
    pids = tuple(pid for pid in service.pids if _may_claim(service, families.get(pid)))
    if pids != service.pids:
        service = replace(service, pids=pids)
    own = _families(service, families)
    ran_by = None if service.daemon is None else families.get(service.daemon)
    if ran_by is not None and not _may_claim(service, ran_by):
        ran_by = None
    if own:
        members = tuple(dict.fromkeys((*service.pids, *(pid for family in own for pid in family.members))))
        used = sum(family.cpu_seconds for family in own)
        service = replace(
            service,
            pids=members,
            cgroup=service.cgroup or own[0].cgroup,
            memory=service.memory if service.memory is not None else sum(family.memory for family in own),
            cpu_seconds=service.cpu_seconds if service.cpu_seconds is not None else used,
            tasks=service.tasks if service.tasks is not None else len(members),
        )
    above = units_above(ran_by.cgroup if ran_by is not None else service.cgroup if service.daemon is None else None)
    above = above or (units.get(service.daemon or 0, ()) if service.daemon not in families else ())
    tail = service.chain or (service.ref.manager, service.ref.name)
    if above and tail[0] != "systemd":
        service = replace(service, chain=("systemd", *above, *tail))
    return service


def _may_claim(service: Service, family: Family | None) -> bool:
    """Whether a process may be one of a service: of a user's own manager where it is seen to be that user's."""
    user = service.ref.scope.removeprefix("user:")
    return service.ref.scope == "system" or user == "root" or (family is not None and user in family.users)


def _families(service: Service, families: Mapping[int, Family]) -> tuple[Family, ...]:
    """Those of the processes that its manager told, the main one first; none that is part of another.

    A manager's daemon that listens for a service is one of its processes, but what else it runs is not.
    """
    if service.pid not in families:
        return ()
    found = [families[pid] for pid in service.pids if pid in families and pid != service.daemon]
    return tuple(one for one in found if not any(one.pid in other.members for other in found if other.pid != one.pid))


def unit_of(cgroup: str | None) -> str | None:
    """The innermost unit of a path in the control groups, ``/system.slice/supervisor.service`` for one."""
    for part in reversed((cgroup or "").split("/")):
        if part.endswith((".service", ".scope")) and part != "init.scope" and not _of_container.match(part):
            return part
    return None


def units_above(cgroup: str | None) -> tuple[str, ...]:
    """The units of such a path as a chain has them: a user's own unit is behind that of his manager."""
    unit = unit_of(cgroup)
    if unit is None:
        return ()
    manager = next((part for part in (cgroup or "").split("/") if is_user_manager(part)), unit)
    return (unit,) if manager == unit else (manager, unit)
