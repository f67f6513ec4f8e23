"""A port that somebody listens on and that an outgoing connection sits on besides: to stop the one is not enough."""

from collections.abc import Sequence
from dataclasses import replace

from console.core.finding import Proposal
from console.core.network import Socket
from console.core.service import Endpoint
from console.diagnosis import kernel_ways, proposals
from console.diagnosis.evidence import Evidence
from console.diagnosis.holders import clashing, owners_of, same_service
from console.diagnosis.leftovers import in_the_way, is_outgoing
from console.diagnosis.proposals import CommandsOf
from console.diagnosis.verdict import Holder, Verdict
from console.diagnosis.wanting import Want


def with_outgoing(
    evidence: Evidence, want: Want, endpoint: Endpoint, verdict: Verdict, commands_of: CommandsOf
) -> Verdict:
    """The verdict on a port that is held, with whose outgoing connections hold it as well."""
    sockets = _outgoing(evidence, want, endpoint)
    others = tuple(
        one for one in owners_of(evidence, sockets) if not any(same_service(one, h) for h in verdict.holders)
    )
    if not others:
        return verdict
    names = " and ".join(dict.fromkeys(one.name for one in others))
    holders = (*verdict.holders, *others)
    ways = [kernel_ways.reserve(endpoint.port, others[0], evidence.limits)]
    if all(proposals.is_service(evidence, one) for one in holders):
        stop = proposals.stop_services(evidence, want, holders, commands_of, start_after=True, has="nothing to see")
        stop = _as_one_plan(want, stop, others, commands_of)
        kept = tuple(way for way in verdict.actions if way.id != "stop-holder")
        verdict = replace(verdict, actions=(stop, *kept))
    extra = tuple(replace(way, recommended=False) for way in ways if way is not None)
    return replace(
        verdict,
        summary=f"{verdict.summary} and an outgoing connection of {names}",
        holders=holders,
        actions=(*verdict.actions, *extra),
    )


def _as_one_plan(want: Want, stop: Proposal, others: Sequence[Holder], commands_of: CommandsOf) -> Proposal:
    """The plan that stops who listens and the one that is connected, and proves that both let go.

    Of several that are connected no one plan does: each is stopped, then the service is started.
    """
    refs = {one.ref for one in others if one.ref is not None}
    own = want.service is not None and any(want.service.is_triggered_by(intent.target) for intent in stop.intents)
    if want.ref is None or want.endpoint is None or len(refs) != 1 or own:
        return stop
    whole = proposals.taken_from(refs.pop(), want, [socket for one in others for socket in one.sockets])
    return proposals.proposal(stop.id, stop.label, (whole,), commands_of, recommended=stop.recommended)


def _outgoing(evidence: Evidence, want: Want, endpoint: Endpoint) -> list[Socket]:
    """Connections of this host from the port; what came in by the listener is not among them."""
    listeners = clashing(evidence, endpoint)
    served = {pid for listener in listeners for pid in listener.pids}
    return [
        socket
        for socket in in_the_way(evidence, endpoint)
        if not served & set(socket.pids)
        and not any(socket.cgroup is not None and socket.cgroup == listener.cgroup for listener in listeners)
        and is_outgoing(evidence, socket, want.service)
    ]
