"""From where on something is worth a finding: the one set of limits that rules and configuration share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits in pairs, the second not below the first. Per cent unless the name says otherwise."""

    filesystem_warning: float = 90.0
    """Space used of a file system."""
    filesystem_critical: float = 95.0
    inodes_warning: float = 90.0
    """Inodes used of a file system."""
    inodes_critical: float = 98.0
    iowait_warning: float = 40.0
    """Time that CPUs wait for IO."""
    iowait_critical: float = 60.0
    io_pressure_warning: float = 40.0
    """Time in which some task waits for IO (PSI, mean of 10 seconds)."""
    io_pressure_critical: float = 80.0
    memory_pressure_warning: float = 10.0
    """Time in which some task waits for memory (PSI, mean of 10 seconds)."""
    memory_pressure_critical: float = 40.0
    memory_warning: float = 95.0
    """Memory that is not available to programs."""
    memory_critical: float = 98.0
    swap_warning: float = 80.0
    """Swap used, where memory is short as well."""
    swap_critical: float = 95.0
    clock_skew_seconds_warning: float = 2.0
    """Seconds between the host's clock and this machine's."""
    clock_skew_seconds_critical: float = 60.0
    restarts_warning: float = 3.0
    """Automatic restarts of a running service since it was started by hand."""
    restarts_critical: float = 10.0
