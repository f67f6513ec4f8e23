"""``hostdeck audit``: what it tells of results that are not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.cli import wiring
from console.remote.audit import AuditTrail
from console.remote.transport import HostSpec, Transport, TransportError
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


class Silent:
    """A host that does not answer, and tells when it was asked."""

    def __init__(self, host: str, asked: list[str]) -> None:
        self.host, self.connected = host, False
        self._asked = asked

    async def connect(self) -> None:
        self._asked.append(self.host)
        raise TransportError("timeout", "no answer")

    async def close(self) -> None:
        pass


def test_only_the_hosts_that_are_meant_are_asked(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def silent(specs: tuple[HostSpec, ...]) -> tuple[Transport, ...]:
        return tuple(Silent(spec.name, asked) for spec in specs)  # type: ignore[misc]

    monkeypatch.setattr(wiring, "transports", silent)
    for number, host in enumerate(("hosta", "hostb", "-none")):
        made = make(plan_id=f"20261120-000{number}")
        AuditTrail().planned(replace(made, target=replace(made.target, host=host)), "ann")
    code, _, err = cli("audit", "--ask", "--host", "hosta")
    assert (code, asked) == (3, ["hosta"])
    assert "hosta: no answer" in err
    # One that cannot even be named does not keep the others from being asked.
    code, _, err = cli("audit", "--ask")
    assert (code, asked) == (3, ["hosta", "hosta", "hostb"])
    assert "-none" in err
