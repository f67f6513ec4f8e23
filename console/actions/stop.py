"""Stop a service so that it stays down; undone by starting it again."""

from dataclasses import replace

from console.actions import checks, dependants, ending, notes, served
from console.actions.context import Context, Parts
from console.actions.protected import why_engine, why_protected
from console.actions.stopping import for_good, stop_step
from console.core.plan import ActionKind, Check, Step
from console.core.service import State
from console.managers import unlisted
from console.managers.acting import Mortal, Stoppable


def refusal(context: Context) -> str | None:
    """Why it cannot be stopped."""
    if not isinstance(context.manager, Stoppable):
        return f"{context.service.ref}: {context.manager.id} cannot stop it"
    if context.service.state is State.STOPPED:
        return f"{context.name} is stopped already ({context.service.native_state})"
    # Of several containers one may have failed while the others run.
    if context.service.state is State.FAILED and not context.service.pids:
        return f"{context.name} is down already ({context.service.native_state})"
    if context.intent.endpoint is not None:
        engine = why_engine(context.service)
        if engine is not None:
            return f"{checks.port_label(context.intent.endpoint)}: {engine}"
    if isinstance(context.manager, Mortal):
        return unlisted.why_kept(context.snapshot, context.service.pids[0])
    return why_protected(context.service, context.snapshot.identity)


def parts(context: Context) -> Parts:
    """The steps and what proves them."""
    if isinstance(context.manager, Mortal):
        return _end(context, context.manager)
    triggers = context.service.triggered_by
    again = (f"{', '.join(triggers)} may start it again: stop that too",) if triggers else ()
    step = served.step(context, stop_step(context, context.manager, context.service))
    step = replace(step, otherwise=ending.resort(context.service, context.intent.endpoint))
    return Parts(
        steps=dependants.with_stop(context, context.manager, context.service, step),
        preflight=served.note(context),
        checks=(
            *checks.stopped(context, context.manager, context.service),
            *served.no_more(context),
            *checks.how_ended(context, context.manager, context.service, ActionKind.STOP),
        ),
        irreversible=for_good(context, context.manager, context.service),
        warnings=(*notes.link(context), *notes.containers(context), *notes.spared(context.service), *again),
    )


def _end(context: Context, manager: Mortal) -> Parts:
    """End a process that nobody manages, and see its port stay free where it had one."""
    service = context.service
    endpoint = ending.held(service, context.intent.endpoint)
    free: tuple[Step, ...] = ()
    first: tuple[Check, ...] = ()
    after: tuple[Check, ...] = ()
    if endpoint is not None:
        free = (ending.released(context, manager, service, endpoint),)
        first, after = (ending.remember_sockets(endpoint),), ending.nobody_came(context, endpoint, None, None)
    return Parts(
        steps=(*ending.steps(context, manager, service, context.intent.endpoint), *free),
        preflight=(*ending.before(manager, service, context.intent.endpoint), *first),
        checks=after,
        irreversible=ending.lost(context, service),
        warnings=(*notes.link(context), *ending.cautions(context, service)),
    )
