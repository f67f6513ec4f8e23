"""A further sshd under a unit of its own, or a relay in front of it: the console that came by it does not stop it."""

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

    def by(user: str, port: int) -> HostSpec:
        path = tmp_path / f"{user}{port}"
        own = lab.ssh_config(user).read_text(encoding="utf-8")
        path.write_text(f"Host *\n  Port {port}\n  StrictHostKeyChecking no\n{own}", encoding="utf-8")
        return HostSpec(host.name, host.name, ssh_config=str(path))

    async def seen(user: str) -> tuple[Snapshot, Verdict, list[str | None]]:
        spec = by(user, 2222)
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

    # A relay: sshd tells of a connection from this host itself, to port 22.
    host.unit("gate.service", "[Service]\nExecStart=/lib/systemd/systemd-socket-proxyd 127.0.0.1:22\n", start=False)
    host.unit("gate.socket", "[Socket]\nListenStream=2223\n")
    host.wait("ss -Hltn 'sport = :2223' | grep -q .")

    async def through_relay(user: str) -> tuple[Snapshot, list[str | None]]:
        spec = by(user, 2223)
        async with looking.started(Config(), (spec,)) as fleet:
            await looking.up(fleet, host.name)
            snapshot = fleet.snapshot(host.name)
            gates = (ServiceRef(host.name, "systemd", name) for name in ("gate.service", "gate.socket"))
            stops = [Intent(ActionKind.STOP, gate) for gate in gates]
            return snapshot, [make_plan(Config(), spec, one, snapshot, None)[1] for one in stops]

    for user in ("root", "nosudo"):
        snapshot, refusals = asyncio.run(through_relay(user))
        assert snapshot.identity is not None
        assert snapshot.identity.came_by == Endpoint("tcp", "127.0.0.1", 22)
        assert snapshot.identity.relayed
        assert all("by which this console is here" in (why or "") for why in refusals), refusals
