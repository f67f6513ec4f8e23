"""Faults of a host's SSH server, its sessions and its keys. Use them through `tests.lab.faults`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .host import Host, wait_for_banner
from .keys import new_key
from .packages import LabError


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    name: str
    title: str


def _processes(host: Host) -> list[_Process]:
    rows = [line.split(None, 3) for line in host.sh("ps -eo pid=,ppid=,comm=,args=").splitlines()]
    return [_Process(int(row[0]), int(row[1]), row[2], row[3] if len(row) > 3 else "") for row in rows]


def _below(processes: list[_Process], roots: set[int]) -> list[_Process]:
    """All descendants of the given processes."""
    found: list[_Process] = []
    while True:
        more = [process for process in processes if process.parent in roots and process not in found]
        if not more:
            return found
        found += more
        roots = roots | {process.pid for process in more}


def listener_pid(host: Host) -> int:
    """The process, in the host, that accepts SSH connections."""
    return int(host.sh("systemctl show -P MainPID ssh.service"))


def session_pids(host: Host) -> list[int]:
    """The sshd processes, in the host, that serve open connections."""
    below = _below(_processes(host), {listener_pid(host)})
    return [process.pid for process in below if process.name == "sshd"]


def shell_pids(host: Host, names: Sequence[str] = ("sh", "dash")) -> list[int]:
    """The shells, in the host, that run below SSH sessions."""
    return [process.pid for process in _below(_processes(host), set(session_pids(host))) if process.name in names]


@contextmanager
def stopped(host: Host, pids: Sequence[int], what: str = "process") -> Iterator[tuple[int, ...]]:
    """SIGSTOP for processes of a host, seen to have worked; SIGCONT at the end."""
    if not pids:
        raise LabError(f"{host.name} has no {what} to freeze")
    words = [str(pid) for pid in pids]
    try:
        host.run(["kill", "-STOP", *words])
        host.wait(f"! ps -o stat= -p {','.join(words)} | grep -qv ^T", timeout=5)
        yield tuple(pids)
    finally:
        host.run(["kill", "-CONT", *words], check=False)


@contextmanager
def frozen_sshd_listener(host: Host) -> Iterator[None]:
    """New connections are accepted by the kernel and get no banner; open ones go on."""
    with stopped(host, [listener_pid(host)], "SSH listener"):
        yield


@contextmanager
def frozen_sessions(host: Host) -> Iterator[tuple[int, ...]]:
    """The open SSH connections hang; new ones work."""
    with stopped(host, session_pids(host), "SSH session") as pids:
        yield pids


@contextmanager
def frozen_probe_shell(host: Host) -> Iterator[tuple[int, ...]]:
    """The shells below SSH sessions hang, while sshd itself goes on answering keepalives."""
    with stopped(host, shell_pids(host), "shell below an SSH session") as pids:
        yield pids


@contextmanager
def dead_sshd(host: Host) -> Iterator[None]:
    """No SSH server at all: the port refuses, open connections are cut."""
    pids = [str(pid) for pid in session_pids(host)]
    host.run(["systemctl", "stop", "ssh.service"])
    if pids:
        host.run(["kill", "-KILL", *pids], check=False)
    try:
        yield
    finally:
        _restart_sshd(host)


@contextmanager
def sshd_setting(host: Host, lines: str) -> Iterator[None]:
    """Other lines in the SSH server's configuration; they win over those given at boot."""
    path = "/etc/ssh/sshd_config.d/05-fault.conf"
    host.write(path, lines + "\n")
    try:
        _restart_sshd(host)
        yield
    finally:
        host.run(["rm", "-f", path])
        _restart_sshd(host)


def max_sessions(host: Host, n: int = 1) -> AbstractContextManager[None]:
    """At most n channels on a connection."""
    return sshd_setting(host, f"MaxSessions {n}")


def max_startups(host: Host, spec: str = "2:100:2") -> AbstractContextManager[None]:
    """Refuse connections while this many have not logged in yet (start:rate:full)."""
    return sshd_setting(host, f"MaxStartups {spec}")


def _restart_sshd(host: Host) -> None:
    # A restart ends only the listener: the sessions have a scope each, and live on. The start limit is not ours to hit.
    host.run(["systemctl", "reset-failed", "ssh.service"])
    host.run(["systemctl", "restart", "ssh.service"])
    wait_for_banner(host.address, host.port)
    host.wait("ps -ww -o args= -p $(systemctl show -P MainPID ssh.service) | grep -q ' 0 of '")  # our own look is over


@contextmanager
def revoked_access(host: Host, user: str = "oncall") -> Iterator[None]:
    """The operator's own key is taken out of authorized_keys; open connections go on."""
    path = "/root/.ssh/authorized_keys" if user == "root" else f"/home/{user}/.ssh/authorized_keys"
    host.run(["mv", "-T", path, f"{path}.revoked"])
    try:
        yield
    finally:
        host.run(["mv", "-T", f"{path}.revoked", path])


@contextmanager
def changed_host_key(host: Host) -> Iterator[Path]:
    """Yields a known_hosts file that has another key for this host, as after a reinstallation."""
    with TemporaryDirectory() as place:
        other = new_key(Path(place) / "key", "another")
    with _known_hosts(host, host.endpoint.known_hosts_line(host_key=other)) as path:
        yield path


@contextmanager
def revoked_host_key(host: Host) -> Iterator[Path]:
    """Yields a known_hosts file that calls this host's key revoked."""
    with _known_hosts(host, host.endpoint.known_hosts_line("@revoked")) as path:
        yield path


@contextmanager
def empty_known_hosts(host: Host | None = None) -> Iterator[Path]:
    """Yields a known_hosts file that knows no host, or, when one is named, all but this one."""
    if host is not None:
        with _known_hosts(host, None) as path:
            yield path
        return
    with TemporaryDirectory() as place:
        path = Path(place) / "known_hosts"
        path.touch()
        yield path


@contextmanager
def _known_hosts(host: Host, line: str | None) -> Iterator[Path]:
    others = [endpoint.known_hosts_line() for endpoint in host.keys.endpoints() if endpoint.name != host.name]
    path = host.keys.file("known_hosts", *others, *([line] if line else []))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
