"""The zones of firewalld: ``firewall-cmd --list-all-zones``, for a login that may run that and not read the rules.

firewalld(1) 1.3: a zone is told with its name, ``(active)`` where interfaces or sources are bound to it, and its parts.
"""

import re
from dataclasses import dataclass

from console.core.probe import ParseError, Probe
from console.probes.elevated import AS_ROOT

SCRIPT = AS_ROOT + "hd_as_root firewall-cmd --list-all-zones\n"

_head = re.compile(r"(?P<name>\S+)(?: \((?P<marks>[^)]*)\))?")
_KNOWN = {"ssh": 22, "http": 80, "https": 443, "dhcpv6-client": 546, "cockpit": 9090, "mdns": 5353, "dns": 53,
          "ipp-client": 631, "samba-client": 138, "ntp": 123}  # fmt: skip
"""The ports of firewalld's own services that most zones have; what another one means is in a file of the host."""


@dataclass(frozen=True, slots=True)
class Zone:
    """What a zone lets in."""

    name: str
    active: bool = False
    target: str = "default"
    interfaces: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    rich: bool = False
    """It has rules of other kinds."""

    def lets_in(self, protocol: str, port: int) -> bool | None:
        """Whether a client gets to a port; ``None`` where that is not told."""
        if self.target == "ACCEPT" or any(_covers(word, protocol, port) for word in self.ports):
            return True
        named = {_KNOWN.get(service) for service in self.services}
        if port in named:
            return True
        return None if self.rich or None in named else False


def _covers(word: str, protocol: str, port: int) -> bool:
    ports, _, of = word.partition("/")
    low, _, high = ports.partition("-")
    if of != protocol or not low.isdecimal() or not (high or low).isdecimal():
        return False
    return int(low[:6]) <= port <= int((high or low)[:6])


def parse(text: str) -> tuple[Zone, ...]:
    """Read the answer of ``SCRIPT``."""
    zones: list[dict[str, str]] = []
    last = ""
    for line in text.splitlines():
        if not line.strip():
            continue
        if not line.startswith((" ", "\t")):
            zones.append({"head": line.strip()})
            last = ""
        elif zones and line.startswith("  ") and ":" in line:
            last, _, value = line.strip().partition(":")
            zones[-1][last] = value.strip()
        elif zones and last:
            zones[-1][last] = f"{zones[-1][last]} {line.strip()}".strip()
        else:
            raise ParseError("a zone of firewalld", line)
    return tuple(_zone(zone) for zone in zones)


def _zone(parts: dict[str, str]) -> Zone:
    found = _head.fullmatch(parts["head"])
    if found is None:
        raise ParseError("the name of a zone", parts["head"])
    return Zone(
        found["name"],
        "active" in (found["marks"] or ""),
        parts.get("target", "default"),
        tuple(parts.get("interfaces", "").split()),
        tuple(parts.get("services", "").split()),
        tuple(parts.get("ports", "").split()),
        bool(parts.get("rich rules") or parts.get("protocols") or parts.get("source-ports")),
    )


PROBE = Probe(
    name="firewalld", script=SCRIPT, parse=parse, requires=("firewall-cmd",), slow=True, cached=False, elevated=True,
    timeout=15.0, shown="firewall-cmd --list-all-zones",
)  # fmt: skip
