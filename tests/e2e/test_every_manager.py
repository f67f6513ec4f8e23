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
COMPOSE = f"""version: "2.4"
services:
  web:
    image: lab-zoo:1.4
    restart: unless-stopped
    ports: ["8095:80"]
    command: {json.dumps(["/bin/sh", "-c", f"httpd -p 80 -h /bin; {docker_zoo.TRAP}"])}
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

[[services]]
name = "api.service"
manager = "systemd"
logs = ["/var/log/api/api.log"]

[actions]
hold = 2
respawn = 1
within = 30
"""


LIST = r"state +service +manager"
ASKED = r"followed|I request"
"""What only lines have that a service was made to write."""


@dataclass(frozen=True)
class Case:
    """One service: what it is called, what its log says, what ends its main process, what has it write a line."""

    manager: str
    name: str
    log: str
    kill: str
    line: str = ""
    """Has it write a line that ``ASKED`` knows; without it, it writes numbered ones by itself."""
    hup: bool = True
    """Whether it handles SIGHUP, so that it can be reloaded: the processes of pods are not signalled from here."""

    def __str__(self) -> str:
        return self.manager


def ask(port: int) -> str:
    """A request that a service notes in its log."""
    return f"curl -fsS http://127.0.0.1:{port}/version?followed"


def say(container: str) -> str:
    """A line as if the main process of a container had printed it."""
    return f"docker exec {container} sh -c 'echo followed >/proc/1/fd/1'"


KILL_MAIN = "systemctl kill -s KILL --kill-who=main api.service"
SHOP = "$(docker ps -qf name=shop)"
KILL_POD = "kubectl -n shop delete --wait=false $(kubectl -n shop get pods -o name | head -n 1)"
CASES = (
    Case("systemd", "api.service", "Started api.service", KILL_MAIN, ask(8080)),
    Case("supervisord", "prog", "listening", "kill -9 $(supervisorctl pid prog)", ask(8081)),
    Case("pm2", "web", "listening on 8082", "kill -9 $(cat /srv/.pm2/pids/web-0.pid)", ask(8082)),
    Case("docker", "reads", "read again", "kill -9 $(docker inspect -f '{{.State.Pid}}' reads)", say("reads")),
    Case("compose", "shop/web", "read again", f"kill -9 $(docker inspect -f '{{{{.State.Pid}}}}' {SHOP})", say(SHOP)),
    Case("kubernetes", "shop/deploy/api", "starting", KILL_POD, hup=False),
    Case("pidfile", "hand", "listening", "kill -9 $(cat /srv/hand/hand.pid)", ask(8083)),
)


@pytest.fixture(scope="module")
def pods(lab: Lab) -> Iterator[KubeApi]:
    """A cluster with one deployment."""
    with KubeApi(lab.network.gateway) as api:
        api.add("Deployment", "shop/api", 2)
        yield api


@pytest.fixture(scope="module")
def every(lab: Lab, pods: KubeApi) -> Host:
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
    host.run(["install", "-d", "-m", "700", "/root/.kube"])
    host.write("/root/.kube/config", pods.config(context="prod-eu"), mode=0o600)
    return host


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


def test_one_list_and_one_set_of_keys(lab: Lab, every: Host, pods: KubeApi, home: dict[str, str]) -> None:
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
            act(terminal, "s", "stopped")
            act(terminal, "S")
            follow(terminal, every, case)
            terminal.press("2")
            terminal.wait_for(r"\d+ hidden", 5)
            if case.manager == "kubernetes":
                lose_a_pod(terminal, every, case, pods)
            else:
                kill(terminal, every, case)
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


def act(terminal: Terminal, key: str, state: str = "running") -> None:
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
    terminal.wait_for(rf"STATE +\S {state}", 20)


def kill(terminal: Terminal, host: Host, case: Case) -> None:
    """End its main process: that it is another one by now, or none, is seen by itself."""
    before = terminal.wait_for(r"PIDS +(\d+)", 10)[1]
    host.sh(case.kill)
    terminal.wait_until_gone(rf"PIDS +{before}\b", 20)
    if case.manager == "pidfile":
        terminal.wait_for(r"stale pid file", 20)


def lose_a_pod(terminal: Terminal, host: Host, case: Case, pods: KubeApi) -> None:
    """Delete one of two: that it is missing is seen by itself, and that another took its place."""
    [api] = pods.cluster.workloads.values()
    api.fate = "unready"
    host.sh(case.kill)
    # A cluster is asked every 15 seconds.
    terminal.wait_for(r"STATE +\S starting +1/2 ready", 40)
    for pod in api.pods:
        pod.fate = "ready"
    api.fate = "ready"
    terminal.wait_for(r"STATE +● running +2/2 ready", 40)


def follow(terminal: Terminal, host: Host, case: Case) -> None:
    """Freeze its log and follow it again: a line that it writes from then on is shown."""
    terminal.press("l")
    terminal.wait_for(re.escape(case.log), 10)
    terminal.press("f")
    terminal.wait_for(r"FROZEN: f follows again", 5)
    terminal.press("f")
    terminal.wait_for(r"   follows   ", 5)
    if case.line:
        assert not re.search(ASKED, terminal.text)
        host.sh(case.line)
        terminal.wait_for(ASKED, 10)
    else:
        last = max(map(int, re.findall(r"request (\d+) served", terminal.text)), default=0)
        terminal.wait_for(rf"request {last + 3} served", 10)
