"""Start a service that is down; undone by stopping it again, where it was not failing before."""

from console.actions import checks, dependants, health, notes
from console.actions.context import Context, Parts, start_step
from console.actions.last_words import last_words
from console.actions.rehearsal import rehearsal
from console.actions.restart import clear_failure
from console.actions.stopping import for_good_by_undo
from console.core.command import Command
from console.core.plan import Check, Step
from console.core.restarts import tries_again
from console.core.service import Endpoint, State
from console.managers.acting import Startable, Stoppable


def refusal(context: Context) -> str | None:
    """Why it cannot be started."""
    if not isinstance(context.manager, Startable):
        return f"{context.service.ref}: {context.manager.id} cannot start it"
    if context.service.is_masked:
        return f"{context.name} is masked: unmask it first"
    if context.service.state is State.RUNNING:
        return f"{context.name} runs already ({context.service.native_state})"
    return None


def parts(context: Context) -> Parts:
    """The steps and what proves them."""
    start = start_step(context, context.manager, context.service)
    step = Step(f"start {context.name}", start, _undo(context))
    cleared = clear_failure(context)
    return Parts(
        steps=(*cleared, checks.begins_run(context, step), *dependants.rejoin(context)),
        preflight=(*rehearsal(context), *checks.may_start(context, cleared), *checks.remember_run(context)),
        checks=(*proof(context), *dependants.rejoined(context)),
        # What runs on with the network of a container that ended has none any more.
        touches=tuple(one.ref for one in context.snapshot.joined_to(context.service.ref)),
        evidence=last_words(context),
        irreversible=_irreversible(context),
        warnings=notes.before_start(context),
    )


def _undo(context: Context) -> Command | None:
    """Stopped, a service that had failed before would look as if somebody had put it down."""
    return None if was_failing(context) else stop_again(context)


def _irreversible(context: Context) -> str | None:
    if context.service.oneshot:
        return "what it does to its end is not undone by a stop"
    return left_failed(context) if was_failing(context) else for_good_by_undo(context)


def left_failed(context: Context) -> str:
    """What is said of a start that is not undone."""
    return f"{context.name} had failed before: it is left as it is then, with its log"


def was_failing(context: Context) -> bool:
    """Whether it was down by its own failure, or in a loop of attempts, before anything was done."""
    return context.service.state in (State.FAILED, State.FLAPPING) or tries_again(context.service)


def stop_again(context: Context) -> Command | None:
    """What undoes a start, where the manager can; nothing does for a service that has ended by then."""
    if context.service.oneshot or not isinstance(context.manager, Stoppable):
        return None
    return context.lasting(context.manager.stop(context.service), ends=context.service)


def proof(context: Context, *certain: Endpoint) -> tuple[Check, ...]:
    """What is true of a service that was started well; ``certain``: ports that it must have, declared or not."""
    return (
        *checks.running(context),
        *checks.new_run(context),
        *checks.ports(context, *certain),
        *health.checks(context),
    )
