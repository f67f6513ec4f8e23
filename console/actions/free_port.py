"""Free a port: stop the services that hold it, prove that it was released, start the one that wants it."""

from dataclasses import replace

from console.actions import checks, ending, notes
from console.actions.context import Context, Parts, RefusedError, start_step
from console.actions.holders import Holder, Holding, holding
from console.actions.start import proof, stop_again, was_failing
from console.actions.stopping import for_good, for_good_by_restart, for_good_by_undo, stop_step, told
from console.core.plan import Check, Step
from console.core.service import Endpoint, State
from console.managers.base import Mortal, Resettable, Restartable
from console.managers.process import named


def endpoint_of(context: Context) -> Endpoint:
    """The port that is meant; raises ``RefusedError`` where it is not said and not certain."""
    if context.intent.endpoint is not None:
        return context.intent.endpoint
    by_port = {(one.protocol, one.port): one for one in (*context.claimed(), *context.wanted())}
    wanted = tuple(by_port.values())
    blocked = [endpoint for endpoint in wanted if _others(context, holding(context, endpoint))]
    chosen = blocked or list(wanted)
    if len(chosen) == 1:
        return chosen[0]
    words = (
        f"any of {', '.join(checks.port_label(endpoint) for endpoint in chosen)}" if chosen else "none that is known"
    )
    raise RefusedError(f"{context.name} wants {words}: say which port is to be freed (--port N)")


def refusal(context: Context) -> str | None:
    """Why the port cannot be freed."""
    endpoint = endpoint_of(context)
    found = holding(context, endpoint)
    label = checks.port_label(endpoint)
    if not found.listeners and context.intent.holder is None:
        return f"nothing listens on {label} of {context.snapshot.host}"
    if found.trouble is not None:
        return f"{label}: {found.trouble}"
    if _others(context, found):
        if context.service.enabled == "masked":
            return f"{context.name} is masked: unmask it first"
        return None
    return f"{context.name} itself holds {label}: stop it to free the port"


def parts(context: Context) -> Parts:
    """Stop, see the port released, start; the holders are started again if that fails."""
    endpoint = endpoint_of(context)
    holders = _others(context, holding(context, endpoint))
    bare = tuple(holder.service for holder in holders if isinstance(holder.manager, Mortal))
    return Parts(
        steps=(
            *(step for holder in holders for step in _stop(context, endpoint, holder)),
            *_releases(context, endpoint, holders),
            *((ending.still_free(endpoint),) if bare else ()),
            *start_again(context),
        ),
        preflight=(
            *(check for holder in holders for check in _still_holds(context, endpoint, holder)),
            *((ending.remember_sockets(endpoint),) if bare else ()),
            *checks.remember_run(context),
        ),
        checks=(
            *proof(context, endpoint),
            *(check for holder in holders for check in _stays_away(context, endpoint, holder)),
            *(ending.nobody_came(context, endpoint, context.manager, context.service) if bare else ()),
        ),
        touches=tuple(holder.service.ref for holder in holders),
        also_hit=tuple(word for holder in holders for word in holder.service.dependants),
        irreversible=told(
            *(_for_good(context, holder) for holder in holders),
            for_good_by_restart(context) if _restarts(context) else for_good_by_undo(context),
        ),
        warnings=(
            *notes.link(context),
            *notes.changed_file(context),
            *_comes_back(holders),
            *(word for service in bare for word in ending.cautions(context, service)),
        ),
    )


def _others(context: Context, found: Holding) -> tuple[Holder, ...]:
    """The holders besides the service itself and what starts it on a connection."""
    return tuple(holder for holder in found.holders if not context.service.answers_for(holder.service.ref))


def _still_holds(context: Context, endpoint: Endpoint, holder: Holder) -> tuple[Check, ...]:
    if isinstance(holder.manager, Mortal):
        kept = checks.still_kept(context.intent, endpoint, named(holder.service))
        before = ending.before(holder.manager, holder.service, endpoint)
        return (*before, *kept) if holder.service.ref == context.intent.holder else before
    if holder.service.ref == context.intent.holder:
        return checks.still_kept(context.intent, endpoint, holder.service.ref.name)
    return (checks.still_holds(endpoint, holder.manager, holder.service),)


def _stays_away(context: Context, endpoint: Endpoint, holder: Holder) -> tuple[Check, ...]:
    if isinstance(holder.manager, Mortal):
        return ()
    return (
        *checks.stopped(context, holder.manager, holder.service),
        checks.stays_released(context, endpoint, holder.manager, holder.service),
    )


def _for_good(context: Context, holder: Holder) -> str | None:
    if isinstance(holder.manager, Mortal):
        return ending.lost(context, holder.service)
    return for_good(context, holder.manager, holder.service)


def _stop(context: Context, endpoint: Endpoint, holder: Holder) -> tuple[Step, ...]:
    if isinstance(holder.manager, Mortal):
        return ending.steps(context, holder.manager, holder.service, endpoint, context.service.ref)
    step = stop_step(context, holder.manager, holder.service)
    return (replace(step, otherwise=ending.resort(holder.service, endpoint, context.service.ref)),)


def _releases(context: Context, endpoint: Endpoint, holders: tuple[Holder, ...]) -> tuple[Step, ...]:
    listening = [holder for holder in holders if holder.service.ref != context.intent.holder]
    released = tuple(_released(context, endpoint, holder) for holder in listening)
    if context.intent.holder is None:
        return released
    return (*released, checks.connections_ended(context.intent, endpoint))


def _released(context: Context, endpoint: Endpoint, holder: Holder) -> Step:
    if isinstance(holder.manager, Mortal):
        return ending.released(context, holder.manager, holder.service, endpoint)
    name = f"see {checks.port_label(endpoint)} released by {holder.service.ref.beside(context.service.ref)}"
    return Step(name, checks.wait_released(endpoint, holder.manager, holder.service, context.settings.within))


def _restarts(context: Context) -> bool:
    """One that runs without its port is restarted."""
    return context.service.state is State.RUNNING and isinstance(context.manager, Restartable)


def start_again(context: Context) -> tuple[Step, ...]:
    """Clear what made the manager give up, then start; a service that runs without its port is restarted."""
    steps: list[Step] = []
    failed = context.service.state in (State.FAILED, State.FLAPPING) or notes.limit_hit(context)
    if failed and isinstance(context.manager, Resettable):
        reset = context.lasting(context.manager.reset_failed(context.service))
        steps.append(Step(f"clear the failure of {context.name}", reset))
    if _restarts(context):
        assert isinstance(context.manager, Restartable)
        restart = context.lasting(context.manager.restart(context.service))
        return (*steps, Step(f"restart {context.name}", restart))
    start = start_step(context, context.manager, context.service)
    # It must give the port back to those that are started again; what failed by itself has, and is left failed.
    unless = checks.no_process(context) if was_failing(context) else None
    undo = stop_again(context)
    return (*steps, Step(f"start {context.name}", start, undo, undo_unless=unless if undo is not None else None))


def _comes_back(holders: tuple[Holder, ...]) -> tuple[str, ...]:
    found = []
    for holder in holders:
        if holder.service.enabled == "enabled":
            name = holder.service.ref.name
            found.append(f"{name} is enabled: it comes back at the next boot of the host unless it is disabled")
        stopped = {other.service.ref.name for other in holders}
        triggers = [trigger for trigger in holder.service.triggered_by if trigger not in stopped]
        found += [f"{trigger} may start {holder.service.ref.name} again" for trigger in triggers]
    return tuple(found)
