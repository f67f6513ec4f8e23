"""A service that comes up again without one of its ports, and managers that have given a service up, on a real host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.actions.by_command import Bench
from tests.lab import Host, Lab
from tests.managers import docker_zoo, pm2_zoo

WORK = """import os, socket, time
ports = [int(os.environ["PORT"]), int(os.environ["ADMIN_PORT"])]
if os.path.exists("/srv/work/lost"):
    ports.pop()
if os.path.exists("/srv/work/late"):
    time.sleep(2)
held = [socket.create_server(("127.0.0.1", port)) for port in ports]
time.sleep(100000)
"""
PROGRAM = """[program:work]
command=/usr/bin/python3 /srv/work/work.py
environment=PORT="8081",ADMIN_PORT="8082"
user=deploy
"""
CONFIG = "[actions]\nhold = 1\nrespawn = 1\nwithin = 6\n"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("ports2", docker=True)
    made.write("/srv/work/work.py", WORK)
    made.write("/etc/supervisor/conf.d/work.conf", PROGRAM)
    made.sh("systemctl start supervisor.service")
    made.wait("ss -Hltn | grep -q 8082")
    return made


def test_one_of_several_ports_that_is_lost_is_a_failure_and_one_that_comes_late_is_not(
    lab: Lab, host: Host, tmp_path: Path
) -> None:
    bench = Bench(lab, host, tmp_path, "supervisord:work", CONFIG)
    host.sh("touch /srv/work/late")
    found: Any = bench.does("restart")
    states = {check["name"]: check["state"] for check in found["checks"]}
    assert states["tcp 8081 not lost by work"] == states["tcp 8082 not lost by work"] == "done"
    host.sh("touch /srv/work/lost")
    code, document, _ = bench.run("restart", "--yes")
    assert (code, document["result"]) == (1, "failed"), document["checks"]
    assert "tcp 8082 not lost by work failed: nothing listens on tcp 8082" in str(document["reason"])
    again: Any = bench.does("restart")
    states = {check["name"]: check["state"] for check in again["checks"]}
    assert states["tcp 8082 not lost by work"] == "skipped", "it did not have it before"


def test_what_docker_gave_up_is_tried_as_often_again_by_a_start(lab: Lab, host: Host, tmp_path: Path) -> None:
    given_up = "docker inspect -f '{{.State.Status}} {{.RestartCount}} {{.State.StartedAt}}' crash"
    docker_zoo.image(host)
    host.sh(f"docker run -d --name crash --restart on-failure:2 {docker_zoo.IMAGE} sh -c 'sleep 0.2; exit 3'")
    host.wait(f"{given_up} | grep -q 'exited 2'", timeout=30)
    before = host.sh(given_up).strip()
    started(Bench(lab, host, tmp_path, "docker:crash", CONFIG), "docker gave crash up after 2 restarts by itself")
    host.wait(f"{given_up} | grep 'exited 2' | grep -qv '{before}'", timeout=30)


def test_what_pm2_gave_up_is_tried_as_often_again_by_a_start(lab: Lab, host: Host, tmp_path: Path) -> None:
    pm2_zoo.furnish(host, "deploy", (pm2_zoo.app("crash", "fails.sh", max_restarts=2),))
    given_up = """runuser -u deploy -- env PM2_HOME=/srv/.pm2 pm2 jlist | grep -q '"status":"errored"'"""
    runs = "grep -c configuration /srv/.pm2/logs/crash-error.log"
    host.wait(given_up, timeout=30)
    before = int(host.sh(runs))
    assert before > 1
    started(Bench(lab, host, tmp_path, "pm2:crash", CONFIG), "pm2 gave crash up after ")
    host.wait(f"{runs} | grep -qx {2 * before} && {given_up}", timeout=30)


def started(bench: Bench, warned: str) -> None:
    """It is started, and fails again; its review has said what the manager did before."""
    _, dry, _ = bench.run("start", "--dry-run")
    assert any(warned in one for one in dry["warnings"]), dry["warnings"]  # type: ignore[attr-defined]
    code, document, _ = bench.run("start", "--yes")
    assert (code, document["result"]) == (1, "failed"), document["checks"]
