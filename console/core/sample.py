"""Counters of a host at one moment, and what two of them say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Cumulated clock ticks of one CPU. Source: ``/proc/stat``, proc_stat(5)."""

    user: int
    nice: int
    system: int
    idle: int
    iowait: int
    irq: int
    softirq: int
    steal: int


@dataclass(frozen=True, slots=True)
class Pressure:
    """Pressure stall information of one resource, in per cent of wall time. Source: ``/proc/pressure/*``."""

    some10: float
    some60: float
    full10: float
    full60: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. Source: ``/proc/meminfo``."""

    total: int
    available: int
    swap_total: int
    swap_free: int
    dirty: int = 0


@dataclass(frozen=True, slots=True)
class DiskCounters:
    """Cumulated counters of a block device. Source: ``/proc/diskstats``, kernel ``Documentation/admin-guide/iostats``.

    Times in milliseconds, sectors of 512 bytes.
    """

    name: str
    reads: int
    read_sectors: int
    read_ms: int
    writes: int
    written_sectors: int
    write_ms: int
    busy_ms: int


@dataclass(frozen=True, slots=True)
class InterfaceCounters:
    """Cumulated bytes, packets in error and drops of a network interface. Source: ``/proc/net/dev``."""

    name: str
    rx_bytes: int
    rx_errors: int
    rx_dropped: int
    tx_bytes: int
    tx_errors: int
    tx_dropped: int


@dataclass(frozen=True, slots=True)
class Sample:
    """All counters of a host at one moment.

    ``uptime`` is the host's monotonic clock in seconds: the base of every rate, since the wall clock may jump.
    ``cpus[0]`` is the sum over all CPUs.
    """

    uptime: float
    boot_id: str
    cpus: tuple[CpuTimes, ...]
    load: tuple[float, float, float]
    running: int
    blocked: int
    memory: Memory
    pressure_cpu: Pressure | None = None
    pressure_io: Pressure | None = None
    pressure_memory: Pressure | None = None
    disks: tuple[DiskCounters, ...] = ()
    interfaces: tuple[InterfaceCounters, ...] = ()
    oom_kills: int | None = None
    init_switches: int | None = None
    """How often process 1 was scheduled (``/proc/1/status``): no unit changes while it does not run."""
    sockets: str | None = None
    """Sockets in use by protocol (``/proc/net/sockstat``, ``sockstat6``); differs when one came or went."""
    wall: float | None = None
    """The host's wall clock (Unix time, seconds) where it was asked."""


@dataclass(frozen=True, slots=True)
class CpuRate:
    """Per cent of one CPU's time, or of all for the sum: each part within 0..100 and together at most 100."""

    user: float
    system: float
    iowait: float
    steal: float

    @property
    def busy(self) -> float:
        """Per cent not idle and not waiting for IO."""
        return self.user + self.system + self.steal


@dataclass(frozen=True, slots=True)
class DiskRate:
    """Throughput in bytes per second; ``await_ms`` is the mean time of a request, ``busy`` per cent of wall time."""

    name: str
    read_bytes: float
    written_bytes: float
    operations: float
    await_ms: float
    busy: float


@dataclass(frozen=True, slots=True)
class InterfaceRate:
    """Bytes per second, errors and drops per second."""

    name: str
    rx_bytes: float
    tx_bytes: float
    errors: float


@dataclass(frozen=True, slots=True)
class Rates:
    """What two samples of the same boot say about the time between them."""

    seconds: float
    cpu: CpuRate
    cores: tuple[CpuRate, ...]
    disks: tuple[DiskRate, ...]
    interfaces: tuple[InterfaceRate, ...]


@dataclass(frozen=True, slots=True)
class Filesystem:
    """Space and inodes of a mounted file system, in bytes and counts. Source: statvfs(3) by ``df``."""

    mount: str
    device: str
    type: str
    size: int
    used: int
    available: int
    inodes: int | None = None
    inodes_used: int | None = None
    read_only: bool = False
    hangs: bool = False
    """It was asked and gave no answer: whoever touches it waits."""

    @property
    def answered(self) -> bool:
        """Whether its size is known; a remote one whose server is gone is mounted and tells nothing."""
        return self.size > 0
