"""How the screens ask why: at once from what is known, then again from a fresh look at the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from console.core.service import Endpoint, ServiceRef
    from console.core.snapshot import Snapshot, Symptom
    from console.diagnosis.verdict import Verdict
    from console.remote.fleet import Fleet
    from console.ui.fleet_port import FleetPort

    Judge = Callable[[Snapshot, ServiceRef | Endpoint, Symptom | None], Verdict]
    Asks = Callable[[str, ServiceRef | Endpoint, Symptom | None], Awaitable[Verdict]]


class Diagnoser(Protocol):
    """Gives verdicts on a service or a port. ``symptom`` is the line of a log that somebody points at."""

    def now(self, snapshot: Snapshot, target: ServiceRef | Endpoint, symptom: Symptom | None = None) -> Verdict:
        """The verdict on what is known already; asks nothing."""
        ...

    async def verified(
        self, fleet: FleetPort, host: str, target: ServiceRef | Endpoint, symptom: Symptom | None = None
    ) -> Verdict:
        """The verdict on a fresh look at the host; raises ``TransportError``."""
        ...


class HostDiagnoser:
    """The rules of ``console.diagnosis``, loaded when the first verdict is wanted.

    ``judge`` and ``ask`` take the place of the plain rules where more is known: declared ports, the commands of plans.
    """

    def __init__(self, judge: Judge | None = None, ask: Asks | None = None) -> None:
        self._judge, self._ask = judge, ask
        self._last: tuple[Snapshot, tuple[ServiceRef | Endpoint, Symptom | None], Verdict] | None = None

    def now(self, snapshot: Snapshot, target: ServiceRef | Endpoint, symptom: Symptom | None = None) -> Verdict:
        """The verdict on this snapshot; the same snapshot is judged once."""
        last = self._last
        if last is not None and last[0] is snapshot and last[1] == (target, symptom):
            return last[2]
        verdict = (self._judge or _plain)(snapshot, target, symptom)
        self._last = (snapshot, (target, symptom), verdict)
        return verdict

    async def verified(
        self, fleet: FleetPort, host: str, target: ServiceRef | Endpoint, symptom: Symptom | None = None
    ) -> Verdict:
        """Ask the host whatever would still change the verdict."""
        if self._ask is not None:
            return await self._ask(host, target, symptom)
        from typing import cast

        from console.remote.why import why

        return await why(cast("Fleet", fleet), host, target, symptom=symptom)


def _plain(snapshot: Snapshot, target: ServiceRef | Endpoint, symptom: Symptom | None) -> Verdict:
    from console.diagnosis.diagnose import diagnose
    from console.diagnosis.evidence import Evidence

    return diagnose(Evidence(snapshot, target, symptom))
