"""Loops of restarts on a real host: what is said of them stays the same from one attempt to the next."""

import re

import pytest

from console.core.finding import Finding
from console.core.snapshot import Snapshot
from console.findings import Evaluator
from console.remote.transport import HostSpec
from tests.lab import FreshHost, Host, Lab
from tests.remote.watching import Watched, watching

FRONT, CRASH = "front.service", "crash.service"
NOLIMIT = "[Unit]\nStartLimitIntervalSec=0\n[Service]\n"


@pytest.fixture
def looping(fresh_host: FreshHost) -> Host:
    """A port that is held, a unit that wants it each second, and one that ends with 7 after four seconds."""
    host = fresh_host()
    host.unit("holder.service", "[Service]\nExecStart=/usr/bin/python3 -m http.server 8088\n")
    host.run(["systemctl", "start", "holder.service"])
    host.unit(FRONT, f"{NOLIMIT}ExecStart=/usr/bin/python3 -m http.server 8088\nRestart=on-failure\nRestartSec=1\n")
    host.unit(CRASH, f'{NOLIMIT}ExecStart=/bin/sh -c "sleep 4; exit 7"\nRestart=always\n')
    host.wait("ss -Hltn | grep -q :8088")
    host.run(["systemctl", "start", "--no-block", FRONT, CRASH])
    host.wait(f"test $(systemctl show -P NRestarts {FRONT}) -ge 3")
    host.wait(f"test $(systemctl show -P NRestarts {CRASH}) -ge 2", timeout=30)
    return host


class Told:
    """Every word that was said of the units, without what may change: the count of restarts."""

    def __init__(self, watched: Watched, host: Host) -> None:
        self.seen: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {FRONT: [], CRASH: []}
        self._evaluate, self._watched, self._host = Evaluator(), watched, host

    def restarts(self, snapshot: Snapshot) -> dict[str, int]:
        """Note what is said now."""
        for finding in self._evaluate(snapshot):
            self._note(finding)
        return {service.ref.name: service.restarts or 0 for service in snapshot.services}

    def _note(self, finding: Finding) -> None:
        name = finding.service.name if finding.service is not None else ""
        if name in self.seen:
            summary = re.sub(r"\d+ restarts", "N restarts", finding.summary)
            said = (finding.code, summary, tuple(way.label for way in finding.proposals))
            if said not in self.seen[name]:
                self.seen[name].append(said)


async def test_a_loop_is_one_stable_finding(lab: Lab, looping: Host) -> None:
    spec = HostSpec(looping.name, looping.name, ssh_config=str(lab.ssh_config("root")), connect_timeout=4.0)
    async with watching(spec) as watched:
        told = Told(watched, looping)
        begun = told.restarts(watched.fleet.snapshot(looping.name))

        def enough(snapshot: Snapshot) -> bool:
            now = told.restarts(snapshot)
            return now[FRONT] - begun[FRONT] >= 8 and now[CRASH] - begun[CRASH] >= 3

        await watched.until(looping.name, enough, 60)
    assert [(code, summary) for code, summary, _ in told.seen[FRONT]] == [
        ("port-held", "cannot bind tcp 8088, held by holder.service")
    ]
    assert [summary for _, summary, _ in told.seen[CRASH]] == ["restarts again and again (N restarts): exit code 7"]
