"""Processes in state T of proc_pid_stat(5): SIGSTOP or SIGTSTP stopped them, and they do nothing until SIGCONT."""

from console.probes.processes import HALTED

PROBE = HALTED
