"""What ends along with what a plan ends: by its manager, as its programs, as the units of a user's service manager."""

from collections.abc import Iterator

from console.core.plan import ActionKind
from console.core.service import ServiceRef
from console.core.snapshot import Snapshot

ENDING = (ActionKind.STOP, ActionKind.RESTART, ActionKind.FREE_PORT, ActionKind.REBUILD, ActionKind.ROLLBACK)
"""What may end a service."""


def taken_along(
    kind: ActionKind, ends: tuple[ServiceRef, ...], changed: tuple[ServiceRef, ...], snapshot: Snapshot
) -> dict[ServiceRef, str]:
    """All that ends with these, and with that in turn, in words: no other plan may act on it meanwhile."""
    if kind not in ENDING:
        return {}
    along: dict[ServiceRef, str] = {}
    waiting = list(ends)
    for ref in waiting:
        found = {other: word for other, word in _hit_by(ref, snapshot) if other not in changed and other not in along}
        along.update(found)
        waiting += found
    return along


def _hit_by(ref: ServiceRef, snapshot: Snapshot) -> Iterator[tuple[ServiceRef, str]]:
    """What its manager takes along, and what it runs as the unit of a service manager."""
    service = snapshot.service(ref)
    if service is not None:
        yield from zip(service.taken_along, service.dependants, strict=True)
    for one in snapshot.joined_to(ref):
        yield one.ref, f"{one.ref.name} (has its network, and loses it)"
    for one in snapshot.run_by(ref):
        if not one.adrift:
            yield one.ref, f"{one.ref.name} ({one.ref.manager})"
    for one in snapshot.units_of(ref):
        yield one.ref, one.ref.shown
