"""``E`` on a service: its environment as a page, asked of its host, without a secret."""

from console.core.command import Secret
from console.core.environment import Origin, Raw, Told
from console.ui.screens.page import PageScreen
from tests.ui import scenes
from tests.ui.screens.test_evidence import all_of
from tests.ui.steps import until

TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ"


async def test_the_environment_is_a_page_without_secrets() -> None:
    fleet = scenes.fleet()
    file = Told(Origin.FILE, "/etc/default/api", (Raw("API_TOKEN", Secret(TOKEN), 3),), mode="0644", owner="root:root")
    process = Told(Origin.PROCESS, "pid 7", (Raw("MODE", Secret("prod")), Raw("X", Secret(TOKEN))))
    fleet.environments[scenes.API] = (file, process)
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "E")
        await until(pilot, lambda: isinstance(app.screen, PageScreen))
        assert fleet.asked == [f"environment {scenes.API}"]
        await until(pilot, lambda: "API_TOKEN" in all_of(app))
        shown = all_of(app)
        assert "API_TOKEN=********  (line 3)" in shown
        assert "MODE=prod" in shown
        await pilot.press("y")
        await until(pilot, lambda: "API_TOKEN" in app.clipboard)
        assert TOKEN not in shown + app.clipboard + scenes.text_of(app)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, PageScreen))
