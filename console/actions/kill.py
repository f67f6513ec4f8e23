"""Kill a process that no manager owns and that SIGTERM did not end, then start what wants its port.

Never the first thing to do: it is refused on the host unless an earlier plan ended the process in vain, and it wants a
second confirmation.
"""

from console.actions import checks, ending, notes
from console.actions.context import Context, Parts, context
from console.actions.newcomer import cleared, start_again
from console.actions.start import proof
from console.core.plan import ActionKind, Check, Intent, Step
from console.core.service import Endpoint
from console.managers import unlisted
from console.managers.acting import Mortal
from console.managers.process import named

_SOON = 5.0
"""Seconds in which a killed process is gone, unless it waits for a disk or a file server."""


def refusal(found: Context) -> str | None:
    """Why it cannot be killed."""
    if not isinstance(found.manager, Mortal):
        return f"{found.service.ref}: only a process that no manager owns is killed; stop it"
    return unlisted.why_kept(found.snapshot, found.service.pids[0])


def parts(found: Context) -> Parts:
    """SIGKILL, see it gone, start; there is no way back."""
    assert isinstance(found.manager, Mortal)
    manager, service = found.manager, found.service
    asked = found.intent.endpoint
    endpoint = ending.held(service, asked)
    elsewise = (manager.at_port(service, asked),) if asked is not None and endpoint is None else ()
    name = named(service)
    newcomer = _newcomer(found)
    start = Parts(()) if newcomer is None else _start(newcomer, endpoint)
    free: tuple[Step, ...] = ()
    first: tuple[Check, ...] = ()
    alone: tuple[Check, ...] = ()
    if endpoint is not None:
        free = (ending.released(found, manager, service, endpoint),)
        first = (ending.remember_sockets(endpoint),)
        whose = (None, None) if newcomer is None else (newcomer.manager, newcomer.service)
        alone = ending.nobody_came(found, endpoint, *whose)
    return Parts(
        steps=(
            Step(f"kill {name}", manager.end(service, "KILL", endpoint)),
            Step(f"see {name} gone", manager.ended(service, "KILL", _SOON)),
            *free,
            *((ending.still_free(endpoint),) if start.steps and endpoint is not None else ()),
            *start.steps,
        ),
        preflight=(
            manager.outlived(service),
            *ending.before(manager, service, endpoint),
            *elsewise,
            *first,
            *start.preflight,
        ),
        checks=(*start.checks, *alone),
        touches=start.touches,
        irreversible=ending.lost(found, service),
        warnings=(*notes.link(found), *ending.cautions(found, service)),
        confirm=f"SIGKILL gives {name} no time to save anything",
    )


def _newcomer(found: Context) -> Context | None:
    """The service that is to have the port."""
    if found.intent.then is None:
        return None
    intent = Intent(ActionKind.START, found.intent.then, found.intent.endpoint)
    return context(intent, found.snapshot, found.managers, found.settings)


def _start(newcomer: Context, endpoint: Endpoint | None) -> Parts:
    """What starts it, and what proves that it has the port."""
    return Parts(
        steps=start_again(newcomer),
        preflight=(*checks.may_start(newcomer, cleared(newcomer)), *checks.remember_run(newcomer)),
        checks=proof(newcomer, *((endpoint,) if endpoint is not None else ())),
        touches=(newcomer.service.ref,),
    )
