"""The next port that is really free: not bound, not declared, not handed out to outgoing connections."""

from console.core.service import Endpoint
from console.diagnosis.evidence import Evidence
from console.probes.limits import PortLimits

OFFSET = 8000
"""From a privileged port one goes to this much higher: 80 to 8080 lies within what people expect."""
TRIES = 2000


def next_free_port(evidence: Evidence, wanted: Endpoint) -> int | None:
    """The nearest higher port that the service could take; ``None`` when the listeners are not known for certain."""
    if evidence.listeners_gap() is not None:
        return None
    start = wanted.port + 1
    if wanted.port < unprivileged_start(evidence):
        start = max(OFFSET + wanted.port, unprivileged_start(evidence))
    taken = _taken(evidence, wanted.protocol)
    return next((port for port in range(start, min(start + TRIES, 65536)) if _is_free(evidence, port, taken)), None)


def unprivileged_start(evidence: Evidence) -> int:
    """The lowest port that needs no privilege; the kernel's default where the host was not asked."""
    return (evidence.limits or PortLimits()).unprivileged_start


def _taken(evidence: Evidence, protocol: str) -> set[int]:
    snapshot = evidence.snapshot
    taken = {listener.port for listener in snapshot.listeners if listener.protocol == protocol}
    for service in snapshot.services:
        taken.update(want.port for want in service.wants if want.protocol == protocol)
    taken.update(one.endpoint.port for one in evidence.declared if one.endpoint.protocol == protocol)
    taken.update(symptom.endpoint.port for symptom in snapshot.symptoms if symptom.endpoint is not None)
    return taken


def _is_free(evidence: Evidence, port: int, taken: set[int]) -> bool:
    limits = evidence.limits or PortLimits()
    # A reserved port is somebody's, who is perhaps not running now.
    reserved = any(low <= port <= high for low, high in limits.reserved)
    return port not in taken and not reserved and not limits.ephemeral(port)
