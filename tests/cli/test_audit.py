"""``hostdeck audit``: what it tells of results that are not known."""

from __future__ import annotations

from console.remote.audit import AuditTrail
from tests.cli.test_commands import Run, cli
from tests.remote.plans import make

__all__ = ["cli"]


def test_audit_says_how_many_results_are_unknown_and_what_asks_for_them(cli: Run) -> None:
    """Row 32: the next start shows it."""
    trail = AuditTrail()
    trail.planned(make(plan_id="20261120-0001"), "ann")
    assert cli("audit", "nothing-like-it")[1].splitlines()[-1] == (
        "1 result is unknown here: `hostdeck audit --result unknown --ask` asks the hosts how it ended"
    )
    trail.planned(make(plan_id="20261120-0002"), "ann")
    assert cli("audit")[1].splitlines()[-1].startswith("2 results are unknown here: ")
    assert "unknown here" not in cli("audit", "--json")[1]
