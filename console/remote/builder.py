"""From answers to snapshots: what arrived replaces what was known, part by part, each with its age."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from console.core.network import Family
from console.core.rates import rates
from console.core.sample import Filesystem, Sample
from console.core.service import Service
from console.core.snapshot import Identity, Link, LinkState, Snapshot, Source, Symptom
from console.managers.join import with_ports, with_socket_units
from console.managers.lineage import mains, with_families
from console.remote.shell import Answer

BLOCKED_EVERY = 3.0
"""Seconds between two looks at processes in state D."""


class SnapshotBuilder:
    """Holds the latest snapshot of one host. Times are of the console's monotonic clock, in seconds."""

    def __init__(self, host: str, now: float, wall: Callable[[], float]) -> None:
        self._wall = wall
        self.snapshot = Snapshot(host, Link(LinkState.CONNECTING, now))
        self._sources: dict[str, Source] = {}
        self._managed: dict[str, tuple[Service, ...]] = {}
        self._families: dict[int, Family] = {}
        self._takers: dict[str, Callable[[Any, float], dict[str, Any]]] = {
            "vitals": self._vitals,
            "identity": lambda value, _: {"identity": value},
            "filesystems": lambda value, _: {"filesystems": tuple(each for each in value if each.answered)},
            "blocked": lambda value, _: {"blocked": value},
            "listeners": self._listeners,
        }

    def link(self, link: Link) -> None:
        """Tell a change of the connection. Data stays: its age says how old it is."""
        self.snapshot = replace(self.snapshot, link=link)

    def new_session(self) -> None:
        """Forget what only held for the former connection: the base of the rates and every failure."""
        self._sources = {name: replace(source, failure=None) for name, source in self._sources.items()}
        self.snapshot = replace(self.snapshot, sample=None, rates=None)

    def take(self, answers: Iterable[Answer], now: float) -> None:
        """Take what the probes answered, in one new snapshot."""
        changes: dict[str, Any] = {}
        for answer in answers:
            name = answer.probe.name
            self._note(name, now, answer.failure)
            if name == "filesystems" and answer.failure is None:
                self._note_silent(answer.value)
            taker = self._takers.get(name)
            if taker is not None and answer.failure is None and not answer.same:
                changes.update(taker(answer.value, now))
        self.snapshot = replace(self.snapshot, at=now, sources=tuple(self._sources.values()), **changes)

    def services(self, manager: str, services: tuple[Service, ...], source: str, now: float) -> None:
        """Take all services of one manager; those of the others stay. Processes, units and ports are joined here."""
        self._note(source, now, None)
        self._managed[manager] = services
        self._join(now)

    def gone(self, manager: str, now: float) -> None:
        """The manager is not on this host any more: it has no services and is no source."""
        self._managed.pop(manager, None)
        self._sources.pop(manager, None)
        self._join(now)

    def mains(self) -> tuple[int, ...]:
        """The processes of which the families are wanted."""
        return mains(tuple(service for managed in self._managed.values() for service in managed))

    def families(self, families: Iterable[Family], now: float) -> None:
        """Take the processes that descend from those of services."""
        self._families = {family.pid: family for family in families}
        self._join(now)

    def _join(self, now: float) -> None:
        known = self._services()
        listeners = with_socket_units(self.snapshot.listeners, known)
        joined = with_ports(known, listeners)
        self.snapshot = replace(
            self.snapshot, at=now, services=joined, listeners=listeners, sources=tuple(self._sources.values())
        )

    def symptoms(self, manager: str, symptoms: tuple[Symptom, ...]) -> None:
        """Take what the logs of one manager's failed services say; what those of others say stays."""
        others = (symptom for symptom in self.snapshot.symptoms if symptom.ref.manager != manager)
        found = tuple(sorted((*others, *symptoms), key=lambda symptom: symptom.ref))
        if found != self.snapshot.symptoms:
            self.snapshot = replace(self.snapshot, symptoms=found)

    def complete(self) -> None:
        """Note that everything was asked once."""
        if not self.snapshot.complete:
            self.snapshot = replace(self.snapshot, complete=True)

    def skew(self, seconds: float) -> None:
        """Take by how much the host's wall clock is ahead."""
        self.snapshot = replace(self.snapshot, clock_skew=seconds)

    def missing(self, name: str, reason: str) -> None:
        """Note a source that cannot be asked on this host at all."""
        self._sources[name] = Source(name, None, reason)
        self.snapshot = replace(self.snapshot, sources=tuple(self._sources.values()))

    @property
    def blocked_unseen(self) -> bool:
        """Whether the kernel counts blocked processes, or one is still listed, and they were not asked just now."""
        sample = self.snapshot.sample
        known = self._sources.get("blocked")
        if known is not None and known.at is not None and (self.snapshot.at or 0.0) - known.at < BLOCKED_EVERY:
            return False
        return bool(self.snapshot.blocked) or (sample is not None and sample.blocked > 0)

    @property
    def identity(self) -> Identity | None:
        """What the host said it is."""
        return self.snapshot.identity

    def note(self, name: str, now: float, failure: str | None) -> None:
        """Note how a source went."""
        self._note(name, now, failure)
        self.snapshot = replace(self.snapshot, sources=tuple(self._sources.values()))

    def _note(self, name: str, now: float, failure: str | None) -> None:
        if failure is None:
            self._sources[name] = Source(name, now)
            return
        before = self._sources.get(name)
        self._sources[name] = Source(name, before.at if before else None, failure)

    def _note_silent(self, found: tuple[Filesystem, ...]) -> None:
        """Tell which file systems are mounted and could not be seen: what is only absent would be taken for well."""
        silent = [each.mount for each in found if not each.answered]
        if silent:
            more = f" and {len(silent) - 3} more" if len(silent) > 3 else ""
            failure = f"{', '.join(silent[:3])}{more}: df did not answer"
            self._sources["filesystems"] = replace(self._sources["filesystems"], failure=failure)

    def _vitals(self, sample: Sample, _now: float) -> dict[str, Any]:
        before = self.snapshot.sample
        if self.snapshot.clock_skew is not None:
            sample = replace(sample, wall=self._wall() + self.snapshot.clock_skew)
        found = rates(before, sample) if before is not None else None
        return {"sample": sample, "rates": found}

    def _listeners(self, listeners: Any, _now: float) -> dict[str, Any]:
        # Ports that an engine told are among those of its services: they are joined from the start each time.
        services = self._services()
        listeners = with_socket_units(listeners, services)
        return {"listeners": listeners, "services": with_ports(services, listeners)}

    def _services(self) -> tuple[Service, ...]:
        known = tuple(service for managed in self._managed.values() for service in managed)
        return with_families(known, self._families)
