"""Reads ``sudo -l`` and writes sudoers lines: sudoers(5), sudo 1.8 to 1.9. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_ENTRY = re.compile(r"\s+\((?P<runas>[^)]*)\)\s+(?P<rest>.*)")
_TAG = re.compile(r"(?P<tag>[A-Z_]+):\s*|(?P<option>[A-Z_]+=\S+)\s+")
_SPECIAL = re.compile(r'([,:=#"!*?\[\] \t])')


@dataclass(frozen=True, slots=True)
class Allowed:
    """One command that a listing allows or, with ``denied``, forbids."""

    pattern: str
    password: bool
    denied: bool = False


def allowed_commands(lines: Iterable[str], run_as: str = "root") -> tuple[Allowed, ...]:
    """The commands of a listing as a user, in its order: of several that fit, the last counts.

    ``password`` is false under NOPASSWD, and everywhere where the defaults turn authentication off.
    """
    found: list[Allowed] = []
    free = False
    for line in lines:
        if "!authenticate" in line:
            free = True
        match = _ENTRY.fullmatch(line)
        if match is not None and _as(match["runas"], run_as):
            found += _commands(match["rest"], not free)
    return tuple(found)


def _as(runas: str, user: str) -> bool:
    wanted = ("ALL", user, *(("#0",) if user == "root" else ()))
    return any(one.strip() in wanted for one in runas.partition(":")[0].split(","))


def _commands(rest: str, password: bool) -> Iterable[Allowed]:
    for word in re.split(r"(?<!\\),\s*", rest):
        word = word.strip()
        while (tag := _TAG.match(word)) is not None:
            if tag["tag"] in ("NOPASSWD", "PASSWD"):
                password = tag["tag"] == "PASSWD"
            word = word[tag.end() :]
        denied = word.startswith("!")
        yield Allowed(word.removeprefix("!").strip(), password, denied)


def needs_password(path: str, argv: tuple[str, ...], listing: Iterable[Allowed]) -> bool | None:
    """Whether sudo would ask for a password for a command that it allows; ``None`` when the listing does not tell.

    ``path`` is where the host finds ``argv[0]``.
    """
    answer: bool | None = None
    entries = [entry for entry in listing if not entry.denied]
    for entry in entries:
        if _fits(entry.pattern, path, argv[1:]):
            answer = entry.password
    if answer is None and entries and len({entry.password for entry in entries}) == 1:
        return entries[0].password
    return answer


def _fits(pattern: str, path: str, arguments: tuple[str, ...]) -> bool:
    if pattern == "ALL":
        return True
    command, space, rest = pattern.partition(" ")
    if not _same_program(command, path):
        return False
    if not space:
        return True
    if rest == '""':
        return not arguments
    return _glob(rest).fullmatch(" ".join(arguments)) is not None


def _same_program(command: str, path: str) -> bool:
    """Whether a rule's path means the program at ``path``: /bin and /usr/bin are one directory on most systems."""
    if command.endswith("/"):
        return _merged(command.rstrip("/")) == _merged(path.rpartition("/")[0])
    return _glob(_merged(command)).fullmatch(_merged(path)) is not None


def _merged(path: str) -> str:
    return re.sub(r"^/(bin|sbin)(/|$)", r"/usr/\1\2", path)


def _glob(pattern: str) -> re.Pattern[str]:
    """A pattern of fnmatch(3) in which sudo has escaped its own special characters."""
    parts = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "\\" and at < len(pattern):
            parts.append(re.escape(pattern[at]))
            at += 1
        elif char == "*":
            parts.append(".*")
        elif char == "?":
            parts.append(".")
        elif char == "[" and (end := pattern.find("]", at + 1)) > 0:
            inside = pattern[at:end].replace("\\", "\\\\").replace("[", "\\[")
            parts.append(f"[{inside}]")
            at = end + 1
        else:
            parts.append(re.escape(char))
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error:
        return re.compile(re.escape(pattern))


def sudoers_line(user: str, path: str, arguments: tuple[str, ...], run_as: str = "root") -> str | None:
    """The narrowest line that lets a user run exactly this without a password; ``None`` where none can be written."""
    words = (path, *arguments)
    if not path.startswith("/") or any(not word.isprintable() or not word for word in words):
        return None
    who = user.replace("\\", "\\\\").replace(" ", "\\ ")
    # fnmatch reads a backslash once more after sudoers' own lexer, hence four of them.
    shown = " ".join(_SPECIAL.sub(r"\\\1", word.replace("\\", "\\\\\\\\")) for word in words)
    return f"{who} ALL=({run_as}) NOPASSWD: {shown}"
