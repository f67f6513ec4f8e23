"""Whether two sockets can be bound at the same time, as Linux decides it.

Modelled on ``inet_rcv_saddr_equal`` and ``inet_csk_bind_conflict`` (net/ipv4/inet_connection_sock.c) and
``udp_lib_lport_inuse`` (net/ipv4/udp.c); the tests bind both sockets for real and compare.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, ip_address

from console.core.network import Listener, Socket
from console.core.service import Endpoint


@dataclass(frozen=True, slots=True)
class Binding:
    """A socket that is bound, or is to be bound.

    ``address`` may carry an interface (``fe80::1%eth0``) and brackets; ``*`` is the IPv6 wildcard that also takes IPv4,
    or an address that is not known: both meet everything. ``reuse_port`` and ``reuse_address`` are the socket options,
    ``False`` where they are not known, because then sharing cannot be relied on.
    """

    protocol: str
    address: str
    port: int
    v6only: bool | None = None
    interface: str | None = None
    uid: int | None = None
    reuse_port: bool = False
    reuse_address: bool = False
    listening: bool = True
    """Whether the socket listens; one that is bound and does not listen gives way to SO_REUSEADDR."""

    @classmethod
    def of_listener(cls, listener: Listener) -> "Binding":
        """The binding of a socket that the kernel lists."""
        return cls(
            listener.protocol,
            listener.address,
            listener.port,
            v6only=listener.v6only,
            interface=listener.interface,
            uid=listener.uid,
        )

    @classmethod
    def of_socket(cls, socket: Socket) -> "Binding":
        """The binding of a socket that does not listen."""
        return cls(
            socket.protocol,
            socket.address,
            socket.port,
            v6only=socket.v6only,
            interface=socket.interface,
            uid=socket.uid,
            listening=False,
        )

    @classmethod
    def of_endpoint(cls, endpoint: Endpoint) -> "Binding":
        """The binding that a service wants."""
        return cls(endpoint.protocol, endpoint.address, endpoint.port, v6only=endpoint.v6only)


@dataclass(frozen=True, slots=True)
class _Place:
    """An address as the kernel compares it. ``value`` is ``None`` for the wildcard of the version."""

    version: int
    value: str | None
    v6only: bool
    interface: str | None


def clash(wanted: Binding, bound: Binding) -> str | None:
    """Say why ``wanted`` cannot be bound while ``bound`` is, or return ``None`` when both can be."""
    if wanted.port != bound.port or wanted.protocol != bound.protocol:
        return None
    first = _place(wanted.address, wanted.v6only, wanted.interface)
    second = _place(bound.address, bound.v6only, bound.interface)
    if first.interface and second.interface and first.interface != second.interface:
        return None
    if not _meet(first, second) or _shared(wanted, bound):
        return None
    return _reason(wanted, first, bound, second)


def overlaps(wanted: Endpoint, listener: Listener) -> str | None:
    """Say why a service cannot have ``wanted`` beside ``listener``, or return ``None``."""
    if wanted.port != listener.port:
        return None
    return clash(Binding.of_endpoint(wanted), Binding.of_listener(listener))


def is_wildcard(address: str) -> bool:
    """Whether the address takes every address of its version."""
    return _place(address, None, None).value is None


def is_loopback(address: str) -> bool:
    """Whether only this host itself can reach the address."""
    value = _place(address, None, None).value
    return value is not None and ip_address(value).is_loopback


def same_address(first: str, second: str) -> bool:
    """Whether two spellings are one address (``::1`` and ``0:0::1``, ``[::]`` and ``*``, mapped and plain IPv4)."""
    one, other = _place(first, None, None), _place(second, None, None)
    return (one.version, one.value) == (other.version, other.value)


@lru_cache(maxsize=4096)
def _place(address: str, v6only: bool | None, interface: str | None) -> _Place:
    bare, _, scope = address.strip("[]").partition("%")
    interface = interface or scope.rstrip("]") or None
    if bare in ("*", ""):
        return _Place(6, None, False, interface)
    try:
        parsed = ip_address(bare)
    except ValueError:
        # A name: what it resolves to is not known here, so it is taken to meet everything.
        return _Place(6, None, False, interface)
    if not isinstance(parsed, IPv4Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    value = None if parsed.is_unspecified else str(parsed)
    if isinstance(parsed, IPv4Address):
        return _Place(4, value, False, interface)
    return _Place(6, value, bool(v6only) or value is not None, interface)


def _meet(first: _Place, second: _Place) -> bool:
    if first.version == second.version:
        return first.value is None or second.value is None or first.value == second.value
    wide = first if first.version == 6 else second
    return wide.value is None and not wide.v6only


def _shared(wanted: Binding, bound: Binding) -> bool:
    if wanted.reuse_port and bound.reuse_port and wanted.uid is not None and wanted.uid == bound.uid:
        return True
    if not (wanted.reuse_address and bound.reuse_address):
        return False
    return wanted.protocol == "udp" or not bound.listening


def _reason(wanted: Binding, first: _Place, bound: Binding, second: _Place) -> str:
    there, here = _shown(bound.address, second), _shown(wanted.address, first)
    if there == here:
        text = "both want every address" if there == "*" else f"same address {there}"
    elif first.version == second.version:
        text = f"{there} overlaps {here}"
    else:
        text = f"{_both(there, second)} overlaps {_both(here, first)}"
    if wanted.reuse_port and bound.reuse_port:
        return f"{text}; SO_REUSEPORT is shared only within one user"
    if wanted.reuse_port or bound.reuse_port:
        return f"{text}; SO_REUSEPORT is set on one side only"
    return text


def _shown(address: str, place: _Place) -> str:
    bare = address.strip("[]").partition("%")[0]
    text = f"[{bare}]" if ":" in bare else bare or "*"
    return f"{text}%{place.interface}" if place.interface else text


def _both(text: str, place: _Place) -> str:
    return f"{text} (IPv6 and IPv4)" if place.version == 6 and place.value is None else text
