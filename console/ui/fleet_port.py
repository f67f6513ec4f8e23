"""What the screens need of a fleet: the one door through which they look at hosts and change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from console.core.difference import Difference, Pair
    from console.core.environment import Environment
    from console.core.finding import Finding
    from console.core.plan import Plan, PlanProgress
    from console.core.release import ReleaseBook
    from console.core.service import ServiceRef
    from console.core.snapshot import LogLine, Snapshot
    from console.core.usage import Usage
    from console.remote.plan_others import OtherPlan
    from console.remote.transport import HostSpec


class RightsPort(Protocol):
    """Whether the connected user may run every step of a plan."""

    @property
    def allowed(self) -> bool:
        """Whether every step may be run."""
        ...

    @property
    def undo_doubts(self) -> tuple[str, ...]:
        """What is said of each undo that may not be run."""
        ...

    def may_stay_down(self, plan: Plan) -> str | None:
        """Why it wants a second yes, where it could not be undone."""
        ...

    @property
    def missing(self) -> tuple[str, ...]:
        """The sudoers lines that are missing, those of the undo steps included."""
        ...

    @property
    def reason(self) -> str | None:
        """Why the plan may not be run, in one line."""
        ...


class OfferedKey(Protocol):
    """A host key that was offered and is not known."""

    @property
    def fingerprint(self) -> str:
        """``SHA256:...``."""
        ...

    @property
    def kind(self) -> str:
        """``ssh-ed25519`` ..."""
        ...


class MissedPlan(Protocol):
    """A plan that a console began and saw no end of."""

    @property
    def plan(self) -> Plan:
        """The plan."""
        ...

    @property
    def progress(self) -> PlanProgress:
        """How far it is."""
        ...

    @property
    def age(self) -> float | None:
        """Seconds since it began, where the host knows."""
        ...

    @property
    def took(self) -> float | None:
        """Seconds from its beginning to its result, where the host has noted that."""
        ...


class FleetPort(Protocol):
    """All hosts, as ``console.remote.fleet.Fleet`` has them. Every call is made in the app's event loop."""

    @property
    def hosts(self) -> tuple[HostSpec, ...]:
        """The hosts in the order in which they were given."""
        ...

    @property
    def can_shell(self) -> bool:
        """Whether its hosts can be reached with ``ssh``: those of the demo exist nowhere else."""
        ...

    def start(self, on_change: Callable[[Snapshot, tuple[Finding, ...]], None]) -> None:
        """Begin to look; ``on_change`` is called in the loop for each change of a host."""
        ...

    async def stop(self) -> None:
        """Close every connection."""
        ...

    async def refresh(self, host: str) -> Snapshot:
        """Ask everything of this host now."""
        ...

    async def look_at_files(self, host: str) -> None:
        """Take anew what its cluster gives away and what the files of a host declare, where one of them changed; raises
        ``TransportError``."""
        ...

    def follow(
        self, ref: ServiceRef, *, lines: int, since: float | None, follow_on: bool, file: str = "", untimed: int = 0
    ) -> AsyncIterator[LogLine]:
        """The log of a service, or one file of its host, oldest line first; endless when it is followed.

        ``untimed``: how many of the last lines of a file without times stand for what is younger than ``since``.
        """
        ...

    def execute(self, plan: Plan) -> AsyncIterator[PlanProgress]:
        """Run a plan on its host and tell how far it is, until it has a result."""
        ...

    def resume(self, plan: Plan) -> AsyncIterator[PlanProgress]:
        """Watch a plan that runs on its host already, until it has a result."""
        ...

    async def missed(self, host: str) -> tuple[MissedPlan, ...]:
        """Plans of this person whose end no console saw; those without a result still run."""
        ...

    async def others(self, host: str) -> tuple[OtherPlan, ...]:
        """Plans that run on a host, or were left there without a result, whoever began them; ``TransportError``."""
        ...

    async def rights(self, host: str, plan: Plan) -> RightsPort:
        """Whether each step can be run by the connected user, and what is missing."""
        ...

    async def releases(self, ref: ServiceRef) -> ReleaseBook:
        """The releases of a service, asked of its host now; raises ``TransportError``."""
        ...

    async def environment(self, ref: ServiceRef) -> Environment:
        """The environment of a service, masked, asked of its host now; raises ``TransportError``."""
        ...

    async def usage(self, ref: ServiceRef) -> Usage:
        """What a service uses by now, asked of its host; raises ``TransportError``."""
        ...

    async def difference(self, pair: Pair) -> Difference:
        """What another release would change, asked of its host where it was not before; raises ``TransportError``."""
        ...

    def offered_key(self, host: str) -> OfferedKey | None:
        """The unknown key that the host showed at the last attempt."""
        ...

    async def accept_host_key(self, host: str, fingerprint: str) -> None:
        """Add the offered key to known_hosts if it still has this fingerprint, and connect again."""
        ...


class LazyFleet:
    """A fleet that is made when it is started: the first frame needs its hosts and nothing else of it."""

    def __init__(self, hosts: tuple[HostSpec, ...], make: Callable[[], FleetPort]) -> None:
        self._hosts, self._make = hosts, make
        self._made: FleetPort | None = None

    @property
    def hosts(self) -> tuple[HostSpec, ...]:
        """The hosts in the order in which they were given."""
        return self._hosts

    @property
    def made(self) -> FleetPort:
        """The fleet itself."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def start(self, on_change: Callable[[Snapshot, tuple[Finding, ...]], None]) -> None:
        """Make the fleet and begin to look."""
        self.made.start(on_change)

    async def stop(self) -> None:
        """Close every connection, where any was made."""
        if self._made is not None:
            await self._made.stop()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.made, name)
