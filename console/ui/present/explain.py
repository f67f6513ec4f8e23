"""Everything about one service, port or finding on one page: the verdict first, then what it rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from console.core.freshness import of_service
from console.core.plan import Result
from console.core.service import Endpoint, State
from console.core.snapshot import LinkState
from console.ui import cells, off
from console.ui.present import findings as present_findings
from console.ui.present import ports as present_ports
from console.ui.present import services as present_services
from console.ui.present.verdict import FINE, Room, own, verdict_block, ways
from console.ui.present.words import freshness, service_name
from console.ui.widgets.detail import Entry, Heading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from console.core.finding import Finding, Proposal
    from console.core.network import Listener
    from console.core.snapshot import LogLine, Snapshot
    from console.diagnosis.report import Section
    from console.diagnosis.verdict import Verdict
    from console.ui.changes import Change
    from console.ui.deck import Deck
    from console.ui.subject import Subject

_TOLD = ("STATE", "WRONG")
"""What the finding says already."""


_NO_CAUSE = (*FINE, "unknown", "start-limit")
"""Verdicts that name nobody and nothing that is in the way of a port."""


_NOT_DONE = (Result.FAILED, Result.UNDONE, Result.UNKNOWN)


class Explanation(NamedTuple):
    """What is shown, and the proposals that the digits stand for."""

    entries: tuple[Entry | Heading, ...]
    proposals: tuple[Proposal, ...]
    finding: Finding | None


def explain(
    deck: Deck,
    subject: Subject,
    verdict: Verdict | None,
    *,
    log: Sequence[LogLine] = (),
    prefix: str = "",
    room: Room | None = None,
    checked: Entry | None = None,
) -> Explanation:
    """Put together what is known now: the verdict or the finding first, then what it rests on.

    ``checked`` says how fresh the verdict is, right below it; ``room`` is what both must fit.
    """
    told, finding, proposals = found(deck, subject, verdict)
    reason = partial(why_off, deck)
    if told is not None:
        block = verdict_block(told, deck.clock, reason, prefix=prefix, shown=proposals, room=room)
        first = [*block, *((checked,) if checked is not None else ())]
    elif finding is not None:
        seen = present_findings.seen_for(deck.store, finding, deck.clock.monotonic())
        first = [*present_findings.detail(finding, deck.store.snapshot(subject.host), deck.clock, seen)]
        first += ways(proposals, reason, prefix=prefix)
    else:
        first = [*_gone(deck, subject)] if subject.finding is not None else []
    lines = [*first, *_behind(deck, subject, bool(first), log)]
    if told is None and checked is not None:
        lines.append(checked)
    lines[1:1] = _plan(deck, subject)
    return Explanation(_one_age(lines), proposals, finding)


def _plan(deck: Deck, subject: Subject) -> list[Entry]:
    """The plan that runs on the service; of one that is down the last plan too, where that was not done."""
    change = deck.changes.last(subject.service) if subject.service is not None else None
    if change is None:
        return []
    what = f"{change.plan.kind} of {change.plan.target.name}"
    if change.running:
        return [Entry("PLAN", f"a plan runs: {what}", "accent")]
    service = deck.store.service(subject.service) if subject.service is not None else None
    result = change.progress.result
    if result not in _NOT_DONE or (service is not None and service.state is State.RUNNING):
        return []
    why = f": {change.progress.reason}" if change.progress.reason else ""
    when = _when(change, deck.clock.wall())
    return [Entry("PLAN", f"the last one, {what}, {when} as {result}{why} (Plans has all of it)", "warning")]


def _when(change: Change, wall: float) -> str:
    """When it ended; where nobody knows that, when it began, as far as that is known."""
    if change.end_known:
        return f"ended {cells.age(wall - (change.ended or change.started))} ago"
    return f"begun {cells.age(wall - change.started)} ago, ended" if change.began_known else "ended"


def found(
    deck: Deck, subject: Subject, verdict: Verdict | None
) -> tuple[Verdict | None, Finding | None, tuple[Proposal, ...]]:
    """The verdict where it is what somebody wants to read here, the finding, and what the digits stand for."""
    finding = finding_of(deck, subject)
    told = verdict if verdict is not None and speaks(verdict, subject, finding) else None
    ways_out = told.actions if told is not None and told.actions else finding.proposals if finding is not None else ()
    return told, finding, ways_out


def _gone(deck: Deck, subject: Subject) -> tuple[Entry | Heading, ...]:
    """What is so now of what a finding was about: only a service that runs is mended."""
    ref = subject.service
    if ref is None:
        return (Heading("This finding is gone", "no longer seen"),)
    snapshot = deck.store.snapshot(ref.host)
    service = deck.store.service(ref)
    if service is None:
        return (Heading(f"{ref.host}  {service_name(ref)}", "not seen any more"),)
    if deck.changes.on(ref) is not None:
        word = "a plan runs"
    elif snapshot.link.state is not LinkState.UP:
        word = "seen last: its host does not answer"
    elif of_service(snapshot, service).stale:
        word = f"seen last: {ref.manager} does not answer"
    else:
        word = "mended" if service.state is State.RUNNING else "no finding of it now"
    state = Entry("STATE", present_findings.state_line(service, snapshot))
    return (Heading(f"{ref.host}  {service_name(ref)} {service.state.value.upper()}", word), state)


def _behind(deck: Deck, subject: Subject, headed: bool, log: Sequence[LogLine]) -> list[Entry | Heading]:
    """What the verdict or finding is about: the service or the listener as they are."""
    snapshot, now = deck.store.snapshot(subject.host), deck.clock.monotonic()
    entries: list[Entry | Heading] = []
    service = deck.store.service(subject.service) if subject.service is not None else None
    listener = listener_of(snapshot, subject.endpoint) if subject.by_port or service is None else None
    if listener is not None:
        entries += present_ports.detail(listener, present_ports.Known(snapshot, (), deck.declared(snapshot.host)), now)
    elif service is not None:
        entries += present_services.detail(service, snapshot, deck.clock, log=log)
    if headed:
        return [entry for entry in entries[1:] if entry[0] not in _TOLD]
    return entries or [Heading(subject.host, freshness(snapshot, now)), Entry("", "gone: not seen any more")]


def speaks(verdict: Verdict, subject: Subject, finding: Finding | None) -> bool:
    """Whether a verdict on a port is what somebody wants to read here."""
    if verdict.port is None:
        return False
    if subject.symptom is not None:
        return True
    if finding is not None and finding.port is None:
        # What a finding could not see, such as a connection that has the port, the look on the host has found.
        return verdict.symptom is not None and verdict.verdict not in _NO_CAUSE
    if finding is not None:
        # Of a port that two will want nothing is wrong yet: the verdict would stop the one that runs.
        return finding.code != "port-claimed-twice"
    # A service that is down although its port is free can be started: that is what somebody wants to read too.
    waits = verdict.verdict in FINE and verdict.symptom is not None and bool(verdict.actions)
    return subject.by_port or waits or not (verdict.verdict in FINE or own(verdict))


def why_off(deck: Deck, proposal: Proposal) -> str | None:
    """Why a proposal cannot be run now."""
    return proposal.reason_off or (off.intents_off(proposal.intents, deck) if proposal.intents else "advice only")


def _one_age(entries: list[Entry | Heading]) -> tuple[Entry | Heading, ...]:
    """The age once, at the end."""
    ages = [entry for entry in entries if isinstance(entry, Entry) and entry.key == "AGE"]
    rest = [entry for entry in entries if not (isinstance(entry, Entry) and entry.key == "AGE")]
    return (*rest, *ages[-1:])


def evidence(
    verdict: Verdict | None,
    finding: Finding | None,
    proposals: Sequence[Proposal],
    log: Sequence[LogLine] = (),
    zone: tzinfo | None = None,
) -> tuple[Section, ...]:
    """What a verdict or finding rests on: facts, log, looks, and the commands of its proposals."""
    from console.diagnosis.report import Section, sections
    from console.diagnosis.report import ways as ways_out

    facts = _once((verdict.evidence if verdict is not None else ()), finding.evidence if finding else ())
    if verdict is None:
        return (*((Section("What was found", facts),) if facts else ()), *ways_out(proposals))
    return sections(replace(verdict, evidence=facts), log, zone or UTC, tuple(proposals))


def _once(newest: Sequence[str], older: Sequence[str]) -> tuple[str, ...]:
    """The lines of two looks, each thing once, told as it was seen last: ``socket: ...``."""
    heads = {line.partition(": ")[0] for line in newest if ": " in line}
    bare = {line.partition(": ")[2] for line in newest}
    left = (line for line in older if line.partition(": ")[0] not in heads and line not in bare)
    return tuple(dict.fromkeys((*newest, *left)))


def finding_of(deck: Deck, subject: Subject) -> Finding | None:
    """The finding that is asked about, or the worst of the service or port."""
    if subject.finding is not None:
        found = deck.store.finding(subject.finding)
        if found is not None or subject.service is None:
            return found
        # What is wrong with the service has another name now, as a restart loop that met the limit.
        same = [one for one in deck.store.findings_of(subject.host) if one.service == subject.service]
        return min(same, key=lambda one: one.severity.rank, default=None)
    for finding in sorted(deck.store.findings_of(subject.host), key=lambda finding: finding.severity.rank):
        if subject.service is not None and finding.service == subject.service:
            return finding
        if subject.endpoint is not None and finding.port == subject.endpoint.port:
            return finding
    return None


def listener_of(snapshot: Snapshot, endpoint: Endpoint | None) -> Listener | None:
    """The listener at an address, or at the port where only that is known."""
    if endpoint is None:
        return None
    same = [one for one in snapshot.listeners if (one.protocol, one.port) == (endpoint.protocol, endpoint.port)]
    return next((one for one in same if one.address == endpoint.address), same[0] if same else None)
