"""Reading a configuration file. Imports pydantic: only wanted once there is a file to read."""

import os.path
import re
import tomllib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from console.config import rules, shape
from console.config.locate import line_of, locate
from console.config.mistakes import ConfigError, Mistake
from console.config.model import Config, ServiceConfig

_PLACE = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL)
_LIMIT = 4 * 1024 * 1024


def load(path: Path, *, themes: Collection[str] = (), managers: Collection[str] = ()) -> Config:
    """Read and check a configuration file.

    ``themes`` and ``managers`` are the names that exist; when empty they are not checked. Raises ``ConfigError`` with
    every mistake of the file, or the one reason why it cannot be read.
    """
    return parse(_text(path), str(path), themes=themes, managers=managers)


def parse(text: str, file: str, *, themes: Collection[str] = (), managers: Collection[str] = ()) -> Config:
    """Check the text of a configuration file; ``file`` is what it is called in messages."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file, [_syntax(str(error), text)]) from None
    except RecursionError:
        raise ConfigError(file, [Mistake("nested too deeply", "a few levels")]) from None
    lines = locate(text)
    found = rules.check(raw, lines, themes, managers)
    config = None
    try:
        config = shape.read(raw)
    except ValidationError as error:
        found += shape.mistakes(error, raw, lines)
    if config is None or found:
        raise ConfigError(file, found)
    config = _resolved(config, Path(file).parent)
    for number, service in enumerate(config.services):
        # Frozen, and no value that a file could give: this is only where it came from.
        object.__setattr__(service, "where", f"{file}:{line_of(lines, ('services', number, 'ports'))}")
    return config


def _resolved(config: Config, folder: Path) -> Config:
    """With the work trees of the console's machine as whole paths: what is relative begins at the file's directory."""
    if not any(service.release is not None and service.release.local_source for service in config.services):
        return config
    return replace(config, services=tuple(_with_whole_path(service, folder) for service in config.services))


def _with_whole_path(service: ServiceConfig, folder: Path) -> ServiceConfig:
    made = service.release
    if made is None or made.local_source is None:
        return service
    source = Path(made.local_source)
    # Of a user who is not there: then there is no such directory, which is told when it is looked at.
    with suppress(RuntimeError):
        source = source.expanduser()
    whole = os.path.normpath(folder.absolute() / source)
    return replace(service, release=replace(made, local_source=whole))


def _text(path: Path) -> str:
    expected = "a TOML file that this user can read"
    try:
        if path.is_dir():
            raise ConfigError(str(path), [Mistake("is a directory", expected)])
        with path.open("rb") as stream:
            data = stream.read(_LIMIT + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(str(path), [Mistake(f"cannot be read: {reason}", expected)]) from None
    if len(data) > _LIMIT:
        raise ConfigError(str(path), [Mistake("is larger than 4 MiB", "a configuration file")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise ConfigError(str(path), [Mistake(byte, "text in UTF-8", line=line)]) from None


def _syntax(message: str, text: str) -> Mistake:
    """Where and why the text is no TOML. ``tomllib`` tells the place only within its message before Python 3.14."""
    match = _PLACE.fullmatch(message)
    if match is None:
        return Mistake(f"not valid TOML: {message}", "TOML 1.0 (toml.io)")
    body = text.rstrip().replace("\r\n", "\n")
    line = int(match["line"] or body.count("\n") + 1)
    column = int(match["column"] or len(body) - body.rfind("\n"))
    what = match["what"]
    expected = _HINTS.get(what, "TOML 1.0 (toml.io)")
    return Mistake(f"not valid TOML: {_plain(what)}", expected, line=line, column=column)


_HINTS = {
    "Invalid value": 'text in "quotes", a number, true, false, a [list] or a {table}',
    "Cannot overwrite a value": "each key once in its table",
    "Invalid statement": "KEY = VALUE, [TABLE] or # comment",
    "Expected newline or end of document after a statement": "one KEY = VALUE a line",
}


def _plain(what: str) -> str:
    twice = re.fullmatch(r"Cannot declare \((.*)\) twice", what)
    if twice:
        return f"the table {_dotted(twice[1])} is there twice"
    again = re.fullmatch(r"Cannot redefine namespace \((.*)\)", what)
    if again:
        return f"the table {_dotted(again[1])} is already complete"
    return what[:1].lower() + what[1:]


def _dotted(names: str) -> str:
    parts: list[Any] = re.findall(r"'((?:[^'\\]|\\.)*)'", names)
    return ".".join(parts)
