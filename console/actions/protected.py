"""What must not be stopped from here: the way by which one came, what the host cannot do without, container engines."""

from console.core import resolver
from console.core.engines import is_daemon, is_engine, is_publisher
from console.core.keepers import is_way_in
from console.core.network import Listener
from console.core.service import Service, is_user_manager
from console.core.snapshot import Identity
from console.core.way_in import came_by, is_own_way, is_way_to_host, runs_through

_WAY = "it may be the way to this host"
_UNITS = {
    "dbus": "the service managers speak over it",
    "dbus-broker": "the service managers speak over it",
    "systemd-logind": "it keeps the login sessions",
    "systemd-journald": "it keeps the logs",
    "systemd-networkd": _WAY,
    "systemd-udevd": "it keeps the devices",
    "NetworkManager": _WAY,
    "networking": _WAY,
    "wpa_supplicant": _WAY,
    "ifup": _WAY,
    "dhcpcd": _WAY,
    "connman": _WAY,
    "init": "it is the host itself",
}
PUBLISHED = "published by a container engine: stop the container, not the engine"


def why_protected(service: Service, identity: Identity | None) -> str | None:
    """Why a service is not stopped by the console, or ``None``."""
    if is_own_way(identity, service):
        return f"{service.ref.name} is the way by which this console is here: it is not stopped from here"
    if service.ref.scope != "system":
        return None
    name, family = service.ref.name, _family(service)
    if is_way_to_host(service):
        return f"{name} is the way to this host: it is not stopped from here"
    if family in _UNITS:
        return f"{name} is not stopped from here: {_UNITS[family]}"
    if runs_a_user(service):
        return f"{name} is a user's whole service manager: it is not stopped from here"
    if 1 in service.pids:
        return f"{name} is run by PID 1 itself: it is not stopped from here"
    return None


def runs_a_user(service: Service) -> bool:
    """Whether it is the unit of a user's whole service manager: ``user@1000.service``."""
    return (service.ref.manager, service.ref.scope) == ("systemd", "system") and is_user_manager(service.ref.name)


def is_network(service: Service) -> bool:
    """Whether it keeps the network by which one may come to the host."""
    return service.ref.scope == "system" and _UNITS.get(_family(service)) == _WAY


def _family(service: Service) -> str:
    name = service.ref.name
    return (name.rpartition(".")[0] or name).partition("@")[0]


def why_way_in(listener: Listener, identity: Identity | None) -> str | None:
    """Why whoever has a listener is left alone: the console came by it; ``None`` where it did not."""
    if not came_by(identity, listener) and not runs_through(identity, listener.pids):
        return None
    return f"{listener.unit or listener.process or 'who'} holds it, which is the way by which this console is here"


def why_listener_protected(listener: Listener) -> str | None:
    """Why the holder of a listener is left alone, or ``None``."""
    if is_way_in(listener.process):
        return f"{listener.process} holds it, which is the way to this host"
    if listener.pids == (1,) and not (listener.unit or "").endswith(".socket"):
        return "PID 1 holds it, and which of its units is not known"
    if is_publisher(listener.process) or is_daemon(listener.process) or is_engine(listener.unit):
        return f"{listener.unit or listener.process} holds it, {PUBLISHED}"
    return None


def why_resolver(service: Service) -> str | None:
    """Why the host's resolver is not stopped for the sake of a port, or ``None``: it can leave the port instead."""
    if service.ref.scope != "system" or not resolver.is_resolver(service.ref.name):
        return None
    ways = ", ".join(f"{resolver.leaving(port)} has it leave {port}" for port in (53, 5353, 5355))
    return f"{service.ref.name} is not stopped for a port: {resolver.WHY}; in resolved.conf {ways}"


def why_engine(service: Service) -> str | None:
    """Why a service is not stopped for the sake of a port, or ``None``: every container would go with it."""
    return f"{service.ref.name} holds it, {PUBLISHED}" if is_engine(service.ref.name) else None
