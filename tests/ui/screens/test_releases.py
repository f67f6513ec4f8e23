"""The releases of a service: what a roll back would change is told beside it, and in its review, before it is run."""

from __future__ import annotations

from dataclasses import replace

from console.actions import ActionSettings, RefusedError, plan
from console.config.model import Config
from console.core.difference import Change, Difference, Gap, How, Pair, Subject
from console.core.plan import ActionKind, Intent, Plan
from console.core.release import Recipe, Release, ReleaseBook, Source
from console.core.snapshot import Snapshot
from console.managers import MANAGERS
from console.ui.app import DeckApp
from console.ui.planner import ActionsPlanner
from console.ui.screens.page import PageScreen
from console.ui.screens.releases import ReleasesScreen
from console.ui.screens.review import ReviewScreen
from console.ui.verbs import review
from tests.ui import scenes
from tests.ui.fake import FakeFleet
from tests.ui.steps import run, until

SETTINGS = ActionSettings(recipe=Recipe("/srv/api", "/srv/api/src", ("make", "build")), stamp="20261120T140211Z")
RELEASES = (
    Release("20261120-ccc", "v1.2.0", "c" * 40, 30.0, 30.0, 60.0, "ann", True, live=True),
    Release("20261119-bbb", "v1.1.0", "b" * 40, 20.0, 20.0, 10.0, "bob", True),
    Release("20261118-aaa", "v1.0.0", "a" * 40, 10.0, 10.0, 10.0, "bob", True),
)
MANY = Difference(
    Pair(scenes.API, "", ""),
    (
        *(Change(Subject.COMMIT, How.REMOVED, f"{number:07x} Change number {number} of many") for number in range(12)),
        *(Change(Subject.FILE, How.CHANGED, f"lib/part{number}.py") for number in range(20)),
        Change(Subject.VARIABLE, How.CHANGED, ".env: LOG_LEVEL", "debug", "info"),
    ),
    gaps=(Gap("files", "some of a release may not be read, or took too long"),),
)


def fleet() -> FakeFleet:
    made = scenes.fleet(quiet=True)
    source = Source("d" * 40, "v1.3.0", "main", "Next", 900.0)
    book = ReleaseBook(scenes.API, RELEASES, source, now=1000.0, last_build=40.0)
    made.push(replace(scenes.web3(mended=True), books=(book,)))
    made.differences["20261119-bbb"] = MANY
    return made


def make(intent: Intent, snapshot: Snapshot) -> tuple[Plan | None, str | None]:
    try:
        return plan(intent, snapshot, managers=MANAGERS, settings=SETTINGS, plan_id="p1"), None
    except RefusedError as error:
        return None, str(error)


def console(made: FakeFleet) -> DeckApp:
    config = Config()
    return DeckApp(made, config, planner=ActionsPlanner(config, make), clock=scenes.CLOCK)


def compared(made: FakeFleet) -> list[str]:
    return [word for word in made.asked if word.startswith("difference")]


async def test_the_releases_tell_what_the_one_under_the_cursor_would_change_and_ask_once() -> None:
    made = fleet()
    made.compare.clear()
    app = console(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.deck.store.snapshot("web-3").book(scenes.API) is not None)
        app.push_screen(ReleasesScreen(scenes.API))
        await until(pilot, lambda: "what differs is not known yet" in scenes.text_of(app))
        assert "Releases of api.service on web-3" in scenes.text_of(app).splitlines()[1]
        # Keys work while it is asked, and the next pair waits for its turn.
        await pilot.press("j")
        await until(pilot, lambda: "20261118-aaa" in scenes.text_of(app).split("CHANGES")[0].splitlines()[-2])
        assert [word for word in made.asked if word.startswith("difference")] == [
            "difference 20261120-ccc 20261119-bbb"
        ]
        made.compare.set()
        await until(pilot, lambda: "what differs is not known: nobody told" in scenes.text_of(app))
        await pilot.press("k")
        await until(pilot, lambda: "12 commits lost; 20 files changed" in scenes.text_of(app))
        await pilot.press("j", "k", "j", "k")
        assert len(compared(made)) == 2


async def test_the_review_keeps_its_commands_and_answers_in_sight_and_e_shows_all_that_differs() -> None:
    app = console(fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.deck.store.snapshot("web-3").book(scenes.API) is not None)
        app.push_screen(ReleasesScreen(scenes.API))
        await until(pilot, lambda: "12 commits lost" in scenes.text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        await until(pilot, lambda: "Run (ctrl+r)" in scenes.text_of(app))
        shown = scenes.text_of(app)
        for word in ("make 20261119-bbb live", "systemctl restart api.service", "changes", "12 commits lost", "Cancel"):
            assert word in shown, shown
        assert "Change number" not in shown
        assert shown.index("systemctl restart api.service") < shown.index("12 commits lost")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, PageScreen))
        page = app.screen.copied() if isinstance(app.screen, PageScreen) else ""
        for word in ("changes from 20261120-ccc to 20261119-bbb", "Change number 11 of many", "lib/part19.py"):
            assert word in page
        assert ".env: LOG_LEVEL: debug -> info" in page
        assert "files: some of a release may not be read" in page


async def test_a_review_of_a_rebuild_asks_by_itself_and_can_be_run_without_an_answer() -> None:
    made = fleet()
    made.compare.clear()
    app = console(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.deck.store.snapshot("web-3").book(scenes.API) is not None)
        review(scenes.front(app), ((Intent(ActionKind.REBUILD, scenes.API),),))
        await until(pilot, lambda: "what differs is not known yet" in scenes.text_of(app))
        assert "the last build took 40 s" in scenes.text_of(app)
        made.compare.set()
        await until(pilot, lambda: "what differs is not known: nobody told" in scenes.text_of(app))
        made.gate.clear()
        await run(pilot)
        await until(pilot, lambda: "s of about 40 s" in scenes.text_of(app))
        assert made.ran[0].difference is not None
        assert made.ran[0].difference.failure == "nobody told"
        made.gate.set()
