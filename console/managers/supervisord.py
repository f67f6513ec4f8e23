"""supervisord: its programs, each a service."""

import re
from dataclasses import dataclass
from typing import Any

from console.core.command import Command, Effect, quote
from console.core.log_text import service_line
from console.core.on_disk import OnDisk
from console.core.plan import ActionKind, Check
from console.core.probe import ParseError, Probe
from console.core.service import Service, ServiceRef
from console.core.snapshot import LogLine
from console.managers.as_user import as_its_user
from console.managers.beside import beside_words
from console.managers.supervisord_files import GROUND_PROBE, WITH_READER, parse_ground
from console.managers.supervisord_log import zone_seconds
from console.managers.supervisord_presence import PRESENCE
from console.managers.supervisord_program import Program, key_of, programs_of_status
from console.managers.supervisord_scripts import (
    FILES_LOAD,
    HOW_ENDED,
    IS_ONCE,
    IS_RUNNING,
    IS_STOPPED,
    LOGS,
    RUN_ID,
    SILENT,
    SURVEY,
    WRITTEN,
)
from console.managers.supervisord_state import NOT_LOADED, then, unloaded

SUPERVISORD_PRESENCE: Probe[str] = Probe("supervisord_presence", PRESENCE, str, every=5.0, slow=True)
"""Its sockets, whether they may be used (``rw PATH``, ``denied PATH``), and what changes with its files."""

# A program's name has no blank, no colon and no star that stands alone: supervisor.options.process_or_group_name.
_NAME = re.compile(r"[^\s:]+(?::[^\s:]+)?\Z")


@dataclass(frozen=True, slots=True)
class Status:
    """What ``supervisorctl status`` told."""

    programs: tuple[Program, ...] = ()
    log: str = ""
    """The end of the daemon's own log, where it may be read."""
    why: str | None = None
    """What it said instead."""
    zone: float | None = None
    """Seconds by which the clock of the log is ahead of UTC."""

    @property
    def hangs(self) -> bool:
        """Whether it gave the tool no answer."""
        return self.why == SILENT


def parse_survey(text: str) -> Status:
    """Read the answer of ``SURVEY``."""
    first, _, rest = text.partition("\n")
    clock, _, zone = first.partition(" ")
    if not clock.isdecimal():
        raise ParseError("the time in seconds", first)
    told, found, log = f"\n{rest}\n".partition("\nlog\n")
    if not found:
        raise ParseError("a line 'log'", rest[-200:])
    lines = [line for line in told.split("\n") if line.strip()]
    programs = programs_of_status(lines, float(clock))
    # Without any program it says nothing at all.
    why = lines[-1].strip()[:200] if lines and not programs else None
    return Status(programs, log, why, zone_seconds(zone))


SUPERVISORD_STATUS: Probe[Status] = Probe(
    "supervisord_status", SURVEY, parse_survey, requires=("timeout",), slow=True, cached=False, every=30.0, timeout=20.0
)
"""LOG TOOL...: its programs, where the socket itself may not be used."""


def parse_written(text: str) -> OnDisk:
    """Read the answer of ``WRITTEN``."""
    if not text:
        return OnDisk()
    ground = parse_ground(text)
    unseen = ground.foreign or (None if ground.broken else ground.bad)
    return OnDisk(unloaded(ground), ground.bad if ground.broken else None, unseen)


SUPERVISORD_WRITTEN: Probe[OnDisk] = Probe(
    "supervisord_written", WITH_READER + WRITTEN, parse_written, slow=True, cached=False, timeout=20.0
)
"""UNIT: what is written in the files of a supervisord that is down."""

MOST = 8
"""Programs whose change is told one by one."""
_UNIT = re.compile(r"supervisor[\w.@:-]*\.service")


class Supervisord:
    """The manager of programs that stay in the foreground."""

    id = "supervisord"
    priority = 1
    presence = SUPERVISORD_PRESENCE
    written = SUPERVISORD_WRITTEN
    plain_tool = ("supervisorctl",)
    version_words = ("version",)
    installed_words = ("supervisord", "--version")

    def version_of(self, said: str) -> str | None:
        """The last line: warnings come before it."""
        return (said.strip().splitlines() or [""])[-1].strip()[:80] or None

    def probes(self) -> tuple[Probe[Any], ...]:
        """Every probe of supervisord."""
        return (SUPERVISORD_PRESENCE, SUPERVISORD_STATUS, GROUND_PROBE, SUPERVISORD_WRITTEN)

    def search_words(self, told: str, *, search: bool) -> tuple[str, ...]:
        """The sockets that were found, and whether to look at every process for more."""
        lines = (line.partition(" ") for line in told.split("\n"))
        known = tuple(dict.fromkeys(path for may, _, path in lines if may in ("rw", "denied", "closed")))
        return (*known, "scan") if search else known

    def written_words(self, unit: str) -> tuple[str, ...] | None:
        """The unit: what it would start tells which files these are."""
        return (unit,) if _UNIT.fullmatch(unit) else None

    def unit_cautions(self, services: tuple[Service, ...], kind: ActionKind) -> tuple[str, ...]:
        """Started anew, or told to reload, supervisord ends all programs and starts those that its files have then."""
        if kind not in (ActionKind.RESTART, ActionKind.RELOAD) or any(one.adrift is not None for one in services):
            return ()
        found = ["a reload of supervisord stops and starts all of its programs"] if kind is ActionKind.RELOAD else []
        changes = [f"{one.ref.name}: {what}" for one in services if (what := then(one)) is not None]
        found += changes[:MOST]
        found += [f"and {len(changes) - MOST} more programs change"] if len(changes) > MOST else []
        unseen = next((one.files_unseen for one in services if one.files_unseen is not None), None)
        return (*found, f"what else its files change is not known: {unseen}") if unseen is not None else tuple(found)

    def files_load(self, unit: Service) -> Check:
        """By supervisor's own reader, which starts nothing."""
        name = unit.ref.name
        argv = ("sh", "-c", WITH_READER + FILES_LOAD, "sh", name)
        look = Command(argv, timeout=20.0, purpose=f"read the files of {name} as it would")
        return Check(f"the files of {name} can be loaded", look, within=0)

    def start(self, service: Service) -> Command:
        """Start it, also after supervisord has given it up."""
        return _change(service, "start")

    def stop(self, service: Service) -> Command:
        """Stop it so that it stays down until the daemon starts anew; after ``stopwaitsecs`` it is killed."""
        return _change(service, "stop")

    def restart(self, service: Service) -> Command:
        """Stop and start it, with the definition that is loaded."""
        return _change(service, "restart")

    def signal(self, service: Service, name: str) -> Command:
        """Send a signal to its process."""
        return _change(service, "signal", name)

    def daemon_reload(self, service: Service) -> Command:
        """Read all files again and apply what changed in its group, which ends and starts the programs of the group."""
        group = key_of(_word(service))[0]
        if group == "all":
            raise ValueError("supervisorctl takes the name all for every group: run supervisorctl update yourself")
        words = (*_tool(service), "update", group)
        purpose = f"read the files again and apply what changed in {group}"
        return Command(words, timeout=120.0, effect=Effect.CHANGE, purpose=purpose)

    def takes_effect(self, service: Service, file: str | None) -> str:
        """A restart starts what is loaded; ``reread`` tells what changed, ``update`` loads and applies it."""
        tool, group = _tool(service), key_of(_own(service))[0]
        return f"{quote((*tool, 'reread'))} && {quote((*tool, 'update', group))}"

    def applies(self, service: Service) -> tuple[str, ...]:
        """What reading the files again does at once."""
        group = service.group or _own(service)
        return (
            f"the programs of {group} are stopped and started anew, if they changed in the files; removed or added",
            "supervisord reads all its files again, and refuses if one is wrong; "
            "what changed of other groups waits for their own update, and their programs run on",
        )

    def is_running(self, service: Service, *, hold: float) -> Check:
        """RUNNING: it has stayed up for its ``startsecs``. One that does its work and ends may have, as expected."""
        script, does = (IS_ONCE, "runs or ended well") if service.oneshot else (IS_RUNNING, "is RUNNING")
        return Check(f"{service.ref.name} {does}", _look(script, service), within=30.0, hold=hold)

    def is_stopped(self, service: Service) -> Check:
        """STOPPED, EXITED or FATAL."""
        return Check(f"{service.ref.name} is stopped", _look(IS_STOPPED, service), within=30.0)

    def how_ended(self, service: Service, kind: ActionKind) -> Check | None:
        """By its log."""
        if service.pid is None:
            return None
        _word(service)
        argv = ("sh", "-c", HOW_ENDED, "sh", service.ref.name, str(service.pid), *_tool(service))
        look = Command(argv, timeout=20.0, purpose=f"look into the log of supervisord for {service.ref.name}")
        return Check(f"see how {service.ref.name} ended", look)

    def run_id(self, service: Service) -> Command:
        """Its process and when that began."""
        return _look(RUN_ID, service)

    def why_not(self, service: Service, kind: ActionKind) -> str | None:
        """One that is in the files only, or that has no name of its own, cannot be acted on; wrong files not loaded."""
        if service.files_wrong is not None and kind is ActionKind.DAEMON_RELOAD:
            return f"supervisord would refuse its files: mend {service.files_wrong}"
        if service.native_state == NOT_LOADED and kind is not ActionKind.DAEMON_RELOAD:
            return f"supervisord has not loaded {service.ref.name} yet: let it read its files again"
        return None if _plain(_own(service)) else f"{service.ref.name!r} is no name of a single program"

    def log_command(self, service: Service, *, lines: int, since: float | None, follow: bool) -> Command:
        """``tail`` of its log files; what supervisorctl prints of them where this user may not read them.

        ``since`` is left to the reader: what times there are, the program wrote.
        """
        name = service.ref.name
        if not service.log_files and not service.tool:
            raise ValueError(f"where {name} writes its log is not known, and there is no supervisorctl to ask")
        out, err = (*service.log_files, "", "")[:2]
        words = (str(lines), "1" if follow else "", _word(service), out, err, *service.tool)
        argv = as_its_user(service.ref, ("sh", "-c", LOGS, "sh", *words))
        return Command(argv, timeout=20.0, purpose=f"read the log of {name}")

    def log_paths(self, service: Service) -> tuple[str, ...]:
        """Its standard output and its standard error; their names where only supervisorctl knows the files."""
        return service.log_files[:2] or ("stdout", "stderr")

    def environment_words(self, service: Service) -> tuple[str, ...]:
        """The file that declares it, one where it is started, and its process."""
        file = service.unit_file or ""
        written = ("program", file, _own(service)) if file.startswith("/") else ()
        return (*written, *beside_words(service), *(("process", str(service.pid)) if service.pid else ()))

    def log_line(self, ref: ServiceRef, text: str) -> LogLine | None:
        """Read one line, which may be JSON."""
        return None if text.startswith("==> Press Ctrl-C") else service_line(ref, "supervisord", text)


SUPERVISORD = Supervisord()


def _plain(name: str) -> bool:
    return bool(_NAME.match(name)) and name.isprintable() and "*" not in key_of(name)


def _own(service: Service) -> str:
    """The name that its daemon has for it."""
    return service.handle[0] if service.handle else service.ref.name


def _word(service: Service) -> str:
    """What supervisorctl takes for this program alone."""
    name = _own(service)
    if not _plain(name):
        raise ValueError(f"{name!r} is no name of a single program")
    # "all" stands for every program, "all:all" for the one of that name.
    return "all:all" if name == "all" else name


def _tool(service: Service) -> tuple[str, ...]:
    return service.tool or ("supervisorctl",)


def _change(service: Service, verb: str, *before: str) -> Command:
    words = (*_tool(service), verb, *before, _word(service))
    return Command(words, timeout=120.0, effect=Effect.CHANGE, purpose=f"{verb} {service.ref.name}")


def _look(script: str, service: Service) -> Command:
    _word(service)
    argv = ("sh", "-c", script, "sh", _own(service), *_tool(service))
    return Command(argv, timeout=20.0, purpose=f"look at {service.ref.name}")
