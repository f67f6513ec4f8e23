"""Commands as data, and the only place where they become shell text."""

import shlex
from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """Whether a command only looks or changes the host."""

    READ = "read"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Command:
    """One command for a host, as an argument vector. Nothing in it is ever parsed by a shell.

    ``elevate`` asks for root: the command is run through ``sudo -n`` unless the connection is root's already.
    ``timeout`` is in seconds; ``ok_exits`` are the exit codes that mean success.
    """

    argv: tuple[str, ...]
    elevate: bool = False
    timeout: float = 10.0
    ok_exits: tuple[int, ...] = (0,)
    effect: Effect = Effect.READ
    purpose: str = ""

    def words(self, *, root: bool) -> tuple[str, ...]:
        """The argument vector as it is run by root or by another user."""
        if self.elevate and not root:
            return ("sudo", "-n", "--", *self.argv)
        return self.argv

    def through_sudo(self, *, root: bool) -> tuple[str, ...] | None:
        """What follows ``sudo -n`` where sudo runs it: ``("--", "systemctl", ...)``, ``("-u", "deploy", "--", ...)``.

        Some managers answer only root or another user; those words are then part of ``argv``.
        """
        words = self.words(root=root)
        return words[2:] if words[:2] == ("sudo", "-n") else None

    def shell(self, *, root: bool = True) -> str:
        """One line of POSIX shell with every word quoted; what a person can copy and run."""
        return quote(self.words(root=root))


@dataclass(frozen=True, slots=True)
class Output:
    """What a command gave. ``stdout`` and ``stderr`` are already sanitised text; ``exit`` is -1 after a timeout."""

    exit: int
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0


class Secret:
    """A value that never shows itself in text, repr, format or JSON; ``reveal`` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value."""
        return self._value

    def __str__(self) -> str:
        return "********"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format("********", spec)


def quote(argv: tuple[str, ...] | list[str]) -> str:
    """Render an argument vector as one line of POSIX shell."""
    return shlex.join(argv)
