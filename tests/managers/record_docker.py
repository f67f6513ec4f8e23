"""Records the answers of the probes of Docker and Compose anew: ``python -m tests.managers.record_docker``."""

from __future__ import annotations

from tests.lab import Host, Lab, images
from tests.managers import docker_zoo, unit_zoo
from tests.probes.asking import Way, over_ssh
from tests.probes.record import MANAGERS, keep

ENGINES = "console.managers.container_engines"
COMPOSE = "console.managers.compose"
IMAGES = "console.managers.container_images"
SUDO = "console.managers.container_sudo"
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
        releases(host, root)
        host.sh(f"docker rm --force {LEFT_OUT}", timeout=60)
        all_of_them = host.sh("docker ps -aq --no-trunc").split()
        keep(MANAGERS, "docker-listed-by-sudo", oncall, f"{SUDO}:LISTED", tools="docker", who="oncall")
        keep(MANAGERS, "docker-told-by-sudo", oncall, f"{SUDO}:TOLD", *all_of_them, tools="docker", who="oncall")
        run_by_units(lab)


def run_by_units(lab: Lab) -> None:
    """Clients of units, and the containers that they are of."""
    host = lab.boot("web2", docker=True)
    unit_zoo.furnish(host)
    root = over_ssh(lab, host)
    clients, told = "console.managers.container_clients:CLIENTS", f"{SUDO}:TOLD"
    keep(MANAGERS, "docker-clients-unnamed", root, clients, tools="docker systemctl", who="root")
    idents = host.sh("docker ps -aq --no-trunc").split()
    keep(MANAGERS, "docker-told-unnamed", root, told, *idents, tools="docker", who="root")
    host.sh("cd /srv/two && docker compose down; sleep 1", timeout=60)
    events = "docker events --since 0 --until $(date +%s) --filter type=container --filter event=destroy"
    said = host.sh(f"{events} --filter label=com.docker.compose.project --format '{{{{json .}}}}'")
    (MANAGERS / "docker-removed.jsonl").write_text(said, encoding="utf-8")


def releases(host: Host, root: Way) -> None:
    """Of a container with images of four kinds: named, of the label's kin, of the history, and none of its own."""
    images.tree(host)
    images.commit(host, "v1.0.0")
    told = "--label org.opencontainers.image.title=api"
    for version in ("v1.0.0", "v1.1.0", "v1.2.0"):
        tag = "-t api:latest" if version == "v1.1.0" else f"-t api:{version}"
        host.sh(f"docker build -q {told} {tag} --build-arg VERSION={version} /srv/api/src", timeout=60)
    host.sh(f"docker build -q {told} -t api:latest --build-arg VERSION=v1.3.0 /srv/api/src", timeout=60)
    host.sh("docker run --detach --name api api:v1.2.0")
    ident = host.sh("docker image inspect -f '{{.Id}}' api:v1.0.0").removeprefix("sha256:")[:12]
    at = int(host.sh("date +%s"))
    history = (
        f"{at - 90} live {ident} ann - -",
        f"{at - 80} healthy {ident} ann - -",
        f"{at} live aaaaaaaaaaaa bob - -",
    )
    host.write("/var/lib/hostdeck/releases/docker:api", "".join(f"{line}\n" for line in history))
    words = ("docker:api", "api", "/srv/api/src", "", "api", "0", "docker")
    keep(MANAGERS, "container-images", root, f"{IMAGES}:IMAGES", *words, tools="docker git", who="root")


if __name__ == "__main__":
    main()
