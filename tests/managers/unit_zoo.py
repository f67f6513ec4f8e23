"""Units of systemd that run containers in every way that is usual, by Compose v2 where it is Compose."""

from __future__ import annotations

from tests.lab import Host, compose_v2
from tests.managers import docker_zoo
from tests.managers.docker_zoo import IMAGE

ANON = f"[Service]\nExecStart=/usr/bin/docker run --rm --publish 8099:80 {IMAGE}\n"
TWIN = f"[Service]\nExecStart=/usr/bin/docker run -ip %i:80 --rm -e TOKEN=hunter2 {IMAGE} httpd -f -p 80\n"
DETACHED = f"""[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/docker run --detach --stop-timeout 1 --name det {IMAGE}
"""
PROJECT = """[Service]
Type=oneshot
RemainAfterExit=yes
WorkingDirectory=/srv/{0}
ExecStart=/usr/bin/docker compose up --detach
ExecStop=/usr/bin/docker compose down
"""
ONE = f"""services:
  api:
    image: {IMAGE}
    stop_grace_period: 1s
    ports: ["8106:80"]
"""
TWO = f"""name: pair
services:
  db:
    image: {IMAGE}
    stop_grace_period: 1s
  web:
    image: {IMAGE}
    stop_grace_period: 1s
    ports: ["8105:80"]
  spare:
    image: {IMAGE}
    profiles: []
"""
UNITS = {
    "anon": "anon.service",
    "first": "twin@8101.service",
    "second": "twin@8102.service",
    "det": "det.service",
    "one/": "one.service",
    "pair/": "two.service",
}
"""By what they run; the names that Docker made up are asked for by the port."""


def furnish(host: Host) -> None:
    """Make them and wait until all are up."""
    docker_zoo.image(host)
    compose_v2.install(host)
    host.write("/srv/one/compose.yml", ONE)
    host.write("/srv/two/compose.yml", TWO)
    host.unit("twin@.service", TWIN, start=False)
    units = {"anon": ANON, "det": DETACHED, "one": PROJECT.format("one"), "two": PROJECT.format("two")}
    for name, text in units.items():
        host.unit(f"{name}.service", text, start=False)
    host.sh("systemctl start anon det twin@8101 twin@8102 one two && docker rm --force pair-spare-1", timeout=120)
    host.wait("test $(docker ps -q | wc -l) = 7", timeout=30)


def named(host: Host) -> dict[str, str]:
    """The units by what their containers are called now."""
    at = {
        key: host.sh(f"docker ps --filter publish={port} --format '{{{{.Names}}}}'").strip()
        for key, port in (("anon", 8099), ("first", 8101), ("second", 8102))
    }
    return {at.get(key, key): unit for key, unit in UNITS.items()}
