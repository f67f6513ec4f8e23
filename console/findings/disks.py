"""File systems that run out of space or inodes, and when they will, where the trend is known."""

from dataclasses import dataclass, field

from console.core.finding import Finding, Severity
from console.core.sample import Filesystem
from console.core.snapshot import Snapshot
from console.core.thresholds import Thresholds
from console.findings.words import size, span

SOON = 4 * 3600.0
"""Seconds to a full file system below which it cannot wait."""
LONGEST = 3600.0
"""Seconds of history that a trend rests on."""
SHORTEST = 600.0
"""Seconds of history below which a trend is a guess."""
STEP = 60.0
"""Seconds between two points of the history."""


@dataclass(slots=True)
class Trend:
    """How the use of each file system of one boot developed, in the host's monotonic time."""

    boot: str | None = None
    points: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def note(self, snapshot: Snapshot) -> None:
        """Take the present values; a reboot begins anew."""
        sample = snapshot.sample
        if sample is None:
            return
        if sample.boot_id != self.boot:
            self.boot, self.points = sample.boot_id, {}
        mounts = {one.mount: one.used for one in snapshot.filesystems}
        self.points = {mount: self._grown(mount, sample.uptime, used) for mount, used in mounts.items()}

    def _grown(self, mount: str, now: float, used: int) -> list[tuple[float, int]]:
        known = self.points.get(mount, [])
        if known and now - known[-1][0] < STEP:
            return known
        return [point for point in known if now - point[0] <= LONGEST] + [(now, used)]

    def seconds_to_full(self, filesystem: Filesystem) -> float | None:
        """When it is full if it goes on like this; ``None`` where it does not grow or is not known long enough."""
        known = self.points.get(filesystem.mount, [])
        if len(known) < 2:
            return None
        (began, before), (ended, after) = known[0], known[-1]
        if ended - began < SHORTEST or after <= before:
            return None
        return filesystem.available / ((after - before) / (ended - began))


def silent(snapshot: Snapshot) -> list[Finding]:
    """File systems whose server does not answer: whatever reads or writes there waits, and cannot even be killed."""
    return [
        Finding(
            "mount-silent",
            Severity.CRITICAL,
            snapshot.host,
            one.mount,
            f"does not answer: what touches it waits for {one.device or one.type}",
            (f"{one.mount} ({one.device}, {one.type}): stat -f {one.mount} had no answer in 1 s",),
        )
        for one in snapshot.silent_mounts
    ]


def filling(snapshot: Snapshot, thresholds: Thresholds, trend: Trend | None = None) -> list[Finding]:
    """Space and inodes of every file system that can be written to."""
    writable = [one for one in snapshot.filesystems if not one.read_only]
    found = [_space(snapshot, one, thresholds, trend) for one in writable]
    found += [_inodes(snapshot, one, thresholds) for one in writable]
    return [finding for finding in found if finding is not None]


def _space(snapshot: Snapshot, one: Filesystem, thresholds: Thresholds, trend: Trend | None) -> Finding | None:
    # As df counts: what is kept for root is not free to anybody else.
    reachable = one.used + one.available
    if reachable <= 0:
        return None
    used = 100.0 * one.used / reachable
    if used < thresholds.filesystem_warning:
        return None
    left = trend.seconds_to_full(one) if trend is not None else None
    worst = used >= thresholds.filesystem_critical or (left is not None and left < SOON)
    full = "full" if one.available == 0 else f"{_percent(used)} full, {size(one.available)} left"
    pace = f", full in {span(left)} at this rate" if left is not None and one.available else ""
    evidence = (
        f"{one.mount} ({one.device}, {one.type}): {size(one.used)} of {size(one.size)} used, "
        f"{size(one.available)} available",
    )
    severity = Severity.CRITICAL if worst else Severity.WARNING
    return Finding("disk-full", severity, snapshot.host, one.mount, full + pace, evidence)


def _inodes(snapshot: Snapshot, one: Filesystem, thresholds: Thresholds) -> Finding | None:
    if not one.inodes or one.inodes_used is None:
        return None
    used = 100.0 * one.inodes_used / one.inodes
    if used < thresholds.inodes_warning:
        return None
    severity = Severity.CRITICAL if used >= thresholds.inodes_critical else Severity.WARNING
    left = one.inodes - one.inodes_used
    summary = f"{_percent(used)} of its inodes used, {left} left: no new files even with space free"
    evidence = (f"{one.mount} ({one.device}, {one.type}): {one.inodes_used} of {one.inodes} inodes used",)
    return Finding("inodes-full", severity, snapshot.host, one.mount, summary, evidence)


def _percent(value: float) -> str:
    """Rounded down: 99.9 % is not full."""
    return f"{int(value)} %"
