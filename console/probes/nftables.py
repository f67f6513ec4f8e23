"""The rules of nftables: ``nft -a list ruleset``, which only root may read.

The text and not its JSON: a person who is told of a rule must find it again word for word.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from console.core.firewall import Act, Chain, Fact, Match, Rule
from console.core.probe import ParseError, Probe
from console.probes.elevated import AS_ROOT
from console.probes.nft_rule import Sets, elements_of, read_rule

SCRIPT = AS_ROOT + "hd_as_root nft -a list ruleset\n"

# Behind "#" is the handle, and of a table that a program keeps for itself who that is: "# handle 1 progname firewalld".
_TABLE = re.compile(r"table (?:(?P<family>\w+) )?(?P<name>\S+) \{(?: # .*)?")
_BLOCK = re.compile(r"\t(?P<kind>chain|set|map|flowtable|counter|quota|limit|ct \w+|synproxy|secmark)"
                    r" (?P<name>\S+) \{(?: # .*)?")  # fmt: skip
_HOOK = re.compile(r"type (?P<kind>\w+) hook (?P<hook>\w+)(?: devices?(?P<devices> .*?))? priority (?P<priority>[^;]+);"
                   r"(?: policy (?P<policy>\w+);)?")  # fmt: skip
_HANDLE = re.compile(r"(?P<text>.*?) # handle (?P<handle>\d{1,10})\Z", re.DOTALL)
_QUOTED = re.compile(r'"[^"]*"')
_NAMED = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
_ELEMENTS = re.compile(r"elements = \{(?P<all>.*)\}", re.DOTALL)


def parse(text: str) -> tuple[Chain, ...]:
    """Read the answer of ``SCRIPT``."""
    chains: list[Chain] = []
    for family, table, blocks in _tables(text):
        sets = Sets({name: _elements(lines) for kind, name, lines in blocks if kind in ("set", "map")})
        known = {name for kind, name, _ in blocks if kind == "chain"}
        chains += [_chain(family, table, name, lines, sets, known) for kind, name, lines in blocks if kind == "chain"]
    return tuple(chains)


def _tables(text: str) -> Iterator[tuple[str, str, list[tuple[str, str, list[str]]]]]:
    """Each table with its blocks: their kind, name and lines."""
    family = table = ""
    blocks: list[tuple[str, str, list[str]]] = []
    inside = False
    for line in text.split("\n"):
        if not table and (found := _TABLE.fullmatch(line)) is not None:
            inside = False
            family, table, blocks = found["family"] or "ip", found["name"], []
        elif line == "}" and table:
            yield family, table, blocks
            table = ""
        elif table and not inside and (block := _BLOCK.fullmatch(line)) is not None:
            blocks.append((block["kind"], block["name"], []))
            inside = True
        elif table and line == "\t}":
            inside = False
        elif inside:
            blocks[-1][2].append(line.strip())
        elif line.strip() and not line.lstrip().startswith(("#", "flags ", "comment ")):
            raise ParseError("a table of nft list ruleset", line)
    if table:
        raise ParseError("the end of a table", table)


def _elements(lines: list[str]) -> tuple[str, ...]:
    found = _ELEMENTS.search(" ".join(lines))
    return () if found is None else elements_of(found["all"])


def _chain(family: str, table: str, name: str, lines: list[str], sets: Sets, known: set[str]) -> Chain:
    hook: re.Match[str] | None = None
    rules: list[Rule] = []
    for line in _whole(lines):
        if (found := _HOOK.match(line)) is not None:
            hook = found
        elif line and not line.startswith("comment "):
            rules += _rules(line, sets, known)
    if hook is not None and hook["devices"]:
        return _on_devices(Chain("nft", family, table, name, tuple(rules)), hook)
    return Chain(
        "nft",
        family,
        table,
        name,
        tuple(rules),
        hook["hook"] if hook else None,
        hook["kind"] if hook else "filter",
        _priority(hook["priority"]) if hook else 0,
        Act.DROP if hook and hook["policy"] == "drop" else Act.ACCEPT,
    )


def _on_devices(chain: Chain, hook: re.Match[str]) -> Chain:
    """The chain with what the kernel asks before its first rule, and before its policy: on which device it came."""
    side = Fact.OUT if hook["hook"] == "egress" else Fact.INTERFACE
    match = Match(side, tuple(re.findall(r"[^\s\"{}=,]+", hook["devices"])))
    rules = [replace(rule, matches=(match, *rule.matches)) for rule in chain.rules]
    if hook["policy"] == "drop":
        rules.append(Rule("policy drop", (match,), Act.DROP))
    return replace(
        chain, rules=tuple(rules), hook=hook["hook"], kind=hook["kind"], priority=_priority(hook["priority"])
    )


def _whole(lines: list[str]) -> Iterator[str]:
    """The lines of a chain; a rule with a long set in braces goes over several.

    Its handle ends a rule whatever stands in it: of iptables nft repeats words that have quotes in them as they are.
    """
    kept = ""
    for line in lines:
        kept = f"{kept} {line}" if kept else line
        bare = _QUOTED.sub("", kept)
        if _HANDLE.fullmatch(kept) is not None or bare.count("{") <= bare.count("}"):
            yield kept
            kept = ""
    if kept:
        yield kept


def _rules(line: str, sets: Sets, known: set[str]) -> list[Rule]:
    found = _HANDLE.fullmatch(line)
    text, handle = (found["text"], int(found["handle"])) if found else (line, None)
    return read_rule(text, handle, sets, known)


def _priority(words: str) -> int:
    """``filter``, ``-150``, ``filter + 10``."""
    total, sign = 0, 1
    for word in words.split():
        if word in ("+", "-"):
            sign = 1 if word == "+" else -1
        elif word in _NAMED:
            total += _NAMED[word]
        elif re.fullmatch(r"-?\d{1,9}", word):
            total += sign * int(word)
    return total


PROBE = Probe(
    name="nftables", script=SCRIPT, parse=parse, requires=("nft",), slow=True, cached=False, elevated=True,
    shown="nft -a list ruleset",
)  # fmt: skip
