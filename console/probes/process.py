"""Processes by their pids: who they are, what runs them, since when."""

from console.probes.processes import PLACES, PROCESS, PS, places

__all__ = ["PLACES", "PROBE", "SHOWN", "places"]

PROBE, SHOWN = PROCESS, PS
