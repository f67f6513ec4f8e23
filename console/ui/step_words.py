"""A step of a plan in words: its name, and its command beside it where a person can read that at a glance."""

from console.core.command import Command
from console.ui.cells import Cell

LONGEST = 160
"""Characters up to which a command is shown beside its name; the page of commands has the others whole."""

_SHELLS = ("sh", "/bin/sh", "bash", "/bin/bash")


def is_script(command: Command) -> bool:
    """Whether a command is a script, or as long as one."""
    argv = command.argv
    line = command.shell()
    return (argv[0] in _SHELLS and "-c" in argv[1:2]) or len(line) > LONGEST or "\n" in line


def step_words(name: str, command: Command | None, *, root: bool = True, name_tone: str = "") -> tuple[Cell, ...]:
    """The name, then the exact command unless it is a script."""
    if command is None or is_script(command):
        return (Cell(name, name_tone),)
    line = command.shell(root=root)
    return (Cell(line, name_tone),) if line == name else (Cell(name, name_tone), Cell(f"   {line}", "muted"))
