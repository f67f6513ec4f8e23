"""Processes that hold a port and that no manager lets go: whose they are, and how they are ended."""

from collections.abc import Sequence
from dataclasses import replace

from console.core.keepers import is_keeper, is_way_in
from console.core.network import Listener, Process
from console.core.restarts import awaits_restart
from console.core.service import Service, ServiceRef
from console.core.snapshot import Snapshot
from console.core.text import mask
from console.core.words import listed
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Holder
from console.managers import unlisted
from console.managers.process import named

LEFT = "its unit left it behind; only root or its user can name it"
"""What is noted of a holder that is hidden in the control group of a unit that has ended, or runs jobs of others."""

_SHELLS = frozenset({"ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "mksh", "sh", "tcsh", "zsh"})
_SESSIONS = frozenset({"init", "login", "screen", "systemd", "tmux", "tmux: server"})
"""In these somebody works, or they look after what nobody does."""
_PASSES_ON = frozenset({"doas", "env", "nice", "nohup", "runuser", "setsid", "su", "sudo", "timeout"})
"""They wait for one program and start none again: who started them is looked at."""


def known(evidence: Evidence) -> Snapshot:
    """The snapshot with the processes of the last look at them."""
    told = evidence.processes
    return evidence.snapshot if told is None else replace(evidence.snapshot, processes=told)


def strays(evidence: Evidence, listener: Listener, service: Service | None) -> tuple[int, ...]:
    """The processes to end, where no manager lets go of the listener."""
    found = unlisted.processes_of(known(evidence), listener, service)
    return tuple(process.pids[0] for process in found)


def chain(evidence: Evidence, pid: int, unit: str | None, process: str | None) -> tuple[str, ...]:
    """Who runs a process without a service, outermost first: a unit, a login's shell, what restarts it."""
    names = [one.name for one in unlisted.above(known(evidence), pid)][::-1]
    words = [*(("systemd", unit) if unit is not None else ()), *names, process or f"pid {pid}"]
    return tuple(word for place, word in enumerate(words) if place == 0 or word != words[place - 1])


def respawn(evidence: Evidence, pid: int) -> str | None:
    """What starts it again: a supervisor that is none of the managers that are known here."""
    found = next((one for one in unlisted.above(known(evidence), pid) if is_keeper(one.name)), None)
    return None if found is None else f"{found.name} (pid {found.pid})"


def again(evidence: Evidence, unit: ServiceRef | None) -> str | None:
    """What becomes of the unit that left it behind: systemd may start that again, and it what it runs."""
    service = evidence.snapshot.service(unit) if unit is not None else None
    if unit is None or service is None or not awaits_restart(service):
        return None
    own = [one.ref.name for one in evidence.snapshot.run_by(unit) if one.enabled == "enabled"]
    more = f", and that {listed(own)}" if own else ""
    return f"systemd starts {unit.name} again (Restart={service.restart_policy or 'not known'}){more}"


def parent(evidence: Evidence, pid: int) -> str | None:
    """What started it, lives and may start it again: a script in a loop, a program of its own; not who logged in."""
    for one in unlisted.above(known(evidence), pid):
        if one.name in _PASSES_ON:
            continue
        session = one.name in _SESSIONS or is_way_in(one.name) or is_keeper(one.name) or _is_prompt(one)
        return None if session else f"{one.name} (pid {one.pid})"
    return None


def _is_prompt(shell: Process) -> bool:
    """Whether it is a shell at which somebody types, and not one that runs a script; unknown words tell nothing."""
    if shell.name.lstrip("-") not in _SHELLS:
        return False
    return all(word.startswith("-") and word != "-c" for word in (shell.command or "").split()[1:])


def why_kept(evidence: Evidence, holder: Holder) -> str | None:
    """Why one of the processes is never signalled from here."""
    snapshot = known(evidence)
    if (own := _its_own(evidence, holder)) is not None:
        return own
    return next((why for pid in holder.strays if (why := unlisted.why_kept(snapshot, pid)) is not None), None)


def _its_own(evidence: Evidence, holder: Holder) -> str | None:
    """Whether it runs just what a service is started with of which no process is known: its pid file may be gone."""
    for service in evidence.snapshot.services:
        file = service.detached.file if service.detached is not None and not service.pids else None
        if file is not None and holder.command is not None and _runs(holder.command, file.command):
            return (
                f"it runs what {file.name} is started with, and may be {file.name}: write {holder.pid} to {file.path}"
            )
    return None


def _runs(command: str, declared: Sequence[str]) -> bool:
    words = list(declared)
    while len(words) > 1 and (words[0].rpartition("/")[2] == "env" or "=" in words[0]):
        del words[0]
    return bool(words) and command.endswith(mask(" ".join(words)))


def words(evidence: Evidence, holders: Sequence[Holder]) -> tuple[str, ...]:
    """The processes by name: ``sleep (pid 70)``."""
    snapshot = known(evidence)
    found = (unlisted.process(snapshot, pid) for holder in holders for pid in holder.strays)
    return tuple(dict.fromkeys(named(one) for one in found if one is not None))


def whose(holder: Holder) -> str:
    """Why no manager lets it go."""
    return f"{holder.ref.name} left it behind" if holder.ref is not None else "no manager owns it"
