"""Records anew what kubectl tells of the ports of a node, and to one with few rights of its workloads.

``python -m tests.managers.record_cluster``
"""

from __future__ import annotations

from tests.lab import Host, Lab
from tests.lab.kube import KubeApi
from tests.lab.kube_node import furnish, login
from tests.probes.asking import over_ssh
from tests.probes.record import MANAGERS
from tests.probes.recorded import Case, find, shown

PORTS = "console.managers.kubernetes_ports:PORTS"
SURVEY = "console.managers.kubernetes:SURVEY"


def main() -> None:
    """As one who may see everything, and as one who may see a namespace."""
    probe = find(PORTS)
    with Lab() as lab, KubeApi(lab.network.gateway) as api:
        host = lab.boot("node1")
        furnish(host, api)
        api.cluster.may["viewer"] = lambda request: request.namespace == "mon"
        version = host.sh("dpkg-query -W -f '${Version}' kubernetes-client")
        release = '. /etc/os-release; printf %s "$PRETTY_NAME"'
        where = f"{host.sh(release)}, kubectl {version}, API stand-in on kmock 0.8"
        for name, user in (("cluster-ports", "admin"), ("cluster-ports-viewer", "viewer")):
            login(host, "root", api.config(user=user, namespace="mon"))
            output = over_ssh(lab, host).output(probe)
            Case(MANAGERS / f"{name}.txt", PORTS, (), f"{where}, as {user}", output, shown(probe.parse(output))).write()
            print(f"{name}: {len(output)} characters")
        _viewer(lab, host, api, where)
        _stuck(lab, host, api, where)


def _viewer(lab: Lab, host: Host, api: KubeApi, where: str) -> None:
    """As one who may list stateful sets everywhere, and deployments in a namespace, and no pods."""
    probe = find(SURVEY)
    api.add("Deployment", "shop/api", 3)
    api.add("StatefulSet", "shop/db", 2)
    api.add("StatefulSet", "mon/store", 2)
    everywhere, here = ("statefulsets",), ("statefulsets", "deployments")
    api.cluster.may["viewer"] = lambda request: (
        getattr(request.resource, "plural", "") in (here if request.namespace == "shop" else everywhere)
    )
    login(host, "nosudo", api.config(user="viewer", namespace="shop"))
    output = over_ssh(lab, host, "nosudo").output(probe)
    where = f"{where}, as viewer"
    Case(MANAGERS / "kubernetes-viewer.txt", SURVEY, (), where, output, shown(probe.parse(output))).write()
    print(f"kubernetes-viewer: {len(output)} characters")


def _stuck(lab: Lab, host: Host, api: KubeApi, where: str) -> None:
    """Rollouts of which no new pod comes up, beside one that gets done, while the pods of before serve."""
    probe = find(SURVEY)
    fates = {"image": "image", "big": "unschedulable", "well": "ready"}
    made = {name: api.add("Deployment", f"new/{name}", 2) for name in fates}
    api.cluster.may["newer"] = lambda request: request.namespace == "new"
    login(host, "root", api.config(user="newer", namespace="new"))
    _until(host, "-n new get deployments -o jsonpath='{.items[*].status.readyReplicas}'", "2 2 2")
    for name, fate in fates.items():
        made[name].fate = fate
    host.sh("kubectl -n new rollout restart deployment/image deployment/big deployment/well")
    _until(host, "-n new get pods -o jsonpath='{..waiting.reason}'", "ImagePullBackOff")
    _until(host, "-n new rollout status deployment/well --timeout=20s", "successfully rolled out")
    output = over_ssh(lab, host).output(probe)
    case = Case(MANAGERS / "kubernetes-stuck.txt", SURVEY, (), f"{where}, as root", output, shown(probe.parse(output)))
    case.write()
    print(f"kubernetes-stuck: {len(output)} characters")


def _until(host: Host, words: str, said: str) -> None:
    """Until kubectl says so."""
    while said not in host.sh(f"kubectl {words}"):
        pass


if __name__ == "__main__":
    main()
