"""Container engines: what publishes the ports of containers, and must not be stopped to free one of them."""

import re

_UNITS = frozenset(
    {"docker", "dockerd", "snap.docker.dockerd", "containerd", "snap.docker.containerd", "podman", "crio"}
)
_DAEMONS = frozenset({"dockerd", "containerd", "podman", "crio"})
_PUBLISHERS = frozenset({"docker-proxy", "rootlesskit", "rootlessport", "conmon"})
"""They hold a port on behalf of a container: the first two for Docker, as root and without, the others for Podman."""
_of_container = re.compile(
    r"/(?:(?:docker|libpod-conmon|libpod|crio|cri-containerd|nerdctl)[-/])?(?P<ident>[0-9a-f]{64})(?:\.scope)?(?:/|\Z)"
)
SHORT = 12
"""Letters of a container's identity that engines show, and take."""


def is_engine(unit: str | None) -> bool:
    """Whether a unit, of any scope, is a container engine."""
    stem, dot, kind = (unit or "").rpartition(".")
    return dot == "." and kind in ("service", "socket") and stem in _UNITS


def ends_containers(unit: str) -> bool:
    """Whether the containers of an engine end with it: they do with dockerd; those of Podman have no daemon."""
    return is_engine(unit) and not unit.startswith("podman.")


def is_daemon(process: str | None) -> bool:
    """Whether a process is an engine itself."""
    return process in _DAEMONS


def is_publisher(process: str | None) -> bool:
    """Whether a process holds a port on behalf of a container."""
    return process in _PUBLISHERS


def container_of(cgroup: str | None) -> str | None:
    """The identity of the container to which a control group belongs, as engines show it; ``None`` for any other."""
    found = list(_of_container.finditer(cgroup or ""))
    return found[-1]["ident"][:SHORT] if found else None
