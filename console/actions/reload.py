"""Reload: the manager's own, or SIGHUP to a main process that handles it; the same process afterwards."""

from console.actions import checks, config_test, health, hup_scripts, notes, reload_proof
from console.actions.context import Context, Parts
from console.core.command import Command
from console.core.plan import Check, Step
from console.core.service import State
from console.managers.acting import Reloadable, Replacing, Signallable


def refusal(context: Context) -> str | None:
    """Why it cannot be reloaded."""
    if context.service.state not in (State.RUNNING, State.UNKNOWN):
        return f"{context.name} does not run ({context.service.native_state}): there is nothing to reload"
    if _own(context) is not None:
        return None
    if not isinstance(context.manager, Signallable) or context.traceable is None:
        return f"{context.service.ref}: {context.manager.id} knows no reload for it and cannot signal it"
    if context.service.pid is None:
        return f"{context.name} has no reload of its own and no main process that SIGHUP could be sent to"
    if context.service.pid == 1:
        return f"{context.name} is PID 1: no signal is sent to it"
    return None


def parts(context: Context) -> Parts:
    """The manager's reload where it has one, else SIGHUP after the look whether it is handled."""
    command = _own(context)
    look: tuple[Check, ...] = ()
    name = f"reload {context.name}"
    if command is None:
        assert isinstance(context.manager, Signallable)
        command = context.manager.signal(context.service, "HUP")
        name = f"send SIGHUP to the main process of {context.name}"
        look = (handles_hup(context),)
    return Parts(
        steps=(Step(name, context.lasting(command, ends=context.service if _replaces(context) else None)),),
        preflight=(
            *checks.remember_run(context),
            *look,
            *config_test.before_reload(context),
            *(() if _replaces(context) else reload_proof.note_logs(context)),
        ),
        checks=(
            *checks.running(context),
            *(checks.new_run(context) if _replaces(context) else checks.same_run(context)),
            *(() if _replaces(context) else reload_proof.reopened(context)),
            *checks.ports(context),
            *health.checks(context),
        ),
        irreversible="a reload has nothing to undo: what was read stays read",
        warnings=(*notes.link(context), *notes.changed_file(context)),
    )


def handles_hup(context: Context) -> Check:
    """Before: the main process is still the one that is known, and SIGHUP would not end it."""
    assert context.traceable is not None
    run_id = context.traceable.run_id(context.service).argv
    declared = "declared" if context.settings.reloads_on_sighup else ""
    words = (str(context.service.pid), context.name, declared, *run_id)
    argv = ("sh", "-c", hup_scripts.HANDLES_HUP, "sh", *words)
    return Check(f"{context.name} handles SIGHUP", Command(argv), within=0)


def _own(context: Context) -> Command | None:
    return context.manager.reload(context.service) if isinstance(context.manager, Reloadable) else None


def _replaces(context: Context) -> bool:
    return isinstance(context.manager, Replacing) and context.manager.replaces(context.service)
