"""A verdict as the block that is read first: who has the port, why, what keeps it there, what to press."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from console.core.words import listed
from console.ui import cells
from console.ui.cells import Cell
from console.ui.present.words import number, service_name
from console.ui.widgets.detail import Entry, Heading, height_of
from console.ui.widgets.palette import cut_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.core.finding import Proposal
    from console.diagnosis.verdict import Holder, Verdict
    from console.ui.clock import Clock

NOT_YET = "not asked yet"
"""The reason of a gap that closes by itself when the verdict is opened."""
_KEYS = 13
"""Cells of the column of keys, with what is left free around it."""
_NARROW = 80 - _KEYS
"""Cells of a value on the lowest screen, where each has one line."""
FINE = ("free", "held-in-container")
KEPT_OUT = "unreachable"
"""The service has its port, and clients do not get in."""


class Much(NamedTuple):
    """How much is told of a verdict: what matters least goes first where there is no room."""

    commands: int
    """Of the first way out; those of the others are told only where there is room for all."""
    others: int
    whole: bool
    """With the reasons of what was not seen, and where a declaration is."""
    holders: int
    short: bool
    """Each entry in one line."""


MUCH = (
    Much(4, 4, True, 3, False),
    Much(4, 0, True, 3, False),
    Much(4, 0, False, 3, False),
    Much(2, 0, False, 2, True),
    Much(0, 0, False, 1, True),
)


class Room(NamedTuple):
    """The place for a verdict, in cells and lines."""

    width: int
    height: int


def verdict_block(
    verdict: Verdict,
    clock: Clock,
    why_off: Callable[[Proposal], str | None],
    *,
    prefix: str = "",
    shown: Sequence[Proposal] = (),
    room: Room | None = None,
) -> tuple[Entry | Heading, ...]:
    """The whole block; with a ``room`` as much as fits it. ``shown`` are the proposals, where not the verdict's own.

    With a ``prefix`` it stands in a small pane: there the ways out come before what the verdict rests on.
    """
    proposals = shown or verdict.actions
    lines: tuple[Entry | Heading, ...] = ()
    for much in MUCH:
        lines = _block(verdict, clock, why_off, prefix, proposals, much)
        if room is None:
            break
        if much.short:
            lines = tuple([_in_one_line(entry, room.width) for entry in lines])
        if height_of(lines, room.width) <= room.height:
            break
    return lines


def _block(
    verdict: Verdict,
    clock: Clock,
    why_off: Callable[[Proposal], str | None],
    prefix: str,
    proposals: Sequence[Proposal],
    much: Much,
) -> tuple[Entry | Heading, ...]:
    lines: list[Entry | Heading] = [heading(verdict), *answer(verdict, clock)]
    stays = verdict.verdict == KEPT_OUT or verdict.has_its_port or verdict.at_home or verdict.inside
    word = "INSIDE" if verdict.inside else "HELD BY"
    lines += holders(verdict.holders, much.holders, word=word, stays=stays)
    key = "TO FREE" if _is_well(verdict) else "MEND"
    mend = ways(proposals, why_off, key=key, prefix=prefix, commands=much.commands, others=much.others)
    rest = _facts(verdict, prefix, whole=much.whole)
    return (*lines, *mend, *rest) if prefix else (*lines, *rest, *mend)


def _facts(verdict: Verdict, prefix: str, *, whole: bool) -> list[Entry]:
    """What the verdict rests on, and what it could not see."""
    from console.diagnosis.as_text import declared, port_named

    # In the pane of a list nothing was asked yet for this verdict; the host is asked when it is opened.
    unseen = [gap for gap in verdict.not_checked if not (prefix and gap.why == NOT_YET)]
    claims = declared(verdict)
    if not whole and claims:
        claims = ", ".join(dict.fromkeys(one.service for one in verdict.declared_by))
    # Where there is no answer, what was not seen is the answer, with its reasons.
    reasons = whole or verdict.verdict == "unknown"
    gaps = [f"{gap.what} ({gap.why})" if reasons else gap.what for gap in unseen]
    facts = (
        ("PORT", port_named(verdict)),
        ("CLASH", verdict.clash or ""),
        ("RULE", _rule(verdict)),
        ("TRIED", _tried(verdict)),
        ("IMPACT", "; ".join(verdict.impact)),
        ("DECLARED", claims),
        ("SURE", _sure(verdict)),
        ("NOT SEEN", "; ".join(gaps)),
    )
    return [Entry(key, value) for key, value in facts if value]


def _in_one_line(entry: Entry | Heading, width: int) -> Entry | Heading:
    if isinstance(entry, Heading):
        return entry
    return Entry(entry.key, tuple(cut_cells(entry.value, max(8, width - _KEYS))[0]), entry.tone)


def own(verdict: Verdict) -> bool:
    """Whether the service that wants the port has it."""
    if verdict.verdict == KEPT_OUT:
        return False
    return bool(verdict.holders) and all(holder.ref == verdict.service for holder in verdict.holders)


def _is_well(verdict: Verdict) -> bool:
    """Whether somebody only asks for a port that is held, and nothing is known to be wrong with that."""
    return verdict.verdict == "held" and verdict.service is None and verdict.symptom is None


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
    if verdict.failure is not None:
        lines.append(Entry("FAILED", verdict.failure.why, "critical"))
        lines += [Entry("" if place else "LOG", line) for place, line in enumerate(verdict.failure.log)]
    itself = own(verdict) or verdict.at_home
    if not (verdict.verdict == "held" and verdict.holders and not itself):
        fine = verdict.verdict in FINE or itself
        tone = "ok" if fine else "warning" if verdict.verdict == "unknown" else "critical"
        at_home = "held by its own service" if verdict.at_home else "held by itself"
        word = at_home if itself else verdict.verdict.replace("-", " ")
        lines.append(Entry("VERDICT", (Cell(word, tone), Cell(f"  {verdict.summary}"))))
    return lines


def holders(found: Sequence[Holder], most: int = 3, *, word: str = "HELD BY", stays: bool = False) -> list[Entry]:
    """Who has the port, who runs them, and what starts them again; not that of one that is to stay.

    ``word``: how they have it.
    """
    lines: list[Entry] = []
    for place, holder in enumerate(found[:most]):
        lines.append(Entry("" if place else word, _holder(holder)))
    if len(found) > most:
        lines.append(Entry("", f"and {len(found) - most} more"))
    if not found:
        return lines
    from console.diagnosis.holder_words import after_a_kill, owners, runs, why

    owned = owners(found, most)
    stories = [line for one in owned if one.chain or one.note for line in why(one, _NARROW)]
    lines += [Entry("" if place else "WHY", line) for place, line in enumerate(stories)]
    run = [line for one in owned if (line := runs(one, _NARROW)) is not None]
    lines += [Entry("" if place else "RUNS", line) for place, line in enumerate(run)]
    told = [(one, after_a_kill(one)) for one in owned]
    again = [(one, text) for one, text in told if one.container is not None or one.strays or not _stays_down(text)]
    for place, (one, text) in enumerate(again if not stays else ()):
        whose = f" ({one.name})" if len(owned) > 1 else ""
        lines.append(Entry("" if place else "RESPAWN", f"{text}{whose}", "warning" if text.startswith("yes") else ""))
    return lines


def _stays_down(told: str) -> bool:
    """Whether nothing starts it again, which is what one expects."""
    return told.startswith("none known")


def _holder(holder: Holder) -> tuple[Cell, ...]:
    from console.diagnosis.holder_words import where, who

    name, words = holder.process or "", [f"pid {holder.pid}"]
    if holder.container is not None or holder.label is not None or holder.process is None or holder.pid is None:
        name, words = who(holder), []
    words += [f"user {holder.user}"] if holder.user and holder.container is None else []
    words.append(where(holder))
    words += [f"up {cells.age(holder.up)}"] if holder.up is not None else []
    words += [number(holder.connections, "connection")] if holder.connections else []
    return (Cell(name, "strong"), Cell(" " + " ".join(words)))


def _rule(verdict: Verdict) -> str:
    """The rule that keeps clients out, word for word."""
    rule = verdict.reach.rule if verdict.reach is not None and verdict.verdict == KEPT_OUT else None
    return f"{rule.words}  ({rule.place})" if rule is not None and rule.words else ""


def _tried(verdict: Verdict) -> str:
    """From where a connection was tried, and what came of it."""
    if verdict.reach is None:
        return ""
    from console.diagnosis.reach import tried

    return tried(verdict.reach)


def _sure(verdict: Verdict) -> str:
    if verdict.verdict == KEPT_OUT and verdict.reach is not None and verdict.reach.known_by:
        return f"{verdict.confidence} ({listed(verdict.reach.known_by, 4)})"
    known = listed(dict.fromkeys(word for holder in verdict.holders for word in holder.known_by), 4)
    return f"{verdict.confidence} ({known})" if known else str(verdict.confidence)


def ways(
    found: Sequence[Proposal],
    why_off: Callable[[Proposal], str | None],
    *,
    key: str = "MEND",
    prefix: str = "",
    commands: int = 4,
    others: int = 4,
) -> list[Entry]:
    """The numbered ways out with their commands (of the first, of each other); what cannot be run says why."""
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
        lines.append(Entry(key if place == 1 else "", tuple(said)))
        if not prefix:
            most = commands if place == 1 else others
            lines += [Entry("", Cell(f"  {line}", "muted")) for line in proposal.lines[:most]]
    return lines
