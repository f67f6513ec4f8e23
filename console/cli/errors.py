"""How a command ends early."""

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.core.service import ServiceRef
    from console.core.snapshot import Snapshot


class Exit(IntEnum):
    """Exit codes; the same for every command."""

    OK = 0
    PROBLEM = 1
    """A problem was found, or an action failed."""
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130
    PIPE = 141
    """Nobody reads standard output any more; what a shell shows for any command that ends so."""


class CliError(Exception):
    """What a person must know, a line or more, and the exit code.

    ``placed`` lines begin with the file and line they are about, and editors find it there: nothing is put before them.
    """

    def __init__(self, message: str, code: Exit = Exit.USAGE, *, placed: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.placed = placed


class UnseenError(CliError):
    """What was asked for cannot be told: what runs it does not answer, or this login may not ask."""

    def __init__(self, message: str, snapshot: "Snapshot", code: Exit = Exit.PROBLEM) -> None:
        super().__init__(message, code)
        self.snapshot = snapshot


class PortlessError(CliError):
    """A process of which no port is seen: there may be none of that number."""

    def __init__(self, message: str, ref: "ServiceRef") -> None:
        super().__init__(message)
        self.ref = ref
