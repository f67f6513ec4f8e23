"""What keeps clients out beside the host's packet filter: a filter of the unit, a process that accepts nothing."""

from collections.abc import Iterator, Sequence

from console.core import frozen
from console.core.command import quote
from console.core.finding import Proposal
from console.core.network import Listener
from console.core.reach import Attempt, Reached
from console.diagnosis.evidence import Evidence, Question
from console.diagnosis.verdict import Confidence
from console.managers.join import of_user
from console.probes.unit_filter import UnitFilter

_UNITS = (".service", ".socket", ".scope")


def questions(evidence: Evidence, listeners: Sequence[Listener]) -> Iterator[Question]:
    """The filter of the unit in whose control group the socket was made; a user's own manager can set none."""
    unit = next((one.unit for one in listeners if (one.unit or "").endswith(_UNITS) and not of_user(one)), None)
    if evidence.unit_filter is None and unit is not None:
        yield Question("unit_filter", (unit,))


def full_queue(listeners: Sequence[Listener]) -> Listener | None:
    """A listener of which more connections wait to be accepted than may: the kernel drops what else comes."""
    return next(
        (one for one in listeners if one.backlog is not None and one.queue is not None and one.backlog > one.queue),
        None,
    )


def is_frozen(evidence: Evidence, listener: Listener) -> bool:
    """Whether a signal stopped the process: somebody may be looking into it."""
    process = evidence.process(listener.pid)
    return frozen.is_frozen(process)


def not_accepting(evidence: Evidence, listener: Listener) -> str:
    """What the queue of a listener says of its process."""
    who = f"{listener.process} (pid {listener.pid})" if listener.pid is not None else "its process"
    who = f"{who}, stopped by a signal," if is_frozen(evidence, listener) else who
    return (
        f"{who} does not accept: {listener.backlog} connections wait (Recv-Q) where {listener.queue} may (Send-Q), "
        "and the kernel drops what else comes"
    )


def dropping(evidence: Evidence, client: str | None) -> UnitFilter | None:
    """The unit's filter, where it drops what comes from a client; where that is not known, from every other host."""
    found = evidence.unit_filter
    if found is None or not found.deny:
        return None
    if client is not None:
        return found if found.drops(client) else None
    whole = {one.version for one in found.deny if not one.prefixlen}
    return found if whole == {4, 6} and all(one.is_loopback for one in found.allow) else None


def by_unit(where: str, found: UnitFilter, failed: Sequence[Attempt]) -> tuple[str, Confidence, tuple[str, ...]]:
    """That the unit's filter keeps clients out, how sure that is and what says so; ``where`` it listens."""
    what = f"drops what comes {failed[0].where}" if failed else "drops what comes from outside"
    sure = Confidence.HIGH if failed else Confidence.MEDIUM
    return f"{where}, but {found.unit} {what}: {found.words}", sure, ("unit", *(("connect",) if failed else ()))


def not_by_rules(evidence: Evidence, attempts: Sequence[Attempt]) -> str:
    """What is left where the packet filter drops nothing: said as far as the rest was judged."""
    judged = f"the host's own rules let it in and its answers out{_also_judged(evidence)}"
    if (local := local_failure(attempts)) is not None:
        return f"{judged}; {local.where} it has no answer either, so it is of the host itself, and why is not known"
    if evidence.unit_filter is None or evidence.unit_filter.others:
        return f"{judged}: that, or something between, drops it"
    return f"{judged}: something between drops it"


def _also_judged(evidence: Evidence) -> str:
    found = evidence.unit_filter
    if found is None:
        return "; a filter of its unit was not read"
    if found.others:
        return f"; what {' and '.join(found.others)} of {found.unit} does was not judged"
    return f", and so does {found.unit}"


def local_failure(attempts: Sequence[Attempt]) -> Attempt | None:
    """An attempt by the host itself that had no answer: what is between it and its clients is not why."""
    failing = (Reached.SILENT, Reached.REFUSED)
    return next((one for one in attempts if not one.vantage.outside and one.result in failing), None)


def admit(found: UnitFilter, client: str | None) -> Proposal:
    """How a client is let in by the unit's filter: for a person to decide."""
    who = client or "the client"
    words = ("systemctl", "set-property", found.unit, f"IPAddressAllow={client}") if client is not None else ()
    why = "by hand: whoever set IPAddressDeny= wants it closed: decide whether it is for this client"
    return Proposal(
        "admit-client", f"let {who} in to {found.unit}", (), (quote(words),) if words else (), reason_off=why
    )
