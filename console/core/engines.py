"""Container engines: what publishes the ports of containers, and must not be stopped to free one of them."""

_UNITS = frozenset(
    {"docker", "dockerd", "snap.docker.dockerd", "containerd", "snap.docker.containerd", "podman", "crio"}
)
_DAEMONS = frozenset({"dockerd", "containerd", "podman", "crio"})
_PUBLISHERS = frozenset({"docker-proxy", "rootlessport", "conmon"})
"""They hold a port on behalf of one container: docker-proxy for Docker, the others for Podman."""


def is_engine(unit: str | None) -> bool:
    """Whether a unit, of any scope, is a container engine: with it every container of the host is stopped."""
    stem, dot, kind = (unit or "").rpartition(".")
    return dot == "." and kind in ("service", "socket") and stem in _UNITS


def is_daemon(process: str | None) -> bool:
    """Whether a process is an engine itself."""
    return process in _DAEMONS


def is_publisher(process: str | None) -> bool:
    """Whether a process holds a port on behalf of a container."""
    return process in _PUBLISHERS
