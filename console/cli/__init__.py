"""The command line: words in, an exit code out. Nothing heavy is imported before a command needs it."""

from console.cli.entry import run

__all__ = ["run"]
