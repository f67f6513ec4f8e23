"""Plans that were left on a host without an end."""

from __future__ import annotations

from dataclasses import replace

from console.core.finding import Severity
from console.core.snapshot import AbandonedPlan
from console.findings import evaluate
from tests.actions.hosts import ref, service, snapshot

LEFT = AbandonedPlan(
    "20261120-7", "daemon-reload", ref("api.service"), "root (as bob@b2)", 100.0, "restart api.service"
)


def test_it_is_a_finding_of_its_service() -> None:
    (found,) = (one for one in evaluate(snapshot(service(), abandoned=(LEFT,))) if one.code == "plan-abandoned")
    assert (found.severity, found.service, found.since) == (Severity.WARNING, LEFT.ref, 100.0)
    assert found.summary == "a daemon reload of it was cut off: what it began was neither checked nor undone"
    assert found.evidence[:2] == (
        "begun by root (as bob@b2) as plan 20261120-7", "last it did: restart api.service",
    )  # fmt: skip


def test_of_a_service_that_is_not_there_any_more_it_is_one_too() -> None:
    gone = replace(LEFT, ref=ref("gone.service"), step="")
    (found,) = (one for one in evaluate(snapshot(service(), abandoned=(gone,))) if one.code == "plan-abandoned")
    assert (found.service, found.subject) == (None, str(gone.ref))
