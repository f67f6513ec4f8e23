"""The port cases that need Docker on the host."""

from __future__ import annotations

from . import cases_reach
from .host import Host

DOCKERFILE = 'FROM scratch\nCOPY busybox /bin/busybox\nCMD ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/bin"]\n'
COMPOSE = """version: "3"
services:
  api:
    image: lab-httpd
    restart: unless-stopped
    ports:
      - "8080:80"
"""
RANGE = COMPOSE.replace("8080:80", "8080-8082:80")
_HELD = "curl -fs -o /dev/null http://127.0.0.1:8080/busybox"


def image(host: Host) -> None:
    """Build the image `lab-httpd` from nothing but a static busybox: a web server on port 80."""
    host.write("/srv/httpd/Dockerfile", DOCKERFILE)
    host.sh("cp /bin/busybox /srv/httpd/ && docker build --quiet --tag lab-httpd /srv/httpd", timeout=120)


def compose(host: Host) -> None:
    """The compose project `shop` publishes port 8080 for its service `api`."""
    image(host)
    host.write("/srv/shop/docker-compose.yml", COMPOSE)
    host.sh("cd /srv/shop && docker-compose up --detach", timeout=90)
    host.wait(_HELD)
    host.install_api()


def no_proxy(host: Host) -> None:
    """A container's port is published by NAT rules alone."""
    host.write("/etc/docker/daemon.json", '{"userland-proxy": false}\n')
    host.run(["systemctl", "restart", "docker.service"], timeout=60)
    image(host)
    host.sh("docker run --detach --name shop --publish 8080:80 lab-httpd", timeout=60)
    host.wait(f"curl -fs -o /dev/null http://{host.address}:8080/busybox")
    host.install_api()


def declared(host: Host) -> None:
    """Nobody holds the port now; a stopped container and an inactive unit will want it."""
    image(host)
    host.sh("docker create --name shop --publish 8080:80 lab-httpd", timeout=60)
    host.install_api(name="spare", start=False)


def engine_down(host: Host) -> None:
    """The engine was stopped and its container lives on: a service binds the port, and rules keep it from it."""
    host.write("/etc/docker/daemon.json", '{"userland-proxy": false, "live-restore": true}\n')
    host.run(["systemctl", "restart", "docker.service"], timeout=60)
    image(host)
    host.sh("docker run --detach --name shop --publish 8080:80 lab-httpd", timeout=60)
    host.wait(f"curl -fs -o /dev/null http://{host.address}:8080/busybox")
    host.sh("systemctl stop docker.socket docker.service 2>&1", timeout=60)
    host.install_api()


def inside(host: Host) -> None:
    """Containers that listen on 8080 and publish nothing, and a service that was stopped."""
    image(host)
    host.sh("docker run --detach --name inner lab-httpd /bin/busybox httpd -f -p 8080", timeout=60)
    host.wait("grep -q ':1F90 .* 0A ' /proc/$(docker inspect -f '{{.State.Pid}}' inner)/net/tcp6")
    host.install_api(start=False)


def both(host: Host) -> None:
    """A container is published at one address, and at another an outgoing connection sits on the port."""
    cases_reach.holding(host, "outgoing", host.address, 8080, user="root", name="client")
    host.wait(cases_reach.CONNECTED)
    image(host)
    host.sh("docker run --detach --name near --publish 127.0.0.1:8080:80 lab-httpd", timeout=60)
    host.install_api()


def addresses(host: Host) -> None:
    """Two containers publish one port at different addresses, and a third has the host's network."""
    image(host)
    host.sh(
        "docker run --detach --name near --restart always --publish 127.0.0.1:8080:80 lab-httpd;"
        f"docker run --detach --name far --publish {host.address}:8080:80 lab-httpd;"
        "docker run --detach --name wide --network host lab-httpd /bin/busybox httpd -f -p 8081",
        timeout=90,
    )
    host.wait("test $(ss -Hltn '( sport = :8080 or sport = :8081 )' | wc -l) = 3")
    host.install_api(unit_extra="Environment=HOST=127.0.0.1")
