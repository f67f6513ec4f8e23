"""The looks that plans share: before acting, and afterwards as proof."""

import hashlib
from dataclasses import replace

from console.actions import kept_scripts, listen_scripts, run_scripts, scripts
from console.actions.context import Context, one_per_port
from console.core.command import Command
from console.core.engines import is_engine
from console.core.keepers import manager_of
from console.core.plan import ActionKind, Check, Intent, Step
from console.core.service import Endpoint, Service, ServiceRef
from console.managers.acting import Checkable, EndTelling, Grouped, Pinned, PortProving, StartLimited, Traceable
from console.managers.base import ServiceManager

_LOOK = 10.0  # seconds for one look
_TIME_WAIT = 65.0  # seconds; the kernel keeps a connection for 60 after its end


def running(context: Context, *, hold: float | None = None) -> tuple[Check, ...]:
    """The service runs, for as long as the settings say."""
    if not isinstance(context.manager, Checkable):
        return ()
    check = context.manager.is_running(context.service, hold=context.settings.hold if hold is None else hold)
    # What has ended well has no time for which it must hold.
    return (_timed(context, check, check.hold),)


def stopped(context: Context, manager: ServiceManager, service: Service) -> tuple[Check, ...]:
    """The service is down and stays down for longer than it takes a manager to start it again."""
    if not isinstance(manager, Checkable):
        return ()
    return (_timed(context, manager.is_stopped(service), context.settings.respawn),)


def _timed(context: Context, check: Check, hold: float) -> Check:
    name = f"{check.name} for {hold:g} s" if hold else check.name
    return replace(check, name=name, within=context.settings.within, hold=hold)


def how_ended(context: Context, manager: ServiceManager, service: Service, kind: ActionKind) -> tuple[Check, ...]:
    """After: whether the manager had to kill what ran, where it can tell."""
    if not isinstance(manager, EndTelling) or not service.pids or service.oneshot:
        return ()
    check = manager.how_ended(service, kind)
    return () if check is None else (replace(check, within=context.settings.within, hold=0.0),)


def may_start(context: Context, steps: tuple[Step, ...]) -> tuple[Check, ...]:
    """Before: its manager would start it, as it may not after many starts by whoever; ``steps`` clear its count."""
    if steps or not isinstance(context.manager, StartLimited):
        return ()
    check = context.manager.may_start(context.service)
    return () if check is None else (check,)


def remember_run(context: Context) -> tuple[Check, ...]:
    """Before: which run it is, and that it is the one that was seen where the plan is made for just that."""
    if context.traceable is None:
        return ()
    still = context.manager.still(context.service) if isinstance(context.manager, Pinned) else None
    note = Check(f"note the present run of {context.name}", _noted(context, context.traceable), within=0)
    return (*(() if still is None else (still,)), note, *_listened(context), *_had(context))


def begins_run(context: Context, step: Step) -> Step:
    """The step that starts it: in a loop of attempts another run is there than was noted before the plan began."""
    return step if context.traceable is None else replace(step, mark=_noted(context, context.traceable))


def _noted(context: Context, traceable: Traceable) -> Command:
    return script(run_scripts.REMEMBER, key(context.service.ref), *traceable.run_id(context.service).argv)


def is_down(context: Context) -> Check | None:
    """At this moment: it is down and nothing will start it by itself, so that there is nothing to stop."""
    if not isinstance(context.manager, Checkable):
        return None
    look = context.manager.is_stopped(context.service)
    command = script(scripts.DOWN_BY_ITSELF, key(context.service.ref), *look.command.argv)
    return replace(look, command=replace(command, timeout=max(_LOOK, look.command.timeout)), within=0)


def was_down(context: Context, others: Check | None) -> Check:
    """At this moment: ``is_down`` held before, so that nobody has stopped it; or ``others`` holds."""
    name = f"{context.name} had ended by itself"
    argv = others.command.argv if others is not None else ("false",)
    command = script(scripts.WAS_DOWN, key(context.service.ref), *argv)
    return Check(name if others is None else f"{name} or {others.name}", command, within=0)


def new_run(context: Context) -> tuple[Check, ...]:
    """After: another run than before, and the same one for as long as it must stay up."""
    if context.service.oneshot:
        return _run(context, context.traceable, run_scripts.RAN_ANEW, "a new run", hold=0.0)
    return _run(context, context.traceable, run_scripts.NEW_RUN, "a new run, not started again by itself")


def same_run(context: Context) -> tuple[Check, ...]:
    """After: the run of before."""
    return _run(context, context.traceable, run_scripts.SAME_RUN, "same process")


def _run(
    context: Context, traceable: Traceable | None, text: str, what: str, hold: float | None = None
) -> tuple[Check, ...]:
    if traceable is None:
        return ()
    command = script(text, key(context.service.ref), *traceable.run_id(context.service).argv)
    seconds = context.settings.hold if hold is None else hold
    return (Check(f"{context.name}: {what}", command, within=context.settings.within, hold=seconds),)


def ports_held(context: Context, *endpoints: Endpoint) -> tuple[Check, ...]:
    """After: the service has these ports and keeps them."""
    hold, within = context.settings.hold, context.settings.within
    looks = ((endpoint, port_look(endpoint, context.manager, context.service)) for endpoint in endpoints)
    return tuple(
        Check(f"{port_label(endpoint)} held by {context.name}", look, within=within, hold=hold)
        for endpoint, look in looks
        if look is not None
    )


def port_look(endpoint: Endpoint, manager: ServiceManager, service: Service) -> Command | None:
    """Whether the service has the port at this moment: by its control group, its manager's word, or its processes."""
    if service.own_network is not None and not _is_given(service):
        return script(scripts.ELSEWHERE, port_label(endpoint), service.ref.name, str(service.own_network))
    if isinstance(manager, Grouped):
        return script(scripts.PORT_HELD, *port_words(endpoint, manager, service))
    if isinstance(manager, PortProving):
        return manager.holds_port(service, endpoint)
    if isinstance(manager, Traceable):
        words = (_flag(endpoint), str(endpoint.port), port_label(endpoint), service.ref.name)
        return script(scripts.PORT_OF_RUN, *words, *manager.run_id(service).argv)
    return None


def ports(context: Context, *certain: Endpoint) -> tuple[Check, ...]:
    """After: it has the ports that are declared or ``certain``; where there are none, it is told where it listens."""
    sure = one_per_port((*context.declared(), *certain))
    told = () if sure or _keeps_all(context) else _listens(context)
    return (*ports_held(context, *sure), *told, *_kept(context, {port_label(one) for one in sure}))


def _kept_if_had(context: Context) -> tuple[tuple[str, str, Command], ...]:
    """What its definition or a file says that it listens on, and how that is looked at: it is wanted where it had it.

    Of an engine or a manager it is what that runs that listens.
    """
    name = context.name
    if not context.service.pids or context.service.oneshot or is_engine(name) or manager_of(name) is not None:
        return ()
    told = (*(hint.endpoint for hint in context.service.hints), *context.claimed())
    declared = {(one.protocol, one.port) for one in context.declared()}
    asked = (one for one in one_per_port(told) if (one.protocol, one.port) not in declared)
    looks = ((one, port_look(one, context.manager, context.service)) for one in asked)
    own = key(context.service.ref)
    return tuple((f"{own}.{one.protocol}.{one.port}", port_label(one), look) for one, look in looks if look)[:8]


def _keeps_all(context: Context) -> bool:
    """Whether each of its known ports is one of these, which says as much as a look at where it listens."""
    known = {f"{protocol} {port}" for protocol, port in _known(context)}
    return bool(known) and known <= {label for _, label, _ in _kept_if_had(context)}


def _had(context: Context) -> tuple[Check, ...]:
    """Before: which of these it has."""
    return tuple(
        Check(f"note whether {context.name} has {label}", script(listen_scripts.HAD, mark, *look.argv), within=0)
        for mark, label, look in _kept_if_had(context)
    )


def _kept(context: Context, others: set[str]) -> tuple[Check, ...]:
    """After: it has what it had of these; ``others`` are looked at already."""
    hold, within = context.settings.hold, context.settings.within
    return tuple(
        Check(
            f"{label} not lost by {context.name}",
            script(listen_scripts.NOT_LOST, mark, label, *look.argv),
            within,
            hold,
        )
        for mark, label, look in _kept_if_had(context)
        if label not in others
    )


def _listened(context: Context) -> tuple[Check, ...]:
    """Before: on which fixed ports it listens, where its configuration does not say."""
    words, name = _listen_words(context), context.name
    if words is None or context.declared() or not context.service.pids or not _known(context) or _keeps_all(context):
        return ()
    # Those of an engine or a manager are the ports of what it runs, which may come up later, or in a group of its own.
    if is_engine(name) or manager_of(name) is not None:
        return ()
    return (Check(f"note where {context.name} listens", script(listen_scripts.LISTENED, *words), within=0),)


def _listens(context: Context) -> tuple[Check, ...]:
    """After: where it listens by now, beside the ports of its log or its last run.

    It may have been moved to another port on purpose. That it listens nowhere any more is a failure.
    """
    known, words = _known(context), _listen_words(context)
    if not known or words is None:
        return ()
    before = ", ".join(f"{protocol} {port}" for protocol, port in known)
    # As long as it must stay up, so that the last look tells; it may begin to listen late.
    hold, within = context.settings.hold, context.settings.within
    command = script(listen_scripts.LISTENS, *words, before)
    return (Check(f"see where {context.name} listens", command, within=within, hold=hold),)


def _known(context: Context) -> list[tuple[str, int]]:
    """Protocols and ports of where it may have listened before."""
    return sorted({(endpoint.protocol, endpoint.port) for endpoint in context.wanted() or context.logged()})


def _listen_words(context: Context) -> tuple[str, str, str] | None:
    if context.service.oneshot or not isinstance(context.manager, Grouped):
        return None
    ref = context.service.ref
    return ref.scope, context.manager.cgroup_name(context.service), key(ref)


def still_holds(endpoint: Endpoint, manager: ServiceManager, service: Service) -> Check:
    """Before: it is this service that has the port, at this moment."""
    command = port_look(endpoint, manager, service)
    assert command is not None
    return Check(f"{service.ref.name} still holds {port_label(endpoint)}", command, within=0)


def wait_released(endpoint: Endpoint, manager: ServiceManager, service: Service, seconds: float) -> Command:
    """Wait until the service has given the port back."""
    command = _port_left(endpoint, manager, service, round(seconds * 5))
    return replace(command, timeout=seconds * 2 + _LOOK, purpose=f"wait until {port_label(endpoint)} is released")


def still_kept(intent: Intent, endpoint: Endpoint, name: str) -> tuple[Check, ...]:
    """Before: what kept the port without listening is still there, at this moment."""
    if not intent.sockets:
        return ()
    label = port_label(endpoint)
    words = (_flag(endpoint), str(endpoint.port), label, name, *_seen(intent))
    return (Check(f"{name} still keeps {label}", script(kept_scripts.STILL_KEPT, *words), within=0),)


def connections_ended(intent: Intent, endpoint: Endpoint) -> Step:
    """Wait until nothing is left at a port on which nobody listens: it kept the port from being bound."""
    label = port_label(endpoint)
    words = (_flag(endpoint), str(endpoint.port), label, str(round(_TIME_WAIT * 5)), *_seen(intent))
    purpose = f"wait until no connection is left at {label}"
    name = f"see no connection left at {label} (TIME-WAIT takes a minute)"
    command = replace(script(kept_scripts.CONNECTIONS_ENDED, *words), timeout=_TIME_WAIT * 3, purpose=purpose)
    # Where it cannot be seen, the start that comes next tells.
    return Step(name, replace(command, ok_exits=(0, 77)))


def _seen(intent: Intent) -> tuple[str, ...]:
    return "bound" if intent.bound else "", *(str(inode) for inode in intent.sockets)


def wait_held(endpoint: Endpoint, manager: ServiceManager, service: Service, seconds: float) -> Command:
    """Wait until the service has the port again, or that cannot be told.

    A socket unit may get the socket back that systemd kept; any other has a new one, and what it left the old one.
    """
    look = port_look(endpoint, manager, service)
    assert look is not None
    if isinstance(manager, Grouped) and not _is_given(service):
        look = script(scripts.PORT_BACK, *port_words(endpoint, manager, service))
    purpose = f"wait until {service.ref.name} has {port_label(endpoint)} again"
    command = script(scripts.WAIT_FOR, str(round(seconds * 5)), *look.argv)
    return replace(command, ok_exits=(0, 77), timeout=seconds * 2 + _LOOK, purpose=purpose)


def _is_given(service: Service) -> bool:
    """Whether it gets its sockets from its service manager."""
    return any(name.endswith(".socket") for name in (service.ref.name, *service.triggered_by))


def port_left(endpoint: Endpoint, manager: ServiceManager, service: Service) -> Command:
    """Whether the service does not have the port at this moment."""
    return _port_left(endpoint, manager, service, 0)


def stays_released(context: Context, endpoint: Endpoint, manager: ServiceManager, service: Service) -> Check:
    """After: the service does not come back to the port."""
    name = f"{service.ref.name} does not come back to {port_label(endpoint)}"
    look = port_left(endpoint, manager, service)
    return Check(name, look, within=context.settings.within, hold=context.settings.respawn)


def _port_left(endpoint: Endpoint, manager: ServiceManager, service: Service, tries: int) -> Command:
    if isinstance(manager, Grouped):
        words = port_words(endpoint, manager, service)
        return script(scripts.WAIT_PORT_LEFT, *words, str(tries)) if tries else script(scripts.PORT_LEFT, *words)
    look = port_look(endpoint, manager, service)
    assert look is not None
    return script(scripts.WAIT_NOT, port_label(endpoint), service.ref.name, str(tries), *look.argv)


def port_words(endpoint: Endpoint, manager: Grouped, service: Service) -> tuple[str, ...]:
    """The arguments of the port scripts."""
    return (_flag(endpoint), str(endpoint.port), service.ref.scope, manager.cgroup_name(service), port_label(endpoint))


def _flag(endpoint: Endpoint) -> str:
    return "u" if endpoint.protocol == "udp" else "t"


def port_label(endpoint: Endpoint) -> str:
    """``tcp 8080``."""
    return f"{endpoint.protocol} {endpoint.port}"


def key(ref: ServiceRef) -> str:
    """A word for a service that is safe as a file name."""
    return hashlib.sha256(str(ref).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def script(text: str, *args: str) -> Command:
    """A look as constant shell text and its arguments."""
    return Command(("sh", "-c", text, "sh", *args), timeout=_LOOK)
