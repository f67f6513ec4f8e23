"""``hostdeck restart|reload|stop|start|kill`` and others: a plan, shown first, run on the host, watched to its end.

Of a group, or of several targets, each service has a plan of its own: they run one after the other, and none behind one
that failed.
"""

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from console.cli.errors import CliError
from console.cli.subcommand import Subcommand, json_option, target_argument, targets_argument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.config.model import Config
    from console.core.finding import Proposal
    from console.core.plan import ActionKind, Intent, Plan
    from console.core.service import Endpoint, ServiceRef
    from console.core.target import Target
    from console.diagnosis import Verdict
    from console.remote.fleet import Fleet
    from console.remote.transport import HostSpec

KINDS = {
    "restart": "restart a service and watch that it stays up",
    "reload": "let a service read its configuration again (its own reload, or SIGHUP)",
    "stop": "stop a service",
    "start": "start a service and watch that it stays up",
    "reset-failed": "clear a failure or a start limit",
    "free-port": "stop what holds the port of a service, then start the service",
    "rebuild": "build a new release of a service, make it live, take it back when its checks fail",
    "rollback": "make an earlier release of a service live again",
    "kill": "send SIGKILL to a process without a manager that SIGTERM did not end, then start what wants its port",
}


def port(text: str) -> "Endpoint":
    """A port such as ``8080`` or ``53/udp``."""
    from console.core.service import Endpoint

    match = re.fullmatch(r"(\d{1,5})(?:/(tcp|udp))?", text)
    if match is None or not 1 <= int(match[1]) <= 65535:
        raise ArgumentTypeError(f"{text!r} is no port: expected 1 to 65535, with /udp for UDP")
    return Endpoint(match[2] or "tcp", "*", int(match[1]))


SERVICE = "HOST/SERVICE, HOST/MANAGER:SERVICE or /SERVICE"
SERVICES = f"{SERVICE}; HOST/GROUP:* for all of a group; of several one after the other"
PROCESSES = "HOST/process:PID or /process:PID: a process that no service manager runs"


def arguments(parser: ArgumentParser) -> None:
    """``TARGET... [--dry-run] [--yes] [--reason TEXT] [--json]``."""
    targets_argument(parser, SERVICES)
    _options(parser)


def _of_one(parser: ArgumentParser, target: str = SERVICE) -> None:
    """``TARGET`` and the rest, of what is done to one service only."""
    target_argument(parser, target)
    _options(parser)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("-n", "--dry-run", action="store_true", help="show the exact commands and stop there")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument("--reason", metavar="TEXT", help="why: goes into the lock and the audit trail")
    json_option(parser)


def free_port_arguments(parser: ArgumentParser) -> None:
    """``TARGET [--port N[/udp]]`` and the rest."""
    parser.add_argument("--port", type=port, metavar="N[/udp]", help="which port, where the service wants several")
    _of_one(parser)


def rebuild_arguments(parser: ArgumentParser) -> None:
    """``TARGET`` and the rest."""
    _of_one(parser)


def rollback_arguments(parser: ArgumentParser) -> None:
    """``TARGET [--to RELEASE] [--list]`` and the rest."""
    parser.add_argument("--to", metavar="RELEASE", help="its name, version or commit, or their beginning")
    parser.add_argument("--list", action="store_true", help="list the releases, and where a roll back would go")
    _of_one(parser)


def kill_arguments(parser: ArgumentParser) -> None:
    """``TARGET [--port N[/udp]] [--then SERVICE] [--confirm PID]`` and the rest."""
    parser.add_argument("--port", type=port, metavar="N[/udp]", help="the port that it is to let go")
    parser.add_argument("--then", metavar="SERVICE", help="the service that is started once the port is free")
    parser.add_argument("--confirm", metavar="PID", help="with --yes: the number of the process once more")
    _of_one(parser, PROCESSES)


def run(arguments: Namespace) -> int:
    """Plan, show, ask, run, watch. 1 when it failed or was refused, 3 when the host's answer is not known."""
    import sys

    from console.cli import hosts, looking
    from console.cli.targets import service_target
    from console.core.plan import ActionKind

    kind = ActionKind(arguments.command)
    words = arguments.targets if hasattr(arguments, "targets") else [arguments.target]
    try:
        targets = tuple(service_target(word, takes_port=hasattr(arguments, "port")) for word in words)
    except CliError as error:
        _no_plan(kind, words, error, arguments, several=len(words) > 1)
        raise
    asks = not (arguments.dry_run or arguments.yes or getattr(arguments, "list", False))
    if asks and (arguments.json or not sys.stdin.isatty()):
        raise CliError(f"{kind} changes a host: give --yes (or --dry-run), since nobody can be asked here")
    config = hosts.read_config(arguments)
    try:
        return looking.ask(_act(config, kind, targets, arguments))
    except CliError as error:
        _no_plan(kind, words, error, arguments, several=_is_of_several(targets))
        raise


def _no_plan(
    kind: "ActionKind", words: "Sequence[str]", error: CliError, arguments: Namespace, *, several: bool
) -> None:
    """Whoever reads the JSON gets a document also where it never came to a plan."""
    from console.cli import encode, encode_plans
    from console.cli.errors import UnseenError

    if not arguments.json:
        return
    dry, why = arguments.dry_run, str(error)
    unseen = (error.snapshot,) if isinstance(error, UnseenError) else ()
    if several:
        encode.emit("plans/1", encode_plans.plans(kind, " ".join(words), (), why, dry_run=dry, roots=(), unseen=unseen))
    else:
        encode.emit("plan/1", encode_plans.no_plan(kind, words[0], why, dry_run=dry, unseen=unseen))


def _is_of_several(targets: "tuple[Target, ...]") -> bool:
    return len(targets) > 1 or targets[0].group is not None


async def _act(config: "Config", kind: "ActionKind", targets: "tuple[Target, ...]", arguments: Namespace) -> int:
    from console.cli import hosts, looking, several

    aims = tuple(several.Aim(hosts.spec(config, target.host), target) for target in targets)
    async with looking.started(config, tuple({aim.spec.name: aim.spec for aim in aims}.values())) as fleet:
        if _is_of_several(targets):
            return await several.act(several.Wish(fleet, config, aims, kind, arguments))
        return await _act_on_one(fleet, config, aims[0].spec, kind, aims[0].target, arguments)


async def _act_on_one(
    fleet: "Fleet", config: "Config", spec: "HostSpec", kind: "ActionKind", target: "Target", arguments: Namespace
) -> int:
    from console.cli import encode, encode_plans, looking
    from console.cli.changes import print_warnings, refused, review, verdict
    from console.cli.errors import Exit
    from console.cli.planning import look_at_files, look_at_processes
    from console.cli.release_list import list_releases
    from console.cli.running import run_plan
    from console.cli.targets import found, service_target
    from console.core.plan import ActionKind, Intent

    snapshot = await looking.up(fleet, spec.name)
    root = snapshot.identity is not None and snapshot.identity.uid == 0
    ref = found(target, snapshot)
    if kind in (ActionKind.REBUILD, ActionKind.ROLLBACK):
        await fleet.releases(ref)
        snapshot = fleet.snapshot(spec.name)
    if getattr(arguments, "list", False):
        return list_releases(snapshot, ref, as_json=arguments.json)
    then = getattr(arguments, "then", None)
    intent = Intent(
        kind,
        ref,
        getattr(arguments, "port", None),
        getattr(arguments, "to", None),
        then=found(service_target(f"{target.host or ''}/{then}"), snapshot) if then else None,
    )
    await look_at_files(fleet, intent)
    intent, in_turn = await _as_verified(fleet, config, spec, intent)
    if in_turn is not None:
        return refused(intent, None, in_turn, arguments, root=root)
    snapshot = await look_at_processes(fleet, intent)
    made, reason = await review(fleet, config, spec, intent, snapshot, arguments)
    if reason is not None or made is None:
        return refused(intent, made, reason or "there is no plan for it", arguments, root=root)
    if arguments.dry_run:
        return _show(made, arguments, root=root)
    if not await _agreed(made, spec, arguments, root=root):
        print("nothing was done")
        return Exit.PROBLEM
    if arguments.yes and not arguments.json:
        print_warnings(made)
    last = await run_plan(fleet, made, quiet=arguments.json)
    if last is not None and arguments.json:
        encode.emit("plan/1", encode_plans.plan(last, dry_run=False, root=root))
    return verdict(last)


async def _as_verified(
    fleet: "Fleet", config: "Config", spec: "HostSpec", intent: "Intent"
) -> "tuple[Intent, str | None]":
    """With the address, and who keeps the port without listening, as a diagnosis says; and why no one plan does it.

    Only a look at the connections tells the one, only the newest attempt the other. A plan to free a port can prove of
    one at most that its connections are gone.
    """
    from console.actions import ports_to_free
    from console.cli.declared import with_declared
    from console.cli.wiring import verdict
    from console.core.plan import ActionKind
    from console.managers import MANAGERS

    if intent.kind is not ActionKind.FREE_PORT:
        return intent, None
    port = intent.endpoint and (intent.endpoint.protocol, intent.endpoint.port)
    told = await verdict(fleet, config, spec, intent.target)
    if port not in (None, (told.protocol, told.port), *((one.protocol, one.port) for one in told.holders)):
        return intent, None
    known = with_declared(config, spec, fleet.snapshot(spec.name))
    named, in_turn = as_told(intent, told)
    if port is None and named.holder is None and len(ports_to_free(intent, known, managers=MANAGERS)) > 1:
        # Which of them is for a person to say.
        return intent, in_turn
    return named, in_turn


def as_told(intent: "Intent", told: "Verdict") -> "tuple[Intent, str | None]":
    """The intent to free a port as the verdict on it says, and why no one plan does it, where none does."""
    ways = {action.intents[0] for action in told.actions if len(action.intents) == 1}
    ways = {one for one in ways if (one.kind, one.target) == (intent.kind, intent.target) and one.endpoint is not None}
    if len(ways) == 1:
        return ways.pop(), None
    if ways:
        # Of each address that may be meant there is a way.
        return intent, None
    in_turn = next((words for one in told.actions if (words := one_by_one(one, intent.target))), None)
    return replace(intent, endpoint=told.wanted or intent.endpoint), in_turn or in_vain(told)


def in_vain(told: "Verdict") -> str | None:
    """Why to stop those who listen is for nothing, where no way out takes from all who have it a port that a connection
    keeps as well, or that is one of several; ``None`` where a plan to free it finds all of them by itself.
    """
    port = (told.protocol, told.port)
    besides = [bool(holder.sockets) or (holder.protocol, holder.port) != port for holder in told.holders]
    if not any(besides) or all(besides):
        return None
    return f"{told.summary}: no plan takes it from all of these, and to stop some of them is for nothing"


def one_by_one(way: "Proposal", ref: "ServiceRef") -> str | None:
    """That a way out is one plan for each of several services, and which; ``None`` where one plan does it."""
    from console.core.command import quote
    from console.core.plan import ActionKind

    stopped = [one.target.name for one in way.intents if one.kind is ActionKind.STOP and one.target != ref]
    if not stopped or way.intents[-1].target != ref:
        return None
    lines = "; ".join(quote(("hostdeck", one.kind.value, str(one.target))) for one in way.intents)
    return f"no one plan proves that {' and '.join(stopped)} let go; one after the other: {lines}"


def _show(made: "Plan", arguments: Namespace, *, root: bool) -> int:
    from console.cli import encode, encode_plans
    from console.cli.changes import print_plan
    from console.core.plan import PlanProgress

    if arguments.json:
        encode.emit("plan/1", encode_plans.plan(PlanProgress(made), dry_run=True, root=root))
    else:
        print_plan(made, root=root)
    return 0


async def _agreed(made: "Plan", spec: "HostSpec", arguments: Namespace, *, root: bool) -> bool:
    """Whether a person said yes, to some plans twice; ``--yes`` is the first yes only."""
    from console.cli.changes import print_plan
    from console.cli.errors import CliError
    from console.cli.question import yes

    if arguments.yes:
        if made.confirm is not None and arguments.confirm != made.target.name:
            raise CliError(f"{made.confirm}: with --yes give --confirm {made.target.name} as well")
        return True
    print_plan(made, root=root, production=spec.production)
    return await yes(f"Run this on {made.target.host}?") and (
        made.confirm is None or await yes(f"{made.confirm}. Send it all the same?")
    )


def _examples(name: str) -> tuple[str, ...]:
    if name == "kill":
        return ("hostdeck kill web1/process:4112 --port 8080 --then api",)
    several = () if name in _ARGUMENTS else (f"hostdeck {name} web1/db web1/api web2/api --dry-run",)
    return (
        f"hostdeck {name} web1/api --dry-run",
        *several,
        f"hostdeck {name} web1/api --yes --reason 'incident 4711' --json",
    )


_ARGUMENTS = {
    "free-port": free_port_arguments,
    "rebuild": rebuild_arguments,
    "rollback": rollback_arguments,
    "kill": kill_arguments,
}

COMMANDS: tuple[Subcommand, ...] = tuple(
    Subcommand(name, words, run, _ARGUMENTS.get(name, arguments), _examples(name)) for name, words in KINDS.items()
)
