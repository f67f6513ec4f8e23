"""The same service on another port: one host of several that differs from what most have."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from console.core.service import ServiceRef, State
from console.core.snapshot import Snapshot
from console.probes.limits import PortLimits

FEWEST = 3
"""Hosts that must run a service before one of them can be called different."""

Told = Mapping[tuple[str, str], tuple[ServiceRef, tuple[str, ...]]]
"""By manager and name: the service of a host and its ports in words."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A service that has another port on one host than on most."""

    host: str
    ref: ServiceRef
    ports: tuple[str, ...]
    """What it has there, in words: ``tcp 9101``."""
    usual: tuple[str, ...]
    """What it has on most hosts."""
    hosts: int
    """How many those are."""

    @property
    def summary(self) -> str:
        """In a sentence."""
        here, there = (" and ".join(ports) for ports in (self.ports, self.usual))
        return f"{self.ref.name} has {here} here, {there} on {self.hosts} other hosts"


def stable_ports(snapshot: Snapshot) -> Told:
    """The ports of each service that runs; those that any outgoing connection could have are left out."""
    limits = PortLimits()
    found = {}
    for service in snapshot.services:
        ports = {(one.protocol, one.port) for one in service.ports if not limits.ephemeral(one.port)}
        if ports and service.state is State.RUNNING and service.ref.scope == "system":
            names = tuple(f"{protocol} {port}" for protocol, port in sorted(ports))
            found[service.ref.manager, service.ref.name] = (service.ref, names)
    return found


def drifts(hosts: Iterable[Told]) -> tuple[Drift, ...]:
    """The services that differ on a host from what more than half of at least three hosts have."""
    seen: dict[tuple[str, str], list[tuple[ServiceRef, tuple[str, ...]]]] = {}
    for host in hosts:
        for key, one in host.items():
            seen.setdefault(key, []).append(one)
    found: list[Drift] = []
    for told in seen.values():
        [(usual, most)] = Counter(ports for _, ports in told).most_common(1)
        if len(told) >= FEWEST and 2 * most > len(told):
            found += [Drift(ref.host, ref, ports, usual, most) for ref, ports in told if ports != usual]
    return tuple(found)
