"""Changes as rows and lines: what was done, by which commands, with what result and proof."""

from collections.abc import Sequence

from console.core import difference_words
from console.core.command import Command, Effect
from console.core.durations import whole
from console.core.plan import LINES_SHOWN, Intent, Plan, PlanProgress, Result, Step, StepResult, Where
from console.core.service import ServiceRef
from console.core.text import mask
from console.remote.transport import HostSpec
from console.ui import cells
from console.ui.cells import Cell, Text
from console.ui.changes import Change
from console.ui.clock import Clock
from console.ui.present.words import host_cell, service_name
from console.ui.step_words import step_words
from console.ui.widgets.detail import Entry, Heading
from console.ui.widgets.table import Column, Row

MOST_OF_CHANGES = 140
"""Characters of what a release changes that stand among the commands, which must stay in sight."""

KEPT_BRIEFLY = 6
"""Lines of a service's last words that stand below a failure; the change has more of them."""


def columns(host: int) -> tuple[Column, ...]:
    """The columns with that many cells for a host's name."""
    return (
        Column("result", "result", 11),
        Column("kind", "what", 12),
        Column("host", "host", host, min_width=6),
        Column("target", "service", 18, 2, 8, good=18),
        Column("when", "ago", 4, align="right"),
        Column("took", "took", 7, align="right", priority=2),
        Column("note", "", 16, 4, 8, 1),
    )


_RESULTS = {
    Result.DONE: ("✓", "+", "ok"),
    Result.UNDONE: ("↶", "<", "warning"),
    Result.FAILED: ("✗", "x", "critical"),
    Result.REFUSED: ("–", "=", "warning"),
    Result.UNKNOWN: ("?", "?", "warning"),
}


def result(value: Result | None) -> Cell:
    """How a plan ended, as glyph and word."""
    if value is None:
        return Cell(f"{cells.glyph('◐', '^')} running", "accent")
    fancy, simple, tone = _RESULTS[value]
    return Cell(f"{cells.glyph(fancy, simple)} {value.value}", tone)


def row(change: Change, spec: HostSpec | None, wall: float) -> Row:
    """One change as one line."""
    plan = change.plan
    note = change.step if change.running else change.progress.reason or "; ".join(change.progress.proof)
    took = cells.seconds((change.ended or wall) - change.started) if change.end_known else ""
    return Row(
        plan.id,
        (
            result(change.progress.result),
            plan.kind.value.replace("-", " "),
            host_cell(spec, plan.target.host),
            called(plan, plan.target),
            cells.age(wall - change.started),
            took,
            note,
        ),
    )


def detail(change: Change, clock: Clock) -> tuple[Entry | Heading, ...]:
    """One change with every step."""
    plan, progress = change.plan, change.progress
    entries: list[Entry | Heading] = [
        Heading(f"{plan.kind.value.replace('-', ' ')}  {plan.target.host}  {called(plan, plan.target)}",
                clock.moment(change.started)),
        Entry("RESULT", outcome(progress)),
    ]  # fmt: skip
    entries += [
        Entry("" if place else "BROKE", f"the lock of plan {one}: nothing of it ran any more")
        for place, one in enumerate(progress.broke)
    ]
    entries += [Entry("" if place else "PROOF", line) for place, line in enumerate(progress.proof)]
    if progress.offer is not None:
        entries.append(Entry("MEND", (Cell("enter, then "), *offered(progress.offer)), "accent"))
    entries += _words("CHANGES", () if plan.difference is None else (difference_words.brief(plan.difference),), "muted")
    entries += _parts("PREPARED", progress.prepare)
    entries += _parts("STEPS", progress.steps)
    entries += _parts("CHECKS", progress.checks)
    entries += _kept(progress)
    entries += _parts("UNDO", progress.undo)
    entries += _parts("LAST", progress.closing)
    entries += [Entry("" if place else "RAN", command_words(step, root=True)) for place, step in enumerate(plan.steps)]
    if plan.reason:
        entries.append(Entry("REASON", plan.reason))
    return tuple(entries)


def _kept(progress: PlanProgress, most: int = LINES_SHOWN) -> list[Entry]:
    """What was said last before an undo; where nothing was, and why where some of it could not be kept."""
    lines = (*progress.kept[-most:], *progress.not_kept)
    return [Entry("" if place else "KEPT", line) for place, line in enumerate(lines)]


def outcome(progress: PlanProgress) -> Text:
    """The result in one line, with its reason."""
    mark = result(progress.result)
    return (mark, Cell(f"  {progress.reason}")) if progress.reason else mark


def _parts(key: str, parts: tuple[StepResult, ...]) -> list[Entry]:
    entries: list[Entry] = []
    for place, part in enumerate(parts):
        took = f"  {cells.seconds(part.seconds)}" if part.seconds is not None else ""
        output = part.output.strip().splitlines()
        told = f"  {part.name}{took}" + (f"  {output[-1]}" if output else "")
        entries.append(Entry("" if place else key, (cells.step(part.state), Cell(told))))
    return entries


def review(plan: Plan, *, root: bool, lock: str = "taken when it runs") -> tuple[Entry | Heading, ...]:
    """A plan before it is run: the exact commands, the checks, what undoes it, what else it hits."""
    entries: list[Entry | Heading] = [*_words("release", versions(plan))]
    entries += _words("prepare", tuple(one.line for one in plan.prepare))
    entries += [Entry(str(number), command_words(step, root=root)) for number, step in enumerate(plan.steps, 1)]
    entries += _words("changes", changes(plan))
    entries += _words("takes", tuple(f"the last build took {whole(one)}" for one in _usual(plan)))
    entries += _words("ends by", plan.ends)
    entries += _words("starts in", plan.starts)
    entries += _words("also hit", (*(called(plan, ref) for ref in plan.touches), *plan.also_hit), "warning")
    entries += _words("take care", plan.warnings, "warning")
    entries += _words("then", tuple(check.name for check in plan.checks))
    undo = tuple(undo_words(step, root=root) for _, step in plan.undo_order)
    nothing = f"nothing to undo: {plan.irreversible or 'what is there stays, its log is kept'}"
    entries += _words("if not", undo or (nothing,))
    if plan.irreversible and undo:
        entries.append(Entry("no way back", plan.irreversible, "warning"))
    # In the end what matters less than the way back, which is to be in sight in 80x24.
    entries += _words("at last", tuple(command_words(step, root=root) for step in plan.closing))
    entries += _words("keeps", tuple(step.name for step in plan.evidence))
    entries += _words("before", tuple(check.name for check in plan.preflight))
    elevated = any(step.command.through_sudo(root=root) for step in plan.steps)
    entries.append(Entry("runs as", "root" if root else "root through sudo -n" if elevated else "the connected user"))
    entries.append(Entry("lock", lock))
    return tuple(entries)


def versions(plan: Plan) -> tuple[str, ...]:
    """In one line from which release to which; nothing for a plan that makes none live."""
    return () if plan.versions is None else (f"from {plan.versions[0]} to {plan.versions[1]}",)


def changes(plan: Plan) -> tuple[str, ...]:
    """In one line what another release would change; nothing for a plan that makes none live."""
    if plan.difference is None:
        return ()
    words = difference_words.brief(plan.difference)
    whole_story = not plan.difference.changes and not plan.difference.gaps and len(words) <= MOST_OF_CHANGES
    more = "" if whole_story else "  (e: all of it)"
    return (f"{words if len(words) <= MOST_OF_CHANGES else words[: MOST_OF_CHANGES - 1] + '…'}{more}",)


def all_changes(plan: Plan) -> tuple[str, ...]:
    """All that another release would change, a line each."""
    if plan.difference is None:
        return ()
    pair, rows = plan.difference.pair, difference_words.lines(plan.difference)
    title = f"changes from {pair.live or 'nothing'} to {pair.target}"
    width = max(len(key) for key, _ in rows)
    return (title, *(f"  {key:<{width}}  {line}" for key, line in rows), "")


def _usual(plan: Plan) -> tuple[float, ...]:
    return tuple(step.usual for step in plan.steps if step.usual is not None)


def command_words(step: Step, *, root: bool) -> Text:
    """The name of a step and its exact command; of a script what it does."""
    words = step_words(step.name, step.command, root=root, name_tone="strong")
    if not step.command.is_script:
        return words
    if step.command.effect is Effect.READ:
        return (Cell(step.name), Cell("   (looks only)", "muted"))
    return (*words, Cell(f"   {_apart(step.purpose)}(e: the script)", "muted"))


def undo_words(step: Step, *, root: bool) -> Text:
    """What undoes a step: its command, or its name where that is a script; of one that only waits, for what."""
    if step.undo is not None and step.undo.effect is Effect.READ and step.undo.purpose:
        return (Cell(step.undo.purpose), Cell("   (looks only)", "muted"))
    unless = f"   unless {step.undo_unless.name}" if step.undo_unless is not None else ""
    if step.undo is None or step.undo.is_script:
        told = _apart(step.undo.purpose) if step.undo is not None else ""
        return (Cell(f"undo: {step.name}"), Cell(f"{unless}   {told}(e: the script)", "muted"))
    command = step.undo.told(root=root)
    return (Cell(command), Cell(unless, "muted")) if unless else command


def _apart(purpose: str) -> str:
    return f"{purpose} " if purpose else ""


def all_commands(plan: Plan, *, root: bool) -> tuple[str, ...]:
    """What a plan changes, then every command, word by word: what would be run, what looks, what undoes."""
    parts = [
        *((f"prepare: {one.line if one.where is Where.HERE else one.name}", one.command) for one in plan.prepare),
        *((f"before: {check.name}", check.command) for check in plan.preflight),
        *((f"step {number}: {step.name}", step.command) for number, step in enumerate(plan.steps, 1)),
        *((f"then: {check.name}", check.command) for check in plan.checks),
        *((f"at last: {step.name}", step.command) for step in plan.closing),
        *((f"before the first change, for {step.name}", step.mark) for step in plan.evidence if step.mark is not None),
        *((f"kept before the undo: {step.name}", step.command) for step in plan.evidence),
        *(part for _, step in plan.undo_order for part in _undo_parts(step)),
        *((f"once undone: {check.name}", check.command) for check in plan.aftermath),
    ]
    shown = [*all_changes(plan)]
    for name, command in parts:
        shown += [name, *(f"  {mask(line)}" for line in command.shell(root=root).splitlines()), ""]
    return tuple(shown[:-1])


def _undo_parts(step: Step) -> tuple[tuple[str, Command], ...]:
    if step.undo is None:
        return ()
    unless = step.undo_unless
    look = ((f"no undo of {step.name} where {unless.name}", unless.command),) if unless is not None else ()
    return (*look, (f"undo of {step.name}", step.undo))


def _words(key: str, lines: Sequence[Text], tone: str = "") -> list[Entry]:
    return [Entry("" if place else key, line, tone) for place, line in enumerate(lines)]


def called(plan: Plan, ref: ServiceRef) -> str:
    """The name of a service of a plan; of a process what it runs, with its number."""
    return dict(plan.names).get(ref) or service_name(ref)


def title(plan: Plan) -> str:
    """What a plan does, in one line."""
    to = f"  to {plan.versions[1]}" if plan.versions is not None else ""
    return f"{plan.kind.value.replace('-', ' ').capitalize()}  {plan.target.host}  {called(plan, plan.target)}{to}"


def offered(offer: Intent) -> tuple[Cell, ...]:
    """What the key of a failed plan would review."""
    then = f", then start {offer.then.name}" if offer.then is not None else ""
    return (Cell("K ", "accent"), Cell(f"kill process {offer.target.name} with SIGKILL{then}", "strong"))


def failure(progress: PlanProgress) -> list[Entry]:
    """What the failed step or check said, then what the service said last, its last line first for a small screen."""
    lines: list[Entry] = []
    for part in progress.failed:
        said = part.said or ("it said nothing",)
        lines += [Entry("" if place else "SAID", line, "critical") for place, line in enumerate(said)]
    newest = [Entry("NEWEST", line) for line in progress.kept[-1:]]
    return [*lines, *newest, *_kept(progress, KEPT_BRIEFLY)]
