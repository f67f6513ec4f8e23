"""Every command's word and the module that has it. A module is imported when its command is wanted."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.cli.subcommand import Subcommand

MODULES: Mapping[str, str] = {
    "status": "status",
    "ports": "ports",
    "why": "why",
    "logs": "logs",
    "env": "env",
    "restart": "act",
    "reload": "act",
    "stop": "act",
    "start": "act",
    "reset-failed": "act",
    "free-port": "act",
    "rebuild": "act",
    "rollback": "act",
    "kill": "act",
    "break-lock": "break_lock",
    "audit": "audit",
    "doctor": "doctor",
    "config": "config",
    "completions": "completions",
    "demo": "demo",
    "screenshots": "screenshots",
}


def load(name: str) -> "Subcommand":
    """The command of that word."""
    module = import_module(f"console.cli.commands.{MODULES[name]}")
    found: tuple[Subcommand, ...] = module.COMMANDS
    return next(command for command in found if command.name == name)
