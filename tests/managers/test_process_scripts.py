"""What is noted of a process that outlived a signal: only root's note, or one's own, counts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from console.managers.process_scripts import OUTLIVED


def code(place: Path) -> int:
    environment = {**os.environ, "HOSTDECK_PLAN": str(place / "hostdeck-plan-now")}
    words = ["sh", "-c", OUTLIVED, "sh", "4194304", "77", "node (pid 4194304)"]
    return subprocess.run(words, capture_output=True, env=environment, check=False).returncode


def noted(place: Path, name: str = "before") -> Path:
    made = place / f"hostdeck-plan-{name}"
    made.mkdir()
    (made / "outlived.4194304.77").touch()
    return made


def test_ones_own_note_counts(tmp_path: Path) -> None:
    assert code(tmp_path) == 1
    noted(tmp_path)
    assert code(tmp_path) == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives a directory to another user")
def test_a_note_of_another_user_does_not(tmp_path: Path) -> None:
    made = noted(tmp_path)
    os.chown(made, 65534, 65534)
    assert code(tmp_path) == 1


def test_a_link_to_ones_own_note_does_not(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "hostdeck-plan-x").symlink_to(noted(elsewhere))
    assert code(tmp_path) == 1
