"""Processes by their pids: who they are, what runs them, since when."""

from console.probes.processes import PROCESS, PS

PROBE, SHOWN = PROCESS, PS
