"""The port cases on real hosts: each is put into its state, looked at with the real probes, and must be understood."""

import pytest

from console.diagnosis import VerdictWord
from tests.lab import FreshHost, Lab
from tests.lab.cases import CASES as LAB_CASES
from tests.lab.cases import install

from .expected import HIGH, MEDIUM, NOSUDO, ONCALL, ROOT, Expected, look

API = "api.service"


HELD, FREE = VerdictWord.HELD, VerdictWord.FREE
STOP_LEGACY = "stop legacy.service, then start api.service"
SAME = "same address 0.0.0.0"
HIDDEN = "process of the holder"
CASES: dict[str, tuple[Expected, ...]] = {
    "1": (
        Expected("/api", ROOT, HELD, HIGH, "legacy.service", SAME, "stop-holder", STOP_LEGACY),
        Expected(":8080", ROOT, HELD, HIGH, "legacy.service", SAME, "stop-holder", STOP_LEGACY),
        Expected("/api", ONCALL, HELD, MEDIUM, "legacy.service", SAME, "stop-holder", STOP_LEGACY, HIDDEN),
        Expected("/api", NOSUDO, HELD, MEDIUM, "legacy.service", action="stop-holder", gap="log of api.service"),
        Expected(":8080", NOSUDO, HELD, MEDIUM, "legacy.service", gap=HIDDEN),
        Expected(":8081", NOSUDO, FREE),
    ),
    "6": (
        Expected("/api", ROOT, HELD, HIGH, "echo.socket", "* (IPv6 and IPv4) overlaps 0.0.0.0", "stop-holder",
                 "stop echo.socket, then start api.service"),
        Expected("/api", ONCALL, HELD, HIGH, "echo.socket", action="stop-holder", gap=HIDDEN),
        Expected(":8080", NOSUDO, HELD, HIGH, "echo.socket", gap=HIDDEN),
    ),
    "8": (Expected("/api", ROOT, HELD, HIGH, "legacy", SAME, "stop-holder", "stop legacy, then start api.service"),
          Expected("/api", ONCALL, HELD, gap=HIDDEN)),
    "9": (Expected("/api", ROOT, HELD, HIGH, "legacy.service", "127.0.0.1 overlaps 0.0.0.0", "stop-holder"),),
    "9free": (Expected("/api", ROOT, HELD, HIGH, API), Expected("/api", NOSUDO, HELD, MEDIUM, API)),
    "10": (Expected("/api", ROOT, HELD, HIGH, "legacy.service", "* (IPv6 and IPv4) overlaps 0.0.0.0", "stop-holder"),),
    "10free": (Expected("/api", ROOT, HELD, HIGH, API),),
    "11": (Expected("/api", ROOT, HELD, HIGH, "legacy.service", SAME, "stop-holder"),),
    # Whether nginx complains of 0.0.0.0 or of [::] last is chance, so the clash is not compared.
    "20": (Expected("/nginx", ROOT, HELD, HIGH, "nginx (pid ", action="signal"),),
    "22": (
        Expected("/api", ROOT, VerdictWord.START_LIMIT, MEDIUM, action="start",
                 steps="reset-failed, then start api.service"),
        Expected(":8080", ONCALL, VerdictWord.START_LIMIT, MEDIUM, action="start"),
        Expected(":8080", NOSUDO, VerdictWord.START_LIMIT, MEDIUM, gap="log of api.service"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_case_is_understood(case: str, lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(docker=LAB_CASES[case].docker)
    install(host, case)
    look(lab, host, CASES[case])
