"""Reading what pm2 daemons tell: instances of one name are one service, as ``pm2 restart NAME`` takes them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from console.core.launch import Launch
from console.core.probe import ParseError
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.stop_way import StopWay
from console.core.text import sanitise
from console.core.words import listed
from console.managers.elsewhere import named_at
from console.managers.pm2_ask import GRACE, PATIENCE
from console.managers.pm2_dead import Dead, parse_dead

JUST_STARTED = 10.0
"""Seconds for which an app that pm2 started again by itself counts as flapping."""
_FAR = 2**31

_plain = re.compile(r"[A-Za-z_][\w.:@+-]{0,127}", re.ASCII)
# pm2 takes a word with one of these for a configuration file, "all" for every app, and Infinity for a number.
_files = (".json", ".yml", ".yaml", ".config.")
_words = frozenset({"all", "Infinity", "NaN"})

_STATES = {
    "online": State.RUNNING,
    "stopping": State.RUNNING,
    "one-launch-status": State.RUNNING,
    "launching": State.STARTING,
    "waiting restart": State.FLAPPING,
    "stopped": State.STOPPED,
    "errored": State.FAILED,
}
_WORST = (State.FAILED, State.FLAPPING, State.UNKNOWN, State.STARTING, State.STOPPED, State.RUNNING)
_SILENT = "does not answer"
_NO_RIGHT = ("may not ask", "is not asked", "cannot be seen")
"""In the words of ``SURVEY`` for it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the daemons of a host told."""

    services: tuple[Service, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    """Users whose daemon did not tell, each with the reason."""
    dead: tuple[Dead, ...] = ()
    """Daemons that crashed, and those that do not run of which a list of apps is left."""
    mute: tuple[int, ...] = ()
    """Daemons that are there and did not tell, by their process."""
    daemons: tuple[int, ...] = ()
    """All that are there and were looked at, by their process."""
    closed: tuple[str, ...] = ()
    """Homes of which this login cannot see whether a daemon that does not run left something there."""

    @property
    def unseen(self) -> str | None:
        """What of them could not be looked at, with what mends it."""
        if not self.closed:
            return None
        return f"whether a pm2 ended in {listed(self.closed)} cannot be seen: connect as root, or as its user"

    @property
    def hangs(self) -> bool:
        """Whether one of them gave no answer."""
        return any(_SILENT in why for _, why in self.refused)

    @property
    def broken(self) -> bool:
        """Whether one of them crashed, or answers as none does that is well."""
        odd = (why for _, why in self.refused if not any(word in why for word in (_SILENT, *_NO_RIGHT)))
        return any(each.pid for each in self.dead) or any(odd)


@dataclass(frozen=True, slots=True)
class Daemon:
    """One God Daemon."""

    pid: int
    user: str
    way: str
    account: str
    home: str
    own_home: str
    now: float | None = None
    version: str | None = None
    tool: tuple[str, ...] = ()

    @property
    def at(self) -> str:
        """Its home, where that is not the usual one of its user."""
        return "" if self.home == f"{self.account}/.pm2" else self.home


@dataclass(frozen=True, slots=True)
class Instance:
    """One process of an app."""

    id: str
    name: str
    space: str
    state: State
    status: str
    told: Mapping[str, Any] = field(repr=False)
    pid: int | None = None
    began: float | None = None
    by_itself: bool = False
    """pm2 started it again since a person last did."""


def parse_survey(text: str) -> Found:
    """Read the answer of ``SURVEY``. An entry that is damaged leaves the others as they are.

    What a daemon told is behind ``>``: whatever it is, it is of that daemon, and no line of the script itself.
    """
    if not text.startswith("home\t"):
        raise ParseError("the home of pm2, then its daemons", text)
    services: list[Service] = []
    refused: list[tuple[str, str]] = []
    mute: list[int] = []
    daemons: list[int] = []
    for daemon, lines in _daemons(text, refused, mute):
        daemons.append(daemon.pid)
        found = [instance for line in lines if (instance := _instance(line, daemon)) is not None]
        services += _services(daemon, found)
    return Found(tuple(services), tuple(refused), parse_dead(text), tuple(mute), tuple(daemons), _closed(text))


def _closed(text: str) -> tuple[str, ...]:
    return tuple(_text(line.removeprefix("closed\t")) for line in text.split("\n") if line.startswith("closed\t"))


def _daemons(
    text: str, refused: list[tuple[str, str]], mute: list[int]
) -> Iterator[tuple[Daemon, list[dict[str, Any]]]]:
    own_home = ""
    daemon: Daemon | None = None
    lines: list[dict[str, Any]] = []
    for line in text.split("\n"):
        kind, _, rest = line.partition("\t")
        if kind == "home" and rest:
            own_home = rest
        elif kind == "daemon":
            if daemon is not None:
                yield daemon, lines
            daemon, lines = _daemon(rest, own_home), []
        elif kind == "refused":
            user, _, why = rest.partition("\t")
            refused.append((user, why))
            mute += [] if daemon is None else [daemon.pid]
        elif kind == "tool" and rest and daemon is not None:
            daemon = replace(daemon, tool=(rest,))
        elif line.startswith(">{") and daemon is not None:
            told = _object(line.removeprefix(">"))
            if "now" in told:
                daemon = _told(daemon, told)
            elif told:
                lines.append(told)
    if daemon is not None:
        yield daemon, lines


def _daemon(rest: str, own_home: str) -> Daemon:
    """Its user may have made any home: a tab in the path is a part of it."""
    words = rest.split("\t", 4)
    if len(words) != 5 or not _number(words[0]):
        raise ParseError("daemon PID USER WAY ACCOUNT HOME", rest)
    return Daemon(int(words[0]), words[1], words[2], words[3], words[4], own_home)


def _object(line: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _told(daemon: Daemon, told: Mapping[str, Any]) -> Daemon:
    words = told.get("tool")
    tool = tuple(_text(word) for word in words) if isinstance(words, list) else daemon.tool
    return replace(daemon, now=_seconds(told.get("now")), version=_text(told.get("version")) or None, tool=tool)


def _instance(told: Mapping[str, Any], daemon: Daemon) -> Instance | None:
    ident, name = _text(told.get("id")), _text(told.get("name"))
    # "_old_3" is what a reload leaves for a moment.
    if not _number(ident) or not name.strip():
        return None
    status = _text(told.get("status"))
    began, made = _seconds(told.get("began")), _seconds(told.get("made"))
    pid = _count(told.get("pid")) or None
    space = _text(told.get("space")) or "default"
    by_itself = bool(_count(told.get("restarts"))) and _crashed(told, made, began)
    instance = Instance(ident, name, space, State.UNKNOWN, status, told, pid, began, by_itself)
    return replace(instance, state=_state(instance, daemon.now))


def _crashed(told: Mapping[str, Any], made: float | None, began: float | None) -> bool:
    """Whether the present run follows on one that ended by itself.

    What a person does sets ``created_at``; the next run begins as soon as the last one has ended, at the latest after
    its ``kill_timeout``. An end by a signal has the code 0.
    """
    if _count(told.get("unstable")) or made is None or began is None:
        return True
    patience = (_count(told.get("patience")) or PATIENCE) / 1000
    return began - made > (1.0 if _count(told.get("code")) else patience + GRACE)


def _state(instance: Instance, now: float | None) -> State:
    state = _STATES.get(instance.status, State.UNKNOWN)
    if instance.by_itself and state is State.STARTING:
        return State.FLAPPING
    if instance.by_itself and state is State.RUNNING and now is not None and instance.began is not None:
        return State.FLAPPING if 0 <= now - instance.began < JUST_STARTED else state
    # One that is not to be started again ended by itself; what pm2 calls stopped is else what a person stopped.
    if state is State.STOPPED and instance.told.get("again") is False and _count(instance.told.get("code")):
        return State.FAILED
    return state


def _services(daemon: Daemon, found: Sequence[Instance]) -> list[Service]:
    spaces: dict[str, set[str]] = {}
    apps: dict[tuple[str, str], list[Instance]] = {}
    for instance in sorted(found, key=lambda each: int(each.id)):
        spaces.setdefault(instance.name, set()).add(instance.space)
        apps.setdefault((instance.space, instance.name), []).append(instance)
    taken = spaces.keys() | {instance.space for instance in found}
    shared = sum(1 for each in apps.values() if _clustered(each) and any(one.pid for one in each))
    return [
        _service(daemon, each, alone=len(spaces[name]) == 1, taken=frozenset(taken), shared=shared > 1)
        for (_, name), each in apps.items()
    ]


def _clustered(instances: Sequence[Instance]) -> bool:
    return _text(instances[0].told.get("mode")) == "cluster_mode"


def _service(
    daemon: Daemon, instances: Sequence[Instance], *, alone: bool, taken: frozenset[str], shared: bool
) -> Service:
    first = instances[0]
    worst = min(instances, key=lambda each: _WORST.index(each.state))
    pids = tuple(each.pid for each in instances if each.pid is not None)
    cluster = _clustered(instances)
    down = worst.state in (State.FAILED, State.FLAPPING, State.STOPPED)
    name = first.name if alone else f"{first.space}/{first.name}"
    told = worst.told
    tool, missing = _tool(daemon)
    script, folder = _text(first.told.get("script")), _text(first.told.get("cwd"))
    return Service(
        ServiceRef("", "pm2", named_at(name, daemon.at), f"user:{daemon.user}"),
        worst.state,
        _native(instances),
        description=_description(instances, cluster),
        # In cluster mode the daemon itself listens for the apps; of several it does not say for which.
        pids=(*pids, daemon.pid) if cluster and pids and not shared else pids,
        since=max((each.began for each in instances if each.began is not None), default=None) if pids else None,
        attempt_since=worst.began if down and worst.pid is None else None,
        restarts=sum(_count(each.told.get("restarts")) or 0 for each in instances if _counts(each)),
        wants=_wants(instances),
        version=_version(first),
        exit_code=_count(told.get("code")) if down else None,
        restart_policy="always" if told.get("again") is not False else "no",
        stop_way=_stop_way(instances),
        reload_command=cluster,
        user=_text(first.told.get("user")) or daemon.user,
        chain=("pm2", name),
        daemon=daemon.pid,
        manager_version=daemon.version,
        tool=tool,
        tool_missing=missing,
        log_files=_logs(instances),
        launch=Launch((script,), whole=False) if script.startswith("/") else None,
        directory=folder if folder.startswith("/") else None,
        group=None if first.space == "default" else first.space,
        handle=_handle(instances, alone=alone, taken=taken),
    )


def _counts(instance: Instance) -> bool:
    """pm2 counts starts by hand as well; its count is of crashes only where it was the last to start the app."""
    return instance.by_itself or instance.state in (State.FAILED, State.FLAPPING)


def _native(instances: Sequence[Instance]) -> str:
    found = [each.status for each in instances]
    words = tuple(dict.fromkeys(found))
    return found[0] if len(words) == 1 else ", ".join(f"{found.count(word)} {word}" for word in words)


def _description(instances: Sequence[Instance], cluster: bool) -> str:
    first = instances[0]
    parts = [f"cluster of {len(instances)}" if cluster else f"{len(instances)} forks" if len(instances) > 1 else "fork"]
    if first.told.get("module") is True:
        parts = ["module of pm2"]
    if first.told.get("watch") is True:
        parts.append("restarted when a file changes")
    if _text(first.told.get("cron")) not in ("", "0"):
        parts.append(f"restarted at {_text(first.told.get('cron'))}")
    return f"{_text(first.told.get('script'))} ({', '.join(parts)})"


def _wants(instances: Sequence[Instance]) -> tuple[Endpoint, ...]:
    ports = (_count(each.told.get("port")) for each in instances)
    return tuple(Endpoint("tcp", "*", port) for port in dict.fromkeys(ports) if port and port < 65536)


def _stop_way(instances: Sequence[Instance]) -> StopWay | None:
    """By the longest ``kill_timeout``, in milliseconds; the signal is one of the daemon's environment."""
    told = [_count(each.told.get("patience")) for each in instances]
    if not told:
        return None
    unless = None if all(told) else "PM2_KILL_TIMEOUT of its daemon"
    return StopWay(None, max(one or PATIENCE for one in told) / 1000, unless=unless)


def _version(instance: Instance) -> str | None:
    version = _text(instance.told.get("version"))
    return None if version in ("", "N/A") else version


def _logs(instances: Sequence[Instance]) -> tuple[str, ...]:
    files = (_text(each.told.get(key)) for key in ("err", "out") for each in instances)
    return tuple(dict.fromkeys(file for file in files if file.startswith("/") and file != "/dev/null"))[:16]


def _handle(instances: Sequence[Instance], *, alone: bool, taken: frozenset[str]) -> tuple[str, ...]:
    """The words by which pm2 finds just these: the name, or the numbers where it would take the name for more.

    Nothing where neither is safe: a name goes before a number.
    """
    name = instances[0].name
    module = instances[0].told.get("module") is True
    if alone and not module and is_plain(name):
        return (name,)
    # A number is taken only for the name that it had: one that is shown otherwise than it is cannot be compared.
    if any(each.told.get("name") != each.name for each in instances):
        return ()
    numbers = tuple(each.id for each in instances)
    return () if any(number in taken and number != name for number in numbers) else numbers


def is_plain(name: str) -> bool:
    """Whether pm2 takes the word for the name of an app and for nothing else."""
    return _plain.fullmatch(name) is not None and name not in _words and not any(part in name for part in _files)


def _tool(daemon: Daemon) -> tuple[tuple[str, ...], str | None]:
    """The words with which pm2 acts on this daemon and on no other one."""
    place: tuple[str, ...] = ()
    if daemon.way == "sudo":
        place = () if daemon.home == f"{daemon.account}/.pm2" else ("env", f"PM2_HOME={daemon.home}")
        return ("sudo", "-n", "-u", daemon.user, "--", *place, "pm2"), None
    if not daemon.tool:
        return (), f"no pm2 was found that belongs to the daemon of {daemon.user}: install it beside that daemon's node"
    if daemon.way == "direct":
        place = () if daemon.home == daemon.own_home else ("env", f"PM2_HOME={daemon.home}")
        return (*place, *daemon.tool), None
    place = ("env", f"HOME={daemon.account}", f"PM2_HOME={daemon.home}")
    return ("runuser", "-u", daemon.user, "--", *place, *daemon.tool), None


def _text(value: object) -> str:
    return sanitise(str(value)).replace("\n", " ") if isinstance(value, str | int) else ""


def _number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 11


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _FAR else None


def _seconds(value: object) -> float | None:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    return number / 1000 if number is not None and 0 < number < 1e14 else None
