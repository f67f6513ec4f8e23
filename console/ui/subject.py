"""What a diagnosis is about: a service, a port, or a finding of a host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.core.keys import Place

if TYPE_CHECKING:
    from console.core.service import Endpoint, ServiceRef
    from console.core.snapshot import Symptom
    from console.ui.selection import Selection


@dataclass(frozen=True, slots=True)
class Subject:
    """One host and what of it is asked about; ``finding`` is the key of a finding."""

    host: str
    service: ServiceRef | None = None
    endpoint: Endpoint | None = None
    finding: tuple[str, str, str] | None = None
    by_port: bool = False
    """The port is what was asked about; the service is only its present owner."""
    symptom: Symptom | None = None
    """The line of its log that somebody pointed at."""

    @classmethod
    def of(cls, selection: Selection) -> Subject | None:
        """What the selection is about, where it is about something."""
        if selection.host is None:
            return None
        finding = selection.finding.key if selection.finding is not None else None
        service = selection.service or next(iter(selection.services), None)
        by_port = selection.place is Place.PORTS
        return cls(selection.host, service, selection.endpoint, finding, by_port, selection.symptom)

    @property
    def target(self) -> ServiceRef | Endpoint | None:
        """What a verdict is asked for."""
        if self.by_port or self.service is None:
            return self.endpoint
        return self.service
