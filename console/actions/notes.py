"""What a person is told before acting."""

from collections.abc import Iterable, Sequence

from console.actions.context import Context, one_per_port
from console.actions.holders import holding
from console.actions.protected import is_network, runs_a_user, why_resolver
from console.core import resolver
from console.core.engines import ends_containers, is_engine
from console.core.restarts import gave_up
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import LinkState
from console.core.way_in import is_own_way, is_way_to_host
from console.core.words import listed
from console.managers import manager
from console.managers.acting import Declaring, Resettable
from console.managers.starters import shared_runner


def before_start(context: Context) -> tuple[str, ...]:
    """Warnings of every action that ends in a start."""
    limits = (*start_limit(context), *counts_anew(context))
    return (*link(context), *changed_file(context), *taken_ports(context), *limits)


def link(context: Context) -> tuple[str, ...]:
    """The picture may be old."""
    if context.snapshot.link.state is LinkState.UP:
        return ()
    return (f"{context.snapshot.host} is {context.snapshot.link.state.value}: what is shown of it may be old",)


def way_in(context: Context) -> tuple[str, ...]:
    """What is restarted is the way to the host."""
    if not is_way_to_host(context.service) and not is_own_way(context.snapshot.identity, context.service):
        return ()
    return (f"{context.name} is the way to this host: where it does not come up again, nobody gets in to mend it",)


def network(context: Context) -> tuple[str, ...]:
    """What is restarted keeps the network."""
    if not is_network(context.service):
        return ()
    return (f"{context.name} may be the way to this host: its restart may break every connection, this one too",)


def by_hand(context: Context) -> tuple[str, ...]:
    """What is restarted is the service manager of a user, which starts again only what it starts by itself."""
    if not runs_a_user(context.service):
        return ()
    return (
        f"{context.name} is a user's whole service manager: what was started by hand there does not come back with it",
    )


def containers(context: Context) -> tuple[str, ...]:
    """What is stopped is a container engine."""
    if not ends_containers(context.name):
        return ()
    return (f"{context.name} is a container engine: every container that it runs goes with it",)


def names(context: Context) -> tuple[str, ...]:
    """What is stopped resolves names."""
    if why_resolver(context.service) is None:
        return ()
    return (f"{context.name}: {resolver.WHY}, and then resolves none",)


def spared(service: Service) -> tuple[str, ...]:
    """What is stopped leaves running what it started."""
    spares = service.stop_way.spares if service.stop_way is not None and service.pids else None
    # One task is the main process alone.
    if spares is None or service.tasks == 1:
        return ()
    return (f"{service.ref.name} has {spares}: a stop ends its main process, and nothing that this started",)


def stopped_along(service: Service, above: Iterable[Service]) -> tuple[str, ...]:
    """What is stopped only because it runs the service, or would start it again."""
    return tuple(
        f"{one.ref.name} is stopped too, since it "
        f"{f'runs {service.ref.name}' if service.is_run_by(one.ref) else f'starts {service.ref.name} again'}: "
        "it stays down until it is started"
        for one in above
    )


def kept_up(context: Context) -> tuple[str, ...]:
    """The unit that runs the service with others goes on, and makes all of them when it is started anew."""
    shared = shared_runner(context.snapshot, context.service)
    if shared is None:
        return ()
    unit, others = shared
    beside = listed([one.ref.name for one in others])
    return (f"{unit.ref.name} runs {context.name} and {beside}, and stays up: started anew it starts this again",)


def changed_file(context: Context) -> tuple[str, ...]:
    """The manager has an older definition than the disk."""
    if not context.service.needs_reload:
        return ()
    found = manager(context.service.ref.manager)
    loads = found.takes_effect(context.service, None) if isinstance(found, Declaring) else "it is read again"
    return (f"{context.name}: its file on disk is newer than what is loaded: the old one is used until {loads}",)


def taken_ports(context: Context, stopped: Sequence[ServiceRef] = ()) -> tuple[str, ...]:
    """Somebody else has a port that the service wants, and is not among those that the plan has ``stopped`` by then."""
    found = []
    for endpoint in one_per_port((*context.wanted(), *(context.claimed() if stopped else ()))):
        holders = [holder.service.ref for holder in holding(context, endpoint).holders]
        gone = (*stopped, *context.intent.after)
        foreign = [ref for ref in holders if ref not in gone and not context.service.answers_for(ref)]
        others = [ref.beside(context.service.ref) for ref in foreign]
        way = "stop its container" if any(is_engine(name) for name in others) else "free the port"
        if others:
            found.append(f"{endpoint.protocol} {endpoint.port} is held by {', '.join(others)}: {way} first")
    return tuple(found)


def start_limit(context: Context) -> tuple[str, ...]:
    """The manager is about to give the service up for starting too often."""
    limit = context.service.start_limit
    if limit is None or limit_hit(context):
        return ()
    burst, seconds = limit
    starts = context.settings.recent_starts
    if context.service.state is State.FLAPPING:
        starts += context.service.restarts or 0
    if burst <= 0 or starts < burst - 1:
        return ()
    return (
        f"{context.name} was started {starts} times lately; of {burst} starts within {seconds:g} s the next is the "
        "last one: then it stays down until reset-failed",
    )


def counts_anew(context: Context) -> tuple[str, ...]:
    """The manager has given the service up, and needs no step of its own to try again: a start counts anew.

    So Docker does of ``on-failure:N``, and pm2 of ``max_restarts``.
    """
    service, manager = context.service, context.manager
    if isinstance(manager, Resettable) or not gave_up(service):
        return ()
    tries = service.restarts or 0
    return (
        f"{manager.id} gave {context.name} up after {tries} {'restart' if tries == 1 else 'restarts'} by itself: "
        "this start has it count anew, and it is given up again where the cause is still there",
    )


def limit_hit(context: Context) -> bool:
    """Whether the manager has given the service up."""
    return gave_up(context.service) or "start-limit" in (context.service.result or "")
