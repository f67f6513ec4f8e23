"""``hostdeck demo``: a fleet to play with, without hosts."""

import sys
from argparse import Namespace

from console.cli.subcommand import Subcommand


def run(arguments: Namespace) -> int:
    """Open the console on a scripted fleet."""
    from console.cli.errors import CliError

    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise CliError("the demo needs a terminal")
    from console.cli.wiring import open_demo

    return open_demo(arguments)


COMMANDS = (Subcommand("demo", "play with a scripted fleet: no hosts, no configuration, no root", run),)
