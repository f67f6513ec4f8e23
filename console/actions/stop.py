"""Stop a service so that it stays down; undone by starting it again."""

from dataclasses import replace

from console.actions import checks, dependants, ending, notes, served
from console.actions.context import Context, Parts
from console.actions.protected import why_engine, why_protected, why_resolver
from console.actions.stopping import for_good, manager_of, stop_steps
from console.core.plan import ActionKind, Check, Step
from console.core.service import Service, State
from console.managers import unlisted
from console.managers.acting import Mortal, Stoppable
from console.managers.starters import runner_of, starters_of


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
        kept = why_engine(context.service) or why_resolver(context.service)
        if kept is not None:
            return f"{checks.port_label(context.intent.endpoint)}: {kept}"
    if isinstance(context.manager, Mortal):
        return unlisted.why_kept(context.snapshot, context.service.pids[0])
    return why_protected(context.service, context.snapshot.identity)


def parts(context: Context) -> Parts:
    """The steps and what proves them."""
    if isinstance(context.manager, Mortal):
        return _end(context, context.manager)
    above = _above(context)
    touched = tuple(one.ref for one in above)
    left = [one.ref.name for one in starters_of(context.snapshot, context.service) if one not in above]
    again = (f"{', '.join(left)} may start it again: stop that too",) if left else ()
    *before, own = stop_steps(context, context.manager, context.service, above, touched)
    own = replace(served.step(context, own), otherwise=ending.resort(context.service, context.intent.endpoint))
    return Parts(
        steps=(*before, *dependants.with_stop(context, context.manager, context.service, own, touched)),
        preflight=served.note(context),
        checks=(
            *(check for one in above for check in checks.stopped(context, manager_of(context, one), one)),
            *checks.stopped(context, context.manager, context.service),
            *served.no_more(context),
            *checks.how_ended(context, context.manager, context.service, ActionKind.STOP),
        ),
        irreversible=for_good(context, context.manager, context.service),
        touches=touched,
        warnings=(
            *notes.link(context),
            *notes.containers(context),
            *notes.names(context),
            *notes.spared(context.service),
            *notes.stopped_along(context.service, above),
            *notes.kept_up(context),
            *again,
        ),
    )


def _above(context: Context) -> tuple[Service, ...]:
    """What is stopped before it: of a container the unit that runs it; for a port all that would start it again.

    Who just stops a job that runs now does not want its timer to be off from then on.
    """
    found = starters_of(context.snapshot, context.service)
    if context.intent.endpoint is not None:
        return found
    runner = runner_of(context.snapshot, context.service)
    return tuple(one for one in found if one == runner)


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
