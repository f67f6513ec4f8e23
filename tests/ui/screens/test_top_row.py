"""The cursor of the findings: on the worst until somebody chooses a row, then with that row."""

from dataclasses import replace

import pytest

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


@pytest.mark.parametrize("size", [(80, 24), (160, 40), (80, 12)])
async def test_beside_findings_it_is_said_what_was_not_seen_however_many_there_are(size: tuple[int, int]) -> None:
    fleet = scenes.fleet()
    many = tuple(replace(scenes.full(), subject=f"/srv/{number}") for number in range(60))
    filesystems = scenes.up("web-1").filesystems
    fleet.push(scenes.up("web-1", filesystems=filesystems), *many)
    app = scenes.app(fleet)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "/srv/0" in scenes.text_of(app) and "old-1" in scenes.text_of(app))
        await until(pilot, lambda: "Not seen: docker on db-1 (6 Hosts has why)" in scenes.text_of(app))
        await pilot.press("G")
        await until(pilot, lambda: "/srv/59" in scenes.text_of(app) or "db-1" in scenes.text_of(app))
        assert "Not seen: docker on db-1 (6 Hosts has why)" in scenes.text_of(app)
        fleet.push(replace(scenes.db1(), sources=scenes.up("db-1").sources), scenes.slow_disk())
        await until(pilot, lambda: "Not seen" not in scenes.text_of(app))


async def test_a_filter_that_hides_every_finding_says_how_many_and_how_bad() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "IO wait 62" in scenes.text_of(app) and "old-1" in scenes.text_of(app))
        await pilot.press("slash", *"billing", "enter")
        await until(pilot, lambda: "No finding contains 'billing'." in scenes.text_of(app))
        assert "4 others are hidden, worst critical: esc shows all." in scenes.text_of(app)
        await pilot.press("escape")
        await until(pilot, lambda: "IO wait 62" in scenes.text_of(app))
