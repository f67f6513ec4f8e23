"""The other ports of a service that cannot have one: as long as somebody has any of them it does not come up."""

from collections.abc import Iterable, Iterator, Sequence

from console.core.service import Endpoint
from console.diagnosis.evidence import Evidence
from console.diagnosis.holder_words import owner
from console.diagnosis.holders import clashing, holders_of
from console.diagnosis.next_start import joined
from console.diagnosis.verdict import Holder, NotChecked
from console.diagnosis.wanting import Want, in_its_way


def holders(evidence: Evidence, want: Want, found: Iterable[Holder]) -> tuple[Holder, ...]:
    """Who has the other ports that it could not bind; not those who have this one as well, and let go of both."""
    return tuple(_others(evidence, want, want.also, found))


def words(want: Want, found: Sequence[Holder]) -> str:
    """What they have, to be put behind who has the port."""
    ports = dict.fromkeys((one.protocol, one.port) for one in found)
    told = (
        f", and {protocol} {port}, which {want.name} wants too, "
        f"by {joined(dict.fromkeys(one.name for one in found if (one.protocol, one.port) == (protocol, port)))}"
        for protocol, port in ports
    )
    return "".join(told)


def doubt(evidence: Evidence, want: Want, found: Sequence[Holder]) -> NotChecked | None:
    """That it may lack another port all the same, which its files name and its log does not."""
    others = list(_others(evidence, want, want.claimed, found))
    if not others:
        return None
    told = joined(dict.fromkeys(f"{one.protocol} {one.port}, which {one.name} has" for one in others))
    return NotChecked(f"whether {want.name} comes up then", f"it is declared to want {told}")


def _others(evidence: Evidence, want: Want, places: Iterable[Endpoint], found: Iterable[Holder]) -> Iterator[Holder]:
    known = {owner(one) for one in found}
    for place in places:
        met = in_its_way(want.service, None, clashing(evidence, place), evidence.snapshot.services)
        for one in holders_of(evidence, place, met):
            own = one.ref is not None and want.service is not None and want.service.answers_for(one.ref)
            if not own and owner(one) not in known:
                yield one
