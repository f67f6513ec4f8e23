"""What is read of a host by itself is never a FIFO: any user can make one, and whoever opens it waits without end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.core.probe import Probe
from console.managers import compose, container_engines, pidfile, pm2, supervisord
from console.managers.supervisord_files import GROUND_PROBE
from tests.probes.asking import Way

LONGEST = 20
"""Seconds for a look; one that opens a FIFO takes all that there are."""
SHELLS = [shell for shell in ("dash", "busybox sh") if shutil.which(shell.split()[0])]

pytestmark = pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="the scripts are for Linux")


@pytest.fixture
def home() -> Iterator[Path]:
    """With a FIFO wherever a look might open one; its path is short enough for one of a socket."""
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        (place / ".pm2").mkdir()
        for name in (".pm2/pm2.pid", "docker.pid", "api.pid", "supervisord.pid", "x.conf", "x.log"):
            os.mkfifo(place / name)
        (place / "link.pid").symlink_to("api.pid")
        (place / "supervisord").write_text("#!/bin/sh\nread -r word\n")
        (place / "supervisord").chmod(0o755)
        with socket.socket(socket.AF_UNIX) as daemon:
            daemon.bind(str(place / "docker.sock"))
            yield place


def look(home: Path, shell: str, probe: Probe[object], *args: str) -> str:
    environment = {**os.environ, "HOME": str(home), "PM2_HOME": str(home / ".pm2"), "XDG_RUNTIME_DIR": str(home)}
    return Way(("sh",), environment, LONGEST).output(probe, *args, shell=shell)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("probe", "args"),
    [
        (pm2.PM2_PRESENCE, ()),
        (pm2.PM2_SURVEY, ()),
        (container_engines.PRESENCE, ()),
        (container_engines.ENGINES, ()),
        (pidfile.PRESENCE_PROBE, ("{home}/api.pid", "{home}/link.pid")),
        (pidfile.SURVEY_PROBE, ("{home}/api.pid", '{{"name":"api"}}', ".")),
        (GROUND_PROBE, ("{home}/docker.sock", "")),
        (supervisord.SUPERVISORD_STATUS, ("{home}/x.log", "true")),
    ],
)
def test_no_look_waits_for_a_fifo(home: Path, shell: str, probe: Probe[object], args: tuple[str, ...]) -> None:
    look(home, shell, probe, *(word.format(home=home) for word in args))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("configuration", ["{home}/x.conf", "x.conf", "/dev/stdin", "/proc/self/fd/0"])
def test_what_calls_itself_supervisord_names_no_fifo_to_be_read(home: Path, shell: str, configuration: str) -> None:
    words = (str(home / "supervisord"), "-c", configuration.format(home=home))
    with subprocess.Popen(words, cwd=home, stdin=subprocess.PIPE) as running:
        try:
            look(home, shell, supervisord.SUPERVISORD_PRESENCE, "scan")
        finally:
            running.communicate()


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_no_regular_file_is_no_file_of_a_project(home: Path, shell: str) -> None:
    (home / "a.yml").touch()
    (home / "b.yml").symlink_to("a.yml")
    paths = [str(home / name) for name in ("a.yml", "b.yml", "x.conf", "none.yml")]
    found = compose.FILES.parse(look(home, shell, compose.FILES, *paths, "/dev/stdin"))
    kinds = [found[path][0] for path in (*paths, "/dev/stdin")]
    assert kinds == ["file", "file", "special", "none", "special"]
