"""Kubernetes: the looks of plans, as a host runs them, with a real kubectl and the stand-in for the API server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from console.actions import ActionSettings, plan
from console.core.command import Command
from console.core.plan import ActionKind, Intent
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot
from console.managers.kubernetes import KUBERNETES, SURVEY
from tests.lab.kube import KubeApi
from tests.probes.asking import SHELLS, Way

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="this machine has no kubectl")

PLUGIN = "W1121 10:00:00.000000 1 gcp.go:119] WARNING: the gcp auth plugin is deprecated, use gcloud; 3 ups ahead"


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with KubeApi("127.0.0.1") as made:
        made.add("Deployment", "shop/api", 2)
        made.add("Deployment", "shop/off", 0)
        made.add("StatefulSet", "shop/db", 1)
        yield made


@pytest.fixture
def tool(api: KubeApi, tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "config").write_text(api.config())
    return ("kubectl", "--kubeconfig", str(tmp_path / "config"))


@pytest.fixture
def talkative(tool: tuple[str, ...], tmp_path: Path) -> tuple[str, ...]:
    """A kubectl that warns before its answer and after it."""
    stub = tmp_path / "talkative"
    stub.write_text(f'#!/bin/sh\necho "{PLUGIN}" >&2\nkubectl "$@"\ncode=$?\necho "{PLUGIN}" >&2\nexit $code\n')
    stub.chmod(0o755)
    return (str(stub), *tool[1:])


def named(name: str, tool: tuple[str, ...], version: str | None = "revision 1") -> Service:
    ref = ServiceRef("web1", "kubernetes", f"shop/{name}")
    return Service(ref, State.RUNNING, "2/2 ready", version=version, replicas=2, tool=tool)


def ran(command: Command, shell: str = "sh") -> tuple[int, str]:
    words = (*shell.split(), *command.argv[1:]) if command.argv[0] == "sh" else command.argv
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False, env={**os.environ})
    return done.returncode, done.stdout.strip() + done.stderr.strip()


def settled(api: KubeApi, name: str = "api") -> None:
    """Its pods are ready, the first of them after having been asked for."""
    found = api.cluster.workloads["Deployment", "shop", name]
    found.reconcile()
    time.sleep(0.8)


@pytest.mark.parametrize("shell", SHELLS)
def test_warnings_beside_the_answer_are_no_part_of_it(
    api: KubeApi, tool: tuple[str, ...], talkative: tuple[str, ...], shell: str
) -> None:
    settled(api)
    service, off = named("deploy/api", talkative), named("deploy/off", talkative)
    assert ran(KUBERNETES.is_running(service, hold=0).command, shell) == (0, "2/2 ready")
    assert ran(KUBERNETES.is_stopped(off).command, shell) == (0, "no pod is left")
    before = ran(KUBERNETES.run_id(service), shell)
    assert before == (0, "MainPID=0\nrevision=1 - - up=yes restarts=0")
    assert ran(KUBERNETES.restart(service), shell)[0] == 0
    assert ran(KUBERNETES.run_id(service), shell)[1] != before[1]
    log = KUBERNETES.log_command(service, lines=50, since=None, follow=False)
    assert "starting api-" in ran(log, shell)[1]


def test_no_answer_is_not_taken_for_one(api: KubeApi, talkative: tuple[str, ...]) -> None:
    assert ran(KUBERNETES.is_running(named("deploy/gone", talkative), hold=0).command) == (1, PLUGIN)
    assert ran(KUBERNETES.is_running(named("deploy/api", ("true",)), hold=0).command) == (1, "")


def preflight(service: Service) -> dict[str, Command]:
    where = Snapshot("web1", Link(LinkState.UP, 0.0), services=(service,))
    intent = Intent(ActionKind.RESTART, service.ref)
    made = plan(intent, where, managers=(KUBERNETES,), settings=ActionSettings(), plan_id="20261120-1")
    return {check.name: check.command for check in made.preflight}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_plan_whose_undo_would_take_back_a_release_of_somebody_else_is_refused(
    api: KubeApi, talkative: tuple[str, ...], shell: str
) -> None:
    found = api.cluster.workloads["Deployment", "shop", "api"]
    look = preflight(named("deploy/api", talkative))["shop/deploy/api is still at revision 1"]
    assert ran(look, shell) == (0, "still revision 1")
    found.object["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/api:1.5.0"
    code, said = ran(look, shell)
    assert (code, said.partition(":")[0]) == (1, "revision 2 by now, not 1")


def test_only_an_undo_that_names_a_revision_is_looked_after(tool: tuple[str, ...]) -> None:
    for service in (named("sts/db", tool), named("deploy/api", tool, version=None)):
        assert list(preflight(service)) == [f"note the present run of {service.ref.name}"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_log_that_is_followed_ends_with_its_reader(api: KubeApi, tool: tuple[str, ...], shell: str) -> None:
    settled(api)
    command = KUBERNETES.log_command(named("deploy/api", tool), lines=0, since=None, follow=True)
    words = (*shell.split(), *command.argv[1:])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "start_new_session": True}
    with subprocess.Popen(words, **pipes) as following:  # type: ignore[call-overload]
        try:
            assert b"served" in following.stdout.readline()
            following.stdin.close()
            following.wait(5)
            # The end of its output is the end of every process that had it.
            following.stdout.read()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(following.pid, signal.SIGKILL)


def test_the_survey_reads_the_partition(api: KubeApi, tmp_path: Path) -> None:
    found = api.cluster.workloads["StatefulSet", "shop", "db"]
    found.object["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}
    (tmp_path / "config").write_text(api.config())
    rows = Way(("sh",), {**os.environ, "KUBECONFIG": str(tmp_path / "config")}).output(SURVEY).splitlines()
    assert {row.split()[3]: row.split()[-1] for row in rows if row.startswith(">w")} == {
        "api": "0",
        "off": "0",
        "db": "3",
    }


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("labels", [{}, {"app": "off"}])
def test_of_pods_that_are_selected_by_expressions_nothing_is_claimed(
    api: KubeApi, tool: tuple[str, ...], shell: str, labels: dict[str, str]
) -> None:
    selector = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "off"]}]}
    for found in api.cluster.workloads.values():
        found.object["spec"]["selector"] = {**selector, **({"matchLabels": labels} if labels else {})}
    settled(api)
    off, service = named("deploy/off", tool), named("deploy/api", tool)
    code, said = ran(KUBERNETES.is_stopped(off).command, shell)
    assert (code, said.partition(":")[0]) == (77, "scaled to 0; which pods are left cannot be told")
    assert ran(KUBERNETES.run_id(off), shell) == (0, "MainPID=0\nrevision=1 - - up=no")
    before = ran(KUBERNETES.run_id(service), shell)
    assert before == (0, "MainPID=0\nrevision=1 - - up=yes")
    assert ran(KUBERNETES.restart(service), shell)[0] == 0
    assert ran(KUBERNETES.run_id(service), shell) == (0, "MainPID=0\nrevision=2 - - up=yes")
