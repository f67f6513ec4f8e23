#!/usr/bin/env python3
"""Puts packet filters in force for real and tells which ports a client gets to. Runs on a lab host, as root.

Standard input: a JSON list of ``{"nft": TEXT, "ip": TEXT}``, for ``nft -f`` and ``iptables-restore``. Two network
namespaces are made, a server's and a client's, with a link between them. Standard output: a JSON list of the rules as
``nft -a list ruleset`` and ``iptables-save`` show them and the ports that answered, or what was wrong with the rules.
Standard library only.
"""

import contextlib
import ctypes
import json
import os
import select
import socket
import subprocess
import sys
import threading

PORTS = tuple(range(7001, 7009))
SERVER, CLIENT = "10.98.0.1", "10.98.0.2"
PATIENCE = 0.2


def run(*argv: str, text: str = "") -> str:
    return subprocess.run(argv, input=text, capture_output=True, text=True, check=True).stdout


def client(requests: int, answers: int) -> None:
    """Connect to every port at once whenever asked; those over which a word comes back in time are answered."""
    while os.read(requests, 1):
        made = {socket.socket(): port for port in PORTS}
        for one, port in made.items():
            one.setblocking(False)
            one.connect_ex((SERVER, port))
        opened = [made[one] for one in spoken_with(list(made))]
        for one in made:
            one.close()
        os.write(answers, json.dumps(sorted(opened)).encode() + b"\n")


def spoken_with(sockets: list[socket.socket]) -> list[socket.socket]:
    """Send a word over each as soon as it is connected; those that are answered."""
    connecting = set(sockets)
    waiting: set[socket.socket] = set()
    answered: list[socket.socket] = []
    while connecting or waiting:
        readable, writable, _ = select.select(waiting, connecting, [], PATIENCE)
        if not readable and not writable:
            break
        for one in writable:
            connecting.discard(one)
            with contextlib.suppress(OSError):
                one.send(b"?")
                waiting.add(one)
        for one in readable:
            waiting.discard(one)
            with contextlib.suppress(OSError):
                answered += [one] if one.recv(1) else []
    return answered


def serve(server: socket.socket) -> None:
    """Answer each client with a word, one after the other."""
    with contextlib.suppress(OSError):
        while True:
            made, _ = server.accept()
            made.settimeout(PATIENCE)
            with contextlib.suppress(OSError):
                if made.recv(1):
                    made.sendall(b"!")
            made.close()


def main() -> None:
    asked, ask = os.pipe()
    answer, answers = os.pipe()
    ready, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ask)
        ctypes.CDLL(None).unshare(0x40000000)
        os.write(answers, b"there\n")
        os.read(ready, 1)
        client(asked, answers)
        os._exit(0)
    told = os.fdopen(answer)
    told.readline()
    ctypes.CDLL(None).unshare(0x40000000)
    run("ip", "link", "add", "wire0", "type", "veth", "peer", "name", "wire1", "netns", str(pid))
    for words in (f"addr add {SERVER}/24 dev wire0", "link set wire0 up", "link set lo up"):
        run("ip", *words.split())
    for words in (f"addr add {CLIENT}/24 dev wire1", "link set wire1 up"):
        run("nsenter", "-t", str(pid), "-n", "ip", *words.split())
    os.write(go, b"x")
    results = []
    for rules in json.load(sys.stdin):
        run("nft", "flush", "ruleset")
        try:
            if rules.get("ip"):
                run("iptables-restore", text=rules["ip"])
            if rules.get("nft"):
                run("nft", "-f", "-", text=rules["nft"])
        except subprocess.CalledProcessError as error:
            results.append({"wrong": error.stderr})
            continue
        # It fails on some rules of nft in its tables.
        saved = subprocess.run(["iptables-save"], capture_output=True, text=True, check=False)
        shown = {"nft": run("nft", "-a", "list", "ruleset"), "ip": "" if saved.returncode else saved.stdout}
        # New ones each time: what a rule left half open would fill their queues.
        servers = [socket.create_server((SERVER, port)) for port in PORTS]
        for server in servers:
            threading.Thread(target=serve, args=(server,), daemon=True).start()
        os.write(ask, b"x")
        results.append({**shown, "open": json.loads(told.readline())})
        for server in servers:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
    os.close(ask)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
