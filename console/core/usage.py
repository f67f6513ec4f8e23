"""What a service uses: a reading of its control groups, and what two of them say about the time between."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters of control groups (cgroup-v2 of the kernel's documentation), summed; ``None`` where one is not kept."""

    at: float
    """Seconds since the host booted."""
    groups: tuple[str, ...]
    cpu: float
    """Seconds of processors since the groups were made."""
    memory: int | None = None
    """Bytes now, with the page cache that is charged to them."""
    read: int | None = None
    """Bytes from disks since the groups were made."""
    written: int | None = None
    """Bytes to disks since the groups were made."""


@dataclass(frozen=True, slots=True)
class UsageRates:
    """What happened between two readings."""

    cpu: float
    """Per cent of one processor: 200 is two of them."""
    read: float | None
    """Bytes per second from disks."""
    written: float | None
    """Bytes per second to disks."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What is known of what a service uses, or why nothing is."""

    reading: Reading | None = None
    rates: UsageRates | None = None
    failure: str | None = None


def usage_rates(before: Reading, after: Reading) -> UsageRates | None:
    """Rates; ``None`` where two readings say nothing: other groups, no time, or counters that began anew."""
    seconds = after.at - before.at
    if before.groups != after.groups or seconds <= 0 or after.cpu < before.cpu:
        return None
    return UsageRates(
        cpu=100.0 * (after.cpu - before.cpu) / seconds,
        read=_each_second(before.read, after.read, seconds),
        written=_each_second(before.written, after.written, seconds),
    )


def _each_second(before: int | None, after: int | None, seconds: float) -> float | None:
    return None if before is None or after is None or after < before else (after - before) / seconds
