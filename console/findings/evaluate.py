"""All rules over a snapshot: what is wrong now, worst first."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from console.core.command import Command
from console.core.declaration import Declaration
from console.core.finding import Finding
from console.core.plan import Intent
from console.core.service import Service, ServiceRef
from console.core.snapshot import LinkState, Snapshot
from console.core.thresholds import Thresholds
from console.diagnosis.proposals import CommandsOf, no_commands
from console.findings import (
    claims,
    disks,
    environment,
    halted,
    health,
    host,
    managers,
    plans,
    ports,
    rollouts,
    services,
    unclear,
    vitals,
)
from console.findings import declared as declarations
from console.findings.declared import Expected
from console.findings.pace import Pace

CODES: Final = (
    "host-unreachable", "mount-silent", "manager-silent", "manager-down", "port-held", "port-not-permitted",
    "no-such-address", "start-limit", "service-failed", "process-stopped", "service-down", "service-missing",
    "service-ambiguous", "restart-loop", "rollout-stuck", "state-unknown", "unhealthy", "boot-failures", "oom-kill",
    "port-claimed-twice", "memory-pressure", "io-wait", "disk-full", "inodes-full", "swap-full", "host-stale",
    "clock-skew", "plan-abandoned", "files-wrong", "env-readable", "service-stopped", "daemon-reload", "restarted",
)  # fmt: skip
"""The stable vocabulary, in the order in which findings of one severity are shown."""

_ORDER = {code: place for place, code in enumerate(CODES)}


def evaluate(
    snapshot: Snapshot,
    thresholds: Thresholds = Thresholds(),  # noqa: B008 - frozen
    *,
    declared: tuple[Declaration, ...] = (),
    commands_of: CommandsOf = no_commands,
    expected: tuple[Expected, ...] = (),
) -> tuple[Finding, ...]:
    """Judge one snapshot by itself. What needs a history (growth of a disk, new kills) is not told."""
    return _judge(snapshot, thresholds, declared, commands_of, _Memory(expected))


class Evaluator:
    """Judges the snapshots of many hosts as they come, each with its own history.

    Services are judged again only when they, the sockets or the logs changed: a quiet host costs next to nothing.
    """

    def __init__(
        self,
        thresholds: Thresholds = Thresholds(),  # noqa: B008 - frozen
        declared: Callable[[Snapshot], tuple[Declaration, ...]] | None = None,
        commands_of: Callable[[Snapshot, Intent], tuple[Command, ...]] | None = None,
        expected: Mapping[str, tuple[Expected, ...]] | None = None,
    ) -> None:
        self._thresholds = thresholds
        self._declared = declared
        self._commands_of = commands_of
        self._expected = dict(expected or {})
        self._memories: dict[str, _Memory] = {}

    def __call__(self, snapshot: Snapshot) -> tuple[Finding, ...]:
        """What is wrong with this host now, worst first."""
        memory = self._memories.get(snapshot.host)
        if memory is None:
            memory = self._memories[snapshot.host] = _Memory(self._expected.get(snapshot.host, ()))
        commands = self._commands_of

        def commands_of(intent: Intent) -> tuple[Command, ...]:
            return commands(snapshot, intent) if commands is not None else ()

        if self._declared is not None and memory.sifted_for is not snapshot.services:
            memory.declared = self._declared(snapshot)
        return _judge(snapshot, self._thresholds, memory.declared, commands_of, memory)


@dataclass(slots=True)
class _Memory:
    """What is kept of one host between two snapshots."""

    expected: tuple[Expected, ...] = ()
    declared: tuple[Declaration, ...] = ()
    """Who claims which port, as the services are now."""
    trend: disks.Trend = field(default_factory=disks.Trend)
    oom: vitals.OomWatch = field(default_factory=vitals.OomWatch)
    pace: Pace = field(default_factory=Pace)
    filesystems: object = None
    sifted_for: object = None
    sifted: services.Troubled = field(default_factory=services.Troubled)
    pairs: declarations.Pairs = ()
    fell: frozenset[ServiceRef] = frozenset()
    """The services that were seen to fail."""
    put_down: tuple[Service, ...] = ()
    """Declared services that do not run."""
    stopped: tuple[Service, ...] = ()
    """Enabled services that do not run, and are not declared."""
    fallen: tuple[managers.Fallen, ...] = ()
    """Service managers that are down, with what nobody looks after for that."""
    alone: tuple[Finding, ...] = ()
    """Managers without a unit of the system that are gone."""
    wrong: bool = False
    """Whether the files of a manager are wrong."""
    mapped_for: tuple[object, ...] = ()
    mapped: tuple[Finding, ...] = ()
    judged_for: tuple[object, ...] = ()
    judged: tuple[Finding, ...] = ()


def _judge(
    snapshot: Snapshot,
    thresholds: Thresholds,
    declared: tuple[Declaration, ...],
    commands_of: CommandsOf,
    memory: _Memory,
) -> tuple[Finding, ...]:
    found = list(_of_services(snapshot, thresholds, declared, commands_of, memory))
    if memory.expected:
        found += declarations.missing(snapshot, memory.pairs)
        found += declarations.ambiguous(snapshot, memory.pairs)
        explained = {finding.service for finding in found}
        silent = declarations.silent(snapshot, memory.pairs, commands_of)
        found += [finding for finding in silent if finding.service not in explained]
    if snapshot.declared is not None:
        found += _of_claims(snapshot, declared, memory, _on_ports(found))
    if snapshot.link.state is LinkState.DOWN:
        return tuple(host.unreachable(snapshot, sorted(found, key=_rank)))
    if snapshot.halted:
        found += halted.halted(snapshot)
    found += _unwell(snapshot, memory, found, thresholds, commands_of)
    found += services.restarted(snapshot, memory.sifted, thresholds, memory.pace)
    if snapshot.filesystems:
        if memory.filesystems is not snapshot.filesystems:
            memory.filesystems = snapshot.filesystems
            memory.trend.note(snapshot)
        found += disks.filling(snapshot, thresholds, memory.trend)
    found += disks.silent(snapshot)
    found += plans.abandoned(snapshot)
    found += vitals.waiting_for_io(snapshot, thresholds, commands_of)
    found += vitals.short_of_memory(snapshot, thresholds)
    found += vitals.killed_for_memory(snapshot, memory.oom)
    found += host.stale(snapshot)
    stopped = halted.silenced(snapshot) if snapshot.halted else frozenset()
    found += host.silent_managers(snapshot, stopped, _left_alone(memory))
    found += host.skewed(snapshot, thresholds)
    return tuple(sorted(found, key=_rank)) if len(found) > 1 else tuple(found)


def _unwell(
    snapshot: Snapshot,
    memory: "_Memory",
    found: Iterable[Finding],
    thresholds: Thresholds,
    commands_of: CommandsOf,
) -> list[Finding]:
    """What runs and does not do its work; what keeps it from its port, or from all work, is why."""
    sifted = memory.sifted
    if not (snapshot.health or sifted.sick or sifted.restarted):
        return []
    explained = _on_ports(found) | {one.service for one in found if one.code == "process-stopped"}
    unwell = [one for one in health.not_well(snapshot, commands_of) if one.service not in explained]
    sick = _without(explained | {one.service for one in unwell}, sifted.sick)
    unwell += health.unhealthy(snapshot, sick, commands_of)
    return unwell + services.restarting(snapshot, _without(explained, sifted.restarted), thresholds, memory.pace)


def _on_ports(found: Iterable[Finding]) -> set[ServiceRef | None]:
    """The services of which it is told already that they have not their port; at the next boot is not now."""
    return {one.service for one in found if one.port is not None and one.code != "port-claimed-twice"}


def _without(explained: Collection[ServiceRef | None], found: Iterable[Service]) -> list[Service]:
    return [service for service in found if service.ref not in explained]


def _left_alone(memory: "_Memory") -> set[ServiceRef]:
    """All that a manager ran that is down, and the units of such managers: that it is down is the cause."""
    by_unit = {ref for each in memory.fallen for ref in each.refs}
    return by_unit | {ref for finding in memory.alone for ref in finding.covers}


def _of_claims(
    snapshot: Snapshot, declared: tuple[Declaration, ...], memory: _Memory, explained: set[ServiceRef | None]
) -> tuple[Finding, ...]:
    """What declarations alone say, judged anew when they, the services or the sockets changed."""
    basis = (snapshot.services, snapshot.listeners, snapshot.declared, snapshot.given)
    if len(memory.mapped_for) != len(basis) or any(a is not b for a, b in zip(basis, memory.mapped_for, strict=True)):
        memory.mapped_for = basis
        memory.mapped = (*claims.at_next_boot(snapshot, declared), *environment.readable(snapshot))
    return tuple(finding for finding in memory.mapped if not explained.intersection(finding.covers))


def _of_services(
    snapshot: Snapshot,
    thresholds: Thresholds,
    declared: tuple[Declaration, ...],
    commands_of: CommandsOf,
    memory: _Memory,
) -> tuple[Finding, ...]:
    if memory.sifted_for is not snapshot.services:
        _sift(snapshot, memory)
    sifted = memory.sifted
    lost = memory.put_down or memory.stopped or memory.fallen or memory.alone
    told = sifted.down or sifted.stuck or sifted.stale or sifted.unclear or lost or memory.wrong
    if not (told or snapshot.symptoms):
        return ()
    # A host that is stale or whose list of sockets failed is judged otherwise than one that answers.
    source = snapshot.source("listeners")
    files = (snapshot.declared, snapshot.given)
    basis = (snapshot.services, snapshot.listeners, snapshot.symptoms, snapshot.last_words, *files)
    state = (snapshot.link.state, source is not None and source.at is not None, source.failure if source else None)
    same = len(memory.judged_for) == len(basis) + len(state) and all(
        old is new for old, new in zip(memory.judged_for, basis, strict=False)
    )
    if same and memory.judged_for[len(basis) :] == state:
        return memory.judged
    found = ports.blocked(snapshot, (*sifted.down, *memory.put_down), declared, commands_of)
    explained = {finding.service for finding in found}
    found = managers.on_ports(snapshot, found, memory.fallen)
    fallen = [each for each in memory.fallen if each.unit.ref not in explained]
    found += managers.down(snapshot, fallen, {service.ref for service in memory.put_down}, commands_of)
    found += memory.alone
    found += managers.wrong_files(snapshot) if memory.wrong else []
    explained |= _left_alone(memory)
    once = {service.ref for service in sifted.down if services.came_back(snapshot, service, memory.pace)}
    rest = _without(explained | once, sifted.down)
    found += services.failed(snapshot, rest, thresholds, commands_of)
    found += rollouts.stuck(snapshot, sifted.stuck)
    found += unclear.unclear(snapshot, sifted.unclear, commands_of)
    put_down = _without(explained, memory.put_down)
    found += declarations.down(snapshot, put_down, memory.pairs, commands_of)
    found += declarations.stopped(snapshot, _without(explained, memory.stopped), commands_of)
    found += services.not_reloaded(snapshot, sifted.stale, commands_of)
    memory.judged_for, memory.judged = (*basis, *state), tuple(found)
    return memory.judged


def _sift(snapshot: Snapshot, memory: _Memory) -> None:
    """Look once at services that changed, for all rules."""
    memory.sifted_for, memory.sifted = snapshot.services, services.troubled(snapshot.services)
    memory.pace.note((*memory.sifted.down, *memory.sifted.restarted))
    memory.pairs = declarations.paired(memory.expected, snapshot.services)
    memory.fallen = managers.fallen(snapshot.services)
    memory.wrong = any(service.files_wrong is not None for service in snapshot.services)
    memory.put_down = tuple(declarations.put_down(memory.pairs))
    declared = {service.ref for service in memory.put_down}
    memory.alone = tuple(managers.without_unit(snapshot, snapshot.services, declared))
    memory.stopped = tuple(
        service
        for service in snapshot.services
        if service.ref not in declared and declarations.is_put_down(service, fell=service.ref in memory.fell)
    )
    memory.fell |= {service.ref for service in memory.sifted.down}


def _rank(finding: Finding) -> tuple[int, int, str]:
    return (finding.severity.rank, _ORDER.get(finding.code, len(_ORDER)), finding.subject)
