"""From answers to snapshots: what arrived replaces what was known, part by part, each with its age."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from console.core.difference import Difference
from console.core.endings import Ending
from console.core.health import Health
from console.core.network import Family, Listener, Process
from console.core.rates import rates
from console.core.release import ReleaseBook
from console.core.sample import Filesystem, Sample
from console.core.service import Service, ServiceRef
from console.core.snapshot import AbandonedPlan, Identity, LastWords, Link, LinkState, Snapshot, Source, Symptom
from console.managers.adrift import UP, Processes, Silence, beside, settled, unit_of, untold, with_wrong_files
from console.managers.join import with_ports, with_socket_units
from console.managers.kubernetes_ports import PORTS, ClusterPorts, given
from console.managers.lineage import Lineage, kept, mains
from console.managers.unlisted import still_listening
from console.remote import answered
from console.remote.attempts import Attempts
from console.remote.descent import Descent
from console.remote.shell import Answer
from console.remote.socket_memory import Listened, Revealed

BLOCKED_EVERY = 3.0
"""Seconds between two looks at processes in state D."""
LOOKED_AT_FOR = 600.0
"""Seconds for which a process that does not listen is known after it was looked at."""


class SnapshotBuilder:
    """Holds the latest snapshot of one host. Times are of the console's monotonic clock, in seconds."""

    def __init__(
        self, host: str, now: float, wall: Callable[[], float], production_contexts: tuple[str, ...] = ()
    ) -> None:
        self._wall = wall
        self.production_contexts = production_contexts
        self.snapshot = Snapshot(host, Link(LinkState.CONNECTING, now))
        self._sources: dict[str, Source] = {}
        self._managed: dict[str, tuple[Service, ...]] = {}
        self._unanswered: dict[str, tuple[Service, ...]] = {}
        """What files say of services of which a manager that hangs never told."""
        self._descent = Descent()
        self._lineage = Lineage()
        self._attempts = Attempts()
        self._lacking: set[ServiceRef] = set()
        self._listened = Listened()
        self._wrong: dict[str, Mapping[str, str]] = {}
        """What is wrong in the files of managers that do not run, by manager and unit."""
        self.outdated = False
        """Whether processes are to be looked at anew: a manager fell silent since, with which they may have ended."""
        self._left: set[str] = set()
        """Managers that are not there any more and left services behind."""
        self._ended: dict[str, frozenset[ServiceRef]] = {}
        """Services of each manager that one of its daemons told which has ended."""
        self._written: dict[str, tuple[Service, ...]] = {}
        """What the units of each manager that are down would run, as their files say."""
        self._looked_at: dict[int, float] = {}
        """When each process that a look named was told of last."""
        self._revealed = Revealed()
        self._takers: dict[str, Callable[[Any, float], dict[str, Any]]] = {
            "vitals": self._vitals,
            "identity": lambda value, _: {"identity": value},
            "filesystems": lambda value, _: {
                "filesystems": tuple(each for each in value if each.answered),
                "silent_mounts": tuple(each for each in value if each.hangs),
            },
            "blocked": lambda value, _: {"blocked": value},
            "halted": lambda value, _: {"halted": value},
            "listeners": self._listeners,
            "process": self._processes,
            "listeners_root": self._reveal,
            "declarations": lambda value, _: {} if value.same else {"declared": value},
        }

    def link(self, link: Link) -> None:
        """Tell a change of the connection. Data stays: its age says how old it is."""
        self.snapshot = replace(self.snapshot, link=link)

    def new_session(self) -> None:
        """Forget what only held for the former connection: the base of the rates and every failure."""
        self._sources = {
            name: Source(name, source.at, former=source.at is not None) for name, source in self._sources.items()
        }
        self.snapshot = replace(self.snapshot, sample=None, rates=None, sources=tuple(self._sources.values()))

    def take(self, answers: Iterable[Answer], now: float) -> None:
        """Take what the probes answered, in one new snapshot."""
        changes: dict[str, Any] = {}
        for answer in answers:
            name = answer.probe.name
            self._note(name, now, answer.failure, hangs=answer.hangs)
            if name == "filesystems" and answer.failure is None:
                self._note_silent(answer.value)
            taker = self._takers.get(name)
            if taker is not None and answer.failure is None and not answer.same:
                changes.update(taker(answer.value, now))
        self.snapshot = replace(self.snapshot, at=now, sources=tuple(self._sources.values()), **changes)

    def services(
        self,
        manager: str,
        services: tuple[Service, ...],
        source: str,
        now: float,
        *,
        lost: Collection[ServiceRef] = (),
        ended: frozenset[ServiceRef] = frozenset(),
        trouble: str | None = None,
        hangs: bool = False,
        broken: bool = False,
    ) -> None:
        """Take all services of one manager; those of the others stay. Processes, units and ports are joined here.

        ``lost`` are those of them that are only told as they were known, since what runs them does not answer;
        ``ended`` those whose daemon is not there any more. ``trouble`` is what of the manager could not be told,
        ``hangs`` whether that gave no answer, ``broken`` whether it answered as nothing does that is well.
        """
        before, left, told = self._sources.get(source), self._left, self._managed.get(manager)
        then = before.at if before is not None and before.at is not None else now
        self._sources[source] = Source(source, now, trouble, partial=trouble is not None, hangs=hangs, broken=broken)
        self._left = left - {manager}
        if lost:
            since = {service.ref: service.told_at for service in self._managed.get(manager, ())}
            services = tuple(
                replace(service, told_at=since.get(service.ref) or then) if service.ref in lost else service
                for service in services
            )
        if not ended <= self._ended.get(manager, frozenset()):
            self.outdated = True
        moved = self._descent.started_anew(services)
        taken = kept(told, self._attempts.taken(manager, services))
        same = taken is told and self._left == left and not moved and ended == self._ended.get(manager)
        well = before is not None and before.failure is None and trouble is None
        self._ended[manager], self._managed[manager] = ended, taken
        if same and well:
            # Only its age is new.
            self.snapshot = replace(self.snapshot, at=now, sources=tuple(self._sources.values()))
        else:
            self._join(now)

    def ended(self, endings: Mapping[ServiceRef, Ending], now: float) -> None:
        """Take how the last runs of services ended, as their logs have it."""
        new = {ref.manager for ref, ending in endings.items() if self._attempts.ended(ref, ending)}
        for manager in new:
            self._managed[manager] = self._attempts.taken(manager, self._managed.get(manager, ()))
        if new:
            self._join(now)

    def gone(self, manager: str, now: float) -> None:
        """The manager is not on this host any more: it is no source, and it has no services but those of its unit.

        As long as that unit is there somebody may want them to run.
        """
        self._sources.pop(manager, None)
        self._unanswered.pop(manager, None)
        self._left.add(manager)
        self.outdated = True
        self._join(now)

    def written(self, manager: str, services: tuple[Service, ...], now: float) -> None:
        """Take what a manager would run if its unit did, as its files say. What was told of that unit is more."""
        self._written[manager] = services
        if services and manager not in self._sources:
            self._left.add(manager)
        self._join(now)

    def unanswered(self, manager: str, services: tuple[Service, ...], now: float) -> None:
        """Take what a manager may run that hangs, as its files say. What it told itself, at whatever time, is more."""
        if services != self._unanswered.get(manager, ()):
            self._unanswered[manager] = services
            self._join(now)

    def files_wrong(self, manager: str, wrong: Mapping[str, str], now: float) -> None:
        """Take what is wrong in the files of a manager that does not run, by its unit."""
        if wrong != self._wrong.get(manager, {}):
            self._wrong[manager] = wrong
            self._join(now)

    def given(self, found: ClusterPorts | None, now: float) -> None:
        """Take what a cluster gives away of the ports of this host; ``None`` where there is no cluster any more."""
        self._sources.pop(PORTS.name, None)
        if found is not None:
            self._sources[PORTS.name] = Source(PORTS.name, now, found.unseen, partial=found.unseen is not None)
        claims = given(found) if found is not None else ()
        told = answered.with_given(self.snapshot, claims)
        self.snapshot = replace(told, at=now, sources=tuple(self._sources.values()))

    def source(self, name: str) -> Source | None:
        """How a source went last, where it was asked."""
        return self._sources.get(name)

    def forget(self, name: str, services: Collection[ServiceRef], now: float) -> None:
        """A part of a manager is not there any more: it is no source, and its services are gone."""
        self._sources.pop(name, None)
        for manager in {ref.manager for ref in services}:
            self._managed[manager] = tuple(each for each in self.told(manager) if each.ref not in services)
        self._join(now)

    def told(self, manager: str) -> tuple[Service, ...]:
        """The services of a manager, as it told them last."""
        return self._managed.get(manager, ())

    def awaits(self, manager: str) -> bool:
        """Whether a unit of it runs that is not seen to run what it should."""
        units = {unit.ref.name for unit in self.told("systemd") if unit.ref.scope == "system" and unit.state in UP}
        known = (one for one in self.snapshot.services if one.ref.manager == manager and one.adrift is not None)
        return any(unit_of(service) in units for service in known)

    def mains(self) -> tuple[int, ...]:
        """The processes of which the families are wanted."""
        return mains(self._known())

    def families(self, families: Iterable[Family], now: float) -> None:
        """Take the processes that descend from those of services."""
        self.outdated = False
        silence = self._silence()
        told = [one for one in self._known() if not silence.of(one)]
        there = {service.ref for managed in self._managed.values() for service in managed}
        self._descent.take(families, told, set(self.mains()), there)
        self._join(now)

    def _join(self, now: float) -> None:
        known = self._services()
        listeners = with_socket_units(self.snapshot.listeners, known)
        joined = with_ports(known, listeners)
        self._let_go(known)
        self.snapshot = replace(
            self.snapshot, at=now, services=joined, listeners=listeners, sources=tuple(self._sources.values()),
            last_ports=self._listened.told(joined),
        )  # fmt: skip

    def _let_go(self, known: tuple[Service, ...]) -> None:
        """Forget the managers of which nothing is left."""
        for manager in self._left - {service.ref.manager for service in known}:
            self._left.discard(manager)
            for of_all in (self._managed, self._ended, self._written):
                of_all.pop(manager, None)

    def _silence(self) -> Silence:
        failing = {name for name, source in self._sources.items() if source.failure is not None}
        known = self._managed.keys() | self._written.keys()
        ended = (refs for found in self._ended.values() for refs in found)
        return Silence(frozenset(self._left | (failing & known)), frozenset(self._left), frozenset(ended))

    def symptoms(self, manager: str, symptoms: tuple[Symptom, ...]) -> None:
        """Take what the logs of one manager's failed services say."""
        self.snapshot = answered.with_symptoms(self.snapshot, manager, symptoms)

    def health(self, known: tuple[Health, ...]) -> None:
        """Take what the declared health checks said."""
        self.snapshot = replace(self.snapshot, health=known)

    def last_words(self, manager: str, words: Iterable[LastWords]) -> None:
        """Take what the logs of one manager's failed services ended with."""
        self.snapshot = answered.with_last_words(self.snapshot, manager, words)

    def book(self, book: ReleaseBook) -> None:
        """Take the releases of one service."""
        self.snapshot = answered.with_book(self.snapshot, book)

    def difference(self, difference: Difference) -> None:
        """Take in what two releases differ."""
        self.snapshot = answered.with_difference(self.snapshot, difference)

    def abandoned(self, plans: tuple[AbandonedPlan, ...]) -> None:
        """Take which plans were left on the host without an end."""
        self.snapshot = answered.with_abandoned(self.snapshot, plans)

    @property
    def host_wall(self) -> float:
        """The host's wall clock now (Unix time, seconds); the console's own where it was not compared yet."""
        return self._wall() + (self.snapshot.clock_skew or 0.0)

    def complete(self) -> None:
        """Note that everything was asked once."""
        if not self.snapshot.complete:
            self.snapshot = replace(self.snapshot, complete=True)

    def skew(self, seconds: float) -> None:
        """Take by how much the host's wall clock is ahead; a command that looks but once has no later sample."""
        sample = self.snapshot.sample
        if sample is not None and sample.wall is None:
            sample = replace(sample, wall=self._wall() + seconds)
        self.snapshot = replace(self.snapshot, clock_skew=seconds, sample=sample)

    def doubt_files(self) -> None:
        """Read the files that declare ports anew at the next look, whether they changed or not."""
        if self.snapshot.declared is not None:
            self.snapshot = replace(self.snapshot, declared=replace(self.snapshot.declared, stamp="", also=()))

    def lacks_port(self) -> bool:
        """Whether a log came to say that a port is taken without naming it; true once for each such service."""
        lacking = {one.ref for one in self.snapshot.symptoms if one.errno == "EADDRINUSE" and one.endpoint is None}
        new, self._lacking = lacking - self._lacking, lacking
        return bool(new)

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

    def dialled(self, port: int | None) -> None:
        """Tell to which port the console connected."""
        known = self.snapshot.identity
        if known is not None and known.dialled != port:
            self.snapshot = replace(self.snapshot, identity=replace(known, dialled=port))

    def note(self, name: str, now: float, failure: str | None, **how: bool) -> None:
        """Note how a source went; ``how`` are ``waiting``, ``hangs`` and ``broken`` of ``Source``."""
        before = self._silence().silent
        self._note(name, now, failure, **how)
        self.snapshot = replace(self.snapshot, sources=tuple(self._sources.values()))
        silent = self._silence().silent
        if silent != before:
            self.outdated = self.outdated or bool(silent - before)
            self._join(now)

    def holds(self, name: str, now: float) -> None:
        """Note that a source would answer as it did, which is known without asking it."""
        known = self._sources.get(name)
        if known is not None and known.at is not None and not known.stale:
            self._sources[name] = replace(known, at=now)
            self.snapshot = replace(self.snapshot, sources=tuple(self._sources.values()))

    def _note(self, name: str, now: float, failure: str | None, **how: bool) -> None:
        if failure is None:
            self._sources[name] = Source(name, now)
            return
        before = self._sources.get(name)
        self._sources[name] = Source(name, before.at if before else None, failure, **how)

    def _note_silent(self, found: tuple[Filesystem, ...]) -> None:
        """Tell which file systems are mounted and could not be seen: what is only absent would be taken for well."""
        silent = [each.mount for each in found if not each.answered]
        if silent:
            more = f" and {len(silent) - 3} more" if len(silent) > 3 else ""
            failure = f"{', '.join(silent[:3])}{more}: df did not answer"
            self._sources["filesystems"] = replace(self._sources["filesystems"], failure=failure, partial=True)

    def _vitals(self, sample: Sample, _now: float) -> dict[str, Any]:
        before = self.snapshot.sample
        if self.snapshot.clock_skew is not None:
            sample = replace(sample, wall=self.host_wall)
        found = rates(before, sample) if before is not None else None
        return {"sample": sample, "rates": found}

    def _listeners(self, listeners: Any, _now: float) -> dict[str, Any]:
        # Ports that an engine told are among those of its services: they are joined from the start each time.
        services = self._services()
        listeners = with_socket_units(self._revealed.told(listeners), services)
        processes = still_listening(self.snapshot.processes, listeners, frozenset(self._looked_at))
        joined = with_ports(services, listeners)
        ports = self._listened.told(joined)
        return {"listeners": listeners, "services": joined, "last_ports": ports, "processes": processes}

    def _reveal(self, listeners: tuple[Listener, ...], now: float) -> dict[str, Any]:
        """Take whose sockets they are, as root sees it: a socket that stays keeps its processes."""
        self._revealed.take(listeners)
        return self._listeners(self.snapshot.listeners, now)

    def _processes(self, processes: tuple[Process, ...], now: float) -> dict[str, Any]:
        """Take what was just told of some; of the others what is known as long as they listen.

        One that does not may keep a port all the same: a verdict that named it is acted on a while later. The plan
        compares when it started.
        """
        told = {process.pid for process in processes}
        listen = {one.pid for one in still_listening(self.snapshot.processes, self.snapshot.listeners, frozenset())}
        kept = {pid: at for pid, at in self._looked_at.items() if pid not in listen and now - at < LOOKED_AT_FOR}
        self._looked_at = kept | dict.fromkeys(told, now)
        others = still_listening(self.snapshot.processes, self.snapshot.listeners, frozenset(kept))
        return {"processes": (*(one for one in others if one.pid not in told), *processes)}

    def _known(self) -> tuple[Service, ...]:
        """What managers told, and of what they did not tell what their files say."""
        told = {one.ref: one for managed in self._managed.values() for one in managed}
        by_files = (one for found in self._unanswered.values() for one in found if one.ref not in told)
        return (*told.values(), *by_files)

    def _services(self) -> tuple[Service, ...]:
        written = tuple(service for found in self._written.values() for service in found)
        known = beside(self._lineage.joined(self._known(), self._descent.families, self._descent.units), written)
        silence = self._silence()
        written = untold(written, known, silence)
        silence = replace(silence, ended=silence.ended | {service.ref for service in written})
        alive = Processes() if self.outdated else self._descent.alive()
        known = settled((*known, *written), silence, alive, self._managed.get("systemd", ()))
        return with_wrong_files(known, {unit: why for wrong in self._wrong.values() for unit, why in wrong.items()})
