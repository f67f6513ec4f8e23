"""Plans that other consoles ran or left on the hosts: as rows and lines. Only looked at, never acted on from here."""

from collections.abc import Sequence

from console.remote.plan_inspect import PlanLife
from console.remote.plan_others import OtherPlan
from console.remote.transport import HostSpec
from console.ui import cells
from console.ui.cells import Cell
from console.ui.present.plans import result
from console.ui.present.words import host_cell
from console.ui.widgets.detail import Entry, Heading
from console.ui.widgets.table import Row

MARK = "another console"


def life(one: OtherPlan) -> Cell:
    """Whether it runs, or how it ended, as glyph and word."""
    if one.life is PlanLife.RUNNING or one.result is not None:
        return result(one.result)
    if one.life is PlanLife.ABANDONED:
        return Cell(f"{cells.glyph('✗', 'x')} abandoned", "critical")
    return Cell("? unknown", "warning")


def row(one: OtherPlan, host: str, spec: HostSpec | None, since: float) -> Row:
    """One of them as one line; ``since``: seconds since the host was asked."""
    age = None if one.age is None else one.age + since
    took = age if one.life is PlanLife.RUNNING else one.took
    note = one.step or (one.end if one.result is not None else "")
    step = f": {note}" if note else ""
    return Row(
        (host, one.id),
        (
            life(one),
            one.kind.replace("-", " "),
            host_cell(spec, host),
            one.target,
            cells.age(age),
            cells.seconds(took) if took is not None else "",
            Cell(f"{MARK}, {one.who}{step}", "muted"),
        ),
    )


def detail(one: OtherPlan, host: str, since: float) -> tuple[Entry | Heading, ...]:
    """All that its host told of it."""
    begun = "when is not known" if one.age is None else f"begun {cells.age(one.age + since)} ago"
    entries: list[Entry | Heading] = [
        Heading(f"{one.kind.replace('-', ' ')}  {host}  {one.target}", begun),
        Entry("BY", f"{one.who}, from {MARK}"),
        Entry("STATE", (life(one), Cell(f"  {one.end}" if one.end else f"  {one.step}" if one.step else ""))),
    ]
    entries += [Entry("" if place else "RUNS", line) for place, line in enumerate(one.commands)]
    if not one.commands:
        entries.append(Entry("RUNS", "not told: its files are another user's", "muted"))
    if one.reason:
        entries.append(Entry("REASON", one.reason))
    entries.append(Entry("SEEN", f"{cells.age(since)} ago, when the host was asked", "muted"))
    return tuple(entries)


def fits(one: OtherPlan, host: str, words: Sequence[str]) -> bool:
    """Whether a filter keeps it."""
    return all(word in f"{one.kind} {host}/{one.target} {one.who}".lower() for word in words)
