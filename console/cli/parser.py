"""The parsers: one for commands, one for a word list that names hosts."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter

from console import __version__
from console.cli.registry import MODULES, load
from console.cli.subcommand import common, hosts_argument

DESCRIPTION = "What is wrong on your hosts, why, and what to press."

EPILOG = """\
Without a command the console opens for the hosts that are named, else for those of the configuration, else for
this machine. TARGET is HOST:PORT[/udp], :PORT, HOST/SERVICE, /SERVICE or HOST/MANAGER:SERVICE.

exit codes: 0 fine, 1 a problem was found or an action failed, 2 usage or configuration, 3 a host could not be
reached or how a plan ended is not known, 130 interrupted, 141 nobody reads the output any more
"""


def _top() -> ArgumentParser:
    parser = ArgumentParser(
        prog="hostdeck",
        usage="hostdeck [OPTION...] [HOST...]\n       hostdeck [OPTION...] COMMAND ...",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"hostdeck {__version__}")
    common(parser, default=None)
    parser.add_argument("--theme", metavar="NAME", help="a theme for the screen, instead of the configured one")
    return parser


def command_parser(*words: str) -> ArgumentParser:
    """The parser of command lines with one of these commands; of all without words."""
    parser = _top()
    places = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, prog="hostdeck")
    for command in map(load, words or MODULES):
        sub = places.add_parser(
            command.name,
            help=command.help,
            description=command.help[:1].upper() + command.help[1:] + ".",
            epilog="examples:\n" + "\n".join(f"  {line}" for line in command.examples) if command.examples else None,
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.arguments(sub)
        common(sub)
        sub.set_defaults(run=command.run, command=command.name)
    return parser


def screen_parser() -> ArgumentParser:
    """The parser of a command line without a command: hosts to open the console for."""
    parser = _top()
    hosts_argument(parser)
    return parser


def with_commands(parser: ArgumentParser) -> ArgumentParser:
    """The same with a list of all commands in its help: this loads every one of them."""
    listing = "\n".join(f"  {command.name:<12} {command.help}" for command in map(load, MODULES))
    parser.epilog = f"commands (hostdeck COMMAND --help tells more):\n{listing}\n\n{EPILOG}"
    return parser
