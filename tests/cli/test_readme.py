"""The README's lists of commands and keys are those that there are."""

import re
from pathlib import Path

import pytest

from console.cli.parser import command_parser
from console.cli.registry import MODULES
from console.core.keys import ACTIONS

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
