"""The addresses that a service may want where nothing tells which, and who is in the way of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from console.core.overlap import is_wildcard
from console.core.service import Endpoint
from console.diagnosis.evidence import Evidence
from console.diagnosis.holder_words import owner
from console.diagnosis.sharing import in_the_way
from console.diagnosis.verdict import Holder


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that may be the wanted one."""

    words: str
    endpoint: Endpoint
    holders: tuple[Holder, ...]
    """All who must let go before it can be bound."""


def candidates(evidence: Evidence, holders: Sequence[Holder]) -> tuple[Candidate, ...]:
    """Each address that somebody holds, and last every address at once, for which all must let go."""
    places = dict.fromkeys(one.endpoint for one in holders if not is_wildcard(one.address))
    single = (Candidate(one.address, one, tuple(in_the_way(evidence, one, holders))) for one in places)
    every = Endpoint(holders[0].protocol, "*", holders[0].port)
    return (*single, Candidate("every address", every, tuple(holders)))


def are_alike(evidence: Evidence, holders: Sequence[Holder]) -> bool:
    """Whether the same must let go whichever address is wanted."""
    groups = [one.holders for one in candidates(evidence, holders)]
    # Of an address that nobody names only these are in the way.
    groups.append(tuple(one for one in holders if is_wildcard(one.address)) or groups[-1])
    return len({frozenset(map(owner, group)) for group in groups}) == 1
