"""Plans that other consoles run, or left, on the hosts: as rows and lines. Only looked at, never acted on from here."""

from collections.abc import Sequence

from console.remote.plan_inspect import PlanLife
from console.remote.plan_others import OtherPlan
from console.remote.transport import HostSpec
from console.ui import cells
from console.ui.cells import Cell
from console.ui.present.words import host_cell
from console.ui.widgets.detail import Entry, Heading
from console.ui.widgets.table import Row

MARK = "another console"


def life(value: PlanLife) -> Cell:
    """Whether it runs, as glyph and word."""
    if value is PlanLife.RUNNING:
        return Cell(f"{cells.glyph('◐', '^')} running", "accent")
    if value is PlanLife.ABANDONED:
        return Cell(f"{cells.glyph('✗', 'x')} abandoned", "critical")
    return Cell("? unknown", "warning")


def row(one: OtherPlan, host: str, spec: HostSpec | None, since: float) -> Row:
    """One of them as one line; ``since``: seconds since the host was asked."""
    age = None if one.age is None else one.age + since
    step = f": {one.step}" if one.step else ""
    return Row(
        (host, one.id),
        (
            life(one.life),
            one.kind.replace("-", " "),
            host_cell(spec, host),
            one.target,
            cells.age(age),
            cells.seconds(age) if one.life is PlanLife.RUNNING and age is not None else "",
            Cell(f"{MARK}, {one.who}{step}", "muted"),
        ),
    )


def detail(one: OtherPlan, host: str, since: float) -> tuple[Entry | Heading, ...]:
    """All that its host told of it."""
    begun = "when is not known" if one.age is None else f"begun {cells.age(one.age + since)} ago"
    entries: list[Entry | Heading] = [
        Heading(f"{one.kind.replace('-', ' ')}  {host}  {one.target}", begun),
        Entry("BY", f"{one.who}, from {MARK}"),
        Entry("STATE", (life(one.life), Cell(f"  {one.end}" if one.end else f"  {one.step}" if one.step else ""))),
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
