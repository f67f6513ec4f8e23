"""What a log says of an earlier attempt is history, not the cause of the present failure."""

from typing import Any

import pytest

from console.core.service import Endpoint, Service, State
from console.core.snapshot import Symptom
from console.diagnosis import Declaration, Evidence, Verdict, VerdictWord, diagnose
from console.findings import evaluate
from console.managers.systemd_show import parse_show
from console.probes.limits import PortLimits

from .factories import NOW, failed, listener, log, process, ref, snapshot, symptom, unit

LEGACY = unit("legacy.service", pids=(4112,), restart_policy="always", enabled="enabled")
MOVED = failed(exit_code=7, attempt_since=NOW - 30.0)
OLD = symptom(at=NOW - 300.0)
CLAIM = Declaration("api.service", Endpoint("tcp", "*", 8080), "hostdeck.toml:3")


def why(service: Service, *symptoms: Symptom, **changes: Any) -> Verdict:
    made = snapshot(services=(service, LEGACY), listeners=(listener(),), symptoms=symptoms)
    return diagnose(
        Evidence(
            made, ref(), processes=(process(),), sockets=(), bound=(), limits=PortLimits(), addresses=(), **changes
        )
    )


def recommended(verdict: Verdict) -> list[str]:
    return [way.label for way in verdict.actions if way.recommended]


def test_an_innocent_service_is_not_stopped_for_an_old_line() -> None:
    verdict = why(MOVED, OLD)
    assert (verdict.symptom, verdict.holders, recommended(verdict)) == (None, (), [])
    assert f"log of an earlier attempt: {OLD.line}" in verdict.evidence


def test_a_declared_port_does_not_make_an_old_line_the_cause() -> None:
    verdict = why(MOVED, OLD, declared=(CLAIM,))
    assert (verdict.verdict, verdict.symptom, recommended(verdict)) == (VerdictWord.HELD, None, [])
    made = snapshot(services=(MOVED, LEGACY), listeners=(listener(),), symptoms=(OLD,))
    [finding] = evaluate(made, declared=(CLAIM,))
    assert (finding.code, finding.summary) == ("service-failed", "failed: exit code 7")


def test_an_old_line_of_the_log_that_is_read_only_now() -> None:
    verdict = why(failed(attempt_since=NOW - 10.0), journal=log("listen tcp :8080: bind: address already in use"))
    assert (verdict.symptom, recommended(verdict)) == (None, [])


def test_a_line_of_the_newest_attempt_is_the_cause() -> None:
    verdict = why(failed(attempt_since=NOW - 20.4), symptom())
    assert (verdict.verdict, verdict.holders[0].name) == (VerdictWord.HELD, "legacy.service")
    assert recommended(verdict)


def test_a_line_that_somebody_points_at_is_what_is_asked_about_and_an_old_one_still_recommends_nothing() -> None:
    verdict = why(MOVED, symptom=OLD)
    assert (verdict.verdict, verdict.symptom, recommended(verdict)) == (VerdictWord.HELD, OLD, [])
    newest = symptom(at=NOW - 25.0)
    verdict = why(MOVED, OLD, symptom=newest)
    assert (verdict.symptom, len(recommended(verdict))) == (newest, 1)


def test_a_port_is_not_wanted_by_who_failed_there_before() -> None:
    made = snapshot(services=(MOVED, LEGACY), listeners=(listener(),), symptoms=(OLD,))
    verdict = diagnose(Evidence(made, Endpoint("tcp", "*", 8080), processes=(process(),), sockets=(), bound=()))
    assert (verdict.service, verdict.symptom) == (None, None)


def clock(second: int) -> str:
    return f"Fri 2026-11-20 18:18:{second:02} UTC"


def attempt(**properties: str) -> float | None:
    """Seconds after 18:18:00."""
    body = "\n".join(f"{name}={value}" for name, value in properties.items())
    [service] = parse_show(f"scope system\nup 7280.00\nId=api.service\nUnitFileState=enabled\n{body}")
    assert service.state is not State.RUNNING
    return None if service.attempt_since is None else service.attempt_since - 1795198680.0


# The times that systemd 252 tells after each of these, in the order of a unit's life.
FAILED = {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code"}
WAITS = {"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code"}


@pytest.mark.parametrize(
    ("properties", "began"),
    [
        (FAILED | {"InactiveExitTimestamp": clock(14), "ExecMainStartTimestamp": clock(14),
                   "ExecMainExitTimestamp": clock(15), "InactiveEnterTimestamp": clock(15)}, 14.0),
        (FAILED | {"InactiveExitTimestamp": clock(16), "ExecMainStartTimestamp": "", "ExecMainExitTimestamp": "",
                   "InactiveEnterTimestamp": clock(16)}, 16.0),
        (FAILED | {"NRestarts": "5", "ExecMainStartTimestamp": clock(19), "ExecMainExitTimestamp": clock(20),
                   "InactiveExitTimestamp": clock(20), "InactiveEnterTimestamp": clock(23)}, 19.0),
        (FAILED | {"NRestarts": "5", "ExecMainStartTimestamp": "", "ExecMainExitTimestamp": "",
                   "InactiveExitTimestamp": clock(23), "InactiveEnterTimestamp": clock(23), "RestartUSec": "3s"}, 15.0),
        (WAITS | {"NRestarts": "0", "ExecMainStartTimestamp": clock(26), "ExecMainExitTimestamp": clock(27),
                  "InactiveExitTimestamp": clock(27), "InactiveEnterTimestamp": clock(27)}, 26.0),
        (WAITS | {"SubState": "start", "NRestarts": "1", "ExecMainStartTimestamp": clock(30),
                  "ExecMainExitTimestamp": "", "InactiveExitTimestamp": clock(30),
                  "InactiveEnterTimestamp": clock(30), "RestartUSec": "3s"}, 22.0),
        (FAILED, None),
    ],
    ids=["failed", "failed before its main process", "gave up", "gave up before its main process", "waits",
         "tries again", "not told"],
)  # fmt: skip
def test_when_the_newest_attempt_began(properties: dict[str, str], began: float | None) -> None:
    assert attempt(**properties) == began
