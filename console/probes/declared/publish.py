"""A published port in the short syntax of Docker and Compose: ``[[ADDRESS:]HOST_PORT:]CONTAINER_PORT[/PROTOCOL]``."""

import re

from console.probes.declared.names import HIGHEST, Claim, plain_address

_PORTS = r"(\d{1,5})(?:-(\d{1,5}))?"
_short = re.compile(rf"(?:(?P<address>\[[0-9A-Fa-f:.]*\]|[^:\[\]]*):)?{_PORTS}:{_PORTS}(?:/(?P<protocol>\w+))?\Z")


def read_publish(text: str) -> Claim | None:
    """What of the host it takes; ``None`` where the engine chooses a port by itself, or it is none of this form."""
    match = _short.match(text)
    if match is None or (match["protocol"] or "tcp").lower() not in ("tcp", "udp"):
        return None
    inside = int(match[4]), int(match[5] or match[4])
    first, last = int(match[2]), int(match[3] or match[2])
    return published(first, last, inside[1] - inside[0], match["address"] or "", match["protocol"] or "tcp", text)


def published(first: int, last: int, inside: int, address: str, protocol: str, text: str) -> Claim | None:
    """A range of the host beside one of a container that is ``inside`` ports longer than one port."""
    if not 1 <= first <= last <= HIGHEST:
        return None
    whole = last if last > first else 0
    shown = plain_address(address)
    return Claim(protocol.lower(), shown, first, whole, choice=bool(whole) and inside == 0, text=text)
