"""Plans for a person: before they run, while they run, and how they ended."""

from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from console.cli.errors import Exit
from console.core.command import Effect
from console.core.plan import ActionKind, Intent, Plan, PlanProgress, Result, Step, StepState

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
    if spec.read_only:
        return made, f"{spec.name} is read-only (--read-only, or read_only in the configuration)"
    rights = await fleet.rights(spec.name, made)
    if rights.reason is not None:
        return made, rights.reason
    return _with_undo(made, rights, asks=not (arguments.yes or arguments.dry_run))


def _with_undo(made: Plan, rights: "Rights", *, asks: bool) -> tuple[Plan, str | None]:
    """Warn of undo commands that may not be run; a service is stopped for another one without them only with --yes."""
    denied = [right for right in rights.rights if right.undo and not right.allowed]
    if not denied:
        return made, None
    needs = [f"; sudoers needs: {right.sudoers}" if right.sudoers else "" for right in denied]
    told = tuple(
        f"if it fails it stays as it is: {right.reason}{line}" for right, line in zip(denied, needs, strict=True)
    )
    if made.kind is not ActionKind.FREE_PORT:
        return replace(made, warnings=(*made.warnings, *told)), None
    down = ", ".join(ref.name for ref in made.touches)
    if asks:
        return made, f"{down} may stay down: {'; '.join(told)}; --yes does it all the same"
    words = f"without --yes it is refused, since {down} may stay down"
    return replace(made, warnings=(*made.warnings, *told, words)), None


def refused(intent: Intent, made: Plan | None, reason: str, arguments: Namespace, *, root: bool) -> int:
    """Tell why nothing is done."""
    from console.cli import encode
    from console.cli.entry import report

    if arguments.json:
        body = (
            encode.plan(PlanProgress(made, result=Result.REFUSED, reason=reason), dry_run=arguments.dry_run, root=root)
            if made
            else encode.no_plan(intent.kind, str(intent.target), reason, dry_run=arguments.dry_run)
        )
        encode.emit("plan/1", body)
    else:
        if made and arguments.dry_run:
            print_plan(made, root=root)
        report(f"refused: {intent.kind} of {intent.target}: {reason}")
    return Exit.PROBLEM


def print_plan(made: Plan, *, root: bool, production: bool = False) -> None:
    """What would be run, on which services, and how it is checked."""
    from console.cli.terminal import BOLD, RED, Terminal

    terminal = Terminal()
    title = terminal.paint(f"{made.kind.value.capitalize()} {made.target}", BOLD)
    terminal.wrap(title + ("  " + terminal.paint("production host", RED) if production else ""))
    for check in made.preflight:
        terminal.wrap(f"first check   {check.name}", 1)
    for number, step in enumerate(made.steps, 1):
        terminal.wrap(f"{number:<3} {_command(step, root=root)}", 1)
    for check in made.checks:
        held = f" for {check.hold:g} s" if check.hold and f"for {check.hold:g} s" not in check.name else ""
        terminal.wrap(f"then check    {check.name}{held}", 1)
    undo = [step.undo.shell(root=root) for step in reversed(made.steps) if step.undo]
    terminal.wrap(f"if not        {'; '.join(undo) if undo else made.irreversible or 'there is nothing to undo'}", 1)
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
    """The command as it can be copied; a look that is a script of its own is too long to be read here."""
    text = step.command.shell(root=root)
    lines = text.count("\n")
    if lines <= 2:
        return text
    if step.command.effect is Effect.READ:
        return f"{step.name} (a script of {lines} lines that only looks; --json prints it)"
    return f"{step.name}: {step.command.purpose} (a script of {lines} lines; --json prints it)"


class Teller:
    """Prints each step and check of a running plan once it has ended, and the result."""

    def __init__(self, *, about_port: bool) -> None:
        """``about_port``: whether a diagnosis, which is of ports, has anything to say; else the log does."""
        from console.cli.terminal import Terminal

        self._next = "why" if about_port else "logs"
        self._terminal = Terminal()
        self._told: set[tuple[str, int]] = set()

    def tell(self, progress: PlanProgress) -> None:
        """Print what is new."""
        parts = {
            "check": progress.preflight,
            "step": progress.steps,
            "then check": progress.checks,
            "undo": progress.undo,
        }
        for part, results in parts.items():
            for number, result in enumerate(results):
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
        for proof in progress.proof:
            self._terminal.wrap(proof, 2)
        if progress.result not in {Result.DONE, Result.REFUSED, Result.UNKNOWN}:
            service = made.target.name.removesuffix(".service")
            self._terminal.wrap(f"next  hostdeck {self._next} {made.target.host}/{service}")


def verdict(last: PlanProgress | None) -> int:
    """The exit code of a plan: done, not done, or not known."""
    if last is None or last.result in {None, Result.UNKNOWN}:
        return Exit.UNREACHABLE
    return Exit.OK if last.result is Result.DONE else Exit.PROBLEM
