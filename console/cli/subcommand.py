"""What a subcommand is, and the options that several share."""

from argparse import SUPPRESS, Action, ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any, NamedTuple


class Subcommand(NamedTuple):  # a dataclass would load `inspect`: a tenth of the time of --version
    """One command: its words for the help, its arguments, and what runs it. ``run`` returns the exit code."""

    name: str
    help: str
    run: Callable[[Namespace], int]
    arguments: Callable[[ArgumentParser], None] = lambda parser: None
    examples: tuple[str, ...] = ()


def common(parser: ArgumentParser, *, default: Any = SUPPRESS) -> None:
    """Options that stand before or after the command."""
    group = parser.add_argument_group("options of every command")
    complete(
        group.add_argument("--config", metavar="FILE", default=default, help="configuration instead of the usual one"),
        FILE,
    )
    complete(
        group.add_argument(
            "-F", "--ssh-config", metavar="FILE", default=default, help="ssh configuration instead of ~/.ssh/config"
        ),
        FILE,
    )
    off = False if default is None else default
    group.add_argument("--read-only", action="store_true", default=off, help="change nothing on any host")


FILE = {"bash": "_shtab_compgen_files", "zsh": "_files", "tcsh": "f"}
HOST = {"bash": "_hostdeck_hosts", "zsh": "_hostdeck_hosts", "tcsh": "n"}


def complete(action: Action, how: dict[str, str]) -> None:
    """Say how a shell completes this argument (read by shtab)."""
    action.complete = how  # type: ignore[attr-defined]


def json_option(parser: ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON (see the README for its schema)")


def hosts_argument(parser: ArgumentParser) -> None:
    """``[HOST...]``."""
    words = parser.add_argument(
        "hosts",
        metavar="HOST",
        nargs="*",
        help="a host or group of the configuration, or anything ssh accepts; none: all that are configured",
    )
    complete(words, HOST)


def target_argument(parser: ArgumentParser, help_text: str) -> None:
    """``TARGET``."""
    complete(parser.add_argument("target", metavar="TARGET", help=help_text), HOST)


def targets_argument(parser: ArgumentParser, help_text: str) -> None:
    """``TARGET...``."""
    complete(parser.add_argument("targets", metavar="TARGET", nargs="+", help=help_text), HOST)
