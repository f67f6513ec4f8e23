"""The loop that keeps the programs of supervisord known: through its socket, else through its tool.

A socket that asks for a user and a password is not talked to: supervisorctl knows them from the configuration file.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from console.core.probe import ParseError
from console.core.service import Service
from console.managers import supervisord_rpc as rpc
from console.managers import supervisord_state as states
from console.managers.supervisord import SUPERVISORD_STATUS
from console.managers.supervisord_files import GROUND_PROBE, Ground, Key
from console.managers.supervisord_log import read
from console.managers.supervisord_program import Program, loaded_configs, pid_of, program
from console.managers.supervisord_tool import right_of, tool_of
from console.remote.shell import Ask
from console.remote.survey_loop import SETTLE, Place
from console.remote.transport import TransportError, UnixSockets
from console.remote.unix_sockets import SILENT

EVERY = 2.0
"""Seconds between two looks through a socket: two round trips, and a millisecond of the daemon for 20 programs."""
BY_TOOL = 30.0
"""The same through supervisorctl, which costs 150 ms of CPU, and with sudo a line in the host's log."""
PAUSE = 5.0
"""Seconds at least between two looks by the tool when only the daemon's log changed."""
REFUSED = 600.0
"""Seconds after which one asks again who was refused by sudo: it writes that into the host's log."""
LOOK_WHY = 10.0
"""Seconds between two looks at the process of one that hangs."""
FILES = 300.0
"""Seconds after which the files are read again though nothing is seen to have changed."""


AGAIN = 8.0
"""Seconds after which they are compared again when programs were started anew."""

_Socket = tuple[str, bool, str]
"""Path, whether it may be used, and the path again where it is not the usual one of its host."""
Runs = dict[Key, tuple[object, ...]]
"""What changes of a program when it starts or ends."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one look gave."""

    services: tuple[Service, ...] | None
    failure: str | None = None
    every: float = EVERY
    lost: bool = False
    """The services are those of an earlier look."""
    hangs: bool = False
    """The failure is that there was no answer."""
    broken: bool = False
    """The failure is that what answers is no supervisord that is well, or that none does."""
    written: tuple[Service, ...] = ()
    """What its files say of one that hangs or is gone and never told its programs."""


@dataclass(frozen=True, slots=True)
class _Told:
    """One answer to ``rpc.STATE``."""

    said: bytes
    """Without the times that move on by themselves."""
    programs: tuple[Program, ...]
    pid: int | None
    refused: str | None = None
    """Why it does not tell its programs."""


def _told(said: bytes) -> _Told:
    told = rpc.answers(said, rpc.STATE)
    if not isinstance(told[2], list):
        return _Told(b"", (), None, _words(told[2]))
    return _Told(rpc.still(said), _readable(told[2]), pid_of(told[1]))


class Daemon:
    """One supervisord, known by its socket."""

    def __init__(self, place: Place, path: str, may_use: bool, at: str) -> None:
        self._place = place
        self._path = path
        sockets = place.transport
        self._sockets = sockets if isinstance(sockets, UnixSockets) and may_use else None
        self._may_use = may_use
        self._around = states.Around(at=at)
        self._ground_at = -FILES
        self._why_at = -LOOK_WHY
        self._stamp = ""
        self._runs: Runs = {}
        self._compared: Runs = {}
        self._behind = False
        self._kept: tuple[Service, ...] | None = None
        self._told: _Told | None = None
        self._judged: tuple[object, object] | None = None
        """What the services are made of: where these are the same objects, they are the same services."""
        self._hangs = False
        self._broken = False
        self._gone = False

    async def look(self, stamp: str) -> Found:
        """Its services now, or why they cannot be told."""
        self._hangs = self._broken = self._gone = False
        try:
            programs, failure, every = await (self._by_socket(stamp) if self._sockets else self._by_tool(stamp))
        except (rpc.RpcError, ParseError) as error:
            programs, failure, every, self._broken = None, f"{self._path}: {error}", BY_TOOL, True
        except (ArithmeticError, RecursionError, ValueError, TypeError, LookupError) as error:
            # Whoever answers there, the other daemons are shown.
            programs, failure, every = None, f"{self._path}: it answers nonsense ({type(error).__name__})", BY_TOOL
            self._broken = True
        if programs is not None:
            self._judge(programs)
            if self._around.ground.foreign is not None:
                failure = f"{self._path}: {self._around.tool_missing}"
        lost = programs is None
        written: tuple[Service, ...] = ()
        if self._kept is None and (self._hangs or self._gone):
            by_files = states.abandoned if self._gone else states.unanswered
            written = by_files(self._around, failure or "")
        return Found(self._kept, failure, every, lost=lost, hangs=self._hangs, broken=self._broken, written=written)

    def _judge(self, programs: tuple[Program, ...]) -> None:
        self._why_at = -LOOK_WHY
        if self._judged is not None and self._judged[0] is programs and self._judged[1] is self._around:
            return
        self._judged, self._kept = (programs, self._around), states.services(programs, self._around)
        if (why := self._around.ground.foreign) is not None:
            self._kept = tuple(states.by_its_word(service, why) for service in self._kept)
        self._behind = any(service.needs_reload for service in self._kept)

    def suspect(self) -> None:
        """Something was just done here: what was behind may be up to date."""
        if self._behind:
            self._ground_at = -FILES

    async def _by_socket(self, stamp: str) -> tuple[tuple[Program, ...] | None, str | None, float]:
        assert self._sockets is not None
        if self._around.ground.hidden or (self._around.at and not self._stamp):
            # Anybody may have a socket somewhere that gives no answer: whose it is comes first.
            if self._is_due(stamp, self._runs, self._around.ground.pid):
                await self._stand(stamp, None, (), {})
            if self._around.ground.hidden:
                return None, f"{self._path}: {self._around.tool_missing}", BY_TOOL
        try:
            said = await self._said(rpc.STATE)
            told = self._told if self._told is not None and rpc.still(said) == self._told.said else _told(said)
        except (rpc.RpcError, TransportError) as error:
            return await self._instead(stamp, error)
        # What changes by itself as time passes is read anew.
        self._told = told if states.settled(told.programs) else None
        if told.refused is not None:
            return None, f"{self._path}: supervisord does not tell its programs: {told.refused}", BY_TOOL
        await self._follow(told.programs, told.pid or self._around.ground.pid, stamp)
        if self._around.ground.hidden:
            return None, f"{self._path}: {self._around.tool_missing}", BY_TOOL
        return told.programs, None, EVERY

    async def _follow(self, programs: tuple[Program, ...], pid: int | None, stamp: str) -> None:
        """Read the log when something happened, and the files when they may differ from what is loaded."""
        runs: Runs = {each.key: (each.word, each.pid, each.start, each.stop) for each in programs}
        calls: list[rpc.Call] = []
        if runs != self._runs:
            calls.append(rpc.LOG if self._runs else rpc.WHOLE_LOG)
        if self._is_due(stamp, runs, pid):
            await self._stand(stamp, pid, programs, runs)
            calls.append(rpc.CONFIGS)
        self._runs = runs
        if not calls:
            return
        for call, told in zip(calls, rpc.answers(await self._said(calls), calls), strict=True):
            if call[0] == "readLog" and isinstance(told, str):
                self._around = replace(self._around, chronicle=read(self._around.chronicle, told))
            elif call is rpc.CONFIGS:
                self._around = replace(self._around, loaded=loaded_configs(told))

    async def _instead(
        self, stamp: str, error: rpc.RpcError | TransportError
    ) -> tuple[tuple[Program, ...] | None, str | None, float]:
        """The socket does not serve us: perhaps the tool is served, which knows a password or needs no forwarding."""
        if isinstance(error, TransportError) and error.code not in ("socket", SILENT):
            raise error
        if isinstance(error, TransportError) and error.code == SILENT:
            return None, await self._silent(stamp, str(error)), EVERY
        programs, failure, every = await self._by_tool(stamp)
        if programs is not None:
            return programs, None, every
        if failure is not None and "refused connection" in failure:
            return None, self._nobody(), every
        self._broken = isinstance(error, rpc.RpcError) and error.status != 401
        return None, str(error) if isinstance(error, TransportError) else f"{self._path}: {error}", every

    async def _by_tool(self, stamp: str) -> tuple[tuple[Program, ...] | None, str | None, float]:
        if not self._around.tool and self._is_due(stamp, self._runs, self._around.ground.pid):
            await self._stand(stamp, None, (), {})
        ground = self._around.ground
        if not self._around.tool:
            return None, f"{self._path}: {self._around.tool_missing}", REFUSED
        answer = await self._place.ask(Ask(SUPERVISORD_STATUS, (ground.log or "-", *self._around.tool)))
        if answer.failure is not None:
            self._hangs = answer.hangs
            return None, f"{self._path}: {answer.failure}", BY_TOOL
        status = answer.value
        if status.why is not None:
            if status.hangs:
                return None, await self._silent(stamp, f"{self._path}: {status.why}"), BY_TOOL
            if self._may_use:
                return None, f"{self._path}: {status.why}", BY_TOOL
            if "refused connection" in status.why or "no such file" in status.why:
                return None, self._nobody(), BY_TOOL
            self._around = replace(self._around, tool=(), tool_missing=right_of(ground, self._path))
            return None, self._around.tool_missing, REFUSED
        self._runs = {each.key: (each.word, each.pid) for each in status.programs}
        if self._is_due(stamp, self._runs, ground.pid):
            await self._stand(stamp, None, status.programs, self._runs)
        self._around = replace(self._around, chronicle=read(self._around.chronicle, status.log), zone=status.zone)
        return status.programs, None, BY_TOOL

    def _nobody(self) -> str:
        self._broken = self._gone = True
        conf = self._around.ground.conf
        by_hand = f", or supervisord -c {conf} where none runs it" if conf is not None else ""
        return f"{self._path} is there, but no supervisord answers: start its unit{by_hand}"

    async def _silent(self, stamp: str, said: str) -> str:
        """What is told of one that hangs."""
        self._hangs = True
        now = asyncio.get_running_loop().time()
        if now - self._why_at >= LOOK_WHY:
            self._why_at = now
            await self._stand(stamp, None, (), {})
        ground = self._around.ground
        if ground.foreign is not None:
            self._hangs = False
            return f"{self._path}: {self._around.tool_missing}"
        if ground.frozen:
            pid = ground.pid
            return f"supervisord (process {pid}) was stopped by a signal and does not answer: kill -CONT {pid}"
        log = f" {ground.log}" if ground.log is not None else ""
        return f"supervisord hangs and does not answer: {said}: its log{log} may tell why, then restart its unit"

    def _is_due(self, stamp: str, runs: Runs, pid: int | None) -> bool:
        age = asyncio.get_running_loop().time() - self._ground_at
        if age >= FILES or stamp != self._stamp or pid != self._around.ground.pid:
            return True
        # Who was started anew may be up to date by now.
        return runs.keys() != self._compared.keys() or (self._behind and runs != self._compared and age >= AGAIN)

    async def _stand(self, stamp: str, pid: int | None, programs: tuple[Program, ...], runs: Runs) -> None:
        """Learn the tool and the files."""
        running = [
            f"{each.group}:{each.name}={each.pid}={int(each.start)}" for each in programs if each.pid and each.start
        ]
        # Of one elsewhere the pid file of the usual one says nothing.
        known = pid or ((self._around.ground.pid or 0) if self._around.at else "")
        answer = await self._place.ask(Ask(GROUND_PROBE, (self._path, str(known), *running)))
        self._ground_at, self._stamp, self._compared = asyncio.get_running_loop().time(), stamp, runs
        if answer.failure is not None:
            self._around = replace(self._around, tool=(), tool_missing=answer.failure)
            return
        ground: Ground = answer.value if pid is None else replace(answer.value, pid=pid)
        tool, missing = tool_of(ground, self._path, self._may_use, self._around.at)
        self._around = replace(self._around, ground=ground, tool=tool, tool_missing=missing)

    async def _said(self, calls: Sequence[rpc.Call]) -> bytes:
        assert self._sockets is not None
        return await self._sockets.exchange(self._path, rpc.request(calls))


async def loop(place: Place) -> None:
    """Ask every daemon of the host, each in its own time."""
    daemons: dict[_Socket, Daemon] = {}
    founds: dict[_Socket, Found] = {}
    changed = False
    usual = ""
    while True:
        stamp = place.wanted.stamp
        sockets = _sockets(stamp, usual)
        daemons = {key: daemons.get(key) or Daemon(place, *key) for key in sockets}
        founds = await _look(daemons, _files(stamp))
        usual = next((path for (path, _, at), found in founds.items() if not at and found.services is not None), usual)
        _tell(place, founds, stamp)
        every = min((found.every for found in founds.values()), default=REFUSED)
        changed = await place.wanted.wait(SETTLE if changed and every < REFUSED else every)
        if changed and place.wanted.stamp == stamp:
            for daemon in daemons.values():
                daemon.suspect()
        if changed and every > EVERY and _sockets(place.wanted.stamp, usual) == sockets and place.wanted.stamp != stamp:
            await _rest(place, every, stamp)


async def _look(daemons: Mapping[_Socket, Daemon], files: str) -> dict[_Socket, Found]:
    """Ask all at once: one that hangs costs the others no more than its own time."""
    tasks = [asyncio.create_task(daemon.look(files)) for daemon in daemons.values()]
    try:
        return dict(zip(daemons, await asyncio.gather(*tasks), strict=True))
    finally:
        for task in tasks:
            task.cancel()


async def _rest(place: Place, every: float, stamp: str) -> None:
    """Only its log or its files changed: no reason to hurry, and none at all where it may not be asked."""
    if every < REFUSED:
        await asyncio.sleep(PAUSE)
        return
    end = asyncio.get_running_loop().time() + REFUSED
    sockets = _sockets(stamp)
    while (left := end - asyncio.get_running_loop().time()) > 0 and _sockets(place.wanted.stamp) == sockets:
        await place.wanted.wait(left)


def _closed(stamp: str) -> tuple[str, ...]:
    """The sockets elsewhere that this login may not use."""
    found = (line.partition(" ") for line in stamp.split("\n"))
    return tuple(path for may, _, path in found if may == "closed")


def _tell(place: Place, founds: dict[_Socket, Found], stamp: str) -> None:
    closed = _closed(stamp)
    mend = "[unix_http_server] there needs chmod=0770 and chown=root:GROUP"
    said = (found.failure for found in founds.values() if found.failure is not None)
    failures = "; ".join((*said, *(f"this user may not use {path}: {mend}" for path in closed)))
    place.report.unanswered(service for found in founds.values() for service in found.written)
    hangs, broken = (any(found.hangs for found in founds.values()), any(found.broken for found in founds.values()))
    if all(found.lost for found in founds.values()):
        if failures:
            place.report.failed(failures, hangs=hangs, broken=broken)
        return
    before = _by_place(place.report.known())
    told = {
        at: found.services if found.services is not None else before.get(at, ()) for (_, _, at), found in founds.items()
    }
    told |= {path: before[path] for path in closed if path in before}
    # A socket that is gone is that of a daemon that ended: whoever runs it is asked why, and not the others.
    ended = {service.ref: service for at in before.keys() - told.keys() for service in before[at]}
    named = {service.ref: service for services in told.values() for service in services}
    fresh = {service.ref for (_, _, at), found in founds.items() if not found.lost for service in told[at]}
    place.report.services(
        (ended | named).values(),
        lost=named.keys() - fresh,
        ended=ended.keys() - named.keys(),
        trouble=failures or None,
        hangs=hangs,
        broken=broken,
    )


def _by_place(services: Iterable[Service]) -> dict[str, tuple[Service, ...]]:
    """What was told of them before, by where their daemon is."""
    found: dict[str, tuple[Service, ...]] = {}
    for service in services:
        at = states.place_of(service)
        found[at] = (*found.get(at, ()), service)
    return found


def _sockets(stamp: str, before: str = "") -> tuple[_Socket, ...]:
    """All that may answer, from the answer of ``PRESENCE``. Only the first in a usual place is the usual one.

    ``before``: which was it until now. It stays so when it is gone, or another's programs would take its names.
    """
    found = [line.partition(" ")[::2] for line in stamp.split("\n")]
    there = [(path, word == "rw") for word, path in found if word in ("rw", "denied")]
    elsewhere = {path for word, path in found if word == "elsewhere"}
    first = [path for path, _ in sorted(there, key=lambda one: not one[1]) if path not in elsewhere][:1]
    usual = [before] if before else first
    return tuple((path, may, "" if path in usual else path) for path, may in there)


def _files(stamp: str) -> str:
    """The rest of it, without the daemon's log."""
    return "\n".join(line for line in stamp.split("\n") if ".log " not in line)


def _readable(told: list[object]) -> tuple[Program, ...]:
    """One odd entry does not hide the others."""
    found = []
    for each in told:
        try:
            found.append(program(each))
        except ParseError:
            continue
    return tuple(found)


def _words(told: object) -> str:
    return told.text if isinstance(told, rpc.Fault) else type(told).__name__
