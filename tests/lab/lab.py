"""A lab: hosts on one private network, with everything they need and a way to be rid of them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from .host import ONCALL_COMMANDS, Host
from .image import base_image, cache_directory
from .keys import Keys
from .layer import layer
from .network import Network
from .packages import LabError, ensure_tools, say, why_not
from .record import Record, claim, sweep

_REPOSITORY = Path(__file__).resolve().parents[2]


class Lab:
    """Real Debian hosts for tests. Use as a context manager, or call `close()`.

    A lab that is not closed (a crash, a kill) is tidied by its reaper, a process that waits for its end.
    """

    def __init__(self) -> None:
        reason = why_not()
        if reason is not None:
            raise LabError(reason)
        ensure_tools()
        self.hosts: dict[str, Host] = {}
        self._names: set[str] = set()
        self._lock = threading.Lock()
        self._base = base_image()
        sweep()
        self.record: Record = claim()
        self._reaper = self._start_reaper()
        try:
            self._store = cache_directory() / "hosts" / f"{self.record.number}-{self.record.token}"
            self.record.add("tree", path=str(self._store))
            self._store.mkdir(parents=True)
            self.keys = Keys(self.record.directory / "ssh")
            self.network = Network(self.record)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def known_hosts(self) -> Path:
        """The file with the real keys of all hosts."""
        return self.keys.known_hosts

    @property
    def identity(self) -> Path:
        """The private key that opens root, oncall and nosudo on every host."""
        return self.keys.identity

    def ssh_config(self, user: str = "root") -> Path:
        """An SSH client configuration in which the hosts' names work (`ssh -F FILE web1`)."""
        return self.keys.config(user)

    def boot(
        self, name: str, *, docker: bool = False, sshd_config: str = "", sudo: Sequence[str] = ONCALL_COMMANDS,
        nspawn: Sequence[str] = (), packages: Sequence[str] = (), kind: type[Host] = Host,
    ) -> Host:  # fmt: skip
        """Boot a host and wait until it is up and lets us in.

        `kind=BusyboxHost` makes one without systemd; `packages` are Debian packages that the image does not have.
        """
        with self._lock:
            if name in self._names:
                raise LabError(f"this lab already has a host {name}")
            self._names.add(name)
        host: Host | None = None
        try:
            host = kind(name, self.record, self.network, self.keys, self._base, self._store, docker=docker,
                        sshd_config=sshd_config, sudo=sudo, nspawn=nspawn,
                        layer=layer(packages) if packages else None)  # fmt: skip
            self.keys.add(host.endpoint)
            host.wait_ready()
        except BaseException as error:
            if host is not None:
                error.add_note(f"console of {name}:\n{host.container.console_tail()}")
                host.stop()
                self._names.discard(name)
            raise
        self.hosts[name] = host
        return host

    def boot_many(self, names: Sequence[str], options: Mapping[str, Mapping[str, object]] | None = None) -> list[Host]:
        """Boot several hosts at once; `options` may hold arguments of `boot` by name."""
        with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
            futures = [pool.submit(self.boot, name, **(options or {}).get(name, {})) for name in names]  # type: ignore[arg-type]
        return [future.result() for future in futures]

    def stop(self, host: Host) -> None:
        """Remove one host."""
        self.hosts.pop(host.name, None)
        host.stop()
        self._names.discard(host.name)

    def close(self) -> None:
        """Remove the lab: processes, mounts, namespaces, links, files."""
        left = self.record.tidy()
        if self._reaper.stdin is not None:
            self._reaper.stdin.close()
        self._reaper.wait(30)
        self.hosts.clear()
        if left:
            raise LabError(f"lab {self.record.number} could not remove {', '.join(left)}")

    def _start_reaper(self) -> subprocess.Popen[bytes]:
        """Start the process that tidies when this one is gone, however it went."""
        argv = [sys.executable, "-m", "tests.lab.reaper", str(self.record.number), self.record.token]
        reaper = subprocess.Popen(argv, cwd=_REPOSITORY, stdin=subprocess.PIPE, start_new_session=True)
        self.record.process(reaper.pid, "reaper", "reaper")
        return reaper


__all__ = ["Lab", "LabError", "say"]
