"""Ending processes that no service manager owns, and what is shown of it."""

from dataclasses import replace

from console.actions import checks, scripts
from console.actions.context import Context
from console.core.keepers import forwards
from console.core.network import Process
from console.core.plan import ActionKind, Check, Intent, Step
from console.core.service import Endpoint, Service, ServiceRef
from console.core.text import mask
from console.managers.acting import Grouped, Mortal
from console.managers.base import ServiceManager
from console.managers.process import ID as PROCESS
from console.managers.process import named


def steps(
    context: Context, manager: Mortal, service: Service, endpoint: Endpoint | None, then: ServiceRef | None = None
) -> tuple[Step, ...]:
    """SIGTERM, and wait. Where it does not end SIGKILL may be offered, as a plan of its own."""
    name = named(service)
    seconds = context.settings.term_timeout
    resort = Intent(ActionKind.KILL, service.ref, endpoint, then=then)
    return (
        Step(f"end {name}", manager.end(service, "TERM", held(service, endpoint))),
        Step(f"see {name} end", manager.ended(service, "TERM", seconds), otherwise=resort),
    )


def resort(service: Service, endpoint: Endpoint | None, then: ServiceRef | None = None) -> Intent | None:
    """What may be offered where a process with a pid file does not end either."""
    found = service.detached
    if found is None or not service.pids or found.stop_words[:1] == ("sudo",):
        return None
    ref = ServiceRef(service.ref.host, PROCESS, str(service.pids[0]))
    return Intent(ActionKind.KILL, ref, endpoint, then=then)


def held(service: Service, endpoint: Endpoint | None) -> Endpoint | None:
    """The port, where the process is known to listen on it."""
    if endpoint is None:
        return None
    found = any((one.protocol, one.port) == (endpoint.protocol, endpoint.port) for one in service.ports)
    return endpoint if found else None


def before(manager: Mortal, service: Service, endpoint: Endpoint | None) -> tuple[Check, ...]:
    """What is looked at before anything of a plan is done."""
    port = held(service, endpoint)
    name = named(service)
    text = f"{name} is the process that was seen" if port is None else f"{name} still holds {checks.port_label(port)}"
    return (Check(text, manager.seen(service, port), within=0),)


def released(context: Context, manager: Mortal, service: Service, endpoint: Endpoint) -> Step:
    """See the port given back, also by whoever inherited the socket."""
    name = f"see {checks.port_label(endpoint)} released by {named(service)}"
    return Step(name, manager.released(service, endpoint, context.settings.within))


def remember_sockets(endpoint: Endpoint) -> Check:
    """Before: the sockets at the port, so that one that comes later is told from them."""
    command = checks.script(scripts.REMEMBER_SOCKETS, *_words(endpoint, "", ""))
    return Check(f"note who is at {checks.port_label(endpoint)}", command, within=0)


def still_free(endpoint: Endpoint) -> Step:
    """Before the start: nobody took the port at once, as what is started again by somebody does."""
    label = checks.port_label(endpoint)
    command = replace(checks.script(scripts.NOBODY_CAME, *_words(endpoint, "", "")), purpose=f"see who is at {label}")
    return Step(f"see that nobody took {label} meanwhile", command)


def nobody_came(
    context: Context, endpoint: Endpoint, manager: ServiceManager | None, service: Service | None
) -> tuple[Check, ...]:
    """After: nobody else took the port, longer than it takes to start something again. ``service`` may have it."""
    if service is None:
        words = _words(endpoint, "", "")
    elif isinstance(manager, Grouped):
        words = checks.port_words(endpoint, manager, service)
    else:
        return ()
    command = checks.script(scripts.NOBODY_CAME, *words)
    text = f"nobody else comes to {checks.port_label(endpoint)}"
    return (Check(text, command, within=context.settings.within, hold=context.settings.respawn),)


def lost(context: Context, service: Service) -> str:
    """What cannot be undone."""
    known = context.snapshot.process(service.pid)
    how = f": {mask(known.command)}" if known is not None and known.command else ""
    return f"nobody knows how {named(service)} was started, so that it is not started again{how}"


def cautions(context: Context, service: Service) -> tuple[str, ...]:
    """What a person is told of a process that is to be ended."""
    found = []
    known = context.snapshot.process(service.pid)
    if forwards(service.description):
        found.append(
            f"{named(service)} carries connections, maybe the way to other hosts: what goes through it breaks off"
        )
    if known is not None and (session := _session(known)):
        found.append(f"{named(service)} runs in {session} of {service.user or 'somebody'}: somebody may be at it")
    return tuple(found)


def _session(known: Process) -> str:
    parts = (known.cgroup or "").split("/")
    scope = next((part for part in parts if part.startswith("session-") and part.endswith(".scope")), None)
    return f"login {scope.removesuffix('.scope')}" if scope else ""


def _words(endpoint: Endpoint, scope: str, name: str) -> tuple[str, ...]:
    return "u" if endpoint.protocol == "udp" else "t", str(endpoint.port), scope, name, checks.port_label(endpoint)
