"""One rule of ``nft list ruleset``: what it matches and what it does. What is not known here is said to be unreadable.

After nft(8) 1.0; a rule with a verdict map becomes several, one for each verdict.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from console.core.firewall import Act, Fact, Match, Rule
from console.probes.xt_targets import act_of

# In quotes stands what people and devices are called by, and there any mark of the syntax is a letter.
_TOKEN = re.compile(r'"[^"]*"|\{(?:"[^"]*"|[^{}"])*\}|\([^()]*\)|[^\s"{}()]+|[{}()]')
_ELEMENT = re.compile(r'(?:"[^"]*"|[^,"])+')
_COMMENT = re.compile(r' comment "[^"]*"')
_PLACE = re.compile(r"(?P<bare>[0-9a-f:]*:[0-9a-f:]*:[0-9a-f.:]*)|"
                    r"(?:\[(?P<six>[^]]*)\]|(?P<four>[0-9.]+))(?::(?P<port>\d{1,5}))?")  # fmt: skip
_VERDICTS = {"accept": Act.ACCEPT, "drop": Act.DROP, "reject": Act.DROP, "return": Act.RETURN, "jump": Act.JUMP,
             "goto": Act.GOTO, "continue": Act.GO_ON, "dnat": Act.ELSEWHERE, "redirect": Act.ELSEWHERE,
             "tproxy": Act.ELSEWHERE, "queue": Act.UNREADABLE}  # fmt: skip
_FACTS = {
    "meta l4proto": Fact.PROTOCOL, "ip protocol": Fact.PROTOCOL, "ip6 nexthdr": Fact.PROTOCOL,
    "meta nfproto": Fact.FAMILY, "meta protocol": Fact.FAMILY, "ether type": Fact.FAMILY,
    "iifname": Fact.INTERFACE, "iif": Fact.INTERFACE, "meta iifname": Fact.INTERFACE, "meta iif": Fact.INTERFACE,
    "oifname": Fact.OUT, "oif": Fact.OUT, "meta oifname": Fact.OUT, "meta oif": Fact.OUT,
    "ip saddr": Fact.SOURCE, "ip6 saddr": Fact.SOURCE, "ip daddr": Fact.DESTINATION, "ip6 daddr": Fact.DESTINATION,
    "tcp dport": Fact.PORT, "udp dport": Fact.PORT, "th dport": Fact.PORT,
    "tcp sport": Fact.SOURCE_PORT, "udp sport": Fact.SOURCE_PORT, "th sport": Fact.SOURCE_PORT,
    "ct state": Fact.STATE, "ct status": Fact.STATE, "fib daddr type": Fact.TO_US,
}  # fmt: skip
# What a selector says of the packet beside its value.
_IMPLIED = {"tcp": (Fact.PROTOCOL, "tcp"), "udp": (Fact.PROTOCOL, "udp"), "ip": (Fact.FAMILY, "ip"),
            "ip6": (Fact.FAMILY, "ip6"), "icmp": (Fact.PROTOCOL, "icmp"), "icmpv6": (Fact.PROTOCOL, "icmpv6"),
            "sctp": (Fact.PROTOCOL, "sctp"), "dccp": (Fact.PROTOCOL, "dccp"), "esp": (Fact.PROTOCOL, "esp"),
            "ah": (Fact.PROTOCOL, "ah")}  # fmt: skip
_REFUSALS = {"icmp": "ip", "icmpv6": "ip6", "tcp": "tcp"}
_FAMILIES = {"ipv4": "ip", "ipv6": "ip6"}
_SYN = ("tcp flags syn / fin,syn,rst,ack", "tcp flags & (fin | syn | rst | ack) == syn",
        "tcp flags & (fin|syn|rst|ack) == syn", "tcp flags syn")  # fmt: skip
# Statements that decide nothing, and how many words belong to each at least.
_NOTHING = ("counter", "log", "comment", "notrack", "ct mark set", "meta mark set", "meta nftrace set",
            "meta priority set", "masquerade", "snat")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sets:
    """The named sets of a table, each with its elements."""

    elements: Mapping[str, tuple[str, ...]]

    def get(self, word: str) -> tuple[str, ...] | None:
        """The elements of ``@name``, of ``{ ... }``, or the word alone; ``None`` where they cannot be told."""
        if word.startswith("@"):
            found = self.elements.get(word[1:])
        elif word.startswith("{"):
            found = elements_of(word.strip("{}"))
        else:
            found = tuple(word.split(","))
        if found is None or any(" . " in part for part in found):
            return None
        # An element may carry "timeout 1h expires 59m" or a comment behind it.
        return tuple(part.split()[0].strip('"') for part in found if part)


def elements_of(text: str) -> tuple[str, ...]:
    """What stands between the braces of a set or a map, each without what people say of it."""
    return tuple(part.strip() for part in _ELEMENT.findall(_COMMENT.sub("", text)) if part.strip())


def read_rule(text: str, handle: int | None, sets: Sets, chains: set[str]) -> list[Rule]:
    """Read one rule; more than one come of a verdict map."""
    words = _TOKEN.findall(text)
    matches: list[Match] = []
    at = 0
    while at < len(words):
        word = words[at]
        if (named := _xt_target(words, at)) is not None:
            return [Rule(text, tuple(matches), act_of(named), None, handle)]
        if word in _VERDICTS:
            act = _VERDICTS[word]
            target = words[at + 1] if act in (Act.JUMP, Act.GOTO) and at + 1 < len(words) else None
            if target is not None and target not in chains:
                act, target = Act.UNREADABLE, None
            # A refusal in the words of one family or protocol is only for its packets.
            kind = (
                _REFUSALS.get(words[at + 2])
                if words[at : at + 2] == ["reject", "with"] and at + 2 < len(words)
                else None
            )
            matches += [_implied(kind)] if kind is not None else []
            return [Rule(text, tuple(matches), act, target, handle, _sent_to(words[at:]))]
        taken, found, pairs = _read(words, at, sets)
        if pairs is not None:
            return [*_mapped(text, handle, matches, found, pairs, chains)]
        matches += found
        at += taken
    return [Rule(text, tuple(matches), Act.GO_ON, None, handle)]


def _xt_target(words: list[str], at: int) -> str | None:
    """A target of iptables for which nft has no words, or was built without those: ``xt target "REJECT"``."""
    return words[at + 2].strip('"') if words[at : at + 2] == ["xt", "target"] and at + 2 < len(words) else None


def _sent_to(words: list[str]) -> tuple[str, int | None] | None:
    """The one place of ``dnat to 172.17.0.2:80``; ``None`` where it is chosen from several, or another statement."""
    rest = [word for word in words[1:] if word not in ("ip", "ip6")]
    return one_place(rest[1]) if words[0] == "dnat" and rest[:1] == ["to"] and len(rest) == 2 else None


def one_place(word: str) -> tuple[str, int | None] | None:
    """An address, with a port where there is one: ``10.0.0.2``, ``10.0.0.2:80``, ``[fd00::2]:80``."""
    found = _PLACE.fullmatch(word)
    if found is None:
        return None
    address = found["bare"] or found["six"] or found["four"] or ""
    try:
        ip_address(address)
    except ValueError:
        return None
    return address, int(found["port"]) if found["port"] else None


def _read(words: list[str], at: int, sets: Sets) -> tuple[int, list[Match], tuple[str, ...] | None]:
    """One statement: how many words it takes, what it matches, and the pairs of a verdict map."""
    rest = " ".join(words[at:])
    for flags in _SYN:
        if rest == flags or rest.startswith(f"{flags} "):
            # Without the others named it is also in the answer to the first packet.
            kinds = ("syn", "syn ack") if flags == "tcp flags syn" else ("syn",)
            return len(_TOKEN.findall(flags)), [_implied("tcp"), Match(Fact.FLAGS, kinds)], None
    for nothing in _NOTHING:
        if rest == nothing or rest.startswith(f"{nothing} "):
            return _length_of_nothing(words, at, nothing), [], None
    for size in (3, 2, 1):
        selector = " ".join(words[at : at + size])
        if selector in _FACTS and at + size < len(words):
            return _read_match(words, at, size, selector, sets)
    return _unknown(words, at)


def _read_match(
    words: list[str], at: int, size: int, selector: str, sets: Sets
) -> tuple[int, list[Match], tuple[str, ...] | None]:
    implied = [_implied(word) for word in (words[at],) if word in _IMPLIED]
    word = words[at + size]
    if word == "vmap" and at + size + 1 < len(words):
        value = words[at + size + 1]
        pairs = sets.elements.get(value[1:]) if value.startswith("@") else elements_of(value.strip("{}"))
        if pairs is None:
            return _unknown(words, at)
        return size + 2, [*implied, Match(_FACTS[selector], ())], pairs
    if word == ".":
        return _unknown(words, at)
    negated = word == "!="
    skip = 1 if word in ("!=", "==") else 0
    if at + size + skip >= len(words) or words[at + size + skip] in ("&", "and", "<", ">", "<=", ">="):
        return _unknown(words, at)
    values = sets.get(words[at + size + skip])
    if values is None:
        return _unknown(words, at)
    return size + skip + 1, [*implied, _match(_FACTS[selector], values, negated)], None


def _match(fact: Fact, values: tuple[str, ...], negated: bool = False) -> Match:
    if fact is Fact.FAMILY:
        values = tuple(_FAMILIES.get(value, value) for value in values)
    return Match(fact, values, negated)


def _implied(word: str) -> Match:
    fact, value = _IMPLIED[word]
    return Match(fact, (value,))


def _mapped(
    text: str, handle: int | None, before: list[Match], found: list[Match], pairs: tuple[str, ...], chains: set[str]
) -> Iterator[Rule]:
    """A rule for each verdict of a map; the last of ``found`` is what is looked up."""
    *implied, looked_up = found
    for pair in pairs:
        key, _, verdict = pair.partition(" : ")
        words = verdict.split()
        act = _VERDICTS.get(words[0], Act.UNREADABLE) if words else Act.UNREADABLE
        target = words[1] if act in (Act.JUMP, Act.GOTO) and len(words) > 1 else None
        if target is not None and target not in chains:
            act, target = Act.UNREADABLE, None
        value = key.strip().strip('"')
        one = Match(Fact.OTHER, (key,)) if " . " in key else _match(looked_up.fact, (value,))
        yield Rule(text, (*before, *implied, one), act, target, handle)


def _length_of_nothing(words: list[str], at: int, nothing: str) -> int:
    """The words of a statement that decides nothing: up to the next verdict or selector."""
    end = at + len(nothing.split())
    while end < len(words) and not _ends(words, end) and words[end] not in _STARTS:
        end += 1
    return end - at


def _ends(words: list[str], at: int) -> bool:
    return words[at] in _VERDICTS or _xt_target(words, at) is not None


def _unknown(words: list[str], at: int) -> tuple[int, list[Match], None]:
    """A condition that is not understood, up to the verdict: nothing behind it is judged on its own."""
    end = at + 1
    while end < len(words) and not _ends(words, end):
        end += 1
    implied = [_implied(words[at])] if words[at] in _IMPLIED else []
    return end - at, [*implied, Match(Fact.OTHER, (" ".join(words[at:end]),))], None


_STARTS = frozenset(selector.split()[0] for selector in _FACTS) | {"log", "counter", "comment", "ct", "fib", "limit"}
