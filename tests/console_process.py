"""The console's command line as a process of its own, forked from one that has imported it.

Half of what a command costs is the import of its modules, and the tests on hosts run hundreds. How the console starts
when nothing is there yet is for `tests/cli/test_entry.py`.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from console.cli import run as command_line

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.console_modules"])


def run(argv: Sequence[str], env: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Run ``hostdeck`` with nothing on its standard input; its exit code and what it wrote.

    Raises ``TimeoutExpired`` after ``timeout`` seconds, when it has been killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        told, errors = Path(folder, "out"), Path(folder, "err")
        process = _FORKS.Process(target=_console, args=([*argv], dict(env), told, errors))
        process.start()
        try:
            process.join(timeout)
            code = process.exitcode
        finally:
            process.kill()
            process.join()
        out, err = told.read_text("utf-8"), errors.read_text("utf-8")
    if code is None:
        raise subprocess.TimeoutExpired([*argv], timeout, out, err)
    return subprocess.CompletedProcess([*argv], code, out, err)


def _console(argv: list[str], env: dict[str, str], told: Path, errors: Path) -> None:
    """Become what a shell would have started."""
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, told, os.O_CREAT), (2, errors, os.O_CREAT)):
        opened = os.open(path, flags | (os.O_WRONLY if number else 0), 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["hostdeck", *argv]
    sys.exit(command_line(argv))
