"""Shell scripts of the managers, run here in every shell, with tools of our own in front."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SHELLS = [words for words in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(words[0])]
every_shell = pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])


class Tools:
    """Commands of our own; each notes that it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, body: str) -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.folder}/called"\n{body}\n')
        path.chmod(0o755)

    @property
    def called(self) -> list[str]:
        path = self.folder / "called"
        return path.read_text().splitlines() if path.exists() else []

    def run(self, shell: list[str], script: str, *args: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}:{os.environ['PATH']}"
        return subprocess.run(
            [*shell, "-c", script, "sh", *args],
            env={"PATH": path, "HOME": "/"}, cwd=self.folder, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
