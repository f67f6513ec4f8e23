"""What a port case of the lab must come to for each user of the host, and the words that its verdicts share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from console.diagnosis import Confidence, VerdictWord
from tests.diagnosis.judged import Judged
from tests.lab.host import ONCALL_COMMANDS

USERS = ("root", "oncall", "nosudo")
"""Who may do everything; who has narrow lines in sudoers and reads the journal; who may do nothing."""
HIGH, MEDIUM, LOW = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW
FREE, HELD, UNREACHABLE = VerdictWord.FREE, VerdictWord.HELD, VerdictWord.UNREACHABLE

API = "api.service"
LEGACY = "legacy.service"
API_LOG = "log of api.service"
PROCESS = "process of the holder"
RULES = "rules that send the port elsewhere (NAT)"
FIREWALL = "firewall rules"

SAME = "same address 0.0.0.0"
DUAL_STACK = "* (IPv6 and IPv4) overlaps 0.0.0.0"
ON_FAILURE = "systemd Restart=on-failure"
STOP_LEGACY = "stop legacy.service, then start api.service"
START = "reset-failed, then start api.service"


@dataclass(frozen=True)
class Scenario:
    """What each user must be told about what the case asks for."""

    root: Judged
    oncall: Judged
    nosudo: Judged
    also: Mapping[str, tuple[Judged, Judged, Judged]] = field(default_factory=dict)
    """The same for other targets of the case's host."""
    may: tuple[str, ...] = ()
    """What ``oncall`` may run with sudo beside the usual lines."""

    @property
    def sudo(self) -> tuple[str, ...]:
        """All that ``oncall`` may run with sudo."""
        return (*ONCALL_COMMANDS, *self.may)

    def by_port(self, target: str) -> Scenario:
        """The same is told to who asks for the port."""
        return replace(self, also={**self.also, target: (self.root, self.oncall, self.nosudo)})

    def expected(self, ask: str) -> dict[str, tuple[Judged, Judged, Judged]]:
        """By target what each of the users must be told; ``ask`` is what the case asks for."""
        return {ask: (self.root, self.oncall, self.nosudo), **self.also}


def by_cgroup(root: Judged, log: str = API_LOG, sure: Confidence = MEDIUM) -> Scenario:
    """A holder of which others see only the control group, in a unit that none but root may stop.

    Without the log nobody knows which address was wanted, and so what clashes, nor that rules (NAT) do not have a part.
    """
    oncall = replace(root, confidence=sure, gaps=frozenset({PROCESS}), off=True)
    return Scenario(root, oncall, replace(oncall, clash=None, gaps=frozenset({PROCESS, RULES, log})))


def at_home(root: Judged) -> Scenario:
    """A service that has its port: of it others see only the control group."""
    seen = replace(root, confidence=MEDIUM, gaps=frozenset({PROCESS, RULES}))
    return Scenario(root, seen, seen)


def at_home_locally(root: Judged) -> Scenario:
    """The same at an address of the host's own: rules that send a port elsewhere (NAT) have no part in it."""
    seen = replace(root, confidence=MEDIUM, gaps=frozenset({PROCESS}))
    return Scenario(root, seen, seen)
