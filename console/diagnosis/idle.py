"""A service that runs and does not listen on its port: nobody is in its way, and still something is wrong."""

from dataclasses import replace

from console.core.service import State
from console.diagnosis.evidence import Evidence
from console.diagnosis.outline import outline, undecided
from console.diagnosis.verdict import Verdict, VerdictWord
from console.diagnosis.wanting import Want

YOUNG = 10.0
"""Seconds from its start in which a service may yet be on its way to listen."""
_ELSEWHERE = ("kubernetes",)
"""Managers whose services run on other hosts too."""


def verdict(evidence: Evidence, want: Want, found: Verdict) -> Verdict:
    """The verdict on a port that nobody of the host has, of a service that runs without it; else as it is.

    Where nothing but a guess says that the port is its own, it may be right without it.
    """
    if not is_idle(want) or _has_it(want) or any(holder.ref == want.ref for holder in found.holders):
        return found
    age = (
        evidence.now - want.service.since if evidence.now is not None and want.service and want.service.since else None
    )
    young = age is not None and 0 <= age < YOUNG
    # In a network of its own it may, where these were not looked into.
    listens = "does not listen" if evidence.namespaces is not None else "is not seen to listen"
    does = f"{want.name} runs{f' for {age:.0f} s' if young else ''} and {listens} on {want.port}"
    does += " yet" if young else _other_ports(want)
    if found.verdict is VerdictWord.UNKNOWN:
        return replace(found, summary=f"{does}: {found.summary}")
    free = f"{does}, which is free{' on the host' if found.holders else ''}"
    if want.guessed:
        return replace(found, summary=free)
    made = undecided(evidence, want, f"{free}: what it waits for is not known")
    return replace(made, holders=found.holders, confidence=outline(evidence, want, made.verdict, "").confidence)


def is_idle(want: Want) -> bool:
    """Whether the service that wants the port runs: that nobody has the port means then that it does not listen."""
    service = want.service
    return service is not None and service.state is State.RUNNING and service.ref.manager not in _ELSEWHERE


def _has_it(want: Want) -> bool:
    """Whether its manager says that it has the port, though no socket shows it: rules may publish it."""
    ports = want.service.ports if want.service is not None else ()
    asked = want.endpoint
    return asked is not None and any((one.protocol, one.port) == (asked.protocol, asked.port) for one in ports)


def _other_ports(want: Want) -> str:
    ports = (
        dict.fromkeys(f"{one.protocol} {one.port}" for one in want.service.ports) if want.service is not None else {}
    )
    return f", but on {' and '.join(ports)}" if ports else ""
