"""Several listeners at one place: what that proves of all of them, and what it takes to free it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from console.core.network import Listener
from console.core.overlap import Binding, clash
from console.core.service import Endpoint
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Holder


def shared_by(listeners: Sequence[Listener]) -> str | None:
    """Why there is more than one; ``None`` where each has a place of its own.

    The kernel does not show the option, but without it on both, and one user, the second could not have been bound.
    """
    seen: dict[tuple[str, str, int, str | None], Listener] = {}
    for listener in listeners:
        other = seen.setdefault(_place(listener), listener)
        if other is not listener and None not in (other.inode, listener.inode) and other.inode != listener.inode:
            user = f"user {listener.user}" if listener.user is not None else f"uid {listener.uid}"
            return "shared by SO_REUSEPORT" + (f" within {user}" if listener.uid is not None else "")
    return None


def in_the_way(evidence: Evidence, endpoint: Endpoint, holders: Iterable[Holder]) -> list[Holder]:
    """Those of the holders beside whom the endpoint cannot be bound."""
    wanted = Binding.of_endpoint(endpoint)
    return [one for one in holders if clash(wanted, _binding(evidence, one))]


def others_beside(evidence: Evidence, group: Sequence[Holder], holders: Iterable[Holder]) -> list[Holder]:
    """The holders that are others than a group and have its addresses too: without the group these stay taken."""
    owners = {one.ref or one.name for one in group}
    taken = [_binding(evidence, one) for one in group]
    others = (other for other in holders if (other.ref or other.name) not in owners)
    return [other for other in others if any(clash(one, _binding(evidence, other)) for one in taken)]


def _binding(evidence: Evidence, holder: Holder) -> Binding:
    """Where it is bound, as the kernel lists it."""
    place = _place(holder)
    bound = (Binding.of_listener(one) for one in evidence.snapshot.listeners if _place(one) == place)
    return next(bound, replace(Binding.of_endpoint(holder.endpoint), interface=holder.interface))


def _place(one: Listener | Holder) -> tuple[str, str, int, str | None]:
    return one.protocol, one.address, one.port, one.interface
