"""A host with Docker inside: images built from nothing, ports published."""

from __future__ import annotations

import pytest

from tests.lab import Fleet, Host

DOCKERFILE = 'FROM scratch\nCOPY busybox /bin/busybox\nCMD ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/bin"]\n'
COMPOSE = """version: "3"
services:
  web:
    image: lab-httpd
    ports: ["8091:80"]
"""


@pytest.fixture(scope="module")
def docker1(fleet: Fleet) -> Host:
    host = fleet["docker1"]
    host.write("/srv/httpd/Dockerfile", DOCKERFILE)
    host.sh("cp /bin/busybox /srv/httpd/ && docker build --quiet --tag lab-httpd /srv/httpd", timeout=120)
    return host


def test_docker_run_publishes_a_port(docker1: Host) -> None:
    docker1.sh("docker run --detach --name httpd --publish 8090:80 lab-httpd", timeout=60)
    docker1.wait("test $(curl -fs http://127.0.0.1:8090/busybox | wc -c) -gt 100000")
    assert "docker-proxy" in docker1.sh("ss -Hltnp 'sport = :8090'")
    docker1.sh("docker rm --force httpd", timeout=60)


def test_compose_brings_a_project_up_and_down(docker1: Host) -> None:
    docker1.write("/srv/httpd/docker-compose.yml", COMPOSE)
    docker1.sh("cd /srv/httpd && docker-compose up --detach", timeout=60)
    docker1.wait("curl -fs -o /dev/null http://127.0.0.1:8091/busybox")
    assert docker1.sh("docker ps --format '{{.Label \"com.docker.compose.service\"}}'") == "web\n"
    docker1.sh("cd /srv/httpd && docker-compose down --timeout 1", timeout=60)
