"""Each network fault really bites, and is healed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path

import asyncssh
import pytest

from tests.lab import CommandError, FreshHost, Host, Lab, faults
from tests.lab.network import inside
from tests.lab.record import process_state


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    return lab.boot("broken1")


def connect(lab: Lab, host: Host, user: str = "root", config: Path | None = None) -> asyncssh.misc._ACMWrapper:  # type: ignore[type-arg]
    return asyncssh.connect(host.name, config=[str(config or lab.ssh_config(user))], connect_timeout=5)


async def answers(connection: asyncssh.SSHClientConnection, seconds: float = 10) -> bool:
    try:
        return (await asyncio.wait_for(connection.run("echo yes"), seconds)).stdout == "yes\n"
    except (TimeoutError, OSError, asyncssh.Error):
        return False


@pytest.mark.parametrize("fault", [faults.black_hole, faults.link_down])
async def test_a_dead_link_swallows_everything_and_then_goes_on(lab: Lab, host: Host, fault: object) -> None:
    async with connect(lab, host) as connection:
        assert await answers(connection)
        bite: AbstractContextManager[None] = fault(host)  # type: ignore[operator]
        with bite:
            assert not await answers(connection, 1)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.open_connection(host.address, 22), 0.5)
            assert host.sh("echo inside") == "inside\n"
        assert await answers(connection, 15)


def test_a_flapping_link_comes_and_goes(host: Host) -> None:
    seen = ""
    with faults.flapping(host, seconds=0.6):
        end = time.monotonic() + 20
        while time.monotonic() < end and not re.search(r"-\++-", seen):
            seen += "+" if reachable(host) else "-"
            time.sleep(0.02)
    assert re.search(r"-\++-", seen)
    assert reachable(host)
    assert "DROP" not in inside(host.link.namespace, "iptables", "-S")


def reachable(host: Host) -> bool:
    try:
        socket.create_connection((host.address, host.port), timeout=0.15).close()
    except OSError:
        return False
    return True


async def test_a_slow_link_is_slow_in_both_directions(lab: Lab, host: Host) -> None:
    async with connect(lab, host) as connection:
        with faults.slow_link(host, kbit=256):
            slow = [
                await seconds_of(connection, *way)
                for way in (("head -c 48K /dev/urandom", b""), ("cat >/dev/null", os.urandom(48 * 1024)))
            ]
        assert min(slow) > 1.0
        assert await seconds_of(connection, "head -c 48K /dev/urandom", b"") < min(slow)


async def seconds_of(connection: asyncssh.SSHClientConnection, command: str, data: bytes) -> float:
    began = time.monotonic()
    await connection.run(command, input=data, encoding=None, check=True)
    return time.monotonic() - began


async def test_a_delay_proxy_adds_to_the_round_trip(lab: Lab, host: Host) -> None:
    with faults.delay_proxy(host, ms=200) as proxy:
        async with connect(lab, host, config=proxy.ssh_config()) as connection:
            shell = await connection.create_process("cat")
            times = []
            for _ in range(4):
                began = time.monotonic()
                shell.stdin.write("x\n")
                await shell.stdout.readline()
                times.append(time.monotonic() - began)
            shell.stdin.write_eof()
    assert 0.19 < min(times) < 0.39


def test_a_small_file_system_is_full_soon(host: Host) -> None:
    host.run(["install", "-d", "-o", "deploy", "-m", "750", "/srv/small"])
    with faults.small_tmpfs(host, "/srv/small", "1m"):
        assert host.sh("stat -c '%U %a' /srv/small") == "deploy 750\n"
        with pytest.raises(CommandError, match="No space left on device"):
            host.sh("head -c 2M /dev/zero >/srv/small/file")
    host.sh("head -c 2M /dev/zero >/srv/small/file; rm /srv/small/file")
    with faults.full_disk(host, "/srv/small"), pytest.raises(CommandError, match="No space left on device"):
        host.sh("head -c 9 /dev/zero >/srv/small/more")


def test_read_only_is_so_for_root_too(host: Host) -> None:
    host.run(["mkdir", "-p", "/srv/fixed"])
    with faults.read_only(host, "/srv/fixed"), pytest.raises(CommandError, match="Read-only file system"):
        host.sh("touch /srv/fixed/file")
    host.sh("touch /srv/fixed/file")


def test_frozen_stops_and_lets_go(host: Host) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        with faults.frozen(process.pid):
            assert process_state(process.pid) == "T"
        assert process_state(process.pid) in "SR"
        process.send_signal(signal.SIGKILL)
    host.unit("sleeper.service", "[Service]\nExecStart=/bin/sleep 600\n")
    pid = int(host.sh("systemctl show -P MainPID sleeper.service"))
    with faults.frozen(pid, host=host):
        assert host.sh(f"ps -o stat= -p {pid}").startswith("T")
    assert host.sh(f"ps -o stat= -p {pid}").startswith("S")


def test_a_process_number_is_used_again(host: Host) -> None:
    old = int(host.sh("sleep 600 >/dev/null 2>&1 & echo $!"))
    born = host.read(f"/proc/{old}/stat").split()[21]
    host.run(["kill", "-KILL", str(old)])
    host.wait(f"! test -e /proc/{old}")
    with faults.reused_pid(host, old, ["sleep", "500"]) as pid:
        host.wait(f"grep -qx sleep /proc/{pid}/comm")
        assert pid == old
        assert host.read(f"/proc/{pid}/cmdline") == "sleep\x00500\x00"
        assert host.read(f"/proc/{pid}/stat").split()[21] != born
        assert host.sh(f"readlink /proc/{pid}/root").strip() == "/"


async def test_sessions_see_another_time(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    with faults.clock_skew(host, "+1h"):
        async with connect(lab, host) as connection:
            seen = int(str((await connection.run("date +%s", check=True)).stdout))
            written = int(str((await connection.run("touch /tmp/now; stat -c %Z /tmp/now", check=True)).stdout))
    assert 3590 < seen - time.time() < 3610
    assert host.sh("date +%s") < str(seen - 3000)
    assert written
