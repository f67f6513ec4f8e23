"""The probes on real hosts, as three users and on one of busybox, against what the host itself knows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from console.core.network import Listener
from console.core.rates import rates
from console.core.usage import usage_rates
from console.managers.systemd import SYSTEMD
from console.probes import (
    ALL,
    addresses,
    blocked,
    clock,
    filesystems,
    identity,
    limits,
    listeners,
    process,
    sockets,
    usage,
    vitals,
)
from tests.lab import BusyboxHost, Host, Lab, faults
from tests.probes import scene
from tests.probes.asking import SHELLS, RefusedError, over_ssh

USERS = ("root", "oncall", "nosudo")


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("probed")
    scene.furnish(made)
    return made


@pytest.fixture(scope="module")
def box(lab: Lab) -> Host:
    return lab.boot("probedbox", kind=BusyboxHost)


def listening(found: tuple[Listener, ...]) -> dict[tuple[str, int], Listener]:
    return {(each.protocol, each.port): each for each in found}


@pytest.mark.parametrize("user", USERS)
def test_listeners_whoever_looks(lab: Lab, host: Host, user: str) -> None:
    found = listening(over_ssh(lab, host, user).ask(listeners.PROBE))
    zoo: Any = scene.truth(host)
    for truth in zoo["listeners"]:
        each = found[truth["protocol"], truth["port"]]
        assert (each.address, each.inode, each.interface) == (truth["address"], truth["inode"], truth["interface"])
        assert each.v6only == truth["v6only"]
        assert (each.unit, each.user) == ("zoo.service", "nosudo")
        # The zoo runs as nosudo: its owner and root see the process, another user sees none and guesses none.
        assert each.pids == (() if user == "oncall" else (truth["pid"],))
    ssh = found["tcp", 22]
    assert ssh.unit == "ssh.service"
    assert bool(ssh.pids) == (user == "root")
    assert found["tcp", scene.FIRST_PORT + 50].unit == "init.scope"


@pytest.mark.parametrize("shell", SHELLS)
def test_every_probe_in_every_shell(lab: Lab, host: Host, shell: str) -> None:
    way = over_ssh(lab, host)
    arguments = {
        "sockets": ("22",),
        "package_difference": ("bash", "5.2.15-2+b2", "5.2.15-2+b2"),
        "bound": ("22",),
        "kernel_sockets": ("22",),
        "unlisted": ("22",),
        "reach": ("127.0.0.1", "22"),
        "process": ("1",),
        "unit_filter": ("zoo.service",),
        "kernel_denials": ("1452146884",),
        "members": ("/system.slice/zoo.service",),
        "usage": ("/system.slice/zoo.service",),
        "systemd_lingering_journal": ("1001", "zoo.service"),
    }
    tools = way.ask(identity.PROBE).tools
    lacking = {probe.name for probe in ALL if not set(probe.requires) <= tools}
    assert lacking == {"firewalld"}
    # These look as root, in whose path their tools may be where they are not in this login's.
    refused = {"audit_denials": "ausearch is not on this host", "port_labels": "semanage:.* not found"}
    # Those of the other managers are asked in every shell where there is something for them to tell.
    for probe in (*ALL, *SYSTEMD.probes()):
        if probe.name in ("redirects", "systemd_user_sockets", "systemd_lingering_units", *lacking):
            continue  # of the first three: this host has no rules that it may ask for, and no other user's manager
        if probe.name in refused:
            with pytest.raises(RefusedError, match=refused[probe.name]):
                way.ask(probe, shell=shell)
            continue
        names = ("zoo.service",) if probe.name.endswith(("units", "journal", "launch")) else ()
        way.ask(probe, *arguments.get(probe.name, names), shell=shell)


@pytest.mark.parametrize("user", USERS)
def test_what_a_unit_uses(lab: Lab, host: Host, user: str) -> None:
    """This machine's kernel keeps memory and disks by version 1: what its hosts do not count is not told."""
    way, unit = over_ssh(lab, host, user), "/system.slice/zoo.service"
    script = "systemctl show -P CPUUsageNSec zoo.service"
    least = int(host.sh(script)) / 1e9
    found = way.ask(usage.PROBE, unit)
    assert least - 0.01 <= found.cpu <= int(host.sh(script)) / 1e9 + 0.01
    assert (found.groups, found.memory, found.read) == ((unit,), None, None)
    pid = str(scene.truth(host)["pid"])
    with pytest.raises(RefusedError, match=f"^process {pid} is in {unit}, which is no container's own$"):
        way.ask(usage.PROBE, pid)


LOADS = {
    "burn": "/bin/sh -c 'while :; do :; done'",
    "hold": """/usr/bin/python3 -c 'import time; kept = b"x" * (200 << 20); time.sleep(100000)'""",
    "write": "/bin/sh -c 'while :; do dd if=/dev/zero of=/var/tmp/load bs=1M count=4 conv=fsync; done'",
}


def test_a_known_load_is_told_as_it_is(lab: Lab, host: Host) -> None:
    """What this kernel counts by version 1 alone (memory and disks on a machine with both) is unknown, never 0."""
    way = over_ssh(lab, host)
    for name, command in LOADS.items():
        host.unit(f"{name}.service", f"[Service]\nExecStart={command}\nStandardError=null\n")
    try:
        group = host.container.cgroup / "payload/system.slice"
        host.wait("[ $(awk '/^VmRSS/ { print $2 }' /proc/$(systemctl show -P MainPID hold)/status) -gt 204800 ]")
        for name in LOADS:
            words, counted = f"/system.slice/{name}.service", group / f"{name}.service"
            before = outside(counted)
            first = way.ask(usage.PROBE, words)
            after = outside(counted)
            while way.ask(usage.PROBE, words).at < first.at + 1.0:
                pass
            least = outside(counted) - after
            last = way.ask(usage.PROBE, words)
            used = usage_rates(first, last)
            assert used is not None
            spent = used.cpu / 100 * (last.at - first.at)
            assert least - 0.01 <= spent <= outside(counted) - before + 0.01
            assert (spent > 0.01) is (name == "burn") or name == "write"
            if (counted / "memory.current").exists():
                assert last.memory is not None
                assert (last.memory >= 200 << 20) is (name == "hold")
            else:
                assert last.memory is None
            if (counted / "io.stat").exists():
                assert used.written is not None
                assert (used.written > 0) is (name == "write")
            else:
                assert (used.read, used.written) == (None, None)
    finally:
        host.run(["systemctl", "stop", *LOADS])


def outside(group: Path) -> float:
    """Seconds of processors that a group used, as this machine counts them."""
    return int((group / "cpu.stat").read_text().split()[1]) / 1e6


def test_connections(lab: Lab, host: Host) -> None:
    zoo: Any = scene.truth(host)
    found = over_ssh(lab, host).ask(sockets.PROBE, str(zoo["connections"]))
    assert {"ESTAB", "CLOSE-WAIT"} <= {each.state for each in found}
    truth = host.sh(f"ss -Htan sport = :{zoo['connections']} | grep -vc LISTEN").strip()
    assert abs(len(found) - int(truth)) <= 1


@pytest.mark.parametrize("user", USERS)
def test_processes(lab: Lab, host: Host, user: str) -> None:
    zoo: Any = scene.truth(host)
    way = over_ssh(lab, host, user)
    found, *above = way.ask(process.PROBE, str(zoo["pid"]), "4194304")
    assert [one.pid for one in above] == ([found.ppid] if found.ppid != 1 else [])
    ticks = host.sh(f"cut -d ' ' -f 22 /proc/{zoo['pid']}/stat")
    assert (found.started, found.user, found.cgroup) == (int(ticks), "nosudo", "/system.slice/zoo.service")
    assert (found.command or "").endswith(f"/srv/zoo.py {scene.FIRST_PORT} host0")
    waiting = {each.pid: each for each in way.ask(blocked.PROBE)}
    assert waiting[zoo["blocked"]].name == "waits in D"
    assert bool(waiting[zoo["blocked"]].wait_channel) == (user != "oncall")


def test_identity_of_each_user(lab: Lab, host: Host) -> None:
    for user in USERS:
        found = over_ssh(lab, host, user).ask(identity.PROBE)
        assert (found.hostname, found.user, found.os) == ("probed", user, "Debian GNU/Linux 12 (bookworm)")
        assert found.systemd == "252"
        assert found.came_by is not None
        assert found.came_by.port == 22
        assert "/system.slice/ssh.service" in found.cgroups
        assert {"ss", "systemctl", "journalctl", "sudo"} <= found.tools


def test_a_noisy_login_and_another_language_change_nothing(lab: Lab, host: Host) -> None:
    host.noisy_shell("nosudo", delay=0.0)
    found = over_ssh(lab, host, "nosudo").ask(filesystems.PROBE)
    assert "/" in {filesystem.mount for filesystem in found}


def test_vitals_and_rates_of_a_busy_host(lab: Lab, host: Host) -> None:
    way = over_ssh(lab, host)
    before = way.ask(vitals.PROBE)
    assert before.boot_id == host.boot_id()
    assert before.init_switches is not None
    host.sh("timeout 1 sh -c 'while :; do :; done'", check=False)
    host.sh("dd if=/dev/urandom of=/var/tmp/x bs=64k count=400 conv=fsync 2>/dev/null; rm /var/tmp/x")
    after = way.ask(vitals.PROBE)
    found = rates(before, after)
    assert found is not None
    assert 0.9 <= found.seconds <= 60
    assert found.cpu.busy > 10
    assert len(found.cores) == len(before.cpus) - 1
    assert max(disk.written_bytes for disk in found.disks) > 400 * 65536 / found.seconds * 0.9
    assert {interface.name for interface in found.interfaces} == {"host0"}


def test_a_reboot_starts_the_rates_anew(lab: Lab) -> None:
    """Row 45."""
    fresh = lab.boot("rebooted")
    before = over_ssh(lab, fresh).ask(vitals.PROBE)
    fresh.reboot()
    after = over_ssh(lab, fresh).ask(vitals.PROBE)
    assert before.boot_id != after.boot_id
    assert rates(before, after) is None
    lab.stop(fresh)


def test_a_clock_that_is_an_hour_ahead(lab: Lab, host: Host) -> None:
    """Row 44."""
    with faults.clock_skew(host, "+1h"):
        found = over_ssh(lab, host).ask(clock.PROBE)
        sample = over_ssh(lab, host).ask(vitals.PROBE)
    assert 3590 < found - time.time() < 3610
    # The base of every rate is not the wall clock.
    assert abs(sample.uptime - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60


def test_clock_addresses_and_limits(lab: Lab, host: Host) -> None:
    way = over_ssh(lab, host)
    assert abs(way.ask(clock.PROBE) - time.time()) < 3
    assert (host.address, 24, "host0") in {
        (each.address, each.prefix, each.interface) for each in way.ask(addresses.PROBE)
    }
    found = way.ask(limits.PROBE)
    assert (found.unprivileged_start, found.nonlocal_bind) == (80, True)
    assert found.reserved == ((8080, 8080), (9000, 9100))
    assert not found.ephemeral(9050)
    assert found.ephemeral(40000)


def test_a_host_of_busybox_says_what_it_can(lab: Lab, box: Host) -> None:
    way = over_ssh(lab, box)
    who = way.ask(identity.PROBE)
    assert who.systemd is None
    assert not {"ss", "systemctl", "sudo", "python3"} & who.tools
    sample = way.ask(vitals.PROBE)
    assert sample.memory.total > 0
    assert sample.pressure_io is not None
    ssh = listening(way.ask(listeners.PROBE))["tcp", 22]
    assert (ssh.process, ssh.user) == ("dropbear", "root")
    hidden = listening(over_ssh(lab, box, "nosudo").ask(listeners.PROBE))["tcp", 22]
    assert (hidden.pids, hidden.user, hidden.inode is not None) == ((), "root", True)
    assert "/" in {filesystem.mount for filesystem in way.ask(filesystems.PROBE)}
    assert way.ask(clock.PROBE) > 0
    [init] = way.ask(process.PROBE, "1")
    assert init.name == "init"
    lacking = {probe.name for probe in ALL if not set(probe.requires) <= who.tools}
    assert lacking == {"sockets", "unit_filter", "unlisted", "nftables", "iptables", "ip6tables", "firewalld"}
