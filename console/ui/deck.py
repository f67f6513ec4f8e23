"""What every screen shares: the fleet, what is known of it, what was changed, and the rules of this session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.config.model import Config
    from console.core.declaration import Declaration
    from console.core.plan import ActionKind, Intent, Plan
    from console.core.service import Service, ServiceRef
    from console.ui.changes import Changes
    from console.ui.clock import Clock
    from console.ui.diagnoser import Diagnoser
    from console.ui.fleet_port import FleetPort
    from console.ui.planner import Planner
    from console.ui.store import Store

    LogFiles = Callable[[ServiceRef, Sequence[Service]], tuple[str, ...]]
    """The log files that are declared for a service; what else its host has says which one is meant."""


DENIED_SECONDS = 30.0
"""How long a missing right is taken as still missing: somebody may be adding the line."""


def no_files(_ref: ServiceRef, _services: Sequence[Service]) -> tuple[str, ...]:
    """Nothing is declared."""
    return ()


def nothing_declared(_host: str) -> tuple[Declaration, ...]:
    """The configuration declares no port."""
    return ()


@dataclass(slots=True)
class Deck:
    """The shared state of one session; screens get it from the app and keep nothing that is in it."""

    fleet: FleetPort
    config: Config
    store: Store
    changes: Changes
    clock: Clock
    planner: Planner
    diagnoser: Diagnoser
    read_only: bool = False
    group: str = "host"
    """How the services are grouped."""
    log_files: LogFiles = no_files
    """The log files that are declared for a service, beside its manager's own log."""
    declared: Callable[[str], tuple[Declaration, ...]] = nothing_declared
    """The ports that the configuration declares for the services of a host."""
    log: ServiceRef | None = None
    """The service whose log is followed."""

    denied: dict[tuple[ServiceRef, ActionKind], tuple[float, str]] = field(default_factory=dict)
    """What the host said this user may not do: when, and why."""

    def deny(self, plan: Plan, why: str) -> None:
        """Remember for a while that the host does not allow this."""
        self.denied[plan.target, plan.kind] = (self.clock.monotonic(), why)

    def why_denied(self, intent: Intent) -> str | None:
        """Why the host does not allow this, where it was asked a short while ago."""
        at, why = self.denied.get((intent.target, intent.kind), (None, ""))
        return why if at is not None and self.clock.monotonic() - at < DENIED_SECONDS else None

    def production(self, host: str | None) -> bool:
        """Whether a host is marked as production."""
        spec = self.store.specs.get(host or "")
        return spec is not None and spec.production

    def production_context(self, ref: ServiceRef | None) -> str | None:
        """The context of the cluster that a workload is of, where that is one of production."""
        service = self.store.service(ref) if ref is not None else None
        return service.production_context if service is not None else None

    def why_read_only(self, host: str) -> str | None:
        """Why nothing may be changed on a host; ``None`` when it may."""
        if self.read_only:
            return "this console is read-only (--read-only, or read_only in the configuration)"
        spec = self.store.specs.get(host)
        return f"{host} is read-only by the configuration" if spec is not None and spec.read_only else None
