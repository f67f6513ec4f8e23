"""A lab host as a node of the API stand-in: pods with ports of the node, and services on every node."""

from __future__ import annotations

import shlex

from .host import Host
from .kube import KubeApi

FAR = "10.77.99.2"


def furnish(host: Host, api: KubeApi) -> None:
    """What such a cluster has; its pods live on the host only as far as somebody puts them there."""
    api.node(host.name, host.address)
    api.node("node2", FAR)
    web = {"containerPort": 80, "hostPort": 8080, "protocol": "TCP"}
    dns = {"containerPort": 53, "hostPort": 5353, "protocol": "UDP", "hostIP": host.address}
    api.add("Deployment", "shop/api", 1).on(host.name, host.address, "10.244.0.5", web, dns)
    agent = {"containerPort": 9100, "hostPort": 9100, "protocol": "TCP"}
    api.add("DaemonSet", "mon/agent", 1).on(host.name, host.address, "10.244.0.9", agent, host_network=True)
    api.add("Deployment", "shop/far", 1).on("node2", FAR, "10.244.1.5", {"containerPort": 80, "hostPort": 8081})
    http = {"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080, "targetPort": 8080}
    api.service("shop/web", http, {"name": "metrics", "port": 81, "targetPort": "metrics", "nodePort": 30081})
    api.service("shop/internal", {"port": 80, "protocol": "TCP"}, kind="ClusterIP")


def login(host: Host, user: str, text: str) -> None:
    """Give a user of the host a kubeconfig."""
    home = "/root" if user == "root" else f"/home/{user}"
    host.run(["install", "-d", "-o", user, "-m", "700", f"{home}/.kube"])
    host.write(f"{home}/.kube/config", text, mode=0o600, owner=f"{user}:{user}")


POD = """
ip netns add pod
ip link add veth-pod type veth peer name eth0 netns pod
ip addr add 10.244.0.1/24 dev veth-pod
ip link set veth-pod up
ip -n pod addr add 10.244.0.5/24 dev eth0
ip -n pod link set eth0 up
ip -n pod link set lo up
ip -n pod route add default via 10.244.0.1
sysctl -q net.ipv4.ip_forward=1
iptables -t nat -N CNI-DN-1
iptables -t nat -N KUBE-NODEPORTS
iptables -t nat -N KUBE-SEP-1
iptables -t nat -A PREROUTING -p tcp -m addrtype --dst-type LOCAL -m multiport --dports 8080 -j CNI-DN-1
iptables -t nat -A CNI-DN-1 -p tcp --dport 8080 -j DNAT --to-destination 10.244.0.5:80
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
iptables -t nat -A KUBE-NODEPORTS -p tcp --dport 30080 -j KUBE-SEP-1
iptables -t nat -A KUBE-SEP-1 -p tcp -j DNAT --to-destination 10.244.0.5:8080
iptables -t nat -A POSTROUTING -d 10.244.0.5/32 -j MASQUERADE
"""
IDENTS = ("a" * 64, "b" * 64)
"""Of containers, as they are in the names of their control groups."""


def run_pods(host: Host, api: KubeApi) -> None:
    """Let the pods of this node live on the host as a kubelet, a network plugin and kube-proxy would have it."""
    host.sh(POD)
    uids = {found.name: found.pods[0].uid for found in api.cluster.workloads.values() if found.reconcile()}
    web = ("ip", "netns", "exec", "pod", "busybox", "httpd", "-f", "-p80", "-h/bin")
    agent = ("busybox", "httpd", "-f", "-p", "9100", "-h", "/bin")
    for name, ident, words in (("api", IDENTS[0], web), ("agent", IDENTS[1], agent)):
        slice_name = f"kubepods-besteffort-pod{uids[name].replace('-', '_')}.slice"
        unit = f"cri-containerd-{ident}"
        run = ["systemd-run", "--quiet", "--scope", "--slice", slice_name, "--unit", unit, *words]
        host.sh(f"setsid {shlex.join(run)} >/dev/null 2>&1 </dev/null &")
    host.wait(f"curl -fs -o /dev/null http://{host.address}:9100/busybox")
    host.wait("curl -fs -o /dev/null http://10.244.0.5:80/busybox")
