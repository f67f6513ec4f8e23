"""The README's lists of commands and keys are those that there are."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from console.cli.parser import command_parser
from console.cli.registry import MODULES
from console.core.keys import ACTIONS
from console.core.plan import Step
from console.core.release import Release, Signature
from console.core.service import Service, ServiceRef, State
from console.managers.systemd import SYSTEMD
from console.remote.sudo_list import sudoers_line

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
COMMANDS = README.partition("\n## Command line\n\n```\n")[2].partition("```")[0]
KEYS = README.partition("\n## Keys\n")[2].partition("\n## ")[0]
# On each command's line and those below it that only go on.
LINES = dict(re.findall(r"^hostdeck ([a-z|-]+(?: \| [a-z]+)?)(.*(?:\n +.*)*)$", COMMANDS, re.MULTILINE))


def test_every_command_is_in_its_list() -> None:
    words = [word for names in LINES for word in re.split(r" ?\| ?", names)]
    assert sorted(words) == sorted(MODULES)


@pytest.mark.parametrize("names", LINES)
def test_every_option_of_its_list_is_one(names: str) -> None:
    for name in re.split(r" ?\| ?", names):
        told = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", LINES[names])
        known = command_parser(name).format_help() + _help(name)
        assert not [option for option in told if not re.search(rf"(?<![\w-]){option}(?![\w-])", known)], name


def _lines_of(plan_steps: Iterable[Step]) -> set[str]:
    """What sudoers must have for these steps and what undoes them."""
    commands = [command for step in plan_steps for command in (step.command, step.undo) if command is not None]
    elevated = [command.argv for command in commands if command.elevate]
    return {sudoers_line("oncall", f"/usr/bin/{argv[0]}", argv[1:]) or "" for argv in elevated}


def test_the_line_of_sudoers_for_a_package_is_the_one_that_is_used() -> None:
    """Also with its patience for another package manager."""
    block = README.partition("A package is installed with exactly these words")[2].split("```")[1]
    api = Service(ServiceRef("web1", "systemd", "api.service"), State.RUNNING, "active/running")
    gone_to = Release("1.0-1", note="api", reference="api=1.0-1")
    live = Release("1.1-1", live=True, note="api", reference="api=1.1-1")
    swap = SYSTEMD.roll_back(api, gone_to, live, Signature("ann", "20261120T140211Z"))
    assert set(block.strip().splitlines()) == _lines_of(swap.steps)


def test_every_key_is_in_its_table() -> None:
    listed = set(re.findall(r"`([^`]+)`", KEYS)) | {"escape", "space"}
    for action in ACTIONS:
        if action.id.startswith(("screen.", "proposal.")):
            continue
        assert set(action.keys) <= listed, action.id


def _help(name: str) -> str:
    parser = command_parser(name)
    places = next(action for action in parser._actions if action.choices and name in action.choices)
    assert isinstance(places.choices, dict)
    return str(places.choices[name].format_help())
