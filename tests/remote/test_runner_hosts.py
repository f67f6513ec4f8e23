"""How a plan lives on a real host apart from the connection: its unit, its session, its files, its host's end."""

from __future__ import annotations

import asyncio
import json

import pytest

from console.core.plan import Result
from console.remote.plan_inspect import PlanLife
from console.remote.runner import inspect, resume
from tests.lab import BusyboxHost, FreshHost, Lab
from tests.remote.real import RUN, connected, count, processes, run, slow, until_running


@pytest.mark.parametrize("user", ["root", "oncall"])
async def test_a_host_that_crashes_meanwhile(lab: Lab, fresh_host: FreshHost, user: str) -> None:
    """Without any warning; nothing is locked then, nobody says that it was done, and what was begun is known."""
    host = fresh_host()
    plan = slow(host, 60.0)
    async with connected(host.name, lab.ssh_config(user)) as transport:
        await until_running(transport, plan, root=user == "root")
    boots = host.container.boots
    host.run(["systemctl", "reboot", "--force", "--force"], check=False)
    await asyncio.to_thread(host.wait_ready, boots + 1)
    async with connected(host.name, lab.ssh_config(user)) as transport:
        view = await inspect(transport, RUN)
        assert view.locks == ()
        last = [progress async for progress in resume(transport, plan, settings=RUN)][-1]
        assert [(found.plan.id, found.life) for found in view.plans] == [(plan.id, PlanLife.ABANDONED)]
        assert (last.result, "restarted" in (last.reason or "")) == (Result.FAILED, True)
        assert (await run(transport, slow(host, 0.1), root=user == "root")).result is Result.DONE


async def test_an_orderly_shutdown_waits_for_the_plan_of_a_session(lab: Lab, fresh_host: FreshHost) -> None:
    """It is over in a few seconds, at most in the 90 that systemd waits."""
    host = fresh_host()
    plan = slow(host, 4.0)
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        await until_running(transport, plan, root=False)
    await asyncio.to_thread(host.reboot)
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        (found,) = (await inspect(transport, RUN)).plans
    assert (found.life, found.progress.result) == (PlanLife.ENDED, Result.DONE)


async def test_a_busybox_host(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 46: no systemd, no sudo, no logger, no setsid of util-linux."""
    host = fresh_host("boxplan", kind=BusyboxHost)
    async with connected(host.name, lab.ssh_config("root")) as transport:
        plan = slow(host, 1.0)
        last = await run(transport, plan, root=True)
        assert (last.result, last.proof) == (Result.DONE, ("1",)), last
        left = slow(host, 2.0, file="/tmp/left")
        await until_running(transport, left)
        view = await inspect(transport, RUN)
        assert {found.plan.id: found.life for found in view.plans} == {
            plan.id: PlanLife.ENDED,
            left.id: PlanLife.RUNNING,
        }
    async with connected(host.name, lab.ssh_config("root")) as transport:
        last = [progress async for progress in resume(transport, left, settings=RUN)][-1]
        assert last.result is Result.DONE
    kept = host.read("/var/log/hostdeck-audit-0.1/log")
    assert [kept.count(f"plan={of.id} {what} ") for of in (plan, left) for what in ("begin", "end")] == [1, 1, 1, 1]


async def test_a_noisy_shell_and_another_language(lab: Lab, fresh_host: FreshHost) -> None:
    """Row 47."""
    host = fresh_host()
    host.noisy_shell("oncall")
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        assert (await run(transport, slow(host, 0.1), root=False)).result is Result.DONE


async def test_a_wedged_unit_manager_falls_back(lab: Lab, fresh_host: FreshHost) -> None:
    """Root's plan is a unit of its own; where systemd-run fails it is started without, once."""
    host = fresh_host()
    host.write("/usr/local/bin/systemd-run", "#!/bin/sh\nexit 1\n", mode=0o755)
    async with connected(host.name, lab.ssh_config("root")) as transport:
        assert (await run(transport, slow(host, 0.1), root=True)).result is Result.DONE
    assert count(host) == 1


async def test_the_plan_of_root_is_a_named_unit(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    plan = slow(host, 2.0)
    async with connected(host.name, lab.ssh_config("root")) as transport:
        await until_running(transport, plan)
        assert "active" in host.sh(f"systemctl is-active hostdeck-{plan.id}.service")
        last = [progress async for progress in resume(transport, plan, settings=RUN)][-1]
        assert last.result is Result.DONE
    host.wait(f"! systemctl status hostdeck-{plan.id}.service")


async def test_a_user_who_lingers_has_his_plan_in_his_own_manager(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.sh("loginctl enable-linger oncall")
    plan = slow(host, 2.0)
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        await until_running(transport, plan, root=False)
        paths = " ".join(f"/proc/{pid}/cgroup" for pid in processes(host, plan))
        # One that has ended meanwhile is passed over.
        groups = host.sh(f"cat {paths} 2>/dev/null || true")
        assert f"hostdeck-{plan.id}.service" in groups
        last = [progress async for progress in resume(transport, plan, settings=RUN)][-1]
        assert last.result is Result.DONE


async def test_the_state_can_be_read_by_all_and_the_script_by_nobody_else(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    plan = slow(host, 2.0)
    async with connected(host.name, lab.ssh_config("oncall")) as transport:
        await until_running(transport, plan, root=False)
        found = host.sh(f"stat -c '%a %U %n' /var/tmp/hostdeck-plan-{plan.id}/* /var/tmp/hostdeck-plan-{plan.id}")
        modes = {line.split()[2].rpartition("/")[2]: line.split()[:2] for line in found.splitlines()}
        assert modes["state"] == ["644", "oncall"]
        assert modes["plan"] == ["644", "oncall"]
        assert modes["log"] == modes["out.step.1"] == ["600", "oncall"]
        assert modes[f"hostdeck-plan-{plan.id}"] == ["755", "oncall"]
        assert "script" not in modes
        stored = json.loads(host.read(f"/var/tmp/hostdeck-plan-{plan.id}/plan"))
        assert stored["reason"] == "incident 4711"
