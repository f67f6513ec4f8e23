"""Plans for a person: before they run, while they run, and how they ended."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from console.cli import again
from console.cli.errors import Exit
from console.cli.live import LiveLine
from console.cli.offers import kill_words
from console.cli.preparing import PreparationLines
from console.core.command import Effect
from console.core.durations import whole
from console.core.plan import LINES_SHOWN, Intent, Plan, PlanProgress, Result, Step, StepState

if TYPE_CHECKING:
    from console.config.model import Config
    from console.core.snapshot import Snapshot
    from console.remote.fleet import Fleet
    from console.remote.rights import Rights
    from console.remote.transport import HostSpec


async def review(
    fleet: "Fleet",
    config: "Config",
    spec: "HostSpec",
    intent: Intent,
    snapshot: "Snapshot",
    arguments: Namespace,
) -> tuple[Plan | None, str | None]:
    """The plan for an intent, and why it may not be run; ``None`` when it may."""
    from console.cli.planning import make_plan

    made, refusal = make_plan(config, spec, intent, snapshot, arguments.reason)
    if made is None or refusal is not None:
        return made, refusal
    made = await _compared(fleet, made)
    if spec.read_only:
        return made, f"{spec.name} is read-only (--read-only, or read_only in the configuration)"
    rights = await fleet.rights(spec.name, made)
    if rights.reason is not None:
        return made, rights.reason
    return _with_undo(made, rights, asks=not (arguments.yes or arguments.dry_run))


async def _compared(fleet: "Fleet", made: Plan) -> Plan:
    """With what another release would change; where that cannot be asked it says so."""
    from console.remote.transport import TransportError

    if made.difference is None or not made.difference.pending:
        return made
    try:
        found = await fleet.difference(made.difference.pair)
    except TransportError as error:
        found = replace(made.difference, pending=False, failure=str(error))
    return replace(made, difference=found)


def _with_undo(made: Plan, rights: "Rights", *, asks: bool) -> tuple[Plan, str | None]:
    """Warn of undo commands that may not be run; a service is stopped for another one without them only with --yes."""
    down = rights.may_stay_down(made)
    warned = replace(made, warnings=(*made.warnings, *rights.undo_doubts))
    if down is None:
        return warned, None
    if asks:
        return made, f"{down}; --yes does it all the same"
    words = f"without --yes it is refused, since {down.partition(':')[0]}"
    return replace(warned, warnings=(*warned.warnings, words)), None


def refused(intent: Intent, made: Plan | None, reason: str, arguments: Namespace, *, root: bool) -> int:
    """Tell why nothing is done."""
    from console.cli import encode, encode_plans
    from console.cli.entry import report

    if arguments.json:
        body = (
            encode_plans.plan(
                PlanProgress(made, result=Result.REFUSED, reason=reason), dry_run=arguments.dry_run, root=root
            )
            if made
            else encode_plans.no_plan(intent.kind, str(intent.target), reason, dry_run=arguments.dry_run)
        )
        encode.emit("plan/1", body)
    else:
        if made and arguments.dry_run:
            print_plan(made, root=root)
        report(f"refused: {intent.kind} of {intent.target}: {reason}")
    return Exit.PROBLEM


def _in_order(made: Plan, *, root: bool) -> Iterator[str]:
    """What is looked at and done, as it comes."""
    yield from (f"first check   {check.name}" for check in made.preflight)
    for number, step in enumerate(made.steps, 1):
        yield f"{number:<3} {_command(step, root=root)}"
        if step.usual is not None:
            yield f"takes         the last build took {whole(step.usual)}"
    for check in made.checks:
        held = f" for {check.hold:g} s" if check.hold and f"for {check.hold:g} s" not in check.name else ""
        yield f"then check    {check.name}{held}"
    yield from (f"at last       {_command(step, root=root)}" for step in made.closing)
    yield from (f"if not, keep  {step.name}" for step in made.evidence)
    yield from (f"once undone   {check.name}" for check in made.aftermath)


def print_plan(made: Plan, *, root: bool, production: bool = False) -> None:
    """What would be run, on which services, and how it is checked."""
    from console.cli import differences
    from console.cli.terminal import BOLD, RED, YELLOW, Terminal

    terminal = Terminal()
    title = terminal.paint(f"{made.kind.value.capitalize()} {made.target}", BOLD)
    terminal.wrap(title + ("  " + terminal.paint("production host", RED) if production else ""))
    if made.versions is not None:
        terminal.wrap(f"release       from {made.versions[0]} to {made.versions[1]}", 1)
    for one in made.prepare:
        terminal.wrap(f"prepare       {one.line}", 1)
    if made.difference is not None:
        differences.show(terminal, made.difference)
    for line in _in_order(made, root=root):
        terminal.wrap(line, 1)
    undo = [_undo(step, root=root) for _, step in made.undo_order]
    terminal.wrap(f"if not        {'; '.join(undo) if undo else made.irreversible or 'there is nothing to undo'}", 1)
    if made.irreversible and undo:
        terminal.wrap(terminal.paint(f"no way back   {made.irreversible}", YELLOW), 1)
    if made.ends:
        terminal.wrap(f"ends by       {'; '.join(made.ends)}", 1)
    if made.starts:
        terminal.wrap(f"starts in     {'; '.join(made.starts)}", 1)
    if made.touches:
        terminal.wrap(f"also hit      {', '.join(str(ref) for ref in made.touches)}", 1)
    if made.also_hit:
        terminal.wrap(f"also hit      {', '.join(made.also_hit)}", 1)
    if made.reason:
        terminal.wrap(f"reason        {made.reason}", 1)
    print_warnings(made)


def print_warnings(made: Plan) -> None:
    """What a person is told before the plan runs, whether it is shown or not."""
    from console.cli.terminal import YELLOW, Terminal

    terminal = Terminal()
    for text in made.warnings:
        terminal.wrap(terminal.paint(f"warning       {text}", YELLOW), 1)


def _command(step: Step, *, root: bool) -> str:
    """The command as it can be copied; of a script what it does, since it is too long to be read here."""
    if step.command.becomes:
        return f"{step.command.told(root=root)}   (a script that looks first, --json prints it)"
    if not step.command.is_script:
        return step.command.shell(root=root)
    if step.command.effect is Effect.READ:
        return f"{step.name} (looks only)"
    told = f"{step.name}: {step.purpose}" if step.purpose else step.name
    return f"{told} (a script, --json prints it)"


def _undo(step: Step, *, root: bool) -> str:
    unless = f" (unless {step.undo_unless.name})" if step.undo_unless is not None else ""
    if step.undo is None:
        return unless
    # Of a script what it does: it is longer than all the rest.
    return (step.undo.purpose if step.undo.is_script and step.undo.purpose else step.undo.told(root=root)) + unless


class Teller:
    """Prints each step and check of a running plan once it has ended, and the result."""

    def __init__(self, *, about_port: bool) -> None:
        """``about_port``: whether a diagnosis, which is of ports, has anything to say; else the log does."""
        from console.cli.terminal import Terminal

        self._next = "why" if about_port else "logs"
        self._terminal = Terminal()
        self.live = LiveLine(self._terminal)
        self._told: set[tuple[str, int]] = set()
        self._preparing = PreparationLines(self._terminal)

    def tell(self, progress: PlanProgress) -> None:
        """Print what is new, and behind it what runs."""
        self.live.clear()
        self._tell(progress)
        self.live.follow(progress)

    def _tell(self, progress: PlanProgress) -> None:
        parts = {
            "prepare": progress.prepare,
            "check": progress.preflight,
            "step": progress.steps,
            "then check": progress.checks,
            "at last": progress.closing,
            "keep": progress.evidence,
            "undo": progress.undo,
        }
        for part, results in parts.items():
            for number, result in enumerate(results):
                if part == "prepare":
                    self._preparing.tell(progress.plan.prepare[number], result)
                ended = result.state not in {StepState.PENDING, StepState.RUNNING}
                if ended and (part, number) not in self._told:
                    self._told.add((part, number))
                    seconds = f"  {result.seconds:.1f} s" if result.seconds is not None else ""
                    output = f"  {result.output.strip().splitlines()[-1]}" if result.output.strip() else ""
                    state = self._terminal.state(result.state.value)
                    self._terminal.wrap(f"{state}  {result.name}{seconds}{output}")
                    self._terminal.stream.flush()
        if progress.result is not None:
            self._end(progress)

    def _end(self, progress: PlanProgress) -> None:
        made = progress.plan
        assert progress.result is not None
        state = self._terminal.state(progress.result.value)
        reason = f": {progress.reason}" if progress.reason else ""
        self._terminal.wrap(f"{state}  {made.kind} of {made.target}{reason}")
        for broken in progress.broke:
            self._terminal.wrap(f"set aside the lock of plan {broken}: nothing of it ran any more", 2)
        for proof in progress.proof:
            self._terminal.wrap(proof, 2)
        for part in progress.failed:
            # The last line stands beside the step already; a preparation's were printed as they came.
            if len(part.said) > 1 and part not in progress.prepare:
                self._terminal.wrap(f"{part.name} said:", 2)
                for line in part.said:
                    self._terminal.wrap(line, 4)
        if progress.kept:
            self._terminal.wrap("before that was undone it said:" if progress.undo else "it said last:", 2)
        for line in progress.kept[-LINES_SHOWN:]:
            self._terminal.wrap(line, 4)
        for line in progress.not_kept:
            self._terminal.wrap(line, 2)
        unprepared = any(part.state is StepState.FAILED for part in progress.prepare)
        if progress.result not in {Result.DONE, Result.REFUSED, Result.UNKNOWN} and not unprepared:
            service = made.target.name.removesuffix(".service")
            self._terminal.wrap(f"next  {again.command(self._next, f'{made.target.host}/{service}')}")
            if progress.offer is not None:
                self._terminal.wrap(f"or    {kill_words(progress.offer)}")
                self._terminal.wrap("that is SIGKILL: SIGTERM was in vain", 6)


def verdict(last: PlanProgress | None) -> int:
    """The exit code of a plan: done, not done, or not known."""
    if last is None or last.result in {None, Result.UNKNOWN}:
        return Exit.UNREACHABLE
    return Exit.OK if last.result is Result.DONE else Exit.PROBLEM
