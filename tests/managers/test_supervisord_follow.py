"""A followed log of supervisord: nothing of it stays on the host when nobody reads any more."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from console.core.service import Service, ServiceRef, State
from console.managers.supervisord import SUPERVISORD
from tests.probes.asking import SHELLS

API = Service(ServiceRef("web1", "supervisord", "api"), State.RUNNING, "RUNNING")
TOOL = (
    '#!/bin/sh\n[ "$2" = -f ] || { echo before; exit 0; }\necho "==> Press Ctrl-C to exit <=="\necho line\nsleep 30\n'
)


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


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("way", ["tool", "file"])
def test_following_ends_with_its_input(tmp_path: Path, way: str, shell: str) -> None:
    """The log is quiet: no write would tell that the reader is gone."""
    tool, file = tmp_path / "supervisorctl", tmp_path / "api.log"
    tool.write_text(TOOL)
    tool.chmod(0o755)
    file.write_text("line\n")
    service = replace(API, tool=(str(tool),)) if way == "tool" else replace(API, log_files=(str(file),))
    argv = SUPERVISORD.log_command(service, lines=5, since=None, follow=True).argv
    words = [*shell.split(), *argv[1:]]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"line\n"
            # Not before: whoever reads on sees on.
            time.sleep(0.3)
            assert process.poll() is None
            process.stdin.close()
            assert gone(process.pid, 3.0)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
