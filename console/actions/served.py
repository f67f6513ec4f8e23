"""After a stop: what the service began and its manager did not end serves on at its ports."""

from dataclasses import replace

from console.actions import checks
from console.actions.context import Context
from console.actions.served_scripts import NOTE_SERVING, SERVES_NO_MORE, STILL_SERVED
from console.core.plan import Check, Step
from console.managers.acting import PortProving, Traceable


def note(context: Context) -> tuple[Check, ...]:
    """Before: which processes of the service are at its ports."""
    if not _ports(context):
        return ()
    assert isinstance(context.manager, Traceable)
    words = (checks.key(context.service.ref), _ports(context), *context.manager.run_id(context.service).argv)
    return (Check(f"note who serves the ports of {context.name}", checks.script(NOTE_SERVING, *words), within=0),)


def step(context: Context, stop: Step) -> Step:
    """The stop, which is not undone while somebody serves on: what would be started again could not have the port."""
    if not _ports(context) or stop.undo is None:
        return stop
    return replace(stop, undo_unless=_look(context, STILL_SERVED, f"the ports of {context.name} are served on"))


def no_more(context: Context) -> tuple[Check, ...]:
    """After: nothing that the service began is left at its ports."""
    if not _ports(context):
        return ()
    check = _look(context, SERVES_NO_MORE, f"nothing of {context.name} serves on")
    return (replace(check, within=context.settings.within),)


def _look(context: Context, script: str, name: str) -> Check:
    return Check(name, checks.script(script, checks.key(context.service.ref), context.name), within=0)


def _ports(context: Context) -> str:
    """``t:80 u:53``; nothing where its manager ends all that a port is served by, or no process of it is known."""
    if not isinstance(context.manager, Traceable) or isinstance(context.manager, PortProving):
        return ""
    if not context.service.pids:
        return ""
    ports = sorted({("u" if one.protocol == "udp" else "t", one.port) for one in context.service.ports})
    return " ".join(f"{flag}:{port}" for flag, port in ports)
