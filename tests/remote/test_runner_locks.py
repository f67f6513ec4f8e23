"""Locks: who holds them, and how those of the dead are set aside; with this machine as the host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from console.core.plan import Plan, Result, StepState
from console.core.service import ServiceRef
from console.remote.audit import AuditTrail
from console.remote.plan_inspect import PlanLife
from console.remote.plan_locks import LockHolder
from console.remote.plan_script import lock_key
from console.remote.runner import LockError, RunSettings, break_lock, execute, inspect, settle
from tests.patience import SHARED
from tests.remote.links import CutTransport, count, counted, held, let_go, quick, run
from tests.remote.plans import REF, SHELLS, LocalPlaces

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


async def test_the_second_operator_is_told_who_and_why(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    first = execute(link, held(places, reason="incident 4711"), root=True, operator="ann", settings=settings)
    async for progress in first:
        if progress.steps[0].state is StepState.RUNNING:
            break
    other = CutTransport()
    last = (await run(other, counted(places), settings))[-1]
    assert last.result is Result.REFUSED
    assert last.reason is not None
    assert re.search(
        rf"locked by {me()} \(uid {os.getuid()}, as ann\) for \d s, restart of web1/systemd:api.service: incident 4711",
        last.reason,
    )
    assert [step.state for step in last.steps] == [StepState.SKIPPED]
    let_go(places)
    results = [progress.result async for progress in first]
    assert results[-1] is Result.DONE
    assert count(places) == 1
    await other.close()


async def test_a_killed_plan_leaves_its_lock_until_its_lease_is_over(
    places: LocalPlaces, settings: RunSettings, link: CutTransport, tmp_path: Path
) -> None:
    """Row 34."""
    plan = counted(places, 30)
    last = None
    async for last in execute(link, plan, root=True, operator="ann", settings=settings):
        if last.steps[0].state is StepState.RUNNING:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(places.state(plan)[0].split()[3]), signal.SIGKILL)
    assert last is not None
    assert last.result is Result.FAILED
    assert last.reason is not None
    assert "process on the host is gone" in last.reason
    view = await inspect(link, settings)
    assert [found.life for found in view.plans] == [PlanLife.ABANDONED]
    assert [(lock.plan, lock.over) for lock in view.locks] == [(plan.id, False)]
    trail = AuditTrail(tmp_path / "ann.jsonl")
    trail.planned(plan, "ann")
    assert await settle(trail, view, "web1") == 1
    assert trail.read()[0].result == "failed"
    with pytest.raises(LockError, match=f"locked by {me()}"):
        await break_lock(link, REF, plan.id, operator="bob", reason="dead", settings=settings)
    age_lock(places)
    refused = (await run(link, counted(places), settings))[-1]
    assert refused.result is Result.REFUSED
    assert refused.reason is not None
    assert f"its lease is over, plan {plan.id}: the lock can be broken" in refused.reason
    audit = AuditTrail(tmp_path / "audit.jsonl")
    await break_lock(link, REF, plan.id, operator="bob", reason="it is dead", audit=audit, settings=settings)
    assert [(entry.kind, entry.who, entry.reason) for entry in audit.read()] == [("break-lock", "bob", "it is dead")]
    assert (await inspect(link, settings)).locks == ()
    assert (await run(link, counted(places), settings))[-1].result is Result.DONE
    assert count(places) == 2
    end_children(plan, places)


@words
async def test_the_next_plan_sets_aside_the_lock_of_one_of_which_nothing_runs(
    places: LocalPlaces, settings: RunSettings, link: CutTransport, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Row 34: not before all that it began has ended, too."""
    plan = counted(places, 30)
    running = places.start(plan, words)
    await until(lambda: any(line.startswith("step 1 running") for line in places.state(plan)))
    await until(lambda: commands(plan, places) != [])
    running.kill()
    running.wait()
    assert [(lock.over, lock.dead) for lock in (await inspect(link, settings)).locks] == [(False, False)]
    refused = (await run(link, counted(places), settings))[-1]
    assert refused.result is Result.REFUSED
    end_children(plan, places)
    await until(lambda: not any(alive(pid) for pid in commands(plan, places)))
    await dead(link, settings)
    audit = AuditTrail(tmp_path / "audit.jsonl")
    going = execute(link, counted(places), root=True, operator="bob", audit=audit, settings=settings)
    last = [progress async for progress in going][-1]
    assert (last.result, last.broke) == (Result.DONE, (plan.id,)), last.reason
    assert audit.read()[-1].broke == (plan.id,)
    assert (await inspect(link, settings)).locks == ()
    noted = (places.directory(last.plan) / "audit").read_text()
    assert f"sets aside lock={lock_key(REF)} of-plan={plan.id}, whose processes are gone" in noted


@pytest.mark.parametrize("field", ["boot", "pid", "start", "sid", "plan"])
async def test_a_lock_that_does_not_say_all_is_not_taken_for_dead(
    places: LocalPlaces, settings: RunSettings, link: CutTransport, field: str
) -> None:
    await killed(places, settings, link)
    change_lock(places, **{field: ""})
    assert [lock.dead for lock in (await inspect(link, settings)).locks] == [False]


async def test_the_lock_of_a_dead_plan_that_cannot_be_set_aside_refuses_the_next_one_at_once(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    """Each entry for the host's log is a command of its own: it must not make the count of the tries begin anew."""
    await killed(places, settings, link)
    full = "ln() { echo \"ln: failed to create symbolic link '$3': No space left on device\" >&2; return 1; }\n"
    plan = counted(places)
    # The path of a socket has at most 108 bytes.
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(f"{short}/log")
        going = places.start(plan, mend=f"{full}logger() {{ :; }}\nhd_syslog={short}/log\n")
        try:
            await until(lambda: places.state(plan)[-1:] != [] and places.state(plan)[-1].startswith("result"))
        finally:
            going.kill()
            going.wait()
    assert places.state(plan)[-1] == f"result refused link {lock_key(REF)} No space left on device"
    assert (places.directory(plan) / "audit").read_text().count("sets aside") == 1


async def test_a_dead_lock_is_set_aside_by_the_next_plan_also_when_its_lease_is_over(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    plan = await killed(places, settings, link)
    age_lock(places)
    (lock,) = (await inspect(link, settings)).locks
    assert (lock.dead, lock.age is not None and lock.lease is not None and lock.age > lock.lease) == (True, True)
    last = (await run(link, counted(places), settings))[-1]
    assert (last.result, last.broke) == (Result.DONE, (plan.id,)), last.reason


async def killed(places: LocalPlaces, settings: RunSettings, link: CutTransport) -> Plan:
    """A plan that holds its lock, and of which nothing runs any more."""
    plan = counted(places, 30)
    running = places.start(plan)
    await until(lambda: commands(plan, places) != [])
    running.kill()
    running.wait()
    end_children(plan, places)
    await until(lambda: not any(alive(pid) for pid in commands(plan, places)))
    await dead(link, settings)
    return plan


def commands(plan: Plan, places: LocalPlaces) -> list[int]:
    told = [file.read_text().strip() for file in places.directory(plan).glob("pid.*")]
    return [int(pid) for pid in told if pid.isdigit()]


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists()


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10 * SHARED):
        while not so():
            await asyncio.sleep(0.02)


async def dead(link: CutTransport, settings: RunSettings) -> None:
    """What waited for the command ends after it."""
    async with asyncio.timeout(10 * SHARED):
        while not all(lock.dead for lock in (await inspect(link, settings)).locks):
            await asyncio.sleep(0.05)


def me() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def age_lock(places: LocalPlaces) -> None:
    """Make the one lock look as if it had been taken long ago."""
    change_lock(places, up="1", lease="1")


def change_lock(places: LocalPlaces, **changed: str) -> None:
    (name,) = places.locks()
    target = str((places.first / name).readlink())
    fields = dict(pair.split("=", 1) for pair in target.split("&")) | changed
    (places.first / name).unlink()
    (places.first / name).symlink_to("&".join(f"{key}={value}" for key, value in fields.items()))


def end_children(plan: Plan, places: LocalPlaces) -> None:
    for file in places.directory(plan).glob("pid.*"):
        if file.read_text().strip().isdigit():
            # Each has a session of its own, with all that it has begun; one that has just ended has none any more.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(file.read_text()), signal.SIGKILL)


async def test_a_lock_of_an_earlier_boot_holds_nothing(
    places: LocalPlaces, settings: RunSettings, link: CutTransport
) -> None:
    old = "v=1&plan=20260101-old&by=ann&boot=00000000-0000-0000-0000-000000000000&up=100&lease=86000"
    (places.first / f"hostdeck-lock-{lock_key(REF)}.1").symlink_to(old)
    assert (await run(link, counted(places), settings))[-1].result is Result.DONE


@pytest.mark.parametrize("target", ["/etc/passwd", ".", "v=1", "a\nl x", "v=1&boot=$(id)&up=`id`"])
async def test_what_others_put_in_place_of_a_lock_holds_and_can_be_set_aside(
    places: LocalPlaces, settings: RunSettings, link: CutTransport, target: str
) -> None:
    (places.first / f"hostdeck-lock-{lock_key(REF)}.1").symlink_to(target)
    assert (await run(link, counted(places), settings))[-1].result is Result.REFUSED
    (lock,) = (await inspect(link, settings)).locks
    assert lock.over
    assert lock.age is None
    await break_lock(link, REF, lock.plan, operator="ann", reason="not ours", settings=settings)
    assert (await run(link, counted(places), settings))[-1].result is Result.DONE


async def test_a_lock_in_another_place_counts(tmp_path: Path, link: CutTransport) -> None:
    two = LocalPlaces(tmp_path / "two", count=2)
    settings = RunSettings(places=two.all)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    up = int(float(Path("/proc/uptime").read_text().split()[0]) * 100)
    held = f"v=1&plan=20261120-other&by=bob&why=test&boot={boot}&up={up}&lease=500&user=bob"
    (Path(two.all[1]) / f"hostdeck-lock-{lock_key(REF)}.1").symlink_to(held)
    last = (await run(link, counted(two), settings))[-1]
    assert last.result is Result.REFUSED
    assert f"locked by {me()} (uid {os.getuid()}, as bob)" in (last.reason or "")


async def test_a_secret_in_the_reason_is_written_nowhere(
    places: LocalPlaces, settings: RunSettings, link: CutTransport, tmp_path: Path
) -> None:
    secret = "hunter2"
    trail = AuditTrail(tmp_path / "audit.jsonl")
    plan = held(places, reason=f"vendor asked: password={secret}")
    told = execute(link, plan, root=True, operator="ann", audit=trail, settings=settings)
    async for progress in told:
        if progress.steps[0].state is StepState.RUNNING:
            (name,) = places.locks()
            written = [str((places.first / name).readlink()), trail.path.read_text()]
            written += [file.read_text(errors="replace") for file in places.directory(plan).iterdir() if file.is_file()]
            assert "vendor" in written[0]
            assert "vendor" in written[1]
            assert not [text for text in written if secret in text]
            assert (progress.plan.id, secret in (progress.plan.reason or "")) == (plan.id, False)
            let_go(places)
    assert progress.result is Result.DONE
    old = "v=1&plan=20261120-old&by=ann&boot=&up=1&lease=1"
    (places.first / f"hostdeck-lock-{lock_key(REF)}.1").symlink_to(old)
    await break_lock(link, REF, "20261120-old", operator="ann", reason=f"token={secret}", settings=settings)
    assert not [name for name in places.locks() if secret in str((places.first / name).readlink())]


@pytest.mark.parametrize("letter", ["ж", "\U0001f525", "%", "x", "\ud800"])
async def test_a_reason_in_any_script_fits_into_a_link(
    places: LocalPlaces, settings: RunSettings, link: CutTransport, letter: str
) -> None:
    """XFS takes links of 1,023 bytes; a letter of another script is six of them, a picture is twelve."""
    reason, operator = letter * 300, letter * 100
    target = ServiceRef("web1", "systemd", letter * 250)
    plan = held(places, reason=reason, target=target)
    seen: list[LockHolder] = []
    async for progress in execute(link, plan, root=True, operator=operator, settings=settings):
        if progress.steps[0].state is StepState.RUNNING and not seen:
            seen += (await inspect(link, settings)).locks
            assert [len(str((places.first / name).readlink())) < 900 for name in places.locks()] == [True]
            let_go(places)
    assert progress.result is Result.DONE
    assert len(seen[0].reason) >= 30
    assert set(seen[0].reason) == set(seen[0].operator) <= {letter, "?"}
    dead = "v=1&plan=20261120-old&by=ann&boot=&up=1&lease=1"
    (places.first / f"hostdeck-lock-{lock_key(REF)}.1").symlink_to(dead)
    await break_lock(link, REF, "20261120-old", operator=operator, reason=reason, settings=settings)
    assert max(len(str((places.first / name).readlink())) for name in places.locks()) < 900


@words
@pytest.mark.skipif(os.geteuid() != 0, reason="gives links to another user")
async def test_another_users_lock_holds_only_while_a_process_of_his_is_behind_it(
    places: LocalPlaces, settings: RunSettings, words: tuple[str, ...]
) -> None:
    """Anybody could make a link that holds a service for a day under somebody's name."""
    link = CutTransport(words)
    sleeper = subprocess.Popen(["sleep", "60"], user=65534)
    mine = Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(") ")[2].split()[19]
    his = Path(f"/proc/{sleeper.pid}/stat").read_text().rpartition(") ")[2].split()[19]
    owner = pwd.getpwuid(65534).pw_name
    for process in ("", "&pid=1&start=1", f"&pid={os.getpid()}&start={mine}", f"&pid={sleeper.pid}&start=1", "&pid=0"):
        name = lock_of_another(places, process)
        refused = (await run(link, counted(places), settings))[-1]
        assert refused.result is Result.REFUSED
        assert (refused.reason or "").startswith(f"locked by {owner} (uid 65534, as root) for ")
        assert f"its process is gone, plan 20261120-other: the lock can be broken: hostdeck break-lock {REF} " in (
            refused.reason or ""
        )
        await break_lock(link, REF, "20261120-other", operator="ann", reason="nothing behind it", settings=settings)
        assert (await run(link, counted(places), settings))[-1].result is Result.DONE
        for left in places.locks():
            (places.first / left).unlink()
    name = lock_of_another(places, f"&pid={sleeper.pid}&start={his}")
    assert not (await inspect(link, settings)).locks[0].over
    refused = (await run(link, counted(places), settings))[-1]
    assert (refused.reason or "").startswith(f"locked by {owner} (uid 65534, as root) for ")
    sleeper.kill()
    sleeper.wait()
    assert (await inspect(link, settings)).locks[0].gone
    assert places.locks() == [name]
    await link.close()


def lock_of_another(places: LocalPlaces, process: str) -> str:
    """A link of another user that says of itself that it is root's and holds for a day."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    up = int(float(Path("/proc/uptime").read_text().split()[0]) * 100)
    path = places.first / f"hostdeck-lock-{lock_key(REF)}.1"
    path.symlink_to(f"v=1&plan=20261120-other&by=root&user=root&boot={boot}&up={up}&lease=86399{process}")
    os.chown(path, 65534, 65534, follow_symlinks=False)
    return path.name
