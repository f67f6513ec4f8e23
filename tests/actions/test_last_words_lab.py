"""The last words of a service that fails after a restart, whichever manager has it: none of what it said before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.actions.by_command import Bench
from tests.lab import Host, Lab
from tests.managers import docker_zoo, pidfile_zoo, pm2_zoo

WORK = "if [ -e /srv/bad/yes ]; then echo broken now; exit 3; fi; echo well before; exec sleep 100000"
PROGRAM = """[program:work]
command=/bin/sh /srv/bad/work.sh
user=deploy
startsecs=1
startretries=0
autorestart=false
stdout_logfile=/var/log/supervisor/work.log
"""
ONCE = """[program:once]
command=/bin/sh /srv/bad/once.sh
startsecs=0
autorestart=false
stdout_logfile=/var/log/supervisor/once.log
"""
COMPOSE = {
    "version": "2.4",
    "services": {
        "work": {"image": docker_zoo.IMAGE, "command": ["sh", "-c", WORK], "volumes": ["/srv/bad:/srv/bad:ro"]}
    },
}
CONFIG = """[[services]]
name = "hand"
manager = "pidfile"
pid_file = "/srv/hand/hand.pid"
command = ["/bin/sh", "/srv/bad/work.sh"]
user = "deploy"
logs = ["/srv/hand/hand.log"]

[actions]
hold = 1
respawn = 1
within = 4
"""
MAY = ("/usr/bin/docker ps *", "/usr/bin/docker logs *", "/usr/bin/supervisorctl *")
TARGETS = ("supervisord:work", "pm2:work", "docker:work", "compose:shop/work", "pidfile:hand")


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("words1", docker=True, sudo=MAY)
    docker_zoo.image(made)
    made.write("/srv/bad/work.sh", f"{WORK}\n", mode=0o755)
    made.write("/etc/supervisor/conf.d/work.conf", PROGRAM)
    made.write("/srv/shop/docker-compose.yml", json.dumps(COMPOSE))
    made.sh("install -d -o deploy /srv/hand && systemctl start supervisor.service")
    made.sh(
        f"docker run --detach --name work --volume /srv/bad:/srv/bad:ro {docker_zoo.IMAGE} sh -c '{WORK}'; "
        "cd /srv/shop && docker-compose up --detach",
        timeout=120,
    )
    app = pm2_zoo.app("work", "../bad/work.sh", autorestart=False)
    pm2_zoo.furnish(made, "deploy", (app,))
    pidfile_zoo.by_hand(made, "/srv/hand/hand.pid", "sh", "/srv/bad/work.sh", log="/srv/hand/hand.log")
    return made


@pytest.mark.parametrize("target", TARGETS)
def test_only_what_was_written_since_the_restart_is_evidence(lab: Lab, host: Host, tmp_path: Path, target: str) -> None:
    bench = Bench(lab, host, tmp_path, target, CONFIG)
    host.sh("touch /srv/bad/yes")
    try:
        code, document, errors = bench.run("restart", "--yes")
    finally:
        host.sh("rm /srv/bad/yes")
    assert (code, document["result"]) == (1, "failed"), (document["reason"], errors)
    assert kept(document) == ["broken now"]


def test_a_login_that_may_not_read_the_log_has_what_supervisorctl_did_not_say_before(
    lab: Lab, host: Host, tmp_path: Path
) -> None:
    bench = Bench(lab, host, tmp_path, "supervisord:work", CONFIG)
    host.sh("chmod 700 /var/log/supervisor; supervisorctl restart work; touch /srv/bad/yes")
    try:
        code, document, errors = bench.run("restart", "--yes", user="oncall")
    finally:
        host.sh("rm /srv/bad/yes; chmod 755 /var/log/supervisor")
    assert (code, document["result"]) == (1, "failed"), (document["reason"], errors)
    assert kept(document) == ["broken now"]


def test_a_program_that_does_its_work_and_ends_is_done_only_where_that_was_expected(
    lab: Lab, host: Host, tmp_path: Path
) -> None:
    """RUNNING at once, by startsecs=0, and EXITED whatever its status is: only the log of supervisord tells."""
    host.write("/etc/supervisor/conf.d/once.conf", ONCE)
    host.write("/srv/bad/once.sh", "sleep 0.3; echo did what it could; exit $(cat /srv/bad/status)\n")
    host.sh("echo 0 >/srv/bad/status; supervisorctl update once")
    bench = Bench(lab, host, tmp_path, "supervisord:once", CONFIG)
    bench.does("restart")
    host.sh("echo 3 >/srv/bad/status")
    code, document, errors = bench.run("restart", "--yes")
    assert (code, document["result"]) == (1, "failed"), (document, errors)
    assert "it has ended (exit status 3; not expected)" in str(document["reason"])
    assert kept(document) == ["did what it could"]


def kept(document: Any) -> list[str]:
    """The lines, without their times and the names of their files."""
    lines = (line for one in document["evidence"] for line in one["output"].splitlines())
    return [line.rsplit("Z ", 1)[-1] for line in lines if not line.startswith("==> ")]
