"""One fact of a host per file: what is asked and how the answer is read. Pure."""

from console.core.probe import Probe
from console.probes import (
    addresses,
    blocked,
    clock,
    filesystems,
    identity,
    limits,
    listeners,
    process,
    sockets,
    vitals,
)

ALL: tuple[Probe[object], ...] = (
    vitals.PROBE,
    clock.PROBE,
    identity.PROBE,
    listeners.PROBE,
    filesystems.PROBE,
    blocked.PROBE,
    process.PROBE,
    sockets.PROBE,
    limits.PROBE,
    addresses.PROBE,
)
"""Every probe of this package; those of the service managers come from ``console.managers``."""
