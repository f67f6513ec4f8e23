"""What is tried before a service is ended or started: whether a new run would take the files that are there."""

from console.actions import config_test, hosting
from console.actions.context import Context
from console.core.plan import ActionKind, Check


def rehearsal(context: Context) -> tuple[Check, ...]:
    """Of a service manager its own files, of others their configuration, as both are when the plan runs.

    Another release may be just what takes that configuration, or bring another one.
    """
    if context.intent.kind in (ActionKind.REBUILD, ActionKind.ROLLBACK):
        return hosting.files_load(context)
    return (*hosting.files_load(context), *config_test.before_restart(context))
