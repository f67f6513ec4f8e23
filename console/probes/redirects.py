"""Rules by which the kernel sends what comes to a port somewhere else (NAT), before any listener is asked.

So Docker publishes ports where its userland proxy is off, CNI plugins those of pods, kube-proxy those of NodePort
services, and people by hand.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from console.core.probe import ParseError, Probe
from console.probes.redirects_script import SCRIPT

DEEPEST = 16
"""Jumps into one another that are followed."""
MOST = 32
"""Rules that are followed; a service of a cluster has one for each of its pods."""

_nft_port = re.compile(r"\b(?:(?P<protocol>tcp|udp)|th) dport (?P<ports>\{[^}]*\}|[0-9]+(?:-[0-9]+)?)(?= |$)")
_nft_to = re.compile(r"(?:^| )(?P<kind>dnat|redirect)(?: ip6?)?(?: to (?P<to>\S+))?")
_xt_to = re.compile(r'(?:^| )xt target "?(?P<name>DNAT|REDIRECT|NETMAP)"?(?= |$)')
_nft_daddr = re.compile(r"\bip6? daddr (?P<address>[0-9a-fA-F:][0-9a-fA-F.:/]*)(?= )")
_nft_saddr = re.compile(r"\bip6? saddr (?P<address>[0-9a-fA-F:][0-9a-fA-F.:/]*)(?= )")
_nft_iif = re.compile(r'\biif(?:name)? "(?P<name>[^"]+)"')
_protocol = re.compile(r"\bl4proto (tcp|udp)(?= |$)|\b(tcp|udp) [ds]port\b")
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
    """Only what is sent to this address, or network, of the host."""
    rule: str = ""
    """As its tool prints it, behind those that jump to it."""
    interface: str | None = None
    """Only what comes by this one; with ``*`` at its end by all whose names begin so."""
    source: str | None = None
    """Only what comes from this address or network."""

    def takes(self, protocol: str, port: int) -> bool:
        """Whether it is about this port."""
        if self.protocol not in (None, protocol):
            return False
        return not self.ports or any(low <= port <= high for low, high in self.ports)

    def is_for(self, address: str) -> bool:
        """Whether it is about what is sent to this address."""
        if self.address is None:
            return True
        try:
            return ip_address(address.partition("%")[0]) in ip_network(self.address, strict=False)
        except ValueError:
            return False

    def comes_by(self, interface: str) -> bool:
        """Whether it is about what comes by this interface."""
        if self.interface is None or not self.interface.endswith("*"):
            return self.interface in (None, interface)
        return interface.startswith(self.interface[:-1])


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
            whole = told or len(_protocols(line)) > 1 or _is_told_by_iptables(line, tools)
            unread += () if whole else _unread_of_nft(line)
        elif line:
            raise ParseError('"tool NAME" or a rule', line)
    found += _of_iptables(rules)
    unique = {replace(one, rule=""): one for one in reversed(found)}
    return Redirects(tuple(tools), tuple(unique.values())[::-1][:MOST], refused, tuple(unread[:MOST]))


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule of iptables, as far as it matters here."""

    chain: str
    target: str
    redirect: Redirect


def _of_iptables(lines: Sequence[str]) -> Iterator[Redirect]:
    inside: dict[str, list[_Rule]] = {}
    for rule in (_rule(line) for line in lines):
        if rule is not None:
            inside.setdefault(rule.chain, []).append(rule)
    for rule in inside.get("PREROUTING", ()):
        yield from _ends(rule, Redirect(None, (), None), inside, 0)


def _ends(rule: _Rule, given: Redirect, inside: dict[str, list[_Rule]], depth: int) -> Iterator[Redirect]:
    """Where a packet may end that meets this rule and all of the jumps to it."""
    own = rule.redirect
    if given.protocol and own.protocol and given.protocol != own.protocol:
        return
    met = replace(
        own,
        protocol=own.protocol or given.protocol,
        ports=own.ports or given.ports,
        address=own.address or given.address,
        interface=own.interface or given.interface,
        source=own.source or given.source,
        rule=f"{given.rule} | {own.rule}" if given.rule else own.rule,
    )
    if rule.target in ("DNAT", "REDIRECT"):
        yield met
    elif depth < DEEPEST:
        for one in inside.get(rule.target, ()):
            yield from _ends(one, met, inside, depth + 1)


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
    by, source = told.get("-i"), _network(told.get("-s"))
    # As nft writes it: a rule that both tell is one.
    by = f"{by[:-1]}*" if by and by.endswith("+") else by
    redirect = Redirect(told.get("-p"), ports, address, port, _network(told.get("-d")), line, by, source)
    return _Rule(told["-A"], target, redirect)


def _of_nft(line: str) -> Iterator[Redirect]:
    """``TABLE-FAMILY TABLE CHAIN rule``."""
    to = _nft_to.search(line)
    if to is None:
        return
    if " map " in line or " vmap " in line:
        yield from _of_map(line)
        return
    named, protocols = _named(line), _protocols(line)
    ports = _ranges(named["ports"].strip("{} ").split(","), "-") if named else ()
    if len(protocols) > 1 or (named and not ports):
        return
    address, port = _place(to["to"] or "")
    if to["kind"] == "dnat" and address is None and port is None:
        return
    yield _narrowed(Redirect(next(iter(protocols), None), ports, address, port, rule=line))


def _protocols(line: str) -> set[str]:
    """Those that a rule asks for, behind those of the jumps to it: nothing meets both."""
    return {one or other for one, other in _protocol.findall(line)}


def _named(line: str) -> re.Match[str] | None:
    """The ports that a rule names: behind the conditions of a jump to it, its own."""
    return next(iter([*_nft_port.finditer(line)][::-1]), None)


def _narrowed(redirect: Redirect) -> Redirect:
    """What its rule sends on, with what else the rule asks of it."""
    places = [pattern.search(redirect.rule) for pattern in (_nft_daddr, _nft_saddr)]
    address, source = (_network(found["address"]) if found else None for found in places)
    by = _nft_iif.search(redirect.rule)
    return replace(redirect, address=address, source=source, interface=by["name"] if by else None)


def _of_map(line: str) -> Iterator[Redirect]:
    """``dnat to tcp dport map { 80 : 10.0.0.2, 8000-8010 : 10.0.0.3 . 90 }``; nothing unless all of it is read."""
    named = _nft_map.search(line)
    if named is None:
        return
    found = []
    for element in named["elements"].split(","):
        spec, _, target = element.partition(" : ")
        address, _, port = target.strip().partition(" . ")
        ports = _ranges((spec,), "-")
        if not ports or not _address.fullmatch(address) or not (port == "" or _small.fullmatch(port)):
            return
        to_port = int(port) if port else None
        found.append(_narrowed(Redirect(named["protocol"], ports, address, to_port, rule=line)))
    yield from found


def _is_told_by_iptables(line: str, tools: Sequence[str]) -> bool:
    """Whether a rule of which nft tells no more than its target is read of the tool that made it."""
    family, target = "ip6tables-save" if line.startswith("ip6 ") else "iptables-save", _xt_to.search(line)
    return target is not None and target["name"] != "NETMAP" and family in tools


def _unread_of_nft(line: str) -> Iterator[Redirect]:
    """A rule that sends on, of which only the ports are read, or not even these."""
    named = _nft_keys.search(line) or _named(line)
    if " vmap " not in line and _nft_to.search(line) is None and _xt_to.search(line) is None:
        return
    specs = named["ports"].strip("{} ").split(",") if named else ()
    ports = _ranges([spec.partition(" : ")[0] for spec in specs], "-")
    kind = named["protocol"] if named else None
    yield _narrowed(Redirect(kind, ports, None, rule=line))


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


def _network(text: str | None) -> str | None:
    """An address or a network; ``None`` for all there are."""
    try:
        found = ip_network(text or "", strict=False)
    except ValueError:
        return None
    if found.num_addresses == 1:
        return str(found.network_address)
    return str(found) if found.prefixlen else None


PROBE = Probe(
    name="redirects",
    script=SCRIPT,
    parse=parse,
    requires=("awk",),
    slow=True,
    cached=False,
    timeout=15.0,
    elevated=True,
    shown="(of iptables-save, ip6tables-save and nft -a list ruleset: what may send port $1 on)",
)
