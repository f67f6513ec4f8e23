"""Files of a host as they arrived: only the lines that can declare a port, each with its number."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from console.core.declaration import Declaration
from console.core.service import Endpoint
from console.probes.declared.names import Claim


@dataclass(frozen=True, slots=True)
class File:
    """One file, or what of it left the host."""

    kind: str
    """Which parser reads it."""
    path: str
    owner: str = ""
    """The unit that names it, where one does."""
    base: str = ""
    """The folder to which its own paths are relative, where that is not its own."""
    lines: tuple[tuple[int, str], ...] = ()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """Where it lies."""
        return self.path.rpartition("/")[0]

    def at(self, number: int) -> str:
        """A place in it: ``/etc/nginx/nginx.conf:12``."""
        return f"{self.path}:{number}"


def whole(path: str, text: str, kind: str = "", owner: str = "") -> File:
    """A file as it is on disk."""
    return File(kind, path, owner, "", tuple(enumerate(text.split("\n"), 1)))


def joined(lines: tuple[tuple[int, str], ...]) -> Iterator[tuple[int, str]]:
    """Lines that end in a backslash with what follows them, by the number of the first."""
    first, held = 0, ""
    for number, text in lines:
        first = first or number
        if text.endswith("\\"):
            held += text[:-1] + " "
            continue
        yield first, held + text
        first, held = 0, ""
    if held:
        yield first, held


def declaration(claim: Claim, service: str, where: str, manager: str, scope: str = "system") -> Declaration:
    """What a claim of a service in a file means for the host."""
    endpoint = Endpoint(claim.protocol, claim.address, claim.port, claim.v6only)
    return Declaration(service, endpoint, where, manager, scope, claim.last, claim.choice, claim.sure, claim.text,
                       claim.assumed)  # fmt: skip


def distinct(found: tuple[Declaration, ...]) -> tuple[Declaration, ...]:
    """Each place of a service once, where it was told first; told for certain once, it is certain."""
    known: dict[tuple[str, str, str, Endpoint, int], Declaration] = {}
    for one in found:
        key = (one.manager, one.scope, one.service, one.endpoint, one.last)
        before = known.setdefault(key, one)
        if one.sure and not before.sure:
            known[key] = replace(before, sure=True)
    return tuple(known.values())
