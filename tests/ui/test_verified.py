"""No plan is made from what was seen a while ago: the host is asked between the key and the review."""

import asyncio
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from console.core.finding import Finding, Severity
from console.core.plan import ActionKind
from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import Snapshot, Symptom
from console.diagnosis.verdict import Verdict
from console.ui.app import DeckApp
from console.ui.fleet_port import FleetPort
from console.ui.screens.diagnosis import DiagnosisScreen
from console.ui.screens.findings import FindingsScreen
from console.ui.screens.review import ReviewScreen
from tests.ui import scenes
from tests.ui.fake import FakeDiagnoser, FakeFleet
from tests.ui.steps import seen, settle, until


def taken_by_another() -> Snapshot:
    """Somebody else has the port by now."""
    base = scenes.web3()
    other = scenes.service("web-3", "payments.service", ports=(Endpoint("tcp", "0.0.0.0", 8080),), pids=(700,))
    legacy = replace(base.services[1], ports=())
    held = replace(base.listeners[-1], address="0.0.0.0", pids=(700,), process="payments", unit="payments.service")
    services = (base.services[0], legacy, other, *base.services[2:])
    return replace(base, services=services, listeners=(*base.listeners[:-1], held))


class Looking(FakeDiagnoser):
    """A look at the host may find another state than the one that was shown, or fail."""

    def __init__(self, found: Snapshot | None = None, failure: str = "") -> None:
        super().__init__()
        self.found, self.failure = found, failure
        self.gate = asyncio.Event()
        self.gate.set()

    async def verified(
        self, fleet: FleetPort, host: str, target: ServiceRef | Endpoint, symptom: Symptom | None = None
    ) -> Verdict:
        self.asked += 1
        await self.gate.wait()
        if self.failure:
            raise RuntimeError(self.failure)
        assert isinstance(fleet, FakeFleet)
        if self.found is not None:
            fleet.push(self.found, scenes.held())
        return self.now(fleet.snapshot(host), target, symptom)


def made(looking: Looking, **pushed: Finding) -> tuple[DeckApp, FakeFleet]:
    fleet = FakeFleet(scenes.specs())
    fleet.push(scenes.up("web-1"))
    fleet.push(scenes.web3(), *(pushed.values() or (scenes.held(),)))
    app = scenes.app(fleet)
    app.deck.diagnoser = looking
    return app, fleet


async def to_api(pilot: Pilot[int], app: DeckApp) -> None:
    await until(pilot, lambda: "web-3" in scenes.text_of(app))
    await pilot.press("g")
    await settle(pilot)


async def mend(pilot: Pilot[int]) -> None:
    await pilot.press("m")
    await seen(pilot)
    await pilot.press("1")


async def test_m_and_a_digit_plan_only_once_the_host_was_asked() -> None:
    looking = Looking()
    looking.gate.clear()
    app, fleet = made(looking)
    async with app.run_test(size=(100, 30)) as pilot:
        await to_api(pilot, app)
        await mend(pilot)
        await until(pilot, lambda: looking.asked == 1)
        await settle(pilot)
        assert isinstance(app.screen, FindingsScreen)
        assert "asking web-3 whether it still is so" in scenes.text_of(app)
        looking.gate.set()
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        await until(pilot, lambda: "systemctl stop legacy.service" in scenes.text_of(app))
        assert fleet.ran == []


async def test_what_another_has_by_now_is_shown_and_not_planned() -> None:
    app, fleet = made(Looking(taken_by_another()))
    async with app.run_test(size=(100, 30)) as pilot:
        await to_api(pilot, app)
        await mend(pilot)
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen))
        await until(pilot, lambda: "nothing was planned: web-3 is not as it was shown" in scenes.text_of(app))
        await until(pilot, lambda: "1 stop payments.service, then start api.service" in scenes.text_of(app))
        assert fleet.ran == []


async def test_a_digit_on_the_diagnosis_waits_for_the_look_and_does_not_plan_for_what_is_over() -> None:
    looking = Looking(taken_by_another())
    looking.gate.clear()
    app, fleet = made(looking)
    async with app.run_test(size=(100, 30)) as pilot:
        await to_api(pilot, app)
        await pilot.press("enter", "1")
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and looking.asked == 1)
        await settle(pilot)
        assert isinstance(app.screen, DiagnosisScreen)
        looking.gate.set()
        await until(pilot, lambda: "nothing was planned: web-3 is not as it was shown" in scenes.text_of(app))
        assert isinstance(app.screen, DiagnosisScreen)
        assert looking.asked == 1, "the look that was begun is the one that is waited for"
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        assert "systemctl stop payments.service" in scenes.text_of(app)
        assert fleet.ran == []


@pytest.mark.parametrize("keys", [("m",), ("x",)])
async def test_a_host_that_cannot_be_asked_gets_no_plan(keys: tuple[str, ...]) -> None:
    app, fleet = made(Looking(failure="connection lost"))
    async with app.run_test(size=(100, 30)) as pilot:
        await to_api(pilot, app)
        await (mend(pilot) if keys == ("m",) else pilot.press(*keys))
        told = "web-3 could not be asked, so nothing was planned: connection lost"
        await until(pilot, lambda: told in scenes.text_of(app))
        assert isinstance(app.screen, FindingsScreen)
        assert fleet.ran == []


async def test_x_on_a_finding_frees_the_port_from_who_has_it_by_the_look() -> None:
    looking = Looking(taken_by_another())
    app, _ = made(looking)
    async with app.run_test(size=(100, 30)) as pilot:
        await to_api(pilot, app)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        assert isinstance(app.screen, ReviewScreen)
        assert looking.asked == 1
        [plan] = app.screen.plans
        assert (plan.kind, plan.target.name) == (ActionKind.FREE_PORT, "api.service")
        assert [ref.name for ref in plan.touches] == ["payments.service"]


async def test_the_digits_of_a_finding_are_what_is_shown_of_it() -> None:
    twice = Finding(
        "port-claimed-twice", Severity.WARNING, "web-3", str(scenes.API), "tcp 8080 is wanted by two",
        service=scenes.API, port=8080,
    )  # fmt: skip
    app, _ = made(Looking(), twice=twice)
    async with app.run_test(size=(100, 30)) as pilot:
        await to_api(pilot, app)
        await pilot.press("m")
        await until(pilot, lambda: "there is no proposal for this finding" in scenes.text_of(app))
        assert isinstance(app.screen, FindingsScreen), "no way out is shown that would stop the one that runs"
