"""``hostdeck config``: where the configuration is, whether it is right, what it may hold."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from console.cli.subcommand import FILE, Subcommand, common, complete

if TYPE_CHECKING:
    from pathlib import Path


def arguments(parser: ArgumentParser) -> None:
    """``path | check [FILE] | schema | example``."""
    places = parser.add_subparsers(title="what to do", metavar="WHAT", required=True, dest="what")
    common(places.add_parser("path", help="print where the configuration is looked for"))
    check = places.add_parser("check", help="tell every mistake of a configuration")
    complete(check.add_argument("file", metavar="FILE", nargs="?", help="instead of the one in use"), FILE)
    common(check)
    common(places.add_parser("schema", help="print the JSON Schema of a configuration, for editors"))
    common(places.add_parser("example", help="print a commented configuration to begin with"))


def run(arguments: Namespace) -> int:
    """Do what was asked."""
    match arguments.what:
        case "path":
            from console.config.places import chosen_path

            print(chosen_path(arguments.config)[0])
        case "schema":
            from console.cli import encode
            from console.config.shape import schema

            print(encode.dumps(schema(), indent=2))
        case "example":
            from console.config.places import example

            print(example(), end="")
        case _:
            return _check(arguments)
    return 0


def _check(arguments: Namespace) -> int:
    import shlex

    from console.cli.entry import report
    from console.cli.errors import CliError, Exit
    from console.cli.hosts import readable
    from console.cli.known import known
    from console.config.load import load
    from console.config.mistakes import ConfigError
    from console.config.places import chosen_path

    path, _ = chosen_path(arguments.file or arguments.config)
    if arguments.file is None and arguments.config is None and not path.exists():
        folder, file = shlex.quote(str(path.parent)), shlex.quote(str(path))
        way = f"mkdir -p {folder} && hostdeck config example > {file}"
        report(f"there is no configuration at {path}: the defaults hold ({way})")
        return Exit.OK
    names = known()
    try:
        config = load(path, themes=names.themes, managers=names.managers)
    except ConfigError as error:
        raise CliError(str(error), placed=True) from None
    readable(config.ssh.config, f"{_shown(path)}: ssh.config")
    counts = f"{_count(len(config.hosts), 'host')}, {_count(len(config.services), 'service')}"
    print(f"{_shown(path)}: fine, {counts}")
    return Exit.OK


def _count(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _shown(path: "Path") -> str:
    from console.core.text import sanitise

    return sanitise(str(path))


COMMANDS = (
    Subcommand(
        "config",
        "show, check or explain the configuration",
        run,
        arguments,
        (
            "hostdeck config check",
            "mkdir -p ~/.config/hostdeck && hostdeck config example > ~/.config/hostdeck/config.toml",
        ),
    ),
)
