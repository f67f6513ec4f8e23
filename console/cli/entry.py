"""From the argument vector to an exit code."""

import errno
import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from console.cli import again
from console.cli.errors import CliError, Exit
from console.cli.registry import MODULES

if TYPE_CHECKING:
    from argparse import Namespace

VALUED = frozenset({"--config", "-F", "--ssh-config", "--theme"})
"""Options whose value is the next word."""


WRITE_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EBADF})

PREFIX = "hostdeck: "


def run(argv: list[str]) -> int:
    """Run the command line; every error becomes lines on standard error and an exit code."""
    _open_streams()
    try:
        return _quietly(argv)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return Exit.INTERRUPTED


def _quietly(argv: list[str]) -> int:
    try:
        code = _dispatch(argv)
        sys.stdout.flush()
    except CliError as error:
        report(str(error), "" if error.placed else PREFIX)
        return error.code
    except SystemExit as end:  # argparse
        return end.code if isinstance(end.code, int) else Exit.USAGE
    except BrokenPipeError:
        _give_up_output()
        return Exit.PIPE
    except OSError as error:
        if error.errno not in WRITE_ERRORS or error.filename is not None:
            raise
        _give_up_output()
        report(f"standard output cannot be written: {(error.strerror or str(error)).lower()}")
        return Exit.PROBLEM
    return code


def _give_up_output() -> None:
    """Python flushes standard output once more at its end: give it a place to go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_streams() -> None:
    """A stream that was closed (``>&-``) is ``None`` to Python: let it lead nowhere instead."""
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115, PTH123 - open as long as the process
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123


def report(message: str, prefix: str = PREFIX) -> None:
    """Tell a person, on standard error. The words of a command line are as little trusted as those of a host."""
    from console.core.text import sanitise

    for line in sanitise(message).splitlines():
        print(f"{prefix}{line}", file=sys.stderr)


def _dispatch(argv: list[str]) -> int:
    arguments = _arguments(argv)
    if arguments is None:
        return Exit.USAGE
    again.note(arguments)
    _forgiving_output()
    code: int = arguments.run(arguments)
    return code


def _arguments(argv: list[str]) -> "Namespace | None":
    """What was typed; ``None`` where a word was doubted and that was said. No parser is loaded for bare host names."""
    words = [argv[index] for index in positional(argv)[:1]]
    if words and words[0] in MODULES:
        from console.cli.parser import command_parser

        return command_parser(words[0]).parse_args(argv)
    if words and "--" not in argv and not _plausible(words[0], argv):
        return None
    from console.cli.commands import screen

    if not any(word.startswith("-") for word in argv):
        bare = SimpleNamespace(config=None, ssh_config=None, read_only=False, theme=None, hosts=argv, run=screen.run)
        return cast("Namespace", bare)
    from console.cli.parser import screen_parser, with_commands

    parser = screen_parser()
    arguments = (with_commands(parser) if {"-h", "--help"} & set(argv) else parser).parse_args(argv)
    arguments.run = screen.run
    return arguments


def _plausible(word: str, argv: list[str]) -> bool:
    from console.cli.words import doubt

    reason = doubt(word, argv)
    if reason is not None:
        report(reason)
    return reason is None


def positional(argv: list[str]) -> list[int]:
    """The places of the words that are neither options nor their values."""
    found: list[int] = []
    skip = False
    for index, word in enumerate(argv):
        if skip:
            skip = False
        elif word == "--":
            return [*found, *range(index + 1, len(argv))]
        elif word.startswith("-") and word != "-":
            skip = word in VALUED
        else:
            found.append(index)
    return found


def _forgiving_output() -> None:
    """A terminal that cannot show a character gets another one instead of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
