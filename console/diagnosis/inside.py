"""Ports that are only listened on inside a network of its own, mostly a container's: free on the host."""

from collections.abc import Iterator
from dataclasses import replace

from console.core.finding import Proposal
from console.core.network import Listener
from console.core.overlap import is_wildcard
from console.core.service import HOST_NETWORK, Endpoint, Service
from console.diagnosis.bind_errors import read_line
from console.diagnosis.evidence import Evidence
from console.diagnosis.next_start import is_doomed, joined
from console.diagnosis.outline import outline
from console.diagnosis.spaces import ENGINES, as_holder, resident_of
from console.diagnosis.verdict import Confidence, Holder, Verdict, VerdictWord
from console.diagnosis.wanting import Want
from console.probes.namespaces import Namespace

_RESOLVER = "127.0.0.11"
"""Docker's own name server in each of its networks, on a port that means nothing."""


def found(evidence: Evidence, want: Want, endpoint: Endpoint, ways: tuple[Proposal, ...]) -> Verdict | None:
    """The verdict on a port that is free on the host and listened on elsewhere; ``None`` where it is not."""
    holders = tuple(_holders(evidence, endpoint))
    if not holders:
        return None
    names = joined(holder.name for holder in holders)
    only = f"only {names} listens on it" if len(holders) == 1 else f"only {names} listen on it"
    startable = any(way.id == "start" for way in ways) and not is_doomed(want)
    again = f"; {want.name} can be started" if startable else ""
    summary = f"{want.port} is free on the host: {only}, inside a network of its own, which is no clash{again}"
    verdict = outline(evidence, want, VerdictWord.HELD_IN_CONTAINER, summary, holders[0].confidence)
    return replace(verdict, holders=holders, actions=ways)


def undecided(found: Verdict, verdict: Verdict) -> Verdict:
    """The verdict on a port that somebody else may have too, by what was not seen, with who listens inside."""
    names = joined(holder.name for holder in found.holders)
    summary = f"{verdict.summary}; {names} has it inside a network of its own"
    return replace(verdict, holders=found.holders, summary=summary)


def of_service(evidence: Evidence, want: Want) -> Verdict | None:
    """The verdict on a container that publishes no port; ``None`` where it listens nowhere, or is none."""
    service = want.service
    if service is None or service.ref.manager not in ENGINES or evidence.namespaces is None:
        return None
    for space in evidence.namespaces.spaces:
        if not {process.pid for process in space.processes} & set(service.pids):
            continue
        holders = tuple(_in(evidence, space, None))
        if not holders:
            continue
        ports = ", ".join(dict.fromkeys(f"{holder.protocol} {holder.port}" for holder in holders))
        place = replace(want, endpoint=holders[0].endpoint)
        summary = f"{want.name} listens on {ports} only inside its own network: no port of the host is published for it"
        verdict = outline(evidence, place, VerdictWord.HELD_IN_CONTAINER, summary, Confidence.HIGH)
        return replace(verdict, holders=holders)
    return None


def said(evidence: Evidence, service: Service) -> str | None:
    """What its own log says that it could not bind, where that is no port of the host; ``None`` where it says nothing.

    It is said to be taken by whom the socket is seen to be, and by nobody else.
    """
    network = _network_of(service)
    found = [one for line in evidence.log_of(service.ref) or () if (one := read_line(line)) is not None]
    error = next((one for one in reversed(found) if one.port is not None), found[-1] if found else None)
    if network is None or error is None:
        return None
    if error.port is None:
        return f"its log names no port, but says that it could not bind one ({error.errno}) inside {network}"
    holder = next((one for one in _joined(evidence, service, error.port, error.protocol)), None)
    has = f", which {holder.name} has there" if holder is not None else ""
    place = f"{error.protocol} {error.port}"
    return f"no port of the host is in its way: its log names {place} inside {network}{has} ({error.errno})"


def _network_of(service: Service) -> str | None:
    """In whose network the words of its log are meant, where that is not the host's."""
    if service.ref.manager == "kubernetes":
        return "the network of its pods"
    if service.ref.manager not in ENGINES or service.network_of == HOST_NETWORK:
        return None
    return "its own network" if service.network_of is None else f"the network of {service.network_of}"


def _joined(evidence: Evidence, service: Service, port: int, protocol: str) -> Iterator[Holder]:
    """Who listens on a port of the network that a container shares with another."""
    owner = next((one for one in evidence.snapshot.services if service.network_of in one.members), None)
    if owner is None or owner.ref.manager not in ENGINES or owner.ref.scope != service.ref.scope:
        return
    for space in evidence.namespaces.spaces if evidence.namespaces is not None else ():
        if {process.pid for process in space.processes} & set(owner.pids):
            yield from _in(evidence, space, Endpoint(protocol, "*", port))


def _holders(evidence: Evidence, endpoint: Endpoint) -> Iterator[Holder]:
    for space in evidence.namespaces.spaces if evidence.namespaces is not None else ():
        yield from _in(evidence, space, endpoint)


def _in(evidence: Evidence, space: Namespace, endpoint: Endpoint | None) -> Iterator[Holder]:
    """Each port of a namespace once."""
    seen = set()
    for listener in space.listeners:
        place = listener.protocol, listener.port
        if listener.address == _RESOLVER or place in seen:
            continue
        if endpoint is None or place == (endpoint.protocol, endpoint.port):
            seen.add(place)
            yield holder_in(evidence, space, listener)


def holder_in(evidence: Evidence, space: Namespace, listener: Listener) -> Holder:
    """Who listens in a network of its own, as far as it is known who lives there."""
    address = space.addresses[0] if is_wildcard(listener.address) and space.addresses else listener.address
    resident = resident_of(evidence, space, listener)
    known = ("namespace", *(("inode",) if listener.pids else ()), *(("manager",) if resident.service else ()))
    counts = space.connections
    count = next((n for protocol, port, n in counts if (protocol, port) == (listener.protocol, listener.port)), None)
    made = as_holder(evidence, resident, Endpoint(listener.protocol, address, listener.port), known)
    return replace(made, connections=count)
