"""Each rule of packet filters once: iptables mostly keeps its rules in nftables, where nft lists them as well."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from console.core.firewall import Act, Chain, Fact, Rule

_BY_MODULE = re.compile(r'(?:"[^"]*"|[^"])*?(?:^| )(?:xt (?:match|target)|#) ')
"""What only iptables writes, and nft has no words for; in quotation marks are those of people."""


def each_once(listed: Sequence[Chain] | None, saved: Sequence[Chain]) -> tuple[Chain, ...]:
    """What nft lists, in the words of iptables where these tell the same, and what iptables alone has.

    The list of nft is the one that is whole: iptables-save leaves out chains and tables that others wrote, or tells a
    rule of theirs without what it asks (seen in 1.8.9: of a set, of the type of an address). But what iptables asks by
    modules of its own, only its own list tells, and who wrote it there looks for it there.
    """
    if listed is None:
        return tuple(saved)
    told = {_place(chain): chain for chain in saved if chain.in_nft}
    known = {_place(chain) for chain in listed}
    once = [_in_its_words(chain, told.get(_place(chain))) for chain in listed]
    # A chain with rules that nft does not list was made between the two looks.
    return (*once, *(one for one in saved if not one.in_nft or (one.rules and _place(one) not in known)))


def _place(chain: Chain) -> tuple[str, str, str]:
    return chain.family, chain.table, chain.name


def _in_its_words(chain: Chain, saved: Chain | None) -> Chain:
    """A chain as iptables told it; as nft did where there is another one of that name, or more in it."""
    if saved is None or len(saved.rules) != len(chain.rules):
        return chain
    rules = tuple(other if _tells(other, one) else one for one, other in zip(chain.rules, saved.rules, strict=True))
    return replace(chain, tool=saved.tool, in_nft=True, rules=rules)


def _tells(saved: Rule, listed: Rule) -> bool:
    """Whether a rule of iptables does what the one that nft lists does, and asks for no less."""
    if _BY_MODULE.match(listed.text):
        return True
    if listed.act is not Act.UNREADABLE and (saved.act, saved.target) != (listed.act, listed.target):
        return False
    missing, more = _asked(listed) - _asked(saved), _asked(saved) - _asked(listed)
    # What is not understood in the words of nft may be in those of iptables.
    return missing.total() == min(missing[Fact.OTHER], more.total())


def _asked(rule: Rule) -> Counter[Fact]:
    """How much a rule asks of each kind. That it is TCP may be said twice, and each chain of iptables has a family."""
    return Counter(_facts(rule))


def _facts(rule: Rule) -> Iterator[Fact]:
    yield from {Fact.PROTOCOL} & {match.fact for match in rule.matches}
    yield from (match.fact for match in rule.matches if match.fact not in (Fact.PROTOCOL, Fact.FAMILY))
