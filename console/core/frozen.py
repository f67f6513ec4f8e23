"""A process that does nothing since a signal stopped it, and what makes it go on."""

from console.core.finding import Proposal
from console.core.network import Process

STOPPED = "T"
"""The state of proc_pid_stat(5); one that a debugger holds (``t``) goes on by itself."""


def is_frozen(process: Process | None) -> bool:
    """Whether SIGSTOP or SIGTSTP stopped it, as far as it was seen."""
    return process is not None and process.state == STOPPED


def words(process: Process) -> str:
    """That it is, behind the name of whose it is."""
    return f"its process {process.pid} ({process.name}) was stopped by a signal and does nothing"


def go_on(pid: int) -> Proposal:
    """What a person does then, who knows whether somebody looks into it."""
    why = "by hand: somebody stopped it, perhaps to look into it"
    return Proposal("continue", f"let process {pid} go on", commands=(f"kill -CONT {pid}",), reason_off=why)
