"""OpenSSH's client configuration as ssh_config(5) describes it: files to lines, lines to the settings of one host.

Files are read once and kept until they change, so that hundreds of hosts can be looked up for the price of one. What
needs more than the files say (``Match exec``, canonical names ...) raises ``ClientNeededError``: then ``ssh -G`` is
asked.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

MAX_DEPTH = 16
"""How deep files may include one another (READCONF_MAX_DEPTH of OpenSSH)."""

_LISTS = frozenset({"identityfile", "certificatefile"})
"""Options of which every occurrence counts; of all others the first."""

_WHOLE_LINE = frozenset({"proxycommand"})
"""Options whose value is the rest of the line as it stands."""

_ALIASES = {"pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms"}


class ConfigFileError(Exception):
    """A line that cannot be understood; the text names file and line."""


class ClientNeededError(Exception):
    """Only the ``ssh`` program can tell; the text says because of what."""


@dataclass(frozen=True, slots=True)
class Line:
    """A keyword in lower case and its words; ``rest`` is the line after the keyword."""

    keyword: str
    words: tuple[str, ...]
    rest: str
    where: str


@dataclass(slots=True)
class Settings:
    """What applies to one host: option in lower case to its words."""

    host: str
    """The name as it was given."""
    first: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    """File and line of each option, for messages."""

    def word(self, option: str) -> str | None:
        """The option's only word."""
        words = self.first.get(option)
        return words[0] if words else None

    def add(self, option: str, words: tuple[str, ...], where: str) -> None:
        """Note an option, unless an earlier one has settled it."""
        if option in _LISTS:
            kept = self.lists.setdefault(option, [])
            if words[0] not in kept:
                kept.append(words[0])
        elif option in {"proxyjump", "proxycommand"}:
            # The first of the two wins, and a jump that was switched off stays off.
            if "proxyjump" not in self.first and "proxycommand" not in self.first:
                self.first[option] = words
        else:
            self.first.setdefault(option, words)
        self.where.setdefault(option, where)


@dataclass(frozen=True, slots=True)
class Source:
    """A file to begin with, and where its relative ``Include`` lines start."""

    path: Path
    base: Path
    private: bool = False
    """Must belong to this user or root and be writable by nobody else, as ssh demands of ``~/.ssh/config``."""


def evaluate(
    sources: tuple[Source, ...], host: str, *, user: str | None, port: int | None, local_user: str
) -> Settings:
    """Return the settings of a host; ``user`` and ``port`` are given ones, which no file overrides."""
    settings = Settings(host)
    if user is not None:
        settings.add("user", (user,), "the destination")
    if port is not None:
        settings.add("port", (str(port),), "the destination")
    walk = _Walk(settings, host, local_user, final=False)
    for source in sources:
        walk.file(source)
    if walk.wants_final:
        name = (settings.word("hostname") or host).replace("%h", host).replace("%%", "%")
        settings.first["hostname"] = (name.lower(),)
        again = _Walk(settings, name.lower(), local_user, final=True)
        for source in sources:
            again.file(source)
    if (settings.word("canonicalizehostname") or "no").lower() not in {"no", "false", "none"}:
        raise ClientNeededError("CanonicalizeHostname")
    return settings


class _Walk:
    """One pass over the files."""

    def __init__(self, settings: Settings, host: str, local_user: str, *, final: bool) -> None:
        self._settings = settings
        self._host = host
        self._local_user = local_user
        self._final = final
        self.wants_final = False

    def file(self, source: Source) -> None:
        self._lines(source.path, source, active=True, never=False, depth=0)

    def _lines(self, path: Path, source: Source, *, active: bool, never: bool, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ConfigFileError(f"{path}: files include one another more than {MAX_DEPTH} times")
        for line in read_lines(path, private=source.private):
            if line.keyword == "host":
                active = not never and _host_matches(line, self._host)
            elif line.keyword == "match":
                active = self._match(line) and not never
            elif line.keyword == "include":
                for included in _included(line, source.base):
                    self._lines(included, source, active=active, never=never or not active, depth=depth + 1)
            elif active:
                words = (line.rest,) if line.keyword in _WHOLE_LINE else line.words
                self._settings.add(_ALIASES.get(line.keyword, line.keyword), words, line.where)

    def _match(self, line: Line) -> bool:
        words = list(line.words)
        result = True
        while words:
            attribute, equals, pattern = words.pop(0).partition("=")
            negated, attribute = attribute.startswith("!"), attribute.lstrip("!").lower()
            if attribute == "all":
                continue
            if attribute in {"final", "canonical"}:
                self.wants_final |= attribute == "final"
                hit = self._final
            else:
                if not equals:
                    if not words:
                        raise ConfigFileError(f"{line.where}: Match {attribute} needs a pattern")
                    pattern = words.pop(0)
                hit = result and self._criterion(attribute, pattern, line)
            result = result and hit != negated
        return result

    def _criterion(self, attribute: str, patterns: str, line: Line) -> bool:
        settings = self._settings
        if attribute == "host":
            name = settings.word("hostname") or self._host
            return matches_any(patterns.lower(), name.replace("%h", self._host).lower())
        if attribute == "originalhost":
            return matches_any(patterns.lower(), settings.host.lower())
        if attribute == "user":
            return matches_any(patterns, settings.word("user") or self._local_user)
        if attribute == "localuser":
            return matches_any(patterns, self._local_user)
        raise ClientNeededError(f"{line.where}: Match {attribute}")


def _host_matches(line: Line, host: str) -> bool:
    hit = False
    for word in line.words:
        if word.startswith("!"):
            if matches(word[1:], host):
                return False
        elif matches(word, host):
            hit = True
    return hit


def _included(line: Line, base: Path) -> Iterator[Path]:
    for word in line.words:
        pattern = Path(os.path.expanduser(word))  # noqa: PTH111 - "~user" must stay as it is where there is no such user
        if not pattern.is_absolute():
            pattern = base / pattern
        root = Path(pattern.anchor)
        found = root.glob(str(pattern.relative_to(root)))
        yield from sorted(path for path in found if path.is_file())


_kept: dict[tuple[Path, bool], tuple[tuple[int, int, int], tuple[Line, ...]]] = {}


def read_lines(path: Path, *, private: bool) -> tuple[Line, ...]:
    """Return the lines of a file, none where there is no such file; raises ``ConfigFileError``."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise ConfigFileError(f"{path} cannot be read: {error.strerror}") from None
    stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
    kept = _kept.get((path, private))
    if kept is not None and kept[0] == stamp:
        return kept[1]
    if private and (status.st_uid not in {0, os.getuid()} or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        raise ConfigFileError(f"{path} can be written by others, ssh would refuse it: chmod go-w {path}")
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ConfigFileError(f"{path} cannot be read: {error.strerror}") from None
    lines = tuple(_parse(text, path))
    _kept[path, private] = (stamp, lines)
    return lines


_keyword = re.compile(r'[ \t]*"?([^\s"=]+)"?(?:[ \t]*=[ \t]*|[ \t]+|$)(.*)')


def _parse(text: str, path: Path) -> Iterator[Line]:
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip(" \t\r\f")
        found = _keyword.match(line)
        if found is None or found[1].startswith("#"):
            continue
        where = f"{path}:{number}"
        try:
            words = split_words(found[2])
        except ValueError:
            raise ConfigFileError(f"{where}: a quote is not closed") from None
        if not words:
            raise ConfigFileError(f"{where}: {found[1]} has no value")
        yield Line(found[1].lower(), words, found[2], where)


def split_words(text: str) -> tuple[str, ...]:
    """Split as OpenSSH's argv_split does: quotes of both kinds, few escapes, ``#`` at a word's start is a comment."""
    words: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
        elif text[at] == "#":
            break
        else:
            word, at = _word(text, at)
            words.append(word)
    return tuple(words)


def _word(text: str, at: int) -> tuple[str, int]:
    quote = ""
    word: list[str] = []
    while at < len(text):
        char = text[at]
        if char == "\\" and at + 1 < len(text) and (text[at + 1] in "'\"\\" or (not quote and text[at + 1] == " ")):
            at += 1
            word.append(text[at])
        elif not quote and char in " \t":
            break
        elif not quote and char in "\"'":
            quote = char
        elif quote and char == quote:
            quote = ""
        else:
            word.append(char)
        at += 1
    if quote:
        raise ValueError(text)
    return "".join(word), at


def matches_any(patterns: str, name: str) -> bool:
    """Whether a name matches a comma-separated list; a ``!pattern`` that matches outweighs all others."""
    hit = False
    for pattern in patterns.split(","):
        if pattern.startswith("!"):
            if matches(pattern[1:], name):
                return False
        elif matches(pattern, name):
            hit = True
    return hit


def matches(pattern: str, name: str) -> bool:
    """Whether a name matches a pattern in which ``*`` is any text and ``?`` one character (case counts)."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == name
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (
        "[^\\n]*" if part == "*" else "." if part == "?" else re.escape(part)
        for part in re.split(r"(\*+|\?)", re.sub(r"\*+", "*", pattern))
    )
    return re.compile("".join(parts), re.DOTALL)


def expand(text: str, tokens: Mapping[str, str], *, where: str) -> str:
    """Replace ``%x`` by its token and ``${NAME}`` by the environment's value; raises ``ConfigFileError``."""

    def token(found: re.Match[str]) -> str:
        if found[1] is not None:
            if found[1] not in os.environ:
                raise ConfigFileError(f"{where}: ${{{found[1]}}} is not set in the environment")
            return os.environ[found[1]]
        letter = found[2]
        if letter not in tokens:
            raise ConfigFileError(f"{where}: %{letter} means nothing here")
        return tokens[letter]

    return re.sub(r"\$\{([^}]*)\}|%(.?)", token, text, flags=re.DOTALL)
