"""The scripts about containers, in every shell, with tools of our own in front."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from console.managers import container_scripts, docker

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
            env={"PATH": path, "HOME": "/"}, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(tmp_path)


@every_shell
@pytest.mark.parametrize(
    ("words", "asks"),
    [
        (("docker",), False),
        (("docker", "-H", "unix:///run/docker.sock"), False),
        (("docker", "-H", "unix:///var/run/docker.sock"), False),
        (("docker", "-H", "unix:///run/user/1001/docker.sock"), True),
        (("podman", "--url", "unix:///run/podman/podman.sock"), True),
    ],
)
def test_no_look_connects_to_an_engine_that_is_being_stopped(
    tools: Tools, shell: list[str], words: tuple[str, ...], asks: bool
) -> None:
    tools.add("systemctl", "echo deactivating")
    tools.add("docker", "echo web Up 3 minutes")
    tools.add("podman", "echo web Up 3 minutes")
    done = tools.run(shell, container_scripts.RUNNING, "", "web", *words)
    assert (done.returncode == 0, any(line.startswith(words[0]) for line in tools.called)) == (asks, asks)
    assert asks or "dockerd does not run" in done.stdout


@every_shell
@pytest.mark.skipif(shutil.which("timeout") is None, reason="no timeout here")
def test_a_look_by_sudo_at_an_engine_that_hangs_comes_to_an_end(tools: Tools, shell: list[str]) -> None:
    tools.add("sudo", 'case $* in *" -l "*) exit 0 ;; esac; exec sleep 15')
    began = time.monotonic()
    done = tools.run(shell, f"f() {{ {docker.BY_SUDO.script.replace('1 8', '1 0.5')}\n}}; f")
    assert done.returncode != 0
    assert time.monotonic() - began < 5
    assert "it hangs" in done.stderr


@every_shell
def test_what_sudo_allowed_is_not_asked_again(tools: Tools, shell: list[str]) -> None:
    tools.add("sudo", "exit 0")
    script = f"f() {{ {docker.BY_SUDO.script}\n}}; f "
    for word, asks in (("''", 2), ("known", 0)):
        assert tools.run(shell, script + word).stdout == "[]\n"
        assert sum(" -l " in line for line in tools.called) == asks
        (tools.folder / "called").unlink()
