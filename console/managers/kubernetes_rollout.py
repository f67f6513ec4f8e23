"""The revisions of a workload: ``kubectl rollout history``."""

import re
from dataclasses import dataclass

from console.core.probe import ParseError

_row = re.compile(r"(\d{1,9})\s+(.*)")


@dataclass(frozen=True, slots=True)
class Revision:
    """One template that the workload had, or has."""

    number: int
    cause: str | None
    """The annotation ``kubernetes.io/change-cause``, where somebody set it."""


def parse_history(text: str) -> tuple[Revision, ...]:
    """Read the table, oldest revision first; raises ``ParseError`` where there is none."""
    lines = text.splitlines()
    start = next((place for place, line in enumerate(lines) if line.startswith("REVISION")), None)
    if start is None:
        raise ParseError("a table that begins with REVISION", lines[0] if lines else "")
    found = (_row.match(line) for line in lines[start + 1 :])
    return tuple(
        Revision(int(row[1]), None if row[2].strip() in ("", "<none>") else row[2].strip())
        for row in found
        if row is not None
    )
