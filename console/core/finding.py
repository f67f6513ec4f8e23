"""What is wrong now, with evidence and proposals."""

from dataclasses import dataclass
from enum import StrEnum

from console.core.plan import Intent
from console.core.service import ServiceRef


class Severity(StrEnum):
    """How much a finding matters, worst first."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A way out: intents that the actions layer turns into one plan, and the commands that plan would run."""

    id: str
    """Stable: ``stop-holder``, ``start``, ``reset-failed``, ``restart``, ``daemon-reload`` ..."""
    label: str
    intents: tuple[Intent, ...] = ()
    commands: tuple[str, ...] = ()
    recommended: bool = False
    reason_off: str | None = None
    """Why it cannot be run by the console (nothing to run, or advice only)."""
    told: tuple[str, ...] = ()
    """The commands as a person reads them, where some are scripts."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What is shown of the commands."""
        return self.told or self.commands


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``code`` is stable: the vocabulary of the screen, the JSON and the documentation."""

    code: str
    severity: Severity
    host: str
    subject: str
    """A service reference in text, a mount point, a device, an endpoint, or ``host``."""
    summary: str
    """One line without the host and the subject, e.g. ``cannot bind tcp 8080, held by legacy.service``."""
    evidence: tuple[str, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    service: ServiceRef | None = None
    """The one service that it is about."""
    port: int | None = None
    protocol: str = "tcp"
    since: float | None = None
    """The host's wall clock (Unix time, seconds), where it is known."""
    covers: tuple[ServiceRef, ...] = ()
    """Every service that it is about, where they are several."""
    address: str | None = None
    """Where the port is wanted; ``None`` for any address."""

    def concerns(self, ref: ServiceRef) -> bool:
        """Whether it is about this service, alone or among others."""
        return ref == self.service or ref in self.covers or self.subject == str(ref)

    @property
    def key(self) -> tuple[str, str, str]:
        """Identity across snapshots: host, code, subject."""
        return (self.host, self.code, self.subject)
