"""What happens to plans on real hosts when the link, the console or the disk goes, and when two want the same."""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from console.core.command import Command, Effect
from console.core.plan import ActionKind, Check, PlanProgress, Result, Step, StepState
from console.remote import plan_json
from console.remote.audit import AuditTrail
from console.remote.plan_inspect import PlanLife
from console.remote.runner import LockError, break_lock, execute, inspect, resume, settle
from console.remote.ssh import SshTransport
from console.remote.ssh_pool import JumpPool
from console.remote.transport import HostSpec
from tests.lab import FreshHost, Lab, faults
from tests.remote.real import RUN, connected, count, processes, run, slow, until_running


@pytest.mark.parametrize("user", ["root", "oncall"])
async def test_link_lost_while_a_plan_runs(lab: Lab, fresh_host: FreshHost, user: str) -> None:
    """Row 30: every packet is dropped, the host goes on, the console finds the result and runs nothing twice."""
    host = fresh_host()
    plan = slow(host)
    told: list[PlanProgress] = []
    settings = replace(RUN, silence=4.0)
    with ExitStack() as hole:
        cut = mended = False
        async with connected(host.name, lab.ssh_config(user)) as transport:
            async for progress in execute(transport, plan, root=user == "root", operator="ann", settings=settings):
                told.append(progress)
                if progress.steps[0].state is StepState.RUNNING and not cut:
                    hole.enter_context(faults.black_hole(host))
                    cut = True
                elif cut and not mended and "connection lost" in (progress.reason or ""):
                    hole.close()
                    mended = True
    assert told[-1].result is Result.DONE, told[-1]
    assert any("connection lost, the plan goes on there" in (progress.reason or "") for progress in told)
    assert count(host) == 1


@pytest.mark.parametrize("well", [True, False])
async def test_link_lost_between_the_steps_of_a_roll_back(lab: Lab, fresh_host: FreshHost, well: bool) -> None:
    """Row 31: the host goes through with it, or takes it back, by itself; the console then shows which."""
    host = fresh_host()
    host.sh("mkdir -p /srv/r/releases/1 /srv/r/releases/2; ln -s releases/1 /srv/r/current")
    if well:
        host.sh("touch /srv/r/releases/2/well")
    there, back = (
        Command(
            ("sh", "-c", f"ln -s releases/{n} /srv/r/next && mv -T /srv/r/next /srv/r/current"), effect=Effect.CHANGE
        )
        for n in (2, 1)
    )
    base = slow(host)
    check = Check("it is well", Command(("test", "-e", "/srv/r/current/well")), within=0)
    plan = replace(
        base, kind=ActionKind.ROLLBACK, steps=(Step("make 2 live", there, back), *base.steps), checks=(check,)
    )  # fmt: skip
    told: list[PlanProgress] = []
    cut = False
    with ExitStack() as hole:
        async with connected(host.name, lab.ssh_config("root")) as transport:
            settings = replace(RUN, silence=4.0)
            async for progress in execute(transport, plan, root=True, operator="ann", settings=settings):
                told.append(progress)
                if progress.steps[1].state is StepState.RUNNING and not cut:
                    hole.enter_context(faults.black_hole(host))
                    cut = True
                if "connection lost" in (progress.reason or ""):
                    hole.close()
    assert any("connection lost, the plan goes on there" in (progress.reason or "") for progress in told)
    assert told[-1].result is (Result.DONE if well else Result.UNDONE), told[-1]
    assert host.sh("readlink /srv/r/current").strip() == f"releases/{2 if well else 1}"
    assert count(host) == 1


async def test_link_cut_right_after_the_hand_over(lab: Lab, fresh_host: FreshHost) -> None:
    """The connection is closed from outside as soon as the request was written: it may or may not have arrived."""
    host = fresh_host()
    for number in range(4):
        plan = slow(host, 0.3, file=f"/tmp/count{number}")
        async with connected(host.name, lab.ssh_config("oncall")) as transport:
            told = execute(transport, plan, root=False, operator="ann", settings=RUN)
            first = await anext(told)
            assert first.result is None
            waiting = asyncio.ensure_future(anext(told))
            await asyncio.sleep(0.02 * number)
            await transport.close()
            last = [await waiting, *[progress async for progress in told]][-1]
        # What was not sent was not done, and is said to be so.
        assert last.result is Result.DONE or (last.reason or "").startswith("nothing was done: "), last
        assert count(host, f"/tmp/count{number}") == (last.result is Result.DONE)


async def test_links_cut_at_random_moments(lab: Lab, fresh_host: FreshHost) -> None:
    """None runs twice, and none is said to be done, or not done, that is not so."""
    host = fresh_host()
    chance = random.Random(4711)

    async def one(number: int, seconds: float) -> None:
        user = ("root", "oncall")[number % 2]
        plan = slow(host, 0.3, name=f"unit{number}.service", file=f"/tmp/count{number}")
        async with connected(host.name, lab.ssh_config(user)) as transport:
            cut = asyncio.get_running_loop().create_task(cut_after(transport, seconds))
            last = await run(transport, plan, root=user == "root")
            await cut
        done = count(host, f"/tmp/count{number}")
        if last.result is Result.REFUSED:
            assert ((last.reason or "").startswith("nothing was done: "), done) == (True, 0)
        else:
            assert (last.result, done) == (Result.DONE, 1), last

    async def cut_after(transport: SshTransport, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await transport.close()

    for first in range(0, 20, 4):
        await asyncio.gather(*(one(number, chance.uniform(0, 1.2)) for number in range(first, first + 4)))


async def test_a_host_that_stays_lost_is_unknown(lab: Lab, fresh_host: FreshHost, tmp_path: Path) -> None:
    host = fresh_host()
    plan = slow(host, 1.0)
    audit = AuditTrail(tmp_path / "audit.jsonl")
    settings = replace(RUN, silence=2.0, patience=3.0)
    async with connected(host.name, lab.ssh_config("root")) as transport:
        told: list[PlanProgress] = []
        cut = False
        with ExitStack() as hole:
            async for progress in execute(transport, plan, root=True, operator="ann", audit=audit, settings=settings):
                told.append(progress)
                if progress.steps[0].state is StepState.RUNNING and not cut:
                    hole.enter_context(faults.black_hole(host))
                    cut = True
    last = told[-1]
    assert last.result is Result.UNKNOWN
    assert [entry.result for entry in audit.read()] == ["unknown"]
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        view = await inspect(transport, RUN)
        found = view.plan(plan.id)
        assert found is not None
        assert (found.life, found.progress.result, found.operator, found.uid) == (PlanLife.ENDED, Result.DONE, "ann", 0)
        assert await settle(audit, view, host.name) == 1
    assert [entry.result for entry in audit.read()] == ["done"]
    assert count(host) == 1


CONSOLE = """
import asyncio, sys
from pathlib import Path
from console.core.plan import StepState
from console.remote import plan_json
from console.remote.audit import AuditTrail
from console.remote.runner import execute
from tests.remote.real import connected
async def main(host, config, plan, audit):
    found, _ = plan_json.loads(plan, host)
    async with connected(host, Path(config)) as transport:
        told = execute(transport, found, root=False, operator="ann", audit=AuditTrail(Path(audit)))
        async for progress in told:
            if progress.steps[0].state is StepState.RUNNING:
                print("running", flush=True)
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("kill_sessions", [False, True])
async def test_the_console_is_killed(lab: Lab, fresh_host: FreshHost, tmp_path: Path, kill_sessions: bool) -> None:
    """Row 32; with KillUserProcesses=yes the host ends every process of the login session that the console had."""
    host = fresh_host()
    if kill_sessions:
        host.write("/etc/systemd/logind.conf.d/kill.conf", "[Login]\nKillUserProcesses=yes\n")
        host.sh("systemctl restart systemd-logind")
    plan = slow(host, 4.0)
    audit = tmp_path / "audit.jsonl"
    words = (host.name, str(lab.ssh_config("oncall")), plan_json.dumps(plan, "ann"), str(audit))
    console = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CONSOLE, *words, stdout=asyncio.subprocess.PIPE
    )
    assert console.stdout is not None
    assert await asyncio.wait_for(console.stdout.readline(), 30) == b"running\n"
    console.kill()
    await console.wait()
    trail = AuditTrail(audit)
    assert [entry.result for entry in trail.read()] == ["unknown"]
    if kill_sessions:
        host.wait("! loginctl list-sessions --no-legend | grep -q active || ! pgrep -u oncall sshd")
    async with connected(host.name, lab.ssh_config("nosudo")) as transport:
        # Its word counts for its own user only.
        assert (await inspect(transport, RUN)).plans == ()
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        found = (await inspect(transport, RUN)).plan(plan.id)
        assert found is not None
        last = [progress async for progress in resume(transport, found.plan, audit=trail, settings=RUN)][-1]
    assert last.result is Result.DONE, last
    assert count(host) == 1
    assert [entry.result for entry in trail.read()] == ["done"]
    assert processes(host, plan) == []


async def test_two_operators_at_once(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 33, from two consoles and as two users; whichever comes first."""
    host = fresh_host()
    plans = [slow(host, 2.0), slow(host, 2.0)]
    async with (
        connected(host.name, lab.ssh_config("root")) as first,
        connected(host.name, lab.ssh_config("oncall")) as second,
    ):
        results = await asyncio.gather(
            run(first, plans[0], root=True, operator="ann"), run(second, plans[1], root=False, operator="bob")
        )
    assert sorted(str(last.result) for last in results) == ["done", "refused"]
    refused = next(last for last in results if last.result is Result.REFUSED)
    assert refused.reason is not None
    holder = "oncall (uid 1001, as bob)" if results[1].result is Result.DONE else "root (uid 0, as ann)"
    assert refused.reason.startswith(f"locked by {holder} for ")
    assert ": incident 4711; it is released when that ends, or in " in refused.reason
    assert count(host) == 1


async def test_a_dead_users_lock_is_broken_by_another_user(lab: Lab, fresh_host: FreshHost, tmp_path: Path) -> None:
    """Row 34: in a sticky directory bob cannot remove ann's lock, and need not. To him it holds only while there is a
    process of hers behind it; to her own console while anything that her plan began may still run.
    """
    host = fresh_host()
    plan = slow(host, 30.0)
    async with (
        connected(host.name, lab.ssh_config("oncall")) as own,
        connected(host.name, lab.ssh_config("nosudo")) as other,
    ):
        await until_running(own, plan, root=False)
        for link in (own, other):
            (held,) = (await inspect(link, RUN)).locks
            assert (held.plan, held.operator, held.user, held.over) == (plan.id, "ann", "oncall", False)
        with pytest.raises(LockError, match=r"locked by oncall \(uid 1001, as ann\)"):
            await break_lock(other, plan.target, plan.id, operator="bob", reason="hurry", settings=RUN)
        for pid in processes(host, plan):
            host.run(["kill", "-KILL", pid], check=False)
        host.sh("pkill -KILL -u oncall sleep")
        (left,) = (await inspect(own, RUN)).locks
        assert left.dead, "nothing of it runs: ann's next plan sets it aside"
        assert [found.life for found in (await inspect(own, RUN)).plans] == [PlanLife.ABANDONED]
        refused = await run(other, slow(host), root=False, operator="bob")
        assert refused.result is Result.REFUSED
        assert "its process is gone" in (refused.reason or "")
        assert f"hostdeck break-lock {plan.target} --reason TEXT" in (refused.reason or "")
        audit = AuditTrail(tmp_path / "audit.jsonl")
        await break_lock(other, plan.target, plan.id, operator="bob", reason="dead", audit=audit, settings=RUN)
        again = await run(other, slow(host, 0.1, file="/tmp/again"), root=False, operator="bob")
        assert again.result is Result.DONE
    assert [entry.kind for entry in audit.read()] == ["break-lock"]
    assert "break-lock" in host.sh("journalctl -t hostdeck -o cat --no-pager")


@pytest.mark.parametrize("user", ["root", "oncall"])
async def test_a_full_disk_refuses_or_another_place_is_taken(lab: Lab, fresh_host: FreshHost, user: str) -> None:
    host = fresh_host()
    with faults.full_disk(host, "/var/tmp"):
        async with connected(host.name, lab.ssh_config(user)) as transport:
            plan = slow(host, 0.1)
            assert (await run(transport, plan, root=user == "root")).result is Result.DONE
            host.sh("rm -rf /run/hostdeck; mkdir -m 1777 /run/hostdeck")
            with faults.full_disk(host, "/run/hostdeck"), faults.full_disk(host, "/tmp"):
                last = await run(transport, slow(host, 0.1), root=user == "root")
    assert last.result is Result.REFUSED
    assert "No space left on device" in (last.reason or "")
    assert "nothing was done" in (last.reason or "")
    assert count(host) == 1


async def test_no_right_to_write_anywhere(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 42."""
    host = fresh_host()
    with faults.read_only(host, "/var/tmp"), faults.read_only(host, "/tmp"):
        async with connected(host.name, lab.ssh_config("oncall")) as transport:
            last = await run(transport, slow(host, 0.1, file="/home/oncall/count"), root=False)
    assert last.result is Result.REFUSED
    assert "nothing was done" in (last.reason or "")
    assert count(host, "/home/oncall/count") == 0


async def test_a_host_with_one_channel_only(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 13: the watch gets a connection of its own when the first has no room."""
    host = fresh_host()
    with faults.max_sessions(host, 1):
        config = lab.ssh_config("oncall")
        async with connected(host.name, config) as transport:
            busy = await transport.open(("sleep", "60"))
            pool = JumpPool()

            def spare() -> SshTransport:
                return SshTransport(HostSpec(host.name, host.name, ssh_config=str(config)), pool)

            told = execute(transport, slow(host, 0.1), root=False, operator="ann", settings=RUN, spare=spare)
            last = [progress async for progress in told][-1]
            assert last.result is Result.DONE, last
            await busy.close()


async def test_a_host_that_is_down_is_refused_at_once(lab: Lab, fresh_host: FreshHost, tmp_path: Path) -> None:
    host = fresh_host()
    audit = AuditTrail(tmp_path / "audit.jsonl")
    transport = SshTransport(
        HostSpec(host.name, host.name, ssh_config=str(lab.ssh_config("root")), connect_timeout=1.0), JumpPool()
    )
    with faults.black_hole(host):
        last = await run(transport, slow(host), root=True, audit=audit)
    assert last.result is Result.REFUSED
    assert (last.reason or "").startswith("nothing was done: ")
    assert [entry.result for entry in audit.read()] == ["refused"]
    await transport.close()
