"""A port that somebody asks about and that is held by whom it belongs to: nothing is to be mended there."""

from collections.abc import Sequence

from console.core.service import Service, State
from console.diagnosis import next_start
from console.diagnosis.claims import related
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Holder
from console.diagnosis.wanting import Want


def owner(evidence: Evidence, want: Want, holders: Sequence[Holder]) -> Service | None:
    """The one service that holds a port of its own and runs, where nobody else is seen to want it.

    Its own is a port that is declared for it: what merely listens may be in the place of another.
    """
    refs = {holder.ref for holder in holders}
    ref = next(iter(refs), None)
    if want.ref is not None or len(refs) != 1 or ref is None or any(one.strays or one.note for one in holders):
        return None
    service = evidence.snapshot.service(ref)
    if service is None or service.state is not State.RUNNING or evidence.listeners_gap() is not None:
        return None
    own = [one for one in want.declared_by if one.is_of(ref)]
    services = evidence.snapshot.services
    others = [one.service for one in want.declared_by if not any(related(one, mine, services) for mine in own)]
    return service if own and not next_start.awake(evidence, others) else None


def sentence(want: Want, service: Service) -> str:
    """Whose it is, and that this is well."""
    return f"{want.port} is the own port of {service.ref.name}, which holds it and runs: nothing is to be mended"
