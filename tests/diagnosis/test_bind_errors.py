import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import LogLine
from console.diagnosis import bind_errors, wordings
from console.diagnosis.bind_errors import BindError, at_line, read_line, symptoms

WORDINGS = Path(__file__).with_name("wordings")
REF = ServiceRef("web1", "systemd", "api.service")


def log(text: str, *, pid: int | None = 7, at: float | None = 100.0) -> list[LogLine]:
    return [LogLine("web1", REF.name, "journal", line, at=at, pid=pid) for line in text.splitlines()]


def cases() -> list[Any]:
    found = []
    for path in sorted(WORDINGS.glob("*.toml")):
        recorded = tomllib.loads(path.read_text())
        for case in recorded["case"]:
            found.append(pytest.param(case, id=f"{path.stem}: {case['command'][-50:]}"))
    return found


def wanted(case: dict[str, Any]) -> set[tuple[str, Endpoint | None]]:
    return {
        (one["errno"], Endpoint(one["protocol"], one["address"], one["port"]) if "port" in one else None)
        for one in case["expect"]
    }


@pytest.mark.parametrize("case", cases())
def test_recorded_wordings_are_understood(case: dict[str, Any]) -> None:
    found = symptoms(REF, log(case["output"]))
    assert {(symptom.errno, symptom.endpoint) for symptom in found} == wanted(case)
    assert all(symptom.count == 1 for symptom in found)


@pytest.mark.parametrize("line", [line for line in (WORDINGS / "passing.txt").read_text().splitlines()[1:] if line])
def test_lines_that_only_mention_the_words_are_no_hit(line: str) -> None:
    assert symptoms(REF, log(line)) == ()


def test_attempts_are_counted_by_process() -> None:
    line = "listen tcp :8080: bind: address already in use"
    lines = [LogLine("web1", "api", "journal", line, at=100.0 + pid, pid=pid) for pid in (11, 12, 13)]
    (found,) = symptoms(REF, lines)
    assert (found.count, found.at, found.line) == (3, 113.0, line)


def test_attempts_are_counted_by_time_where_no_process_is_known() -> None:
    line = "listen tcp :8080: bind: address already in use"
    lines = [LogLine("web1", "api", "/var/log/api.log", line, at=at) for at in (100.0, 100.1, 107.0)]
    assert symptoms(REF, lines)[0].count == 2


def test_the_newest_symptom_comes_first() -> None:
    old = log("listen tcp :8080: bind: address already in use", pid=1, at=10.0)
    new = log("listen tcp :80: bind: permission denied", pid=2, at=20.0)
    assert [found.errno for found in symptoms(REF, [*old, *new])] == ["EACCES", "EADDRINUSE"]


def test_lines_of_another_process_explain_nothing() -> None:
    lines = [*log("self.socket.bind(self.server_address)", pid=1), *log("[Errno 13] Permission denied", pid=2)]
    assert symptoms(REF, lines) == ()


def test_a_line_is_read_by_itself() -> None:
    assert read_line("listen tcp [::1]:8080: bind: address already in use") == BindError(
        "EADDRINUSE", "tcp", "::1", 8080
    )
    assert read_line("all is well") is None


def test_ports_that_cannot_be_are_dropped() -> None:
    error = read_line("listen tcp :99999: bind: address already in use")
    assert error == BindError("EADDRINUSE", "tcp", "*", None)


WORDS = st.sampled_from(
    ["bind", "listen", "tcp", ":8080", "address already in use", "(98)", "[Errno 98]", "::", "[", "'", "/", "denied"]
)


@given(st.lists(st.one_of(WORDS, st.text(max_size=20)), max_size=40).map(" ".join))
def test_no_line_is_too_odd(text: str) -> None:
    error = read_line(text)
    assert error is None or error.port is None or 0 < error.port < 65536


def test_one_line_is_read_with_the_lines_around_it() -> None:
    lines = log(
        "probably another instance of uWSGI is running on the same address (127.0.0.1:9090).\n"
        "bind(): Address already in use [core/socket.c line 769]\nall is well"
    )
    found = at_line(REF, lines, 1)
    assert found is not None
    assert (found.errno, found.endpoint) == ("EADDRINUSE", Endpoint("tcp", "127.0.0.1", 9090))
    assert found.line == lines[1].message
    assert at_line(REF, lines, 2) is None


def test_a_long_line_is_no_trap() -> None:
    symptoms(REF, log("failed to bind to " + "a/:" * 400_000 + " in use"))


@pytest.mark.parametrize("rest", ["[", '"', "{", "listen tcp "])
def test_a_log_is_matched_once_however_often_it_is_read(rest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    matched: list[str] = []

    def counted(pattern: str, text: str) -> re.Match[str] | None:
        matched.append(text)
        return wordings.compiled(pattern).search(text)

    lines = [
        *log("listen tcp :8080: bind: address already in use" + rest * 4096),
        *log("bind in use " + rest * 4096) * 30,
    ]
    monkeypatch.setattr(bind_errors, "_search", counted)
    first = symptoms(REF, lines)
    once = len(matched)
    assert once < 200
    assert max(map(len, matched)) <= bind_errors.LONGEST
    assert (symptoms(REF, lines), len(matched)) == (first, once)


EVIL = "listen tcp 0.0.0.0:5432: bind: address already in use"
ESCAPED = EVIL.join(('\\"', '\\"'))


@pytest.mark.parametrize(
    "line",
    [
        f'10.0.0.9 - - [27/Nov/2026:14:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "{EVIL}"',
        f'10.0.0.9 - - [27/Nov/2026:14:00:00 +0000] "-" 400 0 "-" "{EVIL}"',
        f'{{"level":"error","msg":"bad user agent","ua":"{EVIL}"}}',
        f'{{"level":"error","msg":"bad request","headers":{{"User-Agent":["{EVIL}"]}}}}',
        f'level=error msg="bad request" ua="{EVIL}"',
        f'level=warning msg="invalid username" user="{EVIL}"',
        f'level=error msg="bad request: ua={ESCAPED}"',
        'level=error msg="cannot listen for events" ua="x: address already in use"',
        f'ERROR login failed for user "{EVIL}"',
        f"ERROR login failed for user '{EVIL}'",
        f"WARN unknown header X-Foo: {EVIL}",
        f"ERROR bad request, User-Agent: {EVIL}",
        f"2026-11-27 ERROR OPTIONS request from 1.2.3.4 agent={EVIL}",
        f"ERROR bad request path={EVIL}",
        "sshd: Invalid user EADDRINUSE bind EADDRINUSE 0.0.0.0:5432 from 1.2.3.4",
    ],
)
def test_what_a_client_sent_is_no_word_of_the_program(line: str) -> None:
    assert read_line(line) is None


@pytest.mark.parametrize(
    "line",
    [
        f'level=fatal msg="{EVIL}"',
        f'level=error msg="Unable to start web listener" err="{EVIL}"',
        f'ts=1 level=error user="deploy" ua="curl" error="{EVIL}"',
        f'{{"level":"error","err":"{EVIL}","user":"deploy"}}',
        f'{{"level":"error","err":{{"type":"Error","message":"{EVIL}"}}}}',
        f'{{"error.message":"{EVIL}"}}',
        f'{{"log":"level=fatal msg={ESCAPED}"}}',
        f'level=fatal msg="run failed: error={ESCAPED}"',
        f'FATAL: cannot start: "{EVIL}"',
        f"ERROR user=deploy path=/srv/api error={EVIL}",
        f'level=error ua="{EVIL.replace("5432", "1")}" err="{EVIL}"',
        f"user=deploy {EVIL}",
        EVIL,
    ],
)
def test_what_a_program_says_in_fields_is_read(line: str) -> None:
    assert read_line(line) == BindError("EADDRINUSE", "tcp", "0.0.0.0", 5432)
