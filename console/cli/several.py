"""The same change of several services, named or of a group: a plan each, one after the other.

None is begun behind one that failed.
"""

from argparse import Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from console.cli import encode, encode_plans, looking
from console.cli.changes import print_plan, print_warnings, review, verdict
from console.cli.entry import report
from console.cli.errors import CliError, Exit
from console.cli.running import run_plan
from console.cli.targets import found_all
from console.core.plan import ActionKind, Intent, Plan, PlanProgress, Result
from console.core.service import Service, ServiceRef, State

if TYPE_CHECKING:
    from console.config.model import Config
    from console.core.snapshot import Snapshot
    from console.core.target import Target
    from console.remote.fleet import Fleet
    from console.remote.transport import HostSpec


_KINDS = (ActionKind.RESTART, ActionKind.RELOAD, ActionKind.START, ActionKind.STOP, ActionKind.RESET_FAILED)
"""What means the same for one service as for many."""


class Aim(NamedTuple):
    """What a target names, and the host where that is."""

    spec: "HostSpec"
    target: "Target"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted, and of what, in the order in which it is done."""

    fleet: "Fleet"
    config: "Config"
    aims: tuple[Aim, ...]
    kind: ActionKind
    arguments: Namespace

    @property
    def word(self) -> str:
        """What was named."""
        return " ".join(aim.target.word for aim in self.aims)

    @property
    def hosts(self) -> str:
        """The hosts, for a person."""
        return ", ".join(dict.fromkeys(aim.spec.name for aim in self.aims))

    def roots(self) -> tuple[str, ...]:
        """The hosts whose login is root's."""
        told = ((aim.spec.name, self.fleet.snapshot(aim.spec.name).identity) for aim in self.aims)
        return tuple(name for name, who in told if who is not None and who.uid == 0)

    def is_production(self, host: str) -> bool:
        """Whether a host is one of production."""
        return any(aim.spec.production for aim in self.aims if aim.spec.name == host)


async def act(wish: Wish) -> int:
    """Plan all, show all, ask once, run one after the other. Nothing is done where one of them is refused."""
    if wish.kind not in _KINDS:
        raise CliError(f"{wish.word}: {wish.kind} takes one service: name it")
    plans, skipped, refusal = await _plans(wish)
    arguments = wish.arguments
    if refusal is not None:
        report(f"refused, nothing was done: {refusal}")
        _emit(wish, tuple(PlanProgress(made) for made in plans), refusal, skipped)
        return Exit.PROBLEM
    if not arguments.json:
        for name, why in skipped.items():
            print(f"{name} is passed over: it {why}")
    if arguments.dry_run or not plans:
        _show(wish, plans)
        _emit(wish, tuple(PlanProgress(made) for made in plans), None, skipped)
        return Exit.OK
    if not arguments.yes and not await _agreed(wish, plans):
        print("nothing was done")
        return Exit.PROBLEM
    done = await _run(wish, plans)
    _emit(wish, (*done, *(PlanProgress(made) for made in plans[len(done) :])), None, skipped)
    return verdict(done[-1] if done else None)


async def _plans(wish: Wish) -> tuple[tuple[Plan, ...], dict[str, str], str | None]:
    """The plans, which services are already as they are wanted, and why nothing may be done."""
    found: list[Plan] = []
    skipped: dict[str, str] = {}
    for spec, ref, snapshot in await _wanted(wish):
        service = snapshot.service(ref)
        why = _needless(wish.kind, service) if service is not None else None
        if why is not None:
            skipped[str(ref)] = why
            continue
        intent = Intent(wish.kind, ref)
        made, reason = await review(wish.fleet, wish.config, spec, intent, snapshot, wish.arguments)
        if made is None or reason is not None:
            return tuple(found), skipped, f"{wish.kind} of {ref}: {reason or 'there is no plan for it'}"
        found.append(made)
    return tuple(found), skipped, None


async def _wanted(wish: Wish) -> "tuple[tuple[HostSpec, ServiceRef, Snapshot], ...]":
    """Every service that is named, once, in the order of the names."""
    found: dict[ServiceRef, tuple[HostSpec, ServiceRef, Snapshot]] = {}
    for spec, target in wish.aims:
        snapshot = await looking.up(wish.fleet, spec.name)
        for ref in found_all(target, snapshot):
            found.setdefault(ref, (spec, ref, snapshot))
    return tuple(found.values())


def _needless(kind: ActionKind, service: Service) -> str | None:
    """Why there is nothing to do: a group is brought to a state, wherever its members are now."""
    if kind is ActionKind.START and service.state is State.RUNNING:
        return "runs already"
    down = service.state is State.STOPPED or (service.state is State.FAILED and not service.pids)
    return "is down already" if kind is ActionKind.STOP and down and service.adrift is None else None


def _show(wish: Wish, plans: tuple[Plan, ...], *, told: bool = False) -> None:
    """``told``: of a host of production that it is one."""
    if wish.arguments.json:
        return
    if not plans:
        print(f"nothing to do for {wish.word}")
    roots = wish.roots()
    for made in plans:
        host = made.target.host
        print_plan(made, root=host in roots, production=told and wish.is_production(host))


async def _agreed(wish: Wish, plans: tuple[Plan, ...]) -> bool:
    from console.cli.question import yes

    _show(wish, plans, told=True)
    return await yes(f"Run these {len(plans)} plans on {wish.hosts}, one after the other?")


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
        hosts = {made.target.host for made in plans}
        names = (made.target.name if len(hosts) == 1 else str(made.target) for made in left)
        report(f"not begun, because of that: {', '.join(names)}")
    return tuple(done)


def _emit(wish: Wish, progresses: tuple[PlanProgress, ...], reason: str | None, skipped: dict[str, str]) -> None:
    if not wish.arguments.json:
        return
    dry = wish.arguments.dry_run
    body = encode_plans.plans(
        wish.kind, wish.word, progresses, reason, dry_run=dry, roots=wish.roots(), skipped=skipped
    )
    encode.emit("plans/1", body)
