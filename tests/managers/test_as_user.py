"""A path that a user's own manager names is read with that user's rights, and only where it is a file with an end."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from console.core.command import Command
from console.core.service import Service, ServiceRef, State
from console.managers import compose
from console.managers.container_engines import Engine, Engines
from console.managers.container_services import Told
from console.managers.containers import Container, Project
from console.managers.pm2 import PM2
from console.managers.supervisord import SUPERVISORD
from tests.probes.asking import HERE

pytestmark = pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="the scripts are for Linux")
AS_ROOT = pytest.mark.skipif(os.getuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv")
APP = Service(ServiceRef("web1", "pm2", "evil", "user:nobody"), State.FAILED, "errored", handle=("evil",))
PROGRAM = Service(ServiceRef("web1", "supervisord", "evil", "user:nobody"), State.FAILED, "FATAL")


def read(command: Command) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command.argv, capture_output=True, text=True, timeout=20, check=False, stdin=-3)


def log_of(service: Service, *files: Path) -> subprocess.CompletedProcess[str]:
    named = replace(service, log_files=tuple(map(str, files)))
    if service.ref.manager == "pm2":
        return read(PM2.log_command(named, lines=60, since=None, follow=False))
    return read(SUPERVISORD.log_command(named, lines=60, since=None, follow=False))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that everybody may enter, as it is in ``/var/log``."""
    for each in (tmp_path, *tmp_path.parents):
        if each != Path("/tmp") and os.access(each, os.W_OK) and str(each).startswith("/tmp/"):
            each.chmod(0o755)
    return tmp_path


@AS_ROOT
@pytest.mark.parametrize("service", [APP, PROGRAM])
def test_root_reads_nothing_that_its_user_may_not(service: Service, folder: Path) -> None:
    secret, link, own = folder / "secret.log", folder / "link.log", folder / "own.log"
    secret.write_text("token-of-root\n")
    secret.chmod(0o600)
    link.symlink_to(secret)
    own.write_text("boom\n")
    own.chmod(0o644)
    for path in (secret, link):
        done = log_of(service, path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"nobody may not read {path}\n"
    assert log_of(service, own).stdout == "boom\n"
    # What the system's own manager names is read as before.
    if service is PROGRAM:
        system = replace(service, ref=replace(service.ref, scope="system"))
        assert log_of(system, secret).stdout == "token-of-root\n"


@pytest.mark.parametrize("service", [APP, PROGRAM])
def test_a_device_is_no_log(service: Service, folder: Path) -> None:
    mine = replace(service, ref=replace(service.ref, scope="user:root"))
    done = log_of(mine, Path("/dev/zero"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "may not read /dev/zero" in done.stderr
    own = folder / "own.log"
    own.write_text("boom\n")
    if service is APP:
        assert log_of(mine, Path("/dev/zero"), own).stdout == "boom\n"


@AS_ROOT
def test_of_a_user_whom_the_host_does_not_know_nothing_is_read(folder: Path) -> None:
    own = folder / "own.log"
    own.write_text("boom\n")
    done = log_of(replace(APP, ref=replace(APP.ref, scope="user:4242")), own)
    assert done.returncode == 1
    assert "knows no user 4242" in done.stderr


def of_project(user: str, path: str, tool: tuple[str, ...] = ()) -> Told:
    """An engine with a container whose labels name a file, as whoever may use that engine likes."""
    engine = Engine("docker", path, True, 901, True, user, user, "1")
    project = Project("shop", "web", 1, "/srv/shop", ("/root/docker-compose.yml",))
    containers = (Container("c" * 64, "shop_web_1", "running", pid=7, started=900.0, project=project),)
    return Told(engine, Engines((engine,), frozenset({"docker", "docker-compose"})), containers, 1000.0, tool)


@AS_ROOT
@pytest.mark.parametrize(("path", "runs"), [("/run/user/65534/docker.sock", "nobody"), ("/run/docker.sock", "root")])
def test_root_reads_the_files_of_a_project_with_the_rights_of_its_engines_user(
    path: str, runs: str, folder: Path
) -> None:
    tool = folder / "docker-compose"
    tool.write_text('#!/bin/sh\necho "$(id -un) $*"\n')
    tool.chmod(0o755)
    told = of_project(runs, path)
    [source] = compose.sources([told])
    web, job = compose.services([told], {source.key: ("web", "job")})
    for argv in (
        source.client,
        web.file_tool,
        compose.COMPOSE.start(job).argv,
        compose.COMPOSE.stop(job).argv,
    ):
        environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True, env=environment)
        assert done.stdout.startswith(f"{runs} ")
        assert "-f /root/docker-compose.yml" in done.stdout
    assert compose.COMPOSE.run_id(job).argv[-len(web.tool) :] == web.tool


def test_files_of_a_users_project_are_not_read_through_sudo() -> None:
    [web] = compose.services([of_project("ann", "/run/docker.sock", tool=("sudo", "-n", "--", "docker"))], {})
    assert web.file_tool == ()
    [web] = compose.services([of_project("root", "/run/docker.sock", tool=("sudo", "-n", "--", "docker"))], {})
    assert web.file_tool[:4] == ("sudo", "-n", "--", "docker-compose")


@AS_ROOT
@pytest.mark.parametrize("shell", ["dash", "busybox sh"])
def test_what_a_project_declares_is_asked_with_those_rights(shell: str) -> None:
    says = ("sh", "-c", "id -un", "sh")
    assert HERE.ask(compose.DECLARED, "as=nobody", *says, shell=shell) == ("nobody",)
    assert HERE.ask(compose.DECLARED, *says, shell=shell) == ("root",)
