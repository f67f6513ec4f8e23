"""What systemd ended because it took too long is told as that, also to who may not read the journal: on a real host."""

from __future__ import annotations

import asyncio

from console.findings import evaluate
from console.remote.transport import HostSpec
from tests.lab import FreshHost, Lab
from tests.remote.watching import watching

STUBBORN = """ExecStart=/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'\n"""
UNITS = {
    "unready": "Type=notify\nTimeoutStartSec=2\nExecStart=/bin/sleep 1000\n",
    "stubborn": f"TimeoutStopSec=2\n{STUBBORN}",
    "limited": "RuntimeMaxSec=2\nExecStart=/bin/sleep 1000\n",
    "unwatched": "WatchdogSec=2\nExecStart=/bin/sleep 1000\n",
}
WHY = {
    "unready.service": "failed: it did not start in 2 s, ended by SIGTERM",
    "stubborn.service": "failed: it did not stop in 2 s, ended by SIGKILL",
    "limited.service": "failed: a start, a stop or the whole run took longer than it may, ended by SIGTERM",
    "unwatched.service": "failed: it did not answer its watchdog, ended by SIGABRT",
}


async def test_what_took_too_long_is_not_told_as_killed_by_somebody(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    spec = HostSpec(host.name, host.name, ssh_config=str(lab.ssh_config("nosudo")), connect_timeout=4.0)
    for name, unit in UNITS.items():
        host.unit(f"{name}.service", f"[Service]\n{unit}", start=False)
    async with watching(spec) as watched:

        def told() -> dict[str, str]:
            found = evaluate(watched.fleet.snapshot(host.name))
            return {
                one.service.name: one.summary
                for one in found
                if one.code == "service-failed" and one.service is not None
            }

        names = " ".join(UNITS)
        await asyncio.to_thread(host.sh, f"systemctl start --no-block {names}; sleep 1; systemctl stop stubborn")
        await watched.until(host.name, lambda _: told() == WHY, 25)
