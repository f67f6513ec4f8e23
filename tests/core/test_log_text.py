"""What services write into their lines: level, text and fields."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.log_text import level_word, service_line, structured
from console.core.service import ServiceRef
from console.core.snapshot import LogLine


@pytest.mark.parametrize(
    ("message", "level", "fields"),
    [
        ('{"level":"error","msg":"no","port":8080}', "error", {"message": "no", "port": "8080"}),
        ('{"severity":"WARNING","message":"slow","n":{"a":1}}', "warning", {"message": "slow", "n": '{"a": 1}'}),
        ('{"level":50,"msg":"pino"}', "error", {"message": "pino"}),
        ('{"level":"loud","msg":"x"}', None, {"level": "loud", "message": "x"}),
        ('{"msg":"\\u001b]52;c;aGk=\\u0007x","k\\u001b[2Jey":"\\u202e"}', None, {"message": "x", "key": "\ufffd"}),
        ("{not json}", None, {}),
        ("plain", None, {}),
        ("[1,2]", None, {}),
        ('{"a":' * 5000 + "1" + "}" * 5000, None, {}),
    ],
)
def test_json_lines(message: str, level: str | None, fields: dict[str, str]) -> None:
    assert structured(message) == (level, fields)


@pytest.mark.parametrize(
    ("message", "level"),
    [
        ('time=2026-11-20T14:02:11Z level=error msg="bind: address already in use"', "error"),
        ("2026/11/20 14:02:11 [emerg] 812#812: bind() to 0.0.0.0:80 failed", "critical"),
        ("2026-11-20T14:02:11.123Z WARN slow", "warning"),
        ("2026-11-20 14:02:11,123 ERROR [main] o.a.c.Connector", "error"),
        ("Error: listen EADDRINUSE: address already in use :::8080", "error"),
        ("GET /health 200 in 3 ms", None),
        ("listening on :8080", None),
        ("", None),
    ],
)
def test_level_of_plain_lines(message: str, level: str | None) -> None:
    assert level_word(message) == level


@settings(deadline=None)
@given(st.text())
def test_no_line_is_too_odd(message: str) -> None:
    structured(message)
    structured("{" + message + "}")
    level_word(message)


def test_a_line_of_a_service_has_its_level_and_fields_and_a_blank_one_is_none() -> None:
    ref = ServiceRef("web1", "docker", "api")

    assert service_line(ref, "docker", "2026-11-20T14:02:11Z ERROR no such table", 7.0) == LogLine(
        "web1", "api", "docker", "2026-11-20T14:02:11Z ERROR no such table", 7.0, "error"
    )
    assert service_line(ref, "api", '{"level": "warn", "msg": "slow", "took": 3}') == LogLine(
        "web1", "api", "api", "slow", None, "warning", fields=(("took", "3"),)
    )
    assert service_line(ref, "docker", " \t") is None
