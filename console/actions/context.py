"""What every kind of action works with: the service, its manager and what else is known of the host."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from console.actions.along import taken_along
from console.actions.settings import ActionSettings
from console.core.attempts import is_current
from console.core.command import Command
from console.core.difference import Difference
from console.core.plan import ActionKind, Intent, Preparation, Step, Swap
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import Snapshot, Symptom
from console.core.stop_way import patience, start_patience
from console.managers import unlisted
from console.managers.acting import Selective, Startable, Traceable
from console.managers.base import ServiceManager


class RefusedError(Exception):
    """What is wanted cannot be done at all; one line for a person that says why."""


@dataclass(frozen=True, slots=True)
class Parts(Swap):
    """What a kind of action contributes to a plan; a manager's part of it is in the fields of ``Swap``."""

    prepare: tuple[Preparation, ...] = ()
    evidence: tuple[Step, ...] = ()
    touches: tuple[ServiceRef, ...] = ()
    also_hit: tuple[str, ...] = ()
    confirm: str | None = None
    difference: Difference | None = None
    versions: tuple[str, str] | None = None
    """What is live and what comes in its place, as a person calls them."""


@dataclass(frozen=True, slots=True)
class Context:
    """An intent, and the service and the manager that it is about."""

    intent: Intent
    snapshot: Snapshot
    service: Service
    manager: ServiceManager
    managers: tuple[ServiceManager, ...]
    settings: ActionSettings

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service.ref.name

    @property
    def traceable(self) -> Traceable | None:
        """The manager, where it can tell one run from the next."""
        return self.manager if isinstance(self.manager, Traceable) else None

    def why_not(self, manager: ServiceManager, service: Service, kind: ActionKind) -> str | None:
        """Why a manager cannot do this to one of its services, where it can only do so to some."""
        return manager.why_not(service, kind) if isinstance(manager, Selective) else None

    def manager_of(self, ref: ServiceRef) -> ServiceManager | None:
        """The manager of another service."""
        return next((found for found in self.managers if found.id == ref.manager), None)

    def lasting(
        self, command: Command, seconds: float | None = None, *,
        ends: Service | None = None, starts: Service | None = None,
    ) -> Command:  # fmt: skip
        """The command with the time that a change is given at least; ``seconds``: exactly so long.

        ``ends``: what it stops, ``starts``: what it starts, for which its manager may wait. At the limit only the
        manager's client could be ended.
        """
        least = max(command.timeout, self.settings.step_timeout)
        if starts is not None:
            least = max(least, start_patience(starts.start_seconds))
        return replace(command, timeout=seconds or least + self._ending(ends))

    def _ending(self, ends: Service | None) -> float:
        """Seconds until it is down, with all that its manager takes along: one may have to wait for the other."""
        if ends is None:
            return 0.0
        along = taken_along(ActionKind.STOP, (ends.ref,), (ends.ref,), self.snapshot)
        # What it runs as a service manager of its own ends within its own time.
        others = (self.snapshot.service(ref) for ref in along if ref.manager == ends.ref.manager)
        return sum(patience(one.stop_way) for one in (ends, *others) if one is not None and (one is ends or one.pids))

    def declared(self) -> tuple[Endpoint, ...]:
        """Where the service is certainly to listen: by the configuration or its socket unit."""
        return one_per_port(self.service.wants)[:8]

    def claimed(self) -> tuple[Endpoint, ...]:
        """Where a file of the host says for certain that the service listens; of a range it is not said."""
        known = self.snapshot.declared
        found = known.declarations if known is not None else ()
        return tuple(one.endpoint for one in found if one.sure and not one.last and one.is_of(self.service.ref))

    def wanted(self) -> tuple[Endpoint, ...]:
        """Where the service may be to listen: what it is declared or known to want, else its fixed ports of now; last
        what its definition says, or where it listened before.

        Its log and its last run may tell of an earlier configuration: no proof can be asked of them. Which address of a
        port it tried last only its log tells.
        """
        told = (one.endpoint for one in self._symptoms() if is_current(one, self.service))
        wants = [*(endpoint for endpoint in told if endpoint is not None), *self.service.wants]
        # Ports of the ephemeral range change from run to run.
        wants = wants or [endpoint for endpoint in self.service.ports if endpoint.port < 32768]
        wants = wants or [hint.endpoint for hint in self.service.hints]
        wants = wants or list(self.snapshot.listened(self.service.ref))
        return one_per_port(wants)[:8]

    def logged(self) -> tuple[Endpoint, ...]:
        """The ports that its log speaks of, of whatever attempt."""
        return tuple(one.endpoint for one in self._symptoms() if one.endpoint is not None)

    def _symptoms(self) -> tuple[Symptom, ...]:
        """What its log says, the newest first."""
        return tuple(one for one in self.snapshot.symptoms if one.ref == self.service.ref)


def one_per_port(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """The first of each port, with its first address that is known."""
    found: dict[tuple[str, int], Endpoint] = {}
    for endpoint in endpoints:
        key = (endpoint.protocol, endpoint.port)
        if key not in found or (found[key].address == "*" != endpoint.address):
            found[key] = endpoint
    return tuple(found.values())


def context(
    intent: Intent, snapshot: Snapshot, managers: Sequence[ServiceManager], settings: ActionSettings
) -> Context:
    """Look up what the intent is about; raises ``RefusedError`` where there is no such service."""
    ref = intent.target
    found = next((manager for manager in managers if manager.id == ref.manager), None)
    if found is None:
        raise RefusedError(f"{ref}: no service manager {ref.manager} is known")
    if ref.host != snapshot.host:
        raise RefusedError(f"{ref} is not on {snapshot.host}")
    service = snapshot.service(ref) or unlisted.unlisted(snapshot, ref)
    if service is None:
        raise RefusedError(f"{ref}: {snapshot.host} has no such {'process' if ref.manager == 'process' else 'service'}")
    why_not = foreign_scope(service, snapshot) or service.tool_missing
    if why_not is None and isinstance(found, Selective):
        why_not = found.why_not(service, intent.kind)
    if why_not is not None:
        raise RefusedError(why_not)
    return Context(intent, snapshot, service, found, tuple(managers), settings)


def foreign_scope(service: Service, snapshot: Snapshot) -> str | None:
    """Why a service of another user's manager cannot be acted on from this connection."""
    ref = service.ref
    user = ref.scope.removeprefix("user:")
    # A tool that answers for another user was found together with the way to become that user.
    if service.tool:
        return None
    if ref.scope == "system" or snapshot.identity is None or snapshot.identity.user == user:
        return None
    return f"{ref} belongs to {user}'s own service manager: connect as {user}"


def start_step(context: Context, manager: ServiceManager, service: Service) -> Command:
    """The command that starts a service; raises ``RefusedError`` where its manager cannot."""
    if not isinstance(manager, Startable):
        raise RefusedError(f"{service.ref}: {manager.id} cannot start it")
    return context.lasting(manager.start(service), starts=service)
