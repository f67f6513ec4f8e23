"""The target is the unit of a service manager: what becomes of the services that it runs."""

from itertools import groupby

from console.actions.context import Context
from console.core.plan import ActionKind, Check
from console.core.service import Service, State
from console.managers.base import Hosted, Rehearsing

_ANEW = (ActionKind.RESTART, ActionKind.RELOAD, ActionKind.REBUILD, ActionKind.ROLLBACK)
"""What makes a manager read its files anew, and end where it does not take them."""
_BEGINS = (
    ActionKind.START, ActionKind.RESTART, ActionKind.FREE_PORT, ActionKind.REBUILD, ActionKind.ROLLBACK,
)  # fmt: skip


def refusal(context: Context) -> str | None:
    """Why it is left alone: nothing that it runs would come back."""
    wrong, kind = context.service.files_wrong, context.intent.kind
    if wrong is None or kind not in _ANEW or context.service.state is not State.RUNNING:
        return None
    runs = context.snapshot.run_by(context.service.ref)
    what = f"its {len(runs)} services would stay down" if len(runs) != 1 else f"{runs[0].ref.name} would stay down"
    return f"after a {kind.value} {context.name} would not come up, and {what}: mend {wrong}"


def files_load(context: Context) -> tuple[Check, ...]:
    """Before it is started or ended: its files are read as they are then, which may not be as they were seen."""
    unit = context.service
    if (unit.ref.manager, unit.ref.scope) != ("systemd", "system"):
        return ()
    # Another release may be just what takes its files.
    if context.intent.kind in (ActionKind.REBUILD, ActionKind.ROLLBACK) and unit.state is not State.RUNNING:
        return ()
    able = (manager for manager in context.managers if isinstance(manager, Rehearsing))
    return tuple(manager.files_load(unit) for manager in able if manager.written_words(unit.ref.name) is not None)


def warnings(context: Context) -> tuple[str, ...]:
    """What a person should know of its files and of its services before anything is done to it."""
    runs = context.snapshot.run_by(context.service.ref)
    return (*_files(context), *_still_there(context, runs), *_of_managers(context, runs))


def _files(context: Context) -> tuple[str, ...]:
    wrong, kind = context.service.files_wrong, context.intent.kind
    if wrong is None:
        return ()
    if kind is ActionKind.STOP:
        return (f"{context.name} could not be started again: {wrong}",)
    return (f"{context.name} will not come up: {wrong}",) if kind in _BEGINS else ()


def _still_there(context: Context, runs: tuple[Service, ...]) -> tuple[str, ...]:
    """What its manager left behind when it died runs on, with its ports."""
    if context.intent.kind not in _BEGINS:
        return ()
    return tuple(
        f"process {service.pids[0]} of {service.ref.name} still runs: it would be started a second time; end that first"
        for service in runs
        if service.adrift is not None and service.pids
    )


def _of_managers(context: Context, runs: tuple[Service, ...]) -> tuple[str, ...]:
    managers = {manager.id: manager for manager in context.managers}
    found: list[str] = []
    for ident, services in groupby(sorted(runs, key=lambda one: one.ref.manager), key=lambda one: one.ref.manager):
        manager = managers.get(ident)
        if isinstance(manager, Hosted):
            found += manager.unit_cautions(tuple(services), context.intent.kind)
    return tuple(found)
