"""What is remembered of services that are started again and again, while a new attempt runs and tells nothing of it."""

from collections.abc import Iterable
from dataclasses import replace

from console.core.endings import Ending, ending_of
from console.core.service import Service, ServiceRef, State


class Attempts:
    """How the last run of each service ended, and when it began: managers tell that only until the next one begins."""

    def __init__(self) -> None:
        self._ends: dict[ServiceRef, Ending] = {}
        self._began: dict[ServiceRef, float] = {}

    def taken(self, manager: str, services: Iterable[Service]) -> tuple[Service, ...]:
        """All services of a manager, completed; what is known of others of it is forgotten."""
        found = tuple(self._completed(service) for service in services)
        looping = {service.ref for service in found if _loops(service)}
        for known in (self._ends, self._began):
            for ref in [ref for ref in known if ref.manager == manager and ref not in looping]:
                del known[ref]
        return found

    def ended(self, ref: ServiceRef, ending: Ending) -> bool:
        """Take how the last run ended, as its log has it; whether that is new."""
        new = self._ends.get(ref) != ending
        self._ends[ref] = ending
        return new

    def _completed(self, service: Service) -> Service:
        if not _loops(service):
            return service
        told = ending_of(service)
        if not service.pids:
            if told is not None:
                self._ends[service.ref] = told
            if service.attempt_since is not None:
                self._began[service.ref] = service.attempt_since
            return service
        if service.state is State.RUNNING:
            return service
        if told is None and (ending := self._ends.get(service.ref)) is not None:
            service = ending.on(service)
        if service.attempt_since is None:
            service = replace(service, attempt_since=self._began.get(service.ref))
        return service


def _loops(service: Service) -> bool:
    return bool(service.restarts) or service.state is State.FLAPPING
