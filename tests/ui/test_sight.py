"""Nothing runs by a key that was typed before what it runs was in sight, however late it is handled."""

import math
import time

import pytest
from textual import events

from console.ui.app import DeckApp
from console.ui.screens.choice import ChoiceScreen
from console.ui.screens.confirm import ConfirmScreen
from console.ui.screens.review import ReviewScreen
from tests.ui import scenes
from tests.ui.steps import run, seen, settle, until
from tests.ui.test_typed import burst

TO_API = ("g", "j")


def late(app: DeckApp, key: str, typed_at: float) -> None:
    """A key that is handled now and was read then."""
    event = events.Key(key, None)
    event.time = typed_at
    assert app._driver is not None
    app._driver.send_message(event)


@pytest.mark.parametrize(
    "keys", [("r", "ctrl+r"), ("r", "ctrl+r", "ctrl+r"), ("r", "tab", "tab", "enter"), ("enter", "1", "ctrl+r")]
)
async def test_a_burst_up_to_the_key_that_runs_runs_nothing(keys: tuple[str, ...]) -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "IO wait" in scenes.text_of(app) and "old-1" in scenes.text_of(app))
        for key in (*TO_API, *keys):
            late(app, key, time.monotonic())
        await until(pilot, lambda: "press it once more" in scenes.text_of(app))
        await seen(pilot)
        await settle(pilot)
        assert isinstance(app.screen, ReviewScreen)
        assert fleet.ran == []
        # However long nobody types: what was not run is told until a key counts.
        app.screen._hush()
        await settle(pilot)
        assert app.screen._silence_at == math.inf
        assert "press it once more" in scenes.text_of(app)
        await run(pilot)
        await until(pilot, lambda: len(fleet.ran) == 1)
        await until(pilot, lambda: "press it once more" not in scenes.text_of(app))


async def test_a_key_does_not_count_while_the_plan_is_not_painted_nor_by_when_it_is_handled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paint, painting = ReviewScreen._compositor_refresh, False

    def slowly(screen: ReviewScreen) -> None:
        if painting:
            paint(screen)

    monkeypatch.setattr(ReviewScreen, "_compositor_refresh", slowly)
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "IO wait" in scenes.text_of(app) and "old-1" in scenes.text_of(app))
        burst(app, *"gjr")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        for _ in range(3):
            await pilot.press("ctrl+r")
            await settle(pilot)
        before = time.monotonic()
        assert fleet.ran == []
        assert isinstance(app.screen, ReviewScreen)
        assert not app.screen.sight.open
        painting = True
        app.screen.refresh()
        await seen(pilot)
        late(app, "ctrl+r", before)
        await settle(pilot)
        assert fleet.ran == []
        await run(pilot)
        await until(pilot, lambda: len(fleet.ran) == 1)


async def test_a_number_that_was_typed_before_the_ways_out_were_in_sight_chooses_none() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "IO wait" in scenes.text_of(app) and "old-1" in scenes.text_of(app))
        before = time.monotonic()
        burst(app, *"gjm")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await seen(pilot)
        late(app, "1", before)
        await until(pilot, lambda: "press it once more" in scenes.text_of(app))
        assert isinstance(app.screen, ChoiceScreen)


async def test_a_yes_that_was_typed_before_its_question_was_in_sight_is_none() -> None:
    app = scenes.app()
    answers: list[bool | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "old-1" in scenes.text_of(app))
        typed = time.monotonic()
        app.push_screen(ConfirmScreen("Kill node?", ("It has no time to save anything.",), yes="Yes"), answers.append)
        await until(pilot, lambda: app.focused is not None and app.focused.id == "no")
        late(app, "tab", typed)
        late(app, "enter", typed)
        await until(pilot, lambda: "press it once more" in scenes.text_of(app))
        await seen(pilot)
        assert answers == []
        # Textual 8: a button that was just pressed takes no other press for 0.2 s.
        await until(pilot, lambda: not app.screen.query_one("#yes").has_class("-active"))
        await pilot.press("enter")
        await until(pilot, lambda: answers == [True])
