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

from console.actions import ActionSettings, plan, run_scripts
from console.core.command import Command
from console.core.difference import Subject
from console.core.plan import ActionKind, Intent
from console.core.release import Release, Signature
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot
from console.core.stop_way import StopWay
from console.managers import kubernetes_difference
from console.managers.kubernetes import KUBERNETES, SURVEY
from console.managers.kubernetes_releases import REVISIONS
from tests.lab.kube import KubeApi
from tests.lab.kube_cluster import Controller
from tests.probes.asking import HERE, SHELLS, Way

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
    assert before == (0, "MainPID=0\nrevision=1 - - up=yes held=0\nAgain=0")
    assert ran(KUBERNETES.restart(service), shell)[0] == 0
    assert ran(KUBERNETES.run_id(service), shell)[1] != before[1]
    log = KUBERNETES.log_command(service, lines=50, since=None, follow=False)
    assert "starting api-" in ran(log, shell)[1]


@pytest.mark.parametrize("shell", SHELLS)
def test_pods_that_a_partition_holds_back_do_not_count_as_started_by_themselves(
    api: KubeApi, tool: tuple[str, ...], tmp_path: Path, shell: str
) -> None:
    """Their containers were started again days ago, and no restart of the set touches them."""
    found = api.add("StatefulSet", "shop/parts", 2)
    found.object["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    found.reconcile()
    for pod in found.pods:
        pod.killed = 3
    service, plan_dir = named("sts/parts", tool), {"HOSTDECK_PLAN": str(tmp_path)}
    run_id = KUBERNETES.run_id(service).argv

    def look(script: str) -> tuple[int, str]:
        words = (*shell.split(), "-c", script, "sh", "key", *run_id)
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=30, check=False, env={**os.environ, **plan_dir}
        )
        return done.returncode, (done.stdout + done.stderr).strip()

    assert look(run_scripts.REMEMBER) == (0, "")
    assert look(run_scripts.NEW_RUN)[0] == 1
    assert ran(KUBERNETES.restart(service), shell)[0] == 0
    found.reconcile()
    assert [pod.killed for pod in found.pods if pod.ending is None] == [3, 0]
    assert look(run_scripts.NEW_RUN) == (0, "a new run")
    found.pods[-1].killed = 1
    assert look(run_scripts.NEW_RUN) == (1, "started once more by itself")


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
    found.object["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 0
    (tmp_path / "config").write_text(api.config())
    said = Way(("sh",), {**os.environ, "KUBECONFIG": str(tmp_path / "config")}).output(SURVEY)
    rows = said.splitlines()
    assert {row.split()[3]: row.split()[14] for row in rows if row.startswith(">w")} == {
        "api": "0",
        "off": "0",
        "db": "3",
    }
    ways = {one.ref.name: one.stop_way for one in SURVEY.parse(said).services}
    assert ways["shop/sts/db"] == StopWay(None, 0.0)
    assert ways["shop/deploy/api"] == StopWay(None, 30.0)


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


@pytest.fixture
def sets(api: KubeApi) -> dict[str, Controller]:
    """A stateful set and a daemon set that had two templates."""
    db, agent = api.cluster.workloads["StatefulSet", "shop", "db"], api.add("DaemonSet", "shop/agent", 1)
    db.release("registry.example/db:2.0", "ticket 4711")
    agent.release("registry.example/agent:2.0", "ticket 4711")
    return {"sts/db": db, "ds/agent": agent}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["sts/db", "ds/agent"])
def test_the_revisions_of_sets_are_releases_that_can_be_gone_back_to(
    sets: dict[str, Controller], tool: tuple[str, ...], shell: str, name: str
) -> None:
    service, found, own = named(name, tool, None), sets[name], name.partition("/")[2]
    way = HERE
    book = way.ask(REVISIONS, *KUBERNETES.release_words(service, None), shell=shell)
    assert [(one.id, one.version, one.live) for one in book.releases] == [("2", "2.0", True), ("1", "1.4.2", False)]
    assert book.releases[0].note == f"registry.example/{own}:2.0; ticket 4711"
    live, target = book.releases
    difference = way.ask(
        kubernetes_difference.DIFFERENCE, *KUBERNETES.comparison_words(service, None, live, target), shell=shell
    )
    assert [(one.subject, one.before, one.after) for one in difference.changes] == [
        (Subject.IMAGE, f"registry.example/{own}:2.0", f"registry.example/{own}:1.4.2")
    ]
    swap = KUBERNETES.roll_back(service, target, live, Signature("ann@bastion", "20261120T140211Z"))
    still, there = (check.command for check in swap.preflight)
    assert ran(still, shell) == (0, "still revision 2")
    assert ran(there, shell)[0] == 0
    assert any("waits for it" in warning for warning in swap.warnings) is (name == "sts/db")
    [step] = swap.steps
    assert step.undo is not None
    assert ran(step.command, shell)[0] == 0
    assert image_of(found).endswith(":1.4.2")
    assert ran(still, shell) == (1, SAYS)
    book = way.ask(REVISIONS, *KUBERNETES.release_words(service, None), shell=shell)
    assert [(one.id, one.live) for one in book.releases] == [("3", True), ("2", False)]
    assert ran(there, shell)[0] != 0
    assert ran(step.undo, shell)[0] == 0
    assert image_of(found).endswith(":2.0")


SAYS = "revision 3 by now, not 2: somebody released in between, look at it and plan anew"


def image_of(found: Controller) -> str:
    return str(found.object["spec"]["template"]["spec"]["containers"][0]["image"])


@pytest.mark.parametrize("shell", SHELLS)
def test_a_set_whose_controller_has_not_seen_the_newest_template_is_at_no_known_revision(
    api: KubeApi, tool: tuple[str, ...], shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, service = api.cluster.workloads["StatefulSet", "shop", "db"], named("sts/db", tool, None)
    found.reconcile()
    found.object["metadata"]["generation"] += 1
    monkeypatch.setattr(found, "reconcile", lambda: found.object)
    book = HERE.ask(REVISIONS, *KUBERNETES.release_words(service, None), shell=shell)
    assert [(one.id, one.live) for one in book.releases] == [("1", False)]
    swap = KUBERNETES.roll_back(service, Release("1"), Release("2"), Signature("ann@bastion", "20261120T140211Z"))
    assert ran(swap.preflight[0].command, shell) == (1, "changed just now: look at it and plan anew")
