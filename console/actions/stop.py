"""Stop a service so that it stays down; undone by starting it again."""

from console.actions import checks, notes
from console.actions.context import Context, Parts, stop_step
from console.actions.protected import why_engine, why_protected
from console.core.plan import ActionKind, Step
from console.core.service import State
from console.managers.base import Startable, Stoppable


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
    return why_protected(context.service)


def parts(context: Context) -> Parts:
    """The steps and what proves them."""
    undo = None
    never = context.why_not(context.manager, context.service, ActionKind.START)
    if isinstance(context.manager, Startable) and never is None:
        undo = context.lasting(context.manager.start(context.service))
    command = stop_step(context, context.manager, context.service)
    triggers = context.service.triggered_by
    again = (f"{', '.join(triggers)} may start it again: stop that too",) if triggers else ()
    return Parts(
        steps=(Step(f"stop {context.name}", command, undo),),
        checks=checks.stopped(context, context.manager, context.service),
        also_hit=context.service.dependants,
        irreversible=never and f"it cannot be started again from here: {never}",
        warnings=(*notes.link(context), *notes.containers(context), *again),
    )
