"""What a person names on the command line: a host, a port of a host, or a service of a host."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from console.core.service import ServiceRef

MANAGERS = ("systemd", "supervisord", "pm2", "docker", "compose", "kubernetes", "pidfile")
"""Words that may stand before ``:`` in a service's name; another word there belongs to the name."""

FORMS = "HOST:PORT[/udp], :PORT, HOST/SERVICE, /SERVICE or HOST/MANAGER:SERVICE"

_PORT = re.compile(r"(?P<host>.*?):(?P<port>\d+)(?:/(?P<protocol>[^/]*))?", re.DOTALL)
_SERVICE = re.compile(r"(?P<host>[^/]*)/(?:(?P<manager>[a-z0-9]+)(?:@(?P<user>[^:/]+))?:)?(?P<name>.+)", re.DOTALL)


class TargetError(ValueError):
    """A target that cannot be read or found; one line for a person."""


@dataclass(frozen=True, slots=True)
class Target:
    """What was named: a host, and either a port, a service, or neither. ``host`` is ``None`` where it was left out."""

    word: str
    host: str | None
    port: int | None = None
    protocol: str = "tcp"
    service: str | None = None
    manager: str | None = None
    scope: str | None = None


def parse(word: str) -> Target:
    """Read a target; raises ``TargetError``."""
    if not word or not word.isprintable() or word.startswith("-"):
        raise TargetError(f"{word!r} is no target: expected {FORMS}")
    bare = word.removeprefix("ssh://")
    match = _PORT.fullmatch(bare)
    if match is not None and match["protocol"] in {None, "tcp", "udp"}:
        return _port(word, match)
    if "/" in bare:
        return _service(word, bare)
    if bare.startswith(":"):
        raise TargetError(f"{word}: {bare[1:] or 'nothing'!r} is no port: expected a number from 1 to 65535")
    return Target(word, bare)


def _port(word: str, match: re.Match[str]) -> Target:
    port = int(match["port"][:9])
    if not 1 <= port <= 65535:
        raise TargetError(f"{word}: there is no port {match['port'][:20]}: expected a number from 1 to 65535")
    return Target(word, match["host"] or None, port=port, protocol=match["protocol"] or "tcp")


def _service(word: str, bare: str) -> Target:
    match = _SERVICE.fullmatch(bare)
    if match is None:
        raise TargetError(f"{word}: names no service after '/': expected {FORMS}")
    host = match["host"] or None
    if match["manager"] is None or match["manager"] not in MANAGERS:
        return Target(word, host, service=bare.partition("/")[2])
    scope = f"user:{match['user']}" if match["user"] else None
    return Target(word, host, service=match["name"], manager=match["manager"], scope=scope)


def find(target: Target, services: Iterable[ServiceRef]) -> ServiceRef:
    """The one service that the target names; ``.service`` may be left out.

    ``MANAGER:NAME`` without a user means the system's own, as in the text of a reference. Raises ``TargetError`` when
    there is none, with the nearest names, or more than one, with all of them.
    """
    refs = tuple(services)
    fitting = [ref for ref in refs if _fits(target, ref)]
    if len({ref.manager for ref in fitting}) == 1:
        fitting = [ref for ref in fitting if ref.name == target.service] or fitting
    if target.manager is not None:
        fitting = [ref for ref in fitting if ref.scope == (target.scope or "system")] or fitting
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise TargetError(f"{target.word} may be any of {', '.join(str(ref) for ref in sorted(fitting))}: name one")
    raise TargetError(_nothing(target, refs))


def _fits(target: Target, ref: ServiceRef) -> bool:
    if target.manager not in {None, ref.manager} or target.scope not in {None, ref.scope}:
        return False
    return target.service in {ref.name, ref.name.removesuffix(".service")}


def _nothing(target: Target, refs: tuple[ServiceRef, ...]) -> str:
    wanted = target.service or ""
    host = f" on {target.host}" if target.host else ""
    of_manager = f" of {target.manager}" if target.manager else ""
    names = {ref.name.removesuffix(".service"): ref for ref in refs if target.manager in {None, ref.manager}}
    import difflib

    near = [str(names[name]) for name in difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)]
    near += [str(ref) for name, ref in sorted(names.items()) if len(wanted) > 2 and wanted in name]
    near = list(dict.fromkeys(near))[:4]
    hint = f"; near it: {', '.join(near)}" if near else f" ({len(names)} are there)"
    return f"no service {wanted!r}{of_manager}{host}{hint}"
