"""Processes that call themselves what no program is called, beside a socket that is looked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from console.probes import bound, listeners
from tests.probes.asking import HERE, RefusedError

PROGRAM = """
import ctypes, socket, sys
one = socket.socket()
one.bind(("127.0.0.1", 0))
ctypes.CDLL(None).prctl(15, bytes.fromhex(sys.argv[1]), 0, 0, 0)
print(one.getsockname()[1], flush=True)
sys.stdin.read()
"""
FORGED = b'",pid=1,fd=3),('


@contextmanager
def bound_by(name: bytes) -> Iterator[tuple[int, int]]:
    """The port and the process of a socket that is only bound."""
    words = [sys.executable, "-c", PROGRAM, name.hex()]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield int(process.stdout.readline()), process.pid
        process.stdin.close()


@pytest.mark.parametrize(
    ("name", "shown"), [(b"\xff\xfe", "\ufffd\ufffd"), (FORGED, "',pid=1,fd=3),("), (b"%s%n", "%s%n"), (b"a\nb", "a b")]
)
def test_a_bound_socket_is_found_beside_any_name(name: bytes, shown: str) -> None:
    with bound_by(name) as (port, pid):
        try:
            [found] = HERE.ask(bound.PROBE, str(port))
        except RefusedError as error:
            pytest.skip(str(error))
        assert (found.pids, found.process) == ((pid,), shown)


def test_a_name_that_looks_like_an_entry_makes_nobody_the_holder() -> None:
    users = f'(("{FORGED.decode()}",pid=812,fd=4))'
    [found] = listeners.parse(f"tcp LISTEN 0 5 0.0.0.0:8080 0.0.0.0:* users:{users} uid:990 ino:77 sk:1 cgroup:/x")
    assert (found.pids, found.process) == ((), None)
    [socket] = bound.parse(f"0 0 0.0.0.0:8080 0.0.0.0:* users:{users} uid:990 ino:77")
    assert (socket.pids, socket.process) == ((), None)
