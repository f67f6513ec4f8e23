"""The rules of iptables and ip6tables: ``iptables-save``, which only root may read."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from console.core.firewall import Act, Chain, Fact, Match, Rule
from console.core.probe import ParseError, Probe
from console.probes.iptables_script import SAVED
from console.probes.nft_rule import one_place
from console.probes.xt_targets import ACTS, act_of

SCRIPT = SAVED + "hd_saved iptables\n"
SCRIPT6 = SAVED + "hd_saved ip6tables\n"

_HOOKS = {"PREROUTING": "prerouting", "INPUT": "input", "FORWARD": "forward", "OUTPUT": "output",
          "POSTROUTING": "postrouting"}  # fmt: skip
_PRIORITY = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
_PLAIN = {"-p": Fact.PROTOCOL, "-i": Fact.INTERFACE, "-o": Fact.OUT, "-s": Fact.SOURCE, "-d": Fact.DESTINATION,
          "--dport": Fact.PORT, "--dports": Fact.PORT, "--ports": Fact.OTHER, "--sport": Fact.SOURCE_PORT,
          "--sports": Fact.SOURCE_PORT, "--ctstate": Fact.STATE, "--state": Fact.STATE,
          "--dst-type": Fact.TO_US}  # fmt: skip
# "-m" only loads a module, and comments decide nothing.
_SAYS_NOTHING = frozenset({"-m", "--comment"})
_ALL = {"0.0.0.0/0", "::/0", "all"}


@dataclass(frozen=True, slots=True)
class Saved:
    """What the tools of a family told; nothing where nft tells all of it."""

    chains: tuple[Chain, ...] = ()
    gap: str | None = None
    """What they left out, and why."""


@dataclass(slots=True)
class _Table:
    """A table of one of the tools, as its lines come."""

    tool: str
    in_nft: bool
    name: str
    chains: dict[str, tuple[str, list[Rule]]] = field(default_factory=dict)

    def add(self, line: str) -> None:
        """A rule of one of its chains."""
        name = line.split(maxsplit=2)[1] if len(line.split()) > 1 else ""
        if name not in self.chains:
            raise ParseError("a rule of a chain that was named before", line)
        self.chains[name][1].append(_rule(line, self.chains.keys()))


def parse(text: str, tool: str = "iptables") -> Saved:
    """Read the answer of ``SCRIPT``."""
    tables: list[_Table] = []
    in_nft, gap = False, None
    for line in text.splitlines():
        if line.startswith("tool "):
            tool, in_nft = line.split()[1].removesuffix("-save"), line.endswith(" nf_tables")
        elif line.startswith("gap "):
            gap = line.partition(" ")[2]
        elif line.startswith("*"):
            tables.append(_Table(tool, in_nft, line[1:].strip()))
        elif line.startswith(":") and tables:
            name, policy = [*line[1:].split(), "", ""][:2]
            tables[-1].chains[name] = (policy, [])
        elif line.startswith("-A ") and tables:
            tables[-1].add(line)
        elif line.strip() and not line.startswith(("#", "COMMIT")):
            raise ParseError("a line of iptables-save", line)
    return Saved(tuple(chain for table in tables for chain in _chains(table)), gap)


def parse6(text: str) -> Saved:
    """Read the answer of ``SCRIPT6``."""
    return parse(text, "ip6tables")


def _chains(table: _Table) -> Iterator[Chain]:
    for name, (policy, rules) in table.chains.items():
        yield Chain(
            table.tool,
            "ip6" if table.tool.startswith("ip6") else "ip",
            table.name,
            name,
            tuple(rules),
            _HOOKS.get(name) if policy != "-" else None,
            "nat" if table.name == "nat" else "filter",
            _PRIORITY.get(table.name, 0),
            ACTS.get(policy, Act.ACCEPT),
            table.in_nft,
        )


def _rule(line: str, chains: Container[str]) -> Rule:
    words = _WORD.findall(line)[2:]
    matches: list[Match] = []
    act, target = Act.GO_ON, None
    to: tuple[str, int | None] | None = None
    at = 0
    while at < len(words):
        negated = words[at] == "!"
        at += negated
        word = words[at] if at < len(words) else ""
        if word in ("-j", "-g"):
            # What follows are the options of the target.
            target = words[at + 1] if at + 1 < len(words) else ""
            act = (Act.GOTO if word == "-g" else Act.JUMP) if target in chains else act_of(target)
            to = _sent_to(words[at + 2 :]) if target == "DNAT" else None
            break
        values = list(_values(words, at + 1))
        if word not in _SAYS_NOTHING:
            matches += _match(word, values, negated)
        at += 1 + len(values)
    return Rule(line, tuple(matches), act, target if act in (Act.JUMP, Act.GOTO) else None, to=to)


def _sent_to(options: list[str]) -> tuple[str, int | None] | None:
    """The one place that a DNAT names; ``None`` where it names several, or none."""
    return one_place(options[1]) if options[:1] == ["--to-destination"] and len(options) == 2 else None


def _values(words: list[str], at: int) -> Iterator[str]:
    """The words that belong to an option: up to the next one."""
    while at < len(words) and words[at] != "!" and not words[at].startswith("-"):
        yield words[at]
        at += 1


def _match(word: str, values: list[str], negated: bool) -> list[Match]:
    if word == "--syn" or (word == "--tcp-flags" and values[:2] == ["FIN,SYN,RST,ACK", "SYN"]):
        return [Match(Fact.FLAGS, ("syn",), negated)]
    fact = _PLAIN.get(word)
    if fact is None or fact is Fact.OTHER or len(values) != 1:
        return [Match(Fact.OTHER, (" ".join((word, *values)),), negated)]
    found = tuple(value for value in values[0].split(",") if value)
    if fact in (Fact.INTERFACE, Fact.OUT):
        found = tuple(value[:-1] + "*" if value.endswith("+") else value for value in found)
    elif fact in (Fact.PORT, Fact.SOURCE_PORT):
        found = tuple(value.replace(":", "-") for value in found)
    elif fact in (Fact.STATE, Fact.TO_US):
        found = tuple(value.lower() for value in found)
    return [] if set(found) & _ALL and not negated else [Match(fact, found, negated)]


IPTABLES = Probe(
    name="iptables", script=SCRIPT, parse=parse, requires=("iptables",), slow=True, cached=False, elevated=True,
    shown="(of iptables-save, where its rules are not in the list of nft)",
)  # fmt: skip
IP6TABLES = Probe(
    name="ip6tables", script=SCRIPT6, parse=parse6, requires=("iptables",), slow=True, cached=False, elevated=True,
    shown="(of ip6tables-save, where its rules are not in the list of nft)",
)  # fmt: skip
