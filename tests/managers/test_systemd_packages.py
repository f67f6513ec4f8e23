"""Whether another package manager is at work, by a real lock."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from console.managers import systemd_packages as packages
from tests.managers.tools import Tools, every_shell


@every_shell
def test_a_lock_that_somebody_holds_is_seen_before(tmp_path: Path, shell: list[str]) -> None:
    tools, path = Tools(tmp_path), tmp_path / "lock-frontend"
    words = (str(tmp_path / "none"), str(path))
    with path.open("w") as file:
        assert tools.run(shell, packages.UNLOCKED, *words).stdout == "nobody holds them\n"
        fcntl.lockf(file, fcntl.LOCK_EX)
        done = tools.run(shell, packages.UNLOCKED, *words)
    assert (done.returncode, f"{path} is held by process {os.getpid()} (" in done.stdout) == (1, True), done
    assert tools.run(shell, packages.UNLOCKED, *words).returncode == 0
