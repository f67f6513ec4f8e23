"""A burst of keys (a paste, a slow link, a fast hand): every key is read, and by what it is meant for."""

import pytest
from textual import events
from textual.app import App
from textual.keys import _character_to_key

from console.core.keys import Place
from console.ui.app import DeckApp
from console.ui.screens.diagnosis import DiagnosisScreen
from console.ui.screens.list_screen import ListScreen
from console.ui.screens.review import ReviewScreen
from tests.ui import scenes
from tests.ui.fake import lines
from tests.ui.steps import seen, settle, until

NAMED = {"enter": "\r", "escape": None, "f3": None, "backspace": None}


def burst(app: App[int], *keys: str) -> None:
    """Send keys at once, as a terminal does with what is pasted."""
    assert app._driver is not None
    for key in keys:
        character = NAMED.get(key, key)
        app._driver.send_message(events.Key(key if key in NAMED else _character_to_key(key), character))


def needle(app: DeckApp) -> str:
    screen = app.front()
    return screen.needle if isinstance(screen, ListScreen) else "(no list)"


async def test_a_port_typed_in_one_burst_with_its_screen_is_the_whole_port() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        burst(app, "3", *"8080")
        await until(pilot, lambda: scenes.front(app).PLACE is Place.PORTS and "12 hidden" in scenes.text_of(app))
        await settle(pilot)
        assert needle(app) == "8080"
        burst(app, *["backspace"] * 4, *"443w")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen))


@pytest.mark.parametrize("place", [1, 2, 4, 6, 7])
async def test_what_is_typed_right_behind_the_filter_key_is_text_and_no_command(place: int) -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        burst(app, str(place), "/", *"rxsq8 api!")
        await until(pilot, lambda: needle(app) == "rxsq8 api!")
        assert not isinstance(app.screen, ReviewScreen)
        burst(app, "escape", "/", *"web", "enter")
        await until(pilot, lambda: needle(app) == "web")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "list")


async def test_keys_behind_enter_are_commands_again() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        burst(app, "2", "/", *"api", "enter", "r")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        assert "api" in {getattr(one, "needle", "") for one in app.screen_stack}


async def test_a_log_is_filtered_and_searched_in_a_burst() -> None:
    fleet = scenes.fleet()
    fleet.log[scenes.API] = lines(scenes.API, ["hello", "run it", "again"])
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "IO wait" in scenes.text_of(app) and "old-1" in scenes.text_of(app))
        burst(app, *"gjl", "/", *"run", "enter", "n", *"it", "enter")
        # How many are hidden is told on a line of its own where the search has frozen the log.
        await until(pilot, lambda: " hidden " in scenes.text_of(app) and "find it" in scenes.text_of(app))
        # The last key leads back to the lines; before it is read the test may not end.
        await until(pilot, lambda: app.focused is not None and app.focused.id == "log")
        assert "1 found" in scenes.text_of(app)


async def test_the_palette_takes_what_is_typed_right_behind_its_key() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        burst(app, ":", *"rxports")
        await until(pilot, lambda: "rxports" in scenes.text_of(app))


async def test_a_window_is_in_sight_before_its_number_is_taken() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "IO wait" in scenes.text_of(app) and "old-1" in scenes.text_of(app))
        burst(app, *"gjm1")
        await until(pilot, lambda: "press it once more" in scenes.text_of(app))
        await seen(pilot)
        burst(app, "1")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and "Cancel" in scenes.text_of(app))


async def test_a_paste_on_a_list_is_looked_for_and_acts_as_no_key() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        burst(app, "f3")
        assert app._driver is not None
        app._driver.send_message(events.Paste("8080\nrx"))
        await until(pilot, lambda: needle(app) == "8080")
        assert scenes.front(app).PLACE is Place.PORTS
        await until(pilot, lambda: "12 hidden" in scenes.text_of(app))
