"""The evidence of a verdict as sections: for the page, the terminal and the report."""

from dataclasses import replace
from datetime import UTC
from pathlib import Path

from console.core.snapshot import LogLine
from console.diagnosis import as_markdown, diagnose
from console.diagnosis.as_text import MOST_IN_REPORT
from console.diagnosis.looks import look
from console.diagnosis.report import LOG_LINES, sections
from console.managers.systemd import JOURNAL
from console.probes import limits, listeners, process
from tests.diagnosis.factories import HOST, NOW, listener
from tests.diagnosis.test_diagnose import look as seen
from tests.probes.recorded import read

LOG = tuple(LogLine(HOST, "api.service", "journal", f"line {number}", at=NOW) for number in range(30))


def test_it_is_told_in_the_order_in_which_it_is_read() -> None:
    taken = look(listeners.PROBE, (), "tcp LISTEN 0 5 0.0.0.0:8080 0.0.0.0:*", None, 8080)
    verdict = replace(diagnose(seen(listener())), looks=(taken, look(process.SHOWN, ("7",), "", "no ps", None)))
    found = sections(verdict, LOG, UTC)
    assert [section.title for section in found] == [
        "What was found",
        "Log of api.service",
        "$ ss -Hltunpe",
        "$ ps -ww -o pid,ppid,user,lstart,args -p 7",
        "1 stop legacy.service, then start api.service (recommended)",
        "2 let api.service listen on 8081 (no listener seen)",
    ]
    assert found[1].lines[0] == "08:00:00 line 10"
    assert len(found[1].lines) == LOG_LINES
    assert found[3].lines == ("no answer: no ps",)


def test_what_is_not_typed_by_anybody_is_not_shown_as_a_command() -> None:
    verdict = replace(diagnose(seen(listener())), looks=(look(process.PROBE, ("7",), "pid 7", None, None),))
    assert "(/proc of 7)" in [section.title for section in sections(verdict)]


def test_no_secret_leaves_with_the_page_or_the_report() -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
    key = ("-----BEGIN PRIVATE KEY-----", body, "-----END PRIVATE KEY-----")
    log = tuple(LogLine(HOST, "api.service", "journal", line, at=NOW) for line in (*key, "password=hunter2"))
    verdict = replace(diagnose(seen(listener())), evidence=("process 7: api --token=hunter2", *key))
    page = "\n".join(line for section in sections(verdict, log) for line in section.lines)
    for text in (as_markdown(verdict, UTC, log), page):
        assert "hunter2" not in text
        assert body not in text


def test_a_report_has_every_look_in_a_fence_of_its_own() -> None:
    taken = look(listeners.PROBE, (), "tcp LISTEN 0 5 0.0.0.0:8080 0.0.0.0:*", None, 8080)
    text = as_markdown(replace(diagnose(seen(listener())), looks=(taken,)), UTC, LOG)
    assert "**$ ss -Hltunpe**\n\n```text\ntcp LISTEN 0 5 0.0.0.0:8080 0.0.0.0:*\n```" in text
    assert "**Log of api.service**" in text


def test_a_report_is_short_and_says_how_to_see_all_of_it() -> None:
    rows = "\n".join(f"tcp LISTEN 0 5 10.0.0.{number}:8080 0.0.0.0:*" for number in range(50))
    verdict = replace(diagnose(seen(listener())), looks=(look(listeners.PROBE, (), rows, None, 8080),))
    text = as_markdown(verdict)
    assert f"10.0.0.{MOST_IN_REPORT - 1}:8080" in text
    assert f"10.0.0.{MOST_IN_REPORT}:8080" not in text
    assert "\n... 30 more lines: hostdeck why web1/systemd:api.service --evidence\n" in text
    assert "10.0.0.49:8080" in "\n".join(line for section in sections(verdict) for line in section.lines)


def test_the_looks_print_what_their_commands_print() -> None:
    recorded = read(find_case("limits"))
    assert look(limits.PROBE, (), recorded.output, None, None).output.split("\n")[0] == (
        "net.ipv4.ip_unprivileged_port_start = 80"
    )
    recorded = read(find_case("listeners-root"))
    assert "hostdeck-" not in look(listeners.PROBE, (), recorded.output, None, None).output
    journal = '{"MESSAGE": "one", "_PID": "7", "__REALTIME_TIMESTAMP": "1795720789000000", "PRIORITY": "6"}'
    taken = look(JOURNAL, ("100", "api.service"), f"unit api.service\n{journal}", None, None)
    assert (taken.command, taken.output) == ("journalctl -q --no-pager -o cat -n 100 -u api.service", "one")


def find_case(name: str) -> Path:
    return Path(__file__).parent.parent / "probes" / "recorded" / f"{name}.txt"
