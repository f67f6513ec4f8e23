"""A process that no manager owns: ended with the keys, and killed only where that was in vain, after a second yes."""

import asyncio
import re
from dataclasses import replace

from textual.pilot import Pilot

from console.core.network import Process
from console.core.plan import OUTLIVED, ActionKind, Plan, Result
from console.core.snapshot import Link, LinkState, Snapshot
from console.ui.app import DeckApp
from console.ui.screens.confirm import ConfirmScreen
from console.ui.screens.diagnosis import DiagnosisScreen
from console.ui.screens.review import ReviewScreen
from tests.ui import scenes
from tests.ui.fake import FakeFleet, FakeMissed, FakeRights
from tests.ui.steps import run, seen, settle, until

SESSION = "/user.slice/user-990.slice/session-3.scope"


def stray() -> Snapshot:
    """api.service cannot have its port for a process that somebody left in his session."""
    base = scenes.web3()
    held = replace(base.listeners[-1], pids=(555,), unit="session-3.scope", cgroup=SESSION)
    legacy = replace(base.services[1], ports=())
    process = Process(555, "node", 1, "deploy", "S", "node server.js", SESSION, started=777)
    return replace(
        base,
        services=(base.services[0], legacy, *base.services[2:]),
        listeners=(*base.listeners[:-1], held),
        processes=(process,),
        identity=replace(base.identity, user="root", uid=0),  # type: ignore[type-var]
    )


def fleet() -> FakeFleet:
    made = FakeFleet(scenes.specs())
    made.push(scenes.up("web-1"))
    made.push(stray(), scenes.held())
    return made


async def to_review(pilot: Pilot[int], app: DeckApp) -> None:
    await until(pilot, lambda: "web-3" in scenes.text_of(app))
    await pilot.press("g", "enter")
    await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and "HELD BY" in scenes.text_of(app))
    await until(pilot, lambda: "end node (pid 555), then start api.service" in scenes.text_of(app))
    await pilot.press("1")
    await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
    await until(pilot, lambda: "kill -TERM 555" in scenes.text_of(app))


async def test_a_process_is_ended_with_a_digit_and_ctrl_r() -> None:
    made = fleet()
    app = scenes.app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_review(pilot, app)
        shown = scenes.text_of(app)
        assert re.search(r"also hit +node \(pid 555\)", shown), shown
        assert "(looks only)" in shown
        assert "K kill" not in shown
        await pilot.press("K")
        await until(pilot, lambda: "SIGKILL is offered only where SIGTERM" in scenes.text_of(app))
        await run(pilot)
        await until(pilot, lambda: len(made.ran) == 1)
        assert made.ran[0].kind is ActionKind.FREE_PORT


async def test_what_does_not_end_is_killed_by_another_plan_after_a_second_yes() -> None:
    made = fleet()
    made.result, made.failing, made.output = Result.FAILED, "see node (pid 555) end", "node (pid 555) ignores SIGTERM"
    made.exit = OUTLIVED
    app = scenes.app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_review(pilot, app)
        await run(pilot)
        await until(pilot, lambda: "K kill process 555 with SIGKILL" in scenes.text_of(app))
        await pilot.press("escape", "escape", "7")
        await until(pilot, lambda: "enter, then K kill process 555 with SIGKILL" in scenes.text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "K kill process 555 with SIGKILL" in scenes.text_of(app))
        made.result = Result.DONE
        await pilot.press("K")
        await until(pilot, lambda: "kill -KILL 555" in scenes.text_of(app))
        assert len(made.ran) == 1
        assert "Kill  web-3  node (pid 555)" in scenes.text_of(app).splitlines()[1]
        await settle(pilot)
        await run(pilot)
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "no time to save anything" in scenes.text_of(app)
        assert "Kill  web-3  node (pid 555)?" in scenes.text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        assert len(made.ran) == 1, "enter is the harmless answer"
        await run(pilot)
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await seen(pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: len(made.ran) == 2)
        assert [plan.kind for plan in made.ran] == [ActionKind.FREE_PORT, ActionKind.KILL]
        assert made.ran[1].touches == (scenes.API,)


async def test_x_on_the_diagnosis_reviews_the_way_out_that_takes_the_port() -> None:
    made = fleet()
    app = scenes.app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "enter")
        await until(pilot, lambda: "end node (pid 555), then start api.service" in scenes.text_of(app))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        await until(pilot, lambda: "kill -TERM 555" in scenes.text_of(app))
        assert isinstance(app.screen, ReviewScreen)
        assert app.screen.plans[0].kind is ActionKind.FREE_PORT


async def test_x_on_the_port_itself_only_ends_who_has_it() -> None:
    made = FakeFleet(scenes.specs())
    made.push(stray())
    app = scenes.app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await pilot.press(*"8080")
        await until(pilot, lambda: "node" in scenes.text_of(app))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        assert isinstance(app.screen, ReviewScreen)
        [plan] = app.screen.plans
        assert (plan.kind, str(plan.target)) == (ActionKind.STOP, "web-3/process:555")
        assert plan.irreversible is not None


async def test_nothing_runs_before_the_rights_are_told_and_a_second_yes_is_asked_then() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow(host: str, plan: Plan) -> FakeRights:
        asked.set()
        await answer.wait()
        return FakeRights(undo_doubts=("if it fails it stays as it is",), stays_down="legacy.service may stay down")

    made = fleet()
    made.rights = slow  # type: ignore[method-assign]
    app = scenes.app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_review(pilot, app)
        await until(pilot, asked.is_set)
        await run(pilot)
        await until(pilot, lambda: "rights are still asked for" in " ".join(say(app)))
        assert made.ran == []
        answer.set()
        await until(pilot, lambda: "Run (ctrl+r)" in scenes.text_of(app))
        await run(pilot)
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert made.ran == []


async def test_rights_that_the_host_does_not_tell_are_asked_again_and_nothing_runs_without_them() -> None:
    answers: list[Exception | FakeRights] = [RuntimeError("connection lost"), FakeRights()]

    async def failing(host: str, plan: Plan) -> FakeRights:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    made = fleet()
    made.rights = failing  # type: ignore[method-assign]
    app = scenes.app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_review(pilot, app)
        await until(pilot, lambda: "Ask again (ctrl+r)" in scenes.text_of(app))
        assert "not known, so nothing is run: connection lost" in scenes.text_of(app)
        await run(pilot)
        await until(pilot, lambda: "Run (ctrl+r)" in scenes.text_of(app))
        assert made.ran == []
        assert "not known" not in scenes.text_of(app)
        await run(pilot)
        await until(pilot, lambda: len(made.ran) == 1)


async def test_an_end_that_was_not_seen_is_asked_for_when_the_host_is_back() -> None:
    made = fleet()
    made.result = Result.UNKNOWN
    app = scenes.app(made)
    async with app.run_test(size=(120, 40)) as pilot:
        await to_review(pilot, app)
        await run(pilot)
        await until(pilot, lambda: [one.progress.result for one in app.deck.changes.all()] == [Result.UNKNOWN])
        await settle(pilot)
        change = app.deck.changes.all()[0]
        here = made.latest["web-3"]
        made.push(here)
        await until(pilot, lambda: "web-3" in app._picked_up)
        made.push(replace(here, link=Link(LinkState.DOWN, 0.0)))
        told = replace(change.progress, result=Result.DONE, reason=None, proof=("tcp 8080 released",))
        made.left_behind = (FakeMissed(made.ran[0], told),)
        made.push(here)
        await until(pilot, lambda: change.progress.result is Result.DONE)
        await until(pilot, lambda: "tcp 8080 released" in scenes.text_of(app))
        assert len(made.ran) == 1


async def test_an_end_that_was_not_seen_is_asked_for_by_the_next_look_too() -> None:
    made = fleet()
    made.result = Result.UNKNOWN
    app = scenes.app(made)
    async with app.run_test(size=(120, 40)) as pilot:
        await to_review(pilot, app)
        await run(pilot)
        await until(pilot, lambda: [one.progress.result for one in app.deck.changes.all()] == [Result.UNKNOWN])
        change = app.deck.changes.all()[0]
        made.left_behind = (FakeMissed(made.ran[0], replace(change.progress, result=None, reason=None)),)
        made.result = Result.DONE
        await until(pilot, lambda: "web-3" not in app._picked_up)
        made.push(made.latest["web-3"])
        await until(pilot, lambda: change.progress.result is Result.DONE)
        assert made.resumed == [made.ran[0]]


def say(app: DeckApp) -> list[str]:
    """The sentence above the keys."""
    return [str(one.render()) for one in app.screen.query("#say")]
