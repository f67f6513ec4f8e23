"""What starts a service again that its own manager was told to stop: it is stopped first, or the stop is in vain.

Units of systemd that trigger or uphold a unit (systemd.timer(5), systemd.path(5), systemd.socket(5), ``Upholds=`` of
systemd.unit(5)), and the unit that runs a container by a client of its engine.
"""

from dataclasses import replace

from console.core.engines import is_engine
from console.core.keepers import manager_of
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Snapshot
from console.core.way_in import is_own_way, is_way_to_host
from console.managers.lineage import launches

_ENGINES = ("docker", "compose")
_KINDS = (".service", ".socket", ".timer", ".path")


def starters_of(snapshot: Snapshot, service: Service) -> tuple[Service, ...]:
    """The services that would start a service again, the outermost first."""
    if service.ref.manager in _ENGINES:
        runner = runner_of(snapshot, service)
        return () if runner is None else (*starters_of(snapshot, runner), runner)
    if service.ref.manager != "systemd":
        return ()
    return tuple(_unit(snapshot, service, name) for name in service.started_by)


def runner_of(snapshot: Snapshot, service: Service) -> Service | None:
    """The unit that was made to run just this container or service of Compose; ``None`` for one that has none.

    To end it ends the container. One that runs more than this is no way to stop it.
    """
    unit, others = _attending(snapshot, service)
    return None if others else unit


def shared_runner(snapshot: Snapshot, service: Service) -> tuple[Service, tuple[Service, ...]] | None:
    """The unit that runs others beside this container or service of Compose, and those others."""
    unit, others = _attending(snapshot, service)
    return (unit, others) if unit is not None and others else None


def _attending(snapshot: Snapshot, service: Service) -> tuple[Service | None, tuple[Service, ...]]:
    if service.ref.manager not in _ENGINES or service.chain[:1] != ("systemd",) or not service.pids:
        return None, ()
    scope = service.ref.scope if service.is_under_user else "system"
    name = service.chain[2 if service.is_under_user else 1]
    ref = ServiceRef(service.ref.host, "systemd", name, scope)
    unit = snapshot.service(ref)
    if unit is None or is_engine(name) or launches(name) or manager_of(name) is not None:
        return None, ()
    return unit, tuple(one for one in snapshot.run_by(ref) if one.ref != service.ref)


def why_kept(snapshot: Snapshot, service: Service) -> str | None:
    """Why what starts a service again is not stopped for its port, in one line; ``None`` where it may be."""
    for one in starters_of(snapshot, service):
        name = one.ref.name
        others = [each.ref.name for each in snapshot.run_by(one.ref) if each.ref != service.ref]
        needed = is_engine(name) or is_way_to_host(one) or is_own_way(snapshot.identity, one)
        if needed or others or not name.endswith(_KINDS):
            why = f"{', '.join(others[:3])} would go with it" if others else "it is not stopped for a port"
            return f"{name} starts {service.ref.name} again, and {why}"
    return None


def _unit(snapshot: Snapshot, service: Service, name: str) -> Service:
    """A unit beside another; timers and paths, of which a host has hundreds, are in no list."""
    ref = replace(service.ref, name=name)
    return snapshot.service(ref) or Service(
        ref, State.RUNNING, "active", user=service.user, tool=service.tool, tool_missing=service.tool_missing,
        chain=(*service.chain[:-1], name), starters=(),
    )  # fmt: skip
