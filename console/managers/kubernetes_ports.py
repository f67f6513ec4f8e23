"""Ports of a node that its cluster gives away: ``hostPort`` of pods and ``nodePort`` of services, as kubectl tells.

Templates and not ``-o json``: of a pod's description nothing but the words that are needed leaves the host, and neither
its environment nor its secrets are among them. The fields are those of the core/v1 API.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from console.core.declaration import Declaration
from console.core.probe import ParseError, Probe
from console.core.service import Endpoint
from console.managers.kubernetes_names import named
from console.managers.kubernetes_parse import cluster_words, told_word
from console.managers.kubernetes_scripts import CONFIGS, EXPLAIN
from console.managers.kubernetes_templates import NAMED, OWNER, WHERE, one_word

DEFAULT_RANGE = (30000, 32767)
"""Where a cluster takes node ports from, unless its API server was started with another range."""

_KEEPERS = frozenset({"k3s", "k3s-server", "kube-proxy", "kubelet", "kubelite"})
"""Programs that listen on ports of the node for what the cluster gave them to."""
_UNITS = re.compile(
    r"(?:k3s(?:-agent)?|rke2-(?:server|agent)|k0s(?:controller|worker)|kube-proxy|kubelet|snap\.microk8s\.daemon-.*)"
    r"\.service"
)
"""The units that run them."""
_label = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_small = re.compile(r"[0-9]{1,5}")

NODES = (
    f"{{{{range .items}}}}>n {one_word('.metadata.name')}"
    f"{{{{range .status.addresses}}}} {one_word('.address')}{{{{end}}}}\n{{{{end}}}}"
)
_PORTS = (
    "{{range .ports}}{{if .hostPort}}"
    f">h {one_word('.protocol')} {one_word('.hostIP')} {one_word('.hostPort')} {one_word('.containerPort')}\n"
    "{{end}}{{end}}"
)
PODS = (
    f"{{{{range .items}}}}>p {NAMED} {one_word('.metadata.uid')} {OWNER}"
    f" {one_word('.status.phase')} {one_word('.status.podIP')} {one_word('.spec.hostNetwork')}\n"
    f"{{{{range .spec.containers}}}}{_PORTS}{{{{end}}}}"
    f"{{{{range .spec.initContainers}}}}{{{{if eq (print .restartPolicy) `Always`}}}}{_PORTS}{{{{end}}}}{{{{end}}}}"
    "{{end}}"
)
_OF_SERVICE = f"{one_word('$s.metadata.namespace')} {one_word('$s.metadata.name')}"
SERVICES = (
    "{{range .items}}{{$s := .}}{{range .spec.ports}}{{if .nodePort}}"
    f">s {_OF_SERVICE} {one_word('$s.spec.type')} {one_word('.protocol')}"
    f" {one_word('.nodePort')} {one_word('.port')} {one_word('.targetPort')}\n"
    "{{end}}{{end}}"
    "{{with .spec.healthCheckNodePort}}"
    f">s {_OF_SERVICE} health TCP {{{{urlquery .}}}} {{{{urlquery .}}}} -\n"
    "{{end}}{{end}}"
)

SCRIPT = (
    CONFIGS
    + EXPLAIN
    + """
nl='
'
if [ -z "$configs" ]; then
  [ -n "$hidden" ] || { echo none; return; }
  echo "only root can read $hidden: connect as root, or give this user a kubeconfig of its own in ~/.kube/config" >&2
  return 1
fi
case $configs in
  *:*) set -- env "KUBECONFIG=$configs" kubectl ;;
  *) set -- kubectl --kubeconfig "$configs" ;;
esac
hd_template=
hd_ask() { timeout 8 "$@" --request-timeout=6s -o go-template="$hd_template" 2>&1; }
hd_marked() { printf '%s\\n' "$said" | sed -n '/^>[nphs] /p'; }
server='the cluster' context=''
said=$(timeout 6 "$@" config view --minify -o go-template='"""
    + WHERE
    + """' 2>&1)
code=$?
[ "$code" = 0 ] || { hd_why >&2; return 1; }
where=$said
context=${where%% *} server=${where##* } rest=${where#* }
namespace=${rest%% *}
echo "configs $configs"
echo "where $where"
name=$(hostname)
hd_template='"""
    + NODES
    + """'
said=$(hd_ask "$@" get nodes)
code=$?
if [ "$code" = 0 ]; then
  # A node is known by its addresses, and by its name where the cluster tells only that. Colons are told as %3A.
  mine=" $name $(ip -o addr show 2>/dev/null | awk '{ sub("/.*", "", $4); gsub(":", "%3A", $4); printf "%s ", $4 }')"
  node=$(hd_marked | while read -r mark found words; do
    for word in "$found" $words; do
      case $mine in *" $word "*) echo "$found"; break 2 ;; esac
    done
  done)
  echo "node ${node:--}"
  [ "$node" ] || return 0
else
  case $said in *orbidden*) ;; *) hd_why >&2; return 1 ;; esac
  # A kubelet names its node after the host.
  node=$(printf %s "$name" | tr '[:upper:]' '[:lower:]')
  echo "guess $node"
fi
hd_list() {
  said=$(hd_ask "$@" --all-namespaces)
  code=$?
  case $code:$said in
    0:*) ;;
    *orbidden*)
      said=$(hd_ask "$@" --namespace "$namespace")
      code=$?
      case $code:$said in
        0:*) echo "hidden $hd_what outside namespace $namespace" ;;
        *orbidden*) echo "hidden $hd_what"; return 0 ;;
        *) return 1 ;;
      esac
      ;;
    *) return 1 ;;
  esac
  hd_marked
}
hd_what=pods
hd_template='"""
    + PODS
    + """'
hd_list "$@" get pods --field-selector "spec.nodeName=$node" || { hd_why >&2; return 1; }
hd_what=services
hd_template='"""
    + SERVICES
    + """'
hd_list "$@" get services || { hd_why >&2; return 1; }
"""
)


@dataclass(frozen=True, slots=True)
class HostPort:
    """A port of the node that a pod has for itself."""

    protocol: str
    address: str
    port: int
    inner: int


@dataclass(frozen=True, slots=True)
class NodePod:
    """A pod on this node."""

    namespace: str
    name: str
    uid: str
    workload: str | None
    """What made it, by the name that it has as a service."""
    phase: str
    address: str | None
    host_network: bool = False
    ports: tuple[HostPort, ...] = ()

    @property
    def shown(self) -> str:
        """As a person would name it."""
        return f"pod {self.namespace}/{self.name}"

    @property
    def lives(self) -> bool:
        """Whether it has its ports now."""
        return self.phase not in ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class NodePort:
    """A port that every node of the cluster gives to a service."""

    namespace: str
    name: str
    kind: str
    """``NodePort``, ``LoadBalancer``, or ``health`` of a load balancer's check."""
    protocol: str
    port: int
    service_port: int | None
    target: str | None
    """The port of its pods: a number or a name."""

    @property
    def shown(self) -> str:
        """As a person would name it."""
        what = "its health check" if self.kind == "health" else self.kind
        return f"service {self.namespace}/{self.name} ({what})"


@dataclass(frozen=True, slots=True)
class ClusterPorts:
    """What a cluster gives away of this host's ports."""

    node: str | None = None
    """Its name in the cluster; ``None`` where it is no node of it."""
    guessed: bool = False
    """The nodes may not be listed: its name was taken for that of the node."""
    context: str = ""
    """Empty where this login has no kubeconfig."""
    tool: tuple[str, ...] = ()
    pods: tuple[NodePod, ...] = ()
    services: tuple[NodePort, ...] = ()
    hidden: tuple[str, ...] = ()
    """What this login may not list."""

    @property
    def is_node(self) -> bool:
        """Whether this host is a node of its cluster: it says so, or a pod is where the node would be."""
        return self.node is not None and (not self.guessed or bool(self.pods))

    @property
    def unseen(self) -> str | None:
        """What of the ports was not seen; one line."""
        if self.node is None:
            return None
        if not self.is_node:
            return "the nodes of the cluster may not be listed: whether this host is one is open"
        return f"this login may not list {' and '.join(self.hidden)}" if self.hidden else None


def keeps(process: str | None, unit: str | None, cgroup: str | None) -> bool:
    """Whether who listens does so for the cluster: a part of it, or what runs in a pod."""
    return process in _KEEPERS or _UNITS.fullmatch(unit or "") is not None or "kubepods" in (cgroup or "")


def given(found: ClusterPorts) -> tuple[Declaration, ...]:
    """What the cluster gives away of this host's ports, as declarations."""
    if not found.is_node:
        return ()
    pods = (
        Declaration(
            pod.workload or pod.shown, Endpoint(port.protocol, port.address, port.port), f"hostPort of {pod.shown}",
            "kubernetes", text=f"hostPort {port.port} for {port.inner}", given=True,
        )
        for pod in found.pods if pod.lives for port in pod.ports
    )  # fmt: skip
    services = (
        Declaration(
            f"service {one.namespace}/{one.name}", Endpoint(one.protocol, "*", one.port),
            f"nodePort of {one.shown}", "kubernetes", text=f"nodePort {one.port}", given=True,
        )
        for one in found.services
    )  # fmt: skip
    return (*pods, *services)


def parse(text: str) -> ClusterPorts:
    """Read the answer of ``SCRIPT``; a line that cannot be read is left out."""
    if text.strip() == "none":
        return ClusterPorts()
    lines = text.split("\n")
    if len(lines) < 2 or not lines[0].startswith("configs ") or not lines[1].startswith("where "):
        raise ParseError('"configs FILE", "where CONTEXT NAMESPACE CLUSTER SERVER" and lines of ports', lines[0])
    tool, shown = cluster_words(lines[0].removeprefix("configs "), lines[1])
    found = ClusterPorts(context=shown, tool=tool)
    pods: list[NodePod] = []
    services: list[NodePort] = []
    for line in lines[2:]:
        kind, _, rest = line.partition(" ")
        words = tuple(map(told_word, rest.split(" ")))
        try:
            if kind in ("node", "guess"):
                name = rest if _label.fullmatch(rest) else None
                found = replace(found, node=name, guessed=kind == "guess")
            elif kind == "hidden":
                found = replace(found, hidden=(*found.hidden, rest))
            elif kind == ">p":
                pods.append(_pod(words))
            elif kind == ">h" and pods:
                pods[-1] = replace(pods[-1], ports=(*pods[-1].ports, _host_port(words)))
            elif kind == ">s":
                services.append(_node_port(words))
        except (ValueError, IndexError):
            continue
    return replace(found, pods=tuple(pods), services=tuple(services))


def _pod(words: Sequence[str]) -> NodePod:
    namespace, name, uid, kind, owner, hashed, phase, address, host = words[:9]
    if not all(_label.fullmatch(word) for word in (namespace, name)):
        raise ValueError(name)
    if kind == "ReplicaSet" and hashed != "-" and owner.endswith(f"-{hashed}"):
        kind, owner = "Deployment", owner.removesuffix(f"-{hashed}")
    return NodePod(
        namespace, name, uid, named(namespace, kind, owner), phase, None if address == "-" else address, host == "true"
    )


def _host_port(words: Sequence[str]) -> HostPort:
    protocol, address, port, inner = words[:4]
    return HostPort(_protocol(protocol), "*" if address == "-" else address, _port(port), _port(inner))


def _node_port(words: Sequence[str]) -> NodePort:
    namespace, name, kind, protocol, port, service_port, target = words[:7]
    if not all(_label.fullmatch(word) for word in (namespace, name)):
        raise ValueError(name)
    return NodePort(
        namespace,
        name,
        kind,
        _protocol(protocol),
        _port(port),
        _port(service_port) if service_port != "-" else None,
        target if target != "-" else None,
    )


def _protocol(word: str) -> str:
    """TCP where nothing is said, as the API has it."""
    if word not in ("-", "TCP", "UDP", "SCTP"):
        raise ValueError(word)
    return "tcp" if word == "-" else word.lower()


def _port(word: str) -> int:
    if not _small.fullmatch(word) or not 0 < int(word) < 65536:
        raise ValueError(word)
    return int(word)


PORTS: Probe[ClusterPorts] = Probe(
    "cluster_ports",
    SCRIPT,
    parse,
    requires=("kubectl", "timeout"),
    slow=True,
    cached=False,
    timeout=45.0,
    shown="(ports of this host that its cluster gives away, of kubectl, where there is a kubeconfig)",
)
"""Asked on demand."""
