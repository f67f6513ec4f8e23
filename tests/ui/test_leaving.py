"""Leaving the console: what is typed ahead of it, what only looks like it, and sizes that come and go."""

import pytest
from textual import events

from console.core.keys import Place
from console.ui.screens.findings import FindingsScreen
from tests.ui import scenes
from tests.ui.steps import settle, until


@pytest.mark.parametrize("typed", ["q?", "q:", "q7?", "?q", ":q", "qe", "q7", "qr", "w1q?", "qqq"])
async def test_keys_typed_ahead_of_the_end_are_ignored(typed: str) -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        for key in typed:
            app.post_message(events.Key({"?": "question_mark", ":": "colon"}.get(key, key), key))
        if typed == ":q":
            await settle(pilot)
            app.exit(0)
        await until(pilot, lambda: not app.is_running)
    assert app.return_value == 0


async def test_a_screen_that_is_opened_while_the_end_comes_does_not_crash() -> None:
    from console.ui.screens.help import HelpScreen

    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        selection = scenes.front(app).selection()
        app.push_screen(HelpScreen(selection))
        app.exit(0)
        app.push_screen(HelpScreen(selection))
        app.action_command_palette()
        app.show_place(Place.PLANS)
        await until(pilot, lambda: not app.is_running)
    assert app.return_value == 0


async def test_ctrl_c_says_how_to_quit_in_the_line_above_the_keys() -> None:
    app = scenes.app(keys={"quit": ("Q",)})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "press Q to quit" in scenes.text_of(app))
        assert isinstance(app.screen, FindingsScreen)
        assert not app._notifications


async def test_sizes_that_come_back_to_the_first_leave_a_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        painted: list[object] = []
        monkeypatch.setattr(app.screen, "refresh", lambda *_args, **_more: painted.append(1))
        for width, height in ((60, 20), (80, 24)):
            size = type(app.size)(width, height)
            app.post_message(events.Resize(size, size))
        await settle(pilot)
        assert painted
        assert app.animation_level == "none"
