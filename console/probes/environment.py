"""The environment of a service: what its definition sets, the files that it names, and what its process was given.

Asked only when somebody wants to see it. What is read is held as ``Secret``, and a line that is none of a variable is
never quoted: a value may be anywhere in it.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from console.core.command import Secret
from console.core.environment import Origin, Raw, Told
from console.core.probe import ParseError, Probe
from console.core.text import mask
from console.probes.declared import supervisord, units
from console.probes.declared.files import whole
from console.probes.environment_files import entries, is_name
from console.probes.environment_script import SCRIPT

_ORIGINS = {str(origin): origin for origin in Origin}


@dataclass(slots=True)
class _Part:
    """One source while its lines arrive."""

    told: Told
    name: str = ""
    lines: list[str] = field(default_factory=list)
    files: list[tuple[str, list[str]]] = field(default_factory=list)
    """Unit files with their text, by which a variable is found again."""


def parse(text: str) -> tuple[Told, ...]:
    """Read the answer of ``SCRIPT``."""
    parts: list[_Part] = []
    for line in text.split("\n"):
        head, _, rest = line.partition("\t")
        if head == "source":
            origin, _, where = rest.partition("\t")
            where, _, name = where.partition("\t")
            if origin not in _ORIGINS:
                raise ParseError("a source of variables", f"{len(line)} characters")
            parts.append(_Part(Told(_ORIGINS[origin], where), name))
        elif parts and head in _TAKERS:
            _TAKERS[head](parts[-1], rest)
        elif line:
            raise ParseError("a line of a source of variables", f"{len(line)} characters")
    return tuple(_ended(part) for part in parts)


def _stat(part: _Part, rest: str) -> None:
    mode, _, after = rest.partition("\t")
    owner, _, changed = after.partition("\t")
    if mode.isdecimal() and len(mode) < 6:
        part.told = replace(part.told, mode=mode.rjust(4, "0"), owner=owner, changed=_moment(changed))


def _fail(part: _Part, rest: str) -> None:
    part.told = replace(part.told, failure=mask(rest[:300]) or "it says nothing")


def _start(part: _Part, rest: str) -> None:
    part.told = replace(part.told, started=_moment(rest))


def _unit_file(part: _Part, rest: str) -> None:
    part.files.append((rest, []))


def _unit_line(part: _Part, rest: str) -> None:
    if part.files:
        part.files[-1][1].append(rest)


_TAKERS: Mapping[str, Callable[[_Part, str], None]] = {
    "stat": _stat,
    "fail": _fail,
    "start": _start,
    "unit": _unit_file,
    "text": _unit_line,
    "line": lambda part, rest: part.lines.append(rest),
}


def _moment(word: str) -> float | None:
    return float(word) if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", word) else None


def _ended(part: _Part) -> Told:
    if part.told.failure is not None:
        return part.told
    found, failure = _READERS[part.told.origin](part)
    return replace(part.told, variables=tuple(found), failure=failure)


_Read = tuple[list[Raw], str | None]


def _of_file(part: _Part) -> _Read:
    given = part.told.origin is Origin.GIVEN
    found = entries(part.lines, dotenv=given or part.told.origin is Origin.BESIDE)
    return [Raw(name, Secret(value), line, filled=not given or "$" not in value) for name, value, line in found], None


def _of_unit(part: _Part) -> _Read:
    try:
        words = [word for line in part.lines for word in shlex.split(line)]
    except ValueError:
        return [], "what systemctl says of it cannot be read"
    told = dict(_pairs([_unescaped(word[1:]) if word.startswith("$") else word for word in words]))
    read = units.read_unit(part.name, tuple(whole(path, "\n".join(lines), "unit") for path, lines in part.files))
    places = {name: one.where for name, one in read.variables.items() if one.value == told.get(name)}
    return [Raw(name, Secret(value), where=places.get(name, "")) for name, value in told.items()], None


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        name, equals, value = word.partition("=")
        if equals and is_name(name):
            yield name, value


def _of_process(part: _Part) -> _Read:
    found = [Raw(name, Secret(value)) for name, value in _pairs([_unescaped(line) for line in part.lines])]
    if part.lines and not found:
        return [], "the process has overwritten what it was started with"
    return found, None


def _unescaped(line: str) -> str:
    return re.sub(r"\\([n\\])", lambda match: "\n" if match[1] == "n" else "\\", line)


def _of_container(part: _Part) -> _Read:
    try:
        words = [word for line in part.lines if line for word in [json.loads(line)] if isinstance(word, str)]
    except (ValueError, RecursionError):
        return [], "what its engine says of it cannot be read"
    return [Raw(name, Secret(value)) for name, value in _pairs(words)], None


def _of_program(part: _Part) -> _Read:
    settings = supervisord.variables(whole(part.told.where, "\n".join(part.lines)), part.name)
    found = []
    for name, one in settings.items():
        value, line = one.value.replace("%%", "%"), int(one.where.rpartition(":")[2])
        found.append(Raw(name, Secret(value), line, filled="%(" not in one.value))
    return found, None


_READERS: Mapping[Origin, Callable[[_Part], _Read]] = {
    Origin.UNIT: _of_unit,
    Origin.FILE: _of_file,
    Origin.BESIDE: _of_file,
    Origin.GIVEN: _of_file,
    Origin.PROGRAM: _of_program,
    Origin.CONTAINER: _of_container,
    Origin.PROCESS: _of_process,
}

PROBE: Probe[tuple[Told, ...]] = Probe("environment", SCRIPT, parse, slow=True, cached=False, timeout=20.0)
"""``KIND WORDS...`` of each source; see ``SCRIPT``. Not told with the evidence: nobody but its reader sees the text."""
