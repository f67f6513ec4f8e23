"""Real hosts on which something is not known to be well: nobody may read there that all is quiet."""

from collections.abc import Iterator

import pytest

from console.core.finding import Finding, Severity
from console.core.snapshot import Snapshot
from console.findings import evaluate
from console.remote.transport import HostSpec
from tests.lab import Host, Lab
from tests.managers import docker_zoo
from tests.managers.docker_zoo import IMAGE
from tests.managers.supervisor_zoo import CONF_D
from tests.remote.watching import watching

BROKE = """[program:broke]
command=/bin/sh -c 'sleep 1.5; exit 7'
autorestart=false
"""


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[Host]:
    made = lab.boot("unclear", docker=True, sudo=("/usr/bin/supervisorctl status",))
    docker_zoo.image(made)
    made.sh(f"docker run --detach --name dead --init {IMAGE} sleep 1000")
    made.sh("kill -9 $(docker inspect -f '{{.State.Pid}}' dead)")
    made.wait("docker inspect -f '{{.State.Status}}' dead | grep -q exited")
    # What it remembers of containers ends with it, as with its 256th event.
    made.sh("systemctl restart docker")
    made.sh(f"docker run --detach --name frozen {IMAGE} sleep 1000 && docker pause frozen")
    made.write(f"{CONF_D}/broke.conf", BROKE)
    made.sh("systemctl start supervisor.service")
    made.wait("supervisorctl status broke | grep -q EXITED")
    made.sh("chmod 600 /var/log/supervisor/supervisord.log")
    yield made
    lab.stop(made)


async def found(lab: Lab, host: Host, user: str, subject: str) -> Finding:
    """The finding about one service, which must come."""
    spec = HostSpec(host.name, host.name, ssh_config=str(lab.ssh_config(user)))

    def told(where: Snapshot) -> list[Finding]:
        return [one for one in evaluate(where) if one.subject.endswith(subject)]

    async with watching(spec) as watched:
        await watched.until(host.name, lambda where: bool(told(where)), 20)
        return told(watched.fleet.snapshot(host.name))[0]


async def test_a_container_that_somebody_killed_and_one_that_is_paused(lab: Lab, host: Host) -> None:
    dead = await found(lab, host, "root", "docker:dead")
    assert (dead.code, dead.severity, dead.summary) == (
        "state-unknown", Severity.WARNING, "not known whether it is well: exited (137)",
    )  # fmt: skip
    frozen = await found(lab, host, "root", "docker:frozen")
    assert (frozen.code, frozen.severity) == ("process-stopped", Severity.CRITICAL)
    [way] = frozen.proposals
    host.sh(way.commands[0])
    assert host.sh("docker inspect -f '{{.State.Status}}' frozen").strip() == "running"


async def test_a_program_that_ended_where_the_log_of_supervisord_is_closed(lab: Lab, host: Host) -> None:
    assert (await found(lab, host, "root", "supervisord:broke")).code == "service-failed"
    unseen = await found(lab, host, "oncall", "supervisord:broke")
    assert (unseen.code, unseen.summary) == ("state-unknown", "not known whether it is well: EXITED")
    assert "whether it was to end so was not seen in the log of supervisord" in unseen.evidence
