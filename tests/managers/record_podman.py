"""Records what Podman and engines without root answer anew: ``python -m tests.managers.record_podman``."""

from __future__ import annotations

from tests.lab import Lab
from tests.managers import podman_zoo, rootless_zoo
from tests.probes.asking import over_ssh
from tests.probes.record import MANAGERS, keep

ENGINES = "console.managers.container_engines"
CLIENTS = "console.managers.container_clients:CLIENTS"


def main() -> None:
    """Boot, furnish, record."""
    with Lab() as lab:
        host = podman_zoo.boot(lab, "web1")
        for user in ("root", "oncall"):
            way = over_ssh(lab, host, user)
            keep(MANAGERS, f"podman-presence-{user}", way, f"{ENGINES}:PRESENCE", tools="podman stat", who=user)
        keep(MANAGERS, "podman-clients", over_ssh(lab, host), CLIENTS, tools="podman", who="root")
        host = rootless_zoo.boot(lab, "web2")
        for user in ("root", "oncall"):
            way = over_ssh(lab, host, user)
            keep(MANAGERS, f"rootless-engines-{user}", way, f"{ENGINES}:ENGINES", tools="docker podman", who=user)


if __name__ == "__main__":
    main()
