"""A port that is asked about and that its own service holds: nothing is to be pressed."""

from dataclasses import replace
from typing import Any

import pytest

from console.core.declaration import Declaration, Declared
from console.core.service import Endpoint, Service, State
from console.core.snapshot import Source
from console.diagnosis import Confidence, Evidence, Verdict, VerdictWord, as_json, as_text, diagnose
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.redirects import Redirects
from console.ui.present.copying import lines_of
from console.ui.present.verdict import verdict_block
from tests.ui import scenes

from .factories import identity, listener, process, snapshot, unit

LEGACY = unit("legacy.service", pids=(4112,), ports=(Endpoint("tcp", "0.0.0.0", 8080),), restart_policy="always")
OWN = Declaration("legacy.service", Endpoint("tcp", "*", 8080), "/etc/systemd/system/legacy.service:7", "systemd")
RIVAL = Declaration("api.service", Endpoint("tcp", "*", 8080), "/etc/systemd/system/api.service:10", "systemd")


def look(*services: Service, claims: tuple[Declaration, ...] = (OWN,), **changes: Any) -> Verdict:
    """All looks were taken at a port that ``legacy.service`` holds."""
    declared = Declared(claims)
    made = snapshot(services=services or (LEGACY,), listeners=(listener(),), declared=declared, **changes)
    bare = Evidence(made, Endpoint("tcp", "*", 8080), processes=(process(),), sockets=(), bound=(), addresses=())
    return diagnose(replace(bare, limits=PortLimits(), namespaces=Namespaces(), redirects=Redirects()))


def test_it_is_said_to_be_well_and_nothing_is_proposed() -> None:
    verdict = look()
    assert (verdict.verdict, verdict.confidence, verdict.at_home) == (VerdictWord.HELD, Confidence.HIGH, True)
    assert verdict.actions == ()
    words = "tcp 8080 is the own port of legacy.service, which holds it and runs: nothing is to be mended"
    assert verdict.summary == words
    text = as_text(verdict, 120)
    assert f"HELD     {words}" in text
    assert not any(line.startswith("RESPAWN") for line in text), "nobody is to be killed"
    told = as_json(verdict)
    assert (told["at_home"], told["actions"], told["holders"][0]["service"]) == (True, [], "legacy.service")
    shown = lines_of(verdict_block(verdict, scenes.CLOCK, lambda _way: None))
    assert f"VERDICT   held by its own service  {words}" in shown
    assert "MEND" not in shown


@pytest.mark.parametrize(
    ("services", "claims"),
    [
        ((LEGACY,), ()),
        ((LEGACY, unit("api.service", State.STOPPED, enabled="enabled")), (OWN, RIVAL)),
        ((LEGACY, unit("api.service")), (OWN, RIVAL)),
        ((replace(LEGACY, state=State.UNKNOWN),), (OWN,)),
    ],
    ids=["not declared for it", "another comes at boot", "another runs and wants it", "not known to run"],
)
def test_what_may_be_in_the_place_of_another_can_still_be_stopped(
    services: tuple[Service, ...], claims: tuple[Declaration, ...]
) -> None:
    verdict = look(*services, claims=claims)
    assert not verdict.at_home
    assert [way.id for way in verdict.actions] == ["stop-holder"]


def test_a_claim_of_one_that_stays_down_by_itself_changes_nothing() -> None:
    assert look(LEGACY, unit("api.service", State.STOPPED, enabled="disabled"), claims=(OWN, RIVAL)).at_home


def test_an_old_list_of_listeners_does_not_say_that_anything_is_well() -> None:
    old = (Source("listeners", 100.0, "no answer in 5 s"), Source("systemd", 100.0))
    verdict = look(sources=old, identity=identity(1001))
    assert not verdict.at_home
    assert "nothing is to be mended" not in verdict.summary
