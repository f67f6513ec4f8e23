"""Ports that a cluster gives away: who has them on this node by its API, where often no listener is to be seen."""

from collections.abc import Iterator
from dataclasses import replace

from console.core.command import quote
from console.core.finding import Proposal
from console.core.overlap import is_wildcard, same_address
from console.core.plan import ActionKind
from console.core.service import Endpoint
from console.diagnosis.evidence import Evidence
from console.diagnosis.spaces import connections_at, resident_at, with_pod
from console.diagnosis.verdict import Confidence, Holder, NotChecked
from console.managers.kubernetes import KUBERNETES
from console.managers.kubernetes_ports import DEFAULT_RANGE, ClusterPorts, HostPort, NodePod, NodePort

KUBE_PROXY = "kube-proxy, while the service exists"
"""What writes the rules of a node port again."""


def takers(evidence: Evidence, wanted: Endpoint) -> tuple[Holder, ...]:
    """Who was given ``wanted`` by the cluster: pods by their ``hostPort``, services by their ``nodePort``."""
    cluster = evidence.cluster
    if cluster is None or cluster.node is None:
        return ()
    pods = (
        _pod(evidence, pod, port)
        for pod in cluster.pods
        for port in pod.ports
        if pod.lives and not pod.host_network and _is(port, wanted)
    )
    return (*pods, *(_service(cluster, one) for one in node_ports(cluster, wanted)))


def node_ports(cluster: ClusterPorts, wanted: Endpoint) -> Iterator[NodePort]:
    """The services that have this port on every node; nothing where it is not known that this host is one."""
    if not cluster.is_node:
        return
    for one in cluster.services:
        if (one.protocol, one.port) == (wanted.protocol, wanted.port):
            yield one


def is_of(holder: Holder) -> bool:
    """Whether a holder is what a cluster runs or gives a port to."""
    return holder.chain[:1] == ("kubernetes",)


def by_hand(evidence: Evidence, holder: Holder) -> Proposal | None:
    """What a person does about a holder of the cluster; ``None`` for one that is none, or that can be stopped."""
    if not is_of(holder):
        return None
    service = evidence.snapshot.service(holder.ref) if holder.ref is not None else None
    if service is not None:
        why = KUBERNETES.why_not(service, ActionKind.STOP)
        if why is None:
            return None
        label = f"take the port {holder.port} from {service.ref.name}"
        return Proposal("change-host-port", label, recommended=True, reason_off=f"by hand: {why}")
    kind, _, path = (holder.label or "").partition(" ")
    namespace, _, name = path.partition(" ")[0].partition("/")
    tool = evidence.cluster.tool if evidence.cluster is not None else ("kubectl",)
    words = (*tool, "--namespace", namespace)
    if kind == "service":
        label = f"give service {namespace}/{name} another node port"
        edit = quote((*words, "edit", "service", name))
        why = "by hand: every node of the cluster gives this port to it"
        return Proposal("change-node-port", label, commands=(edit,), recommended=True, reason_off=why)
    if not name:
        return _unknown_pod(evidence, path)
    delete = quote((*words, "delete", "pod", name))
    why = "by hand: its workload is not among the services that are seen, and would make it again"
    return Proposal("delete-pod", f"end pod {namespace}/{name}", commands=(delete,), recommended=True, reason_off=why)


def _unknown_pod(evidence: Evidence, uid: str) -> Proposal:
    tool = evidence.cluster.tool if evidence.cluster is not None else ("kubectl",)
    columns = "custom-columns=UID:.metadata.uid,NAMESPACE:.metadata.namespace,NAME:.metadata.name"
    find = quote((*tool, "get", "pods", "--all-namespaces", "--output", columns))
    why = f"by hand: which pod has the uid {uid} only its cluster tells, and this login was not told"
    return Proposal(
        "find-pod", "find that pod, and stop what made it", commands=(find,), recommended=True, reason_off=why
    )


def overlap(evidence: Evidence, wanted: Endpoint) -> str | None:
    """Why an outgoing connection may take a port that a service has on every node."""
    if evidence.cluster is None or evidence.limits is None or not any(node_ports(evidence.cluster, wanted)):
        return None
    if not evidence.limits.ephemeral(wanted.port):
        return None
    low, high = evidence.limits.local_low, evidence.limits.local_high
    return f"in the ephemeral range {low}-{high}: an outgoing connection may take it"


def facts(evidence: Evidence, wanted: Endpoint) -> Iterator[str]:
    """What the cluster says of the port, for the evidence view."""
    cluster = evidence.cluster
    if cluster is None or not cluster.context:
        return
    if cluster.node is None:
        yield f"cluster {cluster.context}: this host is none of its nodes"
        return
    guessed = " (by its name)" if cluster.guessed else ""
    yield f"cluster {cluster.context}: this host is its node {cluster.node}{guessed}"
    for pod in cluster.pods:
        for port in pod.ports:
            if _is(port, wanted):
                yield f"cluster: {pod.shown} has hostPort {port.port} for {port.inner}, {pod.phase}"
    for one in node_ports(cluster, wanted):
        yield f"cluster: {one.shown} has nodePort {one.port} for {one.service_port} -> {one.target or '?'}"
    low, high = DEFAULT_RANGE
    if low <= wanted.port <= high:
        yield f"cluster: node ports come from {low}-{high} unless its API server was given another range"


def gaps(evidence: Evidence) -> Iterator[NotChecked]:
    """What of the cluster's ports was not seen."""
    cluster, what = evidence.cluster, "ports that the cluster gives away"
    if (why := evidence.refusal("cluster")) is not None:
        yield NotChecked(what, why)
    elif (cluster is None or not cluster.context) and is_looked_like(evidence):
        yield NotChecked(what, "this login has no kubeconfig, and pods run here")
    if cluster is None or cluster.node is None:
        return
    for hidden in cluster.hidden:
        yield NotChecked(hidden, "this login may not list them")
    if not cluster.is_node:
        yield NotChecked("node ports of the cluster", "its nodes may not be listed: whether this host is one is open")


def is_looked_like(evidence: Evidence) -> bool:
    """Whether pods run on this host."""
    spaces = evidence.namespaces.spaces if evidence.namespaces is not None else ()
    return any("kubepods" in (process.cgroup or "") for space in spaces for process in space.processes)


def _is(port: HostPort, wanted: Endpoint) -> bool:
    if (port.protocol, port.port) != (wanted.protocol, wanted.port):
        return False
    return is_wildcard(port.address) or is_wildcard(wanted.address) or same_address(port.address, wanted.address)


def _pod(evidence: Evidence, pod: NodePod, port: HostPort) -> Holder:
    to = Endpoint(port.protocol, pod.address or "", port.inner) if pod.address else None
    resident = resident_at(evidence, to)
    process = resident.process if resident is not None else None
    made = Holder(
        port.protocol,
        "*" if is_wildcard(port.address) else port.address,
        port.port,
        pid=process.pid if process is not None else None,
        process=process.name if process is not None else None,
        container=resident.container if resident is not None else None,
        to=to,
        connections=connections_at(evidence, to),
        command=process.command if process is not None else None,
        confidence=Confidence.HIGH,
        known_by=("manager",),
    )
    return with_pod(evidence, made, pod)


def _service(cluster: ClusterPorts, one: NodePort) -> Holder:
    return Holder(
        one.protocol,
        "*",
        one.port,
        label=one.shown,
        chain=("kubernetes", cluster.context, f"service {one.namespace}/{one.name}"),
        respawn=KUBE_PROXY,
        confidence=Confidence.MEDIUM if cluster.guessed else Confidence.HIGH,
        known_by=("manager",),
    )


def as_node_port(evidence: Evidence, holder: Holder) -> Holder:
    """A listener of kube-proxy as the service for which it keeps a node port, as older ones do."""
    if evidence.cluster is None or holder.process not in ("kube-proxy", "k3s-server", "k3s"):
        return holder
    found = next(node_ports(evidence.cluster, holder.endpoint), None)
    if found is None:
        return holder
    made = _service(evidence.cluster, found)
    return replace(holder, ref=None, label=made.label, chain=made.chain, respawn=made.respawn)
