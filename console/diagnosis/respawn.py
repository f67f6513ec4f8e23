"""Whether a holder comes back when it is killed, and by whose doing."""

from console.core.service import Service

# A kill by SIGTERM counts as a clean end, by SIGKILL as a failure; either way one of these brings it back.
_AFTER_KILL = ("always", "on-success", "on-failure", "on-abnormal", "on-abort")


def respawn_of(service: Service | None) -> str | None:
    """Name what starts the service again, e.g. ``systemd Restart=always``; ``None`` when nothing does."""
    if service is None:
        return None
    if service.ref.name.endswith(".socket"):
        return "systemd socket activation"
    sockets = [name for name in service.triggered_by if name.endswith(".socket")]
    if sockets:
        return f"systemd socket activation by {sockets[0]}"
    if service.restart_policy in _AFTER_KILL:
        told = "Restart=" if service.ref.manager == "systemd" else "starts it again: "
        return f"{service.ref.manager} {told}{service.restart_policy}"
    return None


def is_respawn_known(service: Service | None) -> bool:
    """Whether its manager told of the service at all, and so also whether it would start it again."""
    return service is not None and (service.native_state != "" or service.ref.name.endswith(".socket"))
