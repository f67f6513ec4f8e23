"""The ways by which clients come to a listener from outside, and the packet that comes by each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.core.firewall import Packet
from console.core.network import Listener
from console.core.overlap import is_loopback, is_wildcard, same_address
from console.diagnosis.evidence import Evidence
from console.diagnosis.wanting import Want

_INNER = ("docker", "br-", "veth", "virbr", "cni", "flannel", "cali", "lxc", "podman")
"""Interfaces to guests of the host: nobody comes from outside by them."""


@dataclass(frozen=True, slots=True)
class Path:
    """A way by which clients come in: a family and an interface (``None``: by any)."""

    family: str
    interface: str | None
    address: str | None


def paths(evidence: Evidence, listeners: Sequence[Listener]) -> list[Path]:
    """Each way once; those of the host to itself, and to its guests, are none."""
    found: list[Path] = []
    for listener in listeners:
        if is_loopback(listener.address):
            continue
        for family in families(listener):
            found += _ways_in(evidence, listener, family)
    return list(dict.fromkeys(found))


def families(listener: Listener) -> tuple[str, ...]:
    """The families that it takes: ``ip``, ``ip6``."""
    if listener.address == "*":
        return ("ip", "ip6")
    if ":" not in listener.address or listener.address.startswith("::ffff:"):
        return ("ip",)
    return ("ip6",) if listener.address != "::" or listener.v6only is not False else ("ip", "ip6")


def packet(want: Want, path: Path) -> Packet:
    """The first packet of a client who comes that way; the port must be known."""
    assert want.endpoint is not None
    return Packet(
        want.endpoint.protocol, want.endpoint.port, path.family, path.interface, destination=path.address
    )  # fmt: skip


def _ways_in(evidence: Evidence, listener: Listener, family: str) -> Iterator[Path]:
    bare = listener.address.removeprefix("::ffff:")
    if evidence.addresses is None:
        yield Path(family, listener.interface, None if is_wildcard(bare) else bare)
        return
    for one in evidence.addresses:
        if (":" in one.address) is not (family == "ip6") or one.interface == "lo":
            continue
        if listener.interface is not None and one.interface != listener.interface:
            continue
        if not is_wildcard(bare):
            if same_address(one.address, bare):
                yield Path(family, one.interface, one.address)
        elif one.scope == "global" and not one.interface.startswith(_INNER):
            yield Path(family, one.interface, one.address)
