"""A further sshd under a unit of its own: the console that came by it does not stop it for a port."""

from __future__ import annotations

import asyncio
from pathlib import Path

from console.cli import looking
from console.cli.commands.why import diagnosis
from console.cli.planning import make_plan
from console.cli.targets import any_target
from console.config.model import Config
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import Snapshot
from console.diagnosis import Verdict
from console.remote.transport import HostSpec
from tests.lab import FreshHost, Lab

NAME = "ssh-mgmt.service"


def test_the_sshd_by_which_the_console_came_is_left_alone(lab: Lab, fresh_host: FreshHost, tmp_path: Path) -> None:
    host = fresh_host()
    host.sh("mkdir -p /run/sshd")
    host.unit(NAME, "[Service]\nExecStart=/usr/sbin/sshd -D -p 2222 -o PidFile=none\n")
    host.wait("ss -Hltn 'sport = :2222' | grep -q .")
    host.sudoers("oncall", ["/usr/bin/systemctl", "/bin/systemctl"])
    host.install_api(port=2222)
    host.wait("systemctl is-failed --quiet api.service", timeout=30)
    ref, port = ServiceRef(host.name, "systemd", NAME), Endpoint("tcp", "0.0.0.0", 2222)
    free = Intent(ActionKind.FREE_PORT, ServiceRef(host.name, "systemd", "api.service"), port)

    async def seen(user: str) -> tuple[Snapshot, Verdict, list[str | None]]:
        path = tmp_path / user
        own = lab.ssh_config(user).read_text(encoding="utf-8")
        path.write_text(f"Host *\n  Port 2222\n  StrictHostKeyChecking no\n{own}", encoding="utf-8")
        spec = HostSpec(host.name, host.name, ssh_config=str(path))
        async with looking.started(Config(), (spec,)) as fleet:
            await looking.up(fleet, host.name)
            verdict = await diagnosis(fleet, Config(), spec, any_target("/api"))
            snapshot = fleet.snapshot(host.name)
            intents = (free, Intent(ActionKind.STOP, ref))
            return snapshot, verdict, [make_plan(Config(), spec, one, snapshot, None)[1] for one in intents]

    for user in ("root", "oncall"):
        snapshot, verdict, refusals = asyncio.run(seen(user))
        assert snapshot.identity is not None
        assert snapshot.identity.came_by is not None
        assert snapshot.identity.came_by.port == 2222
        [stop] = [way for way in verdict.actions if way.id == "stop-holder"]
        assert (stop.intents, stop.reason_off) == ((), "by hand: it is the way to this host")
        assert all("by which this console is here" in (why or "") for why in refusals), refusals
