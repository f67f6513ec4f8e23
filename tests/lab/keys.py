"""SSH material of a lab: one key pair, the hosts' real host keys, and client configuration files."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .packages import LabError


def new_key(path: Path, comment: str) -> str:
    """Make an ed25519 key pair without a passphrase; returns the public line."""
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"ssh-keygen: {done.stderr.strip()}")
    return path.with_name(path.name + ".pub").read_text(encoding="utf-8").strip()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a host is reached and which key it shows there."""

    name: str
    address: str
    port: int
    host_key: str

    def known_hosts_line(self, marker: str = "", host_key: str | None = None) -> str:
        """The known_hosts line for this endpoint, optionally with a marker such as `@revoked`."""
        place = self.address if self.port == 22 else f"[{self.address}]:{self.port}"
        line = f"{self.name},{place} {' '.join((host_key or self.host_key).split()[:2])}"
        return f"{marker} {line}" if marker else line


class Keys:
    """The directory with a lab's SSH files. Nothing outside it is read or written."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700)
        self.directory = directory
        self.identity = directory / "id_ed25519"
        self.public = new_key(self.identity, "hostdeck-lab")
        self.known_hosts = directory / "known_hosts"
        self.known_hosts.touch()
        self._endpoints: dict[str, Endpoint] = {}
        self._users: set[str] = set()
        self._count = 0
        self._lock = threading.Lock()

    def add(self, endpoint: Endpoint) -> None:
        """Make a host known; configuration files already handed out learn of it too."""
        with self._lock:
            self._endpoints[endpoint.name] = endpoint
            self._rewrite()

    def remove(self, name: str) -> None:
        """Forget a host."""
        with self._lock:
            self._endpoints.pop(name, None)
            self._rewrite()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every host that is known now."""
        return tuple(self._endpoints.values())

    def config(self, user: str = "root") -> Path:
        """The client configuration for all hosts as this user; it follows hosts booted later."""
        with self._lock:
            self._users.add(user)
            self._rewrite()
        return self.directory / f"config-{user}"

    def variant(
        self,
        user: str = "root",
        known_hosts: Path | None = None,
        via: Mapping[str, tuple[str, int]] | None = None,
        extra: str = "",
        jump: Mapping[str, str] | None = None,
    ) -> Path:
        """A one-off configuration: other known_hosts, other endpoints (a proxy), jump hosts, extra lines per host."""
        endpoints = []
        for endpoint in self.endpoints():
            address, port = (via or {}).get(endpoint.name, (endpoint.address, endpoint.port))
            endpoints.append(Endpoint(endpoint.name, address, port, endpoint.host_key))
        if known_hosts is None:
            known_hosts = self.file("known_hosts", *(endpoint.known_hosts_line() for endpoint in endpoints))
        return self.file("config", self._text(user, endpoints, known_hosts, extra, jump))

    def file(self, kind: str, *lines: str) -> Path:
        """A new file of the lab's SSH directory with these lines."""
        with self._lock:
            self._count += 1
            path = self.directory / f"{kind}-{self._count}"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    def _rewrite(self) -> None:
        lines = [endpoint.known_hosts_line() for endpoint in self._endpoints.values()]
        _replace(self.known_hosts, "".join(f"{line}\n" for line in lines))
        for user in self._users:
            text = self._text(user, list(self._endpoints.values()), self.known_hosts)
            _replace(self.directory / f"config-{user}", text)

    def _text(
        self,
        user: str,
        endpoints: list[Endpoint],
        known_hosts: Path,
        extra: str = "",
        jump: Mapping[str, str] | None = None,
    ) -> str:
        blocks = []
        for endpoint in endpoints:
            lines = [
                f"HostName {endpoint.address}",
                f"Port {endpoint.port}",
                f"User {user}",
                f"IdentityFile {self.identity}",
                "IdentitiesOnly yes",
                "IdentityAgent none",
                f"UserKnownHostsFile {known_hosts}",
                "GlobalKnownHostsFile /dev/null",
                "StrictHostKeyChecking yes",
                *([f"ProxyJump {jump[endpoint.name]}"] if jump and endpoint.name in jump else []),
                *extra.splitlines(),
            ]
            blocks.append("\n".join([f"Host {endpoint.name}", *(f"  {line}" for line in lines)]) + "\n")
        return "\n".join(blocks)


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
