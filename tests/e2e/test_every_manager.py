"""Every service manager on one host, in one list, with one set of keys: the real program in a real terminal."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.terminal import Terminal
from tests.e2e.test_main_job import console
from tests.lab import Host, Lab
from tests.lab.host import SERVICE
from tests.lab.kube import KubeApi
from tests.managers import docker_zoo, pidfile_zoo, pm2_zoo

PROGRAM = """[program:prog]
command=/srv/api/api.py
environment=PORT="8081"
user=deploy
startsecs=1
autorestart=true
stdout_logfile=/var/log/supervisor/prog.log
"""
COMPOSE = """version: "2.4"
services:
  web:
    image: lab-zoo:1.4
    restart: unless-stopped
    ports: ["8095:80"]
"""
CONFIG = """
[[hosts]]
name = "every"

[[services]]
name = "hand"
manager = "pidfile"
pid_file = "/srv/hand/hand.pid"
command = ["/usr/bin/env", "PORT=8083", "LOG_FILE=/srv/hand/hand.log", "/usr/bin/python3", "/srv/api/api.py"]
user = "deploy"
logs = ["/srv/hand/hand.log"]

[actions]
hold = 2
respawn = 1
within = 30
"""


LIST = r"state +service +manager"


@dataclass(frozen=True)
class Case:
    """One service: what it is called, what its log says, what ends its main process."""

    manager: str
    name: str
    log: str
    kill: str
    hup: bool = True
    """Whether it handles SIGHUP, so that it can be reloaded."""

    def __str__(self) -> str:
        return self.manager


CASES = (
    Case("systemd", "api.service", "Started api.service", "systemctl kill -s KILL --kill-who=main api.service"),
    Case("supervisord", "prog", "listening", "kill -9 $(supervisorctl pid prog)"),
    Case("pm2", "web", "listening on 8082", "kill -9 $(cat /srv/.pm2/pids/web-0.pid)"),
    Case("docker", "reads", "read again", "kill -9 $(docker inspect -f '{{.State.Pid}}' reads)"),
    Case(
        "compose", "shop/web", "", "kill -9 $(docker inspect -f '{{.State.Pid}}' $(docker ps -qf name=shop))", hup=False
    ),
    Case("kubernetes", "shop/deploy/api", "starting", "", hup=False),
    Case("pidfile", "hand", "listening", "kill -9 $(cat /srv/hand/hand.pid)"),
)


@pytest.fixture(scope="module")
def every(lab: Lab) -> Iterator[Host]:
    """A host on which every manager runs one service that is well."""
    host = lab.boot("every", docker=True)
    docker_zoo.image(host)
    host.install_api()
    host.write("/etc/supervisor/conf.d/prog.conf", PROGRAM)
    host.write("/srv/shop/docker-compose.yml", COMPOSE)
    host.sh("mkdir -p /srv/hand && chown deploy /srv/hand && systemctl start supervisor.service")
    host.sh(
        f"docker run --detach --name reads --restart always {docker_zoo.IMAGE} sh -c '{docker_zoo.TRAP}';"
        "cd /srv/shop && docker-compose up --detach",
        timeout=120,
    )
    pm2_zoo.furnish(host, "deploy", (pm2_zoo.app("web", "web.js", env={"PORT": "8082", "HUP": "1"}),))
    pidfile_zoo.by_hand(
        host, "/srv/hand/hand.pid", "env", "PORT=8083", "LOG_FILE=/srv/hand/hand.log", "python3", "/srv/api/api.py",
        log="/srv/hand/out.log",
    )  # fmt: skip
    with KubeApi(lab.network.gateway) as api:
        api.add("Deployment", "shop/api", 2)
        host.run(["install", "-d", "-m", "700", "/root/.kube"])
        host.write("/root/.kube/config", api.config(context="prod-eu"), mode=0o600)
        yield host


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    return {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "HOSTDECK_CONFIG": str(config),
        "LANG": "C.UTF-8",
    }


def test_one_list_and_one_set_of_keys(lab: Lab, every: Host, home: dict[str, str]) -> None:
    assert SERVICE.is_dir()
    argv = console("-F", str(lab.ssh_config("root")), "every")
    with Terminal(argv, columns=120, lines=40, env=home) as terminal:
        terminal.wait_for(r"All quiet: 1 host, [1-9]\d* services", 20)
        terminal.press("2")
        for case in CASES:
            choose(terminal, case)
            if case.manager in ("systemd", "docker"):
                # Two readings of the control group of its own.
                terminal.wait_for(r"USES +CPU (<1|\d+) % of a core", 15)
            act(terminal, "r")
            if case.hup:
                act(terminal, "H")
            if case.kill:
                kill(terminal, every, case)
            if case.log:
                terminal.press("l")
                terminal.wait_for(re.escape(case.log), 10)
                terminal.press("2")
            terminal.wait_for(r"\d+ hidden", 5)
            terminal.press("esc")
            terminal.wait_until_gone(r"\d+ hidden", 5)
        terminal.press("q")
        assert terminal.wait_for_exit(10) == 0


def test_doctor_tells_of_each_manager(lab: Lab, every: Host, home: dict[str, str]) -> None:
    found = {user: doctor(lab, home, user) for user in ("root", "oncall")}
    told = {what: check["found"] for what, check in found["root"].items()}
    assert told["systemd"] == "version 252"
    assert told["supervisord"] == "4.2.5, 1 service, changed with supervisorctl"
    assert re.match(r"6\.0\.\d+, 1 service, changed with runuser -u deploy -- env .*pm2$", told["pm2"])
    assert re.match(r"20\.10\.24\S*, 1 service, changed with docker$", told["docker"])
    assert told["kubernetes"].startswith("kubectl v1.20.2, 1 service, changed with kubectl --kubeconfig")
    assert told["pidfile"] == "1 service"
    assert told["compose"].startswith("v1: docker-compose 1.29.2")
    assert {found["root"][case.manager]["mark"] for case in CASES} == {"ok"}
    mends = {case.manager: found["oncall"].get(case.manager, {}).get("mend") for case in CASES}
    assert mends["docker"] == "usermod -aG docker oncall (as root), then log in again"
    assert mends["pm2"] == "sudoers needs: oncall ALL=(deploy) NOPASSWD: /usr/local/bin/pm2 jlist"
    assert mends["supervisord"].startswith("sudoers needs: oncall ALL=(root) NOPASSWD: /usr/bin/supervisorctl status;")
    assert "~/.kube/config" in mends["kubernetes"]
    assert mends["pidfile"] is None


def doctor(lab: Lab, home: dict[str, str], user: str) -> dict[str, Any]:
    argv = console("doctor", "-F", str(lab.ssh_config(user)), "every", "--json")
    done = subprocess.run(argv, env=home, capture_output=True, text=True, check=True, timeout=120)
    return {check["what"]: check for check in json.loads(done.stdout)["hosts"][0]["checks"]}


def choose(terminal: Terminal, case: Case) -> None:
    """Filter the list down to one service; its detail shows who runs it."""
    terminal.press("/")
    terminal.wait_for(r"/host, service, manager", 5)
    terminal.press(f"{case.name} {case.manager}")
    terminal.wait_for(rf"{case.name} {case.manager} .*hidden", 10)
    terminal.press("enter")
    terminal.wait_for(r"│ +every +\S+[\s\S]*STATE +● running", 30)


def act(terminal: Terminal, key: str) -> None:
    """Press a key that changes, run its plan and see that it is done, and of a restart the new process."""
    before = re.search(r"PIDS +(\d+)", terminal.text)
    terminal.press(key)
    terminal.run_plan()
    terminal.wait_for(r"RESULT +. done", 60)
    terminal.press("esc")
    terminal.wait_for(LIST, 5)
    # What was seen in the midst of it, or before, may be what is shown for a moment.
    if key == "r" and before is not None:
        terminal.wait_until_gone(rf"PIDS +{before[1]}\b", 20)
    terminal.wait_for(r"STATE +● running", 20)


def kill(terminal: Terminal, host: Host, case: Case) -> None:
    """End its main process: that it is another one by now, or none, is seen by itself."""
    before = terminal.wait_for(r"PIDS +(\d+)", 10)[1]
    host.sh(case.kill)
    terminal.wait_until_gone(rf"PIDS +{before}\b", 20)
    if case.manager == "pidfile":
        terminal.wait_for(r"stale pid file", 20)
