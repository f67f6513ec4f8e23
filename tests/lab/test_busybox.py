"""The host without systemd."""

from __future__ import annotations

import asyncssh
import pytest

from tests.lab import BusyboxHost, Host, Lab


@pytest.fixture(scope="module")
def box1(lab: Lab) -> Host:
    return lab.boot("box1", kind=BusyboxHost)


@pytest.mark.parametrize("user", ["root", "oncall"])
async def test_dropbear_lets_us_in(lab: Lab, box1: Host, user: str) -> None:
    async with asyncssh.connect(box1.name, config=[str(lab.ssh_config(user))]) as connection:
        done = await connection.run("id -un; hostname; command -v systemctl python3 bash ss; true", check=True)
    assert done.stdout == f"{user}\nbox1\n"


def test_it_runs_without_ssh_too(box1: Host) -> None:
    box1.write("/srv/file", "text\n", owner="deploy")
    assert box1.sh("cat /srv/file; readlink /bin/sh; cat /proc/1/comm") == "text\n/bin/busybox\ninit\n"
    assert box1.run(["id", "-un"], user="oncall").stdout == "oncall\n"
