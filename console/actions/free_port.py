"""Free a port: stop the services that hold it, prove that it was released, start the one that wants it."""

from console.actions import checks, notes
from console.actions.context import Context, Parts, RefusedError, start_step, stop_step
from console.actions.holders import Holder, Holding, holding
from console.actions.start import proof, stop_again
from console.core.plan import ActionKind, Step
from console.core.service import Endpoint, State
from console.managers.base import Resettable, Restartable, Startable


def endpoint_of(context: Context) -> Endpoint:
    """The port that is meant; raises ``RefusedError`` where it is not said and not certain."""
    if context.intent.endpoint is not None:
        return context.intent.endpoint
    wanted = context.wanted()
    blocked = [endpoint for endpoint in wanted if _others(context, holding(context, endpoint))]
    chosen = blocked or list(wanted)
    if len(chosen) == 1:
        return chosen[0]
    words = (
        f"any of {', '.join(checks.port_label(endpoint) for endpoint in chosen)}" if chosen else "none that is known"
    )
    raise RefusedError(f"{context.name} wants {words}: say which port is to be freed")


def refusal(context: Context) -> str | None:
    """Why the port cannot be freed."""
    endpoint = endpoint_of(context)
    found = holding(context, endpoint)
    label = checks.port_label(endpoint)
    if not found.listeners:
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
    released = [_released(context, endpoint, holder) for holder in holders]
    return Parts(
        steps=(*(_stop(context, holder) for holder in holders), *released, *_start(context)),
        preflight=(
            *(checks.still_holds(endpoint, holder.manager, holder.service) for holder in holders),
            *checks.remember_run(context),
        ),
        checks=(
            *proof(context, endpoint),
            *(check for holder in holders for check in checks.stopped(context, holder.manager, holder.service)),
            *(checks.stays_released(context, endpoint, holder.manager, holder.service) for holder in holders),
        ),
        touches=tuple(holder.service.ref for holder in holders),
        also_hit=tuple(word for holder in holders for word in holder.service.dependants),
        warnings=(*notes.link(context), *notes.changed_file(context), *_comes_back(holders)),
    )


def _others(context: Context, found: Holding) -> tuple[Holder, ...]:
    """The holders besides the service itself and what starts it on a connection."""
    own = {context.name, *context.service.triggered_by}
    return tuple(holder for holder in found.holders if holder.service.ref.name not in own)


def _stop(context: Context, holder: Holder) -> Step:
    undo = None
    never = context.why_not(holder.manager, holder.service, ActionKind.START)
    if isinstance(holder.manager, Startable) and never is None:
        undo = context.lasting(holder.manager.start(holder.service))
    return Step(f"stop {holder.service.ref.name}", stop_step(context, holder.manager, holder.service), undo)


def _released(context: Context, endpoint: Endpoint, holder: Holder) -> Step:
    name = f"see {checks.port_label(endpoint)} released by {holder.service.ref.name}"
    return Step(name, checks.wait_released(endpoint, holder.manager, holder.service, context.settings.within))


def _start(context: Context) -> tuple[Step, ...]:
    """Clear what made the manager give up, then start; a service that runs without its port is restarted."""
    steps: list[Step] = []
    failed = context.service.state in (State.FAILED, State.FLAPPING) or notes.limit_hit(context)
    if failed and isinstance(context.manager, Resettable):
        reset = context.lasting(context.manager.reset_failed(context.service))
        steps.append(Step(f"clear the failure of {context.name}", reset))
    if context.service.state is State.RUNNING and isinstance(context.manager, Restartable):
        restart = context.lasting(context.manager.restart(context.service))
        return (*steps, Step(f"restart {context.name}", restart))
    start = start_step(context, context.manager, context.service)
    return (*steps, Step(f"start {context.name}", start, stop_again(context)))


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
