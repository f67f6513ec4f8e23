"""Records the answers of the probes of Docker and Compose anew: ``python -m tests.managers.record_docker``."""

from __future__ import annotations

from tests.lab import Lab
from tests.managers import docker_zoo
from tests.probes.asking import over_ssh
from tests.probes.record import MANAGERS, keep

ENGINES = "console.managers.container_engines"
COMPOSE = "console.managers.compose"
FILE = "/srv/shop/docker-compose.yml"
PROJECT = ("docker-compose", "-p", "shop", "--project-directory", "/srv/shop", "-f", FILE)
LEFT_OUT = "fit own-net gave-up well brief stubborn by-unit reads stopped paused shop_worker_2 shop_worker_3"
"""Others of their kind stay."""


def main() -> None:
    """Boot, furnish, record."""
    with Lab() as lab:
        host = lab.boot("web1", docker=True, sudo=("/usr/bin/docker ps *", "/usr/bin/docker inspect *"))
        docker_zoo.furnish(host)
        root, oncall = (over_ssh(lab, host, user) for user in ("root", "oncall"))
        for user, way in (("root", root), ("oncall", oncall)):
            keep(MANAGERS, f"docker-presence-{user}", way, f"{ENGINES}:PRESENCE", tools="docker stat", who=user)
        keep(MANAGERS, "docker-engines", root, f"{ENGINES}:ENGINES", tools="docker stat", who="root")
        keep(MANAGERS, "docker-clients", root, "console.managers.container_clients:CLIENTS", tools="docker", who="root")
        keep(MANAGERS, "compose-declared-1", root, f"{COMPOSE}:DECLARED", *PROJECT, tools="docker-compose", who="root")
        keep(MANAGERS, "compose-files", root, f"{COMPOSE}:FILES", FILE, "/srv/none.yml", tools="stat", who="root")
        host.sh(f"docker rm --force {LEFT_OUT}", timeout=60)
        keep(MANAGERS, "docker-by-sudo", oncall, "console.managers.docker:BY_SUDO", tools="docker", who="oncall")


if __name__ == "__main__":
    main()
