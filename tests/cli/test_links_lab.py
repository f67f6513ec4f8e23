"""What a command says of a host whose link or login breaks, on real hosts."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.test_on_hosts import ROOT
from tests.lab import FreshHost, Lab, faults
from tests.patience import SHARED

WORKER = "[Service]\nExecStart=/bin/sh -c 'while :; do echo tick; sleep 1; done'\n"


def test_a_followed_log_ends_with_the_reason_when_the_link_is_cut(
    lab: Lab, fresh_host: FreshHost, tmp_path: Path
) -> None:
    host = fresh_host()
    host.unit("worker.service", WORKER)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    argv = [sys.executable, "-m", "console", "-F", str(lab.ssh_config("root")), "logs", f"{host.name}/worker", "-f"]
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        try:
            assert "Started" in following.stdout.readline()
            assert "tick" in following.stdout.readline()
            with faults.link_down(host):
                _, err = following.communicate(timeout=20 * SHARED)
        finally:
            following.kill()
    assert following.returncode == 3
    assert err.startswith("hostdeck: ")
    assert err.count("\n") == 1
