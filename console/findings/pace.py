"""How fast services are started again and again: after how long a run of one of them is more than the next attempt."""

from collections.abc import Iterable
from dataclasses import dataclass

from console.core.service import Service, ServiceRef

STEADY = 60.0
"""Seconds that a service must run at least until it is taken to have come back."""
APART = 300.0
"""Seconds between two restarts from which on they are no loop."""
LONGER = 2.0
"""How much longer than the runs before it must run for that."""


@dataclass(frozen=True, slots=True)
class _Seen:
    restarts: int
    since: float
    span: float = 0.0
    """Seconds from one restart to the next, where two were seen."""


class Pace:
    """The pace of the loops of one host, from what was seen of them."""

    def __init__(self) -> None:
        self._seen: dict[ServiceRef, _Seen] = {}

    def note(self, services: Iterable[Service]) -> None:
        """Take the services that were started again, as they are now; the others are forgotten."""
        self._seen = {service.ref: seen for service in services if (seen := self._next(service)) is not None}

    def steady_after(self, ref: ServiceRef) -> float:
        """Seconds after which a run of a service is no mere attempt."""
        seen = self._seen.get(ref)
        return STEADY if seen is None else max(STEADY, LONGER * seen.span)

    def is_single(self, service: Service) -> bool:
        """Whether its last restart by itself was the only one for a while, as far as that was seen."""
        seen = self._seen.get(service.ref)
        return service.restarts == 1 or (seen is not None and seen.restarts == service.restarts and seen.span >= APART)

    def _next(self, service: Service) -> _Seen | None:
        before, count = self._seen.get(service.ref), service.restarts or 0
        if not count or service.since is None:
            return before if count else None
        if before is None or count < before.restarts:
            return _Seen(count, service.since)
        if count == before.restarts:
            return before
        return _Seen(count, service.since, max(0.0, service.since - before.since) / (count - before.restarts))
