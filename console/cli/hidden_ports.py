"""Ports that may be missing beside a service, because this login does not see whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.core.snapshot import LinkState, Snapshot

if TYPE_CHECKING:
    from console.remote.fleet import Fleet


@dataclass(frozen=True, slots=True)
class HiddenPorts:
    """Of how many listeners of a host it is not seen which service has them, and what mends that."""

    host: str
    count: int
    why: str

    @property
    def words(self) -> str:
        """One line for a person."""
        whose = "process of 1 listener is" if self.count == 1 else f"processes of {self.count} listeners are"
        return f"ports may be missing: the {whose} hidden: {self.why}"


async def revealed(fleet: "Fleet", snapshots: Sequence[Snapshot]) -> tuple[tuple[Snapshot, ...], list[HiddenPorts]]:
    """The hosts with the owners of their ports as root sees them, and where that was refused."""
    found: list[Snapshot] = []
    refused: list[HiddenPorts] = []
    for snapshot in snapshots:
        count = _hidden(snapshot)
        why = await _look(fleet, snapshot.host) if count else None
        found.append(fleet.snapshot(snapshot.host) if count else snapshot)
        if why is not None:
            refused.append(HiddenPorts(snapshot.host, count, why))
    return tuple(found), refused


async def _look(fleet: "Fleet", host: str) -> str | None:
    from console.probes.listeners import AS_ROOT_PROBE
    from console.remote.shell import Ask
    from console.remote.transport import TransportError

    try:
        [answer] = await fleet.ask_all(host, [Ask(AS_ROOT_PROBE)])
    except TransportError as error:
        return str(error)
    return answer.failure


def _hidden(snapshot: Snapshot) -> int:
    """Listeners that may be those of a service: of most the unit is told without any right."""
    identity = snapshot.identity
    if snapshot.link.state is not LinkState.UP or identity is None or identity.uid == 0:
        return 0
    return sum(not one.pids and _is_anybodys(snapshot, one.unit) for one in snapshot.listeners)


def _is_anybodys(snapshot: Snapshot, unit: str | None) -> bool:
    """Whether the unit says nothing: there is none, or it runs a manager of other services."""
    return unit is None or any(unit in service.chain[1:-1] for service in snapshot.services)
