"""Daemons whose configuration is a keyword and its value on a line: sshd, Apache, Redis, PostgreSQL, MySQL."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from console.core.declaration import Declaration
from console.probes.declared.files import File, declaration
from console.probes.declared.names import Claim, plain_address, read_place


@dataclass(frozen=True, slots=True)
class Daemon:
    """The words of one daemon, in small letters."""

    port: str
    """The keyword of a port, or of an address with one."""
    address: str = ""
    """The keyword of the addresses, where it is another."""
    default: int = 0
    """The port without any of these."""
    v6only: bool = False
    """Whether its IPv6 sockets leave IPv4 to others, whatever the host's default is."""


KINDS: Mapping[str, Daemon] = {
    "sshd": Daemon("port", "listenaddress", 22, v6only=True),
    "apache": Daemon("listen"),
    "redis": Daemon("port", "bind", 6379, v6only=True),
    "postgres": Daemon("port", "listen-addresses", 5432, v6only=True),
    "mysql": Daemon("port", "bind-address", 3306),
}
_line = re.compile(r"\s*(?P<key>[A-Za-z_-]+)(?:\s*=\s*|\s+)(?P<value>[^#]*?)\s*(?:#.*)?\Z")
_condition = re.compile(r"\s*<(?P<end>/?)If", re.IGNORECASE)
_cluster = re.compile(r"/etc/postgresql/(?P<version>[^/]+)/(?P<name>[^/]+)/")


FILTER = r"""
function plain(n, s) {
  s = clean(s)
  sub(/[ \t]#.*/, "", s)
  if (tolower(s) ~ /^(port|listenaddress|listen|bind|listen_addresses|bind[-_]address)[ \t=]/) {
    if (s !~ /[^][A-Za-z0-9.:*_%, \t=\047"#-]/) send(n, substr(s, 1, 200))
  } else if (s ~ /^<\/?[Ii]f/) { sub(/[ \t>].*/, ">", s); send(n, s) }
  else if (kind == "sshd" && tolower(s) ~ /^include[ \t]/) {
    sub(/^[A-Za-z]+[ \t]+/, "", s)
    refer(kind, owner, base, s)
  }
}
"""


def declarations(kind: str, files: Sequence[File], service: str) -> Iterator[Declaration]:
    """What the daemon of this kind claims, over all its files."""
    daemon = KINDS[kind]
    ports: list[tuple[Claim, str]] = []
    addresses: list[tuple[str, str]] = []
    for file in files:
        _read(file, daemon, ports, addresses)
    first = files[0]
    cluster = _cluster.match(first.path)
    owner = f"postgresql@{cluster['version']}-{cluster['name']}.service" if cluster is not None else service
    if not ports and daemon.default:
        ports = [(Claim("tcp", "*", daemon.default, text="the default"), first.path)]
    for claim, where in _placed(kind, ports, addresses):
        v6only = daemon.v6only and ":" in claim.address
        yield declaration(replace(claim, v6only=v6only), owner, where, "systemd")


def _read(file: File, daemon: Daemon, ports: list[tuple[Claim, str]], addresses: list[tuple[str, str]]) -> None:
    conditional = 0
    for number, text in file.lines:
        condition = _condition.match(text)
        if condition is not None:
            conditional += -1 if condition["end"] else 1
            continue
        match = _line.match(text)
        if match is None or text.lstrip().startswith("#"):
            continue
        key, value = match["key"].lower().replace("_address", "-address"), match["value"].strip("'\"")
        if key == daemon.port:
            place = read_place(value.split()[0] if value else "")
            if place is not None:
                shown = replace(place, sure=not conditional, text=f"{match['key']} {value}")
                ports.append((shown, file.at(number)))
        elif key == daemon.address:
            addresses += [(each, file.at(number)) for each in re.split(r"[\s,]+", value) if each]


def _placed(kind: str, ports: list[tuple[Claim, str]], addresses: list[tuple[str, str]]) -> Iterator[tuple[Claim, str]]:
    """Each port at each address; an address may have a port of its own."""
    for address, where in addresses:
        place = read_place(address) if ":" in address and not address.endswith(("]", "::")) else None
        if place is not None and place.address != "*" and kind == "sshd":
            yield replace(place, text=f"ListenAddress {address}"), where
            continue
        bare = plain_address(address.removeprefix("-"))
        yield from ((replace(claim, address=bare), at) for claim, at in ports)
    if not addresses:
        yield from ports
