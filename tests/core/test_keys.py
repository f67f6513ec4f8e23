"""The table of keys itself: nothing means two things, and nothing dangerous lies under a habit."""

import pytest

from console.core.command import Effect
from console.core.keys import ACTIONS, BY_ID, Place, conflicts, key_problem


def test_the_default_keys_have_no_conflict_and_no_problem() -> None:
    assert conflicts({}) == ()
    assert [key_problem(action, key) for action in ACTIONS for key in action.keys if key_problem(action, key)] == []


def test_ids_are_unique_and_every_action_is_told_in_words() -> None:
    assert len(BY_ID) == len(ACTIONS)
    assert all(action.description and action.label and action.places for action in ACTIONS)


def test_a_remapping_that_doubles_a_key_is_named_with_its_place() -> None:
    found = conflicts({"restart": ("w",)})
    assert "'w' is both why and restart (on the findings screen)" in [str(conflict) for conflict in found]


def test_the_same_key_may_serve_at_places_that_never_meet() -> None:
    assert BY_ID["proposal.1"].keys == ("1",)
    assert "1" in BY_ID["screen.findings"].keys
    assert conflicts({}) == ()


@pytest.mark.parametrize("key", ["d", "ctrl+d", "ctrl+k", "enter", "space"])
def test_what_changes_a_host_never_goes_on_a_key_that_is_pressed_by_habit(key: str) -> None:
    assert "by habit" in str(key_problem(BY_ID["stop"], key))


@pytest.mark.parametrize("key", ["ctrl+i", "ctrl+m", "j", "up", "tab", "hyper+x", "ab", "", "é", "5", "ctrl+c"])
def test_keys_that_a_terminal_or_the_screens_need_are_refused(key: str) -> None:
    assert key_problem(BY_ID["why"], key) is not None


def test_only_places_that_show_a_service_have_the_keys_that_change_one() -> None:
    changing = [action for action in ACTIONS if action.effect is Effect.CHANGE]
    assert changing
    assert all(Place.HELP not in action.places for action in changing)
