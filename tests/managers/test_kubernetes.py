"""Kubernetes: what counts and pods mean, the names of workloads, the commands, and what kubectl's errors become."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from console.core.command import Effect
from console.core.plan import ActionKind
from console.core.probe import ParseError
from console.core.service import Service, ServiceRef, State
from console.managers import kubernetes_difference, kubernetes_ports
from console.managers.kubernetes import KUBERNETES, PRESENCE, SURVEY
from console.managers.kubernetes_names import cluster_word, marked, workload
from console.managers.kubernetes_releases import live, template
from console.managers.kubernetes_templates import ONE, PODS, ROWS
from tests.probes.asking import RefusedError, Way

NOW = 1795255336
WELL = "2026-11-21T09:00:00Z"
TOOL = ("kubectl", "--kubeconfig", "/k", "--context", "lab")
API = Service(
    ServiceRef("web1", "kubernetes", "shop/deploy/api"), State.RUNNING, "3/3 ready",
    version="revision 7", replicas=3, tool=TOOL, chain=("kubernetes", "lab", "shop/deploy/api"),
)  # fmt: skip


def told(*rows: str, where: str = "lab default lab-cluster https://10.0.0.1:6443") -> tuple[Service, ...]:
    return SURVEY.parse("\n".join(("configs /k", f"where {where}", *rows, f"now {NOW}"))).services


def deployment(counts: str, *rows: str, paused: str = "-", strategy: str = "RollingUpdate", seen: int = 4) -> Service:
    [service] = told(f">w Deployment shop api 4 7 - {paused} {strategy} {counts} {seen}", *rows)
    return service


def pod(*containers: str, start: str = WELL, deleted: str = "-", phase: str = "Running") -> tuple[str, ...]:
    head = f">p shop ReplicaSet api-6b4d7dd86 6b4d7dd86 {phase} {start} {deleted}"
    return (head, *(f">c {container}" for container in containers))


READY = pod("0 ready running - -")


@pytest.mark.parametrize(
    ("counts", "rows", "state", "native"),
    [
        ("3 3 3 3", READY * 3, State.RUNNING, "3/3 ready"),
        ("3 3 1 4", READY * 3, State.STARTING, "3/3 ready, rolling out 1/3"),
        ("3 1 3 3", READY, State.STARTING, "1/3 ready"),
        ("0 0 0 0", (), State.STOPPED, "0 wanted"),
        ("0 0 0 0", pod("0 ready running - -", deleted=WELL), State.RUNNING, "0 wanted, 1 left"),
        ("1 0 1 1", pod("4 ! waiting CrashLoopBackOff - Error 1 2026-11-21T10:02:15Z !"), State.FLAPPING,
         "0/1 ready, CrashLoopBackOff"),
        ("1 1 1 1", pod("4 ready running - - Error 1 2026-11-21T10:02:05Z !"), State.FLAPPING, "1/1 ready, Error"),
        ("1 1 1 1", pod("4 ready running - - Error 1 2026-11-21T09:02:05Z !"), State.RUNNING, "1/1 ready"),
        ("1 0 1 1", pod("1 ! waiting CrashLoopBackOff - OOMKilled 137 2026-11-21T10:02:15Z !"), State.FLAPPING,
         "0/1 ready, OOMKilled"),
        ("1 0 1 1", pod("0 ! terminated Error 2"), State.FLAPPING, "0/1 ready, Error"),
        ("1 0 1 1", pod("0 ! waiting ErrImagePull -"), State.FAILED, "0/1 ready, ImagePullBackOff"),
        ("1 1 1 2", (*READY, *pod("0 ! waiting ImagePullBackOff -")), State.STARTING,
         "1/1 ready, ImagePullBackOff, rollout stuck"),
        ("1 0 1 1", pod("0 ! running - -"), State.FAILED, "0/1 ready, NotReady"),
        ("1 0 1 1", pod("0 ! running - -", start="2026-11-21T10:01:30Z"), State.STARTING, "0/1 ready"),
        ("1 0 0 0", (">k ReplicaFailure True FailedCreate - exceeded+quota",), State.FAILED,
         "0/1 ready, FailedCreate, rollout stuck"),
        ("1 0 1 1", (">k Progressing False ProgressDeadlineExceeded - -",), State.FAILED,
         "0/1 ready, ProgressDeadlineExceeded"),
        ("1 0 1 1", pod("0 ! waiting ContainerCreating -", phase="Pending", start="2026-11-21T09:53:00Z"),
         State.STARTING, "0/1 ready"),
        ("2 1 2 2", (*READY, *pod("0 ! waiting ContainerCreating -", phase="Pending")), State.FAILED,
         "1/2 ready, ContainerCreating"),
        ("1 1 1 2", (*READY, *pod("0 ! waiting PodInitializing -", phase="Pending")), State.STARTING,
         "1/1 ready, PodInitializing, rollout stuck"),
        ("1 1 1 1", (*READY, *pod("9 ! waiting CrashLoopBackOff -", phase="Failed")), State.RUNNING, "1/1 ready"),
    ],
)  # fmt: skip
def test_states(counts: str, rows: tuple[str, ...], state: State, native: str) -> None:
    service = deployment(counts, *rows)
    assert (service.state, service.native_state) == (state, native)


def test_a_change_that_its_controller_has_not_seen_is_not_running() -> None:
    assert deployment("3 3 3 3", seen=3).state is State.STARTING
    assert deployment("3 3 1 3", paused="paused").native_state == "3/3 ready, paused"
    assert deployment("3 3 1 3", strategy="OnDelete").enabled == "on-delete"


@pytest.mark.parametrize(
    ("counts", "partition", "native"),
    [
        ("3 3 1 3", "2", "3/3 ready"),
        ("3 3 0 3", "5", "3/3 ready"),
        ("3 3 0 3", "2", "3/3 ready, rolling out 0/1"),
        ("3 3 1 3", "0", "3/3 ready, rolling out 1/3"),
    ],
)
def test_pods_below_the_partition_of_a_stateful_set_are_not_waited_for(
    counts: str, partition: str, native: str
) -> None:
    [service] = told(f">w StatefulSet shop db 4 - - - RollingUpdate {counts} 4 {partition}")
    assert service.native_state == native
    assert service.state is (State.STARTING if "rolling" in native else State.RUNNING)


def test_restarts_and_pods_belong_to_their_own_workload() -> None:
    other = ">p shop ReplicaSet apis-6b4d7dd86 6b4d7dd86 Running - -"
    service = deployment(
        "2 2 2 2", *pod("2 ready running - -", "1 ready running - -"), other, ">c 40 ready running - -"
    )
    assert service.restarts == 3
    alone = told(">p shop Job nightly - Running - -", ">c 3 ready running - -", ">u Unschedulable -")
    assert alone == ()


@pytest.mark.parametrize(
    "row",
    [">w Deployment ../x api 1 1 - - - 1 1 1 1 1", ">w Deployment shop --all 1 1 - - - 1 1 1 1 1", ">w Job shop a 1",
     ">w Deployment shop a/b 1 1 - - - 1 1 1 1 1", ">w Deployment shop a 1 1 - - - x 1 1 1 1", ">w", ">"],
)  # fmt: skip
def test_one_odd_row_is_left_out_with_what_follows_it(row: str) -> None:
    [service] = told(row, ">i x", ">w StatefulSet shop db 1 - - - RollingUpdate 2 2 2 2 1", ">i db%3A1")
    assert (service.ref.name, service.image) == ("shop/sts/db", "db:1")


TEMPLATES = (
    ROWS, ONE, PODS, kubernetes_ports.NODES, kubernetes_ports.PODS, kubernetes_ports.SERVICES,
    *(
        made(workload(name))
        for name in ("shop/deploy/api", "shop/sts/db")
        for made in (live, template, kubernetes_difference.template)
    ),
)  # fmt: skip
_QUIET = re.compile(r"""(?:with|range|if|else|end|define|template|urlquery)\b|\$\w+ :=|"\\n"\Z""")


@pytest.mark.parametrize("text", TEMPLATES)
def test_whatever_kubectl_prints_of_an_object_is_one_word(text: str) -> None:
    raw = [action for action in re.findall(r"\{\{(.*?)\}\}", text) if not _QUIET.match(action)]
    # What a shell gives back to kubectl as a selector; the number of a place in a list.
    assert set(raw) <= ({"$key", "$value"} if text is ONE else {"$at"})


def test_a_line_break_in_any_field_makes_no_line() -> None:
    forged = quote_plus("a\x1b[0m\n>w Deployment shop api 9 7 - - RollingUpdate 3 3 3 3 9 0")
    service = deployment(
        "3 0 3 3",
        *(f">k Progressing False {forged} {forged} {forged}", f">i {forged}"),
        *(f">p shop {forged} {forged} - - - -", ">c 0 ! waiting ErrImagePull -"),
    )  # fmt: skip
    assert (service.state, service.native_state[:13]) == (State.FAILED, "0/3 ready, a ")
    for text in (service.native_state, service.description, service.image or "", service.result or ""):
        assert text.isprintable()
    [odd] = told(f">w Deployment shop api 4 {forged} {forged} - RollingUpdate 3 1 3 3 4")
    assert (odd.native_state, odd.replicas, (odd.version or "").isprintable()) == ("1/3 ready", 3, True)


@pytest.mark.parametrize("text", ["", "configs /k", "configs /k\nwhere a b", "error: x"])
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        SURVEY.parse(text)


@pytest.mark.parametrize("name", ["api", "shop/api", "shop/deploy/", "shop/job/x", "Shop/deploy/x", "a/deploy/--all",
                                  "a/deploy/x y", "a/deploy/x/y", "-a/deploy/x", "a/deploy/x;id",
                                  "a/deploy/x\n"])  # fmt: skip
def test_a_name_that_no_workload_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a workload"):
        workload(name)
    with pytest.raises(ValueError, match="is no name of a workload"):
        KUBERNETES.restart(replace(API, ref=replace(API.ref, name=name)))


@pytest.mark.parametrize(
    ("context", "cluster", "server", "marked"),
    [
        ("prod-eu", "x", "https://x", True),
        ("lab", "eks/live_1", "https://x", True),
        ("lab", "x", "https://api.production.example:6443", True),
        ("product-team", "reproducer", "https://delivery.example", False),
        ("staging", "nonprod", "https://x", False),
    ],
)
def test_production_looks_different(context: str, cluster: str, server: str, marked: bool) -> None:
    shown = cluster_word(context, cluster, server)
    assert shown == (f"{context} (production)" if marked else context)
    there = replace(API, chain=("kubernetes", shown, API.ref.name))
    assert KUBERNETES.cautions(there, ActionKind.RESTART) == (
        (f"context {context} is a production cluster",) if marked else ()
    )


def test_a_list_of_configurations_is_given_as_it_is() -> None:
    text = "configs /a:/b\nwhere arn%3Aaws%3A1 default x https://x\n>w DaemonSet shop a 1 - - - RollingUpdate 2 2 2 2 1"
    [service] = SURVEY.parse(text).services
    assert service.tool == ("env", "KUBECONFIG=/a:/b", "kubectl", "--context", "arn:aws:1")


def test_commands() -> None:
    shown = {
        "restart": KUBERNETES.restart(API),
        "undo": KUBERNETES.undo_restart(API),
        "stop": KUBERNETES.stop(API),
        "start": KUBERNETES.start(API),
    }
    common = "kubectl --kubeconfig /k --context lab --namespace shop --request-timeout=30s"
    patch = '\'--patch={"metadata":{"annotations":{"hostdeck/replicas":"3"}},"spec":{"replicas":0}}\''
    assert {name: command and command.shell() for name, command in shown.items()} == {
        "restart": f"{common} rollout restart deployment/api",
        "undo": f"{common} rollout undo deployment/api --to-revision=7",
        "stop": f"{common} patch deployment/api --type=merge {patch}",
        "start": f"{common} scale deployment/api --replicas=3",
    }
    assert all(command and command.effect is Effect.CHANGE and not command.elevate for command in shown.values())
    wait = KUBERNETES.settle(API, ActionKind.RESTART)
    assert wait is not None
    assert wait.argv[-4:] == ("rollout", "status", "deployment/api", "--timeout=180s")
    assert KUBERNETES.settle(API, ActionKind.STOP) is None
    assert KUBERNETES.undo_restart(replace(API, ref=replace(API.ref, name="shop/sts/db"))) is None


def test_what_cannot_be_done_says_why() -> None:
    agent = replace(API, ref=replace(API.ref, name="shop/ds/agent"))
    dns = replace(API, ref=replace(API.ref, name="kube-system/deploy/coredns"))
    assert KUBERNETES.why_not(API, ActionKind.RESTART) is None
    for service, kind, word in (
        (agent, ActionKind.STOP, "daemon set"),
        (dns, ActionKind.STOP, "part of the cluster"),
        (replace(API, enabled="paused"), ActionKind.RESTART, "rollout resume"),
        (replace(API, enabled="on-delete"), ActionKind.RESTART, "OnDelete"),
        (replace(API, native_state="0 wanted"), ActionKind.RESTART, "start it"),
        (API, ActionKind.RELOAD, "no reload"),
    ):
        assert word in (KUBERNETES.why_not(service, kind) or "")


def test_lines_of_a_log() -> None:
    line = KUBERNETES.log_line(API.ref, "[pod/api-1/app] 2026-11-21T10:02:18.957400321Z ERROR no\tway")
    assert line is not None
    assert (line.source, line.message, line.level, line.at) == ("api-1/app", "ERROR no\tway", "error", 1795255338.9574)
    said = KUBERNETES.log_line(API.ref, 'error: container "app" is waiting to start')
    assert said is not None
    assert (said.source, said.level) == ("kubectl", "warning")
    assert KUBERNETES.log_line(API.ref, "") is None
    assert KUBERNETES.log_line(API.ref, "[pod/api-1/app] 2026-11-21T10:02:18Z") is None


@pytest.mark.parametrize(
    ("said", "line", "status"),
    [
        (
            "Unable to connect to the server: dial tcp: lookup kube.x on 9.9.9.9:53: no such host",
            "is not known on this",
            1,
        ),
        (
            "Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout",
            "did not answer within 4 s: kubectl",
            124,
        ),
        (
            "Unable to connect to the server: x509: certificate signed by unknown authority",
            "is not trusted: x509: cert",
            1,
        ),
        (
            "Unable to connect to the server: getting credentials: exec: executable aws not found",
            "could not be had: Una",
            77,
        ),
        (
            "error: You must be logged in to the server (Unauthorized)",
            "does not accept the credentials of context lab",
            77,
        ),
        ("dial tcp 10.0.0.1:6443: connect: no route to host", "there is no route to https://10.0.0.1:6443", 1),
        ("E1121 memcache.go:1] first\nerror: something new", "kubectl: something new", 1),
    ],
)
def test_errors_in_one_line(tmp_path: Path, said: str, line: str, status: int) -> None:
    """In the words of client-go; what can be brought about with the stand-in is in the test of the lab."""
    stub = tmp_path / "kubectl"
    config = "lab default lab-cluster https://10.0.0.1:6443"
    stub.write_text(
        f"#!/bin/sh\ncase \"$*\" in *config*view*) echo '{config}' ;; *) echo '{said}' >&2; exit 1 ;; esac\n"
    )
    stub.chmod(0o755)
    (tmp_path / "config").touch()
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "KUBECONFIG": f"{tmp_path / 'config'}"}
    way = Way(("sh",), environment)
    assert way.ask(PRESENCE).startswith(f"config {tmp_path}/config\n{tmp_path}/config ")
    with pytest.raises(RefusedError) as told:
        way.ask(SURVEY)
    assert line in str(told.value)
    assert "\n" not in str(told.value)
    assert told.value.status == status


def test_a_context_that_the_configuration_marks_is_of_production_whatever_it_is_called() -> None:
    assert API.production_context is None
    [eu, other] = marked((API, replace(API, chain=("kubernetes", "test", "x"))), ("lab", "x"))
    assert (eu.chain, eu.production_context) == (("kubernetes", "lab (production)", "shop/deploy/api"), "lab")
    assert other.production_context is None
    assert "context lab is a production cluster" in KUBERNETES.cautions(eu, ActionKind.RESTART)
    assert list(marked((eu, replace(API, chain=())), ("lab",))) == [eu, replace(API, chain=())]
    by_name = replace(API, ref=replace(API.ref, manager="docker"), chain=("docker", "x (production)"))
    assert by_name.production_context is None, "what a container is called says nothing of a cluster"


# Recorded: Debian 12 (kubernetes-client 1.20.5+really1.20.2), and kubectl 1.32.4.
@pytest.mark.parametrize(
    ("said", "version"),
    [
        (
            'Client Version: version.Info{Major:"1", Minor:"20", GitVersion:"v1.20.2", '
            'GitCommit:"faecb196815e248d3ecfb03c680a4507229c2a56", GitTreeState:"archive", '
            'BuildDate:"2025-06-08T22:40:27Z", GoVersion:"go1.19.8", Compiler:"gc", Platform:"linux/amd64"}\n',
            "kubectl v1.20.2",
        ),
        ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0\n", "kubectl v1.32.4-dispatcher"),
        ("error: unknown flag\n", None),
        ("", None),
    ],
)
def test_the_version_of_kubectl(said: str, version: str | None) -> None:
    assert KUBERNETES.version_of(said) == version
