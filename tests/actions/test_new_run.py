"""Whether a service runs anew, told by what its manager prints of its run before and afterwards."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from console.actions import run_scripts
from tests.probes.asking import SHELLS

BEFORE = "MainPID=10\nInvocationID=a\nAgain=4"
ONCE = "started once more by itself before it was first looked at, pid"


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ran(shell: str, place: Path, script: str, told: str) -> tuple[int, str]:
    words = (*shell.split(), "-c", script, "sh", "key", "printf", "%s\n", told)
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=10, check=False, env={**os.environ, "HOSTDECK_PLAN": str(place)}
    )
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.mark.parametrize(
    ("before", "first", "said"),
    [
        (BEFORE, "MainPID=33\nInvocationID=b\nAgain=0", (0, "pid 10 -> 33")),
        (BEFORE, "MainPID=33\nInvocationID=b", (0, "pid 10 -> 33")),
        (BEFORE, "MainPID=33\nInvocationID=b\nAgain=1", (1, f"{ONCE} 10 -> 33")),
        (BEFORE, "MainPID=33\nInvocationID=b\nAgain=4", (1, f"{ONCE} 10 -> 33")),
        (BEFORE, "MainPID=33\nRun=b\nAgain=0\nMainPID=34\nRun=c\nAgain=2", (1, f"{ONCE} 10 -> 33")),
        ("MainPID=0\nAgain=4\nKeeps=4", "MainPID=33\nInvocationID=b\nAgain=4", (0, "pid 33, none before")),
        ("MainPID=0\nAgain=4\nKeeps=4", "MainPID=33\nInvocationID=b\nAgain=5", (1, f"{ONCE} 0 -> 33")),
        ("MainPID=0\nAgain=4\nKeeps=4", "MainPID=33\nInvocationID=b\nAgain=0", (0, "pid 33, none before")),
        ("MainPID=0\nrevision=1 up=yes\nAgain=1", "MainPID=0\nrevision=2 up=yes\nAgain=1", (1, f"{ONCE} 0 -> 0")),
        ("MainPID=0\nrevision=1 up=yes\nAgain=1", "MainPID=0\nrevision=2 up=yes\nAgain=0", (0, "a new run")),
    ],
)
def test_what_was_started_by_itself_before_the_first_look_is_told(
    shell: str, tmp_path: Path, before: str, first: str, said: tuple[int, str]
) -> None:
    assert ran(shell, tmp_path, run_scripts.REMEMBER, before) == (0, "")
    for _ in range(2):
        assert ran(shell, tmp_path, run_scripts.NEW_RUN, first) == said


def test_between_two_runs_there_is_no_new_one(shell: str, tmp_path: Path) -> None:
    ran(shell, tmp_path, run_scripts.REMEMBER, BEFORE)
    for _ in range(2):
        assert ran(shell, tmp_path, run_scripts.NEW_RUN, "MainPID=0\nKeeps=1") == (1, "it has no process")
    assert ran(shell, tmp_path, run_scripts.NEW_RUN, "MainPID=33") == (0, "pid 10 -> 33")


def test_what_is_started_by_itself_later_is_told(shell: str, tmp_path: Path) -> None:
    ran(shell, tmp_path, run_scripts.REMEMBER, BEFORE)
    ran(shell, tmp_path, run_scripts.NEW_RUN, "MainPID=33\nInvocationID=b\nAgain=0")
    after = ran(shell, tmp_path, run_scripts.NEW_RUN, "MainPID=35\nInvocationID=c\nAgain=1")
    assert after == (1, "started once more by itself, pid 33 -> 35")


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("MainPID=0\nKeeps=1", (77, "not checked: of a run that has ended its manager keeps nothing")),
        ("MainPID=0\nInvocationID=a\nKeeps=4", (1, "it did not run again")),
        ("MainPID=0\nInvocationID=b\nKeeps=4", (0, "a new run")),
    ],
)
def test_of_what_ends_by_itself_only_what_names_its_run_counts(
    shell: str, tmp_path: Path, now: str, said: tuple[int, str]
) -> None:
    ran(shell, tmp_path, run_scripts.REMEMBER, now.replace("=b", "=a"))
    assert ran(shell, tmp_path, run_scripts.RAN_ANEW, now) == said
