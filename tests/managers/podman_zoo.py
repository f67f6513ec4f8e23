"""Containers of Podman, made from one image of a static busybox; nothing is fetched."""

from __future__ import annotations

from tests.lab import Host, Lab
from tests.lab.container import ENGINE

PACKAGES = ("podman", "rootlesskit", "slirp4netns", "uidmap")
"""Of Podman, and of engines without root: one layer for both."""
IMAGE = "localhost/lab-zoo:1.4"
# The root lies in an overlay already, and of what Podman limits this kernel has nothing in the unified hierarchy.
CONF = {
    "/etc/containers/storage.conf": '[storage]\ndriver = "vfs"\nrunroot = "/run/pods"\ngraphroot = "/var/lib/pods"\n',
    "/etc/containers/containers.conf": '[containers]\npids_limit = 0\n[engine]\nruntime = "runc"\n',
}
DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
COPY links /bin
LABEL org.opencontainers.image.version="1.4.2"
CMD ["/bin/httpd", "-f", "-p", "80", "-h", "/bin"]
"""
LINKS = "mkdir links; for name in sh httpd sleep; do ln -s /bin/busybox links/$name; done"
TRAP = 'trap "echo read again" HUP; trap "exit 0" TERM; echo up; while :; do sleep 0.2; done'
RUN = f"""
run() {{ podman run --detach --stop-timeout 1 "$@" >/dev/null; }}
run --name web --publish 127.0.0.1:8090:80 --restart always {IMAGE}
run --name once --rm --publish 8091:80 {IMAGE}
run --name reads {IMAGE} /bin/sh -c '{TRAP}'
run --name bad {IMAGE} /bin/sh -c 'echo bad; exit 7'
run --name deaf {IMAGE} /bin/sleep 1000
podman create --name never --publish 8097:80 {IMAGE} >/dev/null
podman stop --time 0 deaf >/dev/null
podman create --name by-unit --publish 8099:80 {IMAGE} >/dev/null
podman generate systemd --new --name by-unit >/etc/systemd/system/by-unit.service
podman rm by-unit >/dev/null
systemctl daemon-reload
systemctl start by-unit.service
"""


def boot(lab: Lab, name: str) -> Host:
    """A host with Podman, its socket and a few containers, and without Docker."""
    host = furnished(lab, name)
    host.sh("rm /usr/bin/docker; systemctl reset-failed; systemctl restart podman.socket")
    host.sh(f"podman build --quiet --tag {IMAGE} /srv/zoo", timeout=120)
    host.sh(RUN, timeout=60)
    host.wait("podman ps -a --filter name=bad | grep -q Exited")
    return host


def furnished(lab: Lab, name: str) -> Host:
    """A host with Podman, what engines without root need, and what the image is made of."""
    host = lab.boot(name, nspawn=ENGINE, packages=PACKAGES)
    for path, text in CONF.items():
        host.write(path, text)
    host.write("/srv/zoo/Dockerfile", DOCKERFILE)
    host.sh(f"cd /srv/zoo; cp /bin/busybox .; {LINKS}")
    return host
