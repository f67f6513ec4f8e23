"""``hostdeck audit`` about plans of a real host that still run, or that a crash of it cut off."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

from console.core.plan import StepState
from console.remote.audit import AuditTrail
from console.remote.runner import execute
from tests.cli.test_on_hosts import Hostdeck, hostdeck
from tests.lab import FreshHost, Lab
from tests.remote.real import RUN, connected, slow

__all__ = ["hostdeck"]


async def test_the_audit_tells_what_runs_and_what_a_crash_cut_off(
    hostdeck: Hostdeck, lab: Lab, fresh_host: FreshHost, tmp_path: Path
) -> None:
    """Whichever console began it, also root's."""
    host = fresh_host("web1")
    own, other = slow(host, 60.0), slow(host, 60.0, name="other.service", file="/tmp/other")
    trail = AuditTrail(tmp_path / ".local/state/hostdeck/audit.jsonl")
    for user, plan, audit in (("oncall", own, trail), ("root", other, None)):
        async with connected(host.name, lab.ssh_config(user)) as transport:
            running = execute(transport, plan, root=user == "root", operator="ann", audit=audit, settings=RUN)
            async with aclosing(running) as told:
                async for progress in told:
                    if progress.steps[0].state is StepState.RUNNING:
                        break

    async def states(*argv: str) -> dict[str, tuple[str, bool]]:
        done = await asyncio.to_thread(hostdeck, "oncall", "audit", "--json", *argv)
        return {found["id"]: (found["state"], found["elsewhere"]) for found in done.json("audit/1")["plans"]}

    assert await states() == {own.id: ("unknown", False)}
    assert await states("--ask") == {own.id: ("running", False), other.id: ("running", True)}
    boots = host.container.boots
    host.run(["systemctl", "reboot", "--force", "--force"], check=False)
    await asyncio.to_thread(host.wait_ready, boots + 1)
    assert await states("--ask") == {own.id: ("abandoned", False), other.id: ("abandoned", True)}
    assert await states() == {own.id: ("abandoned", False)}
