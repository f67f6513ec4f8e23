"""The service managers of a host beside systemd, as the first look waits for them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

import pytest

from console.core.command import Command, Output
from console.core.service import Service, ServiceRef, State
from console.findings.host import silent_managers
from console.managers.base import Roaming
from console.managers.kubernetes import PRESENCE, SURVEY
from console.managers.pm2 import PM2_PRESENCE
from console.managers.supervisord import SUPERVISORD_PRESENCE
from console.remote.builder import SnapshotBuilder
from console.remote.loops import LOOPS
from console.remote.shell import Answer, Ask
from console.remote.survey_loop import Loop, Place, Report
from console.remote.surveys import Surveys
from console.remote.transport import ChannelRefusedError, Transport


@dataclass
class NoHost:
    host: str = "web1"


async def nothing(ask: Ask) -> Answer:
    return Answer(ask.probe, ())


async def test_a_manager_that_does_not_answer_in_time_is_told_and_not_missed() -> None:
    answer = asyncio.Event()

    async def loop(place: Place) -> None:
        await answer.wait()
        place.report.services((Service(ServiceRef("", "pm2", "api"), State.RUNNING, "online"),))
        await asyncio.Event().wait()

    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    surveys = Surveys(builder, cast(Transport, NoHost()), nothing, nothing, lambda: None, lambda: 5.0, {"pm2": loop})
    try:
        assert surveys.take(Answer(PM2_PRESENCE, "a daemon"))
        await surveys.told(0.01)
        source = builder.snapshot.source("pm2")
        assert source is not None
        assert (source.at, source.failure) == (None, "no answer in 0 s, it is waited for")
        assert [one.summary for one in silent_managers(builder.snapshot)] == [
            "has not answered yet: its services are not seen"
        ]
        answer.set()
        await surveys.told(1.0)
        source = builder.snapshot.source("pm2")
        assert source is not None
        assert (source.at, source.failure) == (5.0, None)
    finally:
        await surveys.close()


async def test_a_log_that_hangs_keeps_only_its_own_manager_waiting() -> None:
    def failing(manager: str) -> Loop:
        async def loop(place: Place) -> None:
            ref = ServiceRef("", manager, "api")
            failed = Service(ref, State.FAILED, "FATAL", log_files=(f"/{manager}.log",), tool=("tool",))
            for _ in range(3):
                place.report.services((failed,))
                await asyncio.sleep(0)
            await asyncio.Event().wait()

        return loop

    class Host(NoHost):
        def __init__(self) -> None:
            super().__init__()
            self.read: list[str] = []

        async def run(self, command: Command) -> Output:
            self.read.append("pm2" if "/pm2.log" in command.argv else "supervisord")
            if self.read[-1] == "supervisord":
                await asyncio.Event().wait()
            return Output(0, "boom")

    host = Host()
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    loops = {manager: failing(manager) for manager in ("supervisord", "pm2")}
    surveys = Surveys(builder, cast(Transport, host), nothing, nothing, lambda: None, lambda: 5.0, loops)
    try:
        surveys.take(Answer(SUPERVISORD_PRESENCE, "rw x"))
        await asyncio.sleep(0.01)
        surveys.take(Answer(PM2_PRESENCE, "a daemon"))
        await asyncio.sleep(0.05)
        assert host.read == ["supervisord", "pm2"]
    finally:
        await surveys.close()


async def test_what_files_say_of_a_manager_that_hangs_is_shown_until_it_tells_itself() -> None:
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    surveys = Surveys(builder, cast(Transport, NoHost()), nothing, nothing, lambda: None, lambda: 5.0, {})
    prog = Service(ServiceRef("", "supervisord", "prog"), State.UNKNOWN, "not told", daemon=9)
    report = Report("supervisord", surveys)
    report.unanswered([prog])
    report.failed("supervisord (process 9) was stopped by a signal", hangs=True)
    [shown] = builder.snapshot.services
    assert (shown.ref.host, shown.state, builder.mains()) == ("web1", State.UNKNOWN, (9,))
    [finding] = silent_managers(builder.snapshot)
    assert finding.summary == "does not answer: 1 service known by files alone"
    report.services([Service(prog.ref, State.RUNNING, "RUNNING")])
    assert [one.state for one in builder.snapshot.services] == [State.RUNNING]
    report.unanswered([])
    surveys.found("supervisord", (), (), (), None, hangs=False, broken=False)
    assert builder.snapshot.services == ()


async def test_that_sshd_gave_no_channel_for_a_log_is_told_until_it_gives_one() -> None:
    class Host(NoHost):
        refuses = True

        async def run(self, command: Command) -> Output:
            if self.refuses:
                raise ChannelRefusedError("sshd gives this connection no further channel: see MaxSessions there")
            return Output(0, "boom")

    async def told() -> None:
        surveys.found("supervisord", (failed,), (), (), None, hangs=False, broken=False)
        await surveys.told(1.0)

    host = Host()
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    surveys = Surveys(builder, cast(Transport, host), nothing, nothing, lambda: None, lambda: 5.0, {})
    failed = Service(ServiceRef("", "supervisord", "api"), State.FAILED, "FATAL", log_files=("/api.log",))
    try:
        await told()
        source = builder.snapshot.source("supervisord_logs")
        assert source is not None
        assert "MaxSessions" in (source.failure or "")
        host.refuses = False
        await told()
        source = builder.snapshot.source("supervisord_logs")
        assert source is not None
        assert source.failure is None
        [end] = builder.snapshot.last_words
        assert end.lines == ("boom",)
    finally:
        await surveys.close()


async def test_every_process_is_looked_at_only_now_and_then() -> None:
    """For a supervisord that may be anywhere; in between it is looked for where it was."""
    now = [5.0]
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    surveys = Surveys(builder, cast(Transport, NoHost()), nothing, nothing, lambda: None, lambda: now[0], {})
    assert surveys.asking(SUPERVISORD_PRESENCE).args == ("scan",)
    now[0] += 5.0
    assert surveys.asking(SUPERVISORD_PRESENCE).args == ()
    surveys.take(Answer(SUPERVISORD_PRESENCE, ""))
    now[0] += 60.0
    assert surveys.asking(SUPERVISORD_PRESENCE).args == ("scan",)
    woken = asyncio.Event()

    async def loop(place: Place) -> None:
        while await place.wanted.wait(60.0):
            woken.set()

    surveys = Surveys(
        builder, cast(Transport, NoHost()), nothing, nothing, lambda: None, lambda: 5.0, {"supervisord": loop}
    )
    try:
        told = "rw /srv/own.sock\nclosed /home/ann/s.sock\n/srv/own.sock 7 9"
        surveys.take(Answer(SUPERVISORD_PRESENCE, told))
        assert surveys.asking(SUPERVISORD_PRESENCE).args == ("/srv/own.sock", "/home/ann/s.sock", "scan")
        # The same answer to another question is no news.
        surveys.take(Answer(SUPERVISORD_PRESENCE, told))
        await asyncio.sleep(0.01)
        assert not woken.is_set()
        surveys.take(Answer(SUPERVISORD_PRESENCE, f"{told}0"))
        await asyncio.wait_for(woken.wait(), 1.0)
    finally:
        await surveys.close()


async def test_no_tick_asks_a_protocol_what_a_manager_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Python 3.11 that took a third of a millisecond of each host's tick."""
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    surveys = Surveys(builder, cast(Transport, NoHost()), nothing, nothing, lambda: None, lambda: 5.0, {})

    def looked_at(protocol: type, instance: object) -> bool:
        raise AssertionError((protocol, instance))

    with monkeypatch.context() as patched:
        patched.setattr(type(Roaming), "__instancecheck__", looked_at)
        asks = [surveys.asking(probe) for probe in Surveys.routine()]
        taken = [surveys.take(Answer(ask.probe, "")) for ask in asks]
    assert all(taken)
    assert next(ask.args for ask in asks if ask.probe is SUPERVISORD_PRESENCE) == ("scan",)


async def test_a_context_that_the_configuration_names_is_shown_as_production() -> None:
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0, ("eu-1",))
    surveys = Surveys(builder, cast(Transport, NoHost()), nothing, nothing, lambda: None, lambda: 5.0, {})
    ref = ServiceRef("", "kubernetes", "shop/deploy/api")
    api = Service(ref, State.RUNNING, "3/3 ready", chain=("kubernetes", "eu-1", ref.name))
    surveys.found("kubernetes", (api,), (), (), None, hangs=False, broken=False)
    [shown] = builder.snapshot.services
    assert (shown.chain, shown.production_context) == (("kubernetes", "eu-1 (production)", ref.name), "eu-1")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (Answer(SURVEY, failure="no answer", status=124, hangs=True), 1),
        (Answer(SURVEY, failure="refuses the connection", status=1), 1),
        (Answer(SURVEY, failure="expected an answer"), 1),
        (Answer(SURVEY, failure="log in again", status=77), 0),
    ],
)
async def test_a_manager_that_fails_at_the_first_look_is_a_finding_unless_this_login_may_not_ask(
    answer: Answer, found: int
) -> None:
    async def ask(_: Ask) -> Answer:
        return answer

    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    surveys = Surveys(builder, cast(Transport, NoHost()), ask, nothing, lambda: None, lambda: 5.0, LOOPS)
    try:
        assert surveys.take(Answer(PRESENCE, "config /root/.kube/config"))
        await surveys.told(1.0)
        findings = silent_managers(builder.snapshot)
        assert [one.subject for one in findings] == ["kubernetes"] * found
        assert [one.evidence for one in findings] == [(f"kubernetes: {answer.failure}",)] * found
        source = builder.snapshot.source("kubernetes")
        assert source is not None
        assert source.failure == answer.failure
    finally:
        await surveys.close()
