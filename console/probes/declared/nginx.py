"""nginx: its directives, and ``listen`` of every server with its file and line, over all included files.

The files are read, not printed by ``nginx -T``: that binds and listens on every port for a moment, makes its log and
pid files, and prints nothing at all of a configuration that nginx would not take.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from console.core.declaration import Declaration
from console.core.overlap import same_address
from console.probes.declared.files import File, declaration
from console.probes.declared.names import Claim, read_place

_token = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[{};]|#.*|[^\s{};\"'#][^\s{};]*")


FILTER = r"""
# Blocks, every "listen", and where requests are sent on to; what is included is looked for. Of an address with a path
# or a user only a plain place with its scheme leaves the host.
function sent_on(t,   part, m, i) {
  m = split(t, part, /[ \t]+/)
  gsub(/["\047]/, "", part[2])
  if (part[1] != "server" && match(part[2], /^[a-z]+:\/\/[^\/?]*/)) part[2] = substr(part[2], 1, RLENGTH)
  if (part[2] !~ /^([a-z]+:\/\/)?[][A-Za-z0-9.:_-]+$/ || length(part[2]) > 90) return ""
  for (i = 3; i <= m; i++) if (part[i] == "down") return part[1] " " part[2] " down"
  return part[1] " " part[2]
}
function nginx(n, s,   out, t, b) {
  sub(/(^|[ \t;{}])#.*/, "", s)
  while (match(s, /[{};]/)) {
    t = clean(held " " substr(s, 1, RSTART - 1))
    b = substr(s, RSTART, 1)
    s = substr(s, RSTART + 1)
    held = ""
    if (b == "}") out = out " }"
    else if (b == "{") {
      if (t !~ /^upstream[ \t]+[A-Za-z0-9._-]+[ \t]*$/) sub(/[ \t].*/, "", t)
      out = out " " t " {"
    }
    else if (t ~ /^listen[ \t]/) out = out " " t ";"
    else if (t ~ /^(server|(proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass)[ \t]/) {
      t = sent_on(t)
      if (t != "") out = out " " t ";"
    }
    else if (t ~ /^include[ \t]/) {
      sub(/^include[ \t]+/, "", t)
      gsub(/["\047]/, "", t)
      refer("nginx", owner, base, t)
    }
  }
  held = length(held) < 1000 ? clean(held " " s) : ""
  if (out != "") send(n, substr(out, 2))
}
"""


@dataclass(frozen=True, slots=True)
class Block:
    """What directives stand in: ``server`` or ``upstream NAME``, and the line at which it begins."""

    name: str
    argument: str
    line: int


@dataclass(frozen=True, slots=True)
class Directive:
    """The words of one directive, its line, and the blocks around it, the outermost first."""

    words: tuple[str, ...]
    line: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Listen:
    """One ``listen``: of which server block, which nginx numbers nowhere."""

    claim: Claim
    where: str
    server: tuple[str, int]
    """The file and line at which its block begins."""


def declarations(files: Sequence[File], service: str, manager: str) -> Iterator[Declaration]:
    """What nginx claims. Servers share a port, so each place counts where it is told first.

    What one of them says of the socket holds for all: of ``ipv6only`` only one may speak.
    """
    found: dict[tuple[str, str, int], list[Listen]] = {}
    for one in listens(files):
        found.setdefault((one.claim.protocol, one.claim.address, one.claim.port), []).append(one)
    for shared in found.values():
        claim = replace(shared[0].claim, v6only=all(one.claim.v6only for one in shared))
        yield declaration(claim, service, shared[0].where, manager)


def twice(found: Sequence[Listen]) -> tuple[Listen, Listen] | None:
    """Two ``listen`` of one server for one place, at which nginx refuses to start."""
    for number, one in enumerate(found):
        for other in found[:number]:
            if other.server != one.server or other.claim.port != one.claim.port:
                continue
            if other.claim.protocol == one.claim.protocol and _same(other.claim, one.claim):
                return other, one
    return None


def _same(first: Claim, second: Claim) -> bool:
    """``80``, ``*:80`` and ``0.0.0.0:80`` are one place."""
    wide = ("*", "0.0.0.0")  # noqa: S104 - compared, not bound
    if first.address in wide or second.address in wide:
        return first.address in wide and second.address in wide
    return same_address(first.address, second.address)


def listens(files: Iterable[File]) -> Iterator[Listen]:
    """Every ``listen`` in the order of the files."""
    for file in files:
        yield from _listens(file)


def _listens(file: File) -> Iterator[Listen]:
    for one in directives(file):
        claim = _claim(one.words) if one.words[:1] == ("listen",) else None
        if claim is not None:
            # A file that is included into a server has no block of its own.
            start = next((block.line for block in reversed(one.blocks) if block.name == "server"), 0)
            yield Listen(claim, file.at(one.line), (file.path, start))


def directives(file: File) -> Iterator[Directive]:
    """Every directive of a file."""
    blocks: list[Block] = []
    words: list[str] = []
    for number, text in file.lines:
        for match in _token.finditer(text):
            part = match[0]
            if part.startswith("#"):
                break
            if part == "{":
                blocks.append(Block("".join(words[:1]), "".join(words[1:2]), number))
                words = []
            elif part == "}":
                blocks = blocks[:-1]
                words = []
            elif part == ";":
                if words:
                    yield Directive(tuple(words), number, tuple(blocks))
                words = []
            else:
                words.append(part.strip("\"'"))


def _claim(words: Sequence[str]) -> Claim | None:
    if len(words) < 2 or words[1].startswith("unix:"):
        return None
    # Without a port it is 80: an address or a name alone.
    place = read_place(words[1]) or read_place(f"{words[1]}:80")
    if place is None:
        return None
    udp = "udp" in words[2:] or "quic" in words[2:]
    address = "0.0.0.0" if place.address == "*" else place.address  # noqa: S104 - told, not bound
    # Since nginx 1.3.4 an IPv6 address leaves IPv4 to others, unless it is told not to.
    v6only = ":" in address and "ipv6only=off" not in words[2:]
    return Claim("udp" if udp else "tcp", address, place.port, place.last, text=" ".join(words), v6only=v6only)
