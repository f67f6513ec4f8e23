"""A service in its own way, and two that claim one port before either of them has it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from console.core.finding import Proposal
from console.core.snapshot import LogLine
from console.diagnosis import proposals
from console.diagnosis.claims import related
from console.diagnosis.evidence import Evidence
from console.diagnosis.outline import outline
from console.diagnosis.proposals import CommandsOf
from console.diagnosis.spaces import ENGINES
from console.diagnosis.verdict import Confidence, Holder, Verdict, VerdictWord
from console.diagnosis.wanting import Want

_SAID = "a duplicate listen "
"""How nginx says it."""


def decide(evidence: Evidence, want: Want, commands_of: CommandsOf) -> Verdict | None:
    """Explain a service that is down because it declares one place twice; ``None`` where it does not."""
    declared = evidence.snapshot.declared
    if declared is None or want.ref is None or not want.down or want.symptom is not None:
        return None
    pair = next((pair for pair in declared.twice if pair[0].is_of(want.ref)), None)
    if pair is None:
        return None
    first, second = pair
    port = f"{first.endpoint.protocol} {first.endpoint.port}"
    where = second.where if first.where == second.where else f"{first.where} and {second.where}"
    summary = f"{want.ref.name} declares {port} twice in one server, {first.text!r} and {second.text!r} ({where})"
    sure = Confidence.HIGH if any(said_twice(evidence)) else Confidence.MEDIUM
    # The two are in its files, whatever its log names.
    meant = replace(want, endpoint=first.endpoint, sure=Confidence.HIGH)
    verdict = outline(evidence, meant, VerdictWord.DUPLICATE, summary, sure)
    edit = Proposal(
        "remove-duplicate",
        f"remove one of the two: {second.text}",
        recommended=True,
        reason_off=f"by hand: edit {second.where}, then start {want.ref.name}",
    )
    again = proposals.start(want, commands_of, recommended=False)
    return replace(verdict, declared_by=(first, second), actions=(edit, *again))


def said_twice(evidence: Evidence) -> Iterator[LogLine]:
    """The newest line of the log that says so."""
    lines = [line for line in evidence.journal or () if _SAID in line.message]
    yield from lines[-1:]


def rivals(evidence: Evidence, want: Want, elsewhere: Iterable[Holder] = ()) -> list[str]:
    """Services that would be in one another's way: of a thing that is declared twice only one counts.

    ``elsewhere``: who listens inside a network of its own. What an engine publishes is of the host all the same.
    """
    inside = [holder.ref for holder in elsewhere if holder.ref is not None and holder.ref.manager not in ENGINES]
    found = [
        one for one in want.declared_by if one.sure and not one.choice and not any(one.is_of(ref) for ref in inside)
    ]
    services = evidence.snapshot.services
    apart = [one for at, one in enumerate(found) if not any(related(one, other, services) for other in found[:at])]
    return sorted({one.service for one in apart})


def noted(want: Want, holder: Holder) -> Holder:
    """With a word on a process of the same program that the service's manager does not know."""
    if want.ref is None or holder.ref is not None or holder.process is None or want.service is None:
        return holder
    if want.ref.name.removesuffix(".service") != holder.process or holder.pid in want.service.pids:
        return holder
    master = "master" if holder.process == "nginx" else "process"
    return replace(holder, note=f"an old {master}, not {want.ref.name}'s")
