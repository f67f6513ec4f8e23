"""The host's own addresses: ``ip -o addr`` of iproute2 or busybox."""

from dataclasses import dataclass

from console.core.probe import ParseError, Probe

_FLAGS = ("tentative", "dadfailed", "optimistic")

SCRIPT = r"""
exec ip -o addr show
"""


@dataclass(frozen=True, slots=True)
class HostAddress:
    """An address of a host and the interface that has it."""

    interface: str
    address: str
    prefix: int
    scope: str
    """``global``, ``link`` or ``host``, as ``ip`` says it."""
    flags: tuple[str, ...] = ()
    """Of IPv6: ``tentative`` while the network is asked whether anybody has it, ``dadfailed`` when somebody did."""

    @property
    def unusable(self) -> bool:
        """Whether it cannot be bound: it is there, but not yet, or not at all, the host's own."""
        return "dadfailed" in self.flags or ("tentative" in self.flags and "optimistic" not in self.flags)


def parse(text: str) -> tuple[HostAddress, ...]:
    """Read lines such as ``2: eth0    inet 10.0.0.2/24 brd 10.0.0.255 scope global eth0``."""
    return tuple(_address(line) for line in text.splitlines() if " inet " in line or " inet6 " in line)


def _address(line: str) -> HostAddress:
    words = line.split()
    try:
        at = 2 if words[2] in ("inet", "inet6") else 3
        # A tunnel shows "10.0.0.1 peer 10.0.0.2/32".
        address, _, prefix = words[at + 1].partition("/")
        scope = words[words.index("scope") + 1] if "scope" in words else "global"
        full = 128 if words[at] == "inet6" else 32
        flags = tuple(word for word in words if word in _FLAGS)
        name = words[1].rstrip(":").partition("@")[0]
        return HostAddress(name, address, int(prefix) if prefix else full, scope, flags)
    except (IndexError, ValueError):
        raise ParseError("an address of ip -o addr", line) from None


PROBE = Probe(name="addresses", script=SCRIPT, parse=parse, requires=("ip",), shown="ip -o addr show")
