"""The next port that nobody is seen to want: not listened on, not declared, not for outgoing connections.

Who has it without a listener, and the rules of the kernel for it, are only looked at when it is asked for itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from console.core.service import Endpoint
from console.diagnosis.evidence import Evidence
from console.probes.limits import PortLimits

OFFSET = 8000
"""From a privileged port one goes to this much higher: 80 to 8080 lies within what people expect."""
TRIES = 2000
"""Ports that are tried in each direction; a range of the kernel is passed over at once and counts for none."""
TOLD = 4
"""Ports that were passed over of which the reason is told."""

_Stretch = tuple[int, int, str]
"""The first and the last of some ports, and why none of them is taken; empty where it may be."""


@dataclass(frozen=True, slots=True)
class NextPort:
    """The nearest port that may be taken, and why those before it could not."""

    port: int
    passed: tuple[str, ...] = ()
    ranges_read: bool = True
    """Whether the ranges of the kernel are the host's own: else they are taken for those that a kernel begins with."""

    @property
    def reason(self) -> str:
        """In one line for the evidence."""
        more = len(self.passed) - TOLD
        rest = f"; and {more} more" if more > 0 else ""
        over = f"; passed over {'; '.join(self.passed[:TOLD])}{rest}" if self.passed else ""
        if not self.ranges_read:
            over = f", and the ranges for outgoing connections were not read{over}"
            return f"next port: {self.port}, neither listened on at any address nor declared{over}"
        return f"next port: {self.port}, neither listened on at any address nor declared, ephemeral or reserved{over}"


def next_port(evidence: Evidence, wanted: Endpoint) -> NextPort | None:
    """The nearest higher port that the service could take, else the nearest lower one.

    ``None`` when there is none, or the listeners are not known for certain.
    """
    if evidence.listeners_gap() is not None:
        return None
    lowest = max(1, unprivileged_start(evidence))
    start, below = wanted.port + 1, wanted.port - 1
    if wanted.port < lowest:
        start = max(OFFSET + wanted.port, lowest)
        below = start - 1
    taken = _taken(evidence, wanted.protocol)
    limits = evidence.limits or PortLimits()
    passed: list[str] = []
    for low, high, why in chain(_upward(limits, start), _downward(limits, below, lowest)):
        if not why and low not in taken:
            return NextPort(low, tuple(passed), evidence.limits is not None)
        passed.append(f"{low} ({taken.get(low, why)})" if low == high else f"{low} to {high} ({why})")
    return None


def _upward(limits: PortLimits, start: int) -> Iterator[_Stretch]:
    """What follows a port: a range of the kernel at once, whatever its length."""
    port, tries = start, 0
    while port < 65536 and tries < TRIES:
        _, high, why = _range(limits, port)
        yield port, high, why
        port, tries = high + 1, tries + (not why)


def _downward(limits: PortLimits, start: int, lowest: int) -> Iterator[_Stretch]:
    """The same down from a port: above the range for outgoing connections there may be nothing left."""
    port, tries = start, 0
    while port >= lowest and tries < TRIES:
        low, _, why = _range(limits, port)
        yield low, port, why
        port, tries = low - 1, tries + (not why)


def unprivileged_start(evidence: Evidence) -> int:
    """The lowest port that needs no privilege; the kernel's default where the host was not asked."""
    return (evidence.limits or PortLimits()).unprivileged_start


def _taken(evidence: Evidence, protocol: str) -> Mapping[int, str]:
    """Why each of these is not to be taken; a listener at any address counts."""
    snapshot = evidence.snapshot
    taken = {
        symptom.endpoint.port: f"{symptom.ref.name} wants it"
        for symptom in snapshot.symptoms
        if symptom.endpoint is not None
    }
    for one in evidence.claims:
        if one.endpoint.protocol == protocol:
            taken |= dict.fromkeys(one.ports, f"{one.service} declares it, {one.where}")
    taken |= dict(_given_away(evidence, protocol))
    for listener in snapshot.listeners:
        if listener.protocol == protocol:
            taken[listener.port] = f"held by {listener.unit or listener.process or 'a hidden process'}"
    return taken


def _given_away(evidence: Evidence, protocol: str) -> Iterator[tuple[int, str]]:
    """What a cluster or the kernel sends elsewhere, mostly without a listener."""
    if evidence.cluster is not None:
        for service in evidence.cluster.services:
            if service.protocol == protocol:
                yield service.port, f"the cluster gives it to {service.shown}"
        for pod in evidence.cluster.pods:
            for given in pod.ports:
                if given.protocol == protocol:
                    yield given.port, f"the cluster gives it to {pod.shown}"
    own = [one.address for one in evidence.addresses or ()]
    for one in evidence.redirects.found if evidence.redirects is not None else ():
        if one.protocol in (None, protocol) and (one.address is None or any(map(one.is_for, own))):
            yield from ((port, "a rule sends it elsewhere") for low, high in one.ports for port in range(low, high + 1))


def _range(limits: PortLimits, port: int) -> _Stretch:
    """The range of the kernel in which the port lies, and what it is for; the port alone where there is none."""
    for low, high in limits.reserved:
        # A reserved port is somebody's, who is perhaps not running now.
        if low <= port <= high:
            return low, high, "reserved"
    if limits.ephemeral(port):
        return limits.local_low, max(port, limits.local_high), "for outgoing connections"
    return port, port, ""
