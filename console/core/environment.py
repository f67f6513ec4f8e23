"""The environment of one service: who sets what, and what the running process has instead. Values are masked here.

What arrives from a host is held as ``Secret``; what leaves this module is safe to show.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from console.core.command import Secret
from console.core.service import ServiceRef
from console.core.text import mask, mask_variable

CHANGED = "changed on disk since the start: a restart is due"
OTHER = "the running process has another value"
ABSENT = "not in the running process"
TOLERANCE = 2.0
"""Seconds by which the start of a process may be known wrong: the host counts in ticks since its boot."""


class Origin(StrEnum):
    """Who sets variables."""

    UNIT = "unit"
    """``Environment=`` of a unit."""
    FILE = "file"
    """``EnvironmentFile=`` of a unit."""
    BESIDE = "dotenv"
    """``.env`` of the working directory or of a Compose project: read by the program or by Compose, if at all."""
    GIVEN = "env_file"
    """``env_file:`` of a service of Compose, which puts it into the ``Env`` of the containers that it makes."""
    PROGRAM = "program"
    """``environment=`` of a program of supervisord."""
    CONTAINER = "container"
    """``Env`` of a container."""
    PROCESS = "process"
    """What the main process was started with."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A variable as it was read. ``line`` is 0 where there is none, ``where`` a place in one of several files."""

    name: str
    value: Secret
    line: int = 0
    where: str = ""
    filled: bool = True
    """Not a pattern that its manager fills in, which cannot be compared."""


@dataclass(frozen=True, slots=True)
class Told:
    """One source as the host told it."""

    origin: Origin
    where: str
    variables: tuple[Raw, ...] = ()
    failure: str | None = None
    mode: str | None = None
    """Octal, of a file."""
    owner: str | None = None
    """``USER:GROUP`` of a file."""
    changed: float | None = None
    """When the file changed last, on the host's clock."""
    started: float | None = None
    """When the process began, on the same clock."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that may be shown."""

    name: str
    value: str
    hidden: bool
    """Whether something of the value is masked."""
    where: str = ""
    note: str | None = None


@dataclass(frozen=True, slots=True)
class EnvSource:
    """A source that may be shown. ``failure`` says why it could not be read."""

    origin: Origin
    where: str
    variables: tuple[Variable, ...] = ()
    failure: str | None = None
    mode: str | None = None
    owner: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def readable_by_all(self) -> bool:
        """Whether the mode of a file lets everyone read it."""
        return self.mode is not None and self.mode.endswith(("4", "5", "6", "7"))

    @property
    def hides(self) -> bool:
        """Whether it holds what is taken for a secret."""
        return any(variable.hidden for variable in self.variables)


@dataclass(frozen=True, slots=True)
class Environment:
    """What is known of the environment of one service."""

    ref: ServiceRef
    sources: tuple[EnvSource, ...] = ()
    failure: str | None = None

    @property
    def restart_due(self) -> tuple[str, ...]:
        """The names whose value on disk is newer than the running process."""
        found = (each for source in self.sources for each in source.variables if each.note == CHANGED)
        return tuple(dict.fromkeys(variable.name for variable in found))


def environment(ref: ServiceRef, told: Iterable[Told]) -> Environment:
    """Compare the sources with what runs, and mask them. A later source of a name hides an earlier one."""
    told = tuple(told)
    process = next((one for one in told if one.origin is Origin.PROCESS), None)
    running = next((one for one in (process, *told) if one is not None and _runs(one)), None)
    has = {raw.name: raw.value.reveal() for raw in running.variables} if running is not None else None
    started = process.started if process is not None else None
    last = {raw.name: (number, raw) for number, one in enumerate(told) if _sets(one) for raw in one.variables}
    sources = []
    for number, one in enumerate(told):
        compared = one is not running and one.origin is not Origin.PROCESS
        newer = one.changed is not None and started is not None and one.changed > started + TOLERANCE
        shown = []
        for raw in one.variables:
            at, winner = last.get(raw.name, (number, raw))
            over = told[at].where if _sets(one) and winner is not raw else ""
            note = f"overridden by {over}" if over else _note(one, raw, has, newer=newer) if compared else None
            shown.append(_shown(raw, note))
        late = newer and one.origin is not Origin.PROCESS and has is None
        notes = ("changed on disk since the start: a restart may be due",) if late else ()
        sources.append(EnvSource(one.origin, one.where, tuple(shown), one.failure, one.mode, one.owner, notes))
    return Environment(ref, tuple(sources))


def _runs(one: Told) -> bool:
    return one.origin in (Origin.PROCESS, Origin.CONTAINER) and one.failure is None and bool(one.variables)


def _sets(one: Told) -> bool:
    """Whether what it says is set by the manager itself: in what a container has, files are included already."""
    return one.origin not in (Origin.BESIDE, Origin.GIVEN, Origin.PROCESS)


def _note(one: Told, raw: Raw, has: Mapping[str, str] | None, *, newer: bool) -> str | None:
    if has is None or not raw.filled or has.get(raw.name) == raw.value.reveal():
        return None
    if raw.name not in has:
        # Who reads a .env is the program: what it took from there is not in the environment that it was given.
        return None if one.origin is Origin.BESIDE else CHANGED if newer else ABSENT
    return CHANGED if newer else OTHER


def _shown(raw: Raw, note: str | None) -> Variable:
    value = raw.value.reveal()
    shown = mask_variable(raw.name, value)
    where = raw.where or (str(raw.line) if raw.line else "")
    return Variable(mask(raw.name), shown, shown != value, where, note)


_TITLES = {
    Origin.UNIT: "Environment= of",
    Origin.FILE: "EnvironmentFile=",
    Origin.BESIDE: "beside it:",
    Origin.GIVEN: "env_file:",
    Origin.PROGRAM: "environment= of",
    Origin.CONTAINER: "Env of container",
    Origin.PROCESS: "running process",
}


def sections(found: Environment) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The same for a person: a title for each source, and its lines."""
    if found.failure is not None:
        yield str(found.ref), (found.failure,)
        return
    elsewhere = {
        each.name
        for one in found.sources
        if one.origin is not Origin.PROCESS
        for each in one.variables
        if not each.note
    }
    for one in found.sources:
        mode = f"  {one.mode} {one.owner}" if one.mode is not None else ""
        lines = [*([f"not seen: {one.failure}"] if one.failure is not None else []), *one.notes]
        if one.readable_by_all and one.hides:
            lines.append(f"readable by everyone, and it holds secrets: chmod 640 {one.where}")
        listed = [each for each in one.variables if one.origin is not Origin.PROCESS or each.name not in elsewhere]
        lines += [_line(each) for each in listed]
        if (same := len(one.variables) - len(listed)) > 0:
            lines.append(f"and {same} as above")
        elif not lines:
            lines.append("sets nothing")
        yield f"{_TITLES[one.origin]} {one.where}{mode}", tuple(lines)
    if due := found.restart_due:
        yield "RESTART DUE", (f"changed on disk since the start: {', '.join(due)}",)


def _line(each: Variable) -> str:
    where = f"  ({each.where})" if ":" in each.where else f"  (line {each.where})" if each.where else ""
    return f"{each.name}={each.value}{where}" + (f"  <- {each.note}" if each.note else "")
