"""What a service that does not hold its checks said last, before anything of it is undone and that is lost."""

from console.actions.context import Context
from console.core.plan import Step
from console.managers.base import LogSource, PlainLog

LINES = 40
"""Lines of its log that are kept."""


def last_words(context: Context) -> tuple[Step, ...]:
    """The step that keeps them; none where its log cannot be read."""
    manager, service = context.manager, context.service
    if isinstance(manager, PlainLog):
        command = manager.plain_log(service, lines=LINES)
    elif isinstance(manager, LogSource):
        try:
            command = manager.log_command(service, lines=LINES, since=None, follow=False)
        except ValueError:
            return ()
    else:
        return ()
    return (Step(f"the last lines of {context.name}", command),)
