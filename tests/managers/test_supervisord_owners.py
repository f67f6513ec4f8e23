"""A supervisord that another user could have put there: nothing of it is run, read or believed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.managers.supervisord import SUPERVISORD_PRESENCE
from console.managers.supervisord_files import GROUND_PROBE, Ground
from tests.probes.asking import HERE, SHELLS

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")


class Installed:
    """An environment with a supervisord of its own; its interpreter leaves a mark when it is run."""

    def __init__(self, home: Path) -> None:
        self.home, self.bin, self.conf, self.mark = home, home / "bin", home / "supervisord.conf", home.parent / "ran"
        self.socket = home / "supervisor.sock"
        self.bin.mkdir(parents=True)
        self.conf.write_text("[supervisord]\n")
        self._script("python3", f'touch {self.mark}; exec /usr/bin/env python3 "$@"')
        self._script("supervisorctl", "exit 0")
        self._script("supervisord", "sleep 60 & wait")
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(self.socket))

    def _script(self, name: str, does: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{does}\n")
        (self.bin / name).chmod(0o755)

    @contextmanager
    def running(self, user: int | None = None) -> Iterator[int]:
        words = ["/bin/sh", str(self.bin / "supervisord"), "-c", str(self.conf)]
        with subprocess.Popen(words, user=user, start_new_session=True) as process:
            try:
                yield process.pid
            finally:
                os.killpg(process.pid, 9)

    def ground(self, shell: str = "sh", user: int | None = None) -> Ground:
        with self.running(user) as pid:
            return HERE.ask(GROUND_PROBE, str(self.socket), str(pid), shell=shell)


@pytest.fixture
def installed() -> Iterator[Installed]:
    # Not below a directory that only its owner may search: the other user must reach it.
    top = Path(f"/tmp/hostdeck-owners-{os.getpid()}")
    top.mkdir(mode=0o755)
    try:
        yield Installed(top / "env")
    finally:
        shutil.rmtree(top)


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_ours_is_used(installed: Installed, shell: str) -> None:
    """A socket that a group may use is no less ours, and links are followed."""
    installed.socket.chmod(0o770)
    (installed.bin / "python3").rename(installed.bin / "python3.11")
    (installed.bin / "python3").symlink_to("python3.11")
    found = installed.ground(shell)
    assert found.foreign is None
    assert found.tool == (str(installed.bin / "supervisorctl"), "-c", str(installed.conf))
    assert installed.mark.exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["bin", "bin/python3", "bin/supervisorctl", "supervisord.conf", "."])
def test_what_others_may_change_is_not_run(installed: Installed, name: str, shell: str) -> None:
    (installed.home / name).chmod(0o775)
    found = installed.ground(shell)
    assert "may be changed by other users" in (found.foreign or "")
    assert (found.tool, found.programs) == ((), None)
    assert not installed.mark.exists()


@as_root
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["bin", "bin/python3", "bin/supervisorctl", "supervisord.conf", "supervisor.sock"])
def test_what_is_anothers_is_not_run(installed: Installed, name: str, shell: str) -> None:
    os.chown(installed.home / name, NOBODY, NOBODY)
    found = installed.ground(shell)
    assert (found.foreign or "").endswith(f"{name} belongs to another user, nobody")
    assert not installed.mark.exists()


@as_root
def test_a_link_of_another_is_not_followed(installed: Installed) -> None:
    (installed.bin / "python3").unlink()
    (installed.bin / "python3").symlink_to("/usr/bin/env")
    os.chown(installed.bin / "python3", NOBODY, NOBODY, follow_symlinks=False)
    assert "belongs to another user" in (installed.ground().foreign or "")


@as_root
def test_a_process_of_another_is_not_believed(installed: Installed) -> None:
    found = installed.ground(user=NOBODY)
    assert "belongs to another user, nobody" in (found.foreign or "")
    assert not installed.mark.exists()


@as_root
@pytest.mark.parametrize("shell", SHELLS)
def test_a_socket_in_tmp_is_talked_to_only_if_it_is_ours(shell: str) -> None:
    path = Path("/tmp/supervisor.sock")
    if path.exists():
        pytest.skip("there is one")
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
        assert f"rw {path}" in HERE.output(SUPERVISORD_PRESENCE, shell=shell)
        os.chown(path, NOBODY, NOBODY)
        told = HERE.output(SUPERVISORD_PRESENCE, shell=shell)
        assert f"denied {path}" in told
        assert f"rw {path}" not in told
    finally:
        path.unlink()
