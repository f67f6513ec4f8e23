"""The ports of a node as kubectl tells them: what is read of it, and what is not believed."""

from __future__ import annotations

import pytest

from console.core.probe import ParseError
from console.managers.kubernetes_ports import HostPort, NodePort, parse

HEAD = "configs /root/.kube/config\nwhere lab default lab-cluster https://10.0.0.1:6443\nnode node1\n"
POD = ">p shop api-1 142f4f3b - - - Running 10.244.0.5 -"


def test_a_line_that_no_cluster_can_tell_is_left_out() -> None:
    odd = (
        ">p Shop api-1 142f4f3b - - - Running 10.244.0.5 -",
        ">p shop",
        ">h TCP - 99999 80",
        ">h TCP - 8080",
        ">h XYZ - 8080 80",
        ">s shop $(x) NodePort TCP 30080 80 8080",
        ">s shop web NodePort TCP 0 80 8080",
        "Warning: something is deprecated",
    )
    found = parse(HEAD + "\n".join((POD, *odd, ">h - - 8080 80", ">s shop web NodePort - 30080 - -")))
    assert [pod.ports for pod in found.pods] == [(HostPort("tcp", "*", 8080, 80),)]
    assert found.services == (NodePort("shop", "web", "NodePort", "tcp", 30080, None, None),)
    assert (found.node, found.guessed, found.context) == ("node1", False, "lab")


def test_a_pod_without_an_owner_or_of_a_job_has_no_workload() -> None:
    lines = (POD, ">p shop x-1 u Job x - Running - -", ">p shop x-2 u ReplicaSet x-7b 7b Running - true")
    found = parse(HEAD + "\n".join(lines))
    assert [pod.workload for pod in found.pods] == [None, None, "shop/deploy/x"]
    assert [pod.host_network for pod in found.pods] == [False, False, True]
    assert found.pods[1].address is None


def test_a_host_that_is_no_node_and_a_name_that_is_none() -> None:
    assert parse(HEAD.replace("node1", "-")).node is None
    assert parse(HEAD.replace("node node1", "guess node1")).guessed
    assert parse(HEAD.replace("node1", "a;b")).node is None
    assert parse("none").context == ""


@pytest.mark.parametrize("text", ["", "node node1", "configs x\nnode node1"])
def test_without_its_head_it_is_no_answer(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)
