"""Hosts that do not answer, or whose clock is wrong."""

from collections.abc import Collection, Sequence

from console.core import freshness
from console.core.finding import Finding, Severity
from console.core.service import Service, ServiceRef
from console.core.snapshot import LinkState, Snapshot
from console.core.thresholds import Thresholds
from console.findings.words import span, times
from console.managers import MANAGERS
from console.managers.adrift import NOT_TOLD

_MANAGERS = frozenset(manager.id for manager in MANAGERS) - {"compose"}
"""Compose is silent when the engine is through which it is seen: that is one thing, told once."""


def unreachable(snapshot: Snapshot, known: Sequence[Finding] = ()) -> list[Finding]:
    """A host that is down. What was found before it went is not known to be so still: it becomes evidence."""
    link = snapshot.link
    if link.state is not LinkState.DOWN:
        return []
    reason = link.error or "no reason is known"
    evidence = [f"{link.code}: {reason}" if link.code else reason]
    if link.retry_at is None:
        evidence.append("it is not tried again by itself")
    evidence += [f"before that: {finding.subject}: {finding.summary}" for finding in known[:5]]
    summary = f"cannot be reached: {reason}"
    return [Finding("host-unreachable", Severity.CRITICAL, snapshot.host, "host", summary, tuple(evidence))]


def stale(snapshot: Snapshot) -> list[Finding]:
    """A host whose answers are late."""
    if snapshot.link.state is not LinkState.STALE:
        return []
    summary = "does not answer: what is shown of it is old"
    return [Finding("host-stale", Severity.WARNING, snapshot.host, "host", summary)]


def silent_managers(
    snapshot: Snapshot, told: Collection[str] = (), missed: Collection[ServiceRef] = ()
) -> list[Finding]:
    """Service managers that told of services and do not answer any more, or hang: what is shown of theirs is old.

    One that this login has no right to ask is none: what it tells is not seen, and said so. ``told`` are sources
    of which another finding says why they are silent, ``missed`` services of which one says that their manager is down.
    """
    found = []
    for source in snapshot.sources:
        why = source.failure
        manager, whose, _ = source.name.partition("_user:")
        if manager not in _MANAGERS or why is None or source.name in told:
            continue
        scope = source.name.removeprefix(f"{manager}_") if whose else None
        refs = (service.ref for service in snapshot.services)
        mine = [ref for ref in refs if ref.manager == manager and scope in (None, ref.scope)]
        if mine and all(ref in missed for ref in mine):
            continue
        if source.partial and not source.hangs and _is_told_of(snapshot, mine, missed):
            continue
        old = sum(_is_old(snapshot, service, why) for service in snapshot.services)
        if not (source.troubled or old):
            continue
        who = "a part of it does not answer" if source.partial else "does not answer"
        # One that is only slow tells in a moment, or why it does not.
        who, severity = ("has not answered yet", Severity.WARNING) if source.waiting else (who, Severity.CRITICAL)
        by_files = sum(one.ref.manager == manager and one.native_state == NOT_TOLD for one in snapshot.services)
        unseen = f"{times(by_files, 'service')} known by files alone" if by_files else "its services are not seen"
        shown = f"{times(old, 'service')} shown as last seen" if old else unseen
        evidence = (f"{source.name}: {why}",)
        summary = f"{who}: {shown}"
        found.append(Finding("manager-silent", severity, snapshot.host, source.name, summary, evidence))
    return found


def _is_told_of(snapshot: Snapshot, mine: Sequence[ServiceRef], missed: Collection[ServiceRef]) -> bool:
    """Whether the part that does not answer is the one of which another finding says that it is down."""
    lost = [one.ref for one in snapshot.services if one.ref in mine and one.told_at is not None]
    return all(ref in missed for ref in lost) if lost else any(ref in missed for ref in mine)


def _is_old(snapshot: Snapshot, service: Service, why: str) -> bool:
    fresh = freshness.of_service(snapshot, service)
    return fresh.stale and fresh.why == why and service.native_state != NOT_TOLD


def skewed(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """A wall clock that is off by more than the round trip explains."""
    skew = snapshot.clock_skew
    if skew is None:
        return []
    off = abs(skew) - (snapshot.link.rtt or 0.0)
    if off < thresholds.clock_skew_seconds_warning:
        return []
    worst = off >= thresholds.clock_skew_seconds_critical
    word = "ahead" if skew > 0 else "behind"
    summary = f"its clock is {span(abs(skew))} {word}: logs and certificates are judged by it"
    evidence = (f"clock: {skew:+.1f} s against this machine's, within {snapshot.link.rtt or 0.0:.3f} s",)
    return [
        Finding("clock-skew", Severity.WARNING if worst else Severity.INFO, snapshot.host, "host", summary, evidence)
    ]
