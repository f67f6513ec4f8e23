"""No command: the console itself."""

import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace


def run(arguments: "Namespace") -> int:
    """Open the console for the hosts that are named; refuse where there is no terminal."""
    from console.cli.errors import CliError

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CliError("the console needs a terminal; scripts take `hostdeck status --json` or `hostdeck why`")
    if not sys.stderr.isatty():
        raise CliError("standard error leads elsewhere, but the console draws there: leave out 2>")
    # Until the first frame nearly all that is made stays: collections would only look at it, a tenth of the start.
    gc.disable()
    from console.cli import hosts

    config = hosts.read_config(arguments)
    specs = hosts.specs(config, arguments.hosts)
    theme = arguments.theme or config.theme
    if arguments.theme is not None:
        check_theme(arguments.theme)
    from console.cli.wiring import open_screen

    return open_screen(config, specs, theme)


def check_theme(name: str) -> None:
    """Refuse a theme that is not there."""
    from console.cli.errors import CliError
    from console.cli.known import ThemeNames
    from console.config.mistakes import nearest, one_of

    names = ThemeNames()
    if name not in names:
        near = nearest(name, names)
        raise CliError(
            f"--theme {name}: unknown theme; expected {one_of(names)}" + (f"; did you mean {near}?" if near else "")
        )
