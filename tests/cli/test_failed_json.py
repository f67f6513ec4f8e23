"""Whoever reads JSON gets a document of the promised schema also where a command fails before it has looked."""

import json

import pytest

from console.cli import run


@pytest.mark.parametrize(
    ("argv", "schema", "reason"),
    [
        (["why", "web1:0"], "why/1", "summary"),
        (["why", "web1/"], "why/1", "summary"),
        (["env", "web1"], "env/1", "failure"),
        (["restart", "web1:80", "--yes"], "plan/1", "reason"),
        (["stop", "web1/a", "web1:80", "--yes"], "plans/1", "reason"),
    ],
)
def test_a_wrong_target(capsys: pytest.CaptureFixture[str], argv: list[str], schema: str, reason: str) -> None:
    code = run([*argv, "--json"])
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (code, told["schema"]) == (2, f"hostdeck.{schema}")
    assert err == f"hostdeck: {told[reason]}\n"


def test_why_says_what_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["why", "no-such-host.invalid:80", "--json", "-F", "/dev/null"])
    told = json.loads(capsys.readouterr().out)
    assert code == 3
    assert (told["host"], told["port"], told["verdict"], told["fine"]) == ("no-such-host.invalid", 80, "unknown", False)
    [gap] = told["not_checked"]
    assert "no-such-host.invalid cannot be reached" in gap["why"]
