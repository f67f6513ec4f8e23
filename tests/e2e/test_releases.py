"""A new release and the way back, by keys, for a service of every manager: the real program in a real terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal
from tests.e2e.test_main_job import console
from tests.lab import Host, Lab, images, releases
from tests.lab.host import SERVICE
from tests.lab.kube import KubeApi
from tests.managers import docker_zoo, pidfile_zoo, pm2_zoo

PROGRAM = """[program:prog]
command=/usr/bin/python3 /srv/prog/current/api.py
environment=PORT="8081"
user=deploy
startsecs=1
autorestart=true
"""
COMPOSE = """version: "2.4"
services:
  web:
    build: /srv/web/src
    restart: unless-stopped
    stop_grace_period: 1s
    ports: ["127.0.0.1:8085:80"]
"""
HEAD = """
[[hosts]]
name = "releases"

[actions]
hold = 1
respawn = 1
within = 20
"""
TREE = """
[[services]]
name = "{name}"
manager = "{manager}"
health = "http://127.0.0.1:{port}/health"
{more}
[services.release]
directory = "/srv/{at}"
source = "/srv/{at}/src"
command = ["make", "build"]
output = "build"
user = "deploy"
"""
IMAGE = """
[[services]]
name = "{name}"
manager = "{manager}"
health = "tcp://127.0.0.1:{port}"

[services.release]
source = "/srv/{at}/src"
user = "deploy"
"""
BY_HAND = ("env", "PORT=8083", "/usr/bin/python3", "/srv/hand/current/api.py")
PID_FILE = f"""pid_file = "/srv/hand/hand.pid"
command = {["/usr/bin/env", *BY_HAND[1:]]}
user = "deploy"
logs = ["/srv/hand/hand.log"]
""".replace("'", '"')

FORMER = r"(?m)^ first\b|VERSION +(v1\.0\.0|1\.4\.2)"
"""The detail of the release that ran before."""


@dataclass(frozen=True)
class Case:
    """One service, where its source is, and where it answers."""

    manager: str
    name: str
    at: str
    port: int
    more: str = ""

    @property
    def image(self) -> bool:
        """Whether its releases are images."""
        return self.manager in ("docker", "compose")

    def config(self) -> str:
        form = IMAGE if self.image else TREE
        return form.format(name=self.name, manager=self.manager, at=self.at, port=self.port, more=self.more)


CASES = (
    Case("systemd", "api", "api", 8080),
    Case("supervisord", "prog", "prog", 8081),
    Case("pm2", "app", "app", 8082),
    Case("pidfile", "hand", "hand", 8083, PID_FILE),
    Case("docker", "box", "box", 8084),
    Case("compose", "shop/web", "web", 8085),
)


@pytest.fixture(scope="module")
def pods(lab: Lab) -> Iterator[KubeApi]:
    """A cluster with one deployment, at its first revision."""
    with KubeApi(lab.network.gateway) as api:
        api.add("Deployment", "shop/deployed", 2)
        yield api


@pytest.fixture(scope="module")
def every(lab: Lab, pods: KubeApi) -> Iterator[Host]:
    """A host on which every manager runs a first version of one service."""
    host = lab.boot("releases", docker=True)
    docker_zoo.image(host)
    for case in CASES:
        if case.image:
            images.tree(host, case.at)
            images.commit(host, "v1.0.0", name=case.at)
        else:
            first(host, case)
    releases.install(host)
    host.write("/etc/supervisor/conf.d/prog.conf", PROGRAM)
    host.sh("systemctl start api.service supervisor.service")
    app = pm2_zoo.app("app", "x", env={"PORT": "8082"})
    pm2_zoo.furnish(host, "deploy", ({**app, "script": "/srv/app/current/api.py", "interpreter": "/usr/bin/python3"},))
    pidfile_zoo.by_hand(host, "/srv/hand/hand.pid", *BY_HAND, log="/srv/hand/hand.log")
    build = "docker build -q -t box:v1.0.0 --build-arg VERSION=v1.0.0 /srv/box/src"
    host.sh(f"{build} && docker run -d --name box --stop-timeout 1 -p 127.0.0.1:8084:80 box:v1.0.0", timeout=60)
    host.write("/srv/shop/docker-compose.yml", COMPOSE)
    host.sh("cd /srv/shop && docker-compose build --build-arg VERSION=v1.0.0 web && docker-compose up -d", timeout=120)
    for case in CASES:
        host.wait(f"curl -fs http://127.0.0.1:{case.port}/version | grep -q v1.0.0")
    host.run(["install", "-d", "-m", "700", "/root/.kube"])
    host.write("/root/.kube/config", pods.config(context="prod-eu"), mode=0o600)
    yield host
    lab.stop(host)


def first(host: Host, case: Case) -> None:
    """A release that somebody else put there and made live: nobody noted whether it was well."""
    releases.repository(host, case.at)
    releases.commit(host, "v1.0.0", name=case.at)
    at = f"/srv/{case.at}"
    host.sh(
        f"cd {at}/src && VERSION=v1.0.0 COMMIT=one BUILD_TIME=then make build"
        f" && cp -a build ../releases/first && ln -s releases/first ../current && rm -rf build",
        user="deploy",
    )


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    config = tmp_path / "config.toml"
    config.write_text(HEAD + "".join(case.config() for case in CASES), encoding="utf-8")
    return {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "HOSTDECK_CONFIG": str(config),
        "LANG": "C.UTF-8",
    }


def test_a_new_release_and_the_way_back(lab: Lab, every: Host, home: dict[str, str]) -> None:
    assert SERVICE.is_dir()
    argv = console("-F", str(lab.ssh_config("root")), "releases")
    with Terminal(argv, columns=100, lines=30, env=home) as terminal:
        terminal.wait_for(r"1 host: 1 up", 20)
        terminal.press("2")
        for case in CASES:
            if case.image:
                images.commit(every, "v2.0.0", name=case.at)
            else:
                releases.commit(every, "v2.0.0", name=case.at)
            choose(terminal, case.name, case.manager)
            before = terminal.wait_for(r"PIDS +(\d+)", 10)[1]
            terminal.press("R")
            run(terminal)
            # A plan is made of what was seen last.
            terminal.wait_until_gone(rf"PIDS +{before}\b", 20)
            assert version(every, case) == "v2.0.0", case
            roll_back(terminal)
            assert version(every, case) == "v1.0.0", case
            leave(terminal)
        terminal.press("q")
        assert terminal.wait_for_exit(10) == 0


def test_the_way_back_of_a_deployment(lab: Lab, every: Host, pods: KubeApi, home: dict[str, str]) -> None:
    """Kubernetes builds nothing on a host: what somebody rolled out is gone back from, by the same key."""
    found = pods.cluster.workloads["Deployment", "shop", "deployed"]
    found.reconcile()
    found.release("registry.example/deployed:v2.0.0", "ticket 4711")
    argv = console("-F", str(lab.ssh_config("root")), every.name)
    with Terminal(argv, columns=100, lines=30, env=home) as terminal:
        terminal.wait_for(r"1 host: 1 up", 20)
        terminal.press("2")
        choose(terminal, "shop/deploy/deployed", "kubernetes")
        terminal.wait_for(r"2/2 ready", 30)
        roll_back(terminal)
        [container] = found.object["spec"]["template"]["spec"]["containers"]
        assert container["image"] == "registry.example/deployed:1.4.2"
        assert [kind for kind, _, _ in pods.cluster.patches] == ["application/json-patch+json"]
        leave(terminal)
        terminal.press("q")
        assert terminal.wait_for_exit(10) == 0


def choose(terminal: Terminal, name: str, manager: str) -> None:
    """Filter the list down to one service."""
    terminal.press("/")
    terminal.wait_for(r"/host, service, manager", 5)
    terminal.press(f"{name} {manager}")
    terminal.wait_for(rf"{name} {manager} .*hidden", 10)
    terminal.press("enter")
    terminal.wait_for(r"STATE +● running", 30)


def run(terminal: Terminal) -> None:
    """Run the plan that comes up, see that it is done, and leave it."""
    terminal.run_plan()
    terminal.wait_for(r"RESULT +. done", 90)
    terminal.press("esc")
    terminal.wait_until_gone(r"RESULT", 5)


def roll_back(terminal: Terminal) -> None:
    """Go to the list of releases, choose the one that ran before, and go back to it."""
    terminal.press("B")
    terminal.wait_for(r"live +v2\.0\.0", 20)
    if not re.search(FORMER, terminal.text):
        terminal.press("j")
    terminal.wait_for(FORMER, 5)
    terminal.press("enter")
    run(terminal)


def leave(terminal: Terminal) -> None:
    """Back to the whole list of services."""
    terminal.press("esc")
    terminal.wait_for(r"\d+ hidden", 5)
    terminal.press("esc")
    terminal.wait_until_gone(r"\d+ hidden", 5)


def version(host: Host, case: Case) -> str:
    """What answers now."""
    return images.version(host, case.port) if case.image else releases.version(host, case.port)
