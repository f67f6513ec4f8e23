"""The words of a command line: where the program that they start is told to listen."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from console.core.overlap import is_loopback, is_wildcard
from console.probes.declared.names import (
    Claim,
    address_beside,
    is_address,
    listens,
    names_address,
    plain_address,
    read_place,
    words_in,
)
from console.probes.declared.publish import read_publish

_ENGINES = ("docker", "podman", "nerdctl")
_NO_SERVERS = words_in(
    "ssh autossh psql mysql mysqladmin redis-cli curl wget nc ncat telnet mkdir cp mv rm install kill pkill "
    "iptables ip6tables nft ufw firewall-cmd sysctl chown chmod rsync scp systemctl journalctl echo test ss lsof "
    "ping"
)
"""Programs whose options speak of other ports than one of their own."""
_STARTERS = words_in("env exec nohup setsid nice sh bash dash cd ; &&")
"""What may stand before the program itself."""
_SHORT = ("p", "P", "l", "b", "B", "a")
"""Options of one letter that mean a port or an address in many programs."""
_HOSTS = ("h", "H", "b", "a", "l", "i")
_assignment = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_relay = re.compile(
    r"(?P<protocol>tcp|udp|openssl|ssl)[46]?-(?:listen|l|recvfrom|recv):(?P<port>\d{1,5})(?:,|\Z)", re.I
)
_bind = re.compile(r",bind=([0-9.]+|\[[0-9A-Fa-f:]*\])")
_attached = re.compile(r"-p(\d{2,5})\Z")


FILTER = r"""
# What of a command names a port: out of the words from that number on. A script behind "sh -c" is words of its own.
function command(n, from,   i, j, m, w, v, e, out, rest, part) {
  m = 0
  for (i = from; i <= n; i++) {
    j = split(word[i], part, /[ \t;&]+/)
    for (e = 1; e <= j; e++) if (part[e] != "") rest[++m] = part[e]
  }
  out = ""
  for (i = 1; i <= m; i++) {
    w = rest[i]
    v = i < m ? rest[i + 1] : ""
    e = index(w, "=")
    if (w ~ /^([Tt][Cc][Pp]|[Uu][Dd][Pp]|[A-Za-z]*[Ss][Ss][Ll])[46]?-[A-Za-z]+:[0-9$%]/) out = out " " relay(w)
    else if (w ~ /^-/ && !e) {
      if (attached(w)) out = out " " w
      else if (v == "" || v ~ /^-/) continue
      else if (secret(w)) i++
      else if (option(w, v)) { out = out " " w " " v; i++ }
      else if (w == "-m" && v == "http.server") { out = out " " w; python = 1 }
    }
    else if (e > 1) { if (named(substr(w, 1, e - 1), substr(w, e + 1))) out = out " " w }
    else if (address(w) && number(v)) { out = out " " w " " v; i++ }
    else if ((python || (i > 1 && address(rest[i - 1]))) && number(w)) out = out " " w
    else if (w ~ /^(http\.server|run|create)$/ || here(w) || config(w) || w ~ /^\$\{?[A-Za-z_]+[0-9]*\}?$/)
      out = out " " w
  }
  return out ~ /[0-9$%\/]|http\.server/ ? substr(out, 2) : ""
}
function option(w, v) {
  return named(w, v) || config(v) || (w ~ /^-[A-Za-z]$/ && w != "-c" && w != "-m" && place(v))
}
function number(w) { return w ~ /^[0-9]+$/ ? length(w) < 6 : w ~ /^[0-9]*[%$][A-Za-z0-9_(){}]+$/ }
function attached(w) { return w ~ /^-p[0-9]/ && place(substr(w, 3)) }
# Of what socat is told only the port and the address.
function relay(w,   b) {
  b = match(w, /,bind=[0-9.]+/) ? substr(w, RSTART, RLENGTH) : ""
  sub(/,.*/, "", w)
  return w b
}
"""
"""``command``: the words that ``claims`` reads, and none else."""


def claims(line: Sequence[str], owner: str = "") -> tuple[Claim, ...]:
    """What the words of a command claim. ``owner`` is the service that it is of."""
    words = tuple(line)
    start = _program(words)
    program = words[start].rpartition("/")[2] if start < len(words) else ""
    if program in _NO_SERVERS:
        return ()
    before = _variables(words[:start], owner)
    rest = words[start + 1 :]
    if program in _ENGINES:
        return (*before, *_published(rest))
    address = _address(rest)
    if rest[:2] == ("-m", "http.server"):
        return (*before, _placed(_http_server(rest[2:]), address))
    return (*before, *(_placed(one, address) for one in _claims(rest, owner)))


def named(name: str, value: str, owner: str, text: str) -> Iterator[Claim]:
    """What a variable or an option of that name claims with that value: one place, or several behind commas."""
    sure = listens(name, owner)
    if sure is None:
        return
    for part in value.split(","):
        place = _place(part)
        if place is not None:
            yield replace(place, sure=_is_sure(part, place, sure=sure), text=text)


def _place(value: str) -> Claim | None:
    """A place as the words of a program tell it, which rarely name the protocol: ``tcp://:53`` and ``53/udp`` do."""
    place = read_place(value)
    return place and replace(place, assumed="/" not in value.rstrip("/"))


def _is_sure(value: str, place: Claim, *, sure: bool) -> bool:
    """Nobody connects to an address that means all of them; a name may mean another host."""
    everywhere = ":" in value and is_wildcard(place.address) and (place.address == "*" or is_address(place.address))
    return everywhere or (sure and (place.address == "*" or is_address(place.address)))


def _http_server(words: Sequence[str]) -> Claim:
    """Python's own: the port is the word that is of no option."""
    before = ("", *words)
    bare = (word for last, word in zip(before, words, strict=False) if word.isdigit() and not last.startswith("-"))
    found = read_place(next(bare, "8000"))
    return replace(found, text=f"http.server {found.port}") if found else Claim("tcp", "*", 8000, text="http.server")


def _placed(claim: Claim, address: str | None) -> Claim:
    """Who gives the address in an option of its own means to listen there."""
    return replace(claim, address=address, sure=True) if address and claim.address == "*" else claim


def _program(words: Sequence[str]) -> int:
    """Where the program is: behind assignments, ``env``, ``sh -c`` and the folder of a ``cd``."""
    at = 0
    while at < len(words):
        word = words[at].rpartition("/")[2]
        name, equals, _ = words[at].partition("=")
        behind = at > 0 and (words[at - 1] == "cd" or word.startswith("-"))
        if not (word in _STARTERS or behind or (equals and _assignment.match(name))):
            break
        at += 1
    return at


def _variables(words: Sequence[str], owner: str) -> Iterator[Claim]:
    """What is set in front of the program: ``HOST=127.0.0.1 PORT=8080``."""
    pairs = (word.partition("=") for word in words)
    values = {name: value for name, equals, value in pairs if equals}
    for name, value in values.items():
        for claim in named(name, value, owner, f"{name}={value}"):
            address = address_beside(name, values) if claim.address == "*" else None
            yield replace(claim, address=address) if address else claim


def _assigned(word: str, owner: str) -> Iterator[Claim]:
    name, equals, value = word.partition("=")
    if equals and _assignment.match(name):
        yield from named(name, value, owner, word)


def _claims(words: Sequence[str], owner: str) -> Iterator[Claim]:
    at = 0
    while at < len(words):
        word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
        option, equals, given = word.partition("=")
        relay = _relay.match(word)
        if relay is not None:
            yield _relayed(relay, word)
        elif option.startswith("-") and equals:
            yield from _option(option, given, owner, word)
        elif (attached := _attached.match(word)) is not None:
            yield from _option("-p", attached[1], owner, word)
        elif word.startswith("-"):
            yield from _option(word, following, owner, f"{word} {following}")
            # Its value is no word of its own; that of "-m" is the module of Python that is run.
            at += 1 if word != "-m" and (read_place(following) or is_address(following)) else 0
        elif equals:
            yield from _assigned(word, owner)
        else:
            yield from _bare(word, following)
        at += 1


def _option(option: str, value: str, owner: str, text: str) -> Iterator[Claim]:
    name = option.lstrip("-")
    if option.startswith("-D"):
        name = name[1:]
    if listens(name, owner) is not None:
        yield from named(name, value, owner, text)
        return
    place = _place(value)
    if place is None or not (place.address == "*" or is_address(place.address)):
        return
    short = name in _SHORT and not option.startswith("--")
    if short or _is_sure(value, place, sure=False):
        yield replace(place, sure=_is_sure(value, place, sure=name in ("b", "B")), text=text)


def _bare(word: str, following: str) -> Iterator[Claim]:
    if following.isdigit() and is_address(word):
        place = _place(following)
        if place is not None:
            address = plain_address(word)
            yield replace(place, address=address, sure=is_wildcard(address), text=f"{word} {following}")
        return
    place = _place(word)
    if place is None or ":" not in word:
        return
    if _is_sure(word, place, sure=False):
        yield place
    elif is_address(place.address) and is_loopback(place.address):
        yield replace(place, sure=False)


def _relayed(match: re.Match[str], word: str) -> Claim:
    protocol = "udp" if match["protocol"].lower() == "udp" else "tcp"
    address = _bind.search(word)
    return Claim(
        protocol, plain_address(address[1] if address else ""), int(match["port"]), text=word.partition(",")[0]
    )


def _published(words: Sequence[str]) -> Iterator[Claim]:
    """``docker run -p 8080:80 -p127.0.0.1:53:53/udp --publish=...``."""
    if "run" not in words and "create" not in words:
        return
    for word, following in pairwise((*words, "")):
        text = following if word in ("-p", "--publish") else ""
        if word.startswith("--publish="):
            text = word.partition("=")[2]
        elif word.startswith("-p") and word[2:3].isdigit():
            text = word[2:]
        found = read_publish(text) if text else None
        if found is not None:
            yield replace(found, text=f"-p {text}")


def _address(words: Sequence[str]) -> str | None:
    """The address that an option of its own gives to a port."""
    for word, following in pairwise((*words, "")):
        option, equals, given = word.partition("=")
        name, value = option.lstrip("-"), given if equals else following
        if not option.startswith("-") or not is_address(value):
            continue
        if name in _HOSTS or (len(name) > 1 and names_address(name)):
            return plain_address(value)
    return None
