"""All rules over a snapshot: what is wrong now, worst first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from console.core.finding import Finding
from console.core.plan import Intent
from console.core.service import Service, ServiceRef
from console.core.snapshot import LinkState, Snapshot
from console.core.thresholds import Thresholds
from console.diagnosis.proposals import CommandsOf, no_commands
from console.diagnosis.verdict import Declaration
from console.findings import declared as declarations
from console.findings import disks, host, ports, services, vitals
from console.findings.declared import Expected

CODES: Final = (
    "host-unreachable", "manager-silent", "port-held", "port-not-permitted", "no-such-address", "start-limit",
    "service-failed", "service-down", "service-missing", "restart-loop", "unhealthy", "boot-failures", "oom-kill",
    "memory-pressure", "io-wait", "disk-full", "inodes-full", "swap-full", "host-stale", "clock-skew",
    "service-stopped", "daemon-reload",
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
        declared: Mapping[str, tuple[Declaration, ...]] | None = None,
        commands_of: Callable[[Snapshot, Intent], tuple[str, ...]] | None = None,
        expected: Mapping[str, tuple[Expected, ...]] | None = None,
    ) -> None:
        self._thresholds = thresholds
        self._declared = dict(declared or {})
        self._commands_of = commands_of
        self._expected = dict(expected or {})
        self._memories: dict[str, _Memory] = {}

    def __call__(self, snapshot: Snapshot) -> tuple[Finding, ...]:
        """What is wrong with this host now, worst first."""
        memory = self._memories.get(snapshot.host)
        if memory is None:
            memory = self._memories[snapshot.host] = _Memory(self._expected.get(snapshot.host, ()))
        commands = self._commands_of

        def commands_of(intent: Intent) -> tuple[str, ...]:
            return commands(snapshot, intent) if commands is not None else ()

        return _judge(snapshot, self._thresholds, self._declared.get(snapshot.host, ()), commands_of, memory)


@dataclass(slots=True)
class _Memory:
    """What is kept of one host between two snapshots."""

    expected: tuple[Expected, ...] = ()
    trend: disks.Trend = field(default_factory=disks.Trend)
    oom: vitals.OomWatch = field(default_factory=vitals.OomWatch)
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
        explained = {finding.service for finding in found}
        silent = declarations.silent(snapshot, memory.pairs, commands_of)
        found += [finding for finding in silent if finding.service not in explained]
    if snapshot.link.state is LinkState.DOWN:
        return tuple(host.unreachable(snapshot, sorted(found, key=_rank)))
    if memory.sifted.sick:
        found += services.unhealthy(snapshot, memory.sifted.sick, commands_of)
    if memory.sifted.restarted:
        found += services.restarting(snapshot, memory.sifted.restarted, thresholds)
    if snapshot.filesystems:
        if memory.filesystems is not snapshot.filesystems:
            memory.filesystems = snapshot.filesystems
            memory.trend.note(snapshot)
        found += disks.filling(snapshot, thresholds, memory.trend)
    found += vitals.waiting_for_io(snapshot, thresholds, commands_of)
    found += vitals.short_of_memory(snapshot, thresholds)
    found += vitals.killed_for_memory(snapshot, memory.oom)
    found += host.stale(snapshot)
    found += host.silent_managers(snapshot)
    found += host.skewed(snapshot, thresholds)
    return tuple(sorted(found, key=_rank)) if len(found) > 1 else tuple(found)


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
    if not (sifted.down or sifted.stale or memory.put_down or memory.stopped or snapshot.symptoms):
        return ()
    # A host that is stale or whose list of sockets failed is judged otherwise than one that answers.
    source = snapshot.source("listeners")
    basis = (snapshot.services, snapshot.listeners, snapshot.symptoms)
    state = (snapshot.link.state, source is not None and source.at is not None, source.failure if source else None)
    same = len(memory.judged_for) == len(basis) + len(state) and all(
        old is new for old, new in zip(memory.judged_for, basis, strict=False)
    )
    if same and memory.judged_for[len(basis) :] == state:
        return memory.judged
    found = ports.blocked(snapshot, (*sifted.down, *memory.put_down), declared, commands_of)
    explained = {finding.service for finding in found}
    rest = [service for service in sifted.down if service.ref not in explained]
    found += services.failed(snapshot, rest, thresholds, commands_of)
    put_down = [service for service in memory.put_down if service.ref not in explained]
    found += declarations.down(snapshot, put_down, memory.pairs, commands_of)
    found += declarations.stopped(snapshot, memory.stopped, commands_of)
    found += services.not_reloaded(snapshot, sifted.stale, commands_of)
    memory.judged_for, memory.judged = (*basis, *state), tuple(found)
    return memory.judged


def _sift(snapshot: Snapshot, memory: _Memory) -> None:
    """Look once at services that changed, for all rules."""
    memory.sifted_for, memory.sifted = snapshot.services, services.troubled(snapshot.services)
    memory.pairs = declarations.paired(memory.expected, snapshot.services)
    memory.put_down = tuple(declarations.put_down(memory.pairs))
    declared = {service.ref for service in memory.put_down}
    memory.stopped = tuple(
        service
        for service in snapshot.services
        if service.ref not in declared and declarations.is_put_down(service, fell=service.ref in memory.fell)
    )
    memory.fell |= {service.ref for service in memory.sifted.down}


def _rank(finding: Finding) -> tuple[int, int, str]:
    return (finding.severity.rank, _ORDER.get(finding.code, len(_ORDER)), finding.subject)
