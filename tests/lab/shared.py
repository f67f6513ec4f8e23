"""What the fixtures in `tests/conftest.py` hand to tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Protocol

from .host import Host
from .lab import Lab


class FreshHost(Protocol):
    """The `fresh_host` fixture: boots a host of one test's own; takes the arguments of `Lab.boot`."""

    def __call__(self, name: str | None = None, **options: object) -> Host:
        """Boot it."""


class Fleet(Mapping[str, Host]):
    """Hosts shared by the tests of a session, each booted when it is first asked for.

    `fleet["web1"]` is a plain host, `fleet["docker1"]` (any name beginning with "docker") has Docker.
    Tests that break their host take `fresh_host` instead.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._lock = threading.Lock()
        self._hosts: dict[str, Host] = {}

    def __getitem__(self, name: str) -> Host:
        with self._lock:
            if name not in self._hosts:
                self._hosts[name] = self.lab.boot(name, docker=name.startswith("docker"))
            return self._hosts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)
