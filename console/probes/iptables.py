"""The rules of iptables and ip6tables: ``iptables-save``, which only root may read."""

import re
from collections.abc import Iterator

from console.core.firewall import Act, Chain, Fact, Match, Rule
from console.core.probe import ParseError, Probe
from console.probes.elevated import AS_ROOT
from console.probes.nft_rule import one_place

# Where iptables writes its rules into nftables, nft lists them too: one line in sudoers is enough then.
_SAVE = (
    AS_ROOT
    + r"""
hd_as_root IPTABLES-save && return
hd_status=$?
command -v nft >/dev/null 2>&1 && [ "$(id -u)" != 0 ] || return "$hd_status"
case $(iptables -V 2>/dev/null) in *nf_tables*) return 0 ;; esac
return "$hd_status"
"""
)
SCRIPT = _SAVE.replace("IPTABLES", "iptables")
SCRIPT6 = _SAVE.replace("IPTABLES", "ip6tables")

_HOOKS = {"PREROUTING": "prerouting", "INPUT": "input", "FORWARD": "forward", "OUTPUT": "output",
          "POSTROUTING": "postrouting"}  # fmt: skip
_PRIORITY = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_ACTS = {"ACCEPT": Act.ACCEPT, "DROP": Act.DROP, "REJECT": Act.DROP, "RETURN": Act.RETURN, "DNAT": Act.ELSEWHERE,
         "REDIRECT": Act.ELSEWHERE, "TPROXY": Act.ELSEWHERE}  # fmt: skip
_GO_ON = frozenset({"LOG", "NFLOG", "MARK", "CONNMARK", "CT", "NOTRACK", "TCPMSS", "SET", "CLASSIFY", "DSCP", "TOS",
                    "TRACE", "AUDIT", "SECMARK", "CONNSECMARK", "CHECKSUM", "TTL", "HL", "ULOG"})  # fmt: skip
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
_PLAIN = {"-p": Fact.PROTOCOL, "-i": Fact.INTERFACE, "-o": Fact.OUT, "-s": Fact.SOURCE, "-d": Fact.DESTINATION,
          "--dport": Fact.PORT, "--dports": Fact.PORT, "--ports": Fact.OTHER, "--sport": Fact.SOURCE_PORT,
          "--sports": Fact.SOURCE_PORT, "--ctstate": Fact.STATE, "--state": Fact.STATE,
          "--dst-type": Fact.TO_US}  # fmt: skip
# "-m" only loads a module, and comments decide nothing.
_SAYS_NOTHING = frozenset({"-m", "--comment"})
_ALL = {"0.0.0.0/0", "::/0", "all"}


def parse(text: str, tool: str = "iptables") -> tuple[Chain, ...]:
    """Read the answer of ``SCRIPT``; nothing where its rules are in the list of nft."""
    chains: dict[tuple[str, str], tuple[str, list[Rule]]] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            name, policy = [*line[1:].split(), "", ""][:2]
            chains[table, name] = (policy, [])
        elif line.startswith("-A "):
            known = {name for where, name in chains if where == table}
            name = line.split(maxsplit=2)[1] if len(line.split()) > 1 else ""
            if name not in known:
                raise ParseError("a rule of a chain that was named before", line)
            chains[table, name][1].append(_rule(line, known))
        elif line.strip() and not line.startswith(("#", "COMMIT")):
            raise ParseError("a line of iptables-save", line)
    return tuple(
        Chain(
            tool,
            "ip6" if tool == "ip6tables" else "ip",
            table,
            name,
            tuple(rules),
            _HOOKS.get(name) if policy != "-" else None,
            "nat" if table == "nat" else "filter",
            _PRIORITY.get(table, 0),
            _ACTS.get(policy, Act.ACCEPT),
        )
        for (table, name), (policy, rules) in chains.items()
    )


def parse6(text: str) -> tuple[Chain, ...]:
    """Read the answer of ``SCRIPT6``."""
    return parse(text, "ip6tables")


def _rule(line: str, chains: set[str]) -> Rule:
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
            act = (Act.GOTO if word == "-g" else Act.JUMP) if target in chains else _act(target)
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


def _act(target: str) -> Act:
    return Act.GO_ON if target in _GO_ON else _ACTS.get(target, Act.UNREADABLE)


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
    shown="iptables-save",
)  # fmt: skip
IP6TABLES = Probe(
    name="ip6tables", script=SCRIPT6, parse=parse6, requires=("iptables",), slow=True, cached=False, elevated=True,
    shown="ip6tables-save",
)  # fmt: skip
