"""From a line of a log to the diagnosis of what it says."""

from textual.pilot import Pilot

from console.core.snapshot import LogLine
from console.ui.app import DeckApp
from console.ui.screens.diagnosis import DiagnosisScreen
from console.ui.widgets.log_view import LogView
from tests.ui import scenes
from tests.ui.fake import FakeFleet
from tests.ui.steps import until

IN_USE = "listen tcp 0.0.0.0:80: bind: address already in use"


def fleet(*messages: str) -> FakeFleet:
    made = scenes.fleet()
    made.log[scenes.API] = tuple(
        LogLine("web-3", "api.service", "journal", message, 1_795_183_000.0 + place, pid=7)
        for place, message in enumerate(messages)
    )
    return made


async def to_log(pilot: Pilot[int], app: DeckApp, last: str) -> None:
    await until(pilot, lambda: "web-3" in scenes.text_of(app))
    await pilot.press("g", "j", "l")
    await until(pilot, lambda: last in scenes.text_of(app))


async def test_w_on_a_line_on_a_port_diagnoses_that_port_with_the_line_as_symptom() -> None:
    app = scenes.app(fleet("started", IN_USE, "giving up"))
    async with app.run_test(size=(80, 24)) as pilot:
        await to_log(pilot, app, "giving up")
        await until(pilot, lambda: "why :80" in scenes.text_of(app))
        marked = next(line for line in scenes.text_of(app).split("\n") if "already in use" in line)
        assert marked.startswith("›")
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and "HELD BY" in scenes.text_of(app))
        shown = scenes.text_of(app)
        assert "0.0.0.0:80 -> EADDRINUSE" in shown
        assert "nginx" in shown, "port 80 of the line, not 8080 of the service"
        assert isinstance(app.screen, DiagnosisScreen)
        assert app.screen.subject.symptom is not None
        assert app.screen.subject.symptom.line == IN_USE
        await pilot.press("escape")
        await until(pilot, lambda: "giving up" in scenes.text_of(app))


async def test_a_line_that_names_no_port_takes_it_from_the_lines_around() -> None:
    made = fleet(
        "probably another instance of uWSGI is running on the same address (127.0.0.1:9090).",
        "bind(): Address already in use [core/socket.c line 769]",
    )
    app = scenes.app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_log(pilot, app, "core/socket.c")
        await until(pilot, lambda: "why :9090" in scenes.text_of(app))


async def test_the_search_moves_the_cursor_and_without_such_a_line_it_is_the_service_that_is_diagnosed() -> None:
    app = scenes.app(fleet("bind: 0.0.0.0:81: address already in use", "one", IN_USE, "two"))
    async with app.run_test(size=(80, 24)) as pilot:
        await to_log(pilot, app, "two")
        await until(pilot, lambda: "why :80" in scenes.text_of(app))
        await pilot.press("n", *":81", "enter")
        await until(pilot, lambda: "why :81" in scenes.text_of(app))
        await pilot.press("escape")
        view = app.screen.query_one(LogView)
        view.clear()
        view.feed((LogLine("web-3", "api.service", "journal", "all is well", 1_795_183_100.0),))
        await until(pilot, lambda: "all is well" in scenes.text_of(app))
        await until(pilot, lambda: "why :" not in scenes.text_of(app))
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen))
        assert isinstance(app.screen, DiagnosisScreen)
        assert app.screen.subject.symptom is None


async def test_a_click_points_at_a_line() -> None:
    app = scenes.app(fleet("bind: 0.0.0.0:81: address already in use", "one", IN_USE, "two"))
    async with app.run_test(size=(80, 24)) as pilot:
        await to_log(pilot, app, "two")
        await until(pilot, lambda: "why :80" in scenes.text_of(app))
        await pilot.click(LogView, offset=(20, 0))
        await until(pilot, lambda: "why :81" in scenes.text_of(app))
        assert not app.screen.query_one(LogView).following
