"""Ports that may not be bound, and addresses that are not there, on real hosts."""

import pytest

from console.diagnosis import VerdictWord
from tests.lab import FreshHost, Lab
from tests.lab.cases import install

from .expected import HIGH, MEDIUM, NOSUDO, ONCALL, ROOT, Expected, look

DENIED, NOWHERE = VerdictWord.NOT_PERMITTED, VerdictWord.NO_SUCH_ADDRESS
CASES: dict[str, tuple[Expected, ...]] = {
    "16": (
        Expected("/api", ROOT, DENIED, HIGH, action="ambient-capability", summary="api.service runs as deploy", gaps=0),
        Expected("/api", ONCALL, DENIED, HIGH, action="ambient-capability", gaps=0),
        # Without the log its user and its port tell what is likely.
        Expected("/api", NOSUDO, DENIED, MEDIUM, action="ambient-capability", summary="api.service runs as deploy",
                 gap="log of api.service"),
    ),
    "16root": (
        Expected("/api", ROOT, DENIED, HIGH, action="ambient-capability", gaps=0,
                 summary="CapabilityBoundingSet= takes from api.service"),
        Expected("/api", ONCALL, DENIED, HIGH, summary="CapabilityBoundingSet= takes from api.service", gaps=0),
    ),
    "17families": (
        Expected("/api", ROOT, DENIED, HIGH, action="allow-in-unit", gaps=0,
                 summary="the unit of api.service forbids AF_INET: RestrictAddressFamilies=AF_INET6 AF_UNIX"),
        Expected("/api", ONCALL, DENIED, HIGH, action="allow-in-unit", gaps=0),
    ),
    "18": (
        Expected("/api", ROOT, NOWHERE, HIGH, action="change-address", summary="192.0.2.77 is no address of", gaps=0),
        Expected("/api", ONCALL, NOWHERE, HIGH, action="change-address", gaps=0),
    ),
    "18vip": (
        Expected("/api", ROOT, NOWHERE, HIGH, action="nonlocal-bind", summary="keepalived.service runs here", gaps=0),
        Expected("/api", ONCALL, NOWHERE, HIGH, action="nonlocal-bind", summary="is it a VIP", gaps=0),
    ),
    "18tentative": (
        Expected("/api", ROOT, NOWHERE, HIGH, summary="2001:db8:18::1 on wire0 is tentative", gaps=0),
        Expected("/api", ONCALL, NOWHERE, HIGH, summary="2001:db8:18::1 on wire0 is tentative", gaps=0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_refusal_is_explained(case: str, lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    install(host, case)
    look(lab, host, CASES[case])
