"""A key that is off is grey and says why when it is pressed; nothing else happens."""

import dataclasses

import pytest

from console.core.plan import ActionKind
from console.core.snapshot import Link, LinkState
from console.ui.screens.findings import FindingsScreen
from console.ui.screens.help import HelpScreen
from tests.ui import scenes
from tests.ui.fake import FakePlanner
from tests.ui.steps import settle, until


@pytest.mark.parametrize("key", ["r", "s", "S", "H", "m", "x"])
async def test_a_read_only_console_says_why_for_every_key_that_changes(key: str) -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet, read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", key)
        await until(pilot, lambda: "this console is read-only" in scenes.text_of(app))
        assert "READ-ONLY" in scenes.text_of(app)
        assert isinstance(app.screen, FindingsScreen)
        assert fleet.ran == []


async def test_a_read_only_host_is_told_by_name_and_other_hosts_are_not_hit() -> None:
    app = scenes.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("2", "/", *"db-1", "enter", "j", "j", "s")
        await until(pilot, lambda: "db-1 is read-only by the configuration" in scenes.text_of(app))


async def test_what_the_rules_refuse_is_said_in_their_words() -> None:
    planner = FakePlanner({ActionKind.RELOAD: "api.service does not run: there is nothing to reload"})
    app = scenes.app(planner=planner)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "H")
        await until(pilot, lambda: "nothing to reload" in scenes.text_of(app))


async def test_a_stale_host_is_not_changed() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        stale = dataclasses.replace(scenes.web3(), link=Link(LinkState.STALE, scenes.NOW - 9), at=scenes.NOW - 12)
        fleet.push(stale, scenes.held())
        await pilot.press("g", "j")
        await until(pilot, lambda: "1 stale" in scenes.text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: "has not answered for 12s" in scenes.text_of(app))
        await pilot.press("2")
        await until(pilot, lambda: "stale 12s" in scenes.text_of(app))


async def test_a_key_without_anything_selected_says_so() -> None:
    app = scenes.app(scenes.fleet(quiet=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "All quiet" in scenes.text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: "no service is selected" in scenes.text_of(app))


async def test_the_help_tells_every_key_and_why_one_is_off() -> None:
    app = scenes.app(read_only=True)
    async with app.run_test(size=(120, 60)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        shown = scenes.text_of(app)
        assert "restart the service" in shown
        assert "off: this console is read-only" in shown
        assert "ctrl+f ctrl+b" in shown
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, FindingsScreen))


async def test_a_reason_goes_away_by_itself_and_never_covers_the_keys() -> None:
    app = scenes.app(scenes.fleet(quiet=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "All quiet" in scenes.text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: "no service is selected" in scenes.text_of(app))
        await settle(pilot)
        lines = scenes.text_of(app).splitlines()
        assert "? help" in lines[-1]
        assert "no service is selected" in lines[-2]


async def test_a_key_of_other_screens_says_why_it_does_nothing_on_a_page() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "old-1" in scenes.text_of(app) and "IO wait" in scenes.text_of(app))
        await pilot.press("g", "enter")
        await until(pilot, lambda: "check that the host is up" in scenes.text_of(app))
        await pilot.press("w")
        await until(pilot, lambda: "this page is the diagnosis already" in scenes.text_of(app))
        await pilot.press("f")
        await until(pilot, lambda: "'follow' does nothing on this page: esc goes back" in scenes.text_of(app))
        await pilot.press("e")
        await until(pilot, lambda: "Evidence" in scenes.text_of(app))
        await pilot.press("l")
        await until(pilot, lambda: "'logs' does nothing on this page: esc goes back" in scenes.text_of(app))
        await pilot.press("4")
        await until(pilot, lambda: "F4 opens Resources from here, esc goes back" in scenes.text_of(app))


async def test_a_key_of_other_tabs_names_them() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "old-1" in scenes.text_of(app))
        await pilot.press("6", "r")
        words = "'restart' does nothing on this page: it is a key of Findings, Services, Ports, Logs"
        await until(pilot, lambda: words in " ".join(scenes.text_of(app).split()))


async def test_a_digit_of_no_proposal_says_what_leads_to_the_screen() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "old-1" in scenes.text_of(app) and "IO wait" in scenes.text_of(app))
        await pilot.press("g", "j", "enter")
        await until(pilot, lambda: "1-2 mend" in scenes.text_of(app))
        await pilot.press("7")
        words = "there is no proposal 7: F7 opens Plans, esc goes back"
        await until(pilot, lambda: words in scenes.text_of(app))


async def test_a_host_that_does_not_answer_has_the_same_advice_wherever_it_is_asked_for() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "old-1" in scenes.text_of(app) and "IO wait" in scenes.text_of(app))
        await pilot.press("g")
        await until(pilot, lambda: "MEND  check that the host is up" in scenes.text_of(app))
        await pilot.press("m")
        words = "nothing can be run from here: check that the host is up and that port 22 is reachable"
        await until(pilot, lambda: words in " ".join(scenes.text_of(app).split()))
