"""Who has a port, as services that a manager can stop."""

from dataclasses import dataclass

from console.actions.context import Context, foreign_scope
from console.actions.protected import why_engine, why_listener_protected, why_protected, why_resolver, why_way_in
from console.core.keepers import manager_of
from console.core.network import Listener
from console.core.overlap import overlaps
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import Snapshot
from console.managers import shares, unlisted
from console.managers.acting import Grouped, Mortal, PortProving, Stoppable, Traceable
from console.managers.base import ServiceManager
from console.managers.join import Owners
from console.managers.socket_units import started_by
from console.managers.starters import starters_of, why_kept


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

    def above(self, context: Context, holder: Holder) -> tuple[Service, ...]:
        """What would start a holder again and is no holder itself: it is stopped before it."""
        own = {one.service.ref for one in self.holders}
        return tuple(one for one in starters_of(context.snapshot, holder.service) if one.ref not in own)


def holding(context: Context, endpoint: Endpoint) -> Holding:
    """Find the holders of a port, with the one that keeps it without listening."""
    found = _listening(context, endpoint)
    if context.intent.holder is None:
        return found
    other = _named(context, context.intent.holder)
    both = {holder.service.ref: holder for holder in (*other.holders, *found.holders)}
    holders = tuple(sorted(both.values(), key=_order))
    return Holding(found.listeners, holders, found.trouble or other.trouble)


def _listening(context: Context, endpoint: Endpoint) -> Holding:
    listeners = tuple(listener for listener in context.snapshot.listeners if overlaps(endpoint, listener))
    found: dict[object, Holder] = {}
    trouble: str | None = None
    for listener in (part for one in listeners for part in shares.parts(context.snapshot, one)):
        trouble = trouble or why_way_in(listener, context.snapshot.identity)
        services = _services(context, listener) or _unlisted(context, listener)
        # Of a published port the container is known, where its engine told.
        if all(service.ref.manager == "systemd" for service in services):
            trouble = trouble or why_listener_protected(listener)
        if not services:
            trouble = trouble or _nobody(listener)
        for service in services:
            manager = context.manager_of(service.ref)
            trouble = trouble or _cannot(context, service, manager) or _left(service, listener)
            if manager is not None:
                found[service.ref] = Holder(service, manager)
                # Whose processes are hidden is not seen to have it.
                found |= {one.ref: Holder(one, manager) for one in started_by(context.snapshot, service.ref)}
    # A socket unit first: it would start its service again. Last what cannot be undone.
    holders = sorted(found.values(), key=_order)
    return Holding(listeners, tuple(holders), trouble)


def _named(context: Context, ref: ServiceRef) -> Holding:
    """The one that was seen to keep the port without listening."""
    service = context.snapshot.service(ref) or unlisted.unlisted(context.snapshot, ref)
    manager = context.manager_of(ref)
    if service is None or manager is None:
        return Holding((), trouble=f"{ref} is not seen any more")
    return Holding((), (Holder(service, manager),), _cannot(context, service, manager))


def _order(holder: Holder) -> tuple[bool, bool]:
    return isinstance(holder.manager, Mortal), not holder.service.ref.name.endswith(".socket")


def _services(context: Context, listener: Listener) -> tuple[Service, ...]:
    """The services that have the listener, as far as stopping them would free it."""
    endpoint = Endpoint(listener.protocol, listener.address, listener.port)
    found = tuple(service for service in context.snapshot.services if endpoint in service.ports)
    # What publishes a port for an engine may listen on more than the engine tells: rootlessport does on both families.
    found = found or tuple(
        service
        for service in context.snapshot.services
        if service.members and any(overlaps(port, listener) for port in service.ports)
    )
    if not found and listener.unit is not None:
        user = "/user@" in (listener.cgroup or "").rpartition("/")[0]
        found = tuple(
            service
            for service in context.snapshot.services
            if service.ref.name == listener.unit and (service.ref.scope != "system") == user
        )
    if not found and (owner := Owners(context.snapshot.services).of(listener)) is not None:
        found = (owner,)
    return tuple(one for one in found if _has(context, one, listener))


def _has(context: Context, service: Service, listener: Listener) -> bool:
    """Whether the listener is the service's: of several at one address each may belong to another unit."""
    if service.ref.name.endswith(".socket"):
        return True
    if service.ref.manager != "systemd":
        return not _is_beside(context.snapshot, service, listener)
    if set(listener.pids) & set(service.pids) or listener.unit in service.triggered_by:
        return True
    if unlisted.is_left_behind(context.snapshot, service, listener.pids):
        return False
    inside = f"{listener.cgroup}/".startswith(f"{service.cgroup}/")
    return inside or service.cgroup is None or listener.cgroup is None


def _is_beside(snapshot: Snapshot, service: Service, listener: Listener) -> bool:
    """Whether a process that no service lets go has this listener, and the service another one at the same address."""
    strange = {process.pid for process in snapshot.processes} - set(service.pids)
    if service.members or not listener.pids or not strange.issuperset(listener.pids):
        return False
    place = (listener.protocol, listener.address, listener.port)
    shared = (one for one in snapshot.listeners if (one.protocol, one.address, one.port) == place)
    return any(set(one.pids) & set(service.pids) for one in shared)


def _unlisted(context: Context, listener: Listener) -> tuple[Service, ...]:
    """Who has a listener that no service lets go."""
    unit = unlisted.unit_of_user(context.snapshot, listener)
    if unit is not None:
        return (unit,)
    return unlisted.processes_of(context.snapshot, listener, Owners(context.snapshot.services).of(listener))


def _nobody(listener: Listener) -> str:
    if listener.unit is not None:
        return f"{listener.unit} holds it, which is not among the services that are seen here"
    return "who holds it is hidden from this user: look as root"


def _left(service: Service, listener: Listener) -> str | None:
    """To stop a unit does nothing to what it left, or too much to others."""
    if not unlisted.is_hidden_leftover(service, listener):
        return None
    name = f"{service.ref.name} ({service.state})"
    return f"something that {name} left in its control group holds it: only root or its user can name it"


def _starts_again(context: Context, service: Service) -> str | None:
    """Why what would start it again cannot be stopped before it."""
    if (kept := why_kept(context.snapshot, service)) is not None:
        return kept
    for one in starters_of(context.snapshot, service):
        if one.ref == context.service.ref:
            return f"{context.name} itself starts {service.ref.name} again"
        why = foreign_scope(one, context.snapshot) or why_protected(one, context.snapshot.identity)
        if why is not None:
            return f"{one.ref.name} starts {service.ref.name} again: {why}"
    return None


def _cannot(context: Context, service: Service, manager: ServiceManager | None) -> str | None:
    if service.ref == context.service.ref:
        return None
    if isinstance(manager, Mortal):
        return unlisted.why_kept(context.snapshot, service.pids[0]) or service.tool_missing
    if service.tool_missing is not None:
        return f"{service.ref.name}: {service.tool_missing}"
    if (again := _starts_again(context, service)) is not None:
        return again
    protected = why_protected(service, context.snapshot.identity)
    foreign = foreign_scope(service, context.snapshot) or protected or why_engine(service) or why_resolver(service)
    if foreign is not None:
        return foreign
    if runs := context.snapshot.run_by(service.ref):
        names = ", ".join(one.ref.name for one in runs[:3]) + (" ..." if len(runs) > 3 else "")
        return f"{service.ref} holds it and runs {names}: it is not stopped for a port"
    if service.ref.manager == "systemd" and (runs_more := manager_of(service.ref.name)) is not None:
        return f"{service.ref.name} holds it for a program of {runs_more}: stop that program, not all that it runs"
    if not isinstance(manager, Stoppable) or not isinstance(manager, Grouped | PortProving | Traceable):
        return f"{service.ref} holds it, which {service.ref.manager} cannot stop from here"
    return None
