"""What a service that does not hold its checks said last, before anything of it is undone and that is lost."""

import hashlib
from dataclasses import replace

from console.actions import checks, fold_scripts, scripts
from console.actions.context import Context
from console.core.command import Command
from console.core.plan import Step
from console.managers import log_marks
from console.managers.base import FileLogSource, LogSource, PlainLog

LINES = 40
"""Lines of each of its logs that are kept."""

_READ = 1000  # lines of which those that are alike are folded


def last_words(context: Context) -> tuple[Step, ...]:
    """The steps that keep them: of its manager, where that reads a log, then of its configured log files."""
    known: tuple[str, ...] = ()
    manager, service = context.manager, context.service
    if isinstance(manager, FileLogSource):
        known = manager.log_paths(service)
    files = (path for path in context.settings.logs if path not in known)
    return (*_of_manager(context), *(_since(path, log_marks.of_file(path, lines=_READ)) for path in files))


def _of_manager(context: Context) -> tuple[Step, ...]:
    manager, service, name = context.manager, context.service, context.name
    try:
        if isinstance(manager, PlainLog):
            return (_kept(name, manager.plain_log(service, lines=_READ)),)
        if isinstance(manager, FileLogSource):
            return (_since(name, log_marks.of_service(manager, service, lines=_READ)),)
        if isinstance(manager, LogSource):
            command = manager.log_command(service, lines=_READ, since=None, follow=False)
            return (_kept(name, command),)
    except ValueError:
        # It has no log.
        pass
    return ()


def _since(what: str, log: log_marks.Marked) -> Step:
    """What a log got since the plan did something to the service."""
    key = hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    mark = checks.script(scripts.KEEP_MARK, key, *log.mark.argv)
    return _kept(what, checks.script(scripts.SINCE_MARK, key, *log.since.argv), mark)


def _kept(what: str, command: Command, mark: Command | None = None) -> Step:
    argv = ("sh", "-c", fold_scripts.FOLDED, "sh", str(LINES), fold_scripts.FOLD, *command.argv)
    return Step(f"the last lines of {what}", replace(command, argv=argv), mark=mark)
