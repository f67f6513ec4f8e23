"""Recorded answers: one file per case, with what was asked, by whom, of which tools, the output and what it means.

    probe: console.probes.listeners:PROBE
    args: 8080
    recorded: Debian 12, iproute2-6.1.0 ..., as oncall
    ---- output
    ...
    ---- expected
    Listener(protocol='tcp', ...)

Expected is what the parser makes of it, only what differs from the defaults; it is read by a person before it is
committed. ``python -m tests.probes.record`` records everything anew on lab hosts.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path

from console.core.probe import Probe

OUTPUT, EXPECTED = "---- output\n", "\n---- expected\n"


@dataclass(frozen=True)
class Case:
    """One recorded answer."""

    path: Path
    probe: str
    args: tuple[str, ...]
    recorded: str
    output: str
    expected: str

    def parsed(self) -> str:
        """What the parser makes of the output now."""
        return shown(find(self.probe).parse(self.output))

    def write(self) -> None:
        """Write the file."""
        head = f"probe: {self.probe}\nargs: {' '.join(self.args)}\nrecorded: {self.recorded}\n"
        self.path.write_text(f"{head}{OUTPUT}{self.output}{EXPECTED}{self.expected}\n")


def read(path: Path) -> Case:
    """Read one file."""
    head, _, rest = path.read_text().partition(OUTPUT)
    output, _, expected = rest.rpartition(EXPECTED)
    words = {name: value.strip() for name, _, value in (line.partition(":") for line in head.splitlines())}
    return Case(path, words["probe"], tuple(words["args"].split()), words["recorded"], output, expected.rstrip("\n"))


def cases(folder: Path) -> list[Case]:
    """All cases of a folder."""
    return [read(path) for path in sorted(folder.glob("*.txt"))]


def find(name: str) -> Probe[object]:
    """The probe of a name such as ``console.probes.vitals:PROBE``."""
    module, _, attribute = name.partition(":")
    probe = getattr(importlib.import_module(module), attribute)
    assert isinstance(probe, Probe)
    return probe


def shown(value: object) -> str:
    """A value as text, one part a line, without what is as by default."""
    if isinstance(value, tuple):
        return "\n".join(map(_short, value)) or "()"
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_short(part)}" for key, part in value.items()) or "{}"
    return _short(value)


def _short(value: object) -> str:
    if is_dataclass(value) and not isinstance(value, type):
        parts = []
        for field in fields(value):
            part = getattr(value, field.name)
            if field.default is MISSING or part != field.default:
                parts.append(f"{field.name}={_short(part)}")
        return f"{type(value).__name__}({', '.join(parts)})"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_short, value))})"
    if isinstance(value, frozenset):
        return f"{{{', '.join(map(_short, sorted(value)))}}}"
    return repr(value)
