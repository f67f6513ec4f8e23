"""The ways out of a verdict, the best first."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from console.core import keepers
from console.core.command import Command, quote
from console.core.endings import cannot_run, is_over
from console.core.engines import is_engine
from console.core.finding import Proposal
from console.core.plan import ActionKind, Intent
from console.core.service import ServiceRef, State
from console.core.way_in import came_by, is_own_way, is_way_to_host, runs_through
from console.diagnosis import (
    clusters,
    hidden,
    kernel_sockets,
    resolvers,
    ssh_sessions,
    stop_intents,
    user_sockets,
)
from console.diagnosis.by_hand import changed
from console.diagnosis.candidates import candidates
from console.diagnosis.container_ways import is_contained, stop_container
from console.diagnosis.doubts import no_address
from console.diagnosis.evidence import Evidence
from console.diagnosis.failure import is_failing
from console.diagnosis.holder_words import distinct, owner
from console.diagnosis.holders import UNITS
from console.diagnosis.ports import next_port
from console.diagnosis.sharing import others_beside
from console.diagnosis.stop_intents import Has
from console.diagnosis.strays import LEFT, why_kept, words
from console.diagnosis.verdict import Confidence, Holder
from console.diagnosis.wanting import Want
from console.managers import can, starters
from console.managers.acting import Resettable
from console.managers.unlisted import unlisted

CommandsOf = Callable[[Intent], tuple[Command, ...]]
"""The commands that the plan of an intent would run; the actions layer knows them."""


def no_commands(_intent: Intent) -> tuple[Command, ...]:
    """Know no commands: for callers without the actions layer."""
    return ()


def is_way_in(evidence: Evidence, holder: Holder) -> bool:
    """Whether nobody, or not this console, reaches the host any more without it."""
    if _is_own_way(evidence, holder):
        return True
    if holder.strays:
        return keepers.is_way_in(holder.process)
    names = (holder.process, holder.unit, holder.ref.name if holder.ref is not None else None)
    service = evidence.snapshot.service(holder.ref) if holder.ref is not None else None
    return any(map(keepers.is_way_in, names)) or (service is not None and is_way_to_host(service))


def _is_own_way(evidence: Evidence, holder: Holder) -> bool:
    identity = evidence.snapshot.identity
    pids = [*holder.strays, *((holder.pid,) if holder.pid is not None else ())]
    if came_by(identity, holder.endpoint) or runs_through(identity, pids):
        return True
    service = evidence.snapshot.service(holder.ref) if holder.ref is not None and not holder.strays else None
    return service is not None and is_own_way(identity, service)


def _is_engine(holder: Holder) -> bool:
    """Whether it is the container engine: stopping it would stop every container of the host."""
    return holder.ref is not None and is_engine(holder.ref.name)


def for_held(
    evidence: Evidence, want: Want, holders: Sequence[Holder], commands_of: CommandsOf
) -> tuple[Proposal | None, ...]:
    """Stop the owners through their managers; else move the newcomer; a signal only where no manager owns a process."""
    owners = distinct(holders)
    advice = [(holder, _advice(evidence, holder, wanted=want.ref is not None)) for holder in owners]
    freed = [holder for holder, other in advice if other is None and (holder.strays or is_service(evidence, holder))]
    if no_address(evidence, want, holders) is not None:
        told = (other for _, other in advice)
        return (*_each(evidence, want, holders, freed, commands_of), *told, move(evidence, want))
    kept = [holder for holder in owners if holder not in freed]
    # Where nobody is seen to want the port, which of those who share it is too much is for a person to say.
    groups = [freed] if want.ref is not None else [[one] for one in freed]
    stops = [
        stop_services(
            evidence, want, group, commands_of, start_after=not kept, has=_has(group),
            kept=[*kept, *distinct(others_beside(evidence, _all_of(group, holders), _all_of(freed, holders)))],
        )
        for group in groups
        if group
    ]  # fmt: skip
    by_hand = (_one_of_all(evidence, want, one, other, holders) for one, other in advice if other is not None)
    return (*stops, *by_hand, *unmask(want), move(evidence, want))


def _one_of_all(evidence: Evidence, want: Want, holder: Holder, way: Proposal, holders: Sequence[Holder]) -> Proposal:
    """Advice that is about one holder: no advice where the port stays another's all the same."""
    beside = others_beside(evidence, _all_of([holder], holders), holders) if want.ref is None else holders
    others = [one for one in distinct(beside) if (one.ref or one.name) != (holder.ref or holder.name)]
    return replace(way, label=f"{way.label}: {_in_vain(want, others)}", recommended=False) if others else way


def _all_of(owners: Sequence[Holder], holders: Sequence[Holder]) -> list[Holder]:
    """Every place that the owners hold."""
    wanted = set(map(owner, owners))
    return [one for one in holders if owner(one) in wanted]


def _has(holders: Sequence[Holder]) -> Has:
    """By what they have it: a workload has its port through pods, of which the host proves nothing, and so has it none
    of what is in another network."""
    workload = any(holder.ref is not None and holder.ref.manager == "kubernetes" for holder in holders)
    elsewhere = any("namespace" in holder.known_by for holder in holders)
    if workload or elsewhere:
        return "nothing to see"
    return "connection" if any(holder.sockets for holder in holders) else "listener"


def _each(
    evidence: Evidence, want: Want, holders: Sequence[Holder], freed: Sequence[Holder], commands_of: CommandsOf
) -> Iterator[Proposal]:
    """A way for each address that may be the wanted one: who is not in the way of it is left alone."""
    elsewhere = [one for one in holders if not one.is_at(want.endpoint)]
    for place in candidates(evidence, [one for one in holders if one not in elsewhere]):
        group = distinct(place.holders)
        stopped = _all_of(freed, group)
        kept = [one for one in (*group, *elsewhere) if one not in stopped]
        if stopped:
            at = replace(want, endpoint=place.endpoint)
            way = stop_services(evidence, at, stopped, commands_of, start_after=not kept, has=_has(stopped), kept=kept)
            yield replace(way, label=f"if it wants {place.words}: {way.label}", recommended=False)


def stop_connected(
    evidence: Evidence, want: Want, holders: Sequence[Holder], commands_of: CommandsOf
) -> tuple[Proposal, ...]:
    """The proposals that take the port from those that do not listen: from all of them, since one is enough to keep it.

    Empty where nothing may be done.
    """
    advice = [(holder, _advice(evidence, holder)) for holder in holders]
    by_hand = tuple(other for _, other in advice if other is not None)
    freed = [holder for holder, other in advice if other is None and (holder.strays or is_service(evidence, holder))]
    if not freed:
        return by_hand
    kept = [holder for holder in holders if holder not in freed]
    stop = stop_services(evidence, want, freed, commands_of, start_after=not kept, has="connection", kept=kept)
    return (stop, *by_hand, *unmask(want))


def stop_services(
    evidence: Evidence,
    want: Want,
    holders: Sequence[Holder],
    commands_of: CommandsOf,
    *,
    start_after: bool,
    has: Has = "listener",
    kept: Sequence[Holder] = (),
) -> Proposal:
    """Stop services that hold the port and, where that frees it, start the one that wants it.

    ``kept``: who has it too and is not stopped. As long as they have it nothing is won, and nothing advised.
    Where the host shows what they hold and it is not the service's own, that is one plan of the actions layer: it
    proves that they let go, and starts them again when the other does not come up.
    """
    services = [holder for holder in holders if not holder.strays]
    refs = stop_intents.targets(evidence, holders)
    label = _label(evidence, want, services, holders) + (f": {_in_vain(want, kept)}" if kept else "")
    startable = want.service is None or not want.service.is_masked
    then: ActionKind | None = None
    if start_after and startable and want.ref is not None and want.ref not in refs:
        then = ActionKind.START if want.down else ActionKind.RESTART
        label = f"{label}, then {then} {want.ref.beside(refs[0])}"
    intents = stop_intents.intents(evidence, want, holders, has=has, then=then)
    sure = all(holder.confidence is not Confidence.LOW for holder in holders) and (want.symptom or not want.guessed)
    name = "stop-holder" if services else "signal"
    # What serves is not ended for what never did, or may not be started.
    missed = want.ref is not None and startable and not (want.service is not None and want.service.never_ran)
    return proposal(name, label, intents, commands_of, recommended=missed and bool(sure) and not kept)


def _label(evidence: Evidence, want: Want, services: Sequence[Holder], holders: Sequence[Holder]) -> str:
    refs = (one for ref in stop_intents.to_stop(evidence, services) for one in (*_starters(evidence, ref), ref))
    stopped = [ref.beside(want.ref) for ref in dict.fromkeys(refs)]
    ended = words(evidence, holders)
    parts = [f"{verb} {' and '.join(names)}" for verb, names in (("stop", stopped), ("end", ended)) if names]
    return ", ".join(parts)


def _in_vain(want: Want, kept: Sequence[Holder]) -> str:
    # The session in which a process happens to be begun is not who has the port.
    owners = [replace(one, unit=None) if (one.unit or "").endswith(".scope") else one for one in kept]
    found = [f"{one.name} has {one.protocol} {one.port}" for one in owners if not one.is_at(want.endpoint)]
    told = [f"{want.name} does not come up, {' and '.join(dict.fromkeys(found))}"] if found else []
    if names := list(dict.fromkeys(one.name for one in owners if one.is_at(want.endpoint))):
        have = "has" if len(names) == 1 else "have"
        told.insert(0, f"does not free {want.port}, {' and '.join(names)} {have} it too")
    return "; ".join(told)


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

    ``after``: seconds until it has a chance. To start what may fail as it did is no advice.
    """
    if want.ref is None or not want.down:
        return ()
    if by_hand := unmask(want):
        return by_hand
    label = f"start {want.ref.name}"
    intents = [Intent(ActionKind.START, want.ref, want.endpoint)]
    if want.service is not None and want.service.state is State.FAILED and can(want.ref, Resettable):
        # Within its interval systemd refuses a start by hand as well.
        label = f"reset-failed, then {label}"
        intents.insert(0, Intent(ActionKind.RESET_FAILED, want.ref))
    if after is not None:
        label = f"in {after:.0f} s: {label}"
    return (proposal("start", label, intents, commands_of, recommended=recommended and _may_help(want)),)


def unmask(want: Want) -> tuple[Proposal, ...]:
    """Advice for a service that is masked, which nobody can start; empty for one that is not."""
    service = want.service
    if service is None or not service.is_masked:
        return ()
    scope = () if service.ref.scope == "system" else ("--user",)
    runtime = ("--runtime",) if service.enabled == "masked-runtime" else ()
    name = service.ref.name
    words = (("unmask", *runtime), ("start",))
    return (
        Proposal(
            "unmask",
            f"unmask {name}, then start it",
            commands=tuple(quote(("systemctl", *scope, *verb, "--", name)) for verb in words),
            reason_off=f"by hand: {name} is masked: whoever did that wants it down",
        ),
    )


def _may_help(want: Want) -> bool:
    """Whether nothing is known to be in the way of a start, and of what failed the cause is known to be gone."""
    if want.service is None or not is_failing(want.service):
        return True
    # Of what its log says the verdict tells whether it is gone.
    return not cannot_run(want.service) if want.symptom is not None else is_over(want.service)


def move(evidence: Evidence, want: Want) -> Proposal | None:
    """Advice to let the newcomer listen elsewhere."""
    if want.endpoint is None or want.ref is None:
        return None
    # Which ports are free is only known of the host's own network.
    elsewhere = want.service is not None and evidence.snapshot.network_of(want.service, want.endpoint) is not None
    other = next_port(evidence, want.endpoint) if not elsewhere else None
    if other is None:
        return None
    own = next((one.where for one in want.declared_by if one.is_of(want.ref)), None)
    return Proposal(
        "move",
        f"let {want.ref.name} listen on {other.port} (no listener seen)",
        reason_off=changed(f"the port to {other.port}", own, want.ref, want.service),
    )


def _advice(evidence: Evidence, holder: Holder, *, wanted: bool = True) -> Proposal | None:
    """What a person can do about a holder that the console does not stop; ``None`` for a service, and for nothing."""
    if (leaves := resolvers.by_hand(holder)) is not None:
        return replace(leaves, recommended=wanted)
    if (session := ssh_sessions.by_hand(evidence, holder)) is not None:
        return session
    if is_way_in(evidence, holder):
        return Proposal("stop-holder", f"stop {holder.name}", reason_off="by hand: it is the way to this host")
    for found in (clusters.by_hand, hidden.find, user_sockets.by_hand, kernel_sockets.by_hand):
        if (by_hand := found(evidence, holder)) is not None:
            return by_hand
    if holder.note == LEFT:
        return Proposal("signal", f"end what {holder.name} left behind", reason_off=f"by hand: {LEFT}")
    if why := _out_of_reach(evidence, holder) or _started_again(evidence, holder):
        return Proposal("stop-holder", f"stop {holder.name}", reason_off=f"by hand: {why}")
    if is_service(evidence, holder) and holder.ref is not None and holder.ref.manager != "systemd":
        return None
    if is_contained(holder):
        return stop_container(evidence, holder)
    if holder.strays:
        return _kept(evidence, holder)
    if holder.ref is not None and (runs := evidence.snapshot.run_by(holder.ref)):
        names = ", ".join(service.ref.name for service in runs[:3])
        return Proposal("stop-holder", f"stop {holder.name}", reason_off=f"by hand: {names} would go with it")
    return None


def _out_of_reach(evidence: Evidence, holder: Holder) -> str | None:
    """Why a unit of another user's own manager is not stopped from here."""
    if holder.ref is None or evidence.snapshot.service(holder.ref) is not None:
        return None
    service = unlisted(evidence.snapshot, holder.ref)
    return service.tool_missing if service is not None else None


def _started_again(evidence: Evidence, holder: Holder) -> str | None:
    """Why to stop a service is in vain: what starts it again is not stopped for a port."""
    if holder.ref is None or holder.strays or not is_service(evidence, holder):
        return None
    service = evidence.snapshot.service(holder.ref)
    return starters.why_kept(evidence.snapshot, service) if service is not None else None


def _kept(evidence: Evidence, holder: Holder) -> Proposal | None:
    """What cannot be ended from here although no manager owns it."""
    why = why_kept(evidence, holder)
    if why is None:
        return None
    label = f"end {' and '.join(words(evidence, [holder]))}"
    return Proposal("signal", label, reason_off=f"by hand: {why}")


def is_service(evidence: Evidence, holder: Holder) -> bool:
    """Whether its manager may be told to stop it."""
    if holder.ref is None or is_way_in(evidence, holder) or _is_engine(holder):
        return False
    return holder.ref.manager != "systemd" or holder.ref.name.endswith(UNITS)


def _starters(evidence: Evidence, ref: ServiceRef) -> tuple[ServiceRef, ...]:
    """What its plan stops before it, since that would start it again."""
    service = evidence.snapshot.service(ref)
    return () if service is None else tuple(one.ref for one in starters.starters_of(evidence.snapshot, service))


def proposal(
    name: str, label: str, intents: Iterable[Intent], commands_of: CommandsOf, *, recommended: bool
) -> Proposal:
    """A proposal that the console can carry out, with the commands that its plans would run."""
    wanted = tuple(intents)
    # The plan of a start clears a failure by itself: what two intents have in common is told once.
    commands = tuple(dict.fromkeys(command for intent in wanted for command in commands_of(intent)))
    exact = tuple(command.shell() for command in commands)
    return Proposal(name, label, wanted, exact, recommended, told=tuple(command.brief() for command in commands))


def ordered(ways: Iterable[Proposal | None]) -> tuple[Proposal, ...]:
    """Without repetitions, with one recommendation at most and that one first."""
    unique = {(way.id, way.label): way for way in ways if way is not None}
    best = next((way for way in unique.values() if way.recommended), None)
    rest = [replace(way, recommended=False) for way in unique.values() if way is not best]
    return ((best,) if best is not None else ()) + tuple(rest)
