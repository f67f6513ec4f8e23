"""A sentence above the keys takes its lines from what scrolls: no screen gets a bar of its own for it."""

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from console.core.keys import TABS
from console.core.plan import Result
from console.ui.app import DeckApp
from console.ui.screens.diagnosis import DiagnosisScreen
from console.ui.screens.review import ReviewScreen
from console.ui.widgets.plan_steps import PlanSteps
from tests.ui import scenes
from tests.ui.steps import run, settle, until

SIZES = [(80, 24), (60, 15), (40, 10), (40, 8)]
SENTENCE = "this key does nothing here, and why that is so takes more than one line to say " * 3


async def fits(pilot: Pilot[int], app: DeckApp) -> None:
    """The screen has no scroll bar, and the keys stand on the last line, before the sentence and with it."""
    for said in ("", SENTENCE):
        if said:
            scenes.front(app).say(said)
        await settle(pilot)
        screen = scenes.front(app)
        assert not screen.show_vertical_scrollbar, (screen, said)
        assert screen.query_one("#status").region.width == app.size.width
        assert screen.query_one("#keys").region.bottom == app.size.height, (screen, said)
        assert screen.query_one("#keys").visible


@pytest.mark.parametrize("size", SIZES)
async def test_on_every_tab(size: tuple[int, int]) -> None:
    app = scenes.app()
    async with app.run_test(size=size) as pilot:
        for number in range(1, len(TABS) + 1):
            await pilot.press(str(number))
            await fits(pilot, app)


@pytest.mark.parametrize("size", SIZES)
async def test_on_a_verdict_a_review_and_a_plan_that_has_ended(size: tuple[int, int]) -> None:
    app = scenes.app()
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j")
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and "HELD BY" in scenes.text_of(app))
        await fits(pilot, app)
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        await fits(pilot, app)
        await run(pilot)
        await until(pilot, lambda: app.deck.changes.all()[0].progress.result is Result.DONE)
        await fits(pilot, app)
        told = app.deck.changes.all()[0].progress
        longer = replace(told, plan=replace(told.plan, steps=told.plan.steps * 12), steps=told.steps * 12)
        app.screen.query_one("#steps", PlanSteps).show(longer)
        await fits(pilot, app)
        await pilot.press("q")
        await settle(pilot)
        assert not app.screen.show_vertical_scrollbar
