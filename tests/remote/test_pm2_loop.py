"""The loop of pm2: what is found is told, and who may not be asked is left alone for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from console.core.service import Service, ServiceRef, State
from console.managers.pm2_dead import Dead
from console.managers.pm2_list import Found
from console.remote import pm2
from console.remote.pm2 import loop
from console.remote.shell import Answer, Ask
from console.remote.survey_loop import Place, Report, Wanted
from console.remote.transport import Transport

API = Service(ServiceRef("", "pm2", "api", "user:oncall"), State.RUNNING, "online")
MAY_NOT = ("deploy", "oncall may not ask the pm2 of deploy: connect as deploy")
HANGS = ("web", "the pm2 daemon of web (pid 7) does not answer within 6 s")


@dataclass
class Told:
    """What the loop reported, in its order."""

    lines: list[object] = field(default_factory=list)
    before: tuple[Service, ...] = ()

    def known(self) -> tuple[Service, ...]:
        return self.before

    lost: list[set[str]] = field(default_factory=list)
    ended: list[set[ServiceRef]] = field(default_factory=list)
    hung: list[bool] = field(default_factory=list)
    broken: list[bool] = field(default_factory=list)
    """Whether each report was of something that gave no answer."""

    def services(
        self,
        services: tuple[Service, ...],
        *,
        lost: Collection[ServiceRef] = (),
        ended: Collection[ServiceRef] = (),
        trouble: str | None = None,
        hangs: bool = False,
        broken: bool = False,
    ) -> None:
        self.hung.append(hangs)
        self.broken.append(broken)
        self.lines.append(services)
        self.ended.append(set(ended))
        self.lost.append({f"{ref.scope.removeprefix('user:')}/{ref.name}" for ref in lost})
        self.lines += [trouble] if trouble is not None else []

    def failed(self, reason: str, *, hangs: bool = False, broken: bool = False) -> None:
        self.hung.append(hangs)
        self.broken.append(broken)
        self.lines.append(reason)


async def looked(
    *answers: Found | str, times: int = 1, before: tuple[Service, ...] = (), told: Told | None = None
) -> tuple[list[object], list[tuple[str, ...]]]:
    """Let the loop look so often; the last answer is given again and again."""
    told, asked = told or Told(before=before), list[tuple[str, ...]]()
    wanted = Wanted("")

    async def ask(ask: Ask) -> Answer:
        answer = answers[min(len(asked), len(answers) - 1)]
        asked.append(ask.args)
        if len(asked) < times:
            wanted.now()
        if isinstance(answer, str):
            return Answer(ask.probe, None, failure=answer)
        return Answer(ask.probe, answer)

    place = Place(wanted, cast(Report, told), ask, cast(Transport, None))
    task = asyncio.create_task(loop(place))
    while len(asked) < times:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    return told.lines, asked


async def test_services_of_those_who_answer_beside_the_reasons_of_those_who_do_not() -> None:
    lines, _ = await looked(Found((API,), (HANGS, MAY_NOT)))
    assert lines == [(API,), f"{MAY_NOT[1]}; {HANGS[1]}"]


async def test_a_refusal_is_not_asked_for_again_however_often_something_changes() -> None:
    """sudo writes each into the log of the host."""
    lines, asked = await looked(Found((API,), (HANGS, MAY_NOT)), Found((API,)), times=50)
    assert asked == [(), *[("deploy",)] * 49]
    assert lines[2:4] == [(API,), MAY_NOT[1]]


async def test_a_refusal_is_asked_for_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pm2, "REFUSED_FOR", 0.0)
    _, asked = await looked(Found((API,), (MAY_NOT,)), times=3)
    assert asked == [(), (), ()]


async def test_a_failure_of_the_probe_is_told() -> None:
    lines, _ = await looked("sh: out of memory")
    assert lines == ["sh: out of memory"]


CRASHED = Dead(7, "oncall", "", "/home/oncall/.pm2/dump.pm2", "the pm2 daemon of oncall (pid 7) crashed")
SAVED = Service(ServiceRef("", "pm2", "job", "user:oncall"), State.STOPPED, "not told", daemon=7, adrift="it crashed")


async def test_what_a_crashed_daemon_ran_is_told_as_left_alone() -> None:
    ran = replace(API, daemon=7, pids=(9,))
    other = replace(API, ref=replace(API.ref, scope="user:web"), daemon=8)
    told = Told(before=(ran,))
    lines, _ = await looked(Found(dead=(CRASHED,)), told=told)
    # Somebody else tells of it what can be told: it is no trouble of pm2 as such.
    assert (lines, told.ended[-1]) == ([(replace(ran, ran=True),)], {ran.ref})
    saved = replace(CRASHED, services=(replace(SAVED, ref=ran.ref),))
    lines, _ = await looked(Found(dead=(saved,)), before=(ran,))
    assert lines == [(replace(ran, ran=True, unit_file=CRASHED.file),)]
    told = Told(before=(ran, other))
    lines, _ = await looked(Found((other,), (HANGS,), (CRASHED,), daemons=(8,)), told=told)
    assert (lines, told.ended[-1]) == ([(replace(ran, ran=True), other), HANGS[1]], {ran.ref})


async def test_what_a_daemon_ran_that_left_nothing_is_missed_until_another_one_tells_in_its_place() -> None:
    """``pm2 kill`` without ``pm2 save``; ``pm2 ls`` starts an empty one then."""
    ran, job = (replace(API, ref=replace(API.ref, name=name), daemon=7) for name in ("api", "job"))
    other = replace(API, ref=replace(API.ref, scope="user:web"), daemon=8)
    for daemons in ((8,), (8, 9)):
        told = Told(before=(ran, job, other))
        lines, _ = await looked(Found((other,), daemons=daemons), told=told)
        assert lines == [(replace(ran, ran=True), replace(job, ran=True), other)]
        assert told.ended[-1] == {ran.ref, job.ref}
        # So it stays.
        told.before = lines[0]  # type: ignore[assignment]
        assert (await looked(Found((other,), daemons=daemons), told=told))[0][1] == lines[0]
    told = Told(before=(ran, job, other))
    lines, _ = await looked(Found((replace(ran, daemon=9), other), daemons=(8, 9)), told=told)
    assert (lines, told.ended[-1]) == ([(replace(ran, daemon=9), other)], set())
    # What somebody deleted while its daemon runs is gone.
    lines, _ = await looked(Found((other,), daemons=(7, 8)), before=(ran, job, other))
    assert lines == [(other,)]


async def test_homes_that_are_closed_are_told_and_are_no_fault() -> None:
    told = Told()
    lines, _ = await looked(Found(closed=("/root/.pm2",)), told=told)
    assert lines == ["whether a pm2 ended in /root/.pm2 cannot be seen: connect as root, or as its user"]
    assert (told.hung, told.broken) == ([False], [False])
    lines, _ = await looked(Found((API,), (HANGS,), closed=("/root/.pm2",)))
    assert lines[1] == f"{HANGS[1]}; {Found(closed=('/root/.pm2',)).unseen}"


async def test_what_a_crashed_daemon_has_saved_is_told_to_who_comes_later() -> None:
    told = Told()
    dead = replace(CRASHED, services=(SAVED,))
    lines, _ = await looked(Found(dead=(dead,)), told=told)
    assert (lines, told.ended[-1]) == ([(SAVED,)], set())
    # As it is found at each look: it was no daemon that told it.
    lines, _ = await looked(Found(dead=(dead,)), before=(SAVED,))
    assert lines == [(SAVED,)]
    lines, _ = await looked(Found((replace(SAVED, adrift=None),)), before=(SAVED,))
    assert lines == [(replace(SAVED, adrift=None),)]


async def test_of_a_crashed_daemon_of_which_no_app_is_known_that_is_told() -> None:
    assert (await looked(Found(dead=(CRASHED,))))[0] == [CRASHED.why]


async def test_what_a_daemon_runs_that_hangs_or_refuses_from_now_on_is_kept_and_marked() -> None:
    hangs = replace(API, ref=replace(API.ref, name="shop", scope="user:web"), daemon=7)
    refuses = replace(API, ref=replace(API.ref, name="job", scope="user:deploy"), daemon=9)
    told = Told(before=(API, hangs, refuses))
    found = Found((API,), (HANGS, MAY_NOT), mute=(7, 9))
    lines, _ = await looked(found, replace(found, refused=(HANGS,), mute=(7,)), times=2, told=told)
    assert lines[0] == lines[2] == (API, hangs, refuses)
    assert told.lost == [{"web/shop", "deploy/job"}] * 2
    assert told.hung == [True, True]


async def test_when_every_daemon_hangs_nothing_is_told_so_that_its_age_grows() -> None:
    shop = replace(API, ref=replace(API.ref, scope="user:web"), daemon=7)
    told = Told(before=(shop,))
    lines, _ = await looked(Found((), (HANGS,), mute=(7,)), told=told)
    assert (lines, told.hung) == ([HANGS[1]], [True])


async def test_who_was_never_allowed_to_ask_is_told_no_services() -> None:
    told = Told()
    lines, _ = await looked(Found((), (MAY_NOT,), mute=(9,)), told=told)
    assert (lines, told.hung) == ([MAY_NOT[1]], [False])


FROZEN = "the pm2 daemon of web (pid 7) was stopped by a signal and does not answer: kill -CONT 7"


@pytest.mark.parametrize(
    ("found", "hung", "broken"),
    [
        (Found(refused=(("web", FROZEN),), mute=(7,)), True, False),
        (Found(refused=(("web", "the pm2 daemon of web (pid 7) says: boom"),), mute=(7,)), False, True),
        (Found(dead=(CRASHED,)), False, True),
        (Found(refused=(("web", "oncall may not ask the pm2 of web: sudoers needs: ..."),)), False, False),
        (Found(refused=(("web", "the home of the pm2 daemon of web (pid 7) cannot be seen"),)), False, False),
    ],
)
async def test_what_fails_at_the_first_look_is_told_as_broken_where_it_is_no_lack_of_rights(
    found: Found, hung: bool, broken: bool
) -> None:
    told = Told()
    await looked(found, told=told)
    assert (told.hung[-1], told.broken[-1]) == (hung, broken)
