"""``hostdeck env``: the environment of a service, secrets masked."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from console.cli.subcommand import Subcommand, json_option, target_argument

if TYPE_CHECKING:
    from console.cli.encode import Json
    from console.config.model import Config
    from console.core.environment import Environment
    from console.core.target import Target
    from console.remote.transport import HostSpec


def arguments(parser: ArgumentParser) -> None:
    """``TARGET [--json]``."""
    target_argument(parser, "HOST/SERVICE or /SERVICE")
    json_option(parser)


def run(arguments: Namespace) -> int:
    """Look and print; 1 where nothing of it could be told."""
    from console.cli import encode, hosts, looking
    from console.cli.errors import CliError
    from console.cli.targets import service_target

    try:
        config = hosts.read_config(arguments)
        target = service_target(arguments.target)
        return looking.ask(_look(config, hosts.spec(config, target.host), target, arguments))
    except CliError as error:
        if arguments.json:
            nothing: Json = {"ref": None, "host": None, "failure": str(error), "restart_due": [], "sources": []}
            encode.emit("env/1", nothing)
        raise


async def _look(config: "Config", spec: "HostSpec", target: "Target", arguments: Namespace) -> int:
    from console.cli import encode, looking
    from console.cli.errors import Exit
    from console.cli.targets import found

    async with looking.started(config, (spec,)) as fleet:
        snapshot = await looking.up(fleet, spec.name)
        seen = await looking.watched(spec.name, fleet.environment(found(target, snapshot)))
    if arguments.json:
        encode.emit("env/1", body(seen))
    else:
        _text(seen)
    nothing = seen.failure is not None or all(source.failure is not None for source in seen.sources)
    return Exit.PROBLEM if nothing else Exit.OK


def body(found: "Environment") -> "Json":
    """What ``--json`` prints; see the README."""
    return {
        "ref": str(found.ref),
        "host": found.ref.host,
        "failure": found.failure,
        "restart_due": list(found.restart_due),
        "sources": [
            {
                "kind": source.origin.value,
                "where": source.where,
                "failure": source.failure,
                "mode": source.mode,
                "owner": source.owner,
                "readable_by_all": source.readable_by_all if source.mode is not None else None,
                "notes": list(source.notes),
                "variables": [
                    {
                        "name": each.name,
                        "value": each.value,
                        "masked": each.hidden,
                        "where": each.where or None,
                        "note": each.note,
                    }
                    for each in source.variables
                ],
            }
            for source in found.sources
        ],
    }


def _text(seen: "Environment") -> None:
    from console.cli.terminal import BOLD, Terminal
    from console.core.environment import sections

    terminal = Terminal()
    for title, lines in sections(seen):
        terminal.wrap(terminal.paint(title, BOLD))
        for line in lines:
            terminal.wrap(line, 2)


COMMANDS = (
    Subcommand(
        "env",
        "show the environment of a service, secrets masked, and where it is set",
        run,
        arguments,
        ("hostdeck env web1/api", "hostdeck env /nginx --json"),
    ),
)
