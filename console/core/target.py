"""What a person names on the command line: a host, a port of a host, or a service of a host."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from console.core.service import ServiceRef

MANAGERS = ("systemd", "supervisord", "pm2", "docker", "compose", "kubernetes", "pidfile", "process")
"""Words that may stand before ``:`` in a service's name; another word there belongs to the name."""

MOST = 12
"""Members of a group that are listed."""
FORMS = "HOST:PORT[/udp], :PORT, HOST/SERVICE, /SERVICE or HOST/MANAGER:SERVICE"

# Behind the host's "/" a number is part of a name: process:4112, and workers:00 of supervisord.
_PORT = re.compile(r"(?P<host>[^/]*?):(?P<port>\d+)(?:/(?P<protocol>[^/]*))?", re.DOTALL)
_SERVICE = re.compile(r"(?P<host>[^/]*)/(?:(?P<manager>[a-z0-9]+)(?:@(?P<user>[^:/]+))?:)?(?P<name>.+)", re.DOTALL)


class TargetError(ValueError):
    """A target that cannot be read or found; one line for a person."""


class NoSuchServiceError(TargetError):
    """The host has no such service, as far as it told."""


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

    @property
    def group(self) -> str | None:
        """The group of which all services are meant, with what stands between it and their names: ``shop:``."""
        every = self.service is not None and len(self.service) > 2 and self.service.endswith((":*", "/*"))
        return self.service[:-1] if every and self.service is not None else None


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


def find_all(target: Target, services: Iterable[ServiceRef]) -> tuple[ServiceRef, ...]:
    """Every service of the group that the target names (``shop:*``, ``shop/*``), by name; else the one it names.

    Raises ``TargetError`` when there is none, or where the group may be one of several managers or users.
    """
    refs = tuple(services)
    if target.group is None or any(ref.name == target.service for ref in refs):
        return (find(target, refs),)
    members = _members(target, target.group, refs)
    if target.manager is not None and target.scope is None:
        members = [ref for ref in members if ref.scope == "system"] or members
    if not members:
        raise NoSuchServiceError(_nothing(target, refs))
    owners = {(ref.manager, ref.scope) for ref in members}
    if len(owners) > 1:
        raise TargetError(f"{target.word} may be any of {_listed(members)}: name the manager before its group")
    return tuple(sorted(members))


def find(target: Target, services: Iterable[ServiceRef]) -> ServiceRef:
    """The one service that the target names; ``.service`` may be left out.

    ``MANAGER:NAME`` without a user means the system's own, as in the text of a reference. Raises ``TargetError`` when
    there is none, with the nearest names, or more than one, with all of them.
    """
    refs = tuple(services)
    fitting = [ref for ref in refs if is_meant(target, ref)]
    if len({ref.manager for ref in fitting}) == 1:
        fitting = [ref for ref in fitting if ref.name == target.service] or fitting
    if target.manager is not None:
        fitting = [ref for ref in fitting if ref.scope == (target.scope or "system")] or fitting
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise TargetError(f"{target.word} may be any of {', '.join(str(ref) for ref in sorted(fitting))}: name one")
    group = _group(target, refs)
    if group is not None:
        raise TargetError(group)
    raise NoSuchServiceError(_nothing(target, refs))


def _members(target: Target, group: str, refs: Iterable[ServiceRef]) -> list[ServiceRef]:
    """The services of a group; supervisord leaves the group out where the program has the same name."""
    return [
        ref
        for ref in refs
        if target.manager in {None, ref.manager}
        and target.scope in {None, ref.scope}
        and (ref.name.startswith(group) or (ref.manager == "supervisord" and f"{ref.name}:" == group))
    ]


def _group(target: Target, refs: Iterable[ServiceRef]) -> str | None:
    """What the target may mean where it names a group; ``None`` where it does not."""
    name = target.service or ""
    groups = (target.group,) if target.group is not None else (f"{name}:", f"{name}/")
    for group in groups:
        members = _members(target, group, refs)
        if members:
            every = f", or all of them where a command takes several: {target.word}{group[-1]}*"
            return (
                f"{target.word} is a group of {len(members)}: {_listed(members)}: name one"
                f"{every if target.group is None else ''}"
            )
    return None


def _listed(refs: Iterable[ServiceRef]) -> str:
    found = sorted(refs)
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    return ", ".join(str(ref) for ref in found[:MOST]) + more


def is_meant(target: Target, ref: ServiceRef) -> bool:
    """Whether the target may mean this one service; those of a group are meant in another way."""
    if target.manager not in {None, ref.manager} or target.scope not in {None, ref.scope}:
        return False
    return target.service is not None and is_named(target.service, ref)


def is_named(name: str, ref: ServiceRef) -> bool:
    """Whether a person means this service by that name; ``.service`` may be left out."""
    return name in {ref.name, ref.name.removesuffix(".service")}


def _nothing(target: Target, refs: tuple[ServiceRef, ...]) -> str:
    wanted = target.service or ""
    host = f" on {target.host}" if target.host else ""
    of_manager = f" of {target.manager}" if target.manager else ""
    names = {ref.name.removesuffix(".service").casefold(): ref for ref in refs if target.manager in {None, ref.manager}}
    import difflib

    meant = wanted.casefold()
    near = [str(names[name]) for name in difflib.get_close_matches(meant, names, n=3, cutoff=0.6)]
    near += [str(ref) for name, ref in sorted(names.items()) if len(meant) > 2 and meant in name]
    near = list(dict.fromkeys(near))[:4]
    hint = f"; near it: {', '.join(near)}" if near else f" ({len(names)} are there)"
    return f"no service {wanted!r}{of_manager}{host}{hint}"
