"""Ports that a cluster gives away, on a real host: the real kubectl against the API stand-in, and rules as a node has.

No real cluster was ever seen; ``tests.lab.kube`` tells what the stand-in is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from console.config.model import Config, ServiceConfig
from console.core.service import Endpoint
from console.diagnosis import Confidence, VerdictWord
from tests.cli.test_on_hosts import Hostdeck, hostdeck
from tests.lab import Host, Lab
from tests.lab.kube import KubeApi
from tests.lab.kube_node import furnish, login, run_pods

from .judged import Judged, judged
from .real import why

__all__ = ["hostdeck"]
HELD, FREE, UNREACHABLE = VerdictWord.HELD, VerdictWord.FREE, VerdictWord.UNREACHABLE
HIGH, MEDIUM, LOW = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW
RULES = "rules that send the port elsewhere (NAT)"
PROCESS = "process of the holder"
CLUSTER = "ports that the cluster gives away"
OUTSIDE = {"pods outside namespace shop", "services outside namespace shop"}
NEW_POD = "kubernetes, as a new pod"
WORKLOAD, SERVICE = "shop/deploy/api", "service shop/web (NodePort)"
DECLARED = Config(services=(ServiceConfig(name="api", ports=(Endpoint("tcp", "0.0.0.0", 8080),)),))


@dataclass(frozen=True)
class Node:
    lab: Lab
    host: Host
    api: KubeApi

    def judged(self, user: str, *targets: str, config: Config | None = None) -> tuple[Judged, ...]:
        return tuple(judged(verdict) for verdict in why(self.lab, self.host, targets, user, config))


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node]:
    host = lab.boot("node1", nspawn=["--capability=all"])
    with KubeApi(lab.network.gateway) as api:
        furnish(host, api)
        run_pods(host, api)
        api.cluster.may["viewer"] = lambda request: request.namespace == "shop"
        login(host, "root", api.config())
        login(host, "oncall", api.config(user="viewer", namespace="shop"))
        host.install_api()
        host.wait("curl -fs http://127.0.0.1:8080/health")
        yield Node(lab, host, api)
    lab.stop(host)


def started(node: Node, *, up: bool) -> None:
    node.host.run(["systemctl", "start" if up else "stop", "api.service"])
    if up:
        node.host.wait("curl -fs http://127.0.0.1:8080/health")


def test_a_service_is_unreachable_where_a_pod_has_the_port_of_the_node(node: Node) -> None:
    started(node, up=True)
    root = Judged(UNREACHABLE, HIGH, (WORKLOAD, "api.service"), ("aaaaaaaaaaaa", None), None,
                  (NEW_POD, "systemd Restart=on-failure"),
                  action="stop-holder", steps=f"stop {WORKLOAD}")  # fmt: skip
    root = replace(root, containers=("ID", None))
    [by_service, by_port] = node.judged("root", "/api", ":8080")
    assert by_service == root
    assert by_port == replace(root, action=None, steps=None)
    [oncall] = node.judged("oncall", "/api")
    assert oncall == replace(root, gaps=frozenset({PROCESS}))
    # Without a kubeconfig and root's rules nothing of it is seen, and that is said.
    [nosudo] = node.judged("nosudo", ":8080")
    assert nosudo == Judged(HELD, MEDIUM, ("api.service",), (None,), None, "systemd Restart=on-failure",
                            frozenset({PROCESS, RULES, CLUSTER}))  # fmt: skip


def test_who_would_start_is_told_that_the_port_is_taken_without_a_listener(node: Node) -> None:
    started(node, up=False)
    clash = f"none to bind; what comes is sent to 10.244.0.5:80 ({WORKLOAD})"
    root = Judged(HELD, HIGH, (WORKLOAD,), ("ID",), clash, NEW_POD, frozenset(), "stop-holder",
                  f"stop {WORKLOAD}, then start api.service")  # fmt: skip
    [by_service] = node.judged("root", "/api", config=DECLARED)
    assert by_service == root
    [by_port] = node.judged("root", ":8080")
    assert by_port == replace(root, action=None, steps=None)
    [oncall] = node.judged("oncall", ":8080")
    assert oncall == replace(root, action=None, steps=None, gaps=frozenset({RULES, *OUTSIDE}))
    [nosudo] = node.judged("nosudo", ":8080")
    assert nosudo == Judged(VerdictWord.UNKNOWN, LOW, gaps=frozenset({RULES, CLUSTER}))


def test_a_node_port(node: Node) -> None:
    node.host.sh("sysctl -q net.ipv4.ip_local_port_range='15000 60999'")
    clash = f"none to bind; what comes goes to {SERVICE}"
    root = Judged(HELD, HIGH, (SERVICE,), (None,), clash, "kube-proxy, while the service exists")
    assert node.judged("root", ":30080", ":30081") == (root, root)
    [oncall] = node.judged("oncall", ":30080")
    assert oncall == replace(root, confidence=MEDIUM, gaps=frozenset({RULES, *OUTSIDE}))
    [nosudo] = node.judged("nosudo", ":30080")
    assert nosudo == Judged(VerdictWord.UNKNOWN, LOW, gaps=frozenset({RULES, CLUSTER}))
    [verdict] = why(node.lab, node.host, [":30080"])
    assert verdict.impact == ("in the ephemeral range 15000-60999: an outgoing connection may take it",)
    assert [action.id for action in verdict.actions] == ["change-node-port", "reserve-port"]
    assert verdict.actions[0].commands[0].endswith("--namespace shop edit service web")
    node.host.sh("sysctl -q net.ipv4.ip_local_port_range='32768 60999'")
    assert why(node.lab, node.host, [":30080"])[0].impact == ()


def test_a_pod_with_the_network_of_the_host(node: Node) -> None:
    [root] = node.judged("root", ":9100")
    # The cluster declares the port for it.
    assert root == Judged(HELD, HIGH, ("mon/ds/agent",), ("ID",), None, NEW_POD)
    assert root.says == "tcp 9100 is the own port of mon/ds/agent, which holds it and runs: nothing is to be mended"
    [verdict] = why(node.lab, node.host, [":9100"], "nosudo")
    [holder] = verdict.holders
    uid = next(found for found in node.api.cluster.workloads.values() if found.name == "agent").pods[0].uid
    assert (holder.label, holder.container) == (f"pod {uid}", "b" * 12)
    assert verdict.confidence is MEDIUM
    assert {gap.what for gap in verdict.not_checked} == {PROCESS, RULES, CLUSTER}
    assert verdict.actions[0].id == "find-pod"


def test_what_only_a_pod_listens_on(node: Node) -> None:
    [verdict] = why(node.lab, node.host, [":80"])
    assert (verdict.verdict, verdict.holders[0].name) == (VerdictWord.HELD_IN_CONTAINER, WORKLOAD)
    assert verdict.holders[0].label == f"pod shop/{_pod(node, 'api')}"


def test_the_port_map_tells_what_the_cluster_gives_away(node: Node, hostdeck: Hostdeck) -> None:
    started(node, up=True)
    pod = f"hostPort of pod shop/{_pod(node, 'api')}"
    clash = ("clash", f"api.service listens on it, but the cluster gives it to {WORKLOAD} ({pod})")
    done = hostdeck("root", "ports", node.host.name, "--json")
    document = done.json("ports/1")
    found = {(one["protocol"], one["port"]): one for one in document["map"]}
    assert done.code == 1
    assert (found["tcp", 8080]["fit"], found["tcp", 8080]["summary"]) == clash
    # The agent has the network of the host, and listens itself.
    for place in (("udp", 5353), ("tcp", 9100), ("tcp", 30080), ("tcp", 30081)):
        assert (found[place]["fit"], found[place]["summary"]) == ("declared", None), place
    assert found["tcp", 30080]["declared_by"] == [{"service": "service shop/web", "where": f"nodePort of {SERVICE}"}]
    assert ("tcp", 8081) not in found, "that of a pod on another node"
    assert "cluster_ports" not in {one["source"] for one in document["failures"]}
    # A login that may list one namespace sees what is in that, and is told so; one without a kubeconfig sees nothing.
    document = hostdeck("oncall", "ports", node.host.name, "--json").json("ports/1")
    found = {(one["protocol"], one["port"]): one for one in document["map"]}
    assert (found["tcp", 8080]["fit"], found["tcp", 8080]["summary"]) == clash
    assert found["tcp", 30080]["fit"] == "declared"
    [reason] = [one["reason"] for one in document["failures"] if one["source"] == "cluster_ports"]
    assert reason == "this login may not list pods outside namespace shop and services outside namespace shop"
    found = hostdeck("nosudo", "ports", node.host.name, "--json").json("ports/1")["map"]
    assert 30080 not in {one["port"] for one in found}


def test_the_same_for_a_person(node: Node, hostdeck: Hostdeck) -> None:
    started(node, up=False)
    lines = hostdeck("oncall", "ports", node.host.name).out.splitlines()
    [row] = [line.split() for line in lines if " 30080 " in line]
    assert row[:4] == [node.host.name, "30080", "tcp", "*"]
    assert " ".join(row[4:]) == f"service shop/web by rules - - nodePort of {SERVICE}"
    assert any("ports that the cluster gives away not seen: this login may not list" in line for line in lines)


def _pod(node: Node, name: str) -> str:
    return next(found for found in node.api.cluster.workloads.values() if found.name == name).pods[0].name


def test_a_host_that_is_no_node_of_its_cluster(lab: Lab, node: Node) -> None:
    bastion = lab.boot("bastion")
    login(bastion, "root", node.api.config())
    [verdict] = why(lab, bastion, [":30080"])
    assert verdict.verdict is FREE
    assert "cluster lab: this host is none of its nodes" in verdict.evidence
    lab.stop(bastion)


def test_a_cluster_that_hangs_is_a_gap(node: Node) -> None:
    started(node, up=False)
    node.api.cluster.hung = True
    try:
        [verdict] = why(node.lab, node.host, [":30500"])
        [gap] = [gap for gap in verdict.not_checked if gap.what == CLUSTER]
        assert "did not answer" in gap.why
    finally:
        node.api.cluster.hung = False
