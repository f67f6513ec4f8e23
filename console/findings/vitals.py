"""A host that waits for its disks or runs out of memory."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from console.core.finding import Finding, Proposal, Severity
from console.core.plan import ActionKind, Intent
from console.core.sample import DiskRate, Memory, Rates, Sample
from console.core.service import Service
from console.core.snapshot import Snapshot
from console.core.thresholds import Thresholds
from console.core.words import listed
from console.diagnosis.proposals import CommandsOf, no_commands, proposal
from console.findings.words import size

CONFIRMED = 0.25
"""Share of the limit that the pressure must reach for one second of IO wait to count: it has a mean of ten seconds."""
BUSY = 50.0
"""Per cent of the time from which on a disk is worth naming."""
_NOT_TO_STOP = ("ssh.", "sshd.", "sshd@", "dropbear.", "systemd-", "dbus.", "user@")
"""The way in, and what the host itself stands on."""
OOM_SHOWN = 900.0
"""Seconds for which kills for lack of memory are told."""
CLOCK = 1.0
"""Seconds by which the wall clock, to the second as some hosts tell it, and the monotonic one may differ."""


@dataclass(slots=True)
class OomWatch:
    """When the kernel's count of kills last rose, in the host's monotonic time."""

    boot: str | None = None
    first: int | None = None
    count: int | None = None
    risen_at: float | None = None
    after: float | None = None
    """The last look before the first of those kills that are told."""
    looked_at: float | None = None

    def note(self, sample: Sample) -> None:
        """Take the present count. What was counted before the first look is of unknown time, and not told."""
        if sample.boot_id != self.boot:
            self.boot, self.first, self.count, self.risen_at = sample.boot_id, sample.oom_kills, sample.oom_kills, None
        if sample.oom_kills is None or self.count is None:
            self.count = self.first = sample.oom_kills
        elif sample.oom_kills > self.count:
            if self.risen_at is None or sample.uptime - self.risen_at > OOM_SHOWN:
                self.first, self.after = self.count, self.looked_at
            self.count, self.risen_at = sample.oom_kills, sample.uptime
        self.looked_at = sample.uptime


def waiting_for_io(snapshot: Snapshot, thresholds: Thresholds, commands_of: CommandsOf = no_commands) -> list[Finding]:
    """IO wait or IO pressure, with the disks that are busy and the processes that wait in state D."""
    sample, rates = snapshot.sample, snapshot.rates
    pressure = sample.pressure_io if sample is not None else None
    iowait = rates.cpu.iowait if rates is not None else 0.0
    some = pressure.some10 if pressure is not None else 0.0
    long = some >= thresholds.io_pressure_warning
    if iowait < thresholds.iowait_warning and not long:
        return []
    # The kernel's IO wait is of one second and jumps: pressure, where it is told, must confirm it.
    if pressure is not None and some < CONFIRMED * thresholds.io_pressure_warning:
        return []
    jammed = iowait >= thresholds.iowait_critical and (pressure is None or long)
    severity = Severity.CRITICAL if jammed or some >= thresholds.io_pressure_critical else Severity.WARNING
    head = f"IO wait {iowait:.0f} %" if iowait >= thresholds.iowait_warning else f"IO pressure {some:.0f} %"
    busy = _by_busy(rates)
    names = [name for name, _ in Counter(process.name for process in snapshot.blocked).most_common()]
    who = f": {listed(names)} waiting" if names else ""
    where = f", {busy[0].name} {busy[0].busy:.0f} % busy" if busy and busy[0].busy >= BUSY else ""
    units = _waiting_units(snapshot)
    of = f" ({listed([service.ref.name for service in units])})" if who and units else ""
    ways = tuple(_stop(service, commands_of) for service in units[:3])
    lines = tuple(_io_lines(snapshot))
    return [Finding("io-wait", severity, snapshot.host, "host", head + who + of + where, lines, ways)]


def _waiting_units(snapshot: Snapshot) -> list[Service]:
    """The services whose processes wait, those with most of them first; never the way in."""
    counted = Counter((process.cgroup or "").removeprefix("0::") for process in snapshot.blocked)
    by_cgroup = {service.cgroup: service for service in snapshot.services if service.cgroup}
    found = [service for cgroup, _ in counted.most_common() for service in _within(cgroup, by_cgroup)]
    return [service for service in dict.fromkeys(found) if not service.ref.name.startswith(_NOT_TO_STOP)]


def _within(cgroup: str, by_cgroup: Mapping[str, Service]) -> list[Service]:
    """The service of a control group, which may be one below the service's own."""
    while cgroup:
        if cgroup in by_cgroup:
            return [by_cgroup[cgroup]]
        cgroup = cgroup.rpartition("/")[0]
    return []


def _stop(service: Service, commands_of: CommandsOf) -> Proposal:
    """Never recommended: whether its work may wait is not for the console to know."""
    intent = Intent(ActionKind.STOP, service.ref)
    return proposal("stop-waiting", f"stop {service.ref.name}", (intent,), commands_of, recommended=False)


def _by_busy(rates: Rates | None) -> list[DiskRate]:
    return sorted(rates.disks if rates is not None else (), key=lambda disk: disk.busy, reverse=True)


def _io_lines(snapshot: Snapshot) -> Iterator[str]:
    if snapshot.rates is not None:
        yield f"IO wait {snapshot.rates.cpu.iowait:.0f} % of the CPU time of the last second"
    if snapshot.sample is not None and snapshot.sample.pressure_io is not None:
        pressure = snapshot.sample.pressure_io
        yield f"IO pressure: some {pressure.some10:.0f} %, all {pressure.full10:.0f} % of ten seconds"
    for disk in _by_busy(snapshot.rates)[:3]:
        if disk.busy >= 1.0:
            amount = f"{size(disk.read_bytes)}/s read, {size(disk.written_bytes)}/s written"
            yield f"{disk.name}: {disk.busy:.0f} % busy, {disk.await_ms:.0f} ms a request, {amount}"
    for process in snapshot.blocked[:8]:
        place = f" in {process.wait_channel}" if process.wait_channel else ""
        yield f"in state D: {process.name} (pid {process.pid}){place}"


def short_of_memory(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Little memory available, tasks that wait for it, or swap nearly full beside it."""
    sample = snapshot.sample
    if sample is None or sample.memory.total <= 0:
        return []
    memory = sample.memory
    used = 100.0 - 100.0 * memory.available / memory.total
    some = sample.pressure_memory.some10 if sample.pressure_memory is not None else 0.0
    found = []
    if used >= thresholds.memory_warning or some >= thresholds.memory_pressure_warning:
        worst = used >= thresholds.memory_critical or some >= thresholds.memory_pressure_critical
        wait = f", tasks wait for it {some:.0f} % of the time" if some >= thresholds.memory_pressure_warning else ""
        summary = f"memory is short: {size(memory.available)} of {size(memory.total)} available{wait}"
        severity = Severity.CRITICAL if worst else Severity.WARNING
        found.append(Finding("memory-pressure", severity, snapshot.host, "host", summary, _memory_lines(sample)))
    swap = _swap_used(memory)
    short = used >= thresholds.memory_warning - 10.0 or some >= thresholds.memory_pressure_warning / 2
    # Swap that is full of what nobody needs is no trouble.
    if swap >= thresholds.swap_warning and short:
        severity = Severity.CRITICAL if swap >= thresholds.swap_critical and found else Severity.WARNING
        summary = f"swap {int(swap)} % used, {size(memory.swap_free)} left, and memory is short"
        found.append(Finding("swap-full", severity, snapshot.host, "host", summary, _memory_lines(sample)))
    return found


def killed_for_memory(snapshot: Snapshot, watch: OomWatch) -> list[Finding]:
    """Processes that the kernel killed for lack of memory since the console looks."""
    sample = snapshot.sample
    if sample is None:
        return []
    watch.note(sample)
    if watch.risen_at is None or watch.first is None or watch.count is None:
        return []
    if sample.uptime - watch.risen_at > OOM_SHOWN:
        return []
    killed = watch.count - watch.first
    since = sample.wall - (sample.uptime - watch.risen_at) if sample.wall is not None else None
    victims = [service.ref.name for service in snapshot.services if _is_victim(service, sample, watch)]
    who = f": {listed(victims)}" if victims else ""
    summary = f"{'1 process' if killed == 1 else f'{killed} processes'} killed for lack of memory{who}"
    return [Finding("oom-kill", Severity.WARNING, snapshot.host, "host", summary, _memory_lines(sample), since=since)]


def _is_victim(service: Service, sample: Sample, watch: OomWatch) -> bool:
    """Whether it was killed by one of the kills that are told, and not long before."""
    if service.result != "oom-kill" or service.since is None or sample.wall is None or watch.after is None:
        return False
    return service.since >= sample.wall - (sample.uptime - watch.after) - CLOCK


def _swap_used(memory: Memory) -> float:
    if memory.swap_total <= 0:
        return 0.0
    return 100.0 - 100.0 * memory.swap_free / memory.swap_total


def _memory_lines(sample: Sample) -> tuple[str, ...]:
    memory = sample.memory
    lines = [f"memory: {size(memory.available)} of {size(memory.total)} available"]
    if memory.swap_total:
        lines.append(f"swap: {size(memory.swap_free)} of {size(memory.swap_total)} free")
    if sample.pressure_memory is not None:
        pressure = sample.pressure_memory
        lines.append(f"memory pressure: some {pressure.some10:.0f} %, all {pressure.full10:.0f} % of ten seconds")
    if sample.oom_kills is not None:
        lines.append(f"kills for lack of memory since boot: {sample.oom_kills}")
    return tuple(lines)
