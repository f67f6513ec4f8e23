"""From the lines of a service's log to what it could not bind, and why."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import ip_address
from itertools import chain, pairwise

from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import LogLine, Symptom
from console.diagnosis import wordings
from console.diagnosis.own_words import is_own

NEAR = 12
"""Lines of the same process before and after a line that may explain it."""
LONGEST = 2048
"""Characters of a line that are read: a message stands at its front."""
REMEMBERED = 1024
"""Lines of which it is remembered what they say: a log is read again at every look, and its lines do not change."""
SAME_ATTEMPT = 2.0
"""Seconds within which lines without a process id count as one attempt."""


@dataclass(frozen=True, slots=True)
class BindError:
    """What one line says. ``address`` is ``*`` where only the port is named; ``port`` is ``None`` where neither is."""

    errno: str
    protocol: str = "tcp"
    address: str = "*"
    port: int | None = None
    weak: bool = False
    """Only the lines around it can tell that it is about listening."""


@dataclass(frozen=True, slots=True)
class _Hit:
    line: LogLine
    error: BindError


def read_line(text: str) -> BindError | None:
    """Read one line; ``None`` when it does not say that something cannot be bound."""
    return _read(text[:LONGEST])


@lru_cache(REMEMBERED)
def _read(text: str) -> BindError | None:
    if _search(wordings.HINT, text) is None:
        return None
    for wording in wordings.WORDINGS:
        match = _said(wording.pattern, text)
        if match is not None:
            return _from_match(match, wording)
    return _generic(text)


def symptoms(ref: ServiceRef, lines: Iterable[LogLine]) -> tuple[Symptom, ...]:
    """Read the newest lines of a service's log, oldest first; the newest symptom comes first.

    Lines of one attempt that say the same are one occurrence; ``count`` is the number of attempts.
    """
    known = tuple(lines)
    hits = _believed(known)
    placed = [hit for hit in hits if hit.error.port is not None]
    found = [_symptom(ref, group) for group in _grouped(placed)]
    found += [_symptom(ref, group) for group in _grouped([hit for hit in hits if not _covered(hit, placed)])]
    return tuple(sorted(found, key=lambda symptom: symptom.at or 0.0, reverse=True))


def at_line(ref: ServiceRef, lines: Sequence[LogLine], number: int) -> Symptom | None:
    """What just this line of a log says, completed from the lines around it; ``None`` where it says no such thing."""
    error = read_line(lines[number].message)
    return None if error is None else _symptom(ref, [_Hit(lines[number], _completed(error, _around(lines, number)))])


def _believed(lines: Sequence[LogLine]) -> list[_Hit]:
    """Every hit, completed from the lines around it; weak ones without such a line are left out."""
    hits = []
    for number, line in enumerate(lines):
        error = read_line(line.message)
        if error is None:
            continue
        around = _around(lines, number)
        if error.weak and not any(_search(wordings.CONTEXT, near) for near in around):
            continue
        hits.append(_Hit(line, _completed(error, around)))
    return hits


def _around(lines: Sequence[LogLine], number: int) -> list[str]:
    pid = lines[number].pid
    near = range(max(0, number - NEAR), min(len(lines), number + NEAR + 1))
    # Nearest first: a log holds several attempts, each with its own port.
    order = sorted(near, key=lambda other: abs(other - number))
    return [lines[other].message for other in order if other != number and lines[other].pid == pid]


def _completed(error: BindError, around: Iterable[str]) -> BindError:
    near = tuple(around)
    if error.protocol == "tcp" and any("node:dgram" in text or "DatagramSocket" in text for text in near):
        error = replace(error, protocol="udp")
    for address, port in chain.from_iterable(_lent(text[:LONGEST]) for text in near):
        if error.port is None:
            error = replace(error, port=port)
        if error.address == "*" and error.port == port:
            error = replace(error, address=address)
    return error


@lru_cache(REMEMBERED)
def _lent(text: str) -> tuple[tuple[str, int | None], ...]:
    found = (_said(lender, text) for lender in wordings.LENDERS)
    return tuple(_place(match) for match in found if match is not None)


def _covered(hit: _Hit, placed: Sequence[_Hit]) -> bool:
    """Whether a line with its port is, or stands beside, one of the same attempt."""
    if hit.error.port is not None:
        return True
    return any(other.error.errno == hit.error.errno and _same_attempt(hit.line, other.line) for other in placed)


def _same_attempt(first: LogLine, second: LogLine) -> bool:
    if first.pid is not None and second.pid is not None:
        return first.pid == second.pid
    if first.at is not None and second.at is not None:
        return abs(first.at - second.at) <= SAME_ATTEMPT
    return True


def _grouped(hits: Sequence[_Hit]) -> list[list[_Hit]]:
    groups: dict[tuple[str, str, str, int | None], list[_Hit]] = {}
    for hit in hits:
        error = hit.error
        groups.setdefault((error.errno, error.protocol, error.address, error.port), []).append(hit)
    return list(groups.values())


def _symptom(ref: ServiceRef, hits: Sequence[_Hit]) -> Symptom:
    newest, error = hits[-1].line, hits[-1].error
    endpoint = Endpoint(error.protocol, error.address, error.port) if error.port is not None else None
    return Symptom(ref, error.errno, newest.message.strip(), endpoint, newest.at, _attempts(hits))


def _attempts(hits: Sequence[_Hit]) -> int:
    count = 1
    for before, hit in pairwise(hits):
        count += not _same_attempt(before.line, hit.line)
    return count


def _search(pattern: str, text: str) -> re.Match[str] | None:
    return wordings.compiled(pattern).search(text)


def _said(pattern: str, text: str) -> re.Match[str] | None:
    """The first match that the program itself says, and says as a failure."""
    if _search(pattern, text) is None:
        return None
    found = wordings.compiled(pattern).finditer(text)
    return next((match for match in found if not _in_passing(text, match) and _is_own(text, match)), None)


def _is_own(text: str, match: re.Match[str]) -> bool:
    """Both where the sentence begins and where it tells the errno: it may reach into a field of another."""
    told = match.groupdict()
    places = {match.start(), *(match.start(name) for name in ("why", "code") if told.get(name))}
    return all(is_own(text, place) for place in places)


def _from_match(match: re.Match[str], wording: wordings.Wording) -> BindError:
    groups = match.groupdict()
    address, port = _place(match)
    protocol = (groups.get("protocol") or "tcp").lower()
    return BindError(wording.errno or _errno(groups), protocol, address, port, wording.weak)


def _generic(text: str) -> BindError | None:
    match = _said(wordings.GENERIC, text)
    if match is not None and not _outgoing(text, match):
        said = match["between"] + " " + match["after"]
        address, port = _named(said)
        if port is not None or _search(wordings.SOCKET_FILE, said) is None:
            return BindError(_errno(match.groupdict()), "tcp", address, port)
    bare = _search(wordings.BARE, text.strip())
    if bare is None:
        return None
    errno = _errno(bare.groupdict())
    return BindError(errno, weak=errno != wordings.EADDRINUSE)


def _named(text: str) -> tuple[str, int | None]:
    """The address and the port that a piece of text names."""
    for pattern in (wordings.PLACE, wordings.HASH_PLACE):
        match = _search(pattern, text)
        if match is not None:
            return _place(match)
    port = _search(wordings.PORT, text)
    address = next((word for word in re.split(r"[\s,;()'\"]+", text) if _is_address(word.rstrip(":."))), "*")
    return _clean(address.rstrip(":.") if address != "::" else address), _number(port["port"]) if port else None


def _place(match: re.Match[str]) -> tuple[str, int | None]:
    groups = match.groupdict()
    port = groups.get("port")
    return _clean(groups.get("address")), _number(port) if port else None


def _number(text: str) -> int | None:
    number = int(text)
    return number if 0 < number < 65536 else None


def _clean(address: str | None) -> str:
    bare = (address or "").strip("[]<>'\"")
    if bare.lower() in ("", "*", "any", "null", "nil", "undefined", "all"):
        return "*"
    return bare


def _is_address(word: str) -> bool:
    try:
        ip_address(word.strip("[]"))
    except ValueError:
        return False
    return True


def _errno(groups: dict[str, str | None]) -> str:
    code = groups.get("code")
    if code is not None:
        return wordings.CODES.get(code, code.upper())
    return wordings.TEXTS[(groups.get("why") or "").lower()]


def _in_passing(text: str, match: re.Match[str]) -> bool:
    return wordings.compiled(wordings.PASSING, 0).search(text[: match.start()]) is not None


def _outgoing(text: str, match: re.Match[str]) -> bool:
    return _search(wordings.OUTGOING, text[: match.end()]) is not None
