"""What is written in the configuration files, beside what supervisord has loaded and what runs.

``supervisorctl reread`` would tell, but it changes what the daemon knows: the next ``update`` of anybody acts on it. So
the files are read by supervisor's own reader, in a process of its own that changes nothing.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from console.core.probe import ParseError, Probe
from console.core.text import MARK, sanitise
from console.managers.supervisord_reader import READER
from console.managers.supervisord_scripts import GROUND

Key = tuple[str, str]
"""Group and name of a program."""


@dataclass(frozen=True, slots=True)
class Written:
    """A program as the files have it."""

    group: str
    name: str
    file: str
    again: str = "no"
    """Whether it is restarted: ``always``, ``on-failure`` or ``no``."""
    changed: tuple[str, ...] = ()
    """In what the process that runs differs from it, where its file is newer than the daemon, or than that process."""
    fields: Mapping[str, object] = field(default_factory=dict)
    places: tuple[tuple[str, str], ...] = ()
    """Variables of its environment that name a port or an address with one."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the loop must know of a daemon beside its programs."""

    pid: int | None = None
    tool: tuple[str, ...] = ()
    """The words of ``supervisorctl`` for this daemon."""
    path: str = ""
    """Where the host finds it."""
    user: str = ""
    """Who is connected."""
    owner: str = ""
    """Whose the daemon is."""
    conf: str | None = None
    log: str | None = None
    """Where the daemon writes its own log, as its files have it."""
    readable: bool = False
    """Whether the connected user may read that file, as the tool must."""
    programs: tuple[Written, ...] | None = None
    """``None`` where the files could not be read."""
    bad: str | None = None
    """Why they could not."""
    foreign: str | None = None
    """What of it another user could have put there; then nothing of it is run, read or believed."""
    shared: bool = False
    """It belongs to root or to the connected user, and others may change it: what its socket tells is believed."""
    broken: bool = False
    """They are wrong: supervisord would not take them either."""
    frozen: bool = False
    """It was stopped by a signal."""
    at: str = ""
    """The socket that its files name, where neither these nor that are the usual ones."""

    @property
    def hidden(self) -> bool:
        """Whether nothing of it is believed."""
        return self.foreign is not None and not self.shared


def parse_ground(text: str) -> Ground:
    """Read the answer of ``GROUND``."""
    told: dict[str, str] = {}
    lines: list[dict[str, object]] = []
    for line in text.split("\n"):
        if line.startswith("{"):
            lines.append(_json(line))
        elif "\t" in line:
            key, _, value = line.partition("\t")
            told[key] = value
    if not told.get("pid", "").isdecimal() or len(told["pid"]) > 10:
        raise ParseError("a line with the pid", text[:200])
    bad = next((sanitise(str(line["bad"])) for line in lines if "bad" in line), None)
    if "conf" in told and "readable" not in told:
        bad = f"{told.get('user', 'this user')} may not read {told['conf']}"
    programs = tuple(found for line in lines if (found := _written(line)) is not None)
    return Ground(
        pid=int(told["pid"]) or None,
        tool=_tool(told),
        path=told.get("path", ""),
        user=told.get("user", ""),
        owner=told.get("owner", ""),
        conf=told.get("conf"),
        log=next((sanitise(log) for line in lines if isinstance(log := line.get("log"), str) and log[:1] == "/"), None),
        readable="readable" in told,
        programs=programs if bad is None and any("files" in line for line in lines) else None,
        bad=bad,
        foreign=told.get("foreign"),
        shared="shared" in told,
        broken=any(line.get("broken") is True for line in lines),
        frozen="frozen" in told,
        at=_elsewhere(told.get("conf"), lines),
    )


USUAL_SOCKETS = tuple(
    f"{place}/supervisor.sock"
    for place in ("/run", "/var/run", "/run/supervisor", "/var/run/supervisor", "/tmp")  # noqa: S108
)
_USUAL_FILES = ("/etc/supervisor/supervisord.conf", "/etc/supervisord.conf", "/usr/local/etc/supervisord.conf")


def _elsewhere(conf: str | None, lines: list[dict[str, object]]) -> str:
    told = (line.get("socket") for line in lines)
    socket = next((sanitise(path) for path in told if isinstance(path, str) and path[:1] == "/"), "")
    return "" if conf in _USUAL_FILES or socket in USUAL_SOCKETS else socket


def _tool(told: Mapping[str, str]) -> tuple[str, ...]:
    """Without options where it finds this configuration by itself: so sudoers lines have it."""
    if "tool" not in told:
        return ()
    return (told["tool"],) if "short" in told or "conf" not in told else (told["tool"], "-c", told["conf"])


def _json(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise ParseError("a line of JSON", line) from None
    if not isinstance(found, dict):
        raise ParseError("an object of JSON", line)
    return found


def _written(line: Mapping[str, object]) -> Written | None:
    group, name, fields, changed = (line.get(key) for key in ("group", "name", "fields", "changed"))
    if not (isinstance(group, str) and isinstance(name, str) and isinstance(fields, dict)):
        return None
    group, name = sanitise(group), sanitise(name)
    if not (group.isprintable() and name.isprintable()) or MARK in group + name:
        return None
    words = tuple(sanitise(str(word)) for word in changed) if isinstance(changed, list) else ()
    file, again = (sanitise(str(line.get(key, usual))) for key, usual in (("file", ""), ("again", "no")))
    told = line.get("places")
    named = told.items() if isinstance(told, dict) else ()
    places = tuple((sanitise(str(key)), sanitise(str(value))) for key, value in named)
    safe = {sanitise(str(key)): value for key, value in fields.items()}
    return Written(group, name, file, again, words, safe, places)


NOT_WRITTEN = "not in its files any more"
CHANGED = "changed in its file: "
"""What is told of a program that runs otherwise than it is written."""


def drift(
    programs: Iterable[Written], loaded: Mapping[Key, Mapping[str, object]] | None, known: Iterable[Key]
) -> dict[Key, str]:
    """Which programs are written otherwise than they run, and in what.

    ``loaded`` is what the daemon read last, where it tells; ``known`` are the programs that it has.
    """
    written = {(program.group, program.name): program for program in programs}
    present = set(known)
    found = dict.fromkeys(present - written.keys(), NOT_WRITTEN)
    found |= dict.fromkeys(written.keys() - present, "not loaded yet")
    for key in written.keys() & present:
        words = list(written[key].changed)
        if loaded is not None and key in loaded:
            words += _different(written[key].fields, loaded[key])
        if words:
            found[key] = f"{CHANGED}{', '.join(dict.fromkeys(words))}"
    return found


def _different(written: Mapping[str, object], loaded: Mapping[str, object]) -> list[str]:
    # A log file that supervisord names itself has that name only once it runs.
    return [key for key in written if key in loaded and written[key] != loaded[key] and written[key] != "auto"]


WITH_READER = "hd_reader='" + READER.strip().replace("'", "'\\''") + "'\n"
"""In front of a script that reads the files."""

GROUND_PROBE: Probe[Ground] = Probe(
    "supervisord_ground",
    WITH_READER + GROUND,
    parse_ground,
    slow=True,
    cached=False,
    timeout=20.0,
)
"""SOCKET PID and the running programs: the tool, the files and what is written in them."""
