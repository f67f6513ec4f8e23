"""What sits on a port without listening, and addresses of every form, on real hosts."""

import pytest

from console.diagnosis import VerdictWord
from console.diagnosis.strays import LEFT
from tests.lab import FreshHost, Lab
from tests.lab.cases import install

from .expected import HIGH, LOW, MEDIUM, NOSUDO, ONCALL, ROOT, Expected, look

LINGERING, OUTGOING, HELD = VerdictWord.LINGERING, VerdictWord.OUTGOING, VerdictWord.HELD
HIDDEN = "process of the holder"
CLASH = "0.0.0.0 overlaps 127.0.0.1"
CASES: dict[str, tuple[Expected, ...]] = {
    "12": (
        Expected("/api", ROOT, LINGERING, HIGH, action="start", summary="the last ends in", gaps=0),
        Expected("/api", ONCALL, LINGERING, HIGH, action="start", summary="1 in TIME-WAIT; the last ends in", gaps=0),
        # Without the log nobody is known to want the port: that a connection still has it is seen all the same.
        Expected(":8080", NOSUDO, LINGERING, LOW, summary="only from what does not set SO_REUSEADDR"),
    ),
    "12left": (
        Expected("/api", ROOT, LINGERING, HIGH, "legacy.service", action="stop-holder", gaps=0,
                 summary="1 in ESTAB; they end when legacy.service or the other side closes them"),
        Expected("/api", ONCALL, LINGERING, MEDIUM, "legacy.service", action="stop-holder", gap=HIDDEN),
        Expected(":8080", NOSUDO, LINGERING, MEDIUM, "legacy.service", gap=HIDDEN),
    ),
    "13": (
        Expected("/api", ROOT, OUTGOING, HIGH, "legacy.service", action="reserve-port", gaps=0,
                 steps="reserve 8080 for services, then end legacy.service's connection",
                 summary="an outgoing connection by legacy.service to 127.0.0.1:22"),
        Expected("/api", ONCALL, OUTGOING, MEDIUM, "legacy.service", action="reserve-port", gap=HIDDEN),
        Expected(":8080", NOSUDO, OUTGOING, MEDIUM, "legacy.service", gap=HIDDEN),
    ),
    "13udp": (
        Expected("/syslog-relay", ROOT, OUTGOING, HIGH, "legacy.service", action="reserve-port", gaps=0),
        Expected("/syslog-relay", ONCALL, OUTGOING, MEDIUM, "legacy.service", gap=HIDDEN),
        Expected(":5514/udp", NOSUDO, OUTGOING, MEDIUM, "legacy.service", gap=HIDDEN),
    ),
    "13both": (
        Expected("/api", ROOT, HELD, HIGH, "legacy.service", action="stop-holder",
                 summary="tcp 8080 is held by legacy.service and an outgoing connection of client.service"),
        Expected("/api", ONCALL, HELD, MEDIUM, "legacy.service", gap=HIDDEN,
                 summary="tcp 8080 is held by legacy.service and an outgoing connection of client.service"),
    ),
    "15": (
        Expected("/api", ROOT, HELD, HIGH, "legacy.service", "same address 0.0.0.0", "signal"),
        Expected("/api", ONCALL, HELD, MEDIUM, "legacy.service", "same address 0.0.0.0", gap=HIDDEN),
        Expected(":8080", NOSUDO, HELD, MEDIUM, "legacy.service", gap=HIDDEN),
    ),
    "23": (
        Expected("/syslog-relay", ROOT, HELD, HIGH, "legacy.service", CLASH, "stop-holder", gaps=0),
        Expected("/syslog-relay", ONCALL, HELD, MEDIUM, "legacy.service", CLASH, "stop-holder", gap=HIDDEN),
        Expected(":5514/udp", NOSUDO, HELD, MEDIUM, "legacy.service", gap=HIDDEN),
        Expected(":5515/udp", NOSUDO, VerdictWord.FREE),
    ),
    "25": (
        Expected(":8080", ROOT, HELD, HIGH),
        Expected(":8081", ROOT, HELD, HIGH, "device.service"),
        Expected(":8081", NOSUDO, HELD, MEDIUM, "device.service", gap=HIDDEN),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_socket_is_found(case: str, lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    install(host, case)
    verdicts = look(lab, host, CASES[case])
    if case == "15":
        assert (verdicts[0].holders[0].process, verdicts[0].holders[0].command) == ("sleep", "sleep 100000")
        for verdict in verdicts[1:]:
            # Without rights the unit that left it is not stopped for it: that would end nothing.
            assert verdict.holders[0].note == LEFT
            assert verdict.actions[0].reason_off == f"by hand: {LEFT}"
            assert not any(way.intents for way in verdict.actions)
    if case == "25":
        shown = {(holder.address, holder.interface) for holder in verdicts[0].holders}
        assert ("::ffff:127.0.0.1", None) in shown
        assert {interface for address, interface in shown if address.startswith("fe80:")} == {"host0"}
