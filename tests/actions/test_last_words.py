"""What is kept of a log file: what it got since a plan began, read by the scripts of plans."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from console.actions.scripts import REMEMBER_END, SINCE_REMEMBERED


def sh(place: Path, script: str, *words: str) -> tuple[int, str]:
    environment = {**os.environ, "HOSTDECK_PLAN": str(place)}
    done = subprocess.run(["sh", "-c", script, "sh", "k", *words], capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "an odd $(name).log"


def test_only_what_was_written_since_is_kept_and_of_that_the_last(tmp_path: Path, log: Path) -> None:
    log.write_text("of the release before\n")
    assert sh(tmp_path, REMEMBER_END, str(log)) == (0, "")
    with log.open("a") as file:
        file.write("".join(f"line {number}\n" for number in range(5)))
    assert sh(tmp_path, SINCE_REMEMBERED, str(log), "40") == (0, "".join(f"line {n}\n" for n in range(5)))
    assert sh(tmp_path, SINCE_REMEMBERED, str(log), "2") == (0, "line 3\nline 4\n")


def test_a_file_that_came_later_or_was_rotated_is_new(tmp_path: Path, log: Path) -> None:
    assert sh(tmp_path, REMEMBER_END, str(log)) == (0, "")
    assert sh(tmp_path, SINCE_REMEMBERED, str(log), "40") == (1, f"there is no file {log}\n")
    log.write_text("the first line of it\n")
    assert sh(tmp_path, SINCE_REMEMBERED, str(log), "40") == (0, "the first line of it\n")
    sh(tmp_path, REMEMBER_END, str(log))
    log.write_text("anew\n")
    assert sh(tmp_path, SINCE_REMEMBERED, str(log), "40") == (0, "anew\n")
