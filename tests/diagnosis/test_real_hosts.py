"""The port cases on real hosts: each is put into its state, looked at with the real probes, and must be understood."""

from dataclasses import dataclass

import pytest

from console.diagnosis import Confidence, Verdict, VerdictWord, as_text
from tests.lab import FreshHost
from tests.lab.cases import install

from .real import why

ROOT, ONCALL, NOSUDO = None, "oncall", "nosudo"
HIGH, MEDIUM, LOW = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW
API = "api.service"


@dataclass(frozen=True)
class Expected:
    """What must come of looking at a target as a user; ``None`` is "not compared"."""

    target: str | int
    user: str | None
    verdict: VerdictWord
    confidence: Confidence | None = None
    holder: str | None = None
    clash: str | None = None
    action: str | None = None
    """The id of the recommended action."""
    steps: str | None = None
    """Its label."""
    gap: str | None = None
    protocol: str = "tcp"


HELD, FREE = VerdictWord.HELD, VerdictWord.FREE
STOP_LEGACY = "stop legacy.service, then start api.service"
SAME = "same address 0.0.0.0"
HIDDEN = "process of the holder"
CASES: dict[str, tuple[Expected, ...]] = {
    "1": (
        Expected(API, ROOT, HELD, HIGH, "legacy.service", SAME, "stop-holder", STOP_LEGACY),
        Expected(8080, ROOT, HELD, HIGH, "legacy.service", SAME, "stop-holder", STOP_LEGACY),
        Expected(API, ONCALL, HELD, MEDIUM, "legacy.service", SAME, "stop-holder", STOP_LEGACY, HIDDEN),
        Expected(API, NOSUDO, VerdictWord.UNKNOWN, LOW, gap="log of api.service"),
        Expected(8080, NOSUDO, HELD, MEDIUM, "legacy.service", gap=HIDDEN),
        Expected(8081, NOSUDO, FREE),
    ),
    "6": (
        Expected(API, ROOT, HELD, HIGH, "echo.socket", "* (IPv6 and IPv4) overlaps 0.0.0.0", "stop-holder",
                 "stop echo.socket, then start api.service"),
        Expected(API, ONCALL, HELD, HIGH, "echo.socket", action="stop-holder", gap=HIDDEN),
        Expected(8080, NOSUDO, HELD, HIGH, "echo.socket", gap=HIDDEN),
    ),
    "8": (Expected(API, ROOT, HELD, HIGH, "python3 (pid "), Expected(API, ONCALL, HELD, MEDIUM, gap=HIDDEN)),
    "9": (Expected(API, ROOT, HELD, HIGH, "legacy.service", "127.0.0.1 overlaps 0.0.0.0", "stop-holder"),),
    "9free": (Expected(API, ROOT, HELD, HIGH, API), Expected(API, NOSUDO, HELD, MEDIUM, API)),
    "10": (Expected(API, ROOT, HELD, HIGH, "legacy.service", "* (IPv6 and IPv4) overlaps 0.0.0.0", "stop-holder"),),
    "10free": (Expected(API, ROOT, HELD, HIGH, API),),
    "11": (Expected(API, ROOT, HELD, HIGH, "legacy.service", SAME, "stop-holder"),),
    "12": (Expected(API, ROOT, VerdictWord.LINGERING, HIGH, action="start"),),
    "12left": (
        Expected(API, ROOT, VerdictWord.LINGERING, HIGH, "legacy.service", action="stop-holder"),
        Expected(API, ONCALL, VerdictWord.LINGERING, MEDIUM, gap="process of the connections"),
    ),
    "13": (Expected(API, ROOT, VerdictWord.OUTGOING, HIGH, "legacy.service", action="reserve-port"),),
    "14": (
        Expected(API, ROOT, VerdictWord.START_LIMIT, MEDIUM, action="start",
                 gap="sockets that are bound and do not listen"),
    ),
    "15": (Expected(API, ROOT, HELD, HIGH, "legacy.service", SAME, "end-left-over"),),
    "16": (
        Expected(API, ROOT, VerdictWord.NOT_PERMITTED, HIGH, action="ambient-capability"),
        Expected(API, ONCALL, VerdictWord.NOT_PERMITTED, HIGH, action="ambient-capability"),
    ),
    "18": (Expected(API, ROOT, VerdictWord.NO_SUCH_ADDRESS, HIGH, action="change-address"),),
    # Whether nginx complains of 0.0.0.0 or of [::] last is chance, so the clash is not compared.
    "20": (Expected("nginx.service", ROOT, HELD, HIGH, "nginx (pid "),),
    "22": (
        Expected(API, ROOT, VerdictWord.START_LIMIT, MEDIUM, action="start",
                 steps="reset-failed, then start api.service"),
        Expected(8080, ONCALL, VerdictWord.START_LIMIT, MEDIUM, action="start"),
        Expected(8080, NOSUDO, FREE),
    ),
    "23": (Expected("syslog-relay.service", ROOT, HELD, HIGH, "legacy.service", "0.0.0.0 overlaps 127.0.0.1",
                    "stop-holder", protocol="udp"),),
    "25": (Expected(8080, ROOT, HELD, HIGH), Expected(8081, ROOT, HELD, HIGH, "device.service")),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_case_is_understood(case: str, fresh_host: FreshHost) -> None:
    host = fresh_host()
    install(host, case)
    for expected in CASES[case]:
        verdict = why(host, expected.target, expected.user)
        problem = f"case {case}, {expected.target} as {expected.user or 'root'}:\n" + "\n".join(as_text(verdict))
        problem += f"\n{verdict}"
        assert _found(verdict, expected) == expected, problem
        assert len(as_text(verdict)) <= 12, problem
        assert all(len(line) <= 80 for line in as_text(verdict)), problem


def _found(verdict: Verdict, expected: Expected) -> Expected:
    """What was found, in the same form; what is not compared is taken over."""
    best = next((action for action in verdict.actions if action.recommended), None)
    holder = verdict.holder
    name = holder.name if holder is not None else None
    if expected.holder is not None and name is not None and name.startswith(expected.holder):
        name = expected.holder
    gaps = [gap.what for gap in verdict.not_checked]
    return Expected(
        expected.target,
        expected.user,
        verdict.verdict,
        verdict.confidence if expected.confidence is not None else None,
        name if expected.holder is not None else None,
        verdict.clash if expected.clash is not None else None,
        best.id if best is not None and expected.action is not None else None,
        best.label if best is not None and expected.steps is not None else None,
        expected.gap if expected.gap in gaps else None,
        verdict.protocol,
    )
