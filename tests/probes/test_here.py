"""Each probe on this machine, in every shell, against what Python itself finds out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from console.core.probe import Probe
from console.core.service import Endpoint
from console.managers import MANAGERS
from console.probes import (
    ALL,
    addresses,
    blocked,
    clock,
    filesystems,
    halted,
    identity,
    limits,
    listeners,
    process,
    sockets,
    vitals,
)
from tests.probes.asking import HERE, SHELLS, RefusedError, Way

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the probes read Linux")
PROBES = (*ALL, *(probe for manager in MANAGERS for probe in manager.probes()))
FIRST = 7300


def there(shell: str) -> str:
    if shutil.which(shell.split()[0]) is None:
        pytest.skip(f"no {shell.split()[0]} on this machine")
    return shell


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return there(str(request.param))


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_every_shell_understands_the_script(probe: Probe[object], shell: str) -> None:
    program = f"f() {{\n{probe.script.strip()}\n}}\n"
    done = subprocess.run([*shell.split(), "-n"], input=program, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_its_name_is_a_function_name_and_its_tools_are_looked_for(probe: Probe[object]) -> None:
    assert probe.name.replace("_", "").isalnum()
    assert set(probe.requires) <= set(identity.TOOLS)


def test_counters_lie_between_what_python_reads_before_and_after(shell: str) -> None:
    before = (
        psutil.disk_io_counters(perdisk=True),
        psutil.net_io_counters(pernic=True),
        time.clock_gettime(time.CLOCK_BOOTTIME),
    )
    sample = HERE.ask(vitals.PROBE, shell=shell)
    after = (
        psutil.disk_io_counters(perdisk=True),
        psutil.net_io_counters(pernic=True),
        time.clock_gettime(time.CLOCK_BOOTTIME),
    )
    assert sample.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert before[2] - 0.02 <= sample.uptime <= after[2] + 0.02
    assert len(sample.cpus) == 1 + (os.cpu_count() or 0)
    assert abs(sum(cpu.user for cpu in sample.cpus[1:]) - sample.cpus[0].user) <= len(sample.cpus)
    assert sample.memory.total == psutil.virtual_memory().total
    assert abs(sample.memory.available - psutil.virtual_memory().available) < 0.1 * sample.memory.total
    assert sample.memory.swap_total == psutil.swap_memory().total
    for disk in sample.disks:
        assert before[0][disk.name].read_count <= disk.reads <= after[0][disk.name].read_count
        assert before[0][disk.name].write_bytes <= disk.written_sectors * 512 <= after[0][disk.name].write_bytes
    assert not any(disk.name.startswith(("loop", "ram")) for disk in sample.disks)
    for interface in sample.interfaces:
        if interface.name in before[1] and interface.name in after[1]:
            assert before[1][interface.name].bytes_recv <= interface.rx_bytes <= after[1][interface.name].bytes_recv
            assert before[1][interface.name].bytes_sent <= interface.tx_bytes <= after[1][interface.name].bytes_sent
    assert sample.running >= 1
    assert (sample.pressure_io is not None) == Path("/proc/pressure/io").exists()


def test_clock(shell: str) -> None:
    before = time.time()
    assert before - 1.0 <= HERE.ask(clock.PROBE, shell=shell) <= time.time() + 1.0


def test_identity(shell: str) -> None:
    found = HERE.ask(identity.PROBE, shell=shell)
    assert (found.hostname, found.kernel, found.uid) == (os.uname().nodename, os.uname().release, os.getuid())
    assert {"awk", "cat"} <= found.tools
    assert ("ss" in found.tools) == (shutil.which("ss") is not None)


def test_by_which_way_one_came(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "fe80::1%host0 51234 fe80::2%host0 2222")
    found = HERE.ask(identity.PROBE, shell=shell)
    assert found.came_by == Endpoint("tcp", "fe80::2", 2222)
    mine = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()]
    assert {path for _, kind, path in mine if kind in ("", "name=systemd")} <= set(found.cgroups)
    assert os.getpid() in found.session
    monkeypatch.setenv("SSH_CONNECTION", "rubbish")
    assert HERE.ask(identity.PROBE, shell=shell).came_by is None


def test_filesystems_as_statvfs_has_them(shell: str) -> None:
    found = HERE.ask(filesystems.PROBE, shell=shell)
    assert "/" in {filesystem.mount for filesystem in found}
    for filesystem in found:
        truth = os.statvfs(filesystem.mount)
        assert filesystem.size == truth.f_blocks * truth.f_frsize
        assert filesystem.inodes == (truth.f_files or None)
        assert abs(filesystem.available - truth.f_bavail * truth.f_frsize) <= 0.05 * filesystem.size


def test_a_process_and_what_is_none(shell: str) -> None:
    me = psutil.Process()
    found, *above = HERE.ask(process.PROBE, str(me.pid), "4194304", shell=shell)
    assert (found.pid, found.ppid, found.user) == (me.pid, me.ppid(), me.username())
    assert [one.pid for one in above] == [one.pid for one in me.parents() if one.pid > 1]
    assert found.name == me.name()
    assert found.command is not None
    assert found.command.split()[0] == me.cmdline()[0]
    assert found.age is not None
    assert abs(found.age - (time.time() - me.create_time())) < 5.0
    assert found.cwd == me.cwd()
    with pytest.raises(RefusedError, match="no pid"):
        HERE.ask(process.PROBE, "1;id", shell=shell)


def test_where_a_process_works_whatever_the_name_of_that_place(shell: str, tmp_path: Path) -> None:
    place = tmp_path / "a\npid 1\nb c"
    place.mkdir()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, cwd=place) as cat:
        [found, *_] = HERE.ask(process.PROBE, str(cat.pid), shell=shell)
        assert (found.pid, found.cwd) == (cat.pid, f"{tmp_path}/a pid 1 b c")
        place.rmdir()
        [found, *_] = HERE.ask(process.PROBE, str(cat.pid), shell=shell)
        assert found.cwd == f"{tmp_path}/a pid 1 b c (deleted)"


def test_limits(shell: str) -> None:
    low, high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    found = HERE.ask(limits.PROBE, shell=shell)
    assert (found.local_low, found.local_high) == (int(low), int(high))
    start = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()
    assert found.unprivileged_start == int(start)


@pytest.mark.skipif(shutil.which("ip") is None, reason="no ip on this machine")
def test_addresses(shell: str) -> None:
    # "ifb0" and the like may come and go while other tests build their networks.
    mine = {(found.interface, found.address) for found in HERE.ask(addresses.PROBE, shell=shell)}
    assert ("lo", "127.0.0.1") in mine
    truth = {
        (name, address.address.partition("%")[0])
        for name, all_of_it in psutil.net_if_addrs().items()
        for address in all_of_it
        if address.family in (socket.AF_INET, socket.AF_INET6) and name in ("lo", "eth0")
    }
    assert truth <= mine


@pytest.fixture(scope="module")
def zoo() -> Iterator[dict[str, Any]]:
    """Sockets and processes of every kind on this machine, for as long as a test of this file runs."""
    words = [sys.executable, str(Path(__file__).with_name("zoo.py")), str(FIRST)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdin is not None
        yield json.loads(running.stdout.readline())
        running.stdin.close()


def without_ss(tmp_path: Path) -> Way:
    """A search path on which everything is but ss."""
    for tool in ("awk", "ls", "sh", "sed", "env", "dash", "bash", "busybox"):
        found = shutil.which(tool)
        if found is not None:
            (tmp_path / tool).symlink_to(found)
    return Way(("sh",), {"PATH": str(tmp_path)})


@pytest.mark.parametrize("how", ["ss", "proc"])
def test_every_listener_is_found(zoo: dict[str, Any], shell: str, how: str, tmp_path: Path) -> None:
    if how == "ss" and shutil.which("ss") is None:
        pytest.skip("no ss on this machine")
    way = HERE if how == "ss" else without_ss(tmp_path)
    found = {(each.protocol, each.port): each for each in way.ask(listeners.PROBE, shell=shell)}
    for truth in zoo["listeners"]:
        listener = found[truth["protocol"], truth["port"]]
        # /proc/net does not tell whether a socket of IPv6 also takes IPv4.
        shown = "::" if how == "proc" and truth["address"] == "*" else truth["address"]
        assert (listener.address, listener.inode) == (shown, truth["inode"])
        assert truth["pid"] in listener.pids
        assert listener.uid == os.getuid()
        if how == "ss":
            assert listener.v6only == truth["v6only"]
    hostile = next(truth for truth in zoo["listeners"] if truth["port"] == FIRST + 20)
    assert (found["tcp", FIRST + 20].process or "").startswith('a b"')
    assert found["tcp", FIRST + 20].pids == (hostile["pid"],)


@pytest.mark.skipif(shutil.which("ss") is None, reason="no ss on this machine")
@pytest.mark.parametrize(
    ("does", "status", "says"), [("exec sleep 60", 124, "ss did not answer in 2 s"), ("echo no >&2; exit 3", 1, "no")]
)
def test_an_ss_that_hangs_or_fails_is_a_failure_within_seconds(
    tmp_path: Path, shell: str, does: str, status: int, says: str
) -> None:
    (tmp_path / "ss").write_text(f"#!/bin/sh\n{does}\n")
    (tmp_path / "ss").chmod(0o755)
    for awk in ("mawk", "gawk", "busybox"):
        if (known := shutil.which(awk)) is None:
            continue
        (tmp_path / "awk").write_text(f'#!/bin/sh\nexec {known} {"awk" if awk == "busybox" else ""} "$@"\n')
        (tmp_path / "awk").chmod(0o755)
        program = f"f() {{\n{listeners.PROBE.script.strip()}\n}}\n(f)\n"
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(
            shell.split(), input=program, env=environment, capture_output=True, text=True, timeout=5, check=False
        )
        assert (done.returncode, done.stdout) == (status, "")
        assert says in done.stderr


def test_connections_that_are_not_listeners(zoo: dict[str, Any], shell: str) -> None:
    found = HERE.ask(sockets.PROBE, str(zoo["connections"]), shell=shell)
    states = {each.state: each for each in found}
    assert {"ESTAB", "CLOSE-WAIT"} <= states.keys() <= {"ESTAB", "CLOSE-WAIT", "TIME-WAIT"}
    assert states["ESTAB"].pids == (zoo["pid"],)
    assert {each.port for each in found} == {zoo["connections"]}
    if "TIME-WAIT" in states:
        assert (states["TIME-WAIT"].timer or "").startswith("timewait,")
    with pytest.raises(RefusedError, match="no port"):
        HERE.ask(sockets.PROBE, "80 or sport = :22", shell=shell)


def test_what_waits_uninterruptibly(zoo: dict[str, Any], shell: str) -> None:
    found = {each.pid: each for each in HERE.ask(blocked.PROBE, shell=shell)}
    assert found[zoo["blocked"]].state == "D"
    assert found[zoo["blocked"]].name == "waits in D"


def test_what_a_signal_stopped(shell: str) -> None:
    with subprocess.Popen(["sleep", "1000"]) as sleeps:
        sleeps.send_signal(signal.SIGSTOP)
        try:
            os.waitpid(sleeps.pid, os.WUNTRACED)
            found = {each.pid: each for each in HERE.ask(halted.PROBE, shell=shell)}
        finally:
            sleeps.kill()
    assert (found[sleeps.pid].state, found[sleeps.pid].name) == ("T", "sleep")
