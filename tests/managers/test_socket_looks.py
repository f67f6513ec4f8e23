"""The processes in rows of ``ss -p``, whatever they call themselves, in every shell that is here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from console.actions.scripts import PORT_OF_RUN
from console.managers.process_scripts import AT_PORT
from console.managers.socket_looks import OWNERS
from tests.remote.plans import SHELLS

LISTEN = """
import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, bytes.fromhex(sys.argv[1]), 0, 0, 0)
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
sys.stdin.read()
"""
"""15 is PR_SET_NAME, prctl(2)."""
FORGED = (
    b'",pid=1,fd=1),(',
    b'a",pid=1,fd=1)',
    b'))users:(("x",p',
    b"a,b(c)[d] e\\f",
    b'"""""""""""""""',
    b"\xff\xfe\xe4 x",
    b'x",pid=1',
)


@contextmanager
def listening(name: bytes) -> Iterator[tuple[int, str]]:
    """A process of this name that listens: its number and its port."""
    words = [sys.executable, "-c", LISTEN, name.hex()]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, process.stdout.readline().strip()
        finally:
            process.kill()


def said(words: tuple[str, ...], script: str, *argv: str) -> tuple[int, str]:
    done = subprocess.run([*words, "-c", script, "sh", *argv], check=False, capture_output=True)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout.decode(errors="replace").strip()


def found(words: tuple[str, ...], port: str) -> list[int]:
    return [int(word) for word in said(words, OWNERS + f"ss -Hltnp 'sport = :{port}' | pids")[1].split()]


@pytest.mark.parametrize("words", SHELLS, ids=[words[0] for words in SHELLS])
@pytest.mark.parametrize("name", FORGED)
def test_a_name_forges_no_number(name: bytes, words: tuple[str, ...]) -> None:
    with listening(name) as (pid, port):
        assert found(words, port) == [pid]


@pytest.mark.parametrize("words", SHELLS, ids=[words[0] for words in SHELLS])
def test_each_of_several_is_found(words: tuple[str, ...]) -> None:
    rows = 'LISTEN 0 5 *:80 *:* users:(("",pid=3,fd=4),("a b",pid=12,fd=5),("%s",pid=7,fd=6)) uid:1 ino:2 sk:3 <->\n'
    told = rows % FORGED[0].decode() + 'LISTEN 0 5 *:80 *:* ino:4 sk:5 cgroup:/x"users:(("y",pid=9,fd=1)) <->\n'
    script = OWNERS + 'printf %s "$1" | pids; printf %s "$1" | owner'
    assert said(words, script, told) == (0, '3\n12\n7\nprocess 3, ""')


@pytest.mark.parametrize("words", SHELLS, ids=[words[0] for words in SHELLS])
def test_a_process_is_not_given_the_port_of_one_that_names_it(words: tuple[str, ...]) -> None:
    with listening(b"victim") as (victim, _), listening(f'a",pid={victim}'.encode()) as (pid, port):
        place = ("t", port, f"tcp {port}")
        assert said(words, AT_PORT, str(victim), "victim", *place)[0] == 1
        assert said(words, AT_PORT, str(pid), "it", *place) == (0, f"it has a socket at tcp {port}")
        # The parent of both is this process: what it began is below it.
        assert said(words, AT_PORT, str(os.getpid()), "tests", *place)[0] == 0
        run = ("t", port, f"tcp {port}", "victim", "echo")
        code, told = said(words, PORT_OF_RUN, *run, f"MainPID={victim}")
        assert (code, told) == (1, f"tcp {port} is held by pid {pid}, not by victim")
        assert said(words, PORT_OF_RUN, *run, f"MainPID={pid}")[0] == 0
