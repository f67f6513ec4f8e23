"""Where no lab can run its tests are skipped with a reason; on a build machine they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import LONGEST
from tests.lab import packages
from tests.lab.faults import REPOSITORY

NEEDS_A_LAB = "tests/lab/test_users.py::test_deploy_has_no_login"


@pytest.mark.parametrize(("ci", "words"), [("", "1 skipped"), ("true", "1 error")])
def test_a_missing_lab(ci: str, words: str) -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "-rsE", "-p", "no:cacheprovider", NEEDS_A_LAB]
    environment = {**os.environ, "PATH": "/nowhere", "CI": ci}
    done = subprocess.run(argv, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert words in done.stdout
    assert "the lab needs" in done.stdout


def test_the_marker_is_put_on_by_itself() -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "-m", "lab", NEEDS_A_LAB]
    environment = {**os.environ, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(argv, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert NEEDS_A_LAB in done.stdout


def test_the_mirror_is_read_from_both_kinds_of_source_files(tmp_path: Path) -> None:
    root = tmp_path
    (root / "sources.list.d").mkdir()
    (root / "sources.list.d/other.list").write_text(
        "deb [arch=amd64 signed-by=/k] http://other.test/apt stable-x main\n"
    )
    (root / "sources.list").write_text("# deb http://old.test/debian bookworm main\n")
    with pytest.raises(packages.LabError, match="no Debian mirror"):
        packages.debian_mirror(root)
    (root / "sources.list").write_text("deb [trusted=yes] http://one.test/debian bookworm main contrib\n")
    assert packages.debian_mirror(root) == "http://one.test/debian"
    (root / "sources.list").unlink()
    text = "Types: deb\n# a comment\nURIs: http://two.test/debian\nSuites: trixie trixie-updates\nComponents: main\n"
    (root / "sources.list.d/debian.sources").write_text(text)
    assert packages.debian_mirror(root) == "http://two.test/debian"


def test_the_files_that_begin_are_there() -> None:
    assert [name for name in LONGEST if not (REPOSITORY / "tests" / name).is_file()] == []
