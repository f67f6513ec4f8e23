"""What a key press is about: where it was pressed and what is selected there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.core.finding import Finding, Proposal
from console.core.keys import Place
from console.core.plan import Plan
from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import Symptom


@dataclass(frozen=True, slots=True)
class Selection:
    """The place and the thing under the cursor, with the host, services and port that it stands for."""

    place: Place
    host: str | None = None
    services: tuple[ServiceRef, ...] = ()
    """What an action applies to: the service under the cursor, or all that are marked."""
    finding: Finding | None = None
    endpoint: Endpoint | None = None
    """The port under the cursor, or the one that a finding speaks of."""
    proposals: tuple[Proposal, ...] = ()
    plan: Plan | None = None
    off: Mapping[str, str] = field(default_factory=dict)
    """Actions that are off for a reason that only this screen knows."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Other words in the key bar, by action id."""
    open: bool = False
    """Whether there is something that enter opens."""
    cursor: ServiceRef | None = None
    """The service under the cursor, where others are marked: what is only looked at is this one."""
    symptom: Symptom | None = None
    """What the line of a log under the cursor says."""

    @property
    def marked(self) -> int:
        """How many are marked."""
        return len(self.services) if self.cursor is not None else 0

    @property
    def service(self) -> ServiceRef | None:
        """The service that is looked at: the one under the cursor, or else the only one."""
        return self.cursor or (self.services[0] if len(self.services) == 1 else None)
