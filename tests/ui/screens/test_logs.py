"""The log screen when the stream of a log breaks off."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from console.core.service import ServiceRef
from console.core.snapshot import LogLine
from console.remote.transport import TransportError
from console.ui.screens import logs
from console.ui.screens.logs import LogsScreen
from tests.ui import scenes
from tests.ui.fake import FakeFleet
from tests.ui.steps import until


@dataclass
class Breaking(FakeFleet):
    """The link is lost once behind the first lines."""

    asked_for: list[tuple[int, float | None]] = field(default_factory=list)
    timed: bool = True

    async def follow(
        self, ref: ServiceRef, *, lines: int, since: float | None, follow_on: bool, file: str = "", untimed: int = 0
    ) -> AsyncIterator[LogLine]:
        self.asked_for.append((lines, since))
        if len(self.asked_for) == 1:
            for number in range(3):
                at = 1000.0 + number if self.timed else None
                yield LogLine(ref.host, ref.name, "journal", f"early {number}", at=at)
            raise TransportError("lost", "the link died")
        yield LogLine(ref.host, ref.name, "journal", "late", at=1010.0 if self.timed else None)
        await asyncio.Event().wait()


@pytest.mark.parametrize("timed", [True, False])
async def test_after_a_lost_link_no_line_is_shown_twice(timed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "AGAIN", 0.01)
    fleet = Breaking(scenes.specs(), timed=timed)
    fleet.push(replace(scenes.web3(), clock_skew=-2.0), scenes.held())
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "l")
        await until(pilot, lambda: "late" in scenes.text_of(app))
        assert scenes.text_of(app).count("early 1") == 1
        screen = app.screen
        assert isinstance(screen, LogsScreen)
        assert set(screen.view._skews.values()) == {-2.0}
        if timed:
            assert fleet.asked_for[1] == (logs.BACK, 1002.0 + 1e-6)
        else:
            assert fleet.asked_for[1] == (0, None)
            assert "the stream broke off here: the lines of journal carry no time" in scenes.text_of(app)
            assert scenes.text_of(app).splitlines()[2].strip() == "the lines of journal carry no time"


@dataclass
class Mixed(Breaking):
    """Two files, of which one has times."""

    without: list[int] = field(default_factory=list)

    async def follow(
        self, ref: ServiceRef, *, lines: int, since: float | None, follow_on: bool, file: str = "", untimed: int = 0
    ) -> AsyncIterator[LogLine]:
        self.asked_for.append((lines, since))
        self.without.append(untimed)
        if since is None:
            yield LogLine(ref.host, ref.name, "/log/err", "a panic", untimed=True)
            yield LogLine(ref.host, ref.name, "/log/out", "early", at=1000.0)
            raise TransportError("lost", "the link died")
        yield LogLine(ref.host, ref.name, "/log/out", "late", at=1010.0)
        await asyncio.Event().wait()


async def test_the_file_whose_lines_have_no_times_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "AGAIN", 0.01)
    fleet = Mixed(scenes.specs())
    fleet.push(scenes.web3(), scenes.held())
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "l")
        await until(pilot, lambda: "late" in scenes.text_of(app))
        shown = scenes.text_of(app)
        assert fleet.asked_for[1] == (logs.BACK, 1000.0 + 1e-6)
        assert fleet.without[1] == 0, "what is shown of a file without times is not shown again"
        assert "broke off here: the lines of /log/err carry no time, so what came of it meanwhile is not shown" in shown
        assert "the lines of /log/err carry no time" in shown.splitlines()[-2]


async def test_the_notice_of_a_file_with_a_long_name_is_whole_on_80_columns() -> None:
    long = "/var/log/supervisor/worker-stderr---supervisor-x1y2z3.log"
    fleet = scenes.fleet()
    fleet.log[scenes.API] = (
        LogLine("web-3", "api.service", long, "a panic", untimed=True),
        *(LogLine("web-3", "api.service", "/log/out", f"line {at}", at=1000.0 + at) for at in range(40)),
    )
    app = scenes.app(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "l")
        await until(pilot, lambda: "line 39" in scenes.text_of(app))
        told = f"the lines of {long} carry no time"
        await until(pilot, lambda: told in " ".join(scenes.text_of(app).split()))
        assert "lines, most" in scenes.text_of(app)


async def test_a_line_that_comes_late_is_not_shown_under_the_next_service(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = scenes.fleet()
    other = next(one.ref for one in scenes.web3().services if one.ref != scenes.API)
    fleet.log[scenes.API] = (LogLine("web-3", scenes.API.name, "journal", "of api", at=1000.0),)
    fleet.log[other] = (LogLine("web-3", other.name, "journal", "of the other", at=1001.0),)
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        await pilot.press("g", "j", "l")
        await until(pilot, lambda: "of api" in scenes.text_of(app))
        screen = app.screen
        assert isinstance(screen, LogsScreen)
        late: list[Callable[[], object]] = []
        at_once = screen.call_later

        def hold(call: Callable[..., object], *words: Any) -> bool:
            if call != screen._flush or late:
                return at_once(call, *words)
            late.append(lambda: call(*words))
            return True

        monkeypatch.setattr(screen, "call_later", hold)
        screen._follow(scenes.API)
        await until(pilot, lambda: bool(late))
        app.deck.log = other
        screen.sync()
        late[0]()
        await until(pilot, lambda: "of the other" in scenes.text_of(app))
        assert "of api" not in scenes.text_of(app)
