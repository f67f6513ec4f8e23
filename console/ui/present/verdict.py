"""A verdict as the block that is read first: who has the port, why, what keeps it there, what to press."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.ui import cells
from console.ui.cells import Cell
from console.ui.present.words import listed, number, service_name
from console.ui.widgets.detail import Entry, Heading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.core.finding import Proposal
    from console.diagnosis.verdict import Holder, Verdict
    from console.ui.clock import Clock

NOT_YET = "not asked yet"
"""The reason of a gap that closes by itself when the verdict is opened."""
FINE = ("free", "held-in-container")


def verdict_block(
    verdict: Verdict,
    clock: Clock,
    why_off: Callable[[Proposal], str | None],
    *,
    prefix: str = "",
    shown: Sequence[Proposal] = (),
) -> tuple[Entry | Heading, ...]:
    """The whole block; short enough for 24 lines. ``shown`` are the proposals, where not the verdict's own.

    With a ``prefix`` it stands in a small pane: there the ways out come before what the verdict rests on.
    """
    lines: list[Entry | Heading] = [heading(verdict), *answer(verdict, clock), *holders(verdict.holders)]
    mend = ways(shown or verdict.actions, why_off, prefix=prefix)
    others = [one for one in verdict.declared_by if verdict.service is None or one.service != verdict.service.name]
    # In the pane of a list nothing was asked yet for this verdict; the host is asked when it is opened.
    unseen = [gap for gap in verdict.not_checked if not (prefix and gap.why == NOT_YET)]
    facts = (
        ("CLASH", verdict.clash or ""),
        ("IMPACT", "; ".join(verdict.impact)),
        ("DECLARED", "; ".join(f"{one.service} wants {one.endpoint} ({one.where})" for one in others)),
        ("SURE", _sure(verdict)),
        ("NOT SEEN", "; ".join(f"{gap.what} ({gap.why})" for gap in unseen)),
    )
    rest = [Entry(key, value) for key, value in facts if value]
    return (*lines, *mend, *rest) if prefix else (*lines, *rest, *mend)


def own(verdict: Verdict) -> bool:
    """Whether the service that wants the port has it."""
    return bool(verdict.holders) and all(holder.ref == verdict.service for holder in verdict.holders)


def heading(verdict: Verdict) -> Heading:
    """Who wants what."""
    wanted = verdict.wanted
    port = f"{verdict.protocol} {verdict.port or ''}".strip()
    what = str(wanted) if wanted is not None and wanted.address != "*" else port
    if verdict.service is None:
        return Heading(f"{verdict.host}  {what}")
    return Heading(f"{verdict.host}  {service_name(verdict.service)} {(verdict.state or 'not found').upper()}", what)


def answer(verdict: Verdict, clock: Clock) -> list[Entry]:
    """How it failed, and the verdict in a word and a sentence where the holders do not say it."""
    lines: list[Entry] = []
    symptom = verdict.symptom
    if symptom is not None:
        where = symptom.endpoint or verdict.wanted
        bound = f"{where.address}:{where.port}" if where is not None else f"port {verdict.port}"
        when = [clock.moment(symptom.at)] if symptom.at is not None else []
        times = [f"{symptom.count} times"] if symptom.count > 1 else []
        tail = f"  ({', '.join((*when, *times))})" if when or times else ""
        lines.append(Entry("BIND", (Cell(f"{bound} -> "), Cell(symptom.errno, "critical"), Cell(tail, "muted"))))
    if not (verdict.verdict == "held" and verdict.holders and not own(verdict)):
        fine = verdict.verdict in FINE or own(verdict)
        tone = "ok" if fine else "warning" if verdict.verdict == "unknown" else "critical"
        word = "held by itself" if own(verdict) else verdict.verdict.replace("-", " ")
        lines.append(Entry("VERDICT", (Cell(word, tone), Cell(f"  {verdict.summary}"))))
    return lines


def holders(found: Sequence[Holder]) -> list[Entry]:
    """Who has the port, who runs them, and what starts them again."""
    lines: list[Entry] = []
    for place, holder in enumerate(found[:3]):
        lines.append(Entry("" if place else "HELD BY", _holder(holder)))
    if len(found) > 3:
        lines.append(Entry("", f"and {len(found) - 3} more"))
    if not found:
        return lines
    first = found[0]
    chain = " -> ".join(first.chain) or first.unit or ""
    if chain:
        lines.append(Entry("WHY", chain))
    if first.respawn:
        pid = first.pid if first.pid is not None else "it"
        lines.append(Entry("RESPAWN", f"yes, {first.respawn}: killing {pid} will NOT free it", "warning"))
    return lines


def _holder(holder: Holder) -> tuple[Cell, ...]:
    name = holder.process or holder.container or holder.unit or "a process that is not seen"
    words = [f"pid {holder.pid}" if holder.pid is not None else "pid not seen"]
    words += [f"user {holder.user}"] if holder.user else []
    words.append(f"{holder.address}:{holder.port}")
    words += [f"up {cells.age(holder.up)}"] if holder.up is not None else []
    words += [number(holder.connections, "connection")] if holder.connections else []
    return (Cell(name, "strong"), Cell(" " + " ".join(words)))


def _sure(verdict: Verdict) -> str:
    known = listed(dict.fromkeys(word for holder in verdict.holders for word in holder.known_by), 4)
    return f"{verdict.confidence} ({known})" if known else str(verdict.confidence)


def ways(
    found: Sequence[Proposal], why_off: Callable[[Proposal], str | None], *, prefix: str = "", commands: int = 4
) -> list[Entry]:
    """The numbered ways out with their commands; what cannot be run says why."""
    lines: list[Entry] = []
    for place, proposal in enumerate(found[:9], 1):
        off = why_off(proposal)
        mark = Cell(f"{prefix}{place} ", "muted" if off else "accent")
        label = Cell(proposal.label, "muted" if off else "strong" if proposal.recommended else "")
        said = [mark, label]
        if proposal.recommended and not off:
            said.append(Cell("  (recommended)", "ok"))
        if off:
            said.append(Cell(f"  {off}" if off.startswith("by hand") else f"  off: {off}", "muted"))
        lines.append(Entry("MEND" if place == 1 else "", tuple(said)))
        if not prefix:
            lines += [Entry("", Cell(f"  {command}", "muted")) for command in proposal.commands[:commands]]
    return lines
