"""How old what is known is: the age of a thing is that of its own source, never that of its host."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from console.core.finding import Finding
from console.core.service import Service
from console.core.snapshot import LinkState, Snapshot, Source

_SOURCES = {
    "disk-full": "filesystems",
    "inodes-full": "filesystems",
    "mount-silent": "filesystems",
    **dict.fromkeys(("io-wait", "memory-pressure", "swap-full", "oom-kill"), "vitals"),
}
"""What findings of a host itself rest on, by their code."""
_OF_SILENCE = frozenset({"host-unreachable", "host-stale", "manager-silent"})
"""Findings that tell who does not answer: they are of now."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """When something was told last, on the console's monotonic clock, and whether it may be over since."""

    at: float | None
    stale: bool = False
    why: str | None = None
    """Why its source does not answer now, where that is known."""

    def age(self, now: float) -> float | None:
        """Seconds since it was told; ``None`` when it never was."""
        return None if self.at is None else max(0.0, now - self.at)


def of_source(snapshot: Snapshot, name: str) -> Freshness:
    """How old what one source told is."""
    return _of(snapshot, snapshot.source(name))


def of_service(snapshot: Snapshot, service: Service) -> Freshness:
    """How old what is shown of a service is."""
    found = of_manager(snapshot, service.ref.manager, service.ref.scope)
    if service.told_at is None:
        return found
    source = snapshot.source(service.ref.manager)
    return Freshness(service.told_at, stale=True, why=source.failure if source is not None else None)


def of_manager(snapshot: Snapshot, manager: str, scope: str = "system") -> Freshness:
    """How old what a service manager told is.

    Its source has its id; ``_user`` follows it for services of the login itself where these are asked for apart, the
    scope for those of another user, and ``_watch`` where it is watched between two answers: that says that nothing
    began or ended since.
    """
    asked = snapshot.source(f"{manager}_{scope}") if scope != "system" else None
    if asked is not None:
        return _of(snapshot, asked)
    asked = snapshot.source(f"{manager}_user") if scope != "system" else None
    found = _of(snapshot, asked or snapshot.source(manager))
    watch = snapshot.source(f"{manager}_watch")
    if found.stale or found.at is None or watch is None or watch.stale or watch.at is None:
        return found
    return Freshness(max(found.at, watch.at))


def of_all(snapshot: Snapshot, names: Iterable[str]) -> Freshness:
    """The oldest of several sources that told something."""
    told = [found for name in names if (found := of_manager(snapshot, name)).at is not None]
    return min(told, key=lambda found: found.at or 0.0, default=Freshness(snapshot.at))


def of_finding(snapshot: Snapshot, finding: Finding) -> Freshness | None:
    """How old what a finding rests on is; ``None`` where that is the host as a whole."""
    if finding.service is not None and finding.code == "unhealthy":
        checked = snapshot.health_of(finding.service)
        if checked is not None and checked.well is False:
            return Freshness(checked.at, stale=snapshot.link.state is not LinkState.UP)
    service = snapshot.service(finding.service) if finding.service is not None else None
    if service is not None:
        return of_service(snapshot, service)
    name = _SOURCES.get(finding.code, "listeners" if finding.port is not None else finding.subject)
    return of_source(snapshot, name) if snapshot.source(name) is not None else None


def not_of_now(snapshot: Snapshot, findings: Iterable[Finding]) -> Mapping[tuple[str, str, str], Freshness]:
    """Those of a host's findings that may be over, by their identity: what they rest on was not told again since."""
    lost = snapshot.link.state is not LinkState.UP or any(source.stale for source in snapshot.sources)
    if not lost and all(service.told_at is None for service in snapshot.services):
        return {}
    told = ((finding, of_finding(snapshot, finding)) for finding in findings if finding.code not in _OF_SILENCE)
    return {finding.key: fresh for finding, fresh in told if fresh is not None and fresh.stale}


def _of(snapshot: Snapshot, source: Source | None) -> Freshness:
    lost = snapshot.link.state is not LinkState.UP
    if source is None:
        return Freshness(snapshot.at, stale=lost)
    return Freshness(source.at, stale=lost or source.stale, why=source.failure if source.stale else None)
