"""Engines of a user without root: a Podman and a Docker, each with a container that publishes a port."""

from __future__ import annotations

from tests.lab import Host, Lab
from tests.managers.podman_zoo import furnished

IMAGE = "lab-zoo:1.4"
UNIT = """[Service]
Type=notify
NotifyAccess=all
Delegate=yes
KillMode=mixed
Environment=PATH=/usr/bin:/bin:/usr/sbin:/sbin
ExecStart=/usr/share/docker.io/contrib/dockerd-rootless.sh --storage-driver vfs --exec-opt native.cgroupdriver=cgroupfs
"""
RUN = f"""
cd
export XDG_RUNTIME_DIR=/run/user/1001 DOCKER_HOST=unix:///run/user/1001/docker.sock
systemctl --user start docker.service podman.socket
docker build --quiet --tag {IMAGE} /srv/zoo
docker run --detach --name of-docker --stop-timeout 1 --publish 8081:80 {IMAGE}
podman build --quiet --tag {IMAGE} /srv/zoo
podman run --detach --name of-podman --stop-timeout 1 --publish 8082:80 localhost/{IMAGE}
"""


def boot(lab: Lab, name: str) -> Host:
    """A host on which oncall runs both."""
    host = furnished(lab, name)
    # Root's own Podman is not part of it.
    host.sh("systemctl stop podman.socket podman.service; systemctl reset-failed; rm -f /run/podman/podman.sock")
    host.sh("mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200; chmod 666 /dev/net/tun")
    host.write("/home/oncall/.config/systemd/user/docker.service", UNIT)
    host.sh("chown -R oncall: /home/oncall; loginctl enable-linger oncall")
    host.wait("test -S /run/user/1001/systemd/private")
    host.sh(RUN, user="oncall", timeout=120)
    return host
