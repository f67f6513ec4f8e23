"""Changes belong to the app: one per service, every word kept, nothing lost when a stream breaks."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from console.core.plan import Plan, PlanProgress, Result
from console.ui.changes import Change, Changes
from console.ui.present import plans
from tests.ui import scenes
from tests.ui.fake import FakeFleet, FakeMissed, FakePlanner
from tests.ui.steps import settle, until


def plan() -> Plan:
    return FakePlanner().plan(scenes.held().proposals[0].intents, scenes.web3())


class BrokenFleet(FakeFleet):
    async def execute(self, plan: Plan) -> AsyncIterator[PlanProgress]:
        yield PlanProgress(plan)
        raise ConnectionError("the link is gone")


class MuteFleet(FakeFleet):
    async def execute(self, plan: Plan) -> AsyncIterator[PlanProgress]:
        yield PlanProgress(plan)


async def run(fleet: FakeFleet) -> tuple[Change, list[bool]]:
    moves: list[bool] = []
    changes = Changes(fleet, scenes.CLOCK, lambda change: moves.append(change.running))
    change = changes.begin(plan())
    assert change is not None
    await changes.run(change)
    return change, moves


async def test_a_change_is_told_step_by_step_and_at_its_end() -> None:
    change, moves = await run(FakeFleet(scenes.specs()))
    assert change.progress.result is Result.DONE
    assert moves == [True, True, False]
    assert not change.running


async def test_a_broken_stream_is_unknown_and_never_done_or_failed() -> None:
    change, _ = await run(BrokenFleet(scenes.specs()))
    assert change.progress.result is Result.UNKNOWN
    assert change.progress.reason == "ConnectionError: the link is gone"


async def test_a_stream_that_ends_without_a_result_is_unknown() -> None:
    change, _ = await run(MuteFleet(scenes.specs()))
    assert change.progress.result is Result.UNKNOWN


def test_services_that_are_touched_are_taken_too() -> None:
    changes = Changes(FakeFleet(scenes.specs()), scenes.CLOCK, lambda _change: None)
    first = changes.begin(plan())
    assert first is not None
    assert changes.on(scenes.LEGACY) is first
    assert changes.begin(replace(plan(), id="another", target=scenes.LEGACY, touches=())) is None


def test_so_are_those_that_are_taken_along() -> None:
    changes = Changes(FakeFleet(scenes.specs()), scenes.CLOCK, lambda _change: None)
    first = changes.begin(replace(plan(), touches=(), along=(scenes.LEGACY,)))
    assert first is not None
    assert changes.on(scenes.LEGACY) is first
    assert changes.begin(replace(plan(), id="another", target=scenes.LEGACY, touches=())) is None


def test_what_runs_is_listed_before_what_ended() -> None:
    changes = Changes(FakeFleet(scenes.specs()), scenes.CLOCK, lambda _change: None)
    first = changes.begin(replace(plan(), id="1", touches=()))
    assert first is not None
    first.ended = 1.0
    second = changes.begin(replace(plan(), id="2", touches=()))
    assert second is not None
    second.ended = 2.0
    third = changes.begin(replace(plan(), id="3", touches=()))
    assert [change.plan.id for change in changes.all()] == ["3", "2", "1"]
    assert changes.running() == (third,)


@pytest.mark.parametrize(
    ("age", "took", "shown", "ended"),
    [(40.0, 12.5, "12 s", -27.5), (40.0, None, "", -40.0), (None, 12.5, "", 12.5)],
)
def test_one_that_had_ended_took_what_its_host_has_noted(
    age: float | None, took: float | None, shown: str, ended: float
) -> None:
    changes = Changes(scenes.fleet(), scenes.CLOCK, lambda _: None)
    change = changes.adopt(FakeMissed(plan(), PlanProgress(plan(), result=Result.DONE), age, took))
    assert change is not None
    wall = scenes.CLOCK.wall()
    assert (change.ended or 0.0) - wall == pytest.approx(ended)
    assert plans.row(change, None, wall).cells[5] == shown


async def test_what_an_earlier_console_began_is_shown_and_watched_to_its_end() -> None:
    """Row 32: the console was killed in the midst of it."""
    fleet = scenes.fleet()
    ended, running = (replace(plan(), id=name) for name in ("20261120-ended", "20261120-running"))
    fleet.left_behind = (FakeMissed(ended, PlanProgress(ended, result=Result.DONE)),
                         FakeMissed(running, PlanProgress(running)))  # fmt: skip
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: len(app.deck.changes.all()) == 2 and not app.deck.changes.running())
        assert [change.progress.result for change in app.deck.changes.all()] == [Result.DONE, Result.DONE]
        assert (fleet.resumed, fleet.ran) == ([running], [running])
        fleet.push(scenes.web3(), scenes.held())
        await settle(pilot)
        assert len(app.deck.changes.all()) == 2
        await pilot.press("7")
        await until(pilot, lambda: scenes.text_of(app).count("api.service") >= 2)
