"""The cursor of the findings: on the worst until somebody chooses a row, then with that row."""

from console.ui.screens.findings import FindingsScreen
from tests.ui import scenes
from tests.ui.fake import FakeFleet
from tests.ui.steps import settle, until


async def test_the_cursor_stays_on_the_worst_until_it_was_moved() -> None:
    fleet = FakeFleet(scenes.specs())
    app = scenes.app(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: fleet.started)
        fleet.push(scenes.db1(), scenes.slow_disk())
        await until(pilot, lambda: "IO wait 62" in scenes.text_of(app))
        screen = app.screen
        assert isinstance(screen, FindingsScreen)
        assert screen.table.cursor_key == scenes.slow_disk().key
        fleet.push(scenes.web3(), scenes.held())
        await until(pilot, lambda: "cannot bind tcp 8080" in scenes.text_of(app))
        assert screen.table.cursor_key == scenes.held().key, "what came first does not keep the cursor"
        await settle(pilot)
        assert screen.finding() == scenes.held()
        await pilot.press("j")
        await until(pilot, lambda: screen.table.cursor_key == scenes.slow_disk().key)
        fleet.push(scenes.up("web-1"), scenes.full())
        fleet.push(scenes.web3(mended=True))
        await until(pilot, lambda: "94 % full" in scenes.text_of(app))
        assert screen.table.cursor_key == scenes.slow_disk().key, "a chosen row keeps it"


async def test_a_row_that_was_opened_is_chosen() -> None:
    fleet = FakeFleet(scenes.specs())
    app = scenes.app(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: fleet.started)
        fleet.push(scenes.db1(), scenes.slow_disk())
        await until(pilot, lambda: "IO wait 62" in scenes.text_of(app))
        screen = app.screen
        assert isinstance(screen, FindingsScreen)
        await pilot.press("enter", "escape")
        await until(pilot, lambda: app.screen is screen)
        fleet.push(scenes.web3(), scenes.held())
        await until(pilot, lambda: "cannot bind tcp 8080" in scenes.text_of(app))
        assert screen.table.cursor_key == scenes.slow_disk().key
