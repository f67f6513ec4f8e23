"""``e`` on a diagnosis: a page of sections that reads well in 24 lines; ``y`` there takes the report."""

from console.core.snapshot import LogLine
from console.ui.screens.diagnosis import DiagnosisScreen
from console.ui.screens.page import PageScreen
from tests.ui import scenes
from tests.ui.fake import lines
from tests.ui.steps import until


async def test_the_evidence_is_a_page_of_sections_and_y_takes_the_report() -> None:
    fleet = scenes.fleet()
    said = [f"line {number}" for number in range(18)]
    fleet.log[scenes.API] = (
        *lines(scenes.API, said),
        LogLine("web-3", "api.service", "journal", "bind: address already in use, token=hunter2", 1_795_183_330.0),
    )
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "enter")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and "already in use, token" in all_of(app))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, PageScreen))
        shown = all_of(app)
        for title in ("What was found", "Log of api.service", "1 stop legacy.service, then start api.service"):
            assert title in shown
        assert "line 1" in shown, "more of the log than the diagnosis has room for"
        assert "hunter2" not in shown
        assert all(len(line) <= 80 for line in scenes.text_of(app).split("\n"))
        await pilot.press("y")
        await until(pilot, lambda: bool(app.clipboard))
        assert app.clipboard.startswith("**web-3**: `held`")
        assert "**Log of api.service**" in app.clipboard
        assert "hunter2" not in app.clipboard
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen))


def all_of(app: object) -> str:
    """The whole page, also what must be scrolled for."""
    from console.ui.app import DeckApp
    from console.ui.widgets.detail import Detail

    assert isinstance(app, DeckApp)
    pages = app.screen.query("#page")
    page = pages.first(Detail) if pages else None
    return "" if page is None else "\n".join("".join(cell.text for cell in line) for line in page._lines)
