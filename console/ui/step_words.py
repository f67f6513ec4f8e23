"""The words of a step: its name, and the exact command where a person can read that at a glance."""

from console.core.command import Command
from console.ui.cells import Cell


def step_words(name: str, command: Command | None, *, root: bool = True, name_tone: str = "") -> tuple[Cell, ...]:
    """The name, then the exact command unless it is a script."""
    if command is None or command.is_script:
        return (Cell(name, name_tone),)
    line = command.told(root=root)
    if command.becomes:
        line = f"{line}   (looks first)"
    return (Cell(line, name_tone),) if line == name else (Cell(name, name_tone), Cell(f"   {line}", "muted"))
