"""Files of variables as those who use them read them: systemd an ``EnvironmentFile=``, programs and Compose a ``.env``.

Values may be quoted and span lines, systemd.exec(5). A key or certificate that somebody pasted without quotes is passed
over to its end: a line of it may look like a variable.
"""

import re
from collections.abc import Iterator, Sequence

_name = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_export = re.compile(r"export[ \t]+")
_BEGIN, _END = "-----BEGIN ", "-----END "


def is_name(text: str) -> bool:
    """Whether a variable may be called so."""
    return _name.fullmatch(text) is not None


def entries(lines: Sequence[str], *, dotenv: bool = False) -> Iterator[tuple[str, str, int]]:
    """Each assignment: its name, its value, the line in which it begins."""
    text, at, number = "\n".join(lines) + "\n", 0, 1
    while at < len(text):
        end = text.index("\n", at)
        line = text[at:end].lstrip(" \t")
        bare = _export.sub("", line, count=1) if dotenv else line
        name, equals, _ = bare.partition("=")
        value, after = "", end + 1
        if equals and not line.startswith(("#", ";")):
            value, after = _value(text, end - len(bare) + len(name) + 1, dotenv=dotenv)
            if is_name(name.rstrip(" \t")):
                yield name.rstrip(" \t"), value, number
        if _BEGIN in (taken := text[at:after]) and _END not in taken:
            block = text.find(_END, after)
            after = len(text) if block < 0 else text.index("\n", block) + 1
        number += text.count("\n", at, after)
        at = after


def _value(text: str, at: int, *, dotenv: bool) -> tuple[str, int]:
    """The value that begins there, and where the next line does. Parts in quotes stand beside others."""
    value, bare = "", 0
    # What stands in quotes keeps its blanks; blanks before and after do not count.
    while (char := text[at]) in " \t":
        at += 1
    while char != "\n":
        if char in "'\"" and not value[bare:].strip(" \t"):
            part, at = _quoted(text, at + 1, char)
            value = value[:bare] + part
            bare = len(value)
        elif char == "\\" and not dotenv:
            value += "" if text[at + 1] == "\n" else text[at + 1]
            at += 2
        elif dotenv and char == "#" and (not value or value[-1:] in " \t" or text[at - 1] in " \t"):
            at = text.index("\n", at)
        else:
            value += char
            at += 1
        if at >= len(text):
            break
        char = text[at]
    return value[:bare] + value[bare:].rstrip(" \t\r"), at + 1


def _quoted(text: str, at: int, quote: str) -> tuple[str, int]:
    """What stands in quotes from there on, and where it is left; one that is never closed ends with the file."""
    value = ""
    while at < len(text) - 1 and (char := text[at]) != quote:
        if char == "\\" and quote == '"':
            following = text[at + 1]
            value += "" if following == "\n" else following if following in '"\\`$' else char + following
            at += 2
        else:
            value += char
            at += 1
    return value, at + 1
