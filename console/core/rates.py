"""Two samples of one host: what happened between them."""

from collections.abc import Iterable

from console.core.sample import (
    CpuRate,
    CpuTimes,
    DiskCounters,
    DiskRate,
    InterfaceCounters,
    InterfaceRate,
    Rates,
    Sample,
)

SECTOR = 512
"""Bytes of a sector in ``/proc/diskstats``, whatever the device's own sector size."""


def rates(before: Sample, after: Sample) -> Rates | None:
    """What two samples say about the time between them.

    ``None`` where they say nothing: another boot, no time passed, or CPU counters that ran backwards. A device whose
    counters ran backwards (it was replaced) is left out, and so is one that the first sample does not have.
    """
    seconds = after.uptime - before.uptime
    if before.boot_id != after.boot_id or seconds <= 0 or not before.cpus or not after.cpus:
        return None
    cpu = _cpu(before.cpus[0], after.cpus[0])
    if cpu is None:
        return None
    return Rates(
        seconds=seconds,
        cpu=cpu,
        cores=_cores(before.cpus, after.cpus),
        disks=_disks(before.disks, after.disks, seconds),
        interfaces=_interfaces(before.interfaces, after.interfaces, seconds),
    )


def _cpu(before: CpuTimes, after: CpuTimes) -> CpuRate | None:
    user = after.user - before.user + after.nice - before.nice
    system = after.system - before.system + after.irq - before.irq + after.softirq - before.softirq
    if user < 0 or system < 0:
        return None
    # These three are known to run backwards for a moment: proc_stat(5) for iowait, idle with it on tickless kernels,
    # steal after a live migration.
    iowait = max(0, after.iowait - before.iowait)
    idle = max(0, after.idle - before.idle)
    steal = max(0, after.steal - before.steal)
    total = user + system + iowait + idle + steal
    if total == 0:
        return None
    share = 100.0 / total
    return CpuRate(user=user * share, system=system * share, iowait=iowait * share, steal=steal * share)


_IDLE = CpuRate(0.0, 0.0, 0.0, 0.0)


def _cores(before: tuple[CpuTimes, ...], after: tuple[CpuTimes, ...]) -> tuple[CpuRate, ...]:
    # A core that went off line shifts all that follow: nothing can be said until the next pair.
    if len(before) != len(after):
        return ()
    return tuple(_cpu(old, new) or _IDLE for old, new in zip(before[1:], after[1:], strict=True))


def _disks(before: Iterable[DiskCounters], after: Iterable[DiskCounters], seconds: float) -> tuple[DiskRate, ...]:
    known = {disk.name: disk for disk in before}
    found = ((known.get(disk.name), disk) for disk in after)
    return tuple(rate for old, new in found if old and (rate := _disk(old, new, seconds)))


def _disk(old: DiskCounters, new: DiskCounters, seconds: float) -> DiskRate | None:
    operations = new.reads - old.reads + new.writes - old.writes
    waited = new.read_ms - old.read_ms + new.write_ms - old.write_ms
    busy = new.busy_ms - old.busy_ms
    read = new.read_sectors - old.read_sectors
    written = new.written_sectors - old.written_sectors
    if min(operations, waited, busy, read, written) < 0:
        return None
    return DiskRate(
        name=new.name,
        read_bytes=read * SECTOR / seconds,
        written_bytes=written * SECTOR / seconds,
        operations=operations / seconds,
        await_ms=waited / operations if operations else 0.0,
        busy=min(100.0, busy / (seconds * 10.0)),
    )


def _interfaces(
    before: Iterable[InterfaceCounters], after: Iterable[InterfaceCounters], seconds: float
) -> tuple[InterfaceRate, ...]:
    known = {interface.name: interface for interface in before}
    found = ((known.get(interface.name), interface) for interface in after)
    return tuple(rate for old, new in found if old and (rate := _interface(old, new, seconds)))


def _interface(old: InterfaceCounters, new: InterfaceCounters, seconds: float) -> InterfaceRate | None:
    received = new.rx_bytes - old.rx_bytes
    sent = new.tx_bytes - old.tx_bytes
    errors = _troubles(new) - _troubles(old)
    if min(received, sent, errors) < 0:
        return None
    return InterfaceRate(new.name, received / seconds, sent / seconds, errors / seconds)


def _troubles(counters: InterfaceCounters) -> int:
    return counters.rx_errors + counters.rx_dropped + counters.tx_errors + counters.tx_dropped
