"""The main job with the keys alone: find what is wrong, read why, review, run, see that it is mended."""

import asyncio

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from console.core.keys import Place
from console.core.plan import Plan, Result
from console.core.service import ServiceRef
from console.ui.app import DeckApp
from console.ui.screens.diagnosis import DiagnosisScreen
from console.ui.screens.findings import FindingsScreen
from console.ui.screens.review import ReviewScreen
from tests.ui import scenes
from tests.ui.fake import FakeFleet, FakeRights
from tests.ui.steps import run, seen, settle, until

SIZES = [(120, 40), (80, 24), (40, 15)]


async def to_api(pilot: Pilot[int], app: DeckApp) -> None:
    """Put the cursor on the finding of the held port."""
    await until(pilot, lambda: "web-3" in scenes.text_of(app))
    await pilot.press("g", "j")
    await settle(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_a_held_port_is_freed_and_the_service_started(size: tuple[int, int]) -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=size) as pilot:
        await to_api(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and "HELD BY" in scenes.text_of(app))
        shown = scenes.text_of(app)
        assert "node pid 4112" in shown
        assert "EADDRINUSE" in shown or size[0] == 40
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        await until(pilot, lambda: "systemctl stop" in scenes.text_of(app))
        assert fleet.ran == []
        await run(pilot)
        await until(pilot, lambda: app.deck.changes.all()[0].progress.result is Result.DONE)
        await until(pilot, lambda: "tcp 8080 held by api.service" in scenes.text_of(app))
        assert [plan.target for plan in fleet.ran] == [scenes.API]
        assert "web-3" in fleet.asked, "the host is looked at again at once"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, FindingsScreen))
        await until(pilot, lambda: "cannot bind" not in scenes.text_of(app))


async def test_the_verdict_fits_24_lines_without_scrolling() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await to_api(pilot, app)
        await pilot.press("w")
        await until(pilot, lambda: "MEND" in scenes.text_of(app))
        shown = scenes.text_of(app)
        for word in ("BIND", "HELD BY", "WHY", "RESPAWN", "CLASH", "SURE", "1 stop legacy.service"):
            assert word in shown


async def test_m_and_a_digit_review_from_the_list_itself() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await to_api(pilot, app)
        await pilot.press("m")
        await seen(pilot)
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        await until(pilot, lambda: "systemctl stop legacy.service" in scenes.text_of(app))


async def test_enter_on_a_review_cancels_because_cancel_has_the_focus() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_api(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.focused, Button))
        assert app.focused is not None
        assert app.focused.id == "cancel"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FindingsScreen))
        assert fleet.ran == []


async def test_the_run_button_can_be_reached_with_tab_and_pressed_with_enter() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_api(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "cancel")
        assert "tab reason" in scenes.text_of(app).splitlines()[-1]
        await pilot.press("tab")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "reason")
        await pilot.press("tab")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "run")
        await seen(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: len(fleet.ran) == 1)


async def test_the_reason_goes_into_the_plan_that_is_run() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_api(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        app.screen.query_one("#reason").focus()
        await pilot.press(*"incident 4711".replace(" ", "_"))
        await run(pilot)
        await until(pilot, lambda: len(fleet.ran) == 1)
        assert fleet.ran[0].reason == "incident_4711"


async def test_letters_on_a_button_of_the_review_neither_quit_nor_run() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_api(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "cancel")
        await pilot.press("q")
        await until(pilot, lambda: "esc leaves the review" in scenes.text_of(app))
        await pilot.press(*"requestqxsSH1m")
        await settle(pilot)
        assert app.is_running
        assert not app.leaving
        assert fleet.ran == []
        assert any(isinstance(screen, ReviewScreen) for screen in app.screen_stack)


async def test_run_is_offered_only_while_it_can_be_run() -> None:
    fleet = scenes.fleet()
    fleet.gate.clear()
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_api(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: "ctrl+r run" in scenes.text_of(app).splitlines()[-1])
        await run(pilot)
        await until(pilot, lambda: bool(fleet.ran) and "ctrl+r" not in scenes.text_of(app).splitlines()[-1])
        fleet.gate.set()
        await until(pilot, lambda: "tcp 8080 held by api.service" in scenes.text_of(app))
        assert "ctrl+r" not in scenes.text_of(app).splitlines()[-1]
        await run(pilot)
        await settle(pilot)
        assert len(fleet.ran) == 1


async def test_without_the_right_run_is_off_and_the_sudoers_line_is_shown() -> None:
    fleet = scenes.fleet()
    line = "oncall ALL=(root) NOPASSWD: /usr/bin/systemctl restart api.service"
    fleet.allowed = FakeRights(allowed=False, missing=(line,), reason="no right to restart it without a password")
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await to_api(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: line in scenes.text_of(app))
        await run(pilot)
        await settle(pilot)
        assert fleet.ran == []
        assert "no right to restart it" in scenes.text_of(app).splitlines()[-2]
        await pilot.press("escape", "r")
        await settle(pilot)
        assert isinstance(app.screen, FindingsScreen), "the key is off now"
        assert "no right to restart it" in scenes.text_of(app)


async def test_what_could_not_be_undone_is_told_and_wants_a_second_yes() -> None:
    fleet = scenes.fleet()
    doubt = "if it fails it stays as it is: oncall may not run x; sudoers needs: oncall ALL=(root) NOPASSWD: /bin/x"
    fleet.allowed = FakeRights(undo_doubts=(doubt,), missing=("y",), stays_down=f"old.service may stay down: {doubt}")
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await to_api(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: "if it fails it stays as it is" in scenes.text_of(app))
        assert "sudoers needs: y" not in scenes.text_of(app)
        await run(pilot)
        await until(pilot, lambda: "old.service may stay down" in scenes.text_of(app))
        assert fleet.ran == []


async def test_what_keeps_a_plan_from_running_is_on_its_first_lines() -> None:
    fleet = scenes.fleet()
    fleet.allowed = FakeRights(allowed=False, missing=("oncall ALL=(root) x",), reason="no right to restart it")
    app = scenes.app(fleet)
    async with app.run_test(size=(40, 15)) as pilot:
        await to_api(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: "no right to restart it" in scenes.text_of(app))
        assert "no right to restart it" in "".join(scenes.text_of(app).splitlines()[:4])


async def test_a_failed_plan_keeps_what_the_step_said() -> None:
    fleet = scenes.fleet()
    fleet.result, fleet.output = Result.FAILED, "Job for api.service failed.\nSee journalctl -xe"
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_api(pilot, app)
        await pilot.press("r")
        await run(pilot)
        await until(pilot, lambda: "See journalctl -xe" in scenes.text_of(app))
        assert "failed" in scenes.text_of(app)
        await pilot.press("escape", "7")
        await until(pilot, lambda: scenes.front(app).PLACE is Place.PLANS)
        await until(
            pilot, lambda: "Job for api.service failed." in scenes.text_of(app) or "failed" in scenes.text_of(app)
        )


async def test_production_is_said_in_words_on_the_review() -> None:
    app = scenes.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await to_api(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: "PRODUCTION HOST   Restart  web-3" in scenes.text_of(app))
        assert app.screen.has_class("-production")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_plan_without_the_right_to_run_is_grey_and_its_sudoers_line_is_whole(size: tuple[int, int]) -> None:
    fleet = scenes.fleet()
    line = "oncall ALL=(root) NOPASSWD: /usr/bin/systemctl restart a-service-of-a-rather-long-name.service"
    why = f"oncall may not run systemctl restart api.service as root without a password; sudoers needs: {line}"
    fleet.allowed = FakeRights(allowed=False, missing=(line,), reason=why)
    app = scenes.app(fleet)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "old-1" in scenes.text_of(app) and "IO wait" in scenes.text_of(app))
        await pilot.press("g", "j", "r")
        await until(pilot, lambda: "Cannot run: no right" in scenes.text_of(app))
        assert "Run (ctrl+r)" not in scenes.text_of(app)
        assert "ctrl+r run" in scenes.text_of(app), "a key that is off is grey, it does not go away"
        screen = scenes.front(app)
        assert line in screen.copied()
        await run(pilot)
        await until(pilot, lambda: line in _joined(app))
        assert fleet.ran == []
        await pilot.press("escape", "r")
        await until(pilot, lambda: line in _joined(app))


def _joined(app: DeckApp) -> str:
    """The sentence above the keys as one line."""
    return " ".join(" ".join(str(one.render()).split()) for one in app.screen.query("#say"))


async def test_that_a_plan_cannot_run_is_told_whole_also_when_the_host_says_so_late() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    class Slow(FakeFleet):
        async def rights(self, host: str, plan: Plan) -> FakeRights:
            asked.set()
            await answer.wait()
            return FakeRights(allowed=False, reason="no right to restart it")

    fleet = Slow(scenes.specs())
    fleet.push(scenes.web3(), scenes.held())
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "cannot bind" in scenes.text_of(app) or ":8080" in scenes.text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: "rights are still asked for" in scenes.text_of(app) and asked.is_set())
        answer.set()
        await until(pilot, lambda: "Cannot run: no right" in scenes.text_of(app))


async def test_a_context_of_production_is_said_too_where_the_host_is_none() -> None:
    ref = ServiceRef("web-1", "kubernetes", "shop/deploy/api")
    chain = ("kubernetes", "prod-eu (production)", "shop/deploy/api")
    fleet = scenes.fleet()
    fleet.push(scenes.up("web-1", services=(scenes.service("web-1", "api", ref=ref, chain=chain),)))
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("2", "slash", *"shop/deploy", "enter")
        await until(pilot, lambda: "PRODUCTION prod-eu" in scenes.text_of(app))
        assert "prod shop/deploy/api" in scenes.text_of(app)
        await pilot.press("r")
        await until(pilot, lambda: "PRODUCTION CONTEXT prod-eu   Restart  web-1" in scenes.text_of(app))
