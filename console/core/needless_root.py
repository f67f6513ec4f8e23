"""Units that run as root where nothing that can be seen asks for it."""

from console.core.service import Service, State

PRIVILEGED = 1024
"""Ports below it need a privilege, unless the host says otherwise (``ip_unprivileged_port_start`` of ip(7))."""
_MADE_HERE = ("/etc/systemd/system/", "/usr/local/")
"""Where units lie that came with no package: who wrote one may give it a user."""


def needless_root(service: Service) -> str | None:
    """What is said of a unit that runs as root and has only ports that every user may have; ``None`` of all others.

    It is a question, not a fault: whether its files or what it does need root cannot be seen from outside. Of a unit
    without any port nothing is said.
    """
    ref = service.ref
    own = (ref.manager, ref.scope) == ("systemd", "system") and ref.name.endswith(".service")
    runs = service.state is State.RUNNING and service.user == "root" and not service.oneshot
    if not (own and runs and (service.unit_file or "").startswith(_MADE_HERE) and service.ports):
        return None
    if any(endpoint.port < PRIVILEGED for endpoint in (*service.ports, *service.wants)):
        return None
    return "none of its ports needs root; where nothing else does, User= or DynamicUser= in its unit"
