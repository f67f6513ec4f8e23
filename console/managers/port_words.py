"""Where a command line or an environment says that a program is to listen: a guess, which no proof may rest on."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from console.core.service import Endpoint, Hint

MOST = 4
"""Ports that are told of one program."""
_PORTS = frozenset({
    "port", "http-port", "https-port", "listen-port", "bind-port", "server-port", "web-port", "server.port",
})  # fmt: skip
_PLACES = frozenset({
    "listen", "listen-addr", "listen-address", "web.listen-address", "bind", "bind-addr", "bind-address", "addr",
    "address", "http", "http-addr", "server-addr",
})  # fmt: skip
"""Options that are given a port, and such that are given an address with one."""
VARIABLES = (
    "PORT HTTP_PORT HTTPS_PORT LISTEN_PORT BIND_PORT SERVER_PORT APP_PORT WEB_PORT LISTEN BIND ADDR ADDRESS "
    "LISTEN_ADDR LISTEN_ADDRESS BIND_ADDR BIND_ADDRESS HTTP_ADDR SERVER_ADDR"
)
"""Variables that a program commonly reads for the place at which it is to listen. Others, such as DB_PORT, name
another's."""
LOWEST = 80
"""Below it a number behind ``-p`` is likely to count processes."""

_address = r"(?P<address>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]{2,45}\]|localhost|\*|)"
_place = re.compile(rf"(?:(?:tcp|https?)://)?(?:{_address}:)?(?P<port>\d{{1,5}})/?\Z")
_bare = re.compile(r"(?:0\.0\.0\.0|\[::\]|\*|):\d{1,5}\Z")
_option = re.compile(r"-{1,2}(?:D(?=server\.port))?(?P<name>[A-Za-z][A-Za-z.-]{0,30})(?:=(?P<value>.*))?\Z", re.DOTALL)
_socat = re.compile(r"(?P<protocol>TCP|UDP)[46]?-(?:LISTEN|L|RECV(?:FROM)?):(?P<port>\d{1,5})(?:,|\Z)", re.IGNORECASE)


def of_command(command: str | Sequence[str], where: str) -> tuple[Hint, ...]:
    """The ports that a command line names."""
    words = _words(command) if isinstance(command, str) else [inner for word in command for inner in _words(word)]
    return _unique(Hint(endpoint, f"{how} of {where}") for endpoint, how in _named(words))


def of_environment(variables: Mapping[str, str], where: str) -> tuple[Hint, ...]:
    """The ports that variables name; only those are given that commonly do."""
    found = ((name, endpoint_of(value)) for name, value in variables.items())
    return _unique(Hint(endpoint, f"{name} of {where}") for name, endpoint in found if endpoint is not None)


def endpoint_of(word: str) -> Endpoint | None:
    """``8080``, ``:8080``, ``127.0.0.1:8080``, ``[::1]:8080`` ..."""
    match = _place.match(word)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        return None
    address = (match["address"] or "*").strip("[]")
    return Endpoint("tcp", "127.0.0.1" if address == "localhost" else address, int(match["port"]))


def _named(words: Sequence[str]) -> Iterator[tuple[Endpoint, str]]:
    for place, word in enumerate(words):
        after = words[place + 1] if place + 1 < len(words) else ""
        if (match := _socat.match(word)) is not None:
            yield Endpoint(match["protocol"].lower(), "*", int(match["port"])), f"{match['protocol'].upper()}-LISTEN"
        elif _bare.match(word) and (endpoint := endpoint_of(word)) is not None:
            yield endpoint, word
        elif word in ("http.server", "runserver") and after.isdecimal() and (found := endpoint_of(after)) is not None:
            yield found, f"{word} {after}"
        elif (match := _option.match(word)) is not None:
            value = match["value"] if match["value"] is not None else after
            if _takes(word, match["name"], value) and (found := endpoint_of(value)) is not None:
                yield found, f"{word.partition('=')[0]} {found.port}"


def _takes(word: str, name: str, value: str) -> bool:
    if name in ("p", "b") and word[:2] == f"-{name}":
        return ":" in value if name == "b" else value.isdecimal() and int(value) >= LOWEST
    return name.lower() in _PLACES or (name.lower() in _PORTS and value.isdecimal())


def _words(text: str) -> list[str]:
    """Those of a shell's command too, which is one word of its own."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return [inner for word in words for inner in (word.split() if any(char.isspace() for char in word) else [word])]


def _unique(hints: Iterator[Hint]) -> tuple[Hint, ...]:
    found = {(hint.endpoint.protocol, hint.endpoint.port): hint for hint in reversed(list(hints))}
    return tuple(found.values())[::-1][:MOST]
