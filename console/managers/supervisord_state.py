"""From what supervisord tells of its programs to services."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from console.core.endings import signal_name
from console.core.launch import Launch
from console.core.service import Hint, Service, ServiceRef, State
from console.core.stop_way import StopWay
from console.managers.adrift import NOT_TOLD
from console.managers.elsewhere import named_at
from console.managers.port_words import of_command, of_environment
from console.managers.supervisord_files import CHANGED, NOT_WRITTEN, Ground, Key, Written, drift
from console.managers.supervisord_log import Chronicle, Past
from console.managers.supervisord_program import Program, name_of, number_of, path_of

RECENT = 10.0
"""Seconds for which a program that was started again by itself counts as flapping."""
BY_FILES = "what is known of it is what its files say"
NOT_LOADED = "not loaded"
"""The word for a program that is in the files only."""

UNTOLD = "whether it was to end so was not seen in the log of supervisord"

_SIGNALS = {
    "SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGILL": 4, "SIGTRAP": 5, "SIGABRT": 6, "SIGBUS": 7, "SIGFPE": 8,
    "SIGKILL": 9, "SIGUSR1": 10, "SIGSEGV": 11, "SIGUSR2": 12, "SIGPIPE": 13, "SIGALRM": 14, "SIGTERM": 15,
}  # fmt: skip
_bad_exit = re.compile(r"Bad exit code (\d{1,9})\Z")


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of a daemon beside its programs."""

    ground: Ground = field(default_factory=Ground)
    chronicle: Chronicle = field(default_factory=Chronicle)
    loaded: Mapping[Key, Mapping[str, object]] | None = None
    zone: float | None = None
    """Seconds by which the clock of the log is ahead of UTC."""
    tool: tuple[str, ...] = ()
    tool_missing: str | None = None
    at: str = ""
    """The socket of one that is not the usual one of its host: it is a part of the names of its programs."""


def settled(programs: tuple[Program, ...]) -> bool:
    """Whether no program becomes another state by the mere time that it is up."""
    return not any(map(_young, programs))


def services(programs: tuple[Program, ...], around: Around) -> tuple[Service, ...]:
    """Every program as a service, those included that are in the files only."""
    written = {(each.group, each.name): each for each in around.ground.programs or ()}
    changed = drift(written.values(), around.loaded, (each.key for each in programs)) if around.ground.programs else {}
    several = {each.name for each in programs if sum(other.name == each.name for other in programs) > 1}
    found = []
    for each in programs:
        # The log knows no groups.
        past = None if each.name in several else around.chronicle.programs.get(each.name)
        found.append(_service(each, past, written.get(each.key), around, changed.get(each.key)))
    known = {each.key for each in programs}
    found += [_unknown(each, around) for key, each in written.items() if key not in known]
    return tuple(sorted(found, key=lambda service: service.ref.name))


def _service(each: Program, past: Past | None, written: Written | None, around: Around, changed: str | None) -> Service:
    loaded = (around.loaded or {}).get(each.key, {})
    restarts = _restarts(each, past, loaded)
    state = _state(each, past, restarts)
    running = each.word in ("RUNNING", "STARTING", "STOPPING")
    up = state in (State.RUNNING, State.STARTING) or (each.word == "STOPPED" and not each.start)
    code, signal = (None, None) if up else _ending(each, past)
    autostart = loaded.get("autostart", written.fields.get("autostart") if written else None)
    once = (
        written is not None and written.again == "no" and loaded.get("startsecs", written.fields.get("startsecs")) == 0
    )
    return replace(
        _plain(each.key, around),
        state=state,
        native_state=each.word,
        description=changed or "",
        pids=(each.pid,) if each.pid else (),
        since=each.start if running else each.stop or _ended_at(past, around) or each.start,
        attempt_since=each.start if each.word == "BACKOFF" or state is not State.FLAPPING else None,
        restarts=restarts,
        result=_result(each, past, state),
        exit_code=code,
        exit_signal=signal,
        enabled=None if not isinstance(autostart, bool) else "enabled" if autostart else "disabled",
        unit_file=written.file if written else around.ground.conf,
        needs_reload=changed is not None,
        restart_policy=None if written is None or written.again == "no" else written.again,
        oneshot=once,
        stop_way=_stop_way({**(written.fields if written is not None else {}), **loaded}),
        start_seconds=number_of(loaded.get("startsecs")),
        log_files=each.logs or _written_logs(written),
        launch=_launch(written),
        hints=_hints(written, loaded),
        unclear=UNTOLD if (each.word, state) == ("EXITED", State.UNKNOWN) else None,
    )


def by_its_word(service: Service, why: str) -> Service:
    """The same where others may change the files of its daemon: nothing that they name is read or run."""
    return replace(service, description=why, log_files=(), tool=(), tool_missing=why)


def _stop_way(loaded: Mapping[str, object]) -> StopWay | None:
    """As the daemon has it, else as its files say, else as it is by default."""
    signal, seconds = number_of(loaded.get("stopsignal")), number_of(loaded.get("stopwaitsecs"))
    if not signal or seconds is None or seconds < 0:
        return StopWay("SIGTERM", 10.0, unless="stopsignal= or stopwaitsecs= of its file")
    return StopWay(signal_name(signal), float(seconds))


def _launch(written: Written | None) -> Launch | None:
    """What its files have it run."""
    command, directory = (written.fields.get(key) if written is not None else None for key in ("command", "directory"))
    if not isinstance(command, str):
        return None
    try:
        words = tuple(shlex.split(command))
    except ValueError:
        words = tuple(command.split())
    return Launch(words, path_of(directory))


def _hints(written: Written | None, loaded: Mapping[str, object]) -> tuple[Hint, ...]:
    """Where its environment and its command name a port."""
    if written is None:
        return ()
    command = loaded.get("command", written.fields.get("command"))
    named = of_environment(dict(written.places), written.file)
    return (*named, *(of_command(command, f"its command in {written.file}") if isinstance(command, str) else ()))


def _written_logs(written: Written | None) -> tuple[str, ...]:
    """Where the files name them; those that supervisord names itself are only known to it."""
    if written is None:
        return ()
    named = (path_of(written.fields.get(key)) for key in ("stdout_logfile", "stderr_logfile"))
    return tuple(path for path in named if path is not None)


def _ended_at(past: Past | None, around: Around) -> float | None:
    if past is None or past.ended is None or around.zone is None:
        return None
    return past.ended - around.zone


def _unknown(written: Written, around: Around) -> Service:
    """One that is in the files, and that the daemon does not have."""
    service = _plain((written.group, written.name), around)
    return replace(
        service,
        description="in its files, not loaded yet",
        unit_file=written.file,
        needs_reload=True,
        launch=_launch(written),
    )


def then(service: Service) -> str | None:
    """What else than to be started anew becomes of a program when supervisord starts and reads its files."""
    if service.native_state == NOT_LOADED:
        return "is new in its files and appears"
    if service.description == NOT_WRITTEN:
        return "is not in its files any more and vanishes"
    if service.needs_reload:
        return f"comes back as its file has it now ({service.description.removeprefix(CHANGED)})"
    down = service.native_state in ("STOPPED", "EXITED") and not service.oneshot
    return "is stopped now, and starts with supervisord" if down and service.enabled == "enabled" else None


def unloaded(ground: Ground) -> tuple[Service, ...]:
    """What a daemon that does not run would run, as its files say."""
    around = Around(ground, at=ground.at)
    return tuple(replace(each, adrift=BY_FILES) for each in _by_files(around))


def unanswered(around: Around, why: str) -> tuple[Service, ...]:
    """What a daemon that gives no answer, for which ``why`` is the reason, may run, as its files say."""
    return tuple(replace(each, description=BY_FILES, tool=(), tool_missing=why) for each in _by_files(around))


def abandoned(around: Around, why: str) -> tuple[Service, ...]:
    """What a daemon ran that is gone and left its socket behind, as its files say: its programs may run on."""
    return tuple(
        replace(each, adrift=why, tool=(), tool_missing=why, ran=each.enabled == "enabled")
        for each in _by_files(around)
    )


def _by_files(around: Around) -> tuple[Service, ...]:
    return tuple(
        replace(
            _plain((written.group, written.name), around),
            state=State.UNKNOWN,
            native_state=NOT_TOLD,
            unit_file=written.file,
            enabled="disabled" if written.fields.get("autostart") is False else "enabled",
            restart_policy=None if written.again == "no" else written.again,
            log_files=_written_logs(written),
            hints=_hints(written, {}),
        )
        for written in around.ground.programs or ()
    )


def _plain(key: Key, around: Around) -> Service:
    own, owner = name_of(key), around.ground.owner
    name = named_at(own, around.at)
    scope = "system" if owner in ("", "root") else f"user:{owner}"
    return Service(
        ServiceRef("", "supervisord", name, scope),
        State.STOPPED,
        NOT_LOADED,
        chain=("supervisord", name),
        daemon=around.ground.pid,
        tool=around.tool,
        tool_missing=around.tool_missing,
        handle=(own,) if around.at else (),
        group=key[0] if key[0] != key[1] else None,
        files_wrong=around.ground.bad if around.ground.broken else None,
        files_unseen=None if around.ground.broken else around.ground.bad,
    )


def place_of(service: Service) -> str:
    """The socket of the daemon that told of a program; empty for the usual one of its host."""
    return service.ref.name.removeprefix(f"{service.handle[0]}@") if service.handle else ""


def _state(each: Program, past: Past | None, restarts: int | None) -> State:
    if each.word == "RUNNING":
        return State.FLAPPING if restarts and _young(each) else State.RUNNING
    if each.word == "STARTING":
        return State.FLAPPING if restarts else State.STARTING
    if each.word == "EXITED":
        expected = each.expected if each.expected is not None else past.expected if past is not None else None
        return State.UNKNOWN if expected is None else State.STOPPED if expected else State.FAILED
    return {
        # Its process is still there; the native word says that it ends.
        "STOPPING": State.RUNNING,
        "STOPPED": State.STOPPED,
        "BACKOFF": State.FLAPPING,
        "FATAL": State.FAILED,
    }.get(each.word, State.UNKNOWN)


def _restarts(each: Program, past: Past | None, loaded: Mapping[str, object]) -> int | None:
    """At least so many, as far as the log reaches back."""
    retries = number_of(loaded.get("startretries"))
    if each.word == "FATAL" and retries is not None:
        # It gives up after so many; the log may begin later.
        return max(past.restarts if past is not None else 0, retries)
    if past is None:
        return None
    if each.pid in (None, 0, past.pid):
        return past.restarts
    # A run that the log does not have yet, or not any more where it is older: only one that was just started goes on
    # with what the log counted, unless that was to be somebody's start.
    return past.restarts if _young(each) and not past.by_hand else None


def _young(each: Program) -> bool:
    """Whether it was started so lately that a start by itself is flapping."""
    return each.start is not None and each.now is not None and 0 <= each.now - each.start < RECENT


def _ending(each: Program, past: Past | None) -> tuple[int | None, int | None]:
    if each.code is not None:
        return each.code, None
    if (match := _bad_exit.match(each.said)) is not None:
        return int(match[1]), None
    if past is None or (each.word == "FATAL" and not each.said.startswith("Exited")):
        return None, None
    return past.code, _SIGNALS.get(past.signal or "")


def _result(each: Program, past: Past | None, state: State) -> str | None:
    """``success``, ``signal`` and ``exit-code`` as elsewhere; else supervisord's own words."""
    if each.word in ("FATAL", "BACKOFF"):
        return each.said or None
    if each.word == "EXITED":
        if state is State.STOPPED:
            return "success"
        if each.said == "Bad exit code -1" or (past is not None and past.signal):
            return "signal"
        return "exit-code" if state is State.FAILED else None
    if state is State.FLAPPING and past is not None:
        return "signal" if past.signal else "success" if past.expected else "exit-code"
    return None
