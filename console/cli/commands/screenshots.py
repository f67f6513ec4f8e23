"""``hostdeck screenshots``: the pictures of the README, made from the demo's scenes."""

from argparse import ArgumentParser, Namespace

from console.cli.subcommand import FILE, Subcommand, complete


def arguments(parser: ArgumentParser) -> None:
    """``[FOLDER]``."""
    folder = parser.add_argument("folder", nargs="?", default="screenshots", help="where to put them (screenshots)")
    complete(folder, FILE)


def run(arguments: Namespace) -> int:
    """Draw every picture."""
    from console.cli.wiring import draw_screenshots

    return draw_screenshots(arguments.folder)


COMMANDS = (Subcommand("screenshots", "draw the pictures of the README again", run, arguments),)
