"""What is kept of the log of a service: what it got since a plan touched it, read by the scripts of plans."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from console.actions.scripts import KEEP_MARK, SINCE_MARK
from console.core.command import Command
from console.managers import log_marks


class Log:
    """Log files, or the tool that prints them, as a plan looks at them."""

    def __init__(self, place: Path, marked: log_marks.Marked) -> None:
        self.place, self.marked = place, marked

    def _sh(self, script: str, command: Command) -> tuple[int, str]:
        environment = {**os.environ, "HOSTDECK_PLAN": str(self.place)}
        words = ["sh", "-c", script, "sh", "k", *command.argv]
        done = subprocess.run(words, capture_output=True, text=True, env=environment)
        assert not done.stderr
        return done.returncode, done.stdout

    def mark(self) -> None:
        assert self._sh(KEEP_MARK, self.marked.mark) == (0, "")

    def since(self) -> tuple[int, str]:
        return self._sh(SINCE_MARK, self.marked.since)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "an odd $(name).log"


@pytest.fixture
def log(tmp_path: Path, path: Path) -> Log:
    return Log(tmp_path, log_marks.of_file(str(path), lines=3))


def said(*numbers: int) -> str:
    return "".join(f"line {number}\n" for number in numbers)


def add(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.parametrize("before", ["", "of the release before\n", "of the release before\n" * 100])
def test_only_what_was_written_since_is_kept_and_of_that_the_last(path: Path, log: Log, before: str) -> None:
    path.write_text(before)
    log.mark()
    assert log.since() == (0, "")
    add(path, said(1, 2))
    assert log.since() == (0, said(1, 2))
    add(path, said(3, 4))
    assert log.since() == (0, said(2, 3, 4))


def test_a_file_that_came_later_is_new(path: Path, log: Log) -> None:
    log.mark()
    assert log.since() == (1, f"there is no file {path}\n")
    path.write_text("the first line of it\n")
    assert log.since() == (0, "the first line of it\n")


def test_of_a_file_that_was_moved_aside_its_end_and_the_new_one_are_kept(path: Path, log: Log) -> None:
    path.write_text("of the release before\n")
    log.mark()
    add(path, said(1))
    path.rename(f"{path}.1")
    path.write_text(said(2))
    assert log.since() == (0, said(1, 2))


@pytest.mark.parametrize("grown", ["anew\n", "anew\n" + "and grown beyond where it ended before\n" * 2])
def test_a_file_that_was_emptied_is_new_however_long_it_is_by_now(path: Path, log: Log, grown: str) -> None:
    path.write_text("of the release before, one line\n")
    log.mark()
    path.write_text(grown)
    assert log.since() == (0, grown)


def test_of_several_files_it_is_said_which_a_line_is_of(tmp_path: Path) -> None:
    out, err = tmp_path / "out.log", tmp_path / "err.log"
    out.write_text("of before\n")
    err.write_text("of before\n")
    log = Log(tmp_path, log_marks._marked((str(out), str(err)), ("false",), 3, whose=None))
    log.mark()
    add(err, "panic\n")
    assert log.since() == (0, f"==> {err} <==\npanic\n")


def test_what_only_its_manager_tells_is_new_where_it_did_not_say_it_before(tmp_path: Path, path: Path) -> None:
    """A file of which only the end is printed, with a line that comes again."""
    path.write_text("started\nbind failed\n")
    log = Log(tmp_path, log_marks._marked((), ("tail", "-n", "200", "--", str(path)), 3, whose=None))
    log.mark()
    assert [file.stat().st_mode & 0o77 for file in tmp_path.glob("**/log.*")] == [0]
    assert log.since() == (0, "")
    add(path, "started\nbind failed\n")
    assert log.since() == (0, "started\nbind failed\n")
    add(path, "given up\n")
    assert log.since() == (0, "started\nbind failed\ngiven up\n")


def test_what_was_not_marked_or_cannot_be_asked_any_more_is_no_evidence(tmp_path: Path, path: Path, log: Log) -> None:
    path.write_text("of before\n")
    assert log.since() == (1, "where it ended before was not noted\n")
    tool = Log(tmp_path, log_marks._marked((), ("cat", "--", str(path)), 3, whose=None))
    tool.mark()
    path.unlink()
    code, told = tool.since()
    assert code == 1
    assert told.endswith("No such file or directory\n")
