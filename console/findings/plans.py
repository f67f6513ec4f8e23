"""Plans that were left on a host without an end."""

from console.core.finding import Finding, Severity
from console.core.snapshot import AbandonedPlan, Snapshot


def abandoned(snapshot: Snapshot) -> list[Finding]:
    """One for each: nobody knows in which state it left its service."""
    return [_abandoned(snapshot, one) for one in snapshot.abandoned]


def _abandoned(snapshot: Snapshot, one: AbandonedPlan) -> Finding:
    kind = one.kind.replace("-", " ")
    summary = f"a {kind} of it was cut off: what it began was neither checked nor undone"
    doing = (f"last it did: {one.step}",) if one.step else ()
    evidence = (f"begun by {one.who} as plan {one.id}", *doing, "screen 7 has its commands; the next plan ends this")
    service = snapshot.service(one.ref)
    return Finding(
        "plan-abandoned", Severity.WARNING, snapshot.host, str(one.ref), summary, evidence,
        service=None if service is None else one.ref, since=one.at,
    )  # fmt: skip
