"""What configurations claim: who will want which port, whether it runs now or not."""

from dataclasses import dataclass, replace

from console.core.service import Endpoint, ServiceRef


@dataclass(frozen=True, slots=True)
class Declaration:
    """A configuration that claims a port. ``where`` is a file with a line, or the words of a manager."""

    service: str
    """The name as its manager has it, or a whole reference in text."""
    endpoint: Endpoint
    where: str
    manager: str = ""
    """The manager of that service; empty where only the name is known."""
    scope: str = "system"
    """Empty where it is not known, e.g. in whose daemon of pm2 an app runs."""
    last: int = 0
    """The last port of a range that begins with that of ``endpoint``; 0 where it is one port."""
    choice: bool = False
    """Of the range one is taken, whichever is free."""
    sure: bool = True
    """That the service listens there; else only a name suggests it."""
    text: str = ""
    """The words that say so."""
    assumed: bool = False
    """The words name no protocol: TCP is what most programs listen on."""
    given: bool = False
    """A cluster gives it away on this host: rules send on what comes there, so that its service need not listen."""

    @property
    def ports(self) -> range:
        """Every port that it claims."""
        return range(self.endpoint.port, max(self.endpoint.port, self.last) + 1)

    def claims(self, protocol: str, port: int) -> bool:
        """Whether it claims this port, alone or within a range."""
        return self.endpoint.protocol == protocol and port in self.ports

    def at(self, port: int) -> Endpoint:
        """What it claims of that port."""
        return replace(self.endpoint, port=port)

    def is_of(self, ref: ServiceRef) -> bool:
        """Whether it speaks of this service."""
        if (self.manager and self.manager != ref.manager) or (self.manager and self.scope not in ("", ref.scope)):
            return False
        return self.service in (ref.name, str(ref))


@dataclass(frozen=True, slots=True)
class Upstream:
    """A place to which a server in front sends requests on."""

    service: str
    """The unit that does."""
    name: str
    """By what: ``upstream api``, or ``proxy_pass`` where it is named directly."""
    endpoint: Endpoint
    where: str
    """The file with a line."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file of variables that everyone on the host may read, and that holds secrets by their names."""

    path: str
    mode: str
    """Octal: ``0644``."""
    unit: str = ""
    """The unit that uses it, where one does."""
    names: tuple[str, ...] = ()
    """The variables that hold them; their values stay on the host."""
    given: tuple[tuple[str, str], ...] = ()
    """The Compose files that name it, each with the service that is given it; empty where that is not told."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What the files of a host claim, as of the last look at them."""

    declarations: tuple[Declaration, ...] = ()
    hidden: tuple[str, ...] = ()
    """Files that are there and may not be read, or are too large to be."""
    twice: tuple[tuple[Declaration, Declaration], ...] = ()
    """Pairs in which one service claims one place twice, at which it refuses to start."""
    open_files: tuple[OpenFile, ...] = ()
    """Files with secrets that everyone may read."""
    stamp: str = ""
    """Changes when one of the files does."""
    also: tuple[str, ...] = ()
    """Files of which others told: the next look has to compare them too."""
    upstreams: tuple[Upstream, ...] = ()
    """Where servers in front send requests on to."""
    same: bool = False
    """Nothing changed since the stamp that was asked with; nothing else is told then."""
