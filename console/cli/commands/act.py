"""``hostdeck restart|reload|stop|start``: a plan, shown first, run on the host, watched to its end."""

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from console.cli.subcommand import Subcommand, json_option, target_argument

if TYPE_CHECKING:
    from console.config.model import Config
    from console.core.plan import ActionKind, Plan, PlanProgress
    from console.core.service import Endpoint
    from console.core.snapshot import Snapshot
    from console.core.target import Target
    from console.remote.fleet import Fleet
    from console.remote.transport import HostSpec

KINDS = {
    "restart": "restart a service and watch that it stays up",
    "reload": "let a service read its configuration again (its own reload, or SIGHUP)",
    "stop": "stop a service",
    "start": "start a service and watch that it stays up",
    "reset-failed": "clear a failure or a start limit",
    "free-port": "stop what holds the port of a service, then start the service",
}


def port(text: str) -> "Endpoint":
    """A port such as ``8080`` or ``53/udp``."""
    from console.core.service import Endpoint

    match = re.fullmatch(r"(\d{1,5})(?:/(tcp|udp))?", text)
    if match is None or not 1 <= int(match[1]) <= 65535:
        raise ArgumentTypeError(f"{text!r} is no port: expected 1 to 65535, with /udp for UDP")
    return Endpoint(match[2] or "tcp", "*", int(match[1]))


def arguments(parser: ArgumentParser) -> None:
    """``TARGET [--dry-run] [--yes] [--reason TEXT] [--json]``."""
    target_argument(parser, "HOST/SERVICE, HOST/MANAGER:SERVICE or /SERVICE")
    parser.add_argument("-n", "--dry-run", action="store_true", help="show the exact commands and stop there")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument("--reason", metavar="TEXT", help="why: goes into the lock and the audit trail")
    json_option(parser)


def free_port_arguments(parser: ArgumentParser) -> None:
    """``TARGET [--port N[/udp]]`` and the rest."""
    parser.add_argument("--port", type=port, metavar="N[/udp]", help="which port, where the service wants several")
    arguments(parser)


def run(arguments: Namespace) -> int:
    """Plan, show, ask, run, watch. 1 when it failed or was refused, 3 when the host's answer is not known."""
    import sys

    from console.cli import encode, hosts, looking
    from console.cli.errors import CliError
    from console.cli.targets import service_target
    from console.core.plan import ActionKind

    kind = ActionKind(arguments.command)
    target = service_target(arguments.target)
    asks = not (arguments.dry_run or arguments.yes)
    if asks and (arguments.json or not sys.stdin.isatty()):
        raise CliError(f"{kind} changes a host: give --yes (or --dry-run), since nobody can be asked here")
    config = hosts.read_config(arguments)
    try:
        return looking.ask(_act(config, hosts.spec(config, target.host), kind, target, arguments))
    except CliError as error:
        # Whoever reads the JSON gets a document also where it never came to a plan.
        if arguments.json:
            encode.emit("plan/1", encode.no_plan(kind, target.word, str(error), dry_run=arguments.dry_run))
        raise


async def _act(config: "Config", spec: "HostSpec", kind: "ActionKind", target: "Target", arguments: Namespace) -> int:
    from console.cli import looking
    from console.cli.changes import print_warnings, refused, review
    from console.cli.errors import Exit
    from console.cli.targets import found
    from console.core.plan import Intent

    async with looking.started(config, (spec,)) as fleet:
        snapshot = await looking.up(fleet, spec.name)
        root = snapshot.identity is not None and snapshot.identity.uid == 0
        intent = Intent(kind, found(target, snapshot), getattr(arguments, "port", None))
        made, reason = await review(fleet, config, spec, intent, snapshot, arguments)
        if reason is not None or made is None:
            return refused(intent, made, reason or "there is no plan for it", arguments, root=root)
        if arguments.dry_run:
            return _show(made, arguments, root=root)
        if not arguments.yes and not await _agreed(made, spec, root=root):
            print("nothing was done")
            return Exit.PROBLEM
        if arguments.yes and not arguments.json:
            print_warnings(made)
        return await _run(fleet, made, arguments, root=root)


def _show(made: "Plan", arguments: Namespace, *, root: bool) -> int:
    from console.cli import encode
    from console.cli.changes import print_plan
    from console.core.plan import PlanProgress

    if arguments.json:
        encode.emit("plan/1", encode.plan(PlanProgress(made), dry_run=True, root=root))
    else:
        print_plan(made, root=root)
    return 0


async def _agreed(made: "Plan", spec: "HostSpec", *, root: bool) -> bool:
    from console.cli.changes import print_plan
    from console.cli.question import yes

    print_plan(made, root=root, production=spec.production)
    return await yes(f"Run this on {made.target.host}?")


async def _run(fleet: "Fleet", made: "Plan", arguments: Namespace, *, root: bool) -> int:
    import asyncio

    from console.cli import encode
    from console.cli.changes import Teller, verdict
    from console.cli.entry import report

    teller = None if arguments.json else Teller(about_port=_about_port(fleet.snapshot(made.target.host), made))
    last: PlanProgress | None = None
    try:
        async for progress in fleet.execute(made):
            last = progress
            if teller:
                teller.tell(progress)
    except asyncio.CancelledError:
        if last is None or last.result is None:
            report(f"the plan may go on on {made.target.host}; `hostdeck audit --result unknown --ask` tells its end")
        raise
    if last is not None and arguments.json:
        encode.emit("plan/1", encode.plan(last, dry_run=False, root=root))
    return verdict(last)


def _about_port(snapshot: "Snapshot", made: "Plan") -> bool:
    """Whether anything is known of the ports that the service wants."""
    service = snapshot.service(made.target)
    wants = service is not None and bool(service.wants or service.ports)
    return wants or any(symptom.ref == made.target for symptom in snapshot.symptoms)


COMMANDS: tuple[Subcommand, ...] = tuple(
    Subcommand(
        name,
        words,
        run,
        free_port_arguments if name == "free-port" else arguments,
        (f"hostdeck {name} web1/api --dry-run", f"hostdeck {name} web1/api --yes --reason 'incident 4711' --json"),
    )
    for name, words in KINDS.items()
)
