"""Restart: the failure cleared first where the manager has given up, a new run afterwards that stays up."""

from console.actions import checks, dependants, ending, health, notes, restarting
from console.actions.context import Context, Parts
from console.actions.last_words import last_words
from console.actions.rehearsal import rehearsal
from console.actions.stopping import for_good_by_restart, told
from console.core.plan import ActionKind, Check, Step
from console.managers.acting import Resettable, Restartable, Reverting, Rolling


def refusal(context: Context) -> str | None:
    """Why it cannot be restarted."""
    if not isinstance(context.manager, Restartable):
        return f"{context.service.ref}: {context.manager.id} cannot restart it"
    return restarting.refusal(context)


def parts(context: Context) -> Parts:
    """The steps and what proves them."""
    assert isinstance(context.manager, Restartable)
    restart = context.lasting(context.manager.restart(context.service), ends=context.service, starts=context.service)
    undo = context.manager.undo_restart(context.service) if isinstance(context.manager, Rolling) else None
    lost = for_good_by_restart(context)
    name = f"restart {context.name}"
    resort = ending.resort(context.service, None, context.service.ref)
    step = Step(name, restart, undo and context.lasting(undo), otherwise=resort)
    return Parts(
        steps=(*clear_failure(context), checks.begins_run(context, step), *dependants.rejoin(context)),
        preflight=(*rehearsal(context), *_undo_holds(context), *checks.remember_run(context)),
        checks=(
            *checks.running(context),
            *checks.new_run(context),
            *checks.ports(context),
            *checks.how_ended(context, context.manager, context.service, ActionKind.RESTART),
            *dependants.up_again(context),
            *health.checks(context),
        ),
        evidence=last_words(context),
        irreversible=lost if undo else told("a restart has nothing to undo", lost or _KEPT),
        warnings=restarting.warnings(context),
    )


def _undo_holds(context: Context) -> tuple[Check, ...]:
    check = context.manager.undo_holds(context.service) if isinstance(context.manager, Reverting) else None
    return () if check is None else (check,)


def clear_failure(context: Context) -> tuple[Step, ...]:
    """The step that makes the manager try again, where it has given up."""
    if not notes.limit_hit(context) or not isinstance(context.manager, Resettable):
        return ()
    command = context.lasting(context.manager.reset_failed(context.service))
    return (Step(f"clear the start limit of {context.name}", command),)


_KEPT = "the log of a failed start is kept"
