"""Kinds of values: how each is read, what a person is told to write, and its JSON Schema.

They are annotations of the configuration's fields. The methods that pydantic calls import it themselves, so that the
fields and their defaults can be used without it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from console.core.service import Endpoint
from console.core.text import sanitise

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of value is read. ``parse`` raises ``ValueError`` for everything that is not ``expected``."""

    expected: str
    """For a person, after the word "expected"."""
    parse: Callable[[Any], Any]
    schema: Json = field(default_factory=dict)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> "CoreSchema":
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> Json:
        return dict(self.schema)


def number(low: float, high: float, unit: str = "") -> Kind:
    """A number within bounds, both included."""

    def parse(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError
        return float(value)

    expected = f"a number from {low:g} to {high:g}{' ' if unit else ''}{unit}"
    return Kind(expected, parse, {"type": "number", "minimum": low, "maximum": high})


def whole(low: int, high: int) -> Kind:
    """A whole number within bounds, both included."""

    def parse(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError
        return value

    expected = f"a whole number from {low} to {high}"
    return Kind(expected, parse, {"type": "integer", "minimum": low, "maximum": high})


def text(expected: str, fits: Callable[[str], bool], **schema: Any) -> Kind:
    """Text that fits a rule."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or not fits(value):
            raise ValueError
        return value

    return Kind(expected, parse, {"type": "string", **schema})


_HOST_NAME = r"[^\x00-\x20\x7f-\x9f\s/,;|&$`'\"<>()\\@-][^\x00-\x20\x7f-\x9f\s/,;|&$`'\"<>()\\]*"
_DESTINATION = r"(ssh://)?([^\x00-\x20\x7f-\x9f\s/@:\"'`$\\;|&<>()-][^\x00-\x20\x7f-\x9f\s/@:\"'`$\\;|&<>()]*@)?"


def is_host_name(value: str) -> bool:
    """Whether a host may be called so: no blanks, no control or shell characters, no leading ``-``."""
    return len(value) <= 253 and value.isprintable() and re.fullmatch(_HOST_NAME, value) is not None


def is_destination(value: str) -> bool:
    """Whether it can be given to ``ssh``: ``alias``, ``user@name``, ``name:port``, ``ssh://user@name:port``."""
    match = re.match(_DESTINATION, value)
    return match is not None and is_host_name(value[match.end() :])


def _is_url(value: str) -> bool:
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        return False
    if any(character.isspace() or not character.isprintable() for character in value):
        return False
    if url.username is not None or url.password is not None:
        return False
    if url.scheme == "tcp":
        return bool(url.hostname) and bool(port) and url.path in {"", "/"}
    return url.scheme in {"http", "https"} and bool(url.hostname) and port != 0


COLORS = ("red", "orange", "yellow", "green", "cyan", "blue", "magenta", "purple", "white", "gray")


def _is_color(value: str) -> bool:
    return value in COLORS or re.fullmatch(r"#[0-9a-fA-F]{6}", value) is not None


def _is_name(value: str) -> bool:
    return bool(value) and not value.startswith("-") and value.isprintable() and not re.search(r"[\s/]", value)


def _endpoint(value: Any) -> Endpoint:
    match = re.fullmatch(r"(?:(tcp|udp)/)?(?:(\[[0-9A-Fa-f:.%\w]+\]|[\w.*-]+):)?(\d{1,5})", str(value), re.ASCII)
    if isinstance(value, bool) or not isinstance(value, int | str) or match is None:
        raise ValueError
    port = int(match[3])
    if not 1 <= port <= 65535:
        raise ValueError
    return Endpoint(match[1] or "tcp", _address(match[2] or "*"), port)


def _address(word: str) -> str:
    """Without brackets. A name is nothing to check here, but what is no name must be an address."""
    import ipaddress

    bare = word.strip("[]")
    if bare != word:
        ipaddress.IPv6Address(bare)
    elif bare != "*" and ("*" in bare or not re.search(r"[^\W\d_]", bare)):
        ipaddress.IPv4Address(bare)
    return bare


def _keys(value: Any) -> tuple[str, ...]:
    keys = [value] if isinstance(value, str) else value
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError
    return tuple(dict.fromkeys(keys))


def _is_service_name(value: str) -> bool:
    """Names of Compose and of Kubernetes are of several parts: ``shop/web``."""
    return all(_is_name(part) for part in value.split("/"))


HOST_NAME = text("a name without blanks, slashes, control or shell characters and without a leading '-'", is_host_name)
DESTINATION = text("what ssh accepts: an alias, user@name, name:port or ssh://user@name:port", is_destination)
USER = text("a user name", lambda value: _is_name(value) and "@" not in value)
NAME = text("a name without blanks and without a leading '-'", _is_service_name)
COLOR = text(f"#rrggbb or one of {', '.join(COLORS)}", _is_color)
URL = text(
    "a URL such as http://127.0.0.1:8080/health or tcp://127.0.0.1:8080, without a password: others could read it",
    _is_url,
    format="uri",
)
PATH = text("a path", lambda value: bool(value) and "\0" not in value)
LOCAL_PATH = text("a path on this machine, such as ~/src/api", lambda value: bool(value) and value.isprintable())
LOG_PATH = text(
    "an absolute path on the host, such as /var/log/api.log",
    lambda value: value.startswith("/") and value.isprintable(),
    pattern="^/",
)
HOST_PATH = text(
    "an absolute path on the host, such as /srv/api/api.pid",
    lambda value: value.startswith("/") and value.isprintable(),
    pattern="^/",
)
WORD = text("text on one line without control characters", lambda value: "\n" not in value and sanitise(value) == value)
PASSWORD = text(
    'where the password is, "env:NAME" or "credential:NAME", never the password itself',
    lambda value: re.fullmatch(r"env:[A-Za-z_]\w*|credential:(?!\.)[\w.-]{1,255}", value, re.ASCII) is not None,
    pattern="^(env|credential):",
)
_REPOSITORY = r"(?=.{1,200}\Z)[a-z0-9][A-Za-z0-9._-]*(:[0-9]{1,5}(?=/))?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
IMAGE = text(
    "a repository of images without a tag, such as registry.example/api",
    lambda value: re.fullmatch(_REPOSITORY, value, re.ASCII) is not None,
)
SIGNALS = ("TERM", "INT", "QUIT", "HUP", "USR1", "USR2")
STOP_SIGNAL = text(f"one of {', '.join(SIGNALS)}", lambda value: value in SIGNALS, enum=list(SIGNALS))
PORT = whole(1, 65535)
ENDPOINT = Kind(
    'a port from 1 to 65535: 8080, "udp/53", "127.0.0.1:8080" or "tcp/[::1]:8080"',
    _endpoint,
    {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"type": "string"}]},
)
KEYS = Kind(
    'a key such as "r" or "ctrl+r", or a list of keys',
    _keys,
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
)
