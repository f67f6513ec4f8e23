"""Commands as data, and the only place where they become shell text."""

import shlex
from dataclasses import dataclass
from enum import StrEnum

from console.core.text import mask_words

LONGEST = 160
"""Characters up to which a person reads a command as it is."""

_SHELLS = ("sh", "/bin/sh", "bash", "/bin/bash")


class Effect(StrEnum):
    """Whether a command only looks or changes the host."""

    READ = "read"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Command:
    """One command for a host, as an argument vector. Nothing in it is ever parsed by a shell.

    ``elevate`` asks for root: the command is run through ``sudo -n`` unless the connection is root's already.
    ``timeout`` is in seconds; ``ok_exits`` are the exit codes that mean success. ``becomes`` is the command in which a
    script ends that looks first, where it finds what it expects: what may need rights, and what a person is told.
    ``configured`` says that all its words are a person's: even the text of a script may then hold a secret.
    ``unended``: ended half-way it leaves worse than a late end, so that a plan waits for it beyond its ``timeout``.
    """

    argv: tuple[str, ...]
    elevate: bool = False
    timeout: float = 10.0
    ok_exits: tuple[int, ...] = (0,)
    effect: Effect = Effect.READ
    purpose: str = ""
    becomes: tuple[str, ...] = ()
    configured: bool = False
    unended: bool = False

    def words(self, *, root: bool) -> tuple[str, ...]:
        """The argument vector as it is run by root or by another user."""
        if self.elevate and not root:
            return ("sudo", "-n", "--", *self.argv)
        return self.argv

    def through_sudo(self, *, root: bool) -> tuple[str, ...] | None:
        """What follows ``sudo -n`` where sudo runs it: ``("--", "systemctl", ...)``, ``("-u", "deploy", "--", ...)``.

        Some managers answer only root or another user; those words are then part of ``argv``.
        """
        words = self.becomes or self.words(root=root)
        return words[2:] if words[:2] == ("sudo", "-n") else None

    def shell(self, *, root: bool = True) -> str:
        """One line of POSIX shell with every word quoted, secrets masked: for people, scripts and the audit trail."""
        return quote(self.masked(self.words(root=root)))

    def told(self, *, root: bool = True) -> str:
        """The same for a person to read: of a script that looks first the command that it ends in."""
        return quote(self.masked(self.becomes or self.words(root=root)))

    def masked(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Words of this command without secrets: one may stand behind the word that names it.

        The text of a script of the console's own holds none, and is left as it is.
        """
        for at, word in enumerate(words[1:-1], 1):
            if word == "-c" and words[at - 1] in _SHELLS and not self.configured:
                return (*mask_words(words[: at + 1]), words[at + 1], *mask_words(words[at + 2 :]))
        return mask_words(words)

    @property
    def is_script(self) -> bool:
        """Whether it is a script, or as long as one: then its purpose tells more than its words."""
        argv, line = self.becomes or self.argv, self.told()
        return (argv[0] in _SHELLS and argv[1:2] == ("-c",)) or len(line) > LONGEST or "\n" in line

    def brief(self, *, root: bool = True) -> str:
        """One line for a person: the command, or what a script does, as a comment of the shell."""
        return f"# {self.purpose or 'a script'}" if self.is_script else self.told(root=root)


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
