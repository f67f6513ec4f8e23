"""Rules by which the kernel sends what comes to a port somewhere else (NAT), before any listener is asked.

So Docker publishes ports where its userland proxy is off, CNI plugins those of pods, kube-proxy those of NodePort
services, and people by hand. ``iptables-save`` and ``nft`` tell them to root; only rules that can matter for the port
cross the link.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network

from console.core.probe import ParseError, Probe
from console.probes.elevated import AS_ROOT

MOST = 32
"""Rules that are followed; a service of a cluster has one for each of its pods."""

# Of iptables: the rules that name the port, what they jump to, and those at the entry that name no port. What holds
# only for what the host itself sends out keeps nobody else from a port.
_IPTABLES = r"""
function hits(rule,   w, n, i, spec, part, k, ends, yes) {
  if (rule ~ /^-A (OUTPUT|POSTROUTING|INPUT) /) return 0
  n = split(rule, w, " ")
  for (i = 1; i < n; i++) if (w[i] ~ /^--dports?$/ && w[i - 1] != "!") {
    spec = split(w[i + 1], part, ",")
    for (k = 1; k <= spec; k++) {
      if (split(part[k], ends, ":") == 1) ends[2] = ends[1]
      if (port + 0 >= ends[1] + 0 && port + 0 <= ends[2] + 0) yes = 1
    }
    return yes
  }
  return rule ~ /^-A PREROUTING .*-j (DNAT|REDIRECT)/ && rule !~ /--dports? /
}
function follow(rule,   w, n, i) {
  n = split(rule, w, " ")
  for (i = 1; i < n; i++) if ((w[i] == "-j" || w[i] == "-g") && w[i + 1] in rules && !(w[i + 1] in seen)) {
    seen[w[i + 1]] = 1
    queue[++last] = w[i + 1]
  }
}
/^\*/ { table = $0 }
/^-A / && table == "*nat" { rules[$2] = rules[$2] $0 "\n"; all[++count] = $0 }
END {
  for (k = 1; k <= count; k++) if (hits(all[k])) { print all[k]; follow(all[k]); lines++ }
  for (at = 1; at <= last && lines < 400; at++) {
    n = split(rules[queue[at]], inside, "\n")
    for (k = 1; k < n; k++) { print inside[k]; follow(inside[k]); lines++ }
  }
}
"""
# Tables of iptables-nft are told by iptables-save already.
_NFT = r"""
function hits(rule,   at, spec, n, part, k, ends) {
  # A set or a map with a name, which some other chain is in: its elements are not in the rule.
  if (!match(rule, / dport (\{[^}]*\}|[0-9-]+)/)) return entry || rule ~ / dport (@|map )/
  spec = substr(rule, RSTART + 7, RLENGTH - 7)
  gsub(/[{} ]/, "", spec)
  n = split(spec, part, ",")
  for (k = 1; k <= n; k++) {
    if (split(part[k], ends, "-") == 1) ends[2] = ends[1]
    if (port + 0 >= ends[1] + 0 && port + 0 <= ends[2] + 0) return 1
  }
  return 0
}
$1 == "table" { table = $2 " " $3; next }
$1 == "chain" { chain = $2; entry = out = nat = 0; next }
/ hook prerouting / { entry = 1; nat = /type nat / }
/ hook output / { out = 1 }
out || known && (table == "ip nat" || table == "ip6 nat") { next }
(/[ \t](dnat|redirect)( |$)/ || nat && / dport vmap /) && hits(" " $0) && lines++ < 400 {
  sub(/ # handle [0-9]+$/, "")
  $1 = $1
  print table, chain, $0
}
"""

SCRIPT = (
    AS_ROOT
    + r"""
case $1 in '' | *[!0-9]*) echo "no port: $1" >&2; return 2 ;; esac
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
hd_known='' hd_told='' hd_refused='' hd_code=0
# 78: sudo gives this login nothing, and each further question would be one more line in the log of the host.
for hd_c in iptables-save ip6tables-save; do
  [ "$hd_code" != 78 ] || break
  command -v "$hd_c" >/dev/null 2>&1 || continue
  if hd_out=$(hd_as_root "$hd_c" 2>&1); then
    hd_told="$hd_told $hd_c"
    case $hd_out in *nf_tables*) hd_known=1 ;; esac
    echo "tool $hd_c"
    printf '%s\n' "$hd_out" | awk -v port="$1" '"""
    + _IPTABLES
    + r"""'
  else
    hd_code=$? hd_refused=${hd_refused:-$hd_out}
  fi
done
if [ "$hd_code" != 78 ] && command -v nft >/dev/null 2>&1; then
  if hd_out=$(hd_as_root nft -a list ruleset 2>&1); then
    hd_told="$hd_told nft"
    echo "tool nft"
    printf '%s\n' "$hd_out" | awk -v port="$1" -v known="$hd_known" '"""
    + _NFT
    + r"""'
  else
    hd_code=$? hd_refused=${hd_refused:-$hd_out}
  fi
fi
[ -n "$hd_refused" ] || return 0
[ -n "$hd_told" ] && { echo "refused $(printf '%s' "$hd_refused" | tail -n 1)"; return 0; }
printf '%s\n' "$hd_refused" | tail -n 1 >&2
return "$hd_code"
"""
)

_nft_port = re.compile(r"\b(?:(?P<protocol>tcp|udp)|th) dport (?P<ports>\{[^}]*\}|[0-9]+(?:-[0-9]+)?)(?= |$)")
_nft_to = re.compile(r"(?:^| )(?P<kind>dnat|redirect)(?: ip6?)?(?: to (?P<to>\S+))?")
_nft_daddr = re.compile(r"\bip6? daddr (?P<address>[0-9a-fA-F:][0-9a-fA-F.:]*)(?= )")
_l4proto = re.compile(r"\bl4proto (?P<protocol>tcp|udp)\b")
_nft_map = re.compile(r" dnat(?: ip6?)? to (?:(?P<protocol>tcp|udp)|th) dport map \{ ?(?P<elements>[^}]*)\}")
_nft_keys = re.compile(r"\b(?:(?P<protocol>tcp|udp)|th) dport v?map (?P<ports>\{[^}]*\})")
_address = re.compile(r"[0-9]+(?:\.[0-9]+){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]+")
_small = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Redirect:
    """One way on which the kernel sends what comes to a port."""

    protocol: str | None
    """``None``: whatever the protocol."""
    ports: tuple[tuple[int, int], ...]
    """Ranges, both ends included; empty means every port."""
    to_address: str | None
    """``None``: to another port of this host."""
    to_port: int | None = None
    """``None``: to the same port."""
    address: str | None = None
    """Only what is sent to this address of the host."""
    rule: str = ""
    """As its tool prints it."""

    def takes(self, protocol: str, port: int) -> bool:
        """Whether it is about this port."""
        if self.protocol not in (None, protocol):
            return False
        return not self.ports or any(low <= port <= high for low, high in self.ports)


@dataclass(frozen=True, slots=True)
class Redirects:
    """What the tools of a host told of its redirections."""

    tools: tuple[str, ...] = ()
    """Those that answered."""
    found: tuple[Redirect, ...] = ()
    refused: str | None = None
    """Why another tool did not answer."""
    unread: tuple[Redirect, ...] = ()
    """Rules that send on what comes to these ports, or perhaps to any, to somewhere that they do not tell."""

    @property
    def open(self) -> tuple[Redirect, ...]:
        """Rules of which it is not known whether they take a port: they name none, or a set of them by its name."""
        return (*self.unread, *(one for one in self.found if not one.ports))


def parse(text: str) -> Redirects:
    """Read the answer of ``SCRIPT``."""
    tools: list[str] = []
    rules: list[str] = []
    found: list[Redirect] = []
    unread: list[Redirect] = []
    refused = None
    for line in text.split("\n"):
        kind, _, rest = line.partition(" ")
        if kind == "tool":
            found += _of_iptables(rules)
            rules = []
            tools.append(rest)
        elif kind == "refused":
            refused = rest
        elif kind == "-A":
            rules.append(line)
        elif tools[-1:] == ["nft"] and line:
            told = list(_of_nft(line))
            found += told
            unread += () if told else _unread_of_nft(line)
        elif line:
            raise ParseError('"tool NAME" or a rule', line)
    found += _of_iptables(rules)
    unique = {(one.protocol, one.ports, one.to_address, one.to_port, one.address): one for one in reversed(found)}
    return Redirects(tuple(tools), tuple(unique.values())[::-1][:MOST], refused, tuple(unread[:MOST]))


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule of iptables, as far as it matters here."""

    chain: str
    target: str
    redirect: Redirect
    named: bool
    """Whether it names a port."""


def _of_iptables(lines: Sequence[str]) -> Iterator[Redirect]:
    rules = [rule for line in lines if (rule := _rule(line)) is not None]
    inside: dict[str, list[_Rule]] = {}
    for rule in rules:
        inside.setdefault(rule.chain, []).append(rule)
    for rule in rules:
        if rule.target in ("DNAT", "REDIRECT"):
            if rule.named or rule.chain == "PREROUTING":
                yield rule.redirect
        elif rule.named:
            for end in (found.redirect for found in _ends(rule.target, inside, set()) if not found.named):
                if end.protocol not in (None, rule.redirect.protocol):
                    continue
                yield replace(rule.redirect, to_address=end.to_address, to_port=end.to_port, rule=end.rule)


def _ends(chain: str, inside: dict[str, list[_Rule]], seen: set[str]) -> Iterator[_Rule]:
    """The rules at which a packet in this chain may end."""
    if chain in seen:
        return
    seen.add(chain)
    for rule in inside.get(chain, ()):
        if rule.target in ("DNAT", "REDIRECT"):
            yield rule
        else:
            yield from _ends(rule.target, inside, seen)


def _rule(line: str) -> _Rule | None:
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    told: dict[str, str] = {}
    for at, word in enumerate(words[:-1]):
        if word.startswith("-") and words[at - 1] != "!":
            told.setdefault(word, words[at + 1])
    target = told.get("-j") or told.get("-g")
    if target is None or "-A" not in told:
        return None
    spec = told.get("--dport") or told.get("--dports")
    ports = _ranges(spec.split(","), ":") if spec else ()
    to = told.get("--to-destination") if target == "DNAT" else f":{told.get('--to-ports', '')}"
    address, port = _place(to or "")
    redirect = Redirect(told.get("-p"), ports, address, port, _single(told.get("-d")), line)
    return _Rule(told["-A"], target, redirect, bool(ports))


def _of_nft(line: str) -> Iterator[Redirect]:
    """``TABLE-FAMILY TABLE CHAIN rule``."""
    to = _nft_to.search(line)
    if to is None:
        return
    if " map " in line or " vmap " in line:
        yield from _of_map(line)
        return
    named, protocol = _nft_port.search(line), _l4proto.search(line)
    ports = _ranges(named["ports"].strip("{} ").split(","), "-") if named else ()
    if named and not ports:
        return
    address, port = _place(to["to"] or "")
    if to["kind"] == "dnat" and address is None:
        return
    daddr = _nft_daddr.search(line)
    kind = (named["protocol"] if named else None) or (protocol["protocol"] if protocol else None)
    yield Redirect(kind, ports, address, port, daddr["address"] if daddr else None, line)


def _of_map(line: str) -> Iterator[Redirect]:
    """``dnat to tcp dport map { 80 : 10.0.0.2, 8000-8010 : 10.0.0.3 . 90 }``; nothing unless all of it is read."""
    named = _nft_map.search(line)
    if named is None:
        return
    daddr = _nft_daddr.search(line)
    found = []
    for element in named["elements"].split(","):
        spec, _, target = element.partition(" : ")
        address, _, port = target.strip().partition(" . ")
        ports = _ranges((spec,), "-")
        if not ports or not _address.fullmatch(address) or not (port == "" or _small.fullmatch(port)):
            return
        to_port = int(port) if port else None
        found.append(Redirect(named["protocol"], ports, address, to_port, daddr["address"] if daddr else None, line))
    yield from found


def _unread_of_nft(line: str) -> Iterator[Redirect]:
    """A rule that sends on, of which only the ports are read, or not even these."""
    named, daddr = _nft_keys.search(line) or _nft_port.search(line), _nft_daddr.search(line)
    if " vmap " not in line and _nft_to.search(line) is None:
        return
    specs = named["ports"].strip("{} ").split(",") if named else ()
    ports = _ranges([spec.partition(" : ")[0] for spec in specs], "-")
    kind = named["protocol"] if named else None
    yield Redirect(kind, ports, None, None, daddr["address"] if daddr else None, line)


def _ranges(specs: Sequence[str], between: str) -> tuple[tuple[int, int], ...]:
    found = []
    for spec in specs:
        low, _, high = spec.strip().partition(between)
        if not _small.fullmatch(low) or not _small.fullmatch(high or low):
            return ()
        found.append((int(low), int(high or low)))
    return tuple(found)


def _place(text: str) -> tuple[str | None, int | None]:
    """``172.17.0.2:80``, ``[fd00::2]:80``, ``:9090`` or an address alone; of a range the first."""
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") > 1:
        address, port = text, ""
    else:
        address, _, port = text.partition(":")
    address, port = address.partition("-")[0], port.partition("-")[0]
    return address or None, int(port) if _small.fullmatch(port) else None


def _single(network: str | None) -> str | None:
    """The address of a network of one address."""
    try:
        found = ip_network(network or "", strict=False)
    except ValueError:
        return None
    return str(found.network_address) if found.num_addresses == 1 else None


PROBE = Probe(
    name="redirects",
    script=SCRIPT,
    parse=parse,
    requires=("awk",),
    slow=True,
    cached=False,
    timeout=15.0,
    elevated=True,
    shown="iptables-save -t nat; ip6tables-save -t nat; nft list ruleset",
)
