"""What keeps a port without listening, looked at by the scripts of plans, with sockets of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from console.actions.kept_scripts import CONNECTIONS_ENDED, STILL_KEPT

pytestmark = pytest.mark.skipif(shutil.which("ss") is None, reason="this machine has no ss")


def sh(script: str, *words: str, path: str | None = None) -> tuple[int, str]:
    environment = {**os.environ, **({"PATH": f"{path}:{os.environ['PATH']}"} if path else {})}
    done = subprocess.run(["sh", "-c", script, "sh", *words], capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout.strip()


def inode(one: socket.socket) -> str:
    return str(os.fstat(one.fileno()).st_ino)


def kept(port: int, *inodes: str, bound: str = "", flag: str = "t") -> tuple[int, str]:
    return sh(STILL_KEPT, flag, str(port), f"port {port}", "a b", bound, *inodes)


def ended(port: int, *inodes: str, bound: str = "", flag: str = "t") -> tuple[int, str]:
    return sh(CONNECTIONS_ENDED, flag, str(port), f"port {port}", "0", bound, *inodes)


def test_a_connection_without_a_listener() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    left, _ = listening.accept()
    listening.close()
    number = inode(left)
    assert kept(port, "1", number) == (0, f"port {port} is kept by a b")
    assert ended(port, number) == (1, f"1 connections are still at port {port}")
    # Without TIME-WAIT, as the lab's leftover does.
    left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    left.close()
    client.close()
    assert kept(port, number) == (1, f"a b does not keep port {port} any more: nothing was changed")
    assert ended(port, number) == (0, f"no connection is left at port {port}")


def test_a_socket_that_is_only_bound() -> None:
    one = socket.socket()
    one.bind(("127.0.0.1", 0))
    port, number = one.getsockname()[1], inode(one)
    assert kept(port, number, bound="bound") == (0, "a b has its socket open")
    assert ended(port, number, bound="bound")[0] == 1
    one.close()
    code = 1 if os.getuid() == 0 else 77
    assert kept(port, number, bound="bound")[0] == code
    assert ended(port, number, bound="bound")[0] == (0 if os.getuid() == 0 else 77)


def test_a_datagram_socket_with_a_peer() -> None:
    one = socket.socket(type=socket.SOCK_DGRAM)
    one.bind(("127.0.0.1", 0))
    one.connect(("127.0.0.1", 9))
    port, number = one.getsockname()[1], inode(one)
    assert kept(port, number, flag="u")[0] == 0
    assert ended(port, number, flag="u")[0] == 1
    one.close()
    assert kept(port, number, flag="u")[0] == 1
    assert ended(port, number, flag="u")[0] == 0


@pytest.mark.parametrize("script", [STILL_KEPT, CONNECTIONS_ENDED])
def test_an_ss_that_fails_is_no_proof(script: str, tmp_path: Path) -> None:
    (tmp_path / "ss").write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    (tmp_path / "ss").chmod(0o755)
    assert sh(script, "t", "8080", "tcp 8080", "0", "", "7", path=str(tmp_path)) == (77, "not checked: broken")
