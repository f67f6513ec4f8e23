"""CPU, memory, disks and network of a host: a line in the list, and what the numbers mean in words."""

from collections.abc import Sequence

from console.core.freshness import of_source
from console.core.network import Process
from console.core.sample import Filesystem, Pressure
from console.core.service import Service
from console.core.snapshot import LinkState, Snapshot
from console.core.thresholds import Thresholds
from console.core.words import listed
from console.remote.transport import HostSpec
from console.ui import cells
from console.ui.cells import Cell, Text
from console.ui.present.words import host_cell, how_old, number, service_name
from console.ui.store import HostHistory, memory_used
from console.ui.widgets.detail import Entry, Heading
from console.ui.widgets.table import Column, Row


def columns(spark: int, host: int) -> tuple[Column, ...]:
    """The columns with that many cells for spark lines and for a host's name."""
    return (
        Column("host", "host", host, min_width=6),
        Column("cpu", "cpu user system iowait"[: max(3, spark)], spark),
        Column("busy", "busy", 5, align="right"),
        Column("iowait", "wait", 5, align="right"),
        Column("memory", "mem", 5, align="right"),
        Column("bar", "", 8, priority=5),
        Column("fullest", "disk", 5, align="right"),
        Column("mount", "fullest", 10, 1, 8, 4),
        Column("io", "disk io", 9, align="right", priority=2),
        Column("net", "network", 9, align="right", priority=3),
        Column("load", "load", 5, align="right", priority=6),
    )


def fullest(filesystems: Sequence[Filesystem]) -> tuple[Filesystem | None, float]:
    """The file system with the least room for an ordinary user, and how full it is in per cent."""
    best: Filesystem | None = None
    worst = 0.0
    for filesystem in filesystems:
        room = filesystem.used + filesystem.available
        full = 100.0 * filesystem.used / room if room else 0.0
        if best is None or full > worst:
            best, worst = filesystem, full
    return best, worst


def rank(snapshot: Snapshot, limits: Thresholds) -> int:
    """How badly off a host is, in coarse steps so that rows do not jump at each look: 0 is worst."""
    if snapshot.link.state is LinkState.DOWN:
        return 3
    grades = [_grade(value, low, high) for value, low, high in _measures(snapshot, limits)]
    return 2 - max(grades, default=0)


def _measures(snapshot: Snapshot, limits: Thresholds) -> list[tuple[float, float, float]]:
    found: list[tuple[float, float, float]] = []
    if snapshot.rates is not None:
        found.append((snapshot.rates.cpu.busy, 90.0, 98.0))
        found.append((snapshot.rates.cpu.iowait, limits.iowait_warning, limits.iowait_critical))
    if snapshot.sample is not None:
        found.append((memory_used(snapshot.sample), limits.memory_warning, limits.memory_critical))
    if snapshot.filesystems:
        found.append((fullest(snapshot.filesystems)[1], limits.filesystem_warning, limits.filesystem_critical))
    return found


def _grade(value: float, low: float, high: float) -> int:
    return 2 if value >= high else 1 if value >= low else 0


def toned(value: float | None, low: float, high: float) -> Text:
    """A per cent in the colour of what it means."""
    if value is None:
        return Cell("?", "muted")
    return Cell(cells.percent(value), ("", "warning", "critical")[_grade(value, low, high)])


def row(
    snapshot: Snapshot, spec: HostSpec | None, history: HostHistory, limits: Thresholds, spark: int, now: float
) -> Row:
    """One host as one line; what is not known says so, and what is old how old it is, in place of the line of time."""
    rates, sample = snapshot.rates, snapshot.sample
    filesystem, full = fullest(snapshot.filesystems)
    used = memory_used(sample) if sample is not None else None
    fresh = of_source(snapshot, "vitals")
    recent: Text = cells.spark(history.cpu.last(spark), spark)
    if fresh.stale and fresh.at is not None:
        recent = Cell(f"stale {cells.age(fresh.age(now))}", "warning")
    moved = sum(disk.read_bytes + disk.written_bytes for disk in rates.disks) if rates else None
    sent = sum(link.rx_bytes + link.tx_bytes for link in rates.interfaces if link.name != "lo") if rates else None
    return Row(
        snapshot.host,
        (
            host_cell(spec, snapshot.host),
            recent,
            toned(rates.cpu.busy if rates else None, 90.0, 98.0),
            toned(rates.cpu.iowait if rates else None, limits.iowait_warning, limits.iowait_critical),
            toned(used, limits.memory_warning, limits.memory_critical),
            cells.bar(((used or 0.0, "user"),), 8),
            toned(full if filesystem else None, limits.filesystem_warning, limits.filesystem_critical),
            filesystem.mount if filesystem else "",
            cells.rate(moved),
            cells.rate(sent),
            f"{sample.load[0]:.1f}" if sample else "",
        ),
        tone="muted" if fresh.stale else "",
    )


def verdict(snapshot: Snapshot, limits: Thresholds) -> tuple[Cell, ...]:
    """What the numbers mean, in words, worst first; one calm line when there is nothing."""
    if snapshot.sample is None or snapshot.rates is None:
        return (Cell("not known yet: rates need two looks", "muted"),)
    told = [*_io_words(snapshot, limits), *_cpu_words(snapshot), *_memory_words(snapshot, limits),
            *_disk_words(snapshot, limits)]  # fmt: skip
    if of_source(snapshot, "vitals").stale:
        return (Cell("what follows is as last seen: its vitals do not come now", "warning"), *told)
    return tuple(told) or (Cell("nothing is short: CPU, IO, memory and disks have room", "ok"),)


def _io_words(snapshot: Snapshot, limits: Thresholds) -> list[Cell]:
    rates, sample = snapshot.rates, snapshot.sample
    if rates is None or sample is None or rates.cpu.iowait < limits.iowait_warning:
        return []
    busiest = max(rates.disks, key=lambda disk: disk.busy, default=None)
    where = (
        f" for {busiest.name} ({cells.percent(busiest.busy)} busy, {busiest.await_ms:.0f} ms a request)"
        if busiest
        else ""
    )
    names = listed(dict.fromkeys(process.name for process in snapshot.blocked))
    who = f"; blocked: {names}" if names else ""
    tone = "critical" if rates.cpu.iowait >= limits.iowait_critical else "warning"
    return [Cell(f"CPUs wait {cells.percent(rates.cpu.iowait)} of the time{where}{who}", tone)]


def _cpu_words(snapshot: Snapshot) -> list[Cell]:
    rates, sample = snapshot.rates, snapshot.sample
    if rates is None or sample is None:
        return []
    told: list[Cell] = []
    cores = max(1, len(rates.cores))
    if rates.cpu.busy >= 90:
        told.append(
            Cell(
                f"CPU is {cells.percent(rates.cpu.busy)} busy, load {sample.load[0]:.1f} on {number(cores, 'core')}",
                "warning",
            )
        )
    elif full := [place for place, core in enumerate(rates.cores) if core.busy >= 95]:
        told.append(Cell(f"{number(len(full), 'core')} of {cores} full: one thread may be the limit", "warning"))
    if rates.cpu.steal >= 10:
        told.append(Cell(f"{cells.percent(rates.cpu.steal)} stolen by other guests of this machine", "warning"))
    return told


def _memory_words(snapshot: Snapshot, limits: Thresholds) -> list[Cell]:
    sample = snapshot.sample
    if sample is None:
        return []
    used = memory_used(sample)
    told: list[Cell] = []
    if used >= limits.memory_warning:
        tone = "critical" if used >= limits.memory_critical else "warning"
        told.append(Cell(f"{cells.percent(used)} of {cells.size(sample.memory.total)} memory used, "
                         f"{cells.size(sample.memory.available)} left", tone))  # fmt: skip
    pressure = sample.pressure_memory
    if pressure is not None and pressure.some10 >= limits.memory_pressure_warning:
        told.append(Cell(f"tasks wait {cells.percent(pressure.some10)} of the time for memory", "warning"))
    return told


def _disk_words(snapshot: Snapshot, limits: Thresholds) -> list[Cell]:
    told: list[Cell] = []
    for filesystem in snapshot.filesystems:
        _, full = fullest((filesystem,))
        if full >= limits.filesystem_warning:
            tone = "critical" if full >= limits.filesystem_critical else "warning"
            told.append(
                Cell(f"{filesystem.mount} is {cells.percent(full)} full, {cells.size(filesystem.available)} left", tone)
            )
    return told


def summary(snapshot: Snapshot, limits: Thresholds, now: float) -> tuple[Entry | Heading, ...]:
    """One host below the list: what it means, pressure, disks, who is blocked."""
    entries: list[Entry | Heading] = [Heading(snapshot.host, how_old(of_source(snapshot, "vitals"), snapshot, now))]
    entries += [Entry("" if place else "MEANS", cell) for place, cell in enumerate(verdict(snapshot, limits))]
    return (*entries, *facts(snapshot, limits))


def facts(snapshot: Snapshot, limits: Thresholds) -> tuple[Entry, ...]:
    """Pressure, memory, disks, networks, blocked processes and the biggest services, in lines."""
    sample = snapshot.sample
    entries: list[Entry] = []
    if sample is not None:
        load = " ".join(f"{value:.2f}" for value in sample.load)
        entries.append(Entry("LOAD", f"{load}   {sample.running} running, {sample.blocked} waiting for IO"))
        entries.append(Entry("PRESSURE", _pressure(sample.pressure_cpu, sample.pressure_io, sample.pressure_memory)))
        swap = sample.memory.swap_total - sample.memory.swap_free
        free = f"{cells.size(sample.memory.available)} of {cells.size(sample.memory.total)} free"
        told = f"{free}   swap {cells.size(swap)} of {cells.size(sample.memory.swap_total)}"
        entries.append(Entry("MEMORY", told))
    entries += _disks(snapshot, limits)
    entries += _networks(snapshot)
    entries += [
        Entry("" if place else "STATE D", _blocked(process)) for place, process in enumerate(snapshot.blocked[:8])
    ]
    entries += _biggest(snapshot.services)
    return tuple(entries)


def _blocked(process: Process) -> Text:
    """A process that cannot be interrupted: which it is, whose, and where in the kernel it is."""
    user = process.user or ""
    whose = f"  uid {user}" if user.isdigit() else f"  user {user}" if user else ""
    where = f"  in the kernel's {process.wait_channel}" if process.wait_channel else ""
    return (Cell(process.name, "strong"), Cell(f"  pid {process.pid}{whose}{where}"))


def _pressure(cpu: Pressure | None, io: Pressure | None, memory: Pressure | None) -> str:
    if cpu is None and io is None and memory is None:
        return "n/a: this kernel has no pressure stall information"
    told = [
        f"{name} {cells.percent(value.some10)}"
        for name, value in (("cpu", cpu), ("io", io), ("memory", memory))
        if value
    ]
    return f"{'   '.join(told)}   of the last 10 s"


def _disks(snapshot: Snapshot, limits: Thresholds) -> list[Entry]:
    entries: list[Entry] = []
    for disk in snapshot.rates.disks if snapshot.rates else ():
        told = (f"{disk.name}  read {cells.rate(disk.read_bytes)}  write {cells.rate(disk.written_bytes)}  "
                f"{disk.await_ms:.1f} ms  {cells.percent(disk.busy)} busy")  # fmt: skip
        entries.append(Entry("" if entries else "DISKS", told))
    for place, filesystem in enumerate(sorted(snapshot.filesystems, key=lambda fs: -fullest((fs,))[1])[:6]):
        full = toned(fullest((filesystem,))[1], limits.filesystem_warning, limits.filesystem_critical)
        bar = cells.bar(((fullest((filesystem,))[1], "user"),), 10)
        text = f"  {filesystem.mount}  {cells.size(filesystem.available)} of {cells.size(filesystem.size)} free"
        entries.append(Entry("" if place else "SPACE", (*bar, Cell(" "), *cells.spans(full), Cell(text))))
    return entries


def _networks(snapshot: Snapshot) -> list[Entry]:
    links = [link for link in (snapshot.rates.interfaces if snapshot.rates else ()) if link.name != "lo"]
    return [
        Entry(
            "" if place else "NETWORK",
            f"{link.name}  in {cells.rate(link.rx_bytes)}  out {cells.rate(link.tx_bytes)}"
            + (f"  {link.errors:.1f} errors/s" if link.errors else ""),
        )
        for place, link in enumerate(links[:4])
    ]


def _biggest(services: Sequence[Service], limit: int = 5) -> list[Entry]:
    known = sorted((service for service in services if service.memory), key=lambda service: -(service.memory or 0))
    return [
        Entry("" if place else "LARGEST", f"{service_name(service.ref)}  {cells.size(service.memory)}")
        for place, service in enumerate(known[:limit])
    ]
