"""What is remembered of the sockets of one host from look to look. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from console.core.network import Listener
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import LastPorts
from console.managers.adrift import unit_of

EPHEMERAL = 32768
"""From here on ports are given to whoever asks for any."""


class Listened:
    """Where each service listened when it was last seen to."""

    def __init__(self) -> None:
        self._ports: dict[ServiceRef, tuple[Endpoint, ...]] = {}
        self._told: tuple[LastPorts, ...] = ()

    def told(self, services: tuple[Service, ...]) -> tuple[LastPorts, ...]:
        """The ports of services that have none now: the same object where they are the same.

        Those of the ephemeral range change from run to run.
        """
        # The unit of a manager has their ports only until it is known whose they are.
        units = {unit_of(service) for service in services}
        for service in services:
            if service.ref.scope == "system" and service.ref.name in units:
                self._ports.pop(service.ref, None)
            elif service.ports and (fixed := tuple(port for port in service.ports if port.port < EPHEMERAL)):
                self._ports[service.ref] = fixed
        known = {service.ref: bool(service.ports) for service in services}
        self._ports = {ref: ports for ref, ports in self._ports.items() if ref in known}
        found = tuple(LastPorts(ref, ports) for ref, ports in self._ports.items() if not known[ref])
        if found != self._told:
            self._told = found
        return self._told


class Revealed:
    """Whose the sockets are that root was asked about: one that stays keeps its processes."""

    def __init__(self) -> None:
        self._owners: dict[int, tuple[tuple[int, ...], str | None]] = {}

    def take(self, listeners: Iterable[Listener]) -> None:
        """Take them as root sees them."""
        self._owners = {one.inode: (one.pids, one.process) for one in listeners if one.inode and one.pids}

    def told(self, listeners: tuple[Listener, ...]) -> tuple[Listener, ...]:
        """The listeners of this look, with the processes of those whose are hidden."""
        if not self._owners:
            return listeners
        known = {one.inode for one in listeners}
        self._owners = {inode: owner for inode, owner in self._owners.items() if inode in known}
        nobody: tuple[tuple[int, ...], str | None] = ((), None)
        found = ((one, self._owners.get(one.inode or 0, nobody)) for one in listeners)
        return tuple(
            replace(one, pids=pids, process=process) if pids and not one.pids else one for one, (pids, process) in found
        )
