"""What a service that does not hold its checks said last, before anything of it is undone and that is lost."""

import hashlib

from console.actions import checks, scripts
from console.actions.context import Context
from console.core.plan import Check, Step
from console.managers.base import LogSource, PlainLog

LINES = 40
"""Lines of each of its logs that are kept."""


def last_words(context: Context) -> tuple[Step, ...]:
    """The steps that keep them: of its manager, where that reads a log, then of its configured log files."""
    files = (
        Step(f"the last lines of {path}", checks.script(scripts.SINCE_REMEMBERED, _key(path), path, str(LINES)))
        for path in context.settings.logs
    )
    return (*_of_manager(context), *files)


def remember_ends(context: Context) -> tuple[Check, ...]:
    """Before: where its configured log files end, so that nothing is kept of what it wrote earlier."""
    return tuple(
        Check(f"note where {path} ends", checks.script(scripts.REMEMBER_END, _key(path), path), within=0)
        for path in context.settings.logs
    )


def _of_manager(context: Context) -> tuple[Step, ...]:
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


def _key(path: str) -> str:
    """A word for a file that is safe as the name of another."""
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:12]
