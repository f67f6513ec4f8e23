"""The lab's network: one bridge in a namespace of its own, one namespace for each host.

Only one link of a lab is visible in the machine's own namespace: `hdN`, with 10.77.N.1. The bridge
lives in a namespace so that the machine's firewall has no say in traffic between hosts.
"""

from __future__ import annotations

import subprocess
import threading

from .packages import LabError
from .record import PREFIX, Record


def ip(*arguments: str, namespace: str | None = None) -> str:
    """Run `ip`, in a namespace when one is named; its errors are the lab's errors."""
    argv = ["ip", *(["-n", namespace] if namespace else []), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def inside(namespace: str, *argv: str, check: bool = True) -> str:
    """Run a program of this machine inside a network namespace."""
    full = ["ip", "netns", "exec", namespace, *argv]
    done = subprocess.run(full, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise LabError(f"{' '.join(full)}: {done.stderr.strip()}")
    return done.stdout


class Network:
    """The subnet of one lab."""

    def __init__(self, record: Record) -> None:
        number = record.number
        self.gateway = f"{PREFIX}.{number}.1"
        self.switch = f"hd{number}-net"
        self.uplink = f"hd{number}"
        self._record = record
        self._number = number
        self._count = 0
        self._lock = threading.Lock()
        record.add("netns", name=self.switch)
        record.add("link", name=self.uplink)
        ip("netns", "add", self.switch)
        ip("link", "add", self.uplink, "type", "veth", "peer", "name", "up0", "netns", self.switch)
        ip("addr", "add", f"{self.gateway}/24", "dev", self.uplink)
        ip("link", "set", self.uplink, "up")
        ip("link", "add", "br0", "type", "bridge", namespace=self.switch)
        ip("link", "set", "up0", "master", "br0", "up", namespace=self.switch)
        ip("link", "set", "br0", "up", namespace=self.switch)
        ip("link", "set", "lo", "up", namespace=self.switch)

    def attach(self) -> Port:
        """Make the namespace of one more host and connect it."""
        with self._lock:
            self._count += 1
            index = self._count
        if index > 200:
            raise LabError("a lab has room for 200 hosts")
        port = Port(self, f"hd{self._number}-{index}", f"p{index}", f"{PREFIX}.{self._number}.{index + 10}")
        self._record.add("netns", name=port.namespace)
        ip("netns", "add", port.namespace)
        ip("link", "add", port.outer, "netns", self.switch, "type", "veth",
           "peer", "name", "host0", "netns", port.namespace)  # fmt: skip
        ip("link", "set", port.outer, "master", "br0", "up", namespace=self.switch)
        ip("addr", "add", f"{port.address}/24", "dev", "host0", namespace=port.namespace)
        ip("link", "set", "host0", "up", namespace=port.namespace)
        ip("link", "set", "lo", "up", namespace=port.namespace)
        return port

    def detach(self, port: Port) -> None:
        """Remove a host's namespace; its link goes with it."""
        ip("netns", "del", port.namespace)


class Port:
    """One host's place on the network: its namespace, its address and the switch's end of its cable."""

    def __init__(self, network: Network, namespace: str, outer: str, address: str) -> None:
        self.network = network
        self.namespace = namespace
        self.outer = outer
        self.address = address
