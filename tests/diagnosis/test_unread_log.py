"""What can be said of a unit that is down where its log, which would say why, may not be read."""

from dataclasses import replace
from typing import Any

import pytest

from console.core.declaration import Declaration, Declared
from console.core.network import Listener
from console.core.service import Endpoint, Service
from console.diagnosis import Confidence, Evidence, Refusal, Verdict, VerdictWord, diagnose, needed
from console.probes.addresses import HostAddress
from console.probes.confinement import Confinement
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.redirects import Redirects

from .factories import failed, identity, log, snapshot

REFUSED = (Refusal("journal", "may not read the system journal"),)
HAVE = (HostAddress("eth0", "10.0.0.5", 24, "global"),)
GAVE_UP: dict[str, Any] = {"result": "start-limit-hit"}


def blind(
    endpoint: Endpoint | None = None,
    *listeners: Listener,
    service: Service | None = None,
    declared: tuple[Declaration, ...] = (),
    **changes: Any,
) -> Evidence:
    """``api.service`` failed and wants that; nothing but its log could not be read."""
    unit = replace(service or failed(), wants=(endpoint,) if endpoint is not None else ())
    made = snapshot(services=(unit,), listeners=listeners, identity=identity(1002), declared=Declared(declared))
    evidence = Evidence(
        made, unit.ref, processes=(), sockets=(), bound=(), limits=PortLimits(), namespaces=Namespaces(),
        redirects=Redirects(), addresses=HAVE, refused=REFUSED,
    )  # fmt: skip
    return replace(evidence, **changes)


def words(verdict: Verdict) -> tuple[VerdictWord, Confidence]:
    return verdict.verdict, verdict.confidence


def asked(evidence: Evidence) -> set[str]:
    return {question.probe for question in needed(evidence)}


# An address that the host has not


def test_an_address_that_the_host_has_not_is_likely_the_cause() -> None:
    verdict = diagnose(blind(Endpoint("tcp", "192.0.2.77", 8080)))
    assert words(verdict) == (VerdictWord.NO_SUCH_ADDRESS, Confidence.MEDIUM)
    assert verdict.summary.startswith("192.0.2.77 is no address of web1")
    assert verdict.actions[0].id == "change-address"
    assert "log of api.service" in {gap.what for gap in verdict.not_checked}


@pytest.mark.parametrize(
    ("address", "changes"),
    [
        ("10.0.0.5", {}),
        ("*", {}),
        ("0.0.0.0", {}),
        ("127.0.0.53", {}),
        ("db.internal", {}),
        ("192.0.2.77", {"limits": PortLimits(nonlocal_bind=True)}),
        ("192.0.2.77", {"limits": None}),
        ("192.0.2.77", {"addresses": None}),
        ("192.0.2.77", {"refused": (), "journal": log("it died of something else")}),
    ],
)
def test_an_address_that_can_be_bound_or_is_not_known_explains_nothing(address: str, changes: dict[str, Any]) -> None:
    verdict = diagnose(blind(Endpoint("tcp", address, 8080), **changes))
    assert verdict.verdict is not VerdictWord.NO_SUCH_ADDRESS


def test_the_addresses_are_asked_for_only_where_one_is_wanted() -> None:
    assert "addresses" in asked(blind(Endpoint("tcp", "192.0.2.77", 8080), addresses=None))
    assert "addresses" not in asked(blind(Endpoint("tcp", "*", 8080), addresses=None))


# A right that the unit takes away


def test_root_without_the_capability_is_likely_refused_a_low_port() -> None:
    low = Endpoint("tcp", "*", 443)
    assert "confinement" in asked(blind(low))
    verdict = diagnose(blind(low, confinement=Confinement(capabilities=frozenset())))
    assert words(verdict) == (VerdictWord.NOT_PERMITTED, Confidence.MEDIUM)
    assert "CapabilityBoundingSet= takes from api.service" in verdict.summary
    whole = blind(low, confinement=Confinement())
    assert diagnose(whole).verdict is not VerdictWord.NOT_PERMITTED
    assert "confinement" not in asked(blind(Endpoint("tcp", "*", 8080)))


# A start limit whose cause nobody read


def test_a_cause_that_nobody_could_read_is_not_known_to_be_gone() -> None:
    port = Endpoint("tcp", "*", 8080)
    verdict = diagnose(blind(port, service=failed(**GAVE_UP)))
    assert words(verdict) == (VerdictWord.START_LIMIT, Confidence.LOW)
    assert verdict.summary.endswith("; on what it failed is not known")
    assert not any(way.recommended for way in verdict.actions)
