"""Processes in state D: they wait for a disk or a network file system and cannot be interrupted."""

from console.probes.processes import BLOCKED

PROBE = BLOCKED
