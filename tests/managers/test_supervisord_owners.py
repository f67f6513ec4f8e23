"""A supervisord that another user could have put there: nothing of it is run, read or believed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.managers.supervisord import SUPERVISORD, SUPERVISORD_PRESENCE
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
                # A program that has just been started has no words for a moment.
                while process.poll() is None and not Path(f"/proc/{process.pid}/cmdline").read_bytes():
                    pass
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
    assert (found.shared, found.hidden) == (True, False)
    assert not installed.mark.exists()


@as_root
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["bin", "bin/python3", "bin/supervisorctl", "supervisord.conf", "supervisor.sock"])
def test_what_is_anothers_is_not_run(installed: Installed, name: str, shell: str) -> None:
    os.chown(installed.home / name, NOBODY, NOBODY)
    found = installed.ground(shell)
    assert (found.foreign or "").endswith(f"{name} belongs to another user, nobody")
    assert found.hidden
    assert not installed.mark.exists()


@as_root
def test_what_is_anothers_below_what_others_may_change_is_hidden(installed: Installed) -> None:
    installed.home.chmod(0o775)
    os.chown(installed.socket, NOBODY, NOBODY)
    found = installed.ground()
    assert "may be changed by other users" in (found.foreign or "")
    assert found.hidden


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


CALLED = """#!/bin/sh
echo $$ >{home}/pid
read -r _ <{home}/fifo
"""


@as_root
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "words", [("-c", "{home}/sup.conf"), ("-n", "--configuration={home}/sup.conf"), ("-csup.conf",)]
)
def test_one_that_was_started_with_files_elsewhere_is_found_by_its_process(
    tmp_path: Path, shell: str, words: tuple[str, ...]
) -> None:
    program, path = tmp_path / "supervisord", tmp_path / "own.sock"
    (tmp_path / "sup.conf").write_text("[supervisord]\n[unix_http_server]\nfile = %(here)s/own.sock ; here\n")
    os.mkfifo(tmp_path / "fifo")
    program.write_text(CALLED.format(home=tmp_path))
    program.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        argv = [str(program), *(word.format(home=tmp_path) for word in words)]
        running = subprocess.Popen(argv, cwd=tmp_path)
        try:
            while not (tmp_path / "pid").exists():
                time.sleep(0.01)
            line = f"rw {path}\n"
            assert line not in HERE.output(SUPERVISORD_PRESENCE, shell=shell) + "\n"
            told = HERE.output(SUPERVISORD_PRESENCE, "scan", shell=shell)
            assert line in told
            # From then on nothing else is looked at.
            known = SUPERVISORD.search_words(told, search=False)
            assert str(path) in known
            assert HERE.output(SUPERVISORD_PRESENCE, *known, shell=shell) == told
        finally:
            running.kill()
            running.wait()


@as_root
@pytest.mark.parametrize("shell", SHELLS)
def test_a_socket_of_two_names_is_one(tmp_path: Path, shell: str) -> None:
    path, link = tmp_path / "own.sock", tmp_path / "run"
    link.symlink_to(tmp_path)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        told = HERE.output(SUPERVISORD_PRESENCE, str(path), f"{link}/own.sock", shell=shell)
    assert told.count("rw ") == 1
    assert f"rw {path}\nelsewhere {path}\n" in told


@as_root
@pytest.mark.parametrize("shell", SHELLS)
def test_a_socket_elsewhere_of_another_is_told_once_however_often_it_is_found(shell: str) -> None:
    path = Path("/tmp/hostdeck-test-elsewhere.sock")
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
        os.chown(path, NOBODY, NOBODY)
        told = HERE.output(SUPERVISORD_PRESENCE, str(path), str(path), shell=shell)
        assert told.count(f"denied {path}\nelsewhere {path}") == told.count(str(path)) // 2 == 1
        assert SUPERVISORD.search_words(told, search=True).count(str(path)) == 1
    finally:
        path.unlink()


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
