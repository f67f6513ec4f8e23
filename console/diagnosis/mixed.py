"""A port that somebody listens on and that an outgoing connection sits on besides: to stop the one is not enough."""

from collections.abc import Sequence
from dataclasses import replace

from console.core.finding import Proposal
from console.core.network import Socket
from console.core.service import Endpoint
from console.diagnosis import kernel_ways, leftovers
from console.diagnosis.evidence import Evidence
from console.diagnosis.holders import clashing, owners_of, same_service
from console.diagnosis.next_start import joined
from console.diagnosis.verdict import Holder
from console.diagnosis.wanting import Want


def sockets(evidence: Evidence, want: Want, endpoint: Endpoint) -> tuple[Socket, ...]:
    """Outgoing connections from a port that somebody listens on; none where nobody does."""
    listeners = clashing(evidence, endpoint)
    found = leftovers.in_the_way(evidence, endpoint) if listeners else ()
    return leftovers.beside(evidence, found, listeners, want.service)


def connected(evidence: Evidence, want: Want, endpoint: Endpoint, holders: Sequence[Holder]) -> tuple[Holder, ...]:
    """Whose outgoing connections have the port, besides the ``holders`` that listen on it: all of them must let go."""
    found = owners_of(evidence, sockets(evidence, want, endpoint))
    return tuple(one for one in found if not any(same_service(one, other) for other in holders))


def words(found: Sequence[Holder]) -> str:
    """What they have, to be put behind who listens."""
    return f" and an outgoing connection of {joined(one.name for one in found)}" if found else ""


def reserve(evidence: Evidence, endpoint: Endpoint, found: Sequence[Holder]) -> Proposal | None:
    """Advice that keeps such connections off the port from now on."""
    way = kernel_ways.reserve(endpoint.port, found[0], evidence.limits) if found else None
    return replace(way, recommended=False) if way is not None else None
