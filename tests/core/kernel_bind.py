"""Binds pairs of sockets for real and tells what the kernel said. Runs as a program of its own in a network namespace.

Standard input: a JSON list of pairs; a socket is an object with the fields of ``Binding`` and ``listening``.
With ``--links`` two links are made first; with ``--users`` (real root only) each socket is its user's.
Standard output: a JSON list with one of ``ok``, ``EADDRINUSE`` or another errno's name per pair.
"""

import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
from typing import Any

SO_REUSEPORT = 15


def prepare_links() -> None:
    """Give the namespace a loopback and two links that share one link-local address."""
    for command in (
        "link set lo up",
        "link add link0 type veth peer name link1",
        "link set link0 up",
        "link set link1 up",
        "addr add fe80::77/64 dev link0 nodad",
        "addr add fe80::77/64 dev link1 nodad",
        "addr add 10.99.0.1/24 dev link0",
    ):
        subprocess.run(["ip", *command.split()], check=True, capture_output=True)


def open_socket(wanted: dict[str, Any], port: int) -> socket.socket:
    """Bind one socket as described; the caller closes it."""
    address = wanted["address"]
    family = socket.AF_INET6 if ":" in address or address == "*" else socket.AF_INET
    kind = socket.SOCK_STREAM if wanted["protocol"] == "tcp" else socket.SOCK_DGRAM
    uid = wanted.get("uid") if "--users" in sys.argv else None
    if uid:
        os.seteuid(uid)
    try:
        opened = socket.socket(family, kind)
    finally:
        if uid:
            os.seteuid(0)
    try:
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(bool(wanted.get("v6only"))))
        if wanted.get("reuse_port"):
            opened.setsockopt(socket.SOL_SOCKET, SO_REUSEPORT, 1)
        if wanted.get("reuse_address"):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        interface = wanted.get("interface")
        if interface and not address.startswith("fe80:"):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        bare = "::" if address == "*" else address
        if family == socket.AF_INET6:
            scope = socket.if_nametoindex(interface) if interface and address.startswith("fe80:") else 0
            opened.bind((bare, port, 0, scope))
        else:
            opened.bind((bare, port))
        if kind == socket.SOCK_STREAM and wanted.get("listening", True):
            opened.listen(1)
    except OSError:
        opened.close()
        raise
    return opened


def free_port() -> int:
    """Return a port nobody has."""
    with contextlib.closing(socket.socket(socket.AF_INET6)) as found:
        found.bind(("::", 0))
        return int(found.getsockname()[1])


def attempt(bound: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Bind the first, then the second beside it."""
    port = free_port()
    try:
        first = open_socket(bound, port)
    except OSError as error:
        return "first:" + errno.errorcode.get(error.errno or 0, str(error.errno))
    with contextlib.closing(first):
        try:
            open_socket(wanted, port).close()
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, str(error.errno))
    return "ok"


def main() -> None:
    """Answer the pairs on standard input."""
    if "--links" in sys.argv:
        prepare_links()
    json.dump([attempt(bound, wanted) for bound, wanted in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
