"""Ports that a cluster gives away on this node, mostly without a listener."""

from dataclasses import replace
from typing import Any

import pytest

from console.core.network import Listener, Process
from console.core.plan import ActionKind
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Source
from console.diagnosis import Confidence, Evidence, Refusal, Verdict, VerdictWord, as_text, diagnose, needed
from console.managers.kubernetes_ports import ClusterPorts, HostPort, NodePod, NodePort, given
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespace, Namespaces
from console.probes.redirects import Redirect, Redirects

from .factories import HOST, failed, hidden, identity, listener, ref, snapshot, symptom, unit

UID = "142f4f3b-bd58-49b8-921f-eca88a900c49"
IDENT = "b" * 64
GROUP = f"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{UID.replace('-', '_')}.slice"
SCOPE = f"cri-containerd-{IDENT}.scope"
POD = NodePod("shop", "api-7b-1", UID, "shop/deploy/api", "Running", "10.244.0.5",
              ports=(HostPort("tcp", "*", 8080, 80),))  # fmt: skip
WEB = NodePort("shop", "web", "NodePort", "tcp", 30080, 80, "8080")
TOOL = ("kubectl", "--kubeconfig", "/root/.kube/config", "--context", "lab")
CLUSTER = ClusterPorts("web1", context="lab", tool=TOOL, pods=(POD,), services=(WEB,))
NODE_PORT = Endpoint("tcp", "*", 30080)


def workload(name: str = "shop/deploy/api", **changes: Any) -> Service:
    made = Service(ServiceRef(HOST, "kubernetes", name), State.RUNNING, "1/1 ready", replicas=1, tool=TOOL,
                   chain=("kubernetes", "lab", name))  # fmt: skip
    return replace(made, **changes)


def look(*listeners: Listener, services: tuple[Service, ...] = (), **changes: Any) -> Evidence:
    snap = {name: changes.pop(name) for name in tuple(changes) if name in {"symptoms", "identity", "sources"}}
    sources = (Source("listeners", 100.0), Source("kubernetes", 100.0))
    made = snapshot(services=(failed(), *services), listeners=listeners, symptoms=(symptom(),), sources=sources)
    evidence = Evidence(
        replace(made, **snap), ref(), processes=(), sockets=(), bound=(), limits=PortLimits(), addresses=(),
        namespaces=Namespaces(), redirects=Redirects(("nft",)), cluster=CLUSTER,
    )  # fmt: skip
    return replace(evidence, **changes)


def best(verdict: Verdict) -> tuple[str, str]:
    found = next(action for action in verdict.actions if action.recommended)
    return found.id, found.label


def gaps(verdict: Verdict) -> dict[str, str]:
    return {gap.what: gap.why for gap in verdict.not_checked}


def test_a_pod_has_the_port_of_its_node() -> None:
    verdict = diagnose(look(services=(workload(),)))
    (holder,) = verdict.holders
    assert (verdict.verdict, verdict.confidence, holder.known_by) == (VerdictWord.HELD, Confidence.HIGH, ("manager",))
    assert (holder.name, holder.label, holder.to) == (
        "shop/deploy/api",
        "pod shop/api-7b-1",
        Endpoint("tcp", "10.244.0.5", 80),
    )
    assert holder.chain == ("kubernetes", "lab", "shop/deploy/api", "pod shop/api-7b-1")
    assert holder.respawn == "kubernetes, as a new pod"
    assert best(verdict) == ("stop-holder", "stop shop/deploy/api, then start api.service")
    assert [intent.kind for intent in verdict.actions[0].intents] == [ActionKind.STOP, ActionKind.START]
    assert "process of the holder" not in gaps(verdict)
    assert "HELD BY  pod shop/api-7b-1  *:8080 -> 10.244.0.5:80" in as_text(verdict)


def test_rules_that_agree_are_added_to_what_the_cluster_says() -> None:
    rule = Redirect("tcp", ((8080, 8080),), "10.244.0.5", 80, rule="-A CNI-DN-1 ...")
    verdict = diagnose(look(services=(workload(),), redirects=Redirects(("nft",), (rule,))))
    assert [holder.known_by for holder in verdict.holders] == [("manager", "nat")]
    assert "rule: -A CNI-DN-1 ..." in verdict.evidence


def test_a_service_on_every_node_is_changed_by_hand() -> None:
    verdict = diagnose(replace(look(symptoms=(symptom(port=30080),)), target=NODE_PORT))
    (holder,) = verdict.holders
    assert (holder.name, holder.ref) == ("service shop/web (NodePort)", None)
    assert best(verdict) == ("change-node-port", "give service shop/web another node port")
    assert verdict.actions[0].commands == (
        "kubectl --kubeconfig /root/.kube/config --context lab --namespace shop edit service web",
    )
    assert verdict.actions[0].reason_off
    assert verdict.impact == ()


def test_outgoing_connections_may_take_a_node_port() -> None:
    wide = PortLimits(local_low=15000, local_high=60999)
    verdict = diagnose(replace(look(symptoms=(), limits=wide), target=NODE_PORT))
    assert verdict.impact == ("in the ephemeral range 15000-60999: an outgoing connection may take it",)
    reserve = next(action for action in verdict.actions if action.id == "reserve-port")
    assert not reserve.recommended
    assert reserve.commands == ("sysctl -w net.ipv4.ip_local_reserved_ports=30080",)
    kept = replace(wide, reserved=((30000, 32767),))
    assert diagnose(replace(look(symptoms=(), limits=kept), target=NODE_PORT)).impact == ()


def test_a_daemon_set_keeps_its_port_and_a_pod_of_its_own_is_ended_by_hand() -> None:
    agent = replace(POD, workload="mon/ds/agent")
    daemon = diagnose(look(services=(workload("mon/ds/agent"),), cluster=replace(CLUSTER, pods=(agent,))))
    assert best(daemon)[0] == "change-host-port"
    assert "cannot be scaled" in (daemon.actions[0].reason_off or "")
    alone = diagnose(look(cluster=replace(CLUSTER, pods=(replace(POD, workload=None),))))
    assert (best(alone), alone.holders[0].respawn) == (("delete-pod", "end pod shop/api-7b-1"), None)


@pytest.mark.parametrize(
    "pod",
    [
        replace(POD, phase="Succeeded"),
        replace(POD, host_network=True),
        replace(POD, ports=(HostPort("udp", "*", 8080, 80),)),
        replace(POD, ports=(HostPort("tcp", "192.0.2.1", 8080, 80),)),
    ],
)
def test_what_does_not_take_the_port(pod: NodePod) -> None:
    here = symptom(address="10.0.0.5")
    assert diagnose(look(symptoms=(here,), cluster=replace(CLUSTER, pods=(pod,)))).verdict is VerdictWord.FREE


def test_another_node_has_nothing_to_do_with_it() -> None:
    verdict = diagnose(replace(look(symptoms=(), cluster=ClusterPorts(None, context="lab")), target=NODE_PORT))
    assert verdict.verdict is VerdictWord.FREE
    assert "cluster lab: this host is none of its nodes" in verdict.evidence


def test_a_node_that_may_not_be_listed_is_one_where_its_pods_are() -> None:
    guessed = replace(CLUSTER, guessed=True, hidden=("pods outside namespace shop",))
    verdict = diagnose(replace(look(symptoms=(), cluster=guessed), target=NODE_PORT))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.HELD, Confidence.MEDIUM)
    assert "pods outside namespace shop" in gaps(verdict)
    nobody = replace(guessed, pods=())
    verdict = diagnose(replace(look(symptoms=(), cluster=nobody), target=NODE_PORT))
    assert verdict.verdict is VerdictWord.FREE
    assert "whether this host is one is open" in gaps(verdict)["node ports of the cluster"]


def in_pod(**changes: Any) -> Listener:
    return listener("*", 9100, pids=(69,), process="busybox", unit=SCOPE, cgroup=f"{GROUP}/{SCOPE}", uid=0, **changes)


PORT_9100 = Endpoint("tcp", "*", 9100)


def test_a_pod_with_the_hosts_network_is_known_by_its_control_group() -> None:
    verdict = diagnose(replace(look(in_pod(), services=(workload(),), symptoms=()), target=PORT_9100))
    (holder,) = verdict.holders
    assert (holder.name, holder.label, holder.pid) == ("shop/deploy/api", "pod shop/api-7b-1", 69)
    assert [intent.kind for intent in verdict.actions[0].intents] == [ActionKind.STOP]


def test_without_the_cluster_only_the_uid_of_a_pod_is_known() -> None:
    made = look(
        hidden(in_pod()), symptoms=(), identity=identity(1001), cluster=None, sources=(Source("listeners", 1.0),)
    )
    verdict = diagnose(replace(made, target=PORT_9100))
    (holder,) = verdict.holders
    assert (holder.name, holder.respawn) == (f"pod {UID}", None)
    assert best(verdict)[0] == "find-pod"
    assert not any("docker" in command for action in verdict.actions for command in action.commands)
    assert "process of the holder" in gaps(verdict)


def test_kube_proxy_listens_for_a_service() -> None:
    proxy = listener("*", 30080, pids=(70,), process="kube-proxy", unit=SCOPE, cgroup=f"/kubepods/x/{SCOPE}", uid=0)
    verdict = diagnose(replace(look(proxy, symptoms=()), target=NODE_PORT))
    (holder,) = verdict.holders
    assert (holder.label, holder.pid) == ("service shop/web (NodePort)", 70)
    assert best(replace(verdict, actions=tuple(replace(one, recommended=True) for one in verdict.actions)))[0] == (
        "change-node-port"
    )


def test_what_only_a_pod_listens_on() -> None:
    space = Namespace(1, ("10.244.0.5",), (Listener("tcp", "::", 8081, inode=2),),
                      (Process(67, "busybox", cgroup=f"{GROUP}/{SCOPE}"),))  # fmt: skip
    made = look(services=(workload(),), symptoms=(), namespaces=Namespaces((), (space,)))
    verdict = diagnose(replace(made, target=Endpoint("tcp", "*", 8081)))
    assert (verdict.verdict, verdict.holders[0].label) == (VerdictWord.HELD_IN_CONTAINER, "pod shop/api-7b-1")


def test_the_cluster_is_asked_where_there_is_one() -> None:
    tools = identity(tools=frozenset({"kubectl"}))
    asked = [question.probe for question in needed(look(cluster=None, identity=tools))]
    assert asked == ["cluster"]
    assert needed(look(cluster=None)) == ()
    refused = (Refusal("cluster", "the API server did not answer within 4 s"),)
    verdict = diagnose(look(cluster=None, refused=refused))
    assert gaps(verdict)["ports that the cluster gives away"] == "the API server did not answer within 4 s"


def test_where_pods_run_and_nobody_tells_of_them_nothing_is_called_free() -> None:
    space = Namespace(1, ("10.244.0.5",), (), (Process(67, "busybox", cgroup=f"{GROUP}/{SCOPE}"),))
    blind = look(
        symptoms=(), identity=identity(1001), cluster=None, sources=(Source("listeners", 1.0),), redirects=None,
        namespaces=Namespaces((), (space,)), refused=(Refusal("redirects", "needs root"),),
    )  # fmt: skip
    verdict = diagnose(replace(blind, target=NODE_PORT))
    assert verdict.verdict is VerdictWord.UNKNOWN
    assert "no kubeconfig" in gaps(verdict)["ports that the cluster gives away"]
    without = diagnose(replace(blind, target=NODE_PORT, cluster=ClusterPorts()))
    assert gaps(without) == gaps(verdict)
    told = replace(blind, target=Endpoint("tcp", "*", 30500), cluster=CLUSTER)
    assert diagnose(told).verdict is VerdictWord.UNKNOWN
    assert diagnose(replace(told, redirects=Redirects(), refused=())).verdict is VerdictWord.FREE


def test_a_service_whose_port_the_cluster_takes_is_unreachable() -> None:
    own = listener(unit="api.service", cgroup="/system.slice/api.service", pids=(300,))
    runs = unit("api.service", pids=(300,), ports=(Endpoint("tcp", "0.0.0.0", 8080),))
    made = look(own, symptoms=())
    made = replace(made, snapshot=replace(made.snapshot, services=(runs, workload())))
    verdict = diagnose(made)
    assert (verdict.verdict, best(verdict)) == (VerdictWord.UNREACHABLE, ("stop-holder", "stop shop/deploy/api"))


@pytest.mark.parametrize("state", [State.RUNNING, State.FAILED])
def test_who_listens_on_a_port_that_the_cluster_gives_away_is_not_stopped_for_it(state: State) -> None:
    other = listener(unit="legacy.service", cgroup="/system.slice/legacy.service", pids=(301,))
    made = look(other, symptoms=())
    snap = replace(made.snapshot, services=(workload(state=state), unit("legacy.service", pids=(301,))))
    given_away = replace(snap, given=given(CLUSTER))
    asked = diagnose(replace(made, snapshot=given_away, target=workload().ref))
    assert not [way.label for way in asked.actions if "legacy" in way.label], "rules send it on, whoever listens"
    port = Endpoint("tcp", "*", 8080)
    before, after = (diagnose(replace(made, snapshot=one, target=port)) for one in (snap, given_away))
    assert before.verdict is after.verdict is VerdictWord.UNREACHABLE
    assert before.actions == after.actions
