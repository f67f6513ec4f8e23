"""The ways out of a verdict, the best first."""

from collections.abc import Callable, Iterable, Sequence

from console.core.command import quote
from console.core.engines import is_daemon, is_engine, is_publisher
from console.core.finding import Proposal
from console.core.plan import ActionKind, Intent
from console.core.service import ServiceRef, State
from console.diagnosis.evidence import Evidence
from console.diagnosis.holders import UNITS
from console.diagnosis.ports import next_free_port
from console.diagnosis.verdict import Confidence, Holder
from console.diagnosis.wanting import Want
from console.managers import can
from console.managers.base import Resettable
from console.probes.limits import PortLimits

CommandsOf = Callable[[Intent], tuple[str, ...]]
"""The commands that the plan of an intent would run; the actions layer knows them."""

BY_HAND = "by hand: the console sends signals only to what a manager owns"
_WAY_IN = ("sshd", "ssh.service", "sshd.service", "ssh.socket", "sshd.socket", "dropbear", "dropbear.service")


def no_commands(_intent: Intent) -> tuple[str, ...]:
    """Know no commands: for callers without the actions layer."""
    return ()


def is_way_in(holder: Holder) -> bool:
    """Whether it is the SSH server, without which nobody reaches the host any more."""
    names = {holder.process, holder.unit, holder.ref.name if holder.ref else None}
    return any(name in _WAY_IN or (name or "").startswith("sshd@") for name in names if name)


def _is_engine(holder: Holder) -> bool:
    """Whether it is the container engine: stopping it would stop every container of the host."""
    return holder.ref is not None and is_engine(holder.ref.name)


def for_held(
    evidence: Evidence, want: Want, holders: Sequence[Holder], commands_of: CommandsOf
) -> tuple[Proposal | None, ...]:
    """Stop the owners through their managers; else move the newcomer; a signal only where no manager owns a process."""
    advice = [(holder, _advice(evidence, holder)) for holder in holders]
    services = [holder for holder, other in advice if other is None and _is_service(holder)]
    whole = len(services) == len(holders)
    stop = stop_services(evidence, want, services, commands_of, start_after=whole) if services else None
    return (stop, *(other for _, other in advice), move(evidence, want))


def stop_holder(evidence: Evidence, want: Want, holder: Holder, commands_of: CommandsOf) -> Proposal | None:
    """The proposal that takes the port from one that does not listen; ``None`` where nothing may be done."""
    advice = _advice(evidence, holder)
    if advice is not None or not _is_service(holder):
        return advice
    return stop_services(evidence, want, [holder], commands_of, start_after=True, listening=False)


def stop_services(
    evidence: Evidence,
    want: Want,
    holders: Sequence[Holder],
    commands_of: CommandsOf,
    *,
    start_after: bool,
    listening: bool = True,
) -> Proposal:
    """Stop services that hold the port and, where that frees it, start the one that wants it.

    Listeners that are not the service's own are one plan of the actions layer: it proves that they let go, and starts
    them again when the other does not come up.
    """
    refs = _to_stop(evidence, holders)
    label = f"stop {' and '.join(ref.name for ref in refs)}"
    intents = [Intent(ActionKind.STOP, ref, holders[0].endpoint) for ref in refs]
    if start_after and want.ref is not None and want.ref not in refs:
        verb = "start" if want.down else "restart"
        label = f"{label}, then {verb} {want.ref.name}"
        own_socket = want.service is not None and any(ref.name in want.service.triggered_by for ref in refs)
        if listening and not own_socket:
            intents = [Intent(ActionKind.FREE_PORT, want.ref, want.endpoint)]
        else:
            intents.append(Intent(ActionKind(verb), want.ref, want.endpoint))
    sure = all(holder.confidence is not Confidence.LOW for holder in holders)
    return proposal("stop-holder", label, intents, commands_of, recommended=want.ref is not None and sure)


def left_behind(evidence: Evidence, holder: Holder) -> Proposal | None:
    """How to end a process that outlived its service; ``None`` when it did not."""
    if holder.ref is None or not _is_left_over(evidence, holder):
        return None
    return _end_left_over(holder.ref)


def restart(want: Want, commands_of: CommandsOf) -> tuple[Proposal, ...]:
    """Start the service anew, with everything that is left of it gone."""
    if want.ref is None:
        return ()
    intent = Intent(ActionKind.RESTART, want.ref, want.endpoint)
    return (proposal("restart", f"restart {want.ref.name}", (intent,), commands_of, recommended=True),)


def start(
    want: Want, commands_of: CommandsOf, *, recommended: bool = True, after: float | None = None
) -> tuple[Proposal, ...]:
    """Start the service that wanted the port, after clearing what keeps its manager from it.

    ``after``: seconds until it has a chance.
    """
    if want.ref is None or not want.down:
        return ()
    label = f"start {want.ref.name}"
    intents = [Intent(ActionKind.START, want.ref, want.endpoint)]
    if want.service is not None and want.service.state is State.FAILED and can(want.ref, Resettable):
        # Within its interval systemd refuses a start by hand as well.
        label = f"reset-failed, then {label}"
        intents.insert(0, Intent(ActionKind.RESET_FAILED, want.ref))
    if after is not None:
        label = f"in {after:.0f} s: {label}"
    return (proposal("start", label, intents, commands_of, recommended=recommended),)


def move(evidence: Evidence, want: Want) -> Proposal | None:
    """Advice to let the newcomer listen elsewhere."""
    if want.endpoint is None or want.ref is None:
        return None
    port = next_free_port(evidence, want.endpoint)
    if port is None:
        return None
    return Proposal(
        "move",
        f"let {want.ref.name} listen on {port} (free)",
        reason_off=f"by hand: set the port to {port} where {want.ref.name} is configured, then restart it",
    )


def allow_privileged(want: Want, port: int) -> tuple[Proposal, ...]:
    """Advice for a port below the unprivileged limit."""
    name = want.ref.name if want.ref is not None else "the service"
    drop_in = "[Service] AmbientCapabilities=CAP_NET_BIND_SERVICE"
    verbs = ("edit", "restart") if want.ref is not None else ()
    edit = tuple(quote(("systemctl", verb, "--", name)) for verb in verbs)
    return (
        Proposal(
            "ambient-capability",
            f"give {name} CAP_NET_BIND_SERVICE",
            commands=edit,
            recommended=True,
            reason_off=f"by hand: add to the unit {drop_in}",
        ),
        Proposal(
            "unprivileged-port-start",
            f"let every user bind from {port} on",
            commands=(f"sysctl -w net.ipv4.ip_unprivileged_port_start={port}",),
            reason_off="by hand: it holds for the whole host",
        ),
    )


def reserve(port: int, holder: Holder | None, limits: PortLimits | None) -> Proposal | None:
    """Advice that keeps outgoing connections off a port; ``None`` where they are kept off it already."""
    if limits is not None and any(low <= port <= high for low, high in limits.reserved):
        return None
    rest = f", then end {holder.name}'s connection" if holder is not None and holder.process else ""
    label = f"reserve {port} for services{rest}"
    if limits is None:
        why = "by hand: the list of reserved ports was not read, and to set it anew would lose what is in it"
        return Proposal("reserve-port", label, recommended=True, reason_off=why)
    ports = ",".join(_range(low, high) for low, high in sorted((*limits.reserved, (port, port))))
    return Proposal(
        "reserve-port",
        label,
        commands=(f"sysctl -w net.ipv4.ip_local_reserved_ports={ports}",),
        recommended=True,
        reason_off="by hand: it sets the whole list, with what is in it now; put it in /etc/sysctl.d as well",
    )


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _advice(evidence: Evidence, holder: Holder) -> Proposal | None:
    """What a person can do about a holder that the console does not stop; ``None`` for a service, and for nothing."""
    if is_way_in(holder):
        return None
    if _is_service(holder) and holder.ref is not None and holder.ref.manager != "systemd":
        return None
    if is_publisher(holder.process) or holder.container is not None or _is_engine(holder):
        return _stop_container(holder)
    if holder.ref is not None and evidence.snapshot.run_by(holder.ref):
        return _signal(holder, f"left behind by {holder.ref.name}, which runs other services")
    if holder.ref is not None and _is_left_over(evidence, holder):
        return _end_left_over(holder.ref)
    return None if _is_service(holder) else _signal(holder)


def _is_service(holder: Holder) -> bool:
    """Whether its manager may be told to stop it."""
    if holder.ref is None or is_way_in(holder) or _is_engine(holder):
        return False
    return holder.ref.manager != "systemd" or holder.ref.name.endswith(UNITS)


def _is_left_over(evidence: Evidence, holder: Holder) -> bool:
    """Whether its service has ended and only this process of it lives on: stopping the service does nothing then."""
    service = evidence.snapshot.service(holder.ref) if holder.ref is not None else None
    return service is not None and service.state in (State.STOPPED, State.FAILED) and "manager" not in holder.known_by


def _end_left_over(ref: ServiceRef) -> Proposal:
    scope = () if ref.scope == "system" else ("--user",)
    return Proposal(
        "end-left-over",
        f"end what {ref.name} left behind",
        commands=(quote(("systemctl", *scope, "kill", "--", ref.name)),),
        recommended=True,
        reason_off="by hand: the service has ended already, so to stop it does nothing",
    )


def _to_stop(evidence: Evidence, holders: Sequence[Holder]) -> list[ServiceRef]:
    """The services to stop, each socket unit before what it started."""
    refs = [holder.ref for holder in holders if holder.ref is not None]
    refs += [other for ref in refs for other in _started_by_socket(evidence, ref)]
    return sorted(dict.fromkeys(refs), key=lambda ref: not ref.name.endswith(".socket"))


def _started_by_socket(evidence: Evidence, ref: ServiceRef) -> list[ServiceRef]:
    """The services that run with the socket's descriptor: stopping the socket alone leaves it with them."""
    if not ref.name.endswith(".socket"):
        return []
    return [
        service.ref
        for service in evidence.snapshot.services
        if ref.name in service.triggered_by and service.pids and service.ref.scope == ref.scope
    ]


def _stop_container(holder: Holder) -> Proposal | None:
    if is_daemon(holder.process):
        return None
    if holder.container is not None:
        return Proposal(
            "stop-container",
            f"stop container {holder.container}",
            commands=(quote(("docker", "stop", "--", holder.container)),),
            recommended=True,
            reason_off="by hand: the console does not act on containers yet",
        )
    podman = holder.process in ("conmon", "rootlessport") or (holder.unit or "").startswith("podman.")
    return Proposal(
        "find-container",
        f"stop the container that publishes {holder.port}",
        commands=("podman port --all" if podman else f"docker ps --filter publish={holder.port}",),
        recommended=True,
        reason_off=f"by hand: which container it is was not asked; never signal {holder.process or 'its engine'}",
    )


def _signal(holder: Holder, why: str = "no manager owns it") -> Proposal | None:
    if holder.pid is None or holder.pid <= 1:
        return None
    label = f"end {holder.process or 'the process'} (pid {holder.pid}): {why}"
    return Proposal("signal", label, commands=(f"kill -TERM {holder.pid}",), recommended=False, reason_off=BY_HAND)


def proposal(
    name: str, label: str, intents: Iterable[Intent], commands_of: CommandsOf, *, recommended: bool
) -> Proposal:
    """A proposal that the console can carry out, with the commands that its plans would run."""
    wanted = tuple(intents)
    # The plan of a start clears a failure by itself: what two intents have in common is told once.
    commands = tuple(dict.fromkeys(command for intent in wanted for command in commands_of(intent)))
    return Proposal(name, label, wanted, commands, recommended)
