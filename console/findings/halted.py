"""Services whose main process does nothing since a signal stopped it."""

from console.core.finding import Finding, Severity
from console.core.frozen import go_on, words
from console.core.snapshot import Snapshot, Source

FROZEN = "was stopped by a signal and does not answer"
"""In the words of a manager that was: what mends it follows."""


def halted(snapshot: Snapshot) -> list[Finding]:
    """A service that counts as running, and whose main process does nothing since a signal stopped it."""
    processes = {process.pid: process for process in snapshot.halted}
    return [
        Finding(
            "process-stopped",
            Severity.CRITICAL,
            snapshot.host,
            str(service.ref),
            words(process),
            (
                f"process {process.pid} is in state T (stopped), by /proc/{process.pid}/stat",
                *(f"{source.name}: {source.failure}" for source in snapshot.sources if tells_of(source, process.pid)),
            ),
            (go_on(process.pid),),
            service.ref,
        )
        for service in snapshot.services
        if (process := processes.get(service.pid or 0)) is not None
    ]


def silenced(snapshot: Snapshot) -> frozenset[str]:
    """The sources that do not answer for the one reason that ``halted`` tells."""
    mains = {service.pid for service in snapshot.services}
    pids = [process.pid for process in snapshot.halted if process.pid in mains]
    return frozenset(source.name for source in snapshot.sources for pid in pids if tells_of(source, pid))


def tells_of(source: Source, pid: int) -> bool:
    """Whether a source does not answer for the one reason that a signal stopped this process."""
    why = source.failure or ""
    return why.endswith(f"{FROZEN}: kill -CONT {pid}") and why.count(" kill -CONT ") == 1 and "; " not in why
