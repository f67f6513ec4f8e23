"""Hosts that do not answer, or whose clock is wrong."""

from collections.abc import Sequence

from console.core.finding import Finding, Severity
from console.core.snapshot import LinkState, Snapshot
from console.core.thresholds import Thresholds
from console.findings.words import span
from console.managers import DETECTED

_MANAGERS = frozenset(manager.id for manager in DETECTED)


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


def silent_managers(snapshot: Snapshot) -> list[Finding]:
    """Service managers that told of services and do not answer any more, or hang: what is shown of theirs is old.

    One that this login has no right to ask is none: what it tells is not seen, and said so.
    """
    found = []
    for source in snapshot.sources:
        why = source.failure
        if source.name not in _MANAGERS or why is None or not (source.at is not None or "no answer" in why):
            continue
        count = sum(service.ref.manager == source.name for service in snapshot.services)
        old = f": what is shown of its {count} services is old" if count else ": its services are not seen"
        evidence = (f"{source.name}: {why}",)
        summary = f"does not answer{old}"
        found.append(Finding("manager-silent", Severity.CRITICAL, snapshot.host, source.name, summary, evidence))
    return found


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
