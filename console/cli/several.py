"""The same change of every service of a group: a plan each, one after the other, none behind one that failed."""

from argparse import Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.cli import encode, encode_plans
from console.cli.changes import print_plan, print_warnings, review, verdict
from console.cli.entry import report
from console.cli.errors import CliError, Exit
from console.cli.running import run_plan
from console.cli.targets import found_all
from console.core.plan import ActionKind, Intent, Plan, PlanProgress, Result
from console.core.service import Service, State

if TYPE_CHECKING:
    from console.config.model import Config
    from console.core.snapshot import Snapshot
    from console.core.target import Target
    from console.remote.fleet import Fleet
    from console.remote.transport import HostSpec


_KINDS = (ActionKind.RESTART, ActionKind.RELOAD, ActionKind.START, ActionKind.STOP, ActionKind.RESET_FAILED)
"""What means the same for one service as for many."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of a group, and where."""

    fleet: "Fleet"
    config: "Config"
    spec: "HostSpec"
    kind: ActionKind
    target: "Target"
    arguments: Namespace


async def act(wish: Wish, snapshot: "Snapshot", *, root: bool) -> int:
    """Plan all, show all, ask once, run one after the other. Nothing is done where one of them is refused."""
    if wish.kind not in _KINDS:
        raise CliError(f"{wish.target.word}: {wish.kind} takes one service: name it")
    plans, skipped, refusal = await _plans(wish, snapshot)
    arguments = wish.arguments
    if refusal is not None:
        report(f"refused, nothing was done: {refusal}")
        _emit(wish, tuple(PlanProgress(made) for made in plans), refusal, skipped, root=root)
        return Exit.PROBLEM
    if not arguments.json:
        for name, why in skipped.items():
            print(f"{name} is passed over: it {why}")
    if arguments.dry_run or not plans:
        _show(wish, plans, root=root, production=False)
        _emit(wish, tuple(PlanProgress(made) for made in plans), None, skipped, root=root)
        return Exit.OK
    if not arguments.yes and not await _agreed(wish, plans, root=root):
        print("nothing was done")
        return Exit.PROBLEM
    done = await _run(wish, plans)
    _emit(wish, (*done, *(PlanProgress(made) for made in plans[len(done) :])), None, skipped, root=root)
    return verdict(done[-1] if done else None)


async def _plans(wish: Wish, snapshot: "Snapshot") -> tuple[tuple[Plan, ...], dict[str, str], str | None]:
    """The plans, which services are already as they are wanted, and why nothing may be done."""
    found: list[Plan] = []
    skipped: dict[str, str] = {}
    for ref in found_all(wish.target, snapshot):
        service = snapshot.service(ref)
        why = _needless(wish.kind, service) if service is not None else None
        if why is not None:
            skipped[str(ref)] = why
            continue
        intent = Intent(wish.kind, ref)
        made, reason = await review(wish.fleet, wish.config, wish.spec, intent, snapshot, wish.arguments)
        if made is None or reason is not None:
            return tuple(found), skipped, f"{wish.kind} of {ref}: {reason or 'there is no plan for it'}"
        found.append(made)
    return tuple(found), skipped, None


def _needless(kind: ActionKind, service: Service) -> str | None:
    """Why there is nothing to do: a group is brought to a state, wherever its members are now."""
    if kind is ActionKind.START and service.state is State.RUNNING:
        return "runs already"
    down = service.state is State.STOPPED or (service.state is State.FAILED and not service.pids)
    return "is down already" if kind is ActionKind.STOP and down and service.adrift is None else None


def _show(wish: Wish, plans: tuple[Plan, ...], *, root: bool, production: bool) -> None:
    if wish.arguments.json:
        return
    if not plans:
        print(f"nothing to do for {wish.target.word}")
    for made in plans:
        print_plan(made, root=root, production=production)


async def _agreed(wish: Wish, plans: tuple[Plan, ...], *, root: bool) -> bool:
    from console.cli.question import yes

    _show(wish, plans, root=root, production=wish.spec.production)
    return await yes(f"Run these {len(plans)} plans on {wish.spec.name}, one after the other?")


async def _run(wish: Wish, plans: tuple[Plan, ...]) -> tuple[PlanProgress, ...]:
    quiet = wish.arguments.json
    done: list[PlanProgress] = []
    for made in plans:
        if wish.arguments.yes and not quiet:
            print_warnings(made)
        last = await run_plan(wish.fleet, made, quiet=quiet)
        done += [last] if last is not None else []
        if last is None or last.result is not Result.DONE:
            break
    left = plans[len(done) :]
    if left:
        report(f"not begun, because of that: {', '.join(made.target.name for made in left)}")
    return tuple(done)


def _emit(
    wish: Wish, progresses: tuple[PlanProgress, ...], reason: str | None, skipped: dict[str, str], *, root: bool
) -> None:
    if not wish.arguments.json:
        return
    body = encode_plans.plans(
        wish.kind,
        wish.target.word,
        progresses,
        reason,
        dry_run=wish.arguments.dry_run,
        root=root,
        skipped=skipped,
    )
    encode.emit("plans/1", body)
