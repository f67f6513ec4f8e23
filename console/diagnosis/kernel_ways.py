"""Advice to change what the kernel allows: ports below the unprivileged limit, and those of outgoing connections."""

from console.core.command import quote
from console.core.finding import Proposal
from console.diagnosis.verdict import Holder
from console.diagnosis.wanting import Want
from console.probes.limits import PortLimits


def allow_privileged(want: Want, port: int) -> tuple[Proposal, ...]:
    """Advice for a port below the unprivileged limit."""
    name = want.ref.name if want.ref is not None else "the service"
    why = "by hand: add to the unit [Service] AmbientCapabilities=CAP_NET_BIND_SERVICE"
    edit: tuple[str, ...] = ()
    if want.ref is not None and (want.ref.manager, want.ref.scope) == ("systemd", "system"):
        edit = tuple(quote(("systemctl", verb, "--", name)) for verb in ("edit", "restart"))
    elif want.ref is not None:
        # A user's own manager has no right to give: such a line in his unit ends with 218/CAPABILITIES.
        why = "by hand: setcap cap_net_bind_service=+ep on its program, or a socket unit of the system listens for it"
    return (
        Proposal(
            "ambient-capability",
            f"give {name} CAP_NET_BIND_SERVICE",
            commands=edit,
            recommended=True,
            reason_off=why,
        ),
        Proposal(
            "unprivileged-port-start",
            f"let every user bind from {port} on",
            commands=(f"sysctl -w net.ipv4.ip_unprivileged_port_start={port}",),
            reason_off="by hand: it holds for the whole host",
        ),
    )


def reserve(port: int, holder: Holder | None, limits: PortLimits | None) -> Proposal | None:
    """Advice that keeps outgoing connections off a port; ``None`` where they are kept off it already."""
    if limits is not None and any(low <= port <= high for low, high in limits.reserved):
        return None
    rest = f", then end {holder.name}'s connection" if holder is not None and holder.process else ""
    label = f"reserve {port} for services{rest}"
    if limits is None:
        why = "by hand: the list of reserved ports was not read, and to set it anew would lose what is in it"
        return Proposal("reserve-port", label, recommended=True, reason_off=why)
    ports = ",".join(_range(low, high) for low, high in sorted((*limits.reserved, (port, port))))
    return Proposal(
        "reserve-port",
        label,
        commands=(f"sysctl -w net.ipv4.ip_local_reserved_ports={ports}",),
        recommended=True,
        reason_off="by hand: it sets the whole list, with what is in it now; put it in /etc/sysctl.d as well",
    )


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"
