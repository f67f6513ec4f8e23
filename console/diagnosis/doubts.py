"""What keeps a verdict from advising to stop somebody: that the log may not mean what it seems to mean."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from console.core.service import Endpoint
from console.diagnosis import other_ports
from console.diagnosis.bind_errors import read_line
from console.diagnosis.candidates import are_alike
from console.diagnosis.claims import of_service
from console.diagnosis.evidence import Evidence
from console.diagnosis.holder_words import distinct
from console.diagnosis.holders import service_of
from console.diagnosis.next_start import joined
from console.diagnosis.verdict import Confidence, Holder, NotChecked, Verdict
from console.diagnosis.wanting import Want

_OTHER = re.compile(r"Traceback \(most recent call last\)|panic: |fatal error: ")
"""How an error that ends a program begins in Python and Go."""
_CHAINED = re.compile("above exception")
"""How Python says that one error came of the other."""


def doubted(evidence: Evidence, want: Want, verdict: Verdict) -> Verdict:
    """The verdict with its ways out, none of them advised, where it is not sure that its holders are in the way."""
    holders = verdict.holders
    found = (
        foreign_port(evidence, want),
        no_address(evidence, want, holders),
        other_ports.doubt(evidence, want, holders),
    )
    gaps = (*(gap for gap in found if gap is not None), *_spared(evidence, want, holders))
    if not gaps or not any(holder.ref != want.ref for holder in holders):
        return verdict
    return replace(
        verdict,
        actions=tuple(replace(way, recommended=False) for way in verdict.actions),
        confidence=Confidence.MEDIUM if verdict.confidence is Confidence.HIGH else verdict.confidence,
        not_checked=(*verdict.not_checked, *gaps),
    )


def _spared(evidence: Evidence, want: Want, holders: Sequence[Holder]) -> Iterator[NotChecked]:
    """Services of which a stop does not end all that may have the socket."""
    for holder in distinct(holders):
        service = evidence.snapshot.service(holder.ref) if holder.ref is not None and holder.ref != want.ref else None
        spares = service.stop_way.spares if service is not None and service.stop_way is not None else None
        if service is None or spares is None or holder.strays or not service.pids:
            continue
        mine = [one for one in evidence.snapshot.listeners if service_of(evidence, one) == service]
        found = [one for one in mine if (one.protocol, one.port) == (holder.protocol, holder.port)]
        others = dict.fromkeys(pid for one in found for pid in one.pids if pid not in service.pids)
        if not others and all(one.pids for one in found):
            continue
        names = (f"{one.name} (pid {pid})" if (one := evidence.process(pid)) else f"process {pid}" for pid in others)
        who = f"{joined(names)} has it too and is" if others else "what it started may have it too, and is"
        yield NotChecked(
            f"whether a stop of {service.ref.name} frees {holder.protocol} {holder.port}", f"{who} not ended ({spares})"
        )


def foreign_port(evidence: Evidence, want: Want) -> NotChecked | None:
    """A port that only the log names, of a service that is known for others: a client may have put it there."""
    if want.symptom is None or want.endpoint is None or want.ref is None:
        return None
    known = {(one.protocol, one.port) for one in _known(evidence, want)}
    # A variable PORT does not tell the protocol.
    own = want.endpoint.port in {port for _, port in known}
    if own or any(one.is_of(want.ref) for one in want.declared_by):
        return None
    if not known:
        later = _went_on(evidence, want)
        why = f"only its log names it, and {later}"
        return NotChecked(f"whether {want.port} is its own", why) if later is not None else None
    others = ", ".join(f"{protocol} {port}" for protocol, port in sorted(known)[:3])
    return NotChecked(f"whether {want.port} is its own", f"only its log names it; {want.name} is known for {others}")


def _went_on(evidence: Evidence, want: Want) -> str | None:
    """What says that a service did not end by what its log tells of a port; ``None`` where nothing does."""
    assert want.ref is not None
    if want.service is not None and not want.down:
        return f"{want.name} runs on"
    lines = evidence.log_of(want.ref) or ()
    last = max((at for at, line in enumerate(lines) if read_line(line) is not None), default=None)
    rest = lines[last + 1 :] if last is not None else ()
    if any(_CHAINED.search(line) for line in rest) or not any(_OTHER.match(line) for line in rest):
        return None
    return f"{want.name} ended by another error after it"


def no_address(evidence: Evidence, want: Want, holders: Sequence[Holder]) -> NotChecked | None:
    """An address that nothing tells, where one of several may be meant and not every holder is in the way."""
    here = [one for one in holders if one.is_at(want.endpoint)]
    if want.endpoint is None or want.endpoint.address != "*" or want.symptom is None or not here:
        return None
    if re.search(rf"(?<!\w):{want.endpoint.port}\b", want.symptom.line) or are_alike(evidence, here):
        # ``:8080`` names every address.
        return None
    return NotChecked("the address it wants", "its log names only the port; one of the holders may be enough")


def _known(evidence: Evidence, want: Want) -> list[Endpoint]:
    """Where the service is known to listen, by anything but its log."""
    assert want.ref is not None
    found = list(evidence.snapshot.listened(want.ref))
    found += [one.endpoint for one in of_service(evidence.claims, want.ref)]
    if want.service is not None:
        found += [*want.service.wants, *want.service.ports, *(hint.endpoint for hint in want.service.hints)]
    return found
