"""The log of a release whose health check fails: what it says itself stays among the requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.actions.fold_scripts import FOLD, FOLDED
from tests.managers.tools import Tools, every_shell


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(tmp_path)


def folded(tools: Tools, shell: list[str], lines: list[str], most: int = 40) -> list[str]:
    (tools.folder / "log").write_text("".join(f"{line}\n" for line in lines))
    script = f"HOSTDECK_PLAN={tools.folder}\n{FOLDED}"
    done = tools.run(shell, script, str(most), FOLD, "cat", str(tools.folder / "log"))
    assert (done.returncode, done.stderr) == (0, "")
    assert [one.name for one in tools.folder.iterdir() if one.name.startswith("words")] == []
    return done.stdout.splitlines()


def asked(second: int, status: int, port: int = 40000) -> str:
    return f'127.0.0.1:{port + second} - - [28/Nov/2026 02:10:{second:02}] "GET /health HTTP/1.1" {status} {second} ms'


@every_shell
def test_requests_are_one_line_by_status_and_what_is_between_them_stays(tools: Tools, shell: list[str]) -> None:
    said = ["2026-11-28T02:10:00+0000 starting", "2026-11-28T02:10:01+0000 cannot open the ledger"]
    lines = [asked(0, 200), *said, *(asked(second, 503) for second in range(60)), "2026-11-28T02:11:00+0000 leaving"]
    assert folded(tools, shell, lines, 4) == [
        *said, f"{asked(59, 503)}   [the last of 60 such lines]", lines[-1],
    ]  # fmt: skip
    assert folded(tools, shell, lines)[0] == asked(0, 200), "that of another status is not one of them"


JSON = (
    '{{"time": "2026-11-28T02:10:{0:02}.{0:03}Z", "level": "error", "msg": "request", "service": "api", "pid": 7, '
    '"method": "GET", "path": "/health", "status": {1}, "client": "127.0.0.1", "ms": 0.{2}}}'
)
LOGFMT = "ts=2026-11-28T02:10:{0:02}Z level=error method=GET path=/health status={1} dur={2}us"


@every_shell
@pytest.mark.parametrize("form", [JSON, LOGFMT])
def test_requests_in_the_form_of_fields_are_one_line_by_status_too(tools: Tools, shell: list[str], form: str) -> None:
    lines = [form.format(second, 503 if second else 500, 114 + second * 31) for second in range(30)]
    said = form.format(3, 503, 1).replace("GET", "POST")
    assert folded(tools, shell, [*lines[:9], said, *lines[9:]]) == [
        lines[0], said, f"{lines[-1]}   [the last of 29 such lines]",
    ]  # fmt: skip


@every_shell
def test_other_lines_are_one_only_where_they_follow_one_another_and_differ_in_their_times(
    tools: Tools, shell: list[str]
) -> None:
    lines = [f"Nov 28 02:10:0{second} api: connect to 10.0.0.{5 + (second > 3)}: refused" for second in range(6)]
    mixed = [one for second, line in enumerate(lines) for one in (line, asked(second, 500))]
    assert folded(tools, shell, mixed) == [
        f"{lines[3]}   [the last of 4 such lines]", f"{lines[5]}   [the last of 2 such lines]",
        f"{asked(5, 500)}   [the last of 6 such lines]",
    ]  # fmt: skip
    trace = ["Traceback:", "  in main", "ValueError", "Traceback:", "  in main", "KeyError"]
    assert folded(tools, shell, trace) == trace


@every_shell
def test_what_cannot_be_read_says_so_with_its_exit(tools: Tools, shell: list[str]) -> None:
    script = f"HOSTDECK_PLAN={tools.folder}\n{FOLDED}"
    done = tools.run(shell, script, "40", FOLD, "sh", "-c", "echo ann may not read it; exit 3")
    assert (done.returncode, done.stdout) == (3, "ann may not read it\n")
