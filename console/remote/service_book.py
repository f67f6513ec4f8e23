"""Which services of one manager are known, and which must be asked again.

systemd is swept rarely and watched cheaply: the links below ``/run/systemd/units`` change when a unit starts or ends
(``readlink`` costs 0.03 ms where ``systemctl show '*.service'`` costs 27), so only what changed is asked.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from console.core.probe import Probe
from console.core.restarts import tries_again
from console.core.service import Service, ServiceRef, State
from console.managers.systemd_others import is_other
from console.managers.systemd_watch import TOUCHED

SETTLE = 6.0
"""Seconds for which a service that changed is asked again at every tick."""

RETRY, LONGEST_RETRY = 5.0, 300.0
"""Seconds after which a log that could not be read is read again: at first, and at most."""

_MOVING = (State.STARTING, State.FLAPPING)


class ServiceBook:
    """The services of one manager and scope on one host."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {}
        self._watched: Mapping[str, str] | None = None
        self._changed: dict[str, float] = {}

    @property
    def services(self) -> tuple[Service, ...]:
        """All that are known, by name."""
        return tuple(self._services[name] for name in sorted(self._services))

    def watch(self, units: Mapping[str, str], now: float) -> None:
        """Take what runs now, unit by invocation; what differs from before is asked again."""
        before, self._watched = self._watched, units
        if before is None:
            return
        for name in before.keys() | units.keys():
            if before.get(name) != units.get(name):
                self._changed[name] = now

    def touch(self, names: Iterable[str], now: float) -> None:
        """Ask these again, e.g. after an action."""
        for name in names:
            self._changed[name] = now

    def to_ask(self, now: float) -> tuple[str, ...]:
        """Names that changed a short while ago or are on the move."""
        self._changed = {name: at for name, at in self._changed.items() if now - at < SETTLE}
        moving = {service.ref.name for service in self._services.values() if service.state in _MOVING}
        if TOUCHED in self._changed:
            # Of a mount that failed no link tells that it is well again.
            moving |= {name for name in self._services if is_other(name)}
        return tuple(sorted(self._changed.keys() | moving))

    def knows(self, name: str) -> bool:
        """Whether this manager has, or had, a service of that name."""
        return name in self._services

    def sweep(self, services: Iterable[Service], now: float) -> None:
        """Take the list of what is loaded. systemd forgets a unit that is stopped; it is asked for by its name."""
        loaded = {service.ref.name: service for service in services}
        forgotten = self._services.keys() - loaded.keys()
        self._services = {**{name: self._services[name] for name in forgotten}, **loaded}
        self.touch(forgotten, now - SETTLE + 1.0)

    def update(self, asked: Iterable[str], services: Iterable[Service]) -> None:
        """Take the answer for some names: what was asked and is not in it is gone; the others were not asked."""
        for name in asked:
            self._services.pop(name, None)
        for service in services:
            self._services[service.ref.name] = service


class SymptomSearch:
    """Remembers for which failures the log was read already."""

    def __init__(self) -> None:
        self._read: dict[ServiceRef, tuple[object, ...]] = {}

    def to_read(self, services: Iterable[Service]) -> tuple[Service, ...]:
        """Services that failed anew since their log was read."""
        down = {service.ref: service for service in self.down(services)}
        return tuple(service for ref, service in down.items() if self._read.get(ref) != _failure(service))

    @staticmethod
    def down(services: Iterable[Service]) -> list[Service]:
        """Those whose log may tell why they do not run."""
        return [service for service in services if is_down(service)]

    def done(self, services: Iterable[Service]) -> None:
        """Note that the log of these was read."""
        for service in services:
            self._read[service.ref] = _failure(service)

    def forget(self, alive: Collection[ServiceRef]) -> None:
        """Drop what is known of services that are down no more."""
        self._read = {ref: seen for ref, seen in self._read.items() if ref in alive}


class Pause:
    """When a log that could not be read is read again: ever more rarely, since the reason may last."""

    def __init__(self) -> None:
        self._failed: dict[str, tuple[int, float]] = {}

    def over(self, probes: Iterable[Probe[Any]], now: float) -> list[Probe[Any]]:
        """Those that may be asked now."""
        return [probe for probe in probes if now >= self._failed.get(probe.name, (0, now))[1]]

    def note(self, probe: Probe[Any], now: float, *, failed: bool) -> None:
        """Note how a reading went."""
        if not failed:
            self._failed.pop(probe.name, None)
            return
        times, _ = self._failed.get(probe.name, (0, now))
        self._failed[probe.name] = (times + 1, now + min(RETRY * 2.0 ** min(times, 10), LONGEST_RETRY))


def is_down(service: Service) -> bool:
    """Whether its log may tell why it does not run."""
    return service.state in (State.FAILED, State.FLAPPING) or tries_again(service)


def _failure(service: Service) -> tuple[object, ...]:
    return (service.state, service.since, service.restarts, service.result)
