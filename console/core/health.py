"""What the configuration has asked of a service now and then, and what that said."""

from dataclasses import dataclass

from console.core.service import Service, ServiceRef
from console.core.target import is_named

EVERY = 30.0
"""Seconds between two looks, where the configuration does not say."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A declared check: a URL, a command or both."""

    name: str
    manager: str | None = None
    """Who runs the service; ``None``: whoever has one of that name."""
    url: str | None = None
    command: tuple[str, ...] = ()
    every: float = EVERY
    """Seconds."""

    def fits(self, service: Service) -> bool:
        """Whether it is about this service."""
        return self.manager in (None, service.ref.manager) and is_named(self.name, service.ref)


@dataclass(frozen=True, slots=True)
class Health:
    """What the checks of one service said last."""

    ref: ServiceRef
    well: bool | None
    """``None``: that could not be told."""
    said: str
    """One line, sanitised and masked: what was asked and what that gave."""
    at: float
    """The console's monotonic clock."""
    since: float | None = None
    """Since when it is not well, in seconds of the host's wall clock, as far as this console saw."""
    failures: int = 0
    """Looks in a row that failed."""
    never: bool = False
    """It cannot be told as it is declared, whatever the host does: that is no fault of the host."""
