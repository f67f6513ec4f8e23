"""The door through which a console asks a host, in a place where other users have laid something out for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from console.remote import plan_door
from tests.remote.plans import SHELLS, LocalPlaces

words = pytest.mark.parametrize("words", SHELLS, ids=[words[0] for words in SHELLS])


@pytest.fixture
def places(tmp_path: Path) -> LocalPlaces:
    return LocalPlaces(tmp_path)


def ask(words: tuple[str, ...], request: bytes, *, first: str = "") -> str:
    """What the door answers; ``first`` is shell text that the host's shell reads before it."""
    done = subprocess.run([*words], input=first.encode() + request, capture_output=True, timeout=60, check=False)
    return done.stdout.decode()


@words
def test_saying_why_a_plan_cannot_be_taken_overwrites_nothing(
    places: LocalPlaces, words: tuple[str, ...], tmp_path: Path
) -> None:
    """The name of what is tried is easily guessed: here a link of just that name is there already."""
    precious = tmp_path / "precious"
    precious.write_text("precious")
    lay = f'ln -s {precious} "{places.first}/hostdeck-trial-$$"; ln -s {precious} "{places.first}/hostdeck-plan-x1"\n'
    answer = ask(words, plan_door.call_off("x1", places.all), first=lay)
    assert answer.startswith("d refused ")
    assert precious.read_text() == "precious"


@words
def test_saying_why_a_plan_cannot_be_taken_leaves_nothing(places: LocalPlaces, words: tuple[str, ...]) -> None:
    (places.first / "hostdeck-plan-x1").write_text("in the way")
    answer = ask(words, plan_door.call_off("x1", places.all))
    assert answer == f"d refused ({places.first} cannot take it)\n"
    assert [path.name for path in places.first.iterdir()] == ["hostdeck-plan-x1"]
