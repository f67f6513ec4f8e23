"""Cases in which nobody is in the way and the service may not, or cannot, bind: 16, 17 and 18."""

from dataclasses import replace

from console.diagnosis import VerdictWord
from tests.diagnosis.judged import Judged

from .scenario import API_LOG, HIGH, LOW, MEDIUM, RULES, START, Scenario

DENIED, NOWHERE, START_LIMIT = VerdictWord.NOT_PERMITTED, VerdictWord.NO_SUCH_ADDRESS, VerdictWord.START_LIMIT


def _unread(root: Judged) -> Scenario:
    """Its log says it to ``oncall`` too; without the log what the unit wants tells what is likely."""
    return Scenario(root, root, replace(root, confidence=MEDIUM, gaps=frozenset({API_LOG})))


def _capability(says: str) -> Scenario:
    """What the unit lacks is put into it by hand."""
    return _unread(Judged(DENIED, HIGH, action="ambient-capability", steps="give api.service CAP_NET_BIND_SERVICE",
                          off=True, says=says))  # fmt: skip


SCENARIOS: dict[str, Scenario] = {
    "16": _capability("ports below 1024 need CAP_NET_BIND_SERVICE; api.service runs as deploy"),
    "16root": _capability("which CapabilityBoundingSet= takes from api.service"),
    "17families": Scenario(
        families := Judged(
            DENIED, HIGH, action="allow-in-unit", steps="let api.service use AF_INET", off=True,
            says="the unit of api.service forbids AF_INET: RestrictAddressFamilies=AF_INET6 AF_UNIX"),
        families,
        # Which family it wanted only its log says.
        Judged(START_LIMIT, LOW, gaps=frozenset({API_LOG, RULES}), says="on what it failed is not known"),
    ),
    "18": _unread(Judged(
        NOWHERE, HIGH, action="change-address", steps="let api.service listen on an address that is there", off=True,
        says="192.0.2.77 is no address of")),
    "18vip": _unread(Judged(
        NOWHERE, HIGH, action="nonlocal-bind", steps="let services bind addresses that are not here (yet)", off=True,
        says="keepalived.service runs here: is it a VIP that another host has now?")),
    "18tentative": Scenario(
        tentative := Judged(NOWHERE, HIGH, action="start", steps=START,
                            says="2001:db8:18::1 on wire0 is tentative"),
        tentative,
        # To start what may fail as it did, on what nobody knows, is no advice.
        replace(tentative, confidence=MEDIUM, gaps=frozenset({API_LOG}), action=None, steps=None),
    ),
}  # fmt: skip
