"""From the answer of the survey to services: which process a pid file names, and whether that is the service."""

import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from console.core.launch import Launch
from console.core.pid_file import Detached, PidFile
from console.core.probe import ParseError
from console.core.service import Service, ServiceRef, State
from console.core.stop_way import StopWay
from console.core.text import cut, mask, sanitise
from console.managers.pidfile_ways import Host, ways
from console.managers.port_words import of_command

TICKS = 100
"""Clock ticks per second: USER_HZ, 100 on every architecture that Linux still supports here."""
SLACK = 2
"""Seconds by which a process may seem to be younger than its pid file: both times are whole seconds, rounded."""
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh", "env", "nohup", "setsid", "nice", "sudo", "su"})
_interpreter = re.compile(r"(python|pypy|node|nodejs|bun|deno|perl|ruby|php|lua|tclsh|java)[\d.]*\Z", re.ASCII)
_head = re.compile(r"me (?P<uid>\d{1,10}) (?P<user>\S+)\n(?P<flags>(?:[a-z -]+\n)*)boot (?P<boot>\d{1,12})\Z", re.ASCII)
_WAYS_IN = frozenset({"sshd", "dropbear", "systemd", "init"})
_EVERYWHERE = ("/", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/etc/init.d")


@dataclass(slots=True)
class _Entry:
    """One pid file as the host tells it."""

    path: str
    file: PidFile | None = None
    trouble: str = ""
    """``closed``, ``missing``, ``hidden``, ``gone`` or ``no`` (number)."""
    uid: int = 0
    written: int = 0
    pid: int | None = None
    started: int = 0
    name: str = ""
    alone: bool = False
    owner_uid: int | None = None
    owner: str | None = None
    argv: tuple[str, ...] = ()
    cwd: str = ""
    exe: str = ""
    outputs: list[str] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """Whether the file names a process that is there."""
        return self.pid is not None and not self.trouble

    @property
    def bereft(self) -> bool:
        """Whether the process of its last run is there and the file does not name it any more."""
        run = self.file.run if self.file is not None else None
        last = run is not None and (run[0], run[1]) == (self.pid, self.started)
        return last and self.alone and self.trouble in ("missing", "no")


def told(file: PidFile) -> str:
    """A file that is known beforehand as a word for the probe, which gives it back."""
    return json.dumps(asdict(file), ensure_ascii=True, separators=(",", ":"))


def parse(text: str) -> tuple[Service, ...]:
    """Read the answer of ``SURVEY``; of a file that cannot be read nothing is told, and the others are."""
    blocks = text.split("\nfile ")
    host = _host(blocks[0])
    entries = []
    for block in blocks[1:]:
        entry = _entry(block)
        # What is merely found and is not of its process hides nothing that is.
        if entry is not None and (entry.file is not None or why_wrong(entry, host) is None):
            entries.append(entry)
    return tuple(_service(entry, host) for entry in _named(_once(entries), host))


def _host(head: str) -> Host:
    match = _head.match(head)
    if match is None:
        raise ParseError("me UID NAME, tools and boot SECONDS", head.split("\n")[0])
    lines = set(match["flags"].split("\n"))
    tools = frozenset(line.removeprefix("tool ") for line in lines if line.startswith("tool "))
    return Host(int(match["uid"]), match["user"], tools, int(match["boot"]), "systemd" in lines, "linger" in lines)


def _entry(block: str) -> _Entry | None:
    path, *lines = block.split("\n")
    entry = _Entry(path)
    try:
        for line in lines:
            _take(entry, *line.partition(" ")[::2])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return entry


def _take(entry: _Entry, key: str, value: str) -> None:
    if key == "told":
        entry.file = _file(json.loads(value))
    elif key == "written":
        entry.uid, entry.written = _numbers(*value.split(" ", 1))
    elif key == "process":
        pid, started, entry.name = value.split(" ", 2)
        entry.pid, entry.started = _numbers(pid, started)
    elif key == "owner":
        uid, entry.owner = value.split(" ", 1)
        [entry.owner_uid] = _numbers(uid)
    elif key == "command":
        entry.argv = tuple(value.rstrip("\t").split("\t")) if value.strip() else ()
    elif key in _STATES:
        entry.trouble = key
    elif key == "out":
        entry.outputs.append(value)
    elif key in ("cwd", "exe"):
        setattr(entry, key, value)
    elif key == "alone":
        entry.alone = True


def _numbers(*words: str) -> tuple[int, ...]:
    if not all(word.isascii() and word.isdigit() and len(word) <= 15 for word in words):
        raise ValueError
    return tuple(map(int, words))


def _file(fields: Mapping[str, Any]) -> PidFile:
    """What ``told`` made, given back by the host."""
    lists = {name: tuple(fields[name]) for name in ("command", "logs")}
    run = fields["run"]
    file = PidFile(**{**fields, **lists, "run": None if run is None else (run[0], run[1], run[2])})
    words = (file.name, file.path, file.directory, file.stop_signal, *file.command, *file.logs, file.user or "")
    numbers = (file.stop_timeout, *(file.run or ()))
    if not all(isinstance(word, str) for word in words) or not all(isinstance(one, int | float) for one in numbers):
        raise TypeError
    # It is what the configuration says, where nothing else is allowed; JSON writes out what would have been removed.
    if any(sanitise(word) != word for word in words):
        raise ValueError
    return file


def _once(entries: Iterable[_Entry]) -> list[_Entry]:
    """Each file once and each process once; what is known beforehand comes first."""
    paths: set[str] = set()
    pids: set[int] = set()
    kept = []
    for entry in entries:
        path = entry.path.replace("/var/run/", "/run/", 1) if entry.path.startswith("/var/run/") else entry.path
        if path in paths or (entry.file is None and entry.pid in pids):
            continue
        paths.add(path)
        if entry.pid is not None:
            pids.add(entry.pid)
        kept.append(entry)
    return kept


def _named(entries: Iterable[_Entry], host: Host) -> list[_Entry]:
    """Those that are shown, each with its file; what is merely found must be alive and beyond doubt."""
    kept: list[_Entry] = []
    names: set[str] = set()
    for entry in entries:
        if entry.file is None:
            if not entry.alive or not entry.alone or not entry.argv:
                continue
            stem = posixpath.basename(entry.path).removesuffix(".pid")
            entry.file = PidFile(entry.path if stem in names else stem, entry.path, declared=False)
        elif entry.file.declared or entry.bereft:
            pass
        elif entry.trouble in ("missing", "no") or (entry.alive and not entry.alone):
            # Its file was taken away, as at an orderly end, or another manager runs it by now.
            continue
        names.add(entry.file.name)
        kept.append(entry)
    return kept


def why_wrong(entry: _Entry, host: Host) -> str | None:
    """Why the process that a pid file names cannot be the service, or ``None``."""
    file = entry.file
    since = host.boot + entry.started / TICKS
    likeness = _likeness(file.command, file.directory, entry) if file is not None and file.command else None
    if entry.uid != 0 and entry.owner_uid is not None and entry.uid != entry.owner_uid:
        return f"its pid file is of another user (uid {entry.uid}) than process {entry.pid} ({entry.owner})"
    if since > entry.written + SLACK:
        late = since - entry.written
        return f"process {entry.pid} began {late:.0f} s after its pid file was written"
    if likeness == "same":
        return None
    run = None if file is None else file.run
    if run is not None and (run[0], run[2]) == (entry.pid, entry.written) and run[1] != entry.started:
        return f"process {entry.pid} is another one than before"
    if likeness == "other":
        return f"process {entry.pid} does not run {file.command[0] if file else ''}"
    return None


def _likeness(command: tuple[str, ...], directory: str, entry: _Entry) -> str:
    """``same`` arguments, ``like``: may be what the command started, ``other``.

    A script shows behind its interpreter, a daemon may call itself as it likes, and a launcher starts another program,
    most often one of its own directory.
    """
    program = posixpath.basename(command[0])
    if _is_same(command, entry.argv):
        return "same"
    if program in _SHELLS:
        return "like"
    seen = [posixpath.basename(word.rstrip(":")) for word in (*entry.argv[:3], entry.exe, *entry.argv[:1])]
    title = entry.argv[0].split(" ")[0].rstrip(":") if entry.argv else ""
    if program in seen or program[:15] == entry.name or posixpath.basename(title) == program:
        return "like"
    homes = {posixpath.dirname(command[0]), directory} - {"", *_EVERYWHERE}
    places = (*entry.argv[:8], entry.exe, entry.cwd)
    return "like" if any(_below(place, home) for place in places for home in homes) else "other"


def _is_same(command: tuple[str, ...], argv: tuple[str, ...]) -> bool:
    """Whether these are the arguments, behind an interpreter or not: a pager of the file has it behind its name too."""
    if not argv:
        return False
    first = posixpath.basename(argv[0])
    if argv[1:] == command[1:] and first == posixpath.basename(command[0]):
        return True
    return argv[1:] == command and (first in _SHELLS or _interpreter.match(first) is not None)


def _below(place: str, home: str) -> bool:
    return place == home or place.startswith(home.rstrip("/") + "/")


_STATES: Mapping[str, tuple[State, str, str]] = {
    "closed": (State.UNKNOWN, "pid file not readable", "this user may not read {path}"),
    "missing": (State.STOPPED, "no pid file", "there is no {path}"),
    "hidden": (State.UNKNOWN, "processes hidden", "/proc does not show this user the processes of others"),
    "no": (State.STOPPED, "no pid in its file", "{path} holds no number of a process"),
    "gone": (State.FAILED, "stale pid file", "{path} is there, but the process that it names is not"),
}


def _service(entry: _Entry, host: Host) -> Service:
    file = entry.file
    assert file is not None
    ref = ServiceRef("", "pidfile", file.name)
    if entry.bereft:
        return _bereft(entry, host, ref)
    if entry.trouble:
        state, word, why = _STATES[entry.trouble]
        why = why.format(path=entry.path)
        return Service(
            ref, state, word, why, user=file.user, result=why if state is State.FAILED else None, log_files=file.logs,
            detached=_as_left(entry, host, ways(Detached(file), host, None)),
            launch=Launch(file.command, file.directory, file.path),
            hints=of_command(file.command, "its declared command"), unclear=why if state is State.UNKNOWN else None,
        )  # fmt: skip
    shown = cut(mask(" ".join(entry.argv) or f"[{entry.name}]"), 200)
    now = Detached(file, entry.pid, entry.started, owner=entry.owner)
    wrong = why_wrong(entry, host)
    if wrong is not None:
        name = mask(entry.name)
        return Service(
            ref, State.FAILED, f"wrong process: {name}", f"{wrong}: {shown}", user=file.user, result=wrong,
            log_files=file.logs, detached=_as_left(entry, host, ways(now, host, entry.owner_uid)),
            hints=of_command(file.command, "its declared command"),
        )  # fmt: skip
    logs = tuple(dict.fromkeys((*file.logs, *(path for path in entry.outputs if _is_log(path)))))
    way_in = f"{entry.name} is the way to this host: it is not signalled from here" if entry.name in _WAYS_IN else None
    found = replace(now, file=replace(file, logs=logs, run=(entry.pid or 0, entry.started, entry.written)))
    return Service(
        ref, State.RUNNING, "alive", f"{shown} (in {entry.cwd})" if entry.cwd else shown,
        pids=(entry.pid or 0,), since=host.boot + entry.started / TICKS, user=entry.owner, log_files=logs,
        launch=Launch(entry.argv, entry.cwd or None, file.path),
        # SIGKILL is a plan of its own.
        stop_way=StopWay(f"SIG{file.stop_signal}", file.stop_timeout, None),
        detached=ways(found, host, entry.owner_uid, way_in),
    )  # fmt: skip


def _as_left(entry: _Entry, host: Host, found: Detached) -> Detached:
    """Of one that does not run: whose the pid file is, which its last run left, tells who ran it."""
    if found.file.user is not None or not entry.written or entry.uid == host.uid or found.start_off is not None:
        return found
    why = (
        f"{entry.path} is of another user (uid {entry.uid}) than {found.starter}, as whom {found.file.name} would be "
        "started: declare its user in the configuration"
    )
    return replace(found, start_off=why)


def _bereft(entry: _Entry, host: Host, ref: ServiceRef) -> Service:
    """One that runs on though its file is gone: what goes by the file takes it for stopped."""
    file = entry.file
    assert file is not None
    gone = f"there is no {entry.path}" if entry.trouble == "missing" else f"{entry.path} holds no number of a process"
    shown = cut(mask(" ".join(entry.argv) or f"[{entry.name}]"), 200)
    now = Detached(file, entry.pid, entry.started, owner=entry.owner)
    return Service(
        ref, State.UNKNOWN, f"pid file gone, process {entry.pid} still runs", f"{gone}: {shown}",
        pids=(entry.pid or 0,), since=host.boot + entry.started / TICKS, user=entry.owner, log_files=file.logs,
        launch=Launch(entry.argv, entry.cwd or None, file.path), detached=ways(now, host, entry.owner_uid),
        unclear=gone,
    )  # fmt: skip


def _is_log(path: str) -> bool:
    return path.startswith("/") and not path.startswith(("/dev/", "/proc/")) and not path.endswith(" (deleted)")
