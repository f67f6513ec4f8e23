"""NO_COLOR: the terminal's own two colours, and every state still told by a glyph, a word, bold or reverse."""

from collections.abc import Iterator

import pytest
from rich.segment import Segment
from textual.widgets import Button

from console.config.model import Config
from console.ui import themes
from console.ui.app import DeckApp
from console.ui.screens.diagnosis import DiagnosisScreen
from tests.ui import scenes
from tests.ui.fake import FakeDiagnoser, FakePlanner
from tests.ui.steps import settle, until


def segments(app: DeckApp) -> Iterator[Segment]:
    for strip in app.screen._compositor.render_strips():
        yield from strip


def colours(app: DeckApp) -> set[str]:
    """Every colour that a cell has; ``default`` is the terminal's own, which differs between text and ground."""
    found: set[str] = set()
    for segment in segments(app):
        style = segment.style
        if style is not None:
            found |= {colour.name for colour in (style.color, style.bgcolor) if colour is not None}
    return found


def reversed_text(app: DeckApp) -> str:
    return "".join(segment.text for segment in segments(app) if segment.style is not None and segment.style.reverse)


@pytest.mark.parametrize("name", ["hostdeck-dark", "hostdeck-light", "hostdeck-ansi", "nord"])
async def test_no_cell_has_the_colour_of_its_ground(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    theme = themes.production(themes.find(name))
    fleet = scenes.fleet()
    app = DeckApp(fleet, Config(), planner=FakePlanner(), diagnoser=FakeDiagnoser(),
                  theme=theme, clock=scenes.CLOCK)  # fmt: skip
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j")
        await settle(pilot)
        assert colours(app) <= {"default"}
        assert "cannot bind tcp 8080" in reversed_text(app), "the cursor is seen without colour"
        for place in ("f2", "f3", "f4", "f6", "f7", "?"):
            await pilot.press(place)
            await settle(pilot)
            assert colours(app) <= {"default"}, place
        await pilot.press("escape", "f1", "enter")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and "HELD BY" in scenes.text_of(app))
        assert colours(app) <= {"default"}
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.focused, Button))
        await settle(pilot)
        assert colours(app) <= {"default"}
        assert "Cancel" in reversed_text(app), "so is the button that enter would press"
        await pilot.press("escape", ":")
        await settle(pilot)
        assert colours(app) <= {"default"}
        await pilot.press("escape")


async def test_colour_is_there_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        assert colours(app) - {"default"}
