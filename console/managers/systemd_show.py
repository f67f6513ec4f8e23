"""``systemctl show``: properties of units as blocks of ``Name=value``, systemctl(1) and org.freedesktop.systemd1(5).

Works with what systemd 239 to 257 print: a property that a version does not know is simply absent.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from math import inf

from console.core.endings import signal_name
from console.core.probe import ParseError
from console.core.service import Endpoint, Overdue, OwnNetwork, Service, ServiceRef, State
from console.core.stop_way import StopWay
from console.managers.systemd_exec import program_of
from console.managers.systemd_others import is_other

PROPERTIES = (
    "Id", "LoadState", "ActiveState", "SubState", "Result", "Description", "MainPID", "ControlPID", "NRestarts",
    "ExecMainCode", "ExecMainStatus", "MemoryCurrent", "CPUUsageNSec", "TasksCurrent", "StateChangeTimestamp",
    "ActiveEnterTimestamp", "ActiveEnterTimestampMonotonic", "InactiveEnterTimestamp", "InactiveExitTimestamp",
    "ExecMainStartTimestamp", "ExecMainExitTimestamp", "RestartUSec", "UnitFileState", "FragmentPath", "SourcePath",
    "DropInPaths", "NeedDaemonReload", "ControlGroup", "User", "Restart", "CanReload", "TriggeredBy", "UpheldBy",
    "Listen", "ConsistsOf", "RequiredBy", "BoundBy", "StartLimitBurst", "StartLimitIntervalUSec", "StartLimitInterval",
    "Type", "RemainAfterExit", "TimeoutStartUSec", "TimeoutStopUSec", "KillSignal", "SendSIGKILL", "FinalKillSignal",
    "TimeoutStopFailureMode", "PrivateNetwork", "NetworkNamespacePath", "JoinsNamespaceOf", "KillMode",
    "InactiveExitTimestampMonotonic", "RuntimeMaxUSec",
)  # fmt: skip

UNIT_NAME = re.compile(r"[A-Za-z0-9:_.\\@-]{1,255}")
"""What systemd allows as the name of a unit, systemd.unit(5)."""
AT_ITS_END = 5.0
"""Seconds before an attempt ends in which a service tells why."""
ASKING = 2.0
"""Seconds that an answer may take after the uptime was read: what it tells of may have begun since."""
RECENT = 10.0
"""Seconds for which a service that its manager started again by itself counts as flapping."""

_SIGNALLED = ("2", "3")
"""CLD_KILLED and CLD_DUMPED of ``ExecMainCode``: the status is then a signal, waitid(2)."""
_UNSET = 2**64 - 1
_TRUE = ("yes", "y", "true", "t", "on", "1")
"""How a unit file says yes, systemd.syntax(7); ``systemctl show`` always says ``yes``."""
_WORTH_SHOWING = frozenset({"enabled", "enabled-runtime", "linked", "linked-runtime", "disabled", "bad"})
_OWN = ("systemd-", "user-runtime-dir@")
_UNITS = {
    "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "month": 2629800.0,
    "y": 31557600.0,
}  # fmt: skip
_span = re.compile(r"(\d{1,12})([a-z]+)")
_listen = re.compile(r"(?P<address>.*):(?P<port>\d{1,5}) \((?P<type>Stream|Datagram)\)\Z")


def parse_show(text: str) -> tuple[Service, ...]:
    """Read the blocks of all units.

    The first line is ``scope system`` or ``scope user:NAME``, the second ``up SECONDS``: the host's uptime. A unit that
    is named twice counts where it comes first, and a block that is of no unit does not count, but one with ``Runs``
    tells the ``ExecStart`` of the unit of that name, and one with ``Awake`` which of the units that start others are
    active; raises ``ParseError`` where none is of a unit.
    """
    head, _, rest = text.partition("\n")
    up, _, body = rest.partition("\n")
    if not head.startswith("scope ") or not up.startswith("up "):
        raise ParseError('"scope SCOPE", "up SECONDS" and blocks of systemctl show', head)
    scope, now = head.removeprefix("scope "), _seconds(up.removeprefix("up "))
    found: dict[str, Service] = {}
    runs: dict[str, str | None] = {}
    blocks = tuple(_blocks(body))
    told = [block["Awake"] for block in blocks if "Awake" in block and "Id" not in block]
    awake = frozenset(" ".join(told).split()) if told else None
    for block in blocks:
        if "Runs" in block:
            runs[block["Runs"]] = program_of(block.get("ExecStart", ""))
        elif "Id" in block and block["Id"] not in found and _belongs(block):
            found[block["Id"]] = _service(block, scope, now, awake)
    return tuple(replace(each, program=runs.get(name, each.program)) for name, each in found.items())


def _blocks(text: str) -> Iterator[Mapping[str, str]]:
    bad, good = "", False
    for block in text.split("\n\n"):
        found: dict[str, str] = {}
        for line in block.split("\n"):
            name, equals, value = line.partition("=")
            # What a socket unit listens on is one line each. A line without a name is no property.
            if equals and name.isalnum():
                found[name] = f"{found[name]}\n{value}" if name in found and name == "Listen" else value
        if found:
            if UNIT_NAME.fullmatch(found.get("Id", "")):
                good = True
                yield found
            elif {"Runs", "Awake"} & found.keys() and "Id" not in found:
                yield found
            else:
                bad = bad or found.get("Id") or block.strip()[:80]
    if bad and not good:
        raise ParseError("a unit with an Id", bad)


def _belongs(block: Mapping[str, str]) -> bool:
    """Whether a person who looks for services wants to see it.

    Left out are units that are only mentioned by others and have no file, sockets of no port, what no one starts or
    stops by hand and does nothing now (static units of packages, such as those that a timer starts), and systemd's own
    steps of the boot.
    """
    if is_other(block["Id"]):
        return block.get("ActiveState") == "failed"
    if block["Id"].endswith(".socket"):
        return bool(_wants(block)) or block.get("ActiveState") == "failed"
    if block.get("ActiveState") not in ("inactive", None):
        return not (block["Id"].startswith(_OWN) and block.get("SubState") == "exited")
    if block.get("LoadState") in ("not-found", "masked", "merged"):
        return False
    if block.get("LoadState") in ("error", "bad-setting", "unloaded") or block.get("Result", "success") != "success":
        return True
    if block["Id"].startswith(_OWN):
        return False
    made_here = block.get("FragmentPath", "").startswith(("/etc/", "/run/systemd/system/", "/home/", "/root/"))
    return made_here or block.get("UnitFileState") in _WORTH_SHOWING


def _service(block: Mapping[str, str], scope: str, now: float | None, awake: frozenset[str] | None) -> Service:
    unit = block["Id"]
    state = _state(block, now)
    status, signal = _ending(block)
    nanoseconds = _number(block.get("CPUUsageNSec"))
    restart = block.get("Restart", "")
    began = "ActiveEnterTimestamp" if block.get("ActiveState") == "active" else "StateChangeTimestamp"
    bad = block.get("LoadState") if block.get("LoadState") in ("error", "bad-setting") else None
    return Service(
        ServiceRef("", "systemd", unit, scope),
        state,
        f"{block.get('ActiveState', '?')}/{block.get('SubState', '?')}",
        description=block.get("Description", ""),
        pids=_pids(block),
        since=_timestamp(block.get(began, "")),
        attempt_since=_attempt_since(block),
        restarts=_number(block.get("NRestarts")),
        wants=_wants(block),
        result=bad or _result(block, state),
        exit_code=status,
        exit_signal=signal,
        overdue=_overdue(block),
        enabled=block.get("UnitFileState") or None,
        unit_file=block.get("FragmentPath") or block.get("SourcePath") or None,
        drop_ins=tuple(block.get("DropInPaths", "").split()),
        needs_reload=block.get("NeedDaemonReload") == "yes",
        restart_policy=restart if restart and restart != "no" else None,
        # One that remains is active after its end, like a daemon.
        oneshot=block.get("Type") == "oneshot" and block.get("RemainAfterExit", "").lower() not in _TRUE,
        reload_command=block.get("CanReload") == "yes",
        triggered_by=tuple(block.get("TriggeredBy", "").split()),
        starters=_starters(block, awake),
        dependants=_dependants(block),
        stop_way=_stop_way(block),
        own_network=_network(block),
        start_seconds=_start_seconds(block),
        start_limit=_start_limit(block),
        program=program_of(block.get("ExecStart", "")),
        cgroup=block.get("ControlGroup") or None,
        memory=_number(block.get("MemoryCurrent")),
        cpu_seconds=None if nanoseconds is None else nanoseconds / 1e9,
        tasks=_number(block.get("TasksCurrent")),
        user=_user(block, scope),
        chain=_chain(unit, scope),
    )


def _state(block: Mapping[str, str], now: float | None) -> State:
    active, sub = block.get("ActiveState"), block.get("SubState", "")
    if active == "activating":
        # One that ended well and is started again on purpose is no failure.
        failed = block.get("Result", "success") != "success" or (_number(block.get("NRestarts")) or 0) > 0
        waits = sub.startswith("auto-restart") and block.get("Result") != "success"
        return State.FLAPPING if waits or (failed and not sub.startswith("auto-restart")) else State.STARTING
    if active == "deactivating" and block.get("Result", "success") != "success" and _number(block.get("NRestarts")):
        return State.FLAPPING
    if active == "active" and _restarted_just_now(block, now):
        return State.FLAPPING
    return {
        "active": State.RUNNING,
        "reloading": State.RUNNING,
        "refreshing": State.RUNNING,
        # Its processes are still there; the native word says that they end.
        "deactivating": State.RUNNING,
        "failed": State.FAILED,
        "inactive": State.STOPPED,
    }.get(active or "", State.UNKNOWN)


def _attempt_since(block: Mapping[str, str]) -> float | None:
    """When the newest attempt began; in a loop of restarts, the newest of which the end is known.

    A unit leaves the inactive state when an attempt begins, but also when systemd begins to wait for the next one.
    """
    main, left, ended = (
        _timestamp(block.get(name, ""))
        for name in ("ExecMainStartTimestamp", "InactiveExitTimestamp", "InactiveEnterTimestamp")
    )
    waits = block.get("SubState", "").startswith("auto-restart") or block.get("Result") == "start-limit-hit"
    if not (waits or _number(block.get("NRestarts"))):
        return left
    if main is not None and _timestamp(block.get("ExecMainExitTimestamp", "")) is not None:
        return main
    # No main process has ended since: it runs, or the attempts end before they come to it. systemd enters the inactive
    # state once more when the wait is over.
    return None if ended is None else ended - (_timespan(block.get("RestartUSec", "")) or 0.0) - AT_ITS_END


def _restarted_just_now(block: Mapping[str, str], now: float | None) -> bool:
    began = _number(block.get("ActiveEnterTimestampMonotonic"))
    if not _number(block.get("NRestarts")) or began is None or now is None:
        return False
    # A container may show an uptime of its own: then the age is negative, and nothing can be said.
    return -ASKING < now - began / 1e6 < RECENT


def _ending(block: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Exit status and signal of the main process; both ``None`` where none has ended."""
    code, status = block.get("ExecMainCode", "0"), _number(block.get("ExecMainStatus"))
    if code == "0":
        return None, None
    return (None, status) if code in _SIGNALLED else (status, None)


def _overdue(block: Mapping[str, str]) -> Overdue | None:
    """systemd has one word for a start, a stop and a run (``RuntimeMaxSec=``) that took too long.

    Before it waits for the next attempt a unit leaves the inactive state once more: then that tells nothing.
    """
    names = ("ActiveEnterTimestampMonotonic", "InactiveExitTimestampMonotonic")
    active, left = (_number(block.get(name)) for name in names)
    waits = block.get("SubState", "").startswith("auto-restart")
    if block.get("Result") != "timeout" or waits or active is None or left is None:
        return None
    if active < left:
        return Overdue.START
    return Overdue.STOP if block.get("RuntimeMaxUSec", "infinity") == "infinity" else None


def _result(block: Mapping[str, str], state: State) -> str | None:
    """Why it ended; while a new attempt of a loop runs, systemd tells only of that one, which has not ended."""
    lives = state is State.FLAPPING and block.get("SubState", "").partition("-")[0] != "auto"
    found = block.get("Result") or None
    return None if lives and found == "success" else found


def _user(block: Mapping[str, str], scope: str) -> str | None:
    if block.get("LoadState") == "unloaded":
        return None
    return block.get("User") or ("root" if scope == "system" else scope.removeprefix("user:"))


def _chain(unit: str, scope: str) -> tuple[str, ...]:
    if scope == "system":
        return ("systemd", unit)
    return ("systemd", f"user manager of {scope.removeprefix('user:')}", unit)


def _dependants(block: Mapping[str, str]) -> tuple[str, ...]:
    words = {"ConsistsOf": "PartOf", "RequiredBy": "Requires", "BoundBy": "BindsTo"}
    return tuple(
        f"{unit} ({word})"
        for name, word in words.items()
        for unit in block.get(name, "").split()
        if unit.endswith((".service", ".socket"))
    )


def _starters(block: Mapping[str, str], awake: frozenset[str] | None) -> tuple[str, ...] | None:
    """Of what starts it again while it is active what is; ``Upholds=`` came with systemd 249."""
    found = (*block.get("TriggeredBy", "").split(), *block.get("UpheldBy", "").split())
    return None if awake is None and found else tuple(name for name in found if name in (awake or ()))


def _start_limit(block: Mapping[str, str]) -> tuple[int, float] | None:
    burst = _number(block.get("StartLimitBurst"))
    # Renamed in systemd 230, but its property only later.
    interval = _timespan(block.get("StartLimitIntervalUSec") or block.get("StartLimitInterval") or "")
    return (burst, interval) if burst and interval else None


def _start_seconds(block: Mapping[str, str]) -> float | None:
    """``TimeoutStartSec=`` of systemd.service(5): what is not up by then is ended.

    Of a unit that is not loaded its file tells, where a number alone is seconds and 0 has no limit.
    """
    told = block.get("TimeoutStartUSec") or block.get("TimeoutStartSec") or block.get("TimeoutSec") or ""
    if told.isdecimal():
        return float(told) or inf
    return inf if told == "infinity" else _timespan(told)


def _stop_way(block: Mapping[str, str]) -> StopWay | None:
    """systemd.kill(5), ``TimeoutStopSec=`` of systemd.service(5); sockets have no process of their own.

    ``FinalKillSignal=`` came with systemd 240, ``TimeoutStopFailureMode=`` with 246.
    """
    told, first = block.get("TimeoutStopUSec"), _number(block.get("KillSignal"))
    if not told or not first or "SendSIGKILL" not in block or not block["Id"].endswith(".service"):
        return None
    seconds = _timespan(told)
    if seconds is None and told != "infinity":
        return None
    spares = f"KillMode={block['KillMode']}" if block.get("KillMode") in ("process", "none") else None
    last: str | None = signal_name(_number(block.get("FinalKillSignal")) or 9)
    if block["SendSIGKILL"] != "yes":
        last = None
    elif block.get("TimeoutStopFailureMode") == "abort":
        last = "SIGABRT"
    return StopWay(signal_name(first), seconds, last, spares)


def _network(block: Mapping[str, str]) -> OwnNetwork | None:
    """systemd.exec(5); ``JoinsNamespaceOf=``, systemd.unit(5), is told by both and means only such units."""
    path = block.get("NetworkNamespacePath") or None
    if path is None and block.get("PrivateNetwork", "").lower() not in _TRUE:
        return None
    return OwnNetwork(path, tuple(block.get("JoinsNamespaceOf", "").split()))


def _wants(block: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """``Listen=[::]:7777 (Stream)`` of a socket unit; sockets of the file system are left out."""
    found = []
    for line in block.get("Listen", "").split("\n"):
        match = _listen.match(line)
        if match is not None and not match["address"].startswith(("/", "@", "vsock")):
            protocol = "tcp" if match["type"] == "Stream" else "udp"
            address = match["address"].partition("%")[0].strip("[]")
            found.append(Endpoint(protocol, address, int(match["port"])))
    return tuple(found)


def _pids(block: Mapping[str, str]) -> tuple[int, ...]:
    found = (_number(block.get("MainPID")), _number(block.get("ControlPID")))
    return tuple(pid for pid in found if pid)


def _number(text: str | None) -> int | None:
    """A number; ``None`` for what systemd prints as not set."""
    if text is None or not text.isdecimal() or len(text) > 20 or (value := int(text)) >= _UNSET:
        return None
    return value


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _timespan(text: str) -> float | None:
    """Seconds of ``1min 30s``; ``None`` for ``infinity`` and what is not set."""
    found = _span.findall(text)
    if not found or any(unit not in _UNITS for _, unit in found):
        return None
    return float(sum(int(count) * _UNITS[unit] for count, unit in found))


def _timestamp(text: str) -> float | None:
    """Unix seconds of ``Fri 2026-11-20 14:02:11 UTC`` (asked with TZ=UTC), or ``None``."""
    words = text.split()
    if len(words) != 4 or words[3] != "UTC":
        return None
    try:
        return datetime.fromisoformat(f"{words[1]}T{words[2]}").replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None
