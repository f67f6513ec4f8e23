"""Pages that are opened from a list: they follow what they are about, and a function key leaves them."""

from dataclasses import replace

import pytest

from console.core.command import Command
from console.core.finding import Finding, Severity
from console.core.keys import Place
from console.core.plan import ActionKind, Plan, PlanProgress, Result, Step
from console.core.service import Endpoint, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot, Symptom
from console.diagnosis.verdict import Verdict
from console.remote.plan_inspect import PlanLife
from console.remote.plan_others import OtherPlan
from console.ui.fleet_port import FleetPort
from console.ui.screens.confirm import ConfirmScreen
from console.ui.screens.diagnosis import LOOK_AGAIN, DiagnosisScreen
from console.ui.screens.review import ReviewScreen
from tests.ui import scenes
from tests.ui.fake import FakeDiagnoser, FakeFleet, FakeKey, FakeMissed
from tests.ui.steps import run, settle, until


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


class Asked(FakeDiagnoser):
    """A look at the host that brings a new list of the same listeners, and tells more than was known."""

    async def verified(
        self, fleet: FleetPort, host: str, target: ServiceRef | Endpoint, symptom: Symptom | None = None
    ) -> Verdict:
        assert isinstance(fleet, FakeFleet)
        seen = fleet.snapshot(host)
        fleet.push(replace(seen, listeners=tuple(map(replace, seen.listeners))), scenes.held())
        verdict = await super().verified(fleet, host, target, symptom)
        return replace(verdict, impact=("47 live connections",))


async def test_a_diagnosis_shows_what_the_look_at_the_host_told_until_something_changes() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    diagnoser = Asked()
    app.deck.diagnoser = diagnoser
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "cannot bind" in scenes.text_of(app))
        await pilot.press("g", "j", "enter")
        await until(pilot, lambda: "47 live connections" in scenes.text_of(app))
        # What is merely counted anew does not take it away, nor does it ask again.
        asked = diagnoser.asked
        fleet.push(replace(fleet.snapshot("web-3"), at=99.0), scenes.held())
        await settle(pilot)
        assert "47 live connections" in scenes.text_of(app)
        assert diagnoser.asked == asked
        fleet.push(replace(fleet.snapshot("web-3"), listeners=()), scenes.held())
        await until(pilot, lambda: "47 live connections" not in scenes.text_of(app))


class Overtaken(FakeDiagnoser):
    """A look at the host during which the holder goes away."""

    async def verified(
        self, fleet: FleetPort, host: str, target: ServiceRef | Endpoint, symptom: Symptom | None = None
    ) -> Verdict:
        assert isinstance(fleet, FakeFleet)
        verdict = await super().verified(fleet, host, target, symptom)
        fleet.push(replace(fleet.snapshot(host), listeners=()), scenes.held())
        return verdict


async def test_what_changes_while_the_host_is_asked_is_asked_again_soon() -> None:
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    diagnoser, now = Overtaken(), [scenes.NOW]
    app.deck.diagnoser = diagnoser
    app.deck.clock = replace(scenes.CLOCK, monotonic=lambda: now[0])
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "cannot bind" in scenes.text_of(app))
        await pilot.press("g", "j", "enter")
        await until(pilot, lambda: "on the host 0s ago, while something changed: soon again" in scenes.text_of(app))
        assert diagnoser.asked == 1
        screen = app.screen
        assert isinstance(screen, DiagnosisScreen)
        now[0] += LOOK_AGAIN
        screen.sync()
        await until(pilot, lambda: diagnoser.asked == 2)
        await settle(pilot)
        # Now nothing changed meanwhile.
        now[0] += LOOK_AGAIN
        screen.sync()
        await settle(pilot)
        assert diagnoser.asked == 2
        assert "soon again" not in scenes.text_of(app)


async def test_what_the_lists_tell_after_a_change_is_not_said_to_be_checked_on_the_host() -> None:
    """Within the first seconds of a console its lists fill: a verdict without a look is the poorer one."""
    fleet = scenes.fleet()
    app = scenes.app(fleet)
    diagnoser, now = Asked(), [scenes.NOW]
    app.deck.diagnoser = diagnoser
    app.deck.clock = replace(scenes.CLOCK, monotonic=lambda: now[0])
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "cannot bind" in scenes.text_of(app))
        await pilot.press("g", "j", "enter")
        await until(pilot, lambda: "47 live connections" in scenes.text_of(app))
        assert "on the host 0s ago" in scenes.text_of(app)
        asked = diagnoser.asked
        now[0] += LOOK_AGAIN / 2
        fleet.push(replace(fleet.snapshot("web-3"), services=fleet.snapshot("web-3").services[:1]), scenes.held())
        await until(pilot, lambda: "47 live connections" not in scenes.text_of(app))
        assert diagnoser.asked == asked
        assert "on the host" not in scenes.text_of(app)
        assert "not since something changed; asked 1s ago, soon again" in scenes.text_of(app)
        now[0] += LOOK_AGAIN
        assert isinstance(app.screen, DiagnosisScreen)
        app.screen.sync()
        await until(pilot, lambda: "47 live connections" in scenes.text_of(app))
        assert "on the host 0s ago" in scenes.text_of(app)


async def test_a_diagnosis_tells_that_a_plan_runs() -> None:
    fleet = scenes.fleet()
    fleet.gate.clear()
    app = scenes.app(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "cannot bind" in scenes.text_of(app))
        await pilot.press("g", "j", "enter", "1")
        await run(pilot)
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
        await run(pilot)
        await until(pilot, lambda: "tcp 8080 held by api.service" in scenes.text_of(app))
        await pilot.press("f7")
        await until(pilot, lambda: scenes.front(app).PLACE is Place.PLANS)


async def test_what_other_consoles_run_is_asked_when_the_plans_are_opened_and_by_a_key() -> None:
    fleet = scenes.fleet()
    runs = OtherPlan("20261120-1", "restart", "api.service", "bob (as bob@b2)", PlanLife.RUNNING, 40.0, "incident 4711",
                     "restart api.service", ("systemctl restart api.service",))  # fmt: skip
    fleet.elsewhere = {"web-3": (runs,)}
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "cannot bind" in scenes.text_of(app))
        assert not [asked for asked in fleet.asked if asked.startswith("others")]
        await pilot.press("7")
        await until(pilot, lambda: "bob (as bob@b2), from another" in scenes.text_of(app))
        assert "another console" in scenes.text_of(app)
        assert "◐ running" in scenes.text_of(app)
        assert "incident 4711" in scenes.text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: "this one only tells of it" in scenes.text_of(app))
        # It ran on this host, and left its lock on another; the first is not told a second time on the way.
        left = replace(runs, life=PlanLife.ABANDONED, step="", commands=(), end="its lease is over")
        fleet.elsewhere = {"web-3": (), "db-1": (left,)}
        await pilot.press("1", "7")
        await settle(pilot)
        assert "✗ abandoned" not in scenes.text_of(app)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "✗ abandoned" in scenes.text_of(app) and "◐ running" not in scenes.text_of(app))
        await until(pilot, lambda: "not told: its files" in scenes.text_of(app))
        assert "its lease is over" in scenes.text_of(app)
        ended = replace(runs, life=PlanLife.ENDED, step="", end="api.service is flapping", result=Result.UNDONE)
        fleet.elsewhere = {"web-3": (ended,), "db-1": ()}
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "↶ undone" in scenes.text_of(app) and "✗ abandoned" not in scenes.text_of(app))
        assert "api.service is flapping" in scenes.text_of(app)


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


async def test_the_port_that_a_verdict_is_about_can_be_freed_from_its_page() -> None:
    """The service does not say what it wants: only its log does."""
    fleet = scenes.fleet()
    seen = scenes.web3()
    fleet.push(replace(seen, services=(replace(seen.services[0], wants=()), *seen.services[1:])), scenes.held())
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("2", "slash", *"api", "enter", "g", "enter")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and "HELD BY" in scenes.text_of(app))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        assert isinstance(app.screen, ReviewScreen)
        assert app.screen.plans[0].kind is ActionKind.FREE_PORT


@pytest.mark.parametrize(
    ("age", "when"),
    [(300.0, "begun 5m ago, ended"), (None, "ended")],
    ids=["begun", "its host was restarted since"],
)
async def test_what_a_plan_left_undone_is_told_where_its_service_is_down(age: float | None, when: str) -> None:
    """Nobody saw when it ended."""
    fleet = scenes.fleet()
    ref = scenes.web3().services[0].ref
    left = Plan("20261120-7", ActionKind.ROLLBACK, ref, (Step("start api.service", Command(("true",))),))
    gone = PlanProgress(left, result=Result.UNKNOWN, reason="its process is gone and left no result")
    fleet.left_behind = (FakeMissed(left, gone, age),)
    app = scenes.app(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "cannot bind" in scenes.text_of(app))
        await pilot.press("g", "j")
        await until(pilot, lambda: f"rollback of api.service, {when} as unknown" in scenes.text_of(app))
        assert "its process is gone" in scenes.text_of(app)
        # It runs again: nothing is left of that.
        seen = scenes.web3()
        well = tuple(replace(one, state=State.RUNNING) if one.ref == ref else one for one in seen.services)
        fleet.push(replace(seen, services=well), scenes.held())
        await until(pilot, lambda: "ended as unknown" not in scenes.text_of(app))
