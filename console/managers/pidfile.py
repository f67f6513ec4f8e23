"""Processes that were started by hand or by a script, known by a pid file: declared, or found beside a running process.

Nobody starts them again and nobody knows how they were started: what is not declared can be stopped, not started. A pid
file outlives its process and the number is given to another one, so a process is signalled only after its number and
the time of its start were compared, in the same script.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from console.core.command import Command, Effect, quote
from console.core.log_text import service_line
from console.core.pid_file import Detached, PidFile
from console.core.plan import ActionKind, Check
from console.core.probe import Probe
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import LogLine
from console.core.text import cut, mask
from console.managers import pidfile_actions as scripts
from console.managers.beside import beside_words
from console.managers.lineage import launches, unit_of
from console.managers.pidfile_read import parse, told
from console.managers.pidfile_scripts import PRESENCE, SURVEY

PRESENCE_PROBE: Probe[str] = Probe("pidfile_presence", PRESENCE, str, every=5.0, slow=True, killed_after=2.0)
"""The pid files of interest with the start of the processes that they name."""

SURVEY_PROBE: Probe[tuple[Service, ...]] = Probe(
    "pidfile", SURVEY, parse, requires=("stat", "tr", "head", "readlink"), every=30.0, slow=True, cached=False,
    timeout=10.0, killed_after=4.0,
)  # fmt: skip
"""All that is known of them."""

LAUNCH = 15.0
"""Seconds that a start may take until there is a process, at most."""
_STARTS = frozenset({ActionKind.START, ActionKind.RESTART, ActionKind.FREE_PORT})
_SIGNALS = frozenset({ActionKind.STOP, ActionKind.RESTART, ActionKind.RELOAD})


class PidFiles:
    """The manager of what has none."""

    id = "pidfile"
    priority = 6
    presence = PRESENCE_PROBE
    survey = SURVEY_PROBE

    def probes(self) -> tuple[Probe[Any], ...]:
        """Both probes."""
        return (PRESENCE_PROBE, SURVEY_PROBE)

    def presence_words(self, declared: tuple[PidFile, ...]) -> tuple[str, ...]:
        """The declared files."""
        return tuple(file.path for file in declared)

    def survey_words(self, declared: tuple[PidFile, ...], known: tuple[Service, ...]) -> tuple[str, ...]:
        """The declared files, and those that were found before: only of these a stale one means something."""
        seen = {service.ref.name: service.detached.file for service in known if service.detached is not None}
        files = [_remembering(file, seen.get(file.name)) for file in declared]
        names = {file.name for file in declared}
        files += [file for name, file in seen.items() if not file.declared and name not in names]
        return (*_pairs(files), ".")

    def why_not(self, service: Service, kind: ActionKind) -> str | None:
        """Why it cannot be started or signalled from here."""
        found = service.detached
        if found is None:
            return f"{service.ref.name}: its pid file was not looked at yet"
        running = bool(service.pids)
        if kind is ActionKind.START and running and service.state is State.UNKNOWN:
            return (
                f"process {service.pid} of {service.ref.name} still runs, without its pid file: restart it, or stop it"
            )
        if kind in _STARTS and (off := _no_start(service, found)) is not None:
            return off
        if kind in _SIGNALS and running:
            return found.stop_off or _foreign(service)
        if kind is ActionKind.STOP and found.pid is not None:
            return f"{service.ref.name} does not run: {found.file.path} names another process, which is left alone"
        return None

    def start(self, service: Service) -> Command:
        """The declared command, in a session of its own; of what runs that is the undo of its stop, which it awaits."""
        found = _startable(service)
        file = found.file
        if service.pids:
            again = (*_stop_words(found), _wrong(service), *_launch(file))
            seconds = LAUNCH + file.stop_timeout
            return _change(found.start_words, scripts.START_AGAIN, again, seconds, f"start {_shown(file)}")
        words = (file.path, file.name, _wrong(service), *_launch(file))
        return _change(found.start_words, scripts.START, words, LAUNCH, f"start {_shown(file)}")

    def stop(self, service: Service) -> Command:
        """The stop signal to exactly the process that is known, or to the one that a start left in the file."""
        found = _known(service)
        file = found.file
        patience = _patience(file)
        if not service.pids:
            started = (file.path, file.name, _wrong(service), file.stop_signal, patience)
            text = f"{file.stop_signal} to what {file.path} names by now, wait {patience} s"
            return _change(_as_starter(found), scripts.STOP_STARTED, started, file.stop_timeout, text)
        text = f"{file.stop_signal} to {_if_still(service, found)}, wait {patience} s"
        return _change(found.stop_words, scripts.STOP, _stop_words(found), file.stop_timeout, text)

    def restart(self, service: Service) -> Command:
        """Stop and start in one script, which looks first whether it can be started at all.

        Where no process was seen there may be one by now: another restart has a moment in which there is none.
        """
        found = _startable(service)
        if not service.pids:
            return self.restart_started(service)
        file = found.file
        words = (*_stop_words(found), _wrong(service), *_launch(file))
        ended = f"{file.stop_signal} to {_if_still(service, found)}, wait {_patience(file)} s"
        text = f"{ended}, then start {_shown(file)}"
        return _change(found.start_words, scripts.RESTART, words, 2 * file.stop_timeout + LAUNCH, text)

    def restart_started(self, service: Service) -> Command:
        """The same to the process that a start left in the file, whichever that is."""
        file = _startable(service).file
        words = (file.path, file.name, file.stop_signal, _patience(file), _wrong(service), *_launch(file))
        text = f"{file.stop_signal} to what {file.path} names by now, then start {_shown(file)}"
        return _change(
            _startable(service).start_words, scripts.RESTART_STARTED, words, 2 * file.stop_timeout + LAUNCH, text
        )

    def still(self, service: Service) -> Check | None:
        """The pid file names the process that was seen, or none that runs."""
        found = service.detached
        if found is None or not service.pids:
            return None
        words = (found.file.path, service.ref.name, str(found.pid), str(found.started))
        return Check(
            f"{service.ref.name} is the process that was seen", _look(scripts.STILL, service, *words), within=0
        )

    def signal(self, service: Service, name: str) -> Command:
        """A signal to exactly the process that is known."""
        found = _known(service)
        if not service.pids:
            raise ValueError(f"{service.ref.name} has no process that could be signalled")
        words = (found.file.path, found.file.name, str(found.pid), str(found.started), name)
        return _change(found.stop_words, scripts.SIGNAL, words, 0.0, f"{name} to {_if_still(service, found)}")

    def is_running(self, service: Service, *, hold: float) -> Check:
        """The pid file names a process that runs."""
        look = _look(scripts.IS_RUNNING, service, _path(service), service.ref.name, _wrong(service))
        return Check(f"{service.ref.name} runs", look, within=30.0, hold=hold)

    def is_stopped(self, service: Service) -> Check:
        """The process has ended and the pid file names no other."""
        found = service.detached
        pid, began = (str(found.pid), str(found.started)) if found and service.pids else ("", "")
        look = _look(scripts.IS_STOPPED, service, _path(service), service.ref.name, pid, began, _wrong(service))
        return Check(f"{service.ref.name} has ended", look, within=30.0)

    def run_id(self, service: Service) -> Command:
        """The process and when it started."""
        return _look(scripts.RUN_ID, service, _path(service), _wrong(service))

    def log_command(self, service: Service, *, lines: int, since: float | None, follow: bool) -> Command:
        """``tail`` of its log file, which is followed through rotation; ``since`` is left to the reader."""
        if not service.log_files:
            raise ValueError("where it writes its log is not known here: declare its logs in the configuration")
        words = ("tail", "-n", str(lines), *(("-F",) if follow else ()), "--")
        argv = ("sh", "-c", scripts.FOLLOW, "sh", service.log_files[0], *words)
        return Command(argv, purpose=f"read {service.log_files[0]}")

    def environment_words(self, service: Service) -> tuple[str, ...]:
        """A file where it is started or beside its pid file, and its process."""
        return (*beside_words(service), *(("process", str(service.pid)) if service.pid else ()))

    def log_paths(self, service: Service) -> tuple[str, ...]:
        """The first of its log files."""
        return service.log_files[:1]

    def log_line(self, ref: ServiceRef, text: str) -> LogLine | None:
        """One line of a log file."""
        return service_line(ref, "file", text)


PIDFILE = PidFiles()


def _pairs(files: Iterable[PidFile]) -> Iterable[str]:
    for file in files:
        yield file.path
        yield told(file)


def _remembering(file: PidFile, seen: PidFile | None) -> PidFile:
    """A declared file with what was seen of its last run: the log that it had serves when it is started again."""
    if seen is None or seen.path != file.path:
        return file
    return replace(file, run=seen.run, logs=file.logs or seen.logs)


def _known(service: Service) -> Detached:
    if service.detached is None:
        raise ValueError(f"{service.ref.name}: its pid file was not looked at yet")
    return service.detached


def _startable(service: Service) -> Detached:
    found = _known(service)
    if not found.file.command:
        raise ValueError(_no_command(service))
    return found


def _no_command(service: Service) -> str:
    name = service.ref.name
    return f'how {name} is started is not known: declare its command under [[services]], manager = "pidfile"'


def _no_start(service: Service, found: Detached) -> str | None:
    if not found.file.command:
        return _no_command(service)
    if service.pids and found.owner is not None and found.starter != found.owner:
        return (
            f"{service.ref.name} runs as {found.owner} and would be started as {found.starter}: "
            "declare its user in the configuration"
        )
    return found.start_off


def _foreign(service: Service) -> str | None:
    """A unit that has the process in its control group, other than a session or what only launched it."""
    unit = unit_of(service.cgroup) or ""
    if not unit.endswith(".service") or launches(unit):
        return None
    return f"{service.ref.name} is a process of {unit}: act on that"


def _as_starter(found: Detached) -> tuple[str, ...]:
    """What was just started is of the one who started it; root needs no other user's words to signal it."""
    return found.start_words if found.start_words[:1] == ("sudo",) else ()


def _wrong(service: Service) -> str:
    """The process that the file names and that is not the service."""
    found = service.detached
    return "" if found is None or found.pid is None or service.pids else f"{found.pid} {found.started}"


def _path(service: Service) -> str:
    return _known(service).file.path


def _shown(file: PidFile) -> str:
    return cut(mask(quote(file.command)), 160)


def _if_still(service: Service, found: Detached) -> str:
    """The process that is meant, and by what it is known again."""
    began = datetime.fromtimestamp(int(service.since or 0.0), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"pid {found.pid} of {found.file.path} if it still is the process that began at {began}"


def _patience(file: PidFile) -> str:
    return str(max(1, round(file.stop_timeout)))


def _stop_words(found: Detached) -> tuple[str, ...]:
    file = found.file
    return (file.path, file.name, str(found.pid), str(found.started), file.stop_signal, _patience(file))


def _launch(file: PidFile) -> tuple[str, ...]:
    return (file.directory, file.logs[0] if file.logs else "/dev/null", *file.command)


def _change(words: tuple[str, ...], script: str, args: tuple[str, ...], seconds: float, text: str) -> Command:
    argv = (*words, "sh", "-c", script, "sh", *args)
    return Command(argv, timeout=30.0 + seconds, effect=Effect.CHANGE, purpose=text)


def _look(script: str, service: Service, *args: str) -> Command:
    return Command(("sh", "-c", script, "sh", *args), purpose=f"look at {service.ref.name}")
