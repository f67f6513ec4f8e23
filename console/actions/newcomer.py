"""What is started once its port is free, and how that is undone: who had failed before fails again, and is shown so."""

from dataclasses import replace

from console.actions import checks, dependants, notes
from console.actions.context import Context, start_step
from console.actions.start import left_failed, stop_again, was_failing
from console.actions.stopping import for_good_by_restart, for_good_by_undo
from console.core.command import Command
from console.core.plan import Check, Step
from console.core.service import State
from console.managers.acting import Resettable, Restartable, Traceable

_HOWEVER_IT_ENDS = (0, 1, 7)
"""It is to fail: systemctl(1) and the clients of container engines then say 1, supervisorctl 7."""


def restarts(context: Context) -> bool:
    """One that runs without its port is restarted."""
    return context.service.state is State.RUNNING and isinstance(context.manager, Restartable)


def start_again(context: Context, *, gives_back: bool = False, unless: Check | None = None) -> tuple[Step, ...]:
    """Clear what made the manager give up, then start; a service that runs without its port is restarted.

    ``gives_back``: an undo starts those again that had the port, so that the service is stopped before. Where it was
    failing it is then started once more as the last of all, ``unless`` that holds or it had ended by itself: stopped,
    it would look as if somebody had put it down. Where nobody must get the port back it is left failed.
    """
    failing = was_failing(context)
    undo = stop_again(context) if gives_back or not failing else None
    first = _clear(context)
    if restarts(context):
        assert isinstance(context.manager, Restartable)
        restart = context.lasting(
            context.manager.restart(context.service), ends=context.service, starts=context.service
        )
        step = checks.begins_run(context, Step(f"restart {context.name}", restart))
        return (*first, step, *dependants.rejoin(context))
    start = start_step(context, context.manager, context.service)
    step = checks.begins_run(context, Step(f"start {context.name}", start, undo))
    if undo is None or not failing:
        return (*first, step)
    return (*_fails_again(context, first, start, unless), replace(step, undo_unless=checks.is_down(context)))


def for_good(context: Context, *, gives_back: bool) -> str | None:
    """What is taken for good, or not undone, of what ``start_again`` does."""
    if restarts(context):
        return for_good_by_restart(context)
    return left_failed(context) if was_failing(context) and not gives_back else for_good_by_undo(context)


def _clear(context: Context) -> tuple[Step, ...]:
    failed = context.service.state in (State.FAILED, State.FLAPPING) or notes.limit_hit(context)
    if not failed or not isinstance(context.manager, Resettable):
        return ()
    reset = context.lasting(context.manager.reset_failed(context.service))
    return (Step(f"clear the failure of {context.name}", reset),)


def _fails_again(context: Context, cleared: tuple[Step, ...], start: Command, unless: Check | None) -> tuple[Step, ...]:
    """The step before the start, undone last: also where that start was begun and did not succeed."""
    carrier = next(iter(cleared), None) or _look(context)
    if carrier is None:
        return cleared
    undo = replace(start, ok_exits=_HOWEVER_IT_ENDS)
    return (replace(carrier, undo=undo, undo_last=True, undo_unless=checks.was_down(context, unless)),)


def _look(context: Context) -> Step | None:
    if not isinstance(context.manager, Traceable):
        return None
    look = replace(context.manager.run_id(context.service), ok_exits=(0, 1, 77))
    return Step(f"see what runs of {context.name} before its start", look)
