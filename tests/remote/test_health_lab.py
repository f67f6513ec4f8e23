"""Declared health checks of services on a real host, asked while they run."""

from __future__ import annotations

from console.core.health import Health, HealthCheck
from console.core.service import ServiceRef
from console.core.snapshot import Snapshot
from console.findings import evaluate
from console.remote.transport import HostSpec
from tests.lab import FreshHost, Lab
from tests.remote.watching import watching

WORD = "$(touch /run/asked/pwned); touch /run/asked/pwned"
SLEEPER = "[Service]\nExecStart=/bin/sleep 1000\n"
ASKED = '#!/bin/sh\nprintf "%s as %s\\n" "$1" "$(id -un)" >/run/asked/words\n[ -e /run/asked/well ]\n'


async def test_what_is_declared_is_asked_while_it_runs(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.install_api()
    host.unit("job.service", SLEEPER)
    host.unit("hung.service", SLEEPER)
    host.write("/usr/local/bin/asked", ASKED, mode=0o755)
    host.sh("install -d -m 1777 /run/asked; systemctl start api.service job.service hung.service")
    host.wait("curl -fsS http://127.0.0.1:8080/version")
    checks = (
        HealthCheck("hung", command=("sleep", "1000"), every=2.0),
        HealthCheck("api", url="http://127.0.0.1:8080/no-such-page", every=2.0),
        HealthCheck("job", command=("/usr/local/bin/asked", WORD), every=2.0),
        HealthCheck("gone", url="http://127.0.0.1:1/", every=2.0),
    )
    spec = HostSpec(
        host.name, host.name, ssh_config=str(lab.ssh_config("nosudo")), read_only=True, health_checks=checks
    )

    def of(snapshot: Snapshot, name: str) -> Health | None:
        return snapshot.health_of(ServiceRef(host.name, "systemd", f"{name}.service"))

    def is_well(snapshot: Snapshot, name: str, well: bool) -> bool:
        known = of(snapshot, name)
        return known is not None and known.well is well

    async with watching(spec) as watched:
        await watched.until(host.name, lambda seen: is_well(seen, "job", False) and is_well(seen, "api", False), 30)
        host.sh("touch /run/asked/well")
        await watched.until(host.name, lambda seen: is_well(seen, "job", True) and is_well(seen, "hung", False), 60)
        seen = watched.fleet.snapshot(host.name)
        unwell = {one.subject.rpartition(":")[2]: one.summary for one in evaluate(seen) if one.code == "unhealthy"}
        assert unwell == {
            "api.service": "unhealthy: /no-such-page 404: not found",
            "hung.service": "unhealthy: sleep 1000: no answer in 10 s",
        }
        assert len(seen.health) == 3
        # As who is connected, and the words are words.
        assert host.sh("cat /run/asked/words") == f"{WORD} as nosudo\n"
        assert host.sh("ls /run/asked").split() == ["well", "words"]
        host.sh("systemctl stop api.service")
        await watched.until(host.name, lambda seen: of(seen, "api") is None, 30)
    host.wait("! pgrep -u nosudo -x sleep")
