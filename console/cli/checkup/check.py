"""One line of a check-up."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a check ended. A warning takes something away, but nothing that is needed."""

    OK = "ok"
    WARNING = "warning"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it is, and how to mend it where it is not well."""

    what: str
    mark: Mark
    found: str
    mend: str | None = None


def ok(what: str, found: str) -> Check:
    """It works."""
    return Check(what, Mark.OK, found)


def warning(what: str, found: str, mend: str | None = None) -> Check:
    """It works, less well."""
    return Check(what, Mark.WARNING, found, mend)


def no(what: str, found: str, mend: str | None = None) -> Check:
    """It does not work."""
    return Check(what, Mark.NO, found, mend)


def unknown(what: str, found: str, mend: str | None = None) -> Check:
    """It could not be seen."""
    return Check(what, Mark.UNKNOWN, found, mend)
