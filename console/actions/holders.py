"""Who has a port, as services that a manager can stop."""

from dataclasses import dataclass

from console.actions.context import Context, foreign_scope
from console.actions.protected import why_engine, why_listener_protected, why_protected
from console.core.network import Listener
from console.core.overlap import overlaps
from console.core.service import Endpoint, Service
from console.managers.base import Grouped, PortProving, ServiceManager, Stoppable, Traceable


@dataclass(frozen=True, slots=True)
class Holder:
    """A service that has a port, and its manager."""

    service: Service
    manager: ServiceManager


@dataclass(frozen=True, slots=True)
class Holding:
    """All that hold a port; ``trouble`` says why they cannot all be stopped."""

    listeners: tuple[Listener, ...]
    holders: tuple[Holder, ...] = ()
    trouble: str | None = None


def holding(context: Context, endpoint: Endpoint) -> Holding:
    """Find the holders of a port."""
    listeners = tuple(listener for listener in context.snapshot.listeners if overlaps(endpoint, listener))
    found: dict[object, Holder] = {}
    trouble: str | None = None
    for listener in listeners:
        services = _services(context, listener)
        # Of a published port the container is known, where its engine told.
        if all(service.ref.manager == "systemd" for service in services):
            trouble = trouble or why_listener_protected(listener)
        if not services:
            trouble = trouble or _nobody(listener)
        for service in services:
            manager = context.manager_of(service.ref)
            trouble = trouble or _cannot(context, service, manager)
            if manager is not None:
                found[service.ref] = Holder(service, manager)
    # A socket unit first: it would start its service again.
    holders = sorted(found.values(), key=lambda holder: not holder.service.ref.name.endswith(".socket"))
    return Holding(listeners, tuple(holders), trouble)


def _services(context: Context, listener: Listener) -> tuple[Service, ...]:
    endpoint = Endpoint(listener.protocol, listener.address, listener.port)
    by_port = tuple(service for service in context.snapshot.services if endpoint in service.ports)
    if by_port or listener.unit is None:
        return by_port
    user = "/user@" in (listener.cgroup or "").rpartition("/")[0]
    return tuple(
        service
        for service in context.snapshot.services
        if service.ref.name == listener.unit and (service.ref.scope != "system") == user
    )


def _nobody(listener: Listener) -> str:
    if listener.unit is not None:
        return f"{listener.unit} holds it, which is not among the services that are seen here"
    if listener.pid is None:
        return "who holds it is hidden from this user: look as root"
    return f"{listener.process or 'a process'} (pid {listener.pid}) holds it, which no known service manager runs"


def _cannot(context: Context, service: Service, manager: ServiceManager | None) -> str | None:
    if service.ref == context.service.ref:
        return None
    foreign = foreign_scope(service, context.snapshot) or why_protected(service) or why_engine(service)
    if foreign is not None:
        return foreign
    if runs := context.snapshot.run_by(service.ref):
        names = ", ".join(one.ref.name for one in runs[:3]) + (" ..." if len(runs) > 3 else "")
        return f"{service.ref} runs {names} and left this process behind: it is not stopped for a port"
    if not isinstance(manager, Stoppable) or not isinstance(manager, Grouped | PortProving | Traceable):
        return f"{service.ref} holds it, which {service.ref.manager} cannot stop from here"
    return None
