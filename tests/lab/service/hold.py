#!/usr/bin/env python3
"""Holds a port in one of the ways that puzzle people: hold.py WAY ADDRESS PORT. Standard library only."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time


def bound(address: str, port: int, kind: int = socket.SOCK_STREAM, *options: tuple) -> socket.socket:
    """A socket bound to a place, with options set beforehand."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, kind)
    for option in options:
        made.setsockopt(*option)
    made.bind(socket.getaddrinfo(address, port, family, kind)[0][4])
    return made


def listening(address: str, port: int, *options: tuple) -> socket.socket:
    made = bound(address, port, socket.SOCK_STREAM, *options)
    made.listen(16)
    return made


def outgoing(address: str, port: int) -> socket.socket:
    """A connection to sshd from this very port, as the ephemeral range may hand it out."""
    with pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").open("r+") as setting:
        before = setting.read()
        setting.seek(0)
        setting.write(f"{port} {port + 1}\n")
        setting.flush()
        made = socket.create_connection((address, 22))
        setting.seek(0)
        setting.write(before)
    return made


def udp_client(address: str, port: int) -> socket.socket:
    """A datagram socket with a peer: it receives from nobody else, and keeps the port all the same."""
    made = bound(address, port, socket.SOCK_DGRAM)
    made.connect(("127.0.0.1", 514))
    return made


def orphan(address: str, port: int) -> None:
    """A child that knows nothing of the socket it inherited, after the parent has died."""
    made = listening(address, port)
    made.set_inheritable(True)
    subprocess.Popen(["sleep", "100000"], close_fds=False, start_new_session=True)


def time_wait(address: str, port: int) -> None:
    """Serve one client and hang up first: what remains is TIME_WAIT, without a listener."""
    made = listening(address, port, (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1))
    with socket.create_connection(("127.0.0.1", port)) as client:
        served, _ = made.accept()
        served.close()
        client.recv(1)
    made.close()


def leftover(address: str, port: int) -> list:
    """Close the listener and keep an accepted connection."""
    made = listening(address, port)
    client = socket.create_connection(("127.0.0.1", port))
    served, _ = made.accept()
    made.close()
    return [client, served]


WAYS = {
    "listen": listening,
    "reuseport": lambda address, port: listening(address, port, (socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)),
    "v6only": lambda address, port: listening(address, port, (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)),
    "device": lambda address, port: listening(address, port, (socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"host0\0")),
    "bound": bound,
    "udp": lambda address, port: bound(address, port, socket.SOCK_DGRAM),
    "udp-client": udp_client,
    "outgoing": outgoing,
    "orphan": orphan,
    "time-wait": time_wait,
    "leftover": leftover,
}


def main() -> int:
    way, address, port = sys.argv[1:4]
    try:
        held = WAYS[way](address, int(port))
    except OSError as error:
        print(f"hold: bind {address}:{port}: {error.strerror} (errno {error.errno})", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while held is not None:
        time.sleep(3600)
    return 0


if __name__ == "__main__":
    os.umask(0o027)
    sys.exit(main())
