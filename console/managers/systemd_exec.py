"""What systemd says of the commands of a unit, as ``systemctl show`` prints ``ExecStart``."""

import re

from console.core.launch import program

_command = re.compile(r"\{ path=(.*?) ; argv\[\]=(.*?)(?: ; ignore_errors=|\Z)")


def program_of(value: str) -> str | None:
    """The name of the program that a unit runs, without its folder; ``None`` where it runs nothing.

    Of its words nothing else is kept: a command line may have secrets in it.
    """
    found = _command.search(value)
    return program((found[1], *found[2].split()[1:])) if found is not None else None
