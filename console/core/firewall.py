"""Packet filters as far as they decide who may reach a port: rules with what they match, and what they then do."""

from dataclasses import dataclass
from enum import StrEnum


class Act(StrEnum):
    """What a rule does with what it matches."""

    ACCEPT = "accept"
    DROP = "drop"
    JUMP = "jump"
    GOTO = "goto"
    RETURN = "return"
    GO_ON = "go on"
    """It counts, logs or marks, and the next rule decides."""
    ELSEWHERE = "elsewhere"
    """It sends the packet to another port or host."""
    UNREADABLE = "unreadable"


class Fact(StrEnum):
    """What a rule asks of a packet."""

    PROTOCOL = "protocol"
    FAMILY = "family"
    INTERFACE = "interface"
    OUT = "out"
    """The interface by which it leaves again."""
    SOURCE = "source"
    DESTINATION = "destination"
    SOURCE_PORT = "source port"
    PORT = "port"
    STATE = "state"
    """Of connection tracking: a first packet is ``new``."""
    TO_US = "to us"
    """The kind of the destination's address: ``local`` is one of the host's own."""
    FLAGS = "flags"
    """Whether it opens a connection: ``syn``; ``syn ack`` beside it where the answer to that counts as well."""
    OTHER = "other"
    """Something that cannot be told beforehand; ``values`` has the words of the rule."""


@dataclass(frozen=True, slots=True)
class Match:
    """One condition of a rule. ``values`` are alternatives: words, ports, ``LOW-HIGH``, networks, ``name*``."""

    fact: Fact
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as its tool printed it."""

    text: str
    matches: tuple[Match, ...]
    act: Act
    target: str | None = None
    """The chain of a jump."""
    handle: int | None = None
    to: tuple[str, int | None] | None = None
    """Where ``ELSEWHERE`` is: an address, and a port where that changes; ``None`` where it cannot be told."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A list of rules; ``hook`` where the kernel itself begins with it."""

    tool: str
    """``nft``, ``iptables`` or ``ip6tables``; ``iptables-legacy`` where that is another one."""
    family: str
    """``ip``, ``ip6`` or ``inet``."""
    table: str
    name: str
    rules: tuple[Rule, ...] = ()
    hook: str | None = None
    kind: str = "filter"
    """``filter`` or ``nat``."""
    priority: int = 0
    policy: Act = Act.ACCEPT
    in_nft: bool = False
    """iptables keeps it in nftables, where ``nft`` lists it too."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet of a client: its first, or a later one of the same connection. ``None`` is "could be any"."""

    protocol: str
    port: int | None
    family: str
    """``ip`` or ``ip6``."""
    interface: str | None = None
    source: str | None = None
    destination: str | None = None
    first: bool = True
    state: str | None = "new"
    """As connection tracking has it: ``invalid`` before it saw the packet."""
    forwarded: bool = False
    """A rule sent it on: ``port`` and ``destination`` are of another host, or of a container."""
    out: str | None = None
    answer: bool = False
    """It goes back to the client: ``port`` is the one that it comes from, ``destination`` the client."""
