"""Commands that a person is told to type next: without the files that were given now they would ask other hosts."""

from argparse import Namespace

_given: list[str] = []


def note(arguments: Namespace) -> None:
    """Note which files this command line names."""
    words = {"--config": getattr(arguments, "config", None), "--ssh-config": getattr(arguments, "ssh_config", None)}
    _given[:] = [part for option, value in words.items() if value for part in (option, value)]


def command(*words: str) -> str:
    """``hostdeck`` with these words, quoted for a shell, and with the files that were given."""
    from console.core.command import quote

    return quote(("hostdeck", *words, *_given))
