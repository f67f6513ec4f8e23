"""Faults, as context managers: each really happens to a lab host, and is healed at the end.

Faults of the SSH server and of host keys are in `faults_ssh`; both are reachable from here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import execute
from .faults_ssh import (
    changed_host_key,
    dead_sshd,
    empty_known_hosts,
    frozen_probe_shell,
    frozen_sessions,
    frozen_sshd_listener,
    max_sessions,
    max_startups,
    revoked_access,
    revoked_host_key,
    sshd_setting,
    stopped,
)
from .host import Host
from .network import inside
from .packages import LabError
from .record import alive, process_state, start_time

__all__ = [
    "Proxy", "black_hole", "changed_host_key", "clock_skew", "dead_mount", "dead_sshd", "delay_proxy",
    "empty_known_hosts", "flapping", "frozen", "frozen_probe_shell", "frozen_sessions", "frozen_sshd_listener",
    "full_disk", "link_down", "max_sessions", "max_startups", "reachable_only_from", "read_only", "reused_pid",
    "revoked_access", "revoked_host_key", "slow_link", "small_tmpfs", "sshd_setting",
]  # fmt: skip

REPOSITORY = Path(__file__).resolve().parents[2]


@contextmanager
def black_hole(host: Host) -> Iterator[None]:
    """Drop every packet to and from the host; connections stay as they are and hear nothing more."""
    rules = [(chain, *way, "host0", "-j", "DROP") for chain, way in (("INPUT", ("-i",)), ("OUTPUT", ("-o",)))]
    try:
        for rule in rules:
            inside(host.link.namespace, "iptables", "--wait", "-I", *rule)
        yield
    finally:
        for rule in rules:
            inside(host.link.namespace, "iptables", "--wait", "-D", *rule, check=False)


@contextmanager
def reachable_only_from(host: Host, *others: Host) -> Iterator[None]:
    """Let only these hosts open SSH connections to the host: a jump host is needed from here."""
    names = ["INPUT", "-p", "tcp", "--dport", str(host.port), "-i", "host0"]
    rules = [[*names, "-j", "DROP"], *([*names, "-s", other.address, "-j", "ACCEPT"] for other in others)]
    try:
        for rule in rules:
            inside(host.link.namespace, "iptables", "--wait", "-I", *rule)
        yield
    finally:
        for rule in rules:
            inside(host.link.namespace, "iptables", "--wait", "-D", *rule, check=False)


@contextmanager
def flapping(host: Host, seconds: float = 5) -> Iterator[None]:
    """A black hole that comes and goes, so many seconds each; it begins with a black hole."""
    over = threading.Event()

    def flap() -> None:
        while not over.is_set():
            with black_hole(host):
                over.wait(seconds)
            over.wait(seconds)

    thread = threading.Thread(target=flap, name=f"flapping-{host.name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def link_down(host: Host) -> Iterator[None]:
    """Pull the network cable at the switch."""
    _outer(host, "ip", "link", "set", host.link.outer, "down")
    try:
        yield
    finally:
        _outer(host, "ip", "link", "set", host.link.outer, "up")


@contextmanager
def slow_link(host: Host, kbit: int) -> Iterator[None]:
    """Limit the host's cable to so many kbit/s in each direction, with a queue of a second."""
    shape = ["tbf", "rate", f"{kbit}kbit", "burst", "3000", "latency", "1s"]
    _outer(host, "tc", "qdisc", "add", "dev", host.link.outer, "root", *shape)
    try:
        inside(host.link.namespace, "tc", "qdisc", "add", "dev", "host0", "root", *shape)
        yield
    finally:
        _outer(host, "tc", "qdisc", "del", "dev", host.link.outer, "root")
        inside(host.link.namespace, "tc", "qdisc", "del", "dev", "host0", "root", check=False)


@contextmanager
def frozen(*pids: int, host: Host | None = None) -> Iterator[None]:
    """Stop processes with SIGSTOP, and let them go on at the end.

    The numbers are those of this machine, or those inside the host when one is given.
    """
    if not pids:
        raise LabError("no process to freeze")
    if host is not None:
        with stopped(host, pids):
            yield
        return
    marks = {pid: start_time(pid) for pid in pids}
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        _wait_stopped(pids)
        yield
    finally:
        for pid, started in marks.items():
            if alive(pid, started):
                os.kill(pid, signal.SIGCONT)


def _wait_stopped(pids: Sequence[int]) -> None:
    """A signal is delivered a moment after it was sent."""
    end = time.monotonic() + 2
    for pid in pids:
        while process_state(pid) not in "TtZ" and time.monotonic() < end:
            time.sleep(0.005)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A place on loopback that leads to a host's SSH server, slowly."""

    host: Host
    address: str
    port: int

    def ssh_config(self, user: str = "root") -> Path:
        """An SSH configuration in which the host's name leads through this proxy."""
        return self.host.keys.variant(user, via={self.host.name: (self.address, self.port)})


@contextmanager
def delay_proxy(host: Host, ms: int, port: int | None = None) -> Iterator[Proxy]:
    """A TCP proxy that adds `ms` to each round trip to the host, half of it in each direction."""
    argv = [sys.executable, "-m", "tests.lab.delay", host.address, str(port or host.port), str(ms / 2)]
    process = subprocess.Popen(
        argv, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    host.record.process(process.pid, f"delay proxy for {host.name}")
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.strip():
            raise LabError("the delay proxy did not start")
        yield Proxy(host, "127.0.0.1", int(line))
    finally:
        process.kill()
        process.communicate()


@contextmanager
def small_tmpfs(host: Host, path: str, size: str = "1m") -> Iterator[None]:
    """Put a small file system over a directory of the host, with the directory's owner and mode."""
    host.run(["mkdir", "-p", "--", path])
    uid, gid, mode = host.run(["stat", "-c", "%u %g %a", "--", path]).stdout.split()
    options = f"size={size},uid={uid},gid={gid},mode={mode}"
    host.run(["mount", "-t", "tmpfs", "-o", options, "hostdeck-small", path])
    try:
        yield
    finally:
        host.run(["umount", "--lazy", path], check=False)


@contextmanager
def full_disk(host: Host, path: str, size: str = "1m") -> Iterator[None]:
    """As `small_tmpfs`, and filled to the last byte."""
    with small_tmpfs(host, path, size):
        host.sh(f"head -c 1G /dev/zero > {path}/.full || true")
        yield


# The mount is made inside the namespace of the process that is named first; then its requests are held for ever.
_DEAD_SERVER = """
import ctypes, os, signal, sys
leader, path = sys.argv[1], sys.argv[2].encode()
device = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
space = os.open("/proc/%s/ns/mnt" % leader, os.O_RDONLY)
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % device
if libc.setns(space, 0) or libc.mount(b"nas:/export", path, b"fuse.sshfs", 0, options):
    sys.exit(os.strerror(ctypes.get_errno()))
print("mounted", flush=True)
signal.pause()
"""


@contextmanager
def dead_mount(host: Host, path: str) -> Iterator[None]:
    """Mount a network file system whose server never answers: whoever touches the directory waits."""
    host.run(["mkdir", "-p", "--", path])
    argv = [sys.executable, "-c", _DEAD_SERVER, str(host.leader), path]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stderr is not None
            if server.stdout.readline() != "mounted\n":
                raise LabError(f"{host.name}: {path} cannot be mounted: {server.stderr.read().strip()}")
            yield
        finally:
            # With its server all that waits for it ends.
            server.kill()
            host.run(["umount", "--lazy", path], check=False)


@contextmanager
def read_only(host: Host, path: str) -> Iterator[None]:
    """Make a directory of the host read-only: also root gets EROFS."""
    host.run(["mount", "--bind", path, path])
    try:
        host.run(["mount", "-o", "remount,bind,ro", path])
        yield
    finally:
        host.run(["umount", "--lazy", path], check=False)


@contextmanager
def reused_pid(host: Host, pid: int, argv: Sequence[str] = ("sleep", "600")) -> Iterator[int]:
    """Start a program in the host under a process number that an earlier one has had."""
    root = f"/proc/{host.leader}/root"
    script = f"""
    for try in 1 2 3 4 5 6 7 8 9 10; do
        echo $(({pid} - 1)) >/proc/sys/kernel/ns_last_pid
        nsenter --mount={root}/proc/1/ns/mnt --root={root} --wd={root} -- "$@" </dev/null >/dev/null 2>&1 &
        [ $! -ne {pid} ] || exit 0
        kill -KILL $!
    done
    exit 1
    """
    line = ["nsenter", f"--target={host.leader}", "--pid", "--", "sh", "-c", script, "sh", *argv]
    done = execute.run(line, None, 20)
    if done.returncode:
        raise LabError(f"{host.name}: process number {pid} was not to be had: {done.stderr.strip()}")
    try:
        yield pid
    finally:
        host.run(["kill", "-KILL", str(pid)], check=False)


@contextmanager
def clock_skew(host: Host, offset: str = "+1h") -> Iterator[None]:
    """Let programs started in the host's SSH sessions see another time of day (libfaketime).

    The kernel's clock cannot be moved for one host. `date`, `awk` and whatever else is dynamically
    linked see the skew; the journal, systemd and time stamps of files do not.
    """
    library = host.sh("ls /usr/lib/*/faketime/libfaketimeMT.so.1").split()[0]
    with sshd_setting(host, f"SetEnv LD_PRELOAD={library} FAKETIME={offset} FAKETIME_DONT_FAKE_MONOTONIC=1"):
        yield


def _outer(host: Host, *argv: str) -> None:
    """Run a network command at the switch's end of the host's cable."""
    inside(host.link.network.switch, *argv)
