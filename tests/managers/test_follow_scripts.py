"""A followed log: nothing of it stays on the host when nobody reads any more."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from console.core.command import Command
from console.core.service import Service, ServiceRef, State
from console.managers import manager as manager_of
from console.managers.base import LogSource
from tests.probes.asking import SHELLS

SUPERVISORCTL = """#!/bin/sh
[ "$2" = -f ] || { echo before; exit 0; }
echo "==> Press Ctrl-C to exit <=="
echo line
sleep 30
"""
ENGINE = """#!/bin/sh
case $* in
  *com.docker.compose*) printf '%s Up 3 minutes\\n' shop_web_1 shop_web_2 ;;
  *" ps "*) echo web Up 3 minutes ;;
  *" logs "*) echo line; exec sleep 30 ;;
esac
"""

MUTE = """#!/bin/sh
echo "$*" >>"${0%/*}/called"
case $* in
  *" ps "*) echo web Up 3 minutes ;;
  *" inspect "*) echo '"0001-01-01T00:00:00Z" "2026-11-28T06:59:20.1Z" true' ;;
  *" logs "*) echo 'Error response from daemon: configured logging driver does not support reading' >&2; exit 1 ;;
esac
"""
"""As Docker 20.10 says it of a container with ``--log-driver none``."""


def members(group: int) -> set[int]:
    """The processes of a group that still run."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            words = stat.read_text().rpartition(") ")[2].split()
            if words[0] != "Z" and int(words[2]) == group:
                found.add(int(stat.parent.name))
    return found


def gone(group: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while members(group) and time.monotonic() < end:
        time.sleep(0.05)
    return not members(group)


def followed(manager: str, name: str, folder: Path, *, file: bool) -> Command:
    """What follows the log of a service, by its tool or by its file."""
    tool, log = folder / "tool", folder / "api.log"
    tool.write_text(SUPERVISORCTL if manager == "supervisord" else ENGINE)
    tool.chmod(0o755)
    log.write_text("line\n")
    service = Service(ServiceRef("web1", manager, name), State.RUNNING, "up", tool=(str(tool), "-H", "unix:///s"))
    source = manager_of(manager)
    assert isinstance(source, LogSource)
    if manager == "supervisord":
        service = replace(service, tool=() if file else (str(tool),), log_files=(str(log),) if file else ())
    return source.log_command(service, lines=5, since=None, follow=True)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("manager", "name", "file"),
    [
        ("supervisord", "api", False),
        ("supervisord", "api", True),
        ("docker", "web", False),
        ("compose", "shop/web", False),
    ],
    ids=["supervisorctl", "file", "docker", "compose"],
)
def test_following_ends_with_its_input(tmp_path: Path, manager: str, name: str, file: bool, shell: str) -> None:
    """The log is quiet: no write would tell that the reader is gone."""
    words = [*shell.split(), *followed(manager, name, tmp_path, file=file).argv[1:]]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            if manager == "supervisord" and not file:
                assert process.stdout.readline() == b"==> stdout <==\n"
            assert process.stdout.readline().endswith(b"line\n")
            # Not before: whoever reads on sees on.
            time.sleep(0.3)
            assert process.poll() is None
            process.stdin.close()
            assert gone(process.pid, 3.0)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_log_that_the_engine_cannot_read_is_asked_for_once(tmp_path: Path, shell: str) -> None:
    command = followed("docker", "web", tmp_path, file=False)
    (tmp_path / "tool").write_text(MUTE)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    words = [*shell.split(), *command.argv[1:]]
    with subprocess.Popen(words, **pipes, text=True, start_new_session=True) as process:  # type: ignore[call-overload]
        try:
            assert process.wait(10) == 1
            assert process.stdout.read().count("does not support reading") == 1
            assert process.stderr.read() == "the log of web cannot be followed\n"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
    called = (tmp_path / "called").read_text().splitlines()
    assert sum(" logs " in line for line in called) == 1
