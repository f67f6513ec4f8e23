"""The JSON for scripts: keys are promises."""

import io
import json
from dataclasses import replace

import pytest

from console.cli import encode
from console.core.health import Health
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import LogLine, Source
from console.diagnosis.as_json import as_json
from console.diagnosis.verdict import Holder, Verdict, VerdictWord
from console.managers.join import Owners

from .examples import AT, FAILED, FINDING, HIDDEN, HOLDER, LISTENER, down, snapshot


def test_a_host_of_status() -> None:
    found = encode.host(snapshot(), 110.0)
    assert found["state"] == "up"
    assert found["age"] == 0.4
    assert found["cpu"] == {"user": 10.0, "system": 5.0, "iowait": 1.5, "steal": 0.0, "cores": 2}
    assert found["iowait"] == 1.5
    assert found["memory"]["used_percent"] == 75.0
    assert found["pressure"]["cpu"] is None
    json.dumps(found)


def test_a_host_that_is_down_has_its_error_and_no_numbers() -> None:
    found = encode.host(down(), 110.0)
    assert (found["state"], found["code"], found["age"], found["cpu"]) == ("down", "timeout", None, None)
    assert found["error"] == "no answer from db1:22 within 8 s"


def test_a_service_of_status() -> None:
    found = encode.service(FAILED, snapshot(), 110.0)
    promised = {
        "ref": "web1/systemd:api.service", "host": "web1", "manager": "systemd", "name": "api.service",
        "scope": "system", "state": "failed", "native_state": "failed/failed", "pids": [],
        "since": "2026-11-20T14:00:00Z", "restarts": 5, "ports": [], "chain": ["systemd", "api.service"],
    }  # fmt: skip
    assert promised.items() <= found.items()
    assert encode.service(HOLDER, snapshot(), 110.0)["ports"] == ["tcp/[::]:8080"]


@pytest.mark.parametrize(
    ("source", "age", "stale"),
    [(Source("systemd", 109.0), 1.0, False), (Source("systemd", 68.0, "no answer in 20 s"), 42.0, True)],
)
def test_a_service_of_status_is_as_old_as_what_its_manager_told(source: Source, age: float, stale: bool) -> None:
    found = encode.service(HOLDER, replace(snapshot(), sources=(source,)), 110.0)
    assert (found["state"], found["age"], found["stale"]) == ("running", age, stale)


def test_the_health_of_a_service_is_its_managers_word_and_what_the_declared_check_said() -> None:
    assert encode.service(HOLDER, snapshot(), 110.0)["health"] is None
    checked = Health(HOLDER.ref, False, "/health 503: no database", 107.0, since=0.0, failures=2)
    told = encode.service(replace(HOLDER, health="healthy"), replace(snapshot(), health=(checked,)), 110.0)["health"]
    assert told == {
        "manager": "healthy",
        "check": {
            "well": False, "said": "/health 503: no database", "age": 3.0, "since": "1970-01-01T00:00:00Z",
            "failures": 2,
        },
    }  # fmt: skip
    assert encode.service(replace(HOLDER, health="healthy"), snapshot(), 110.0)["health"]["check"] is None


def test_a_finding_of_status() -> None:
    found = encode.finding(FINDING)
    assert (found["code"], found["severity"], found["subject"]) == ("port-held", "critical", "web1/systemd:api.service")
    assert found["actions"] == [
        {"id": "stop-holder", "label": "stop legacy.service", "recommended": True,
         "commands": ["systemctl stop legacy.service"], "reason_off": None}
    ]  # fmt: skip


def test_what_was_not_seen() -> None:
    assert encode.failures([snapshot(), down()]) == [
        {"host": "web1", "source": "docker", "reason": "permission denied on /var/run/docker.sock"},
        {"host": "db1", "source": "ssh", "reason": "no answer from db1:22 within 8 s"},
    ]


def test_a_listener_of_ports_with_its_owner_as_far_as_it_is_known() -> None:
    held = encode.listener("web1", LISTENER, Owners(snapshot().services).of(LISTENER))
    assert (held["service"], held["manager"], held["pid"], held["confidence"]) == (
        "legacy.service",
        "systemd",
        412,
        "high",
    )
    hidden = encode.listener("web1", HIDDEN, Owners(snapshot().services).of(HIDDEN))
    assert (hidden["service"], hidden["unit"], hidden["pid"], hidden["confidence"]) == (
        None, "systemd-resolved.service", None, "medium",
    )  # fmt: skip


def test_a_listener_of_a_container_names_it() -> None:
    service = Service(ServiceRef("web1", "docker", "shop"), State.RUNNING, "running", members=("shop_1",))
    assert encode.listener("web1", LISTENER, service)["container"] == "shop_1"
    assert encode.listener("web1", LISTENER, HOLDER)["container"] is None
    assert encode.listener("web1", LISTENER, None)["container"] is None


def test_a_log_line() -> None:
    line = LogLine("web1", "api.service", "journal", "héllo", at=AT + 0.25, level="error", fields=(("request", "1"),))
    assert encode.log_line(line)["at"] == "2026-11-20T14:00:00.250Z"
    assert encode.log_line(line)["fields"] == {"request": "1"}


@pytest.mark.parametrize("seconds", [1e18, float("nan"), float("inf"), -1e18])
def test_a_time_of_no_world_is_not_known(seconds: float) -> None:
    assert encode.service(replace(HOLDER, since=seconds), snapshot(), 110.0)["since"] is None
    holder = Holder("tcp", "::", 8080, since=seconds)
    verdict = Verdict("web1", 8080, "tcp", VerdictWord.HELD, "held", holders=(holder,))
    assert as_json(verdict)["holders"][0]["since"] is None


def test_json_fits_the_encoding_of_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert encode.dumps("é") == '"\\u00e9"'
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert encode.dumps("é") == '"é"'


def test_the_time_of_a_line_has_milliseconds() -> None:
    line = LogLine("web1", "api", "/var/log/api.log", "up", at=AT + 0.5)
    assert encode.log_line(line)["at"] == "2026-11-20T14:00:00.500Z"
    assert encode.log_line(LogLine("web1", "api", "f", "up", fields=(("time", "0001-01-01T00:00:00Z"),)))["at"] is None
