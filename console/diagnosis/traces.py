"""The facts under a verdict, one line each, in the words of the tools they came from."""

from collections.abc import Iterator

from console.core.network import Listener
from console.core.service import Service
from console.diagnosis import own_network, taken
from console.diagnosis.duplicates import said_twice
from console.diagnosis.evidence import Evidence
from console.diagnosis.holder_words import shown_command, whereabouts
from console.diagnosis.holders import clashing
from console.diagnosis.ports import next_port
from console.diagnosis.respawn import comes_back_after_stop
from console.diagnosis.verdict import Holder, Verdict
from console.diagnosis.wanting import Want

MOST = 8
"""Sockets that are listed; a port with more has its number said."""


def traces(evidence: Evidence, want: Want, verdict: Verdict) -> tuple[str, ...]:
    """What was seen, for the evidence view and the report."""
    return tuple(_lines(evidence, want, verdict))


def _lines(evidence: Evidence, want: Want, verdict: Verdict) -> Iterator[str]:
    if want.symptom is not None:
        yield f"log: {want.symptom.line}"
    elif want.history is not None:
        yield f"log of an earlier attempt: {want.history.line}"
    yield from (f"log: {line.message}" for line in said_twice(evidence))
    if verdict.failure is not None:
        yield from (f"log: {line}" for line in verdict.failure.log)
    if verdict.port_known_by is not None:
        yield f"port: {verdict.port_known_by}"
    if want.service is not None:
        yield _unit(want.service)
    if want.endpoint is None:
        return
    elsewhere = own_network.listeners(evidence, want)
    listeners = clashing(evidence, want.endpoint) if elsewhere is None else elsewhere
    yield from (_socket(listener) for listener in listeners[:MOST])
    if len(listeners) > MOST:
        yield f"... and {len(listeners) - MOST} more sockets on {want.port}"
    for holder in verdict.holders:
        yield from _holder(evidence, want, holder)
    yield from taken.rules(evidence, want.endpoint)
    yield from _others(evidence, want, verdict)


def _holder(evidence: Evidence, want: Want, holder: Holder) -> Iterator[str]:
    if command := shown_command(holder):
        yield f"process {holder.pid}: {command}"
    if place := whereabouts(holder):
        yield f"process {holder.pid}: {', '.join(place)}"
    service = evidence.snapshot.service(holder.ref) if holder.ref is not None else None
    if service is not None and service is not want.service:
        yield _unit(service)
        if again := comes_back_after_stop(service):
            yield again


def _others(evidence: Evidence, want: Want, verdict: Verdict) -> Iterator[str]:
    sockets = evidence.not_listening
    for socket in sockets[:MOST]:
        peer = f"{socket.peer_address}:{socket.peer_port}"
        owner = f" pid {socket.pids[0]} {socket.process or ''}".rstrip() if socket.pids else ""
        timer = f" {socket.timer}" if socket.timer else ""
        yield f"connection: {socket.state} {socket.address}:{socket.port} {peer}{owner}{timer}"
    if len(sockets) > MOST:
        yield f"... and {len(sockets) - MOST} more connections"
    if evidence.limits is not None:
        limits = evidence.limits
        low, high = limits.local_low, limits.local_high
        yield f"limits: unprivileged from {limits.unprivileged_start}, outgoing connections from {low} to {high}"
    for one in want.declared_by:
        last = f"-{one.last}" if one.last else ""
        sure = "" if one.sure else "perhaps "
        text = f": {one.text}" if one.text else ""
        yield f"declared: {one.service} {sure}wants {one.endpoint}{last} ({one.where}{text})"
    move = next((action for action in verdict.actions if action.id == "move"), None)
    other = next_port(evidence, want.endpoint) if move is not None and want.endpoint is not None else None
    if other is not None:
        yield other.reason


def _unit(service: Service) -> str:
    words = [f"{service.ref.manager} {service.ref.name}: {service.native_state or service.state.value}"]
    if service.result not in (None, "", "success"):
        words.append(f"result {service.result}")
    if service.never_ran:
        words.append("it never ran")
    if service.restarts:
        words.append(f"{service.restarts} restarts")
    if service.restart_policy:
        words.append(f"Restart={service.restart_policy}")
    if service.enabled:
        words.append(service.enabled)
    if service.user:
        words.append(f"User={service.user}")
    return ", ".join(words)


def _socket(listener: Listener) -> str:
    address = f"[{listener.address}]" if ":" in listener.address else listener.address
    device = f"%{listener.interface}" if listener.interface else ""
    words = [f"socket: {listener.protocol} {address}{device}:{listener.port}"]
    words += [f"pid {pid}" for pid in listener.pids[:3]]
    if listener.process:
        words.append(listener.process)
    if listener.uid is not None:
        words.append(f"uid {listener.uid}" + (f" ({listener.user})" if listener.user else ""))
    if listener.inode is not None:
        words.append(f"inode {listener.inode}")
    if listener.cgroup or listener.unit:
        words.append(f"cgroup {listener.cgroup or listener.unit}")
    if listener.v6only:
        words.append("v6only")
    return " ".join(words)
