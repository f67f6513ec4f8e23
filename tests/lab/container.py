"""One booted container: systemd-nspawn as a child process, watched by a thread.

Readiness comes by event: nspawn passes on the READY=1 of the container's own systemd, and tells the
process id of its PID 1. When the host reboots itself, nspawn ends with status 133 and is started again.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.patience import SHARED

from .packages import LabError, find_tool
from .record import Record, start_time

_REBOOT_STATUS = 133
ENGINE = ("--capability=all", "--system-call-filter=add_key keyctl bpf")
"""What a container engine needs inside a host."""
# Root of a real host reads and sets its firewall; nspawn takes that away where the network was made by others.
_ROOT = ("--capability=CAP_NET_ADMIN",)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a container is made of."""

    name: str
    machine: str  # also the name of its network namespace
    root: Path
    binds: tuple[str, ...] = ()
    docker: bool = False
    init: tuple[str, ...] = ("--boot",)
    extra: tuple[str, ...] = ()

    def argv(self) -> list[str]:
        """The command line of systemd-nspawn."""
        return [
            find_tool("systemd-nspawn") or "systemd-nspawn",
            "--quiet", "--register=no", "--keep-unit", "--settings=no",
            f"--notify-ready={'yes' if self.init == ('--boot',) else 'no'}",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no",
            f"--directory={self.root}", f"--machine={self.machine}", f"--hostname={self.name}",
            f"--network-namespace-path=/run/netns/{self.machine}",
            *(f"--bind={bind}" for bind in self.binds),
            *(ENGINE if self.docker else _ROOT),
            *self.extra,
            *self.init,
        ]  # fmt: skip


def cgroup_mount() -> Path:
    """Where the unified control group hierarchy is mounted, also on a machine with both kinds."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields, _, kind = line.partition(" - ")
        if kind.startswith("cgroup2 "):
            return Path(fields.split()[4])
    raise LabError("no cgroup2 file system is mounted on this machine")


class Container:
    """A running systemd-nspawn and the thread that watches it."""

    def __init__(self, setup: Setup, record: Record, directory: Path) -> None:
        self.setup = setup
        self.cgroup = cgroup_mount() / f"hostdeck-lab-{setup.machine}"
        self.console = directory / "console.log"
        self._record = record
        self._changed = threading.Condition()
        self._leader = 0
        self._ready = False
        self._boots = 0
        self._ended: str | None = None
        self._stopping = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify = directory / "notify"
        self._socket.bind(str(self._notify))
        record.add("cgroup", path=str(self.cgroup))
        record.add("tree", path=f"/run/systemd/nspawn/propagate/{setup.machine}")
        self._process = self._start()
        self._thread = threading.Thread(target=self._watch, name=f"lab-{setup.name}", daemon=True)
        self._thread.start()

    @property
    def leader(self) -> int:
        """The process id, as seen from here, of the container's PID 1."""
        with self._changed:
            if self._ended is not None or not self._leader:
                raise LabError(f"{self.setup.name} is not running: {self._ended or 'still starting'}")
            return self._leader

    @property
    def boots(self) -> int:
        """How many times the host has come up."""
        return self._boots

    def wait_ready(self, boots: int = 1, timeout: float = 60) -> None:
        """Wait until the host's systemd has reported for the given time that it is up."""
        with self._changed:
            done = self._changed.wait_for(lambda: self._ended is not None or self._boots >= boots, SHARED * timeout)
            if self._ended is not None:
                raise LabError(f"{self.setup.name} did not stay up: {self._ended}\n{self.console_tail()}")
            if not done:
                raise LabError(f"{self.setup.name} was not up within {SHARED * timeout} s\n{self.console_tail()}")

    def wait_ended(self, timeout: float = 30) -> bool:
        """Wait until the host is powered off."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ended is not None, timeout)

    def console_tail(self, lines: int = 20) -> str:
        """The last lines of the host's console."""
        with contextlib.suppress(OSError):
            return "\n".join(self.console.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        return ""

    def kill(self) -> None:
        """Pull the plug: end every process of the host at once."""
        with self._changed:
            self._stopping = True
            leader = self._leader
        if leader:
            with contextlib.suppress(ProcessLookupError):
                os.kill(leader, signal.SIGKILL)
        else:
            self._process.kill()
        if not self.wait_ended(10):
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        self._thread.join(10)

    def _start(self) -> subprocess.Popen[bytes]:
        self.cgroup.mkdir(exist_ok=True)
        # The shell moves itself into the group and becomes nspawn: no host shares a group with another.
        argv = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(self.cgroup), *self.setup.argv()]
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "NOTIFY_SOCKET": str(self._notify),
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",  # sysctl of the host's own network, as Docker needs
            "SYSTEMD_NSPAWN_LOCK": "0",  # the directory is ours alone; its lock file would stay behind
        }
        with self.console.open("ab") as log:
            process = subprocess.Popen(
                argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._record.process(process.pid, f"nspawn {self.setup.name}")
        return process

    def _watch(self) -> None:
        while True:
            status = self._attend(self._process)
            with self._changed:
                self._leader, self._ready = 0, False
                if status != _REBOOT_STATUS or self._stopping:
                    self._ended = f"systemd-nspawn ended with status {status}"
                    self._socket.close()
                    self._changed.notify_all()
                    return
                self._process = self._start()

    def _attend(self, process: subprocess.Popen[bytes]) -> int:
        """Take in notifications until nspawn ends; returns its exit status."""
        handle = os.pidfd_open(process.pid)
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            poll.register(self._socket, select.POLLIN)
            while True:
                ready = {descriptor for descriptor, _ in poll.poll()}
                if self._socket.fileno() in ready:
                    self._take(self._socket.recv(65536).decode(errors="replace"))
                elif handle in ready:
                    return process.wait()
        finally:
            os.close(handle)

    def _take(self, message: str) -> None:
        fields = dict(line.split("=", 1) for line in message.splitlines() if "=" in line)
        with self._changed:
            if "X_NSPAWN_LEADER_PID" in fields:
                self._leader = int(fields["X_NSPAWN_LEADER_PID"])
                self._record.process(self._leader, f"PID 1 of {self.setup.name}")
            if fields.get("READY") == "1" and self._leader and not self._ready:
                self._ready = True
                self._boots += 1
            self._changed.notify_all()


def children(pid: int) -> list[int]:
    """The child processes of a process."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(word) for word in text.split() if start_time(int(word)) is not None]
