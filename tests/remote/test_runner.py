"""Handing over, watching, link loss: with this machine as the host and places of the test's own."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from console.core.plan import Check, Result, Step, StepState
from console.remote.audit import AuditTrail
from console.remote.plan_inspect import PlanLife
from console.remote.plan_others import others
from console.remote.runner import (
    RunSettings,
    execute,
    inspect,
    new_plan_id,
    resume,
    settle,
)
from console.remote.transport import Channel
from tests.remote.links import CutTransport, count, counted, held, let_go, quick, run
from tests.remote.plans import SHELLS, LocalPlaces, change, make, shell

words = pytest.mark.parametrize("words", SHELLS, ids=[words[0] for words in SHELLS])


@pytest.fixture
def places(tmp_path: Path) -> LocalPlaces:
    return LocalPlaces(tmp_path)


@pytest.fixture
def settings(places: LocalPlaces) -> RunSettings:
    return quick(places)


@pytest.fixture
async def link() -> AsyncIterator[CutTransport]:
    transport = CutTransport()
    yield transport
    await transport.close()


@words
async def test_a_plan_runs_and_is_told_step_by_step(
    places: LocalPlaces, settings: RunSettings, words: tuple[str, ...]
) -> None:
    link = CutTransport(words)
    plan = make(
        Step("say", change("sh", "-c", "echo one; sleep 0.6; printf 'tw\\033]52;c;x\\007o\\n'; printf end")),
        checks=(Check("well", shell("echo pid 1 '->' 2"), hold=0.5), Check("quiet", shell("exit 0"))),
    )
    told = await run(link, plan, settings)
    last = told[-1]
    assert last.result is Result.DONE
    assert last.reason is None
    assert last.steps[0].output == "one\ntwo\nend"
    assert last.steps[0].state is StepState.DONE
    assert last.steps[0].seconds is not None
    assert last.steps[0].seconds > 0.5
    assert last.proof == ("pid 1 -> 2", "quiet")
    assert any(progress.steps[0].output == "one" for progress in told), "output comes while the step runs"
    assert link.connects == 1
    await link.close()


async def test_undo_is_told_with_its_cause(places: LocalPlaces, settings: RunSettings, link: CutTransport) -> None:
    plan = make(
        Step("one", change("true"), change("echo", "back")),
        checks=(Check("api.service is active", shell("echo inactive; exit 3"), within=0.2),),
    )
    last = (await run(link, plan, settings))[-1]
    assert last.result is Result.UNDONE
    assert last.reason == "api.service is active failed: inactive"
    assert [(step.name, step.state, step.output) for step in last.undo] == [("undo of one", StepState.DONE, "back")]
    assert last.steps[0].state is StepState.UNDONE


async def test_flapping_is_no_success(places: LocalPlaces, settings: RunSettings, link: CutTransport) -> None:
    once = '[ -e "$1" ] && { echo "exited 1"; exit 1; }; : >"$1"'
    check = Check("api.service is active", shell(once, str(places.first / "seen")), hold=5)
    last = (await run(link, make(Step("one", change("true")), checks=(check,)), settings))[-1]
    assert last.result is Result.FAILED
    assert last.reason is not None
    assert last.reason.startswith("flapping: api.service is active held for 0.")
    assert last.reason.endswith("exited 1")


async def test_link_cut_right_after_the_hand_over(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    """Row 30: what was sent arrived, but no answer came back."""
    await link.connect()
    link.lose_next_answer = True
    told = await run(link, counted(places, 0.5), settings)
    assert told[-1].result is Result.DONE
    assert count(places) == 1
    assert any("connection lost" in (progress.reason or "") for progress in told)


@pytest.mark.parametrize("arrives", [0, 300, 20_000])
async def test_link_cut_in_the_middle_of_the_hand_over(
    places: LocalPlaces, settings: RunSettings, link: CutTransport, arrives: int
) -> None:
    """Nothing, or a part, of the script arrives: it is handed over again and runs once."""
    await link.connect()
    link.arrives = arrives
    told = execute(link, counted(places), root=True, operator="ann", settings=replace(settings, silence=0.5))
    last = None
    async for last in told:
        if "connection lost" in (last.reason or ""):
            link.arrives = None
    assert last is not None
    assert last.result is Result.DONE
    assert count(places) == 1


async def test_what_never_arrived_is_called_off_for_good(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    """After a while nobody wants it done any more, and bytes still under way may not begin it."""
    await link.connect()
    link.arrives = 0
    told = execute(
        link, counted(places), root=True, operator="ann", settings=replace(settings, silence=0.3, hand_over=0.0)
    )
    plan = counted(places)
    last = None
    async for last in told:
        plan = last.plan
        if "connection lost" in (last.reason or ""):
            link.arrives = None
    assert last is not None
    assert last.result is Result.REFUSED
    assert last.reason is not None
    assert "nothing was done" in last.reason
    late = (await run(link, plan, settings))[-1]
    assert late.result is Result.REFUSED
    assert count(places) == 0


@pytest.mark.parametrize("begun", [False, True])
async def test_a_plan_that_writes_nothing_is_called_off_or_unknown(
    places: LocalPlaces, settings: RunSettings, link: CutTransport, begun: bool
) -> None:
    """Its starter was killed between making the directory and starting the script, or just after."""
    plan = counted(places)
    (places.directory(plan) / "begun" if begun else places.directory(plan)).mkdir(parents=True)
    last = [progress async for progress in resume(link, plan, settings=settings)][-1]
    assert last.result is (Result.UNKNOWN if begun else Result.REFUSED)
    assert ("wrote nothing down" if begun else "nothing was done") in (last.reason or "")
    if not begun:
        assert (await run(link, plan, settings))[-1].result is Result.REFUSED
    assert count(places) == 0


async def test_a_host_whose_shell_ends_without_a_word_is_lost(settings: RunSettings) -> None:
    """It cannot make a process, or lets nobody in: it is tried with pauses, and then the result is not known."""
    link = CutTransport(("sh", "-c", "echo not available; echo 'sh: Cannot fork' >&2; exit 2"))
    opened = 0
    real = link.open

    async def counting(argv: tuple[str, ...]) -> Channel:
        nonlocal opened
        opened += 1
        return await real(argv)

    link.open = counting  # type: ignore[method-assign]
    async with asyncio.timeout(20):
        told = await run(link, make(Step("one", change("true"))), settings)
    await link.close()
    assert told[-1].result is Result.UNKNOWN
    assert (told[-1].reason or "").startswith(
        "web1 is lost (web1: its sh ended with exit 2: sh: Cannot fork); whether it arrived there is not known. "
    )
    assert "trying again: web1: its sh ended" in (told[-2].reason or "")
    assert 1 < opened <= 2 + settings.patience / (settings.longest_wait / 2)


async def test_a_host_that_cannot_be_reached_is_a_refusal(settings: RunSettings, link: CutTransport) -> None:
    link.mends = False
    last = (await run(link, make(Step("one", change("true"))), settings))[-1]
    assert last.result is Result.REFUSED
    assert last.reason == "nothing was done: web1: no answer: is it up?"


async def test_a_lost_host_is_unknown_and_known_later(
    places: LocalPlaces, settings: RunSettings, link: CutTransport, tmp_path: Path
) -> None:
    audit = AuditTrail(tmp_path / "audit.jsonl")
    plan = counted(places, 1.0)
    told = []
    async for progress in execute(link, plan, root=True, operator="ann", settings=settings, audit=audit):
        told.append(progress)
        if progress.steps[0].state is StepState.RUNNING:
            link.mends = False
            link.cut()
    assert told[-1].result is Result.UNKNOWN
    assert told[-1].reason is not None
    assert "it goes on there by itself" in told[-1].reason
    assert "hostdeck audit --ask --host web1" in told[-1].reason
    assert audit.read()[0].result == "unknown"
    link.mends = True
    await link.connect()
    view = await inspect(link, settings)
    found = view.plan(plan.id)
    assert found is not None
    assert found.operator == "ann"
    assert found.progress.result is Result.DONE
    assert await settle(audit, view, "web1") == 1
    assert audit.read()[0].result == "done"
    assert await settle(audit, view, "web1") == 0
    assert count(places) == 1


async def test_another_console_picks_up_a_running_plan(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    """Row 32: the console that started it is gone."""
    plan = held(places, checks=(Check("well", shell("echo well")),))
    told = execute(link, plan, root=True, operator="ann", settings=settings)
    async for progress in told:
        if progress.steps[0].state is StepState.RUNNING:
            break
    await told.aclose()
    await link.close()
    other = CutTransport()
    view = await inspect(other, settings)
    found = view.plan(plan.id)
    assert found is not None
    assert found.life is PlanLife.RUNNING
    [told_of] = others(view)
    assert (told_of.id, told_of.life) == (plan.id, PlanLife.RUNNING)
    assert told_of.who.endswith("(as ann)")
    assert found.plan.steps[0].command.argv == plan.steps[0].command.argv
    assert found.progress.result is None
    assert found.age is not None
    assert found.age < 10
    let_go(places)
    last = [progress async for progress in resume(other, found.plan, settings=settings)][-1]
    assert last.result is Result.DONE
    assert last.proof == ("well",)
    assert count(places) == 1
    await other.close()


async def test_a_place_that_others_could_rename_is_not_used(tmp_path: Path, link: CutTransport) -> None:
    bad = tmp_path / "bad"
    bad.mkdir(mode=0o777)
    bad.chmod(0o777)
    real = LocalPlaces(tmp_path / "real")
    linked = tmp_path / "linked"
    linked.symlink_to(real.all[0])
    last = (await run(link, counted(real), RunSettings(places=(str(bad), str(linked)))))[-1]
    assert last.result is Result.REFUSED
    assert "sticky directory" in (last.reason or "")
    good = (await run(link, counted(real), RunSettings(places=(str(bad), str(linked), *real.all))))[-1]
    assert good.result is Result.DONE
    assert not list(bad.iterdir())


async def test_hostile_plans_of_others_harm_nobody(
    places: LocalPlaces, settings: RunSettings, link: CutTransport, tmp_path: Path
) -> None:
    """A plan's files may be anybody's: names, state lines and links in them are only looked at."""
    marker = tmp_path / "PWNED"
    for name in ("x\na alive\np y 0", "$(touch PWNED)", "-rf"):
        (places.first / f"hostdeck-plan-{name}").mkdir()
    evil = places.first / "hostdeck-plan-20261120-evil"
    evil.mkdir()
    (evil / "plan").write_text('{"schema": "x"}\n')
    tag = f"1/e;w {marker}\n"
    (evil / "state").write_text(
        f"run 1 x 1 1 b 1 1 1 u\nstep {tag} running\nstep 1/e;s/^/touch/e running\ncheck * done\n"
    )
    (evil / "out.step.1").symlink_to("/etc/passwd")
    fifo = places.first / "hostdeck-plan-20261120-fifo"
    fifo.mkdir()
    os.mkfifo(fifo / "state")
    assert (await inspect(link, settings)).plans == ()
    (evil / "state").write_text("step 1 running\nstep 1 done 0 0.1\nresult done\n")
    plan = make(Step("one", change("true")), plan_id="20261120-evil")
    last = [progress async for progress in resume(link, plan, settings=settings)][-1]
    assert last.steps[0].output == ""
    assert not marker.exists()


async def test_without_its_audit_line_nothing_is_done(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    """Row 49."""
    told = await run(link, counted(places), settings, audit=AuditTrail(Path("/dev/full")))
    assert told[-1].result is Result.REFUSED
    assert "audit line cannot be written" in (told[-1].reason or "")
    assert count(places) == 0
    assert link.connects == 0


async def test_a_host_without_channels_is_reached_by_a_further_connection(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    await link.connect()
    link.no_channels = True
    assert (await run(link, counted(places), settings))[-1].result is Result.REFUSED
    other = CutTransport()
    assert (await run(link, counted(places), settings, spare=lambda: other))[-1].result is Result.DONE
    assert not other.connected


async def test_what_was_left_for_a_day_is_removed(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    old = places.first / "hostdeck-plan-20260101-old"
    old.mkdir()
    (old / "state").write_text("result done\n")
    young = places.first / "hostdeck-plan-20261120-young"
    young.mkdir()
    (places.first / "other").mkdir()
    for path in (old, places.first / "other"):
        os.utime(path, (1.0, 1.0))
    assert (await run(link, counted(places, 0.5), settings))[-1].result is Result.DONE
    assert not old.exists()
    assert young.exists()
    assert (places.first / "other").exists()


async def test_a_watch_that_ends_leaves_no_process(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    plan = counted(places, 1)
    told = execute(link, plan, root=True, operator="ann", settings=settings)
    async for progress in told:
        if progress.steps[0].state is StepState.RUNNING:
            break
    await told.aclose()
    for _ in range(50):
        left = subprocess.run(["pgrep", "-f", plan.id], capture_output=True, text=True, check=False).stdout.split()
        if not left:
            break
        await asyncio.sleep(0.1)
    assert left == []
    assert places.state(plan)[-1] == "result done"


def test_plan_ids_are_new_and_sorted_by_time() -> None:
    ids = {new_plan_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(name) == 28 for name in ids)
