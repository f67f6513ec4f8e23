"""What a service runs, as it is configured or as a process shows it, and whether two run the same."""

import posixpath
import re
from dataclasses import dataclass, field

_INTERPRETER = re.compile(r"(?:python|pypy|node|nodejs|ruby|perl|php|lua|bun|deno|tsx|ts-node)[0-9.]*")
_SHELL = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh"})
_TAKES_A_WORD = {"-m": "module", "-jar": "file", "-r": "word", "--require": "word", "-c": "text", "-e": "text"}


@dataclass(frozen=True, slots=True)
class Launch:
    """A command, and what else tells one program from another."""

    argv: tuple[str, ...] = field(default=(), repr=False)
    """Never shown as it is: a command line may have secrets in it."""
    directory: str | None = None
    """Where it is started; ``None`` where that is not known."""
    pid_file: str | None = None
    whole: bool = True
    """Whether ``argv`` has all of its words; else only what it runs is known."""


def same_launch(one: Launch, other: Launch) -> bool:
    """Whether two run the same: one pid file, or one script with the same words behind it.

    Nothing is taken for the same because it merely is the same interpreter.
    """
    if one.pid_file is not None and one.pid_file == other.pid_file:
        return True
    first, second = _core(one), _core(other)
    if first is None or second is None or not _same_place(first[0], second[0], one, other):
        return False
    return first[1] == second[1] or not (one.whole and other.whole)


def program(argv: tuple[str, ...]) -> str | None:
    """The name of the program behind ``env`` or a shell that only starts it, without its folder."""
    words = _unwrapped(argv)
    return posixpath.basename(words[0]) or None if words else None


def _core(launch: Launch) -> tuple[str, tuple[str, ...]] | None:
    """What is run, without what runs it, and the words behind it."""
    words = _unwrapped(launch.argv)
    if not words:
        return None
    name = posixpath.basename(words[0])
    if name == "java":
        at = words.index("-jar") if "-jar" in words else None
        return (words[at + 1], words[at + 2 :]) if at is not None and len(words) > at + 1 else None
    if not (_INTERPRETER.fullmatch(name) or name in _SHELL):
        return words[0], words[1:]
    at = 1
    while at < len(words) and words[at].startswith("-"):
        kind = _TAKES_A_WORD.get(words[at])
        if kind == "text":
            return None
        if kind == "module" and at + 1 < len(words):
            return f"-m {words[at + 1]}", words[at + 2 :]
        at += 2 if kind is not None else 1
    return (words[at], words[at + 1 :]) if at < len(words) else None


def _unwrapped(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without ``env NAME=VALUE`` and a shell that only puts itself in the place of the command."""
    if words and posixpath.basename(words[0]) == "env":
        rest = words[1:]
        while rest and "=" in rest[0]:
            rest = rest[1:]
        return _unwrapped(rest)
    if len(words) == 3 and posixpath.basename(words[0]) in _SHELL and words[1] == "-c":
        inner = tuple(words[2].split())
        plain = not re.search(r"[;&|<>`$'\"\\]", words[2])
        return _unwrapped(inner[1:] if inner[:1] == ("exec",) else inner) if plain else words
    return words


def _same_place(first: str, second: str, one: Launch, other: Launch) -> bool:
    if first.startswith("-m ") or second.startswith("-m "):
        both = one.directory is not None and other.directory is not None
        return first == second and (not both or one.directory == other.directory)
    given = {_folder(launch) for launch in (one, other) if launch.directory not in (None, "/")}
    if len(given) > 1 and posixpath.isabs(first) and posixpath.isabs(second):
        # What a program finds in the folder that it was given makes another service of it.
        return False
    path = _path(first, one)
    # A process does not tell where it was started: the same name in two folders is two programs.
    return path.startswith("/") and path == _path(second, other)


def _folder(launch: Launch) -> str:
    return posixpath.normpath(launch.directory or "/")


def _path(word: str, launch: Launch) -> str:
    return posixpath.normpath(posixpath.join(launch.directory or "", word))
