"""HAProxy: ``bind`` lines of ``frontend`` and ``listen``, with lists and ranges, configuration.txt 4.2."""

import re
from collections.abc import Iterator
from dataclasses import replace

from console.core.declaration import Declaration
from console.probes.declared.files import File, declaration
from console.probes.declared.names import Claim, plain_address, read_place

_SECTIONS = ("frontend", "listen", "peers", "global", "defaults", "backend", "userlist", "resolvers", "ring")
_family = re.compile(r"(?P<family>ipv[46]|udp[46]?|quic[46]|fd|unix|abns|sockpair|rhttp)@")


FILTER = r"""
function strip_family(s) { sub(/^ipv[46]@/, "", s); return s }
function haproxy(n, s,   part, m) {
  m = split(clean(s), part, /[ \t]+/)
  if (part[1] == "bind" && m > 1 && length(part[2]) < 300) send(n, part[1] " " part[2])
  else if (part[1] == "stats" && part[2] == "socket" && here(strip_family(part[3]))) send(n, "stats socket " part[3])
  else if (part[1] ~ /^(frontend|listen)$/) send(n, part[1] " " part[2] (m > 2 && place(part[3]) ? " " part[3] : ""))
  else if (part[1] ~ /^(global|defaults|backend|peers|userlist|resolvers|ring)$/) send(n, part[1])
}
"""


def declarations(file: File, service: str, manager: str) -> Iterator[Declaration]:
    """What HAProxy claims."""
    section = ""
    for number, text in file.lines:
        words = text.split("#", 1)[0].split()
        if not words:
            continue
        if words[0] in _SECTIONS:
            # Old files have the address behind the name: listen stats :9000.
            section, places = " ".join(words[:2]), words[2] if len(words) > 2 and words[0] == "listen" else ""
        elif words[0] == "bind" and len(words) > 1:
            places = words[1]
        elif words[:2] == ["stats", "socket"] and len(words) > 2:
            places = words[2]
        else:
            continue
        for place in places.split(","):
            claim = _claim(place)
            if claim is not None:
                word = "bind" if words[0] == "listen" else words[0]
                shown = replace(claim, text=f"{section}: {word} {place}")
                yield declaration(shown, service, file.at(number), manager)


def _claim(place: str) -> Claim | None:
    family = _family.match(place)
    kind = family["family"] if family is not None else "ipv4"
    if not kind.startswith(("ipv", "udp", "quic")):
        return None
    address, colon, ports = place[family.end() if family is not None else 0 :].rpartition(":")
    found = read_place(ports) if colon else None
    if found is None:
        return None
    shown = plain_address(address)
    if shown == "*":
        shown = "::" if kind.endswith("6") else "0.0.0.0"  # noqa: S104 - told, not bound
    udp = kind.startswith(("udp", "quic"))
    return replace(found, protocol="udp" if udp else "tcp", address=shown)
