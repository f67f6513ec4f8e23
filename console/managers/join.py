"""Which service listens where: listeners joined to the services of any manager, by process and by cgroup."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from console.core.engines import is_engine, is_publisher
from console.core.network import Listener, Socket
from console.core.overlap import is_wildcard, same_address
from console.core.service import Endpoint, Service, ServiceRef, State, is_user_manager

INIT = "init.scope"
"""The cgroup of a service manager itself."""


class Owners:
    """The one rule by which a listener belongs to a service: its process, else its cgroup, and last its unit's name.

    Names come last because a user's unit may have the name of a system unit and is another one.
    """

    def __init__(self, services: Sequence[Service]) -> None:
        self._by_pid = {pid: service for pid, service in _by_pid(services).items() if pid != 1}
        self._by_cgroup = _by_cgroup(services)
        self._published = Published(services)
        self._by_name = {
            service.ref.name: service
            for service in services
            if service.ref.manager == "systemd" and service.ref.scope == "system"
        }
        self._sockets = tuple(
            service
            for service in services
            if service.ref.name.endswith(".socket") and service.state is State.RUNNING and service.wants
        )

    def of(self, listener: Listener) -> Service | None:
        """The service to which the listener belongs, where one is known to have it.

        A socket unit owns what it opened, also while the service that it started uses it.
        """
        if listener.unit is not None and listener.unit.endswith(".socket"):
            return self._declared_by(listener) if of_user(listener) else self._by_name.get(listener.unit)
        if listener.unit == INIT or listener.pids == (1,):
            return self._declared_by(listener)
        if _is_untold(listener) and (found := self._declared_by(listener)):
            return found
        if is_publishing(listener) and (found := self._published.of(listener)):
            return found
        for pid in listener.pids:
            if pid in self._by_pid:
                return self._by_pid[pid]
        inside = _innermost(self._by_cgroup, listener.cgroup)
        if inside is not None:
            return inside
        return None if of_user(listener) else self._by_name.get(listener.unit or "")

    def of_pid(self, pid: int | None) -> Service | None:
        """The service one of whose processes it is."""
        return None if pid is None else self._by_pid.get(pid)

    def of_cgroup(self, cgroup: str | None) -> Service | None:
        """The innermost service in whose cgroup it is."""
        return _innermost(self._by_cgroup, cgroup)

    def _declared_by(self, listener: Listener) -> Service | None:
        """The socket unit for which a service manager itself listens: with ``Accept=yes`` the cgroup is its own."""
        place = (listener.protocol, listener.port)
        found = [
            (want, service)
            for service in self._sockets
            if (service.ref.scope != "system") is of_user(listener)
            for want in service.wants
            if (want.protocol, want.port) == place
        ]
        exact = (service for want, service in found if same_address(want.address, listener.address))
        return next(exact, found[0][1] if found else None)


def _is_untold(listener: Listener) -> bool:
    """Whether a socket of root shows neither process nor cgroup, as ss tells it while the cgroup comes or goes."""
    return not listener.pids and listener.cgroup is None and listener.unit is None and listener.uid == 0


def of_user(listener: Listener | Socket) -> bool:
    """Whether its unit is of a user's own manager, where the same name is another unit."""
    return (listener.cgroup or "").startswith("/user.slice/")


_PUBLISHING = ("docker", "compose")
"""Managers whose engine holds the ports of services."""
_OWN_CGROUP = ("systemd", "docker", "compose", "kubernetes")
"""Managers that give each service a control group of its own; those of others share that of the manager."""


def _by_pid(services: Sequence[Service]) -> dict[int, Service]:
    """A process of another manager's service may be one of a unit too: the inner service is the nearer answer."""
    found: dict[int, Service] = {}
    for service in services:
        for pid in service.pids:
            known = found.setdefault(pid, service)
            if known.ref.manager == "systemd" != service.ref.manager:
                found[pid] = service
    return found


def has_own_cgroup(service: Service) -> bool:
    """Whether what is in its control group is its own: that of a service of pm2, say, is that of whatever runs pm2."""
    return service.ref.manager in _OWN_CGROUP


def _by_cgroup(services: Sequence[Service]) -> dict[str, Service]:
    """What is below the manager of a user are the units of that manager, and not its own."""
    return {
        service.cgroup: service
        for service in reversed(services)
        if service.cgroup and has_own_cgroup(service) and not is_user_manager(service.ref.name)
    }


def _innermost(by_cgroup: Mapping[str, Service], cgroup: str | None) -> Service | None:
    while cgroup and cgroup != "/":
        if cgroup in by_cgroup:
            return by_cgroup[cgroup]
        cgroup = cgroup.rpartition("/")[0]
    return None


class Published:
    """Containers by the ports of the host that their engine publishes for them, whatever their network."""

    def __init__(self, services: Sequence[Service]) -> None:
        self.services = tuple(
            service
            for service in services
            # Only one that is up has any, or is paused.
            if service.ref.manager in _PUBLISHING and service.ports
        )
        self._by_port: dict[tuple[str, int], list[tuple[Endpoint, Service]]] = {}
        for service in self.services:
            for endpoint in service.ports:
                self._by_port.setdefault((endpoint.protocol, endpoint.port), []).append((endpoint, service))

    def of(self, place: Listener | Endpoint) -> Service | None:
        """The one for which an engine holds this: two may publish one port at different addresses."""
        places = self._by_port.get((place.protocol, place.port), ())
        found = [(endpoint, service) for endpoint, service in places if _may_publish(service, place)]
        exact = [service for endpoint, service in found if same_address(endpoint.address, place.address)]
        # Engines of old do not tell of the listener for IPv6.
        wide = exact or [service for endpoint, service in found if is_wildcard(endpoint.address)]
        alone = found[0][1] if len({service.ref for _, service in found}) == 1 else None
        return wide[0] if wide else alone


def _may_publish(service: Service, place: Listener | Endpoint) -> bool:
    """Whether an engine may hold this for a container: what a user's own one says is true of that user's sockets."""
    user = service.ref.scope.removeprefix("user:")
    return service.ref.scope == "system" or not isinstance(place, Listener) or place.user == user


def same_place(one: Listener | Endpoint, other: Listener | Endpoint) -> bool:
    """Whether both name one address and port; ss shows a wildcard that also takes IPv4 otherwise than systemd."""
    return (one.protocol, one.port) == (other.protocol, other.port) and same_address(one.address, other.address)


def container_at(service: Service | None, place: Listener | Endpoint) -> str | None:
    """The container of a service that has a port, by the name that its engine's tool takes."""
    if service is None or service.ref.manager not in _PUBLISHING or not service.members:
        return None
    port = (place.protocol, place.port)
    having = (name for name, endpoint in service.member_ports if (endpoint.protocol, endpoint.port) == port)
    return next(having, service.members[0])


def is_publishing(listener: Listener) -> bool:
    """Whether an engine holds it on behalf of a container."""
    return is_publisher(listener.process) or is_engine(listener.unit)


def with_ports(services: tuple[Service, ...], listeners: tuple[Listener, ...]) -> tuple[Service, ...]:
    """Return the services with the ports on which they listen now.

    A listener belongs to the services whose processes hold it, and to the innermost service in whose cgroup the socket
    was made (which the kernel tells even when it hides the process). systemd opens the sockets of a socket unit itself:
    those belong to the unit that declares them. So a socket unit and the service that it started both have the port.
    Services whose ports did not change are the same objects as before.
    """
    by_pid = {pid: service.ref for pid, service in _by_pid(services).items()}
    by_cgroup = _by_cgroup(services)
    declared = _declared(services)
    containers = Published(services)
    found: dict[ServiceRef, set[Endpoint]] = {service.ref: set(service.ports) for service in containers.services}
    for listener in listeners:
        endpoint = Endpoint(listener.protocol, listener.address, listener.port, bool(listener.v6only))
        if is_publishing(listener) and containers.of(listener) is not None:
            continue
        owners = _owners(listener, by_pid, by_cgroup)
        if _of_systemd(listener) and (opener := declared.get(_place(endpoint))):
            # The unit in which a user's whole service manager runs is not what the port is held for.
            owners = {ref for ref in owners if not is_user_manager(ref.name)} | {opener}
        for ref in owners:
            found.setdefault(ref, set()).add(endpoint)
    return tuple(_with(service, found.get(service.ref, set())) for service in services)


def with_socket_units(listeners: tuple[Listener, ...], services: tuple[Service, ...]) -> tuple[Listener, ...]:
    """Return the listeners, those that systemd opened with the socket unit that declares them as their unit.

    The kernel puts them into systemd's own cgroup, ``init.scope``.
    """
    declared = _declared(services)

    def named(listener: Listener) -> Listener:
        if not _of_systemd(listener):
            return listener
        ref = declared.get(_place(Endpoint(listener.protocol, listener.address, listener.port)))
        return listener if ref is None else replace(listener, unit=ref.name)

    found = tuple(named(listener) for listener in listeners)
    return listeners if found == listeners else found


def _of_systemd(listener: Listener) -> bool:
    return 1 in listener.pids or (listener.unit or "").endswith((".socket", "init.scope"))


def _declared(services: tuple[Service, ...]) -> dict[tuple[str, str, int], ServiceRef]:
    """Socket units that are up, by what they listen on."""
    return {
        _place(endpoint): service.ref
        for service in services
        if service.ref.name.endswith(".socket") and service.state is State.RUNNING
        for endpoint in service.wants
    }


def _place(endpoint: Endpoint) -> tuple[str, str, int]:
    # ss shows a wildcard that also takes IPv4 as "*", systemd as "[::]".
    return endpoint.protocol, "::" if endpoint.address == "*" else endpoint.address, endpoint.port


def _owners(listener: Listener, by_pid: Mapping[int, ServiceRef], by_cgroup: Mapping[str, Service]) -> set[ServiceRef]:
    owners = {by_pid[pid] for pid in listener.pids if pid in by_pid}
    inside = _innermost(by_cgroup, listener.cgroup)
    # The unit of a service manager holds what that manager's services hold: theirs is the nearer answer.
    if inside is None or any(ref.manager != "systemd" for ref in owners):
        return owners
    return owners | {inside.ref}


def _with(service: Service, found: set[Endpoint]) -> Service:
    ports = tuple(sorted(found, key=lambda endpoint: (endpoint.protocol, endpoint.port, endpoint.address)))
    return service if ports == service.ports else replace(service, ports=ports)
