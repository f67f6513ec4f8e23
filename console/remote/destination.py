"""What a person calls a host on the command line or in the configuration, checked before anything sees it."""

import re
from dataclasses import dataclass

from console.remote.transport import HostSpec

LOCAL = "local"
"""The word for this machine. A host that is called ``localhost`` is reached over SSH like any other."""

# What OpenSSH refuses too (valid_hostname and valid_ruser of ssh.c): a name may end up in a ProxyCommand, that is in a
# shell, through %h and %r.
_HOSTILE = frozenset("'`\"$\\;&<>|(){}/,?*#[]@")


class DestinationError(ValueError):
    """A destination that cannot be one; the text is one line that says why."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The parts of ``[user@]host[:port]``."""

    host: str
    user: str | None = None
    port: int | None = None


def parse_destination(text: str) -> HostSpec:
    """Make a host of ``web1``, ``user@web1``, ``web1:2222``, ``ssh://user@web1:2222``, ``[::1]:22`` or ``local``.

    Nothing and ``local`` are this machine. Raises ``DestinationError``.
    """
    if text in {"", LOCAL}:
        return HostSpec(LOCAL, None)
    parts = split_destination(text)
    return HostSpec(parts.host, parts.host, user=parts.user, port=parts.port)


def split_destination(text: str) -> Destination:
    """Take a destination apart; raises ``DestinationError``."""
    if text.startswith("-"):
        raise DestinationError(f"{text[:80]!r} is no host: it begins with a dash, which ssh would read as an option")
    rest = text
    if text.lower().startswith("ssh://"):
        rest = text[6:].removesuffix("/")
    elif "://" in text:
        raise DestinationError(f"{text[:80]!r} is no host: expected ssh://[user@]host[:port]")
    user, at, address = rest.rpartition("@")
    if at:
        _check_user(user, text)
    host, port = _host_and_port(address, text)
    check_host(host, text)
    return Destination(host, user if at else None, port)


def check_host(host: str, text: str | None = None) -> None:
    """Refuse a host name that a shell or ``ssh`` could take for something else; raises ``DestinationError``."""
    shown = repr((text or host)[:80])
    if not host:
        raise DestinationError(f"{shown} is no host: the name is missing, expected [user@]host[:port]")
    if host.startswith("-"):
        raise DestinationError(f"{shown} is no host: the name begins with a dash")
    if bad := _unfit(host):
        raise DestinationError(f"{shown} is no host: a name cannot hold {bad!r}")


def _check_user(user: str, text: str) -> None:
    if not user:
        raise DestinationError(f"{text[:80]!r} is no destination: nothing stands before the @")
    # user@realm and DOMAIN\\user are names that directories give.
    if user.startswith("-") or user.endswith("\\") or _unfit(user.replace("@", "").replace("\\", "")):
        raise DestinationError(f"{text[:80]!r} is no destination: {user[:80]!r} cannot be a user's name")


def _unfit(name: str) -> str | None:
    return next((char for char in name if char in _HOSTILE or char.isspace() or not char.isprintable()), None)


def _host_and_port(address: str, text: str) -> tuple[str, int | None]:
    if address.startswith("["):
        found = re.fullmatch(r"\[([^\[\]]*)\](?::(.*))?", address, re.DOTALL)
        if found is None:
            raise DestinationError(f"{text[:80]!r} is no host: expected [IPv6 address]:port")
        return found[1], _port(found[2], text)
    if address.count(":") == 1:
        host, _, port = address.partition(":")
        return host, _port(port, text)
    return address, None


def _port(word: str | None, text: str) -> int | None:
    if word is None:
        return None
    if not (word.isascii() and word.isdigit() and 1 <= int(word[:6]) <= 65535):
        raise DestinationError(f"{text[:80]!r} is no host: the port must be a number from 1 to 65535")
    return int(word)
