"""Pages that are opened from a list: they follow what they are about, and a function key leaves them."""

from dataclasses import replace

from console.core.finding import Finding, Severity
from console.core.keys import Place
from console.core.service import State
from console.core.snapshot import Link, LinkState, Snapshot
from console.ui.screens.confirm import ConfirmScreen
from console.ui.screens.diagnosis import DiagnosisScreen
from console.ui.screens.review import ReviewScreen
from tests.ui import scenes
from tests.ui.fake import FakeFleet, FakeKey
from tests.ui.steps import settle, until


def _loop(code: str, summary: str) -> Finding:
    return Finding(code, Severity.CRITICAL, "web-3", str(scenes.API), summary, service=scenes.API)


def _web3(state: State) -> Snapshot:
    base = scenes.up("web-3")
    return replace(base, services=(scenes.service("web-3", "api.service", state), *base.services))


async def test_a_diagnosis_follows_the_service_to_its_new_finding_and_says_mended_only_when_it_runs() -> None:
    fleet = FakeFleet(scenes.specs())
    fleet.push(_web3(State.FLAPPING), _loop("restart-loop", "starts again and again"))
    app = scenes.app(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "starts again and again" in scenes.text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen))
        fleet.push(_web3(State.FAILED), _loop("start-limit", "failed too often: no further start"))
        await until(pilot, lambda: "failed too often" in scenes.text_of(app))
        fleet.push(_web3(State.FAILED))
        await until(pilot, lambda: "no finding of it now" in scenes.text_of(app))
        assert "api.service FAILED" in scenes.text_of(app)
        assert "mended" not in scenes.text_of(app)
        fleet.push(_web3(State.RUNNING))
        await until(pilot, lambda: "mended" in scenes.text_of(app))


async def test_a_diagnosis_tells_that_a_plan_runs() -> None:
    fleet = scenes.fleet()
    fleet.gate.clear()
    app = scenes.app(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "cannot bind" in scenes.text_of(app))
        await pilot.press("g", "j", "enter", "1", "ctrl+r")
        await until(pilot, lambda: bool(fleet.ran))
        await pilot.press("escape")
        await until(pilot, lambda: "a plan runs" in scenes.text_of(app))
        fleet.gate.set()
        await until(pilot, lambda: "a plan runs" not in scenes.text_of(app))


async def test_function_keys_leave_a_page_but_not_a_review() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "cannot bind" in scenes.text_of(app))
        await pilot.press("g", "j", "enter")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen))
        await pilot.press("f2")
        await until(pilot, lambda: scenes.front(app).PLACE is Place.SERVICES)
        await pilot.press("f1", "r", "f2")
        await until(pilot, lambda: "esc leaves the review first" in scenes.text_of(app))
        assert isinstance(app.screen, ReviewScreen)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "tcp 8080 held by api.service" in scenes.text_of(app))
        await pilot.press("f7")
        await until(pilot, lambda: scenes.front(app).PLACE is Place.PLANS)


async def test_an_unknown_host_key_is_accepted_from_its_finding() -> None:
    fleet = FakeFleet(scenes.specs())
    fleet.offered = FakeKey()
    link = Link(LinkState.DOWN, scenes.NOW - 4, "its host key is not known", "host-key-unknown", attempts=1)
    fleet.push(Snapshot("old-1", link), scenes.down())
    app = scenes.app(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "a accept key" in scenes.text_of(app).splitlines()[-1])
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and "SHA256:" in scenes.text_of(app))
        await pilot.press("escape")
        fleet.push(scenes.db1(), scenes.slow_disk())
        await settle(pilot)
