"""The times of lines of files, read by the real command on this machine and on hosts."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from console.core.service import Service, ServiceRef, State
from console.core.snapshot import LogLine
from console.remote.log_times import BACKLOG_WITHIN, TimedLines, with_times
from console.remote.logs import source, timed_source
from tests.lab import BusyboxHost, Lab

NOW = 1_795_183_331.0
REF = ServiceRef("web1", "supervisord", "prog")
STAMPS = json.loads((Path(__file__).parent.parent / "core" / "recorded" / "stamps.json").read_text(encoding="utf-8"))
PYTHON = STAMPS["Python logging"]


class Files:
    """A program's two log files, and what the console reads of them."""

    def __init__(self, folder: Path) -> None:
        self.out, self.err = folder / "prog.out", folder / "prog.err"
        self.service = Service(REF, State.RUNNING, "RUNNING", log_files=(str(self.out), str(self.err)))

    def write(self, path: Path, *lines: str, at: float = NOW) -> None:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        os.utime(path, (at, at))

    def read(
        self, *, since: float | None = None, zone: str = "UTC0", lines: int = 500, untimed: int = 200, file: str = ""
    ) -> list[LogLine]:
        command, reader = timed_source(
            self.service, lines=lines, since=since, follow=False, file=file, now=NOW, untimed=untimed
        )
        env = {**os.environ, "LC_ALL": "C", "TZ": zone}
        done = subprocess.run(command.argv, capture_output=True, text=True, check=True, env=env, timeout=10)
        return [line for text in done.stdout.splitlines() if (line := reader(text)) is not None]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path)
    made.write(made.out, f"{utc(NOW - 600)} INFO old", f"{utc(NOW - 5)} INFO new", "  goes on")
    made.write(made.err, "panic: no disk", "goroutine 1 [running]:")
    return made


def utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S,000")


def told(lines: list[LogLine]) -> list[tuple[str, float | None, bool]]:
    return [(line.message.rpartition("INFO ")[2], line.at, line.untimed) for line in lines]


def test_each_file_has_its_own_times_and_a_line_without_one_that_of_the_line_before(files: Files) -> None:
    lines = files.read()
    assert told(lines) == [
        ("old", NOW - 600, False), ("new", NOW - 5, False), ("  goes on", NOW - 5, False),
        ("panic: no disk", None, True), ("goroutine 1 [running]:", None, True),
    ]  # fmt: skip
    assert [line.source for line in lines] == [str(files.out)] * 3 + [str(files.err)] * 2


def test_a_line_of_json_has_the_time_that_it_says_itself(files: Files) -> None:
    files.write(files.out, '{"level":30,"time":1795183326000,"msg":"pino"}', '{"level":"info","msg":"without"}')
    assert told(files.read(file=str(files.out))) == [("pino", NOW - 5, False), ("without", NOW - 5, False)]


def test_since_leaves_out_what_is_older_and_nothing_of_what_has_no_time(files: Files) -> None:
    lines = [line.message.rpartition("INFO ")[2] for line in files.read(since=NOW - 60)]
    assert lines == ["new", "  goes on", "panic: no disk", "goroutine 1 [running]:"]


def test_of_a_file_without_times_the_last_lines_stand_for_what_is_younger(files: Files) -> None:
    files.write(files.err, *(f"line {number}" if number % 3 else "" for number in range(300)))
    lines = [line.message for line in files.read(since=NOW - 60, untimed=3) if line.untimed]
    assert lines == ["line 298", "line 299"], "blank lines count, as they do for tail"


def test_what_comes_later_is_news_however_many_lines_there_were(files: Files) -> None:
    now = [0.0]
    read, paths = source(files.service, lines=9, since=None, follow=False)[1], (str(files.err),)
    reader = TimedLines(read, paths, now=NOW, since=NOW - 60, untimed=0, clock=lambda: now[0])
    for text in ("zone +0000", "file", "written 1", "held 20000", "end"):
        assert reader(text) is None
    assert reader("x") is None
    now[0] = BACKLOG_WITHIN + 1
    assert reader("x") is not None


def test_the_lines_before_the_first_time_are_as_young_as_that(files: Files) -> None:
    files.write(files.out, "starting", f"{utc(NOW - 5)} INFO new")
    assert files.read(since=NOW - 60, file=str(files.out))[0].message == "starting"
    files.write(files.out, "  cut off", f"{utc(NOW - 600)} INFO old", f"{utc(NOW - 5)} INFO new")
    assert [line.message[-3:] for line in files.read(since=NOW - 60, file=str(files.out))] == ["new"]


def test_times_without_a_zone_are_those_of_the_host(files: Files) -> None:
    local = datetime.fromtimestamp(NOW - 5, timezone(timedelta(hours=5, minutes=30))).strftime("%Y-%m-%d %H:%M:%S")
    files.write(files.out, f"{local} INFO new", at=NOW - 5)
    assert files.read(zone="IST-5:30", file=str(files.out))[0].at == NOW - 5


def test_a_program_that_writes_utc_on_a_host_elsewhere_is_believed(files: Files) -> None:
    files.write(files.out, f"{utc(NOW - 5)} INFO new", at=NOW - 4)
    assert files.read(zone="CET-1", file=str(files.out))[0].at == NOW - 5


@pytest.mark.parametrize("program", STAMPS)
def test_recorded_lines_of_real_programs_have_their_times(files: Files, program: str) -> None:
    known = STAMPS[program]
    files.write(files.out, *known["lines"], at=known["at"])
    command, reader = timed_source(
        files.service, lines=99, since=None, follow=False, file=str(files.out), now=known["at"], untimed=9
    )
    env = {**os.environ, "LC_ALL": "C", "TZ": "CET-1"}
    done = subprocess.run(command.argv, capture_output=True, text=True, check=True, env=env, timeout=10)
    lines = [line for text in done.stdout.splitlines() if (line := reader(text)) is not None]
    assert len(lines) == len(known["lines"])
    assert all(line.at == pytest.approx(known["at"], abs=10) for line in lines)


def test_a_file_that_is_not_there_fails_as_before(files: Files) -> None:
    files.err.unlink()
    command, _ = timed_source(files.service, lines=9, since=None, follow=False, file=str(files.err), now=NOW, untimed=9)
    done = subprocess.run(command.argv, capture_output=True, text=True, check=False, timeout=10)
    assert (done.returncode, "No such file" in done.stderr) == (1, True)


def test_no_line_of_a_log_is_taken_for_what_comes_before_it(files: Files) -> None:
    files.write(files.out, "end", "| 2026-11-20 14:02:11", "zone +1400", "file", f"==> {files.err} <== 12:00")
    assert [line.message for line in files.read() if line.source == str(files.out)] == [
        "end", "| 2026-11-20 14:02:11", "zone +1400", "file", f"==> {files.err} <== 12:00",
    ]  # fmt: skip


def test_a_flood_that_drops_what_comes_before_the_log_loses_only_the_times(files: Files) -> None:
    read, paths = source(files.service, lines=9, since=None, follow=False)[1], (str(files.out), str(files.err))
    reader = TimedLines(read, paths, now=NOW, since=None, untimed=9)
    line = reader(f"{utc(NOW)} INFO x")
    assert line is not None
    assert (line.message.rpartition(" ")[2], line.at) == ("x", None)
    zoned = reader("2026-11-20T14:02:11Z x")
    assert zoned is not None
    assert zoned.at == NOW


def test_lines_that_have_a_time_of_their_manager_keep_it(files: Files) -> None:
    known = LogLine("web1", "prog", "journal", f"{utc(NOW)} x", at=5.0)
    reader = TimedLines(lambda _: known, (), now=NOW, since=NOW - 60, untimed=9)
    assert reader("anything") is known


def test_the_log_of_a_manager_with_times_is_asked_for_as_before() -> None:
    unit = Service(ServiceRef("web1", "systemd", "api.service"), State.RUNNING, "active")
    more = {"lines": 9, "since": None, "follow": False}
    timed, _ = timed_source(unit, **more, file="", now=NOW, untimed=9)  # type: ignore[arg-type]
    assert timed == source(unit, **more)[0]  # type: ignore[arg-type]


def test_a_busybox_host_tells_the_same(lab: Lab) -> None:
    host = lab.boot("times", kind=BusyboxHost)
    host.write("/tmp/prog.out", "".join(f"{line}\n" for line in PYTHON["lines"]))
    host.write("/tmp/prog.err", "no time\n\nat all\n")
    service = Service(REF, State.RUNNING, "RUNNING", log_files=("/tmp/prog.out", "/tmp/prog.err"))
    base, read = source(service, lines=9, since=None, follow=False)
    command = with_times(replace(base), service.log_files, 9)
    reader: Callable[[str], LogLine | None] = TimedLines(
        read, service.log_files, now=PYTHON["at"], since=None, untimed=9
    )
    text = host.run(list(command.argv)).stdout
    lines = [line for each in text.splitlines() if (line := reader(each)) is not None]
    assert [(line.at is not None, line.untimed) for line in lines] == [(True, False)] * 8 + [(False, True)] * 2
