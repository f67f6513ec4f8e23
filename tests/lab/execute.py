"""Running a program inside a host without its sshd: by entering the namespaces of its PID 1."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def entering(leader: int, cgroup: Path, argv: Sequence[str]) -> list[str]:
    """The command line that runs argv inside the host, in a control group of its own there."""
    return [
        "sh", "-c", 'mkdir -p "$0" && echo $$ >"$0/cgroup.procs" && exec "$@"', str(cgroup / "payload/lab.scope"),
        "nsenter", f"--target={leader}",
        "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", f"--wd=/proc/{leader}/root", "--root",
        "--", *argv,
    ]  # fmt: skip


def run(
    argv: Sequence[str], stdin: str | bytes | None, timeout: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end; at the timeout everything it started in its session is killed."""
    process = subprocess.Popen(
        argv,
        env={**_ENVIRONMENT, "HOME": "/root", **(environment or {})},
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    payload = stdin.encode() if isinstance(stdin, str) else stdin
    try:
        out, err = process.communicate(payload, timeout=timeout)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return subprocess.CompletedProcess(
        list(argv), process.returncode, out.decode(errors="replace"), err.decode(errors="replace")
    )
