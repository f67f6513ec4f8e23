"""What a command says of a host whose link or login breaks, on real hosts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_on_hosts import Hostdeck, hostdeck
from tests.lab import FreshHost, Lab, faults
from tests.patience import SHARED

__all__ = ["hostdeck"]

ROOT = Path(__file__).parents[2]

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


@pytest.mark.parametrize("user", ["root", "oncall"])
def test_a_login_that_hangs_is_no_host_that_is_gone(hostdeck: Hostdeck, fresh_host: FreshHost, user: str) -> None:
    host = fresh_host()
    host.sh("kill -STOP $(pidof dbus-daemon)")
    try:
        done = hostdeck(user, "status", host.name, "--json")
    finally:
        host.sh("kill -CONT $(pidof dbus-daemon)")
    assert done.code == 3
    [seen] = done.json("status/1")["hosts"]
    assert seen["error"].startswith(
        f"{host.address}:22 let {user} in and then said nothing for 8 s, while its sshd answers"
    )
    assert "the host or the network is gone" not in done.out
