"""What other users of a host put beside a plan, and what a console finds there that starts later."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from console.core.command import Command
from console.core.plan import Check, Plan, Result, StepState
from console.remote import plan_door, plan_json
from console.remote.audit import AuditTrail
from console.remote.plan_inspect import PlanLife
from console.remote.plan_script import lock_key
from console.remote.runner import LATELY, LockError, RunSettings, break_lock, execute, inspect, pick_up, resume, settle
from tests.remote.links import CutTransport, count, counted, held, let_go, quick, run
from tests.remote.plans import REF, SHELLS, LocalPlaces, make, shell, sticky

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")

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


async def test_a_result_that_another_user_wrote_is_none(
    tmp_path: Path, settings: RunSettings, link: CutTransport
) -> None:
    """Anybody may make a directory with the name of a plan, where this console did not put it."""
    places = LocalPlaces(tmp_path / "two", count=2)
    settings = replace(settings, places=places.all)
    trail = AuditTrail(tmp_path / "audit.jsonl")
    plan = counted(places)
    trail.planned(plan, "ann")
    other = Path(places.all[1]) / f"hostdeck-plan-{plan.id}"
    forge(other, plan, uid=65534)
    view = await inspect(link, settings)
    assert view.plans == ()
    assert view.plan(plan.id) is None
    assert await settle(trail, view, "web1") == 0
    assert [entry.result for entry in trail.read()] == ["unknown"]
    last = [progress async for progress in resume(link, plan, settings=settings)][-1]
    assert (last.result, "knows nothing of plan" in (last.reason or "")) == (Result.UNKNOWN, True)
    # Beside the forged one the real one counts, whichever place is looked at first.
    forge(places.directory(plan), plan, uid=65534)
    mine = replace(settings, places=(*places.all, str(sticky(tmp_path / "third"))))
    last = (await run(link, plan, mine, audit=trail))[-1]
    assert (last.result, count(places)) == (Result.DONE, 1)
    found = (await inspect(link, mine)).plan(plan.id)
    assert found is not None
    assert found.uid == os.getuid()


async def test_a_plan_is_not_called_off_by_what_another_user_wrote(
    places: LocalPlaces, link: CutTransport, settings: RunSettings
) -> None:
    plan = counted(places)
    forge(places.directory(plan), plan, uid=65534)
    (places.directory(plan) / "begun").mkdir()
    await link.connect()
    output = await link.run(Command(plan_door.SHELL), plan_door.call_off(plan.id, settings.places))
    assert "running" not in output.stdout
    assert "called-off" not in output.stdout


def forge(directory: Path, plan: Plan, *, uid: int) -> None:
    """The files of a plan that is done, as another user may make them."""
    directory.mkdir()
    (directory / "plan").write_text(plan_json.dumps(plan, "mallory") + "\n")
    (directory / "state").write_text(f"run 1 {plan.id} 1 1 b 1 1 1 root\nresult done\n")
    for path in (directory, *directory.iterdir()):
        os.chown(path, uid, uid)


async def test_what_a_console_that_starts_has_missed(
    places: LocalPlaces, settings: RunSettings, link: CutTransport, tmp_path: Path
) -> None:
    """Row 32: what runs, what ended lately, and every end that was not known here; nobody else's word."""
    trail = AuditTrail(tmp_path / "audit.jsonl")
    ended, old = counted(places), counted(places)
    for plan in (ended, old):
        trail.planned(plan, "ann")
        assert (await run(link, plan, settings))[-1].result is Result.DONE
    state = places.directory(old) / "state"
    words = state.read_text().split(" ")
    words[6] = "1"  # its beginning, in hundredths of a second since the host's start
    state.write_text(" ".join(words))
    forge(places.first / "hostdeck-plan-20261120-forged", make(plan_id="20261120-forged"), uid=65534)
    running = held(places)
    trail.planned(running, "ann")
    async for progress in execute(link, running, root=True, operator="ann", settings=settings):
        if progress.steps[0].state is StepState.RUNNING:
            break
    missed = {found.plan.id: found.life for found in await pick_up(link, trail, settings)}
    assert missed == {running.id: PlanLife.RUNNING, ended.id: PlanLife.ENDED, old.id: PlanLife.ENDED}
    assert {entry.id: entry.result for entry in trail.read()} == {
        ended.id: "done",
        old.id: "done",
        running.id: "unknown",
    }
    let_go(places)
    assert [progress.result async for progress in resume(link, running, settings=settings)][-1] is Result.DONE
    again = {found.plan.id for found in await pick_up(link, trail, settings)}
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert again == {running.id, ended.id} | (set() if uptime > LATELY else {old.id})
    assert [entry.result for entry in trail.read()] == ["done"] * 3


async def test_a_lock_that_was_set_aside_stays_so_the_day_after(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    """Its dead owner's link cannot be removed by this user: without the mark beside it, it would hold again."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    dead = places.first / f"hostdeck-lock-{lock_key(REF)}.1"
    dead.symlink_to(f"v=1&plan=20261120-dead&boot={boot}&up=1&lease=1")
    os.chown(dead, 65534, 65534, follow_symlinks=False)
    await break_lock(link, REF, "20261120-dead", operator="ann", reason="dead", settings=settings)
    (places.first / "hostdeck-lock-other.1").symlink_to("v=1&plan=20261120-old&boot=0")
    (places.first / "hostdeck-lock-other.2").symlink_to("v=1&breaks=1.20261120-old")
    for path in places.first.glob("hostdeck-lock-*"):
        os.utime(path, (1.0, 1.0), follow_symlinks=False)
    assert (await run(link, counted(places), settings))[-1].result is Result.DONE
    for _ in range(100):
        if not list(places.first.glob("hostdeck-lock-other.*")):
            break
        await asyncio.sleep(0.05)
    assert [path.name for path in places.first.glob("hostdeck-lock-other.*")] == []
    assert len(places.locks()) == 2
    assert (await run(link, counted(places), settings))[-1].result is Result.DONE
    dead.unlink()
    assert (await run(link, counted(places), settings))[-1].result is Result.DONE
    for _ in range(100):
        if not places.locks():
            break
        await asyncio.sleep(0.05)
    assert places.locks() == []


@words
async def test_another_operator_follows_roots_plan_without_its_output(
    tmp_path: Path, settings: RunSettings, link: CutTransport, words: tuple[str, ...]
) -> None:
    """What commands print is for root alone; how far the plan is and how it ended is for all."""
    with within_reach_of_all() as root:
        places = LocalPlaces(root)
        settings = replace(settings, places=places.all)
        plan = counted(places, checks=(Check("well", shell("echo secret")),))
        assert (await run(link, plan, settings))[-1].steps[0].state is StepState.DONE
        other = CutTransport(("setpriv", "--reuid", "65534", "--clear-groups", *words))
        found = (await inspect(other, settings)).plan(plan.id)
        assert found is not None
        assert (found.uid, found.life, found.progress.result) == (0, PlanLife.ENDED, Result.DONE)
        last = [progress async for progress in resume(other, plan, settings=settings)][-1]
        assert (last.result, last.steps[0].state) == (Result.DONE, StepState.DONE)
        assert (last.steps[0].output, last.checks[0].output) == ("", "[only root can read this output]")
        await other.close()


@words
async def test_root_may_set_aside_the_live_lock_of_another_user_and_nobody_else_may(
    tmp_path: Path, settings: RunSettings, link: CutTransport, words: tuple[str, ...]
) -> None:
    """A service's own account could forbid its restart for a day, with a lock and a process that sleeps."""
    with within_reach_of_all() as root, sleeping(65534) as pid:
        places = LocalPlaces(root)
        settings = replace(settings, places=places.all)
        other = CutTransport(("setpriv", "--reuid", "65533", "--clear-groups", *words))
        own = CutTransport(("setpriv", "--reuid", "65534", "--clear-groups", *words))
        lay_live_lock(places, pid)
        mark = places.first / f"hostdeck-lock-{lock_key(REF)}.2"
        mark.symlink_to("v=1&breaks=1.20261120-other")
        os.chown(mark, 65533, -1, follow_symlinks=False)
        trail = AuditTrail(tmp_path / "audit.jsonl")
        for who in (other, own):
            with pytest.raises(LockError, match="locked by nobody"):
                await break_lock(
                    who, REF, "20261120-other", operator="eve", reason="mine", audit=trail, settings=settings
                )
        assert [(entry.kind, entry.result) for entry in trail.read()] == [("break-lock", "failed")] * 2
        refused = (await run(link, counted(places), settings))[-1]
        assert refused.result is Result.REFUSED
        assert "root may set it aside all the same" in (refused.reason or "")
        await break_lock(link, REF, "20261120-other", operator="ann", reason="4711", audit=trail, settings=settings)
        assert (trail.read()[-1].kind, trail.read()[-1].result) == ("break-lock", "done")
        assert (await run(link, counted(places), settings))[-1].result is Result.DONE
        for who in (other, own):
            assert (await inspect(who, settings)).locks == ()
            await who.close()


async def test_several_dead_locks_are_set_aside_one_after_the_other(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    for number in range(1, 12):
        path = places.first / f"hostdeck-lock-{lock_key(REF)}.{number}"
        path.symlink_to(f"v=1&plan=20261120-dead{number}&up=1&lease=1")
        os.chown(path, 65534 if number % 2 else 0, -1, follow_symlinks=False)
    for lock in (await inspect(link, settings)).locks:
        await break_lock(link, REF, lock.plan, operator="ann", reason="dead", settings=settings)
    assert (await run(link, counted(places), settings))[-1].result is Result.DONE


async def test_not_even_root_sets_aside_a_live_lock_of_root(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    path = lay_live_lock(places, os.getpid())
    os.chown(path, 0, 0, follow_symlinks=False)
    with pytest.raises(LockError, match="locked by root"):
        await break_lock(link, REF, "20261120-other", operator="ann", reason="hurry", settings=settings)


def lay_live_lock(places: LocalPlaces, pid: int) -> Path:
    """A lock for a day, with a process of its owner behind it."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    up = int(float(Path("/proc/uptime").read_text().split()[0]) * 100)
    start = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19]
    path = places.first / f"hostdeck-lock-{lock_key(REF)}.1"
    path.symlink_to(f"v=1&plan=20261120-other&boot={boot}&up={up}&lease=86000&pid={pid}&start={start}")
    os.chown(path, 65534, -1, follow_symlinks=False)
    return path


@contextmanager
def sleeping(uid: int) -> Iterator[int]:
    """A process of that user."""
    with subprocess.Popen(["sleep", "60"], user=uid) as sleeper:
        try:
            yield sleeper.pid
        finally:
            sleeper.kill()


@contextmanager
def within_reach_of_all() -> Iterator[Path]:
    """A directory that another user reaches too, unlike those of pytest."""
    with TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)
