"""The page of a plan has one scroll bar, its own, also while a sentence stands above the keys."""

import pytest

from console.ui.screens.review import ReviewScreen
from tests.ui import scenes
from tests.ui.screens.test_last_resort import fleet, to_review
from tests.ui.steps import run, settle, until


@pytest.mark.parametrize("height", [24, 16, 12])
async def test_a_sentence_takes_its_lines_from_the_page(height: int) -> None:
    made = fleet()
    app = scenes.app(made)
    async with app.run_test(size=(80, height)) as pilot:
        await to_review(pilot, app)
        await run(pilot)
        await until(pilot, lambda: len(made.ran) == 1)
        # As a plan of many steps fills it.
        app.screen.query_one("#steps").styles.height = "100%"
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        before = screen.query_one("#status").region
        screen.say("a plan runs: " + "it goes on when this page is left, and Plans has all of it; " * 2)
        await settle(pilot)
        assert (screen.max_scroll_y, screen.show_vertical_scrollbar) == (0, False)
        assert screen.query_one("#status").region == before
        for ident in ("#say", "#cancel", "#keys"):
            region = screen.query_one(ident).region
            assert region.height > 0
            assert region.bottom <= height, ident
