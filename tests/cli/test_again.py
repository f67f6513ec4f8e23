"""What a person is told to type next asks the hosts that were asked now."""

from argparse import Namespace
from collections.abc import Iterator

import pytest

from console.cli import again, run


@pytest.fixture(autouse=True)
def nothing_given() -> Iterator[None]:
    yield
    again.note(Namespace())


def test_the_files_that_were_given_are_kept() -> None:
    again.note(Namespace(config="/etc/a b.toml", ssh_config="lab"))
    assert again.command("why", "web1/api") == "hostdeck why web1/api --config '/etc/a b.toml' --ssh-config lab"
    again.note(Namespace(config=None))
    assert again.command("why", "web1/api") == "hostdeck why web1/api"


def test_every_command_line_notes_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "-F", "/dev/null", "--json"]) == 0
    capsys.readouterr()
    told = again.command("why")
    assert told == "hostdeck why --ssh-config /dev/null"
