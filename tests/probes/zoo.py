"""Sockets and processes of every kind, made for real, and the list of what was made: the truth to compare with.

Runs with any Python 3 and nothing else, on this machine or a lab host: ``python3 zoo.py FIRST_PORT [INTERFACE]`` prints
one JSON line and then holds everything open until its standard input ends or it is killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from typing import Any

Truth = dict[str, Any]
TCP, UDP, V4, V6 = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.AF_INET, socket.AF_INET6
SO_BINDTODEVICE, PR_SET_NAME = 25, 15
HOSTILE_NAME = b'a b"),("\nx\\'


def bound(
    family: int, kind: int, address: tuple[str, int], v6only: int | None = None, device: str | None = None
) -> socket.socket:
    made = socket.socket(family, kind)
    if v6only is not None:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    if device:
        made.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, device.encode())
    made.bind(address)
    if kind == TCP:
        made.listen(7)
    return made


def zoo(first: int, interface: str | None) -> Iterator[tuple[socket.socket, Truth]]:
    """Each socket with how ss shows its address; the ports count up from the first."""
    ways: list[tuple[int, int, str, str, int | None, str | None]] = [
        (V4, TCP, "127.0.0.1", "127.0.0.1", None, None),
        (V4, TCP, "0.0.0.0", "0.0.0.0", None, None),
        (V6, TCP, "::", "*", 0, None),
        (V6, TCP, "::", "::", 1, None),
        (V6, TCP, "::ffff:127.0.0.1", "::ffff:127.0.0.1", 0, None),
        (V4, UDP, "0.0.0.0", "0.0.0.0", None, None),
        (V6, UDP, "::", "*", 0, None),
        (V6, UDP, "::1", "::1", 1, None),
    ]
    if interface:
        ways.append((V4, TCP, "0.0.0.0", "0.0.0.0", None, interface))
    for at, (family, kind, address, shown, v6only, device) in enumerate(ways):
        made = bound(family, kind, (address, first + at), v6only, device)
        yield made, {
            "protocol": "tcp" if kind == TCP else "udp", "address": shown, "port": first + at,
            "inode": os.fstat(made.fileno()).st_ino, "v6only": None if v6only is None else bool(v6only),
            "interface": device, "pid": os.getpid(),
        }  # fmt: skip


def child_with_a_hostile_name(port: int) -> Truth:
    """A child that alone holds a listener, under a name that looks like the end of ss's list."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        # A child that cannot have its port ends without a word: then so does this.
        os.close(write)
        inode = int(os.read(read, 20))
        return {
            "protocol": "tcp", "address": "127.0.0.1", "port": port, "inode": inode, "v6only": None,
            "interface": None, "pid": pid,
        }  # fmt: skip
    os.closerange(3, read)
    ctypes.CDLL(None).prctl(PR_SET_NAME, HOSTILE_NAME, 0, 0, 0)
    made = bound(V4, TCP, ("127.0.0.1", port))
    os.write(write, str(os.fstat(made.fileno()).st_ino).encode())
    while os.getppid() != 1:
        time.sleep(0.2)
    os._exit(0)


def connections(port: int) -> list[socket.socket]:
    """A listener with one connection in each of ESTAB, CLOSE-WAIT and TIME-WAIT at its own end."""
    server = socket.create_server(("127.0.0.1", port))
    kept = [server]
    for state in ("ESTAB", "CLOSE-WAIT", "TIME-WAIT"):
        client = socket.create_connection(("127.0.0.1", port))
        own, _ = server.accept()
        if state == "TIME-WAIT":
            own.close()
        if state != "ESTAB":
            client.close()
        kept += [own, client]
    return kept


def blocked_child() -> int:
    """A child in state D: it waits for its own child, which shares its memory (vfork) and sleeps."""
    pid = os.fork()
    if pid:
        return pid
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NAME, b"waits in D", 0, 0, 0)
    if libc.vfork() == 0:
        while True:
            libc.pause()
    os._exit(0)


def main() -> None:
    first, interface = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    hostile = child_with_a_hostile_name(first + 20)
    blocked = blocked_child()
    made = list(zoo(first, interface))
    kept = connections(first + 30)
    # One connection that is closed at once with RST leaves nothing: so that the list is not accidentally right.
    gone = socket.create_connection(("127.0.0.1", first + 30))
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.close()
    listeners = [truth for _, truth in made] + [hostile]
    print(json.dumps({"listeners": listeners, "connections": first + 30, "blocked": blocked, "pid": os.getpid()}))
    sys.stdout.flush()
    try:
        sys.stdin.read()
    finally:
        os.kill(hostile["pid"], signal.SIGKILL)
        os.system(f"pkill -KILL -P {blocked}; kill -KILL {blocked}")
        del kept


if __name__ == "__main__":
    main()
