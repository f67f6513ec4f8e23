"""Pairs of releases of each kind on lab hosts; ``python -m tests.managers.record_differences`` records what differs."""

from __future__ import annotations

import json

from tests.lab import BusyboxHost, Host, Lab, debs
from tests.lab import images as lab_images
from tests.lab import releases as lab_releases
from tests.lab.kube import KubeApi
from tests.lab.kube_node import login
from tests.managers import docker_zoo
from tests.probes.asking import over_ssh
from tests.probes.record import HERE, MANAGERS, keep
from tests.probes.recorded import Case, find, shown

DOCKER = "console.managers.container_difference:DIFFERENCE"
CLUSTER = "console.managers.kubernetes_difference:DIFFERENCE"
PACKAGE = "console.managers.package_difference:DIFFERENCE"
DIRECTORY = "console.probes.release_difference:PROBE"
MORE = 'ENV LEVEL=debug TOKEN=hunter2\nENV GREETING=other\nLABEL tier=gold\nEXPOSE 8081\nCMD ["/bin/sh", "-x"]\n'
CONTAINERS = {
    "1": {
        "name": "main",
        "image": "registry.example/api:1.0",
        "env": [
            {"name": "LEVEL", "value": "info"},
            {"name": "TOKEN", "value": "hunter2"},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        ],
        "resources": {"limits": {"memory": "128Mi"}, "requests": {"cpu": "100m"}},
    },
    "2": {
        "name": "main",
        "image": "registry.example/api:2.0",
        "command": ["/bin/api", "--port", "8080"],
        "env": [
            {"name": "LEVEL", "value": "debug"},
            {"name": "TOKEN", "value": "hunter3"},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db2", "key": "password"}}},
            {"name": "NEW", "value": "x y"},
        ],
        "ports": [{"containerPort": 8080}],
        "resources": {"limits": {"memory": "256Mi"}, "requests": {"cpu": "100m"}},
    },
}


def images(host: Host) -> tuple[str, ...]:
    """Two images of one repository, the second with more of everything; the arguments for them."""
    docker_zoo.image(host)
    lab_images.tree(host)
    first = lab_images.commit(host, "v1.0.0")
    label = "--label org.opencontainers.image.version="
    host.sh(f"docker build -q {label}v1.0.0 -t api:v1.0.0 --build-arg VERSION=v1.0.0 /srv/api/src", timeout=60)
    host.write("/srv/api/src/Dockerfile", lab_images.DOCKERFILE + MORE, owner="deploy:deploy")
    lab_releases.git(host, "api", "add -A && git commit -q -m 'More of everything'")
    second = lab_releases.git(host, "api", "rev-parse HEAD").strip()
    host.sh(f"docker build -q {label}v2.0.0 -t api:v2.0.0 --build-arg VERSION=v2.0.0 /srv/api/src", timeout=60)
    tell = "docker image inspect -f '{{.Id}}' api:"
    one, two = (host.sh(f"{tell}{tag}").removeprefix("sha256:")[:12] for tag in ("v1.0.0", "v2.0.0"))
    return two, one, "/srv/api/src", "", second, first


def packages(host: Host) -> tuple[str, ...]:
    """Two versions of a package, of which the second needs more."""
    debs.offer(host, "1.0-1")
    root = "/srv/deb-build/labapi"
    debs.offer(host, "1.1-1")
    control = f"{root}/DEBIAN/control"
    host.sh(f"printf 'Installed-Size: 120\\nDepends: python3, libc6 (>= 2.30)\\n' >>{control}")
    host.sh(f"dpkg-deb --root-owner-group --build {root} {debs.ARCHIVE} >/dev/null", timeout=60)
    host.sh(f"sed -i 's/^Version: .*/Version: 1.0-1/; s/^Installed-Size: .*/Installed-Size: 80/' {control}")
    host.sh(f"sed -i 's/^Depends: .*/Depends: python3 (>= 3.9)/' {control}")
    host.sh(f"dpkg-deb --root-owner-group --build {root} {debs.ARCHIVE} >/dev/null", timeout=60)
    debs.index(host)
    debs.install(host, "1.1-1")
    return "labapi", "1.1-1", "1.0-1", "labapi=1.1-1", "labapi=1.0-1"


def revisions(api: KubeApi, name: str = "diff") -> tuple[str, ...]:
    """Two revisions of a deployment; the arguments for them without kubectl."""
    from console.managers.kubernetes_difference import template
    from console.managers.kubernetes_names import workload

    own = workload(f"shop/deploy/{name}")
    found = api.add("Deployment", f"shop/{name}", 1)
    for number in ("1", "2"):
        found.object["spec"]["template"]["spec"]["containers"] = [json.loads(json.dumps(CONTAINERS[number]))]
        found.release(str(CONTAINERS[number]["image"]))
    last = max(int(one["metadata"]["annotations"]["deployment.kubernetes.io/revision"]) for one in found.replica_sets())
    return "shop", own.revisions, str(last), str(last - 1), template(own)


def directories(host: Host | BusyboxHost) -> tuple[str, ...]:
    """Two releases of a directory, of which everybody may read one file less."""
    host.sh(
        "mkdir -p /srv/pair/releases/a /srv/pair/releases/b && cd /srv/pair/releases && "
        "for r in a b; do echo $r >$r/one; echo same >$r/same; echo $r >$r/closed; chmod 600 $r/closed; "
        "ln -sf /srv/$r $r/link; printf 'LOG=%s\\nTOKEN=hunter%s\\n' $r $r >$r/.env; done; "
        "echo x >a/gone; echo x >'b/new one'; mkdir -m 700 a/shut; echo x >a/shut/in"
    )
    return "/srv/pair", "b", "a", "", "", ""


def main() -> None:
    """Boot one host after the other, furnish, record."""
    with Lab() as lab:
        host = lab.boot("image1", docker=True)
        words = (*images(host), "docker")
        keep(MANAGERS, "image-difference", over_ssh(lab, host), DOCKER, *words, tools="docker git awk", who="root")
    with Lab() as lab:
        host = lab.boot("debhost")
        keep(
            MANAGERS, "package-difference", over_ssh(lab, host), PACKAGE, *packages(host), tools="apt-cache", who="root"
        )
        pair = directories(host)
        for user in ("root", "nosudo"):
            keep(HERE, f"release-difference-{user}", over_ssh(lab, host, user), DIRECTORY, *pair, tools="awk", who=user)
    with Lab() as lab, KubeApi(lab.network.gateway) as api:
        host = lab.boot("node1")
        login(host, "root", api.config(user="admin", namespace="shop"))
        words = (*revisions(api), "kubectl")
        probe = find(CLUSTER)
        output = over_ssh(lab, host).output(probe, *words)
        version = host.sh("dpkg-query -W -f '${Version}' kubernetes-client")
        where = f"Debian 12, kubectl {version}, API stand-in on kmock 0.8, as root; with its template"
        told = shown(probe.parse(output))
        Case(MANAGERS / "kubernetes-difference.txt", CLUSTER, words[:4], where, output, told).write()


if __name__ == "__main__":
    main()
