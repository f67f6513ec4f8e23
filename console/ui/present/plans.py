"""Changes as rows and lines: what was done, by which commands, with what result and proof."""

from collections.abc import Sequence

from console.core.command import Effect
from console.core.plan import Plan, PlanProgress, Result, Step, StepResult, StepState
from console.core.text import mask
from console.remote.transport import HostSpec
from console.ui import cells
from console.ui.cells import Cell, Text
from console.ui.changes import Change
from console.ui.clock import Clock
from console.ui.present.words import host_cell, service_name
from console.ui.step_words import is_script, step_words
from console.ui.widgets.detail import Entry, Heading
from console.ui.widgets.table import Column, Row


def columns(host: int) -> tuple[Column, ...]:
    """The columns with that many cells for a host's name."""
    return (
        Column("result", "result", 10),
        Column("kind", "what", 12),
        Column("host", "host", host, min_width=6),
        Column("target", "service", 18, 2, 8),
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
    took = (change.ended or wall) - change.started
    return Row(
        plan.id,
        (
            result(change.progress.result),
            plan.kind.value.replace("-", " "),
            host_cell(spec, plan.target.host),
            service_name(plan.target),
            cells.age(wall - change.started),
            cells.seconds(took),
            note,
        ),
    )


def detail(change: Change, clock: Clock) -> tuple[Entry | Heading, ...]:
    """One change with every step."""
    plan, progress = change.plan, change.progress
    entries: list[Entry | Heading] = [
        Heading(f"{plan.kind.value.replace('-', ' ')}  {plan.target.host}  {service_name(plan.target)}",
                clock.moment(change.started)),
        Entry("RESULT", outcome(progress)),
    ]  # fmt: skip
    entries += [Entry("" if place else "PROOF", line) for place, line in enumerate(progress.proof)]
    entries += _parts("STEPS", progress.steps)
    entries += _parts("CHECKS", progress.checks)
    entries += _parts("UNDO", progress.undo)
    entries += [Entry("" if place else "RAN", command_words(step, root=True)) for place, step in enumerate(plan.steps)]
    if plan.reason:
        entries.append(Entry("REASON", plan.reason))
    return tuple(entries)


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
    entries: list[Entry | Heading] = [
        Entry(str(number), command_words(step, root=root)) for number, step in enumerate(plan.steps, 1)
    ]
    entries += _words("also hit", (*(service_name(ref) for ref in plan.touches), *plan.also_hit), "warning")
    entries += _words("take care", plan.warnings, "warning")
    entries += _words("before", tuple(check.name for check in plan.preflight))
    entries += _words("then", tuple(check.name for check in plan.checks))
    undo = tuple(undo_words(step, root=root) for step in reversed(plan.steps) if step.undo is not None)
    nothing = f"nothing to undo: {plan.irreversible or 'what is there stays, its log is kept'}"
    entries += _words("if not", undo or (nothing,))
    if plan.irreversible and undo:
        entries.append(Entry("no way back", plan.irreversible, "warning"))
    elevated = any(step.command.through_sudo(root=root) for step in plan.steps)
    entries.append(Entry("runs as", "root" if root else "root through sudo -n" if elevated else "the connected user"))
    entries.append(Entry("lock", lock))
    return tuple(entries)


def command_words(step: Step, *, root: bool) -> Text:
    """The name of a step and its exact command; of a script the name alone."""
    words = step_words(step.name, step.command, root=root, name_tone="strong")
    if not is_script(step.command):
        return words
    if step.command.effect is Effect.READ:
        return (Cell(step.name), Cell("   (looks only)", "muted"))
    return (*words, Cell("   (e: the script)", "muted"))


def undo_words(step: Step, *, root: bool) -> Text:
    """What undoes a step: its command, or its name where that is a script."""
    if step.undo is None or is_script(step.undo):
        return (Cell(f"undo: {step.name}"), Cell("   (e: the script)", "muted"))
    return step.undo.shell(root=root)


def all_commands(plan: Plan, *, root: bool) -> tuple[str, ...]:
    """Every command of a plan, word by word: what would be run, what looks, what undoes."""
    parts = [
        *((f"before: {check.name}", check.command) for check in plan.preflight),
        *((f"step {number}: {step.name}", step.command) for number, step in enumerate(plan.steps, 1)),
        *((f"then: {check.name}", check.command) for check in plan.checks),
        *((f"undo of {step.name}", step.undo) for step in reversed(plan.steps) if step.undo is not None),
    ]
    lines: list[str] = []
    for name, command in parts:
        lines += [name, *(f"  {mask(line)}" for line in command.shell(root=root).splitlines()), ""]
    return tuple(lines[:-1])


def _words(key: str, lines: Sequence[Text], tone: str = "") -> list[Entry]:
    return [Entry("" if place else key, line, tone) for place, line in enumerate(lines)]


def title(plan: Plan) -> str:
    """What a plan does, in one line."""
    return f"{plan.kind.value.replace('-', ' ').capitalize()}  {plan.target.host}  {service_name(plan.target)}"


def failure(progress: PlanProgress) -> list[Entry]:
    """What the failed step or check said, all of it: the evidence is not to be looked for."""
    lines: list[Entry] = []
    for part in (*progress.preflight, *progress.steps, *progress.checks, *progress.undo):
        if part.state is StepState.FAILED:
            said = part.output.strip().splitlines()[-12:] or ["it said nothing"]
            lines += [Entry("" if place else "SAID", line, "critical") for place, line in enumerate(said)]
    return lines
