"""Changes of a service that do not get done while what it was before goes on."""

from collections.abc import Iterable

from console.core.command import quote
from console.core.endings import why_failed
from console.core.finding import Finding, Proposal, Severity
from console.core.service import Service
from console.core.snapshot import Snapshot
from console.findings.services import about


def stuck(snapshot: Snapshot, services: Iterable[Service]) -> list[Finding]:
    """Services that a rollout leaves half done: the next pod that ends is not replaced either."""
    return [
        about(
            "rollout-stuck",
            Severity.WARNING,
            snapshot,
            service,
            f"rollout stuck: {why_failed(service)}",
            _evidence(service),
            (_back(service),),
            since=None,
        )
        for service in services
    ]


def _evidence(service: Service) -> tuple[str, ...]:
    lines = [f"{service.ref.name}: {service.native_state}"]
    lines += [service.description] if service.description else []
    lines += [f"image {service.image}"] if service.image else []
    return (*lines, "as many as are wanted are ready: these are of before")


def _back(service: Service) -> Proposal:
    """Which release it goes back to is chosen by a person."""
    how = f"by hand: B, or {quote(('hostdeck', 'rollback', str(service.ref)))}"
    return Proposal("rollback", f"mend it, or roll {service.ref.name} back to a release that was well", reason_off=how)
