"""What is to be done, as intents: who has a port is stopped, and the service that wants it is started."""

from collections.abc import Sequence
from typing import Literal

from console.core.network import Socket
from console.core.plan import ActionKind, Intent
from console.core.service import ServiceRef
from console.diagnosis.evidence import Evidence
from console.diagnosis.leftovers import BOUND
from console.diagnosis.verdict import Holder
from console.diagnosis.wanting import Want
from console.managers.process import ID as PROCESS
from console.managers.socket_units import started_by

Has = Literal["listener", "connection", "nothing to see"]
"""By what holders have the port on the host; ``connection``: one at least by what does not listen."""


def intents(
    evidence: Evidence, want: Want, holders: Sequence[Holder], *, has: Has, then: ActionKind | None
) -> list[Intent]:
    """Stop all of these; ``then``: what becomes of the service that wants the port, where that frees it.

    Where one plan can take the port and prove it, that is one intent; who has another port that the service wants is
    stopped before. Of several that do not listen none does: each is stopped, then the service is started.
    """
    refs = targets(evidence, holders)
    connected = [holder for holder in holders if holder.sockets]
    quiet = targets(evidence, connected) if has != "nothing to see" else refs
    # A plan that proves that a listener lets go has nothing to prove of what does not listen.
    places = {ref: one.endpoint for one in reversed(holders) for ref in targets(evidence, [one])}
    stops = [Intent(ActionKind.STOP, ref, None if ref in quiet else places[ref]) for ref in refs]
    if then is None or want.ref is None:
        return stops
    own_socket = want.service is not None and any(map(want.service.is_triggered_by, refs))
    if own_socket or has == "nothing to see" or len(quiet) > 1:
        return [*stops, Intent(then, want.ref, want.endpoint)]
    here = targets(evidence, [one for one in holders if one.is_at(want.endpoint)])
    sockets = [socket for holder in connected for socket in holder.sockets]
    away = (intent for intent in stops if intent.target not in here)
    return [*away, _taken(next(iter(quiet), None), want, want.ref, sockets)]


def _taken(holder: ServiceRef | None, want: Want, ref: ServiceRef, sockets: Sequence[Socket]) -> Intent:
    """The intent that takes the port from whom it is: only as long as it has what it was seen to have."""
    if holder is None:
        return Intent(ActionKind.FREE_PORT, ref, want.endpoint)
    inodes = tuple(dict.fromkeys(one.inode for one in sockets if one.inode is not None))
    bound = any(one.protocol == "tcp" and one.state in BOUND for one in sockets)
    return Intent(ActionKind.FREE_PORT, ref, want.endpoint, holder=holder, sockets=inodes, bound=bound)


def targets(evidence: Evidence, holders: Sequence[Holder]) -> list[ServiceRef]:
    """What is stopped or ended: the services, then the processes of none."""
    host = evidence.snapshot.host
    strays = [ServiceRef(host, PROCESS, str(pid)) for one in holders for pid in one.strays]
    return [*to_stop(evidence, [one for one in holders if not one.strays]), *dict.fromkeys(strays)]


def to_stop(evidence: Evidence, holders: Sequence[Holder]) -> list[ServiceRef]:
    """The services to stop, each socket unit before what it started."""
    refs = [holder.ref for holder in holders if holder.ref is not None]
    refs += [service.ref for ref in refs for service in started_by(evidence.snapshot, ref)]
    return sorted(dict.fromkeys(refs), key=lambda ref: not ref.name.endswith(".socket"))
