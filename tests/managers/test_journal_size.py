"""However much services write, an answer stays small and is still whole JSON: with every awk that hosts have."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from console.core.snapshot import LogLine
from console.managers.systemd_journal import ANSWER_BYTES, LINE_BYTES, MESSAGE_BYTES, USER_JOURNAL_SCRIPT, parse_journal

AWKS = [
    [name] if name != "busybox" else ["busybox", "awk"] for name in ("mawk", "gawk", "busybox") if shutil.which(name)
]


def entry(message: object, number: int = 0) -> str:
    """As journalctl 252 prints it: UTF-8 as it is, in no fixed order of the fields."""
    fields = {"__CURSOR": f"s=1;i={number:x}", "_PID": "157", "MESSAGE": message, "PRIORITY": "3",
              "__REALTIME_TIMESTAMP": f"{1795196014000000 + number}"}  # fmt: skip
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


@pytest.fixture(params=AWKS, ids=lambda words: words[0])
def ask(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Run the script where ``journalctl`` prints given lines for each unit."""

    def program(name: str, text: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)

    def run(units: dict[str, list[str]], exit_code: int = 0) -> subprocess.CompletedProcess[bytes]:
        program("awk", f'exec {shutil.which(request.param[0])} {" ".join(request.param[1:])} "$@"')
        for name, lines in units.items():
            (tmp_path / f"{name}.log").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        program("journalctl", f'for last; do :; done\ncat "{tmp_path}/${{last#*=}}.log"\nexit {exit_code}')
        words = ["sh", "-c", USER_JOURNAL_SCRIPT, "sh", "60", *units]
        env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LC_ALL": "C"}
        return subprocess.run(words, capture_output=True, env=env)

    return run


def read(done: "subprocess.CompletedProcess[bytes]") -> tuple[LogLine, ...]:
    assert done.returncode == 0, done.stderr
    return parse_journal(done.stdout.decode("utf-8", "replace").rstrip("\n"))


def test_short_lines_are_told_as_they_are(ask) -> None:  # type: ignore[no-untyped-def]
    lines = [entry('a "word" \\ caf\u00e9', 1), entry([27, 91, 65], 2), entry("x" * (LINE_BYTES - 300), 3)]
    done = ask({"a.service": lines, "b.service": []})
    assert done.stdout.decode() == "unit a.service\n" + "\n".join(lines) + "\nunit b.service\n"


@pytest.mark.parametrize(
    "tail", ["y" * 30_000, "\\" * 30_000, '"' * 30_000, "\n" * 30_000, "\x01\\\x02" * 9_000, "\u00e9" * 20_000]
)
@pytest.mark.parametrize("shift", range(7))
def test_a_long_line_keeps_its_place_and_its_beginning(ask, tail: str, shift: int) -> None:  # type: ignore[no-untyped-def]
    head = "listen tcp :8080" + "-" * shift
    [line, after] = read(ask({"a.service": [entry(head + tail, 5), entry("after", 6)]}))
    assert line.message.startswith(head)
    assert "bytes cut]" in line.message
    assert (line.at, line.pid, line.level, line.cursor) == (1795196014.000005, 157, "error", "s=1;i=5")
    assert len(line.message) < MESSAGE_BYTES + 100
    assert after.message == "after"


def test_bytes_are_cut_and_counted(ask) -> None:  # type: ignore[no-untyped-def]
    [line] = read(ask({"a.service": [entry([120] * 48_000)]}))
    kept = line.message.partition("…")[0]
    assert set(kept) == {"x"}
    assert line.message.endswith(f"… [{48_000 - len(kept)} bytes cut]")


def test_an_answer_has_a_limit_and_keeps_the_newest(ask) -> None:  # type: ignore[no-untyped-def]
    done = ask({name: [entry([130] * 48_000, number) for number in range(40)] for name in ("a.service", "b.service")})
    assert len(done.stdout) <= ANSWER_BYTES + 100
    found = read(done)
    for name in ("a.service", "b.service"):
        mine = [line for line in found if line.service == name]
        assert mine[-1].cursor == "s=1;i=27"
        assert len(mine) >= 15


def test_a_name_of_a_field_inside_a_message_is_no_field(ask) -> None:  # type: ignore[no-untyped-def]
    text = '","_PID":"1","MESSAGE":"false","__REALTIME_TIMESTAMP":"1' + "z" * 30_000
    [line] = read(ask({"a.service": [entry(text, 7)]}))
    assert (line.pid, line.at) == (157, 1795196014.000007)


def test_a_failure_of_journalctl_is_told(ask) -> None:  # type: ignore[no-untyped-def]
    assert ask({"a.service": []}, exit_code=3).returncode == 3
