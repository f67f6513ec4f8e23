"""Free a port: stop the services that hold it, prove that it was released, start the one that wants it."""

from collections.abc import Mapping
from dataclasses import replace

from console.actions import checks, dependants, ending, newcomer, notes
from console.actions.context import Context, Parts, RefusedError, one_per_port
from console.actions.holders import Holder, Holding, holding
from console.actions.last_words import last_words
from console.actions.rehearsal import rehearsal
from console.actions.start import proof, was_failing
from console.actions.stopping import for_good, manager_of, stop_steps, told
from console.core.plan import ActionKind, Check, Step
from console.core.service import Endpoint, Service, ServiceRef
from console.managers.acting import Mortal
from console.managers.process import named


def endpoint_of(context: Context) -> Endpoint:
    """The port that is meant; raises ``RefusedError`` where it is not said and not certain."""
    if context.intent.endpoint is not None:
        return context.intent.endpoint
    chosen = candidates(context)
    if len(chosen) == 1:
        return chosen[0]
    words = (
        f"any of {', '.join(checks.port_label(endpoint) for endpoint in chosen)}" if chosen else "none that is known"
    )
    raise RefusedError(f"{context.name} wants {words}: say which port is to be freed (--port N)")


def candidates(context: Context) -> tuple[Endpoint, ...]:
    """The ports that may be meant where none is said: those that somebody else has, else all that it wants."""
    wanted = one_per_port((*context.wanted(), *context.claimed()))
    return tuple(endpoint for endpoint in wanted if _others(context, holding(context, endpoint))) or wanted


def refusal(context: Context) -> str | None:
    """Why the port cannot be freed."""
    endpoint = endpoint_of(context)
    found = holding(context, endpoint)
    label = checks.port_label(endpoint)
    if (network := context.snapshot.network_of(context.service, endpoint)) is not None:
        return f"{context.name} has a network of its own ({network}): who has {label} on the host is not in its way"
    if not found.listeners and context.intent.holder is None:
        return f"nothing listens on {label} of {context.snapshot.host}"
    if found.trouble is not None:
        return f"{label}: {found.trouble}"
    if _others(context, found):
        if context.service.is_masked:
            return f"{context.name} is masked: unmask it first"
        return None
    return f"{context.name} itself holds {label}: stop it to free the port"


def parts(context: Context) -> Parts:
    """Stop, see the port released, start; the holders are started again if that fails."""
    endpoint = endpoint_of(context)
    found = holding(context, endpoint)
    holders = _others(context, found)
    above = {holder.service.ref: found.above(context, holder) for holder in holders}
    bare = tuple(holder.service for holder in holders if isinstance(holder.manager, Mortal))
    touched = tuple(one.ref for holder in holders for one in (*above[holder.service.ref], holder.service))
    stops = {one.service.ref: _stop(context, endpoint, one, above[one.service.ref], touched) for one in holders}
    for holder in (one for one in holders if one not in _listeners(holders)):
        # systemd refuses to start a socket unit whose service runs: what undoes its stop comes before.
        ref = holder.service.ref
        stops[ref] = tuple(replace(step, undo_last=True) for step in stops[ref])
    # An undo starts these again; the first of them is waited for.
    again = tuple(holder for holder in holders if any(step.undo is not None for step in stops[holder.service.ref]))
    first = next((holder for holder in again if holder.service.ref != context.intent.holder), None)
    return Parts(
        steps=(
            *(step for steps in stops.values() for step in steps),
            *_releases(context, endpoint, holders, first if was_failing(context) else None),
            *((ending.still_free(endpoint),) if bare else ()),
            *newcomer.start_again(
                context, gives_back=bool(again), unless=None if first is None else _lacks(endpoint, first)
            ),
        ),
        preflight=(
            *(check for holder in _listeners(holders) for check in _still_holds(context, endpoint, holder)),
            *((ending.remember_sockets(endpoint),) if bare or first is not None else ()),
            *rehearsal(context),
            *checks.may_start(context, newcomer.cleared(context)),
            *checks.remember_run(context),
        ),
        checks=(
            *proof(context, endpoint),
            *(check for one in holders for check in _stays_away(context, endpoint, one, above[one.service.ref])),
            *(ending.nobody_came(context, endpoint, context.manager, context.service) if bare else ()),
        ),
        evidence=last_words(context),
        touches=touched,
        irreversible=told(
            *(_for_good(context, holder) for holder in holders),
            newcomer.for_good(context, gives_back=bool(again)),
        ),
        warnings=(
            *notes.link(context),
            *notes.changed_file(context),
            *notes.taken_ports(context, touched),
            *_comes_back(holders, above),
            *(word for holder in holders for word in notes.spared(holder.service)),
            *(word for service in bare for word in ending.cautions(context, service)),
        ),
    )


def _others(context: Context, found: Holding) -> tuple[Holder, ...]:
    """The holders besides the service itself and what starts it on a connection."""
    return tuple(holder for holder in found.holders if not context.service.answers_for(holder.service.ref))


def _listeners(holders: tuple[Holder, ...]) -> tuple[Holder, ...]:
    """Those whose the port is seen to be: what runs by a socket unit uses the socket of that, in its control group."""
    return tuple(
        holder for holder in holders if not any(holder.service.is_triggered_by(other.service.ref) for other in holders)
    )


def _still_holds(context: Context, endpoint: Endpoint, holder: Holder) -> tuple[Check, ...]:
    if isinstance(holder.manager, Mortal):
        kept = checks.still_kept(context.intent, endpoint, named(holder.service))
        before = ending.before(holder.manager, holder.service, endpoint)
        return (*before, *kept) if holder.service.ref == context.intent.holder else before
    if holder.service.ref == context.intent.holder:
        return checks.still_kept(context.intent, endpoint, holder.service.ref.name)
    return (checks.still_holds(endpoint, holder.manager, holder.service),)


def _stays_away(context: Context, endpoint: Endpoint, holder: Holder, above: tuple[Service, ...]) -> tuple[Check, ...]:
    if isinstance(holder.manager, Mortal):
        return ()
    return (
        *(check for one in above for check in checks.stopped(context, manager_of(context, one), one)),
        *checks.stopped(context, holder.manager, holder.service),
        *checks.how_ended(context, holder.manager, holder.service, ActionKind.STOP),
        checks.stays_released(context, endpoint, holder.manager, holder.service),
    )


def _for_good(context: Context, holder: Holder) -> str | None:
    if isinstance(holder.manager, Mortal):
        return ending.lost(context, holder.service)
    return for_good(context, holder.manager, holder.service)


def _stop(
    context: Context,
    endpoint: Endpoint,
    holder: Holder,
    above: tuple[Service, ...],
    touched: tuple[ServiceRef, ...],
) -> tuple[Step, ...]:
    if isinstance(holder.manager, Mortal):
        return ending.steps(context, holder.manager, holder.service, endpoint, context.service.ref)
    *before, step = stop_steps(context, holder.manager, holder.service, above, touched)
    step = replace(step, otherwise=ending.resort(holder.service, endpoint, context.service.ref))
    return (*before, *dependants.with_stop(context, holder.manager, holder.service, step, touched))


def _releases(
    context: Context, endpoint: Endpoint, holders: tuple[Holder, ...], awaited: Holder | None
) -> tuple[Step, ...]:
    """See the port given back; undone, when all else is, by the wait until the holder that is ``awaited`` has it."""
    listening = [holder for holder in holders if holder.service.ref != context.intent.holder]
    released = tuple(
        _undone_by_wait(context, endpoint, holder) if holder is awaited else _released(context, endpoint, holder)
        for holder in listening
    )
    if context.intent.holder is None:
        return released
    return (*released, checks.connections_ended(context.intent, endpoint))


def _released(context: Context, endpoint: Endpoint, holder: Holder) -> Step:
    if isinstance(holder.manager, Mortal):
        return ending.released(context, holder.manager, holder.service, endpoint)
    name = f"see {checks.port_label(endpoint)} released by {holder.service.ref.beside(context.service.ref)}"
    return Step(name, checks.wait_released(endpoint, holder.manager, holder.service, context.settings.within))


def _undone_by_wait(context: Context, endpoint: Endpoint, holder: Holder) -> Step:
    wait = checks.wait_held(endpoint, holder.manager, holder.service, context.settings.within)
    return replace(_released(context, endpoint, holder), undo=wait, undo_last=True)


def _lacks(endpoint: Endpoint, holder: Holder) -> Check:
    """At this moment: the former holder does not have its port, which must not be taken from it."""
    look = checks.port_left(endpoint, holder.manager, holder.service)
    return Check(f"{holder.service.ref.name} lacks {checks.port_label(endpoint)}", look, within=0)


def _comes_back(holders: tuple[Holder, ...], above: Mapping[ServiceRef, tuple[Service, ...]]) -> tuple[str, ...]:
    found = []
    for holder in holders:
        for one in (*above[holder.service.ref], holder.service):
            if one.enabled == "enabled":
                name = one.ref.name
                found.append(f"{name} is enabled: it comes back at the next boot of the host unless it is disabled")
        found += notes.stopped_along(holder.service, above[holder.service.ref])
    return tuple(found)
