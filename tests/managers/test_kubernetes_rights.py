"""Kubernetes with partial rights: what the API server refuses is told, with a real kubectl and the stand-in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import kmock
import pytest

from console.core.service import Service, ServiceRef, State
from console.managers.kubernetes import SURVEY
from console.managers.kubernetes_rights import Seen, Unseen
from tests.lab.kube import KubeApi
from tests.probes.asking import SHELLS, RefusedError, Way

real = pytest.mark.skipif(shutil.which("kubectl") is None, reason="this machine has no kubectl")

EVERY = ("deployments", "statefulsets", "daemonsets", "pods")
NAMES = {"shop/deploy/api", "shop/sts/db", "shop/ds/agent", "mon/deploy/web", "mon/sts/log"}


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with KubeApi("127.0.0.1") as made:
        made.add("Deployment", "shop/api", 2)
        made.add("StatefulSet", "shop/db", 1)
        made.add("DaemonSet", "shop/agent", 1)
        made.add("Deployment", "mon/web", 1)
        made.add("StatefulSet", "mon/log", 1)
        yield made


@pytest.fixture
def kubeconfig(api: KubeApi, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config").write_text(api.config(user="viewer", namespace="shop"))
    return {**os.environ, "KUBECONFIG": str(tmp_path / "config")}


def allow(api: KubeApi, cluster: Collection[str], namespace: Collection[str] = ()) -> None:
    """What the viewer may list: kinds in all namespaces, and more of them in shop."""

    def may(request: kmock.Request) -> bool:
        plural = str(request.resource.plural) if request.resource is not None else ""
        return plural in cluster or (plural in namespace and request.namespace == "shop")

    api.cluster.may["viewer"] = may


def seen(environment: dict[str, str], shell: str = "sh") -> Seen:
    return Way(("sh",), environment).ask(SURVEY, shell=shell)


def names(found: Seen) -> set[str]:
    return {service.ref.name for service in found.services}


@real
@pytest.mark.parametrize("shell", SHELLS)
def test_a_kind_that_is_refused_is_told_beside_the_others(api: KubeApi, kubeconfig: dict[str, str], shell: str) -> None:
    allow(api, ("deployments", "daemonsets", "pods"))
    found = seen(kubeconfig, shell)
    assert names(found) == {name for name in NAMES if "/sts/" not in name}
    assert found.unseen == Unseen("lab", "shop", (), ("statefulsets.apps",))
    assert found.unseen.why == (
        "context lab may list no stateful sets: bind it a ClusterRole with the verb list for statefulsets.apps"
    )


@real
def test_a_kind_that_is_refused_in_the_cluster_is_looked_for_in_the_own_namespace(
    api: KubeApi, kubeconfig: dict[str, str]
) -> None:
    allow(api, ("deployments",), ("pods", "statefulsets"))
    found = seen(kubeconfig)
    assert names(found) == {"shop/deploy/api", "mon/deploy/web", "shop/sts/db"}
    assert found.unseen == Unseen("lab", "shop", ("statefulsets.apps", "pods"), ("daemonsets.apps",))
    assert found.unseen.why == (
        "context lab may list no daemon sets, and stateful sets and pods of namespace shop alone: "
        "bind it a ClusterRole with the verb list for statefulsets.apps,daemonsets.apps,pods"
    )
    known = {service.ref.name: service for service in found.services}
    assert known["shop/deploy/api"].restarts == 0
    hidden = known["mon/deploy/web"]
    assert (hidden.restarts, hidden.description) == (None, "its pods are hidden from this user")


@real
def test_pods_that_are_told_before_their_workload_belong_to_it(api: KubeApi, kubeconfig: dict[str, str]) -> None:
    allow(api, ("pods",), EVERY)
    api.cluster.workloads["Deployment", "shop", "api"].fate = "unschedulable"
    api.cluster.workloads["Deployment", "shop", "api"].reconcile()
    found = seen(kubeconfig)
    api_seen = next(service for service in found.services if service.ref.name == "shop/deploy/api")
    assert api_seen.description == "0/3 nodes are available: 3 Insufficient memory!"
    assert found.unseen.elsewhere == ("deployments.apps", "statefulsets.apps", "daemonsets.apps")


@real
def test_a_cluster_without_workloads_that_refuses_pods_is_an_answer(api: KubeApi, kubeconfig: dict[str, str]) -> None:
    api.cluster.workloads.clear()
    allow(api, ("deployments", "statefulsets", "daemonsets"))
    found = seen(kubeconfig)
    assert found.services == ()
    assert found.unseen.everywhere == ("pods",)


@real
def test_all_rights_leave_nothing_unseen_and_none_are_a_refusal(api: KubeApi, kubeconfig: dict[str, str]) -> None:
    allow(api, EVERY)
    assert (names(seen(kubeconfig)), seen(kubeconfig).unseen.why) == (NAMES, None)
    allow(api, ())
    with pytest.raises(RefusedError, match=r"context lab may not list services: .* cannot list") as told:
        seen(kubeconfig)
    assert told.value.status == 77


SAID = """\
>w Deployment shop api 1 1 - - RollingUpdate 1 1 1 1 1 0
Error from server (Forbidden): pods is forbidden: User "viewer" cannot list resource "pods" in API group "" at the
Error from server (ServiceUnavailable): the server is currently unable to handle the request
"""


def test_an_error_beside_a_refusal_leaves_a_gap_that_is_no_refusal(tmp_path: Path) -> None:
    stub = tmp_path / "kubectl"
    config = "lab shop lab-cluster https://10.0.0.1:6443"
    stub.write_text(f"#!/bin/sh\ncase \"$*\" in *view*) echo '{config}' ;; *) echo '{SAID}'; exit 1 ;; esac\n")
    stub.chmod(0o755)
    (tmp_path / "config").touch()
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "KUBECONFIG": f"{tmp_path / 'config'}"}
    with pytest.raises(RefusedError, match="unable to handle the request") as told:
        seen(environment)
    assert told.value.status == 1


@pytest.mark.parametrize(
    ("name", "hidden"),
    [("shop/deploy/api", False), ("shop/sts/db", False), ("mon/sts/log", True), ("shop/ds/agent", True)],
)
def test_which_workloads_could_not_be_told(name: str, hidden: bool) -> None:
    unseen = Unseen("lab", "shop", ("statefulsets.apps", "pods"), ("daemonsets.apps",))
    assert unseen.hides(Service(ServiceRef("", "kubernetes", name), State.RUNNING, "")) is hidden
