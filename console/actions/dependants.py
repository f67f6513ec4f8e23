"""What a service manager stops along with a service, and does not start again with it."""

from collections.abc import Iterator
from dataclasses import replace

from console.actions.along import taken_along
from console.actions.context import Context
from console.core.plan import ActionKind, Check, Step
from console.core.service import Service, ServiceRef, State
from console.managers.acting import Checkable, Joining, Restartable, Startable, Traceable
from console.managers.base import ServiceManager

_DOWN = (State.STOPPED, State.FAILED, State.UNKNOWN)


def with_stop(
    context: Context, manager: ServiceManager, service: Service, step: Step, others: tuple[ServiceRef, ...] = ()
) -> tuple[Step, ...]:
    """The stop of a service, and before it what starts again what ends along with it, once that is undone.

    ``others``: what the plan stops besides.
    """
    if step.undo is None:
        return (step,)
    carriers = _carriers(context, manager, service, others)
    # To start it would bring back what it needs.
    return (*(replace(one, undo_unless=step.undo_unless) for one in carriers), step)


def with_restart(context: Context, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps of a plan that makes another release run: a restart that fails leaves down what needs the service.

    The restart that takes up the former release finds it down, and leaves it so.
    """
    at = next((number for number, step in enumerate(steps) if step.takes_up and step.undo_last), None)
    if at is None:
        return steps
    carriers = _carriers(context, context.manager, context.service, ())
    lasts = (replace(one, undo_last=True) for one in carriers)
    return (*steps[:at], *lasts, steps[at], *rejoin(context), *steps[at + 1 :])


def rejoin(context: Context) -> tuple[Step, ...]:
    """After the restart of a service: that of what has its network, and would be left without one."""
    steps: list[Step] = []
    for one in context.snapshot.joined_to(context.service.ref):
        manager = context.manager_of(one.ref)
        if isinstance(manager, Restartable):
            restart = context.lasting(manager.restart(one), ends=one, starts=one)
            steps.append(Step(f"restart {one.ref.name}, which has the network of {context.name}", restart))
    return tuple(steps)


def rejoined(context: Context) -> tuple[Check, ...]:
    """After: what has its network has that of the present run."""
    looks: list[Check] = []
    for one in context.snapshot.joined_to(context.service.ref):
        manager = context.manager_of(one.ref)
        if isinstance(manager, Joining):
            looks.append(replace(manager.has_network_of(one, context.service), within=context.settings.within))
    return tuple(looks)


def up_again(context: Context) -> tuple[Check, ...]:
    """After a restart: what its manager has restarted along runs."""
    if not isinstance(context.manager, Checkable):
        return ()
    # What a user's whole manager ran comes back with it only where that is enabled.
    along = (one for one in _along(context, context.service, ()) if one.ref.scope == context.service.ref.scope)
    known = [one for one in along if one.state is State.RUNNING and not one.oneshot]
    looks = (context.manager.is_running(one, hold=0.0) for one in known)
    return (*(replace(look, within=context.settings.within) for look in looks), *rejoined(context))


def _carriers(
    context: Context, manager: ServiceManager, service: Service, others: tuple[ServiceRef, ...]
) -> Iterator[Step]:
    """Steps that only look, whose undo starts what ended along."""
    if not isinstance(manager, Startable) or not isinstance(manager, Traceable):
        return
    # What comes last is started first: a socket unit before the service that it starts.
    joined = context.snapshot.joined_to(service.ref)
    for one in sorted(_along(context, service, others), key=lambda one: one.ref.name.endswith(".socket")):
        # What only lost its network still runs, and gets it back by a restart.
        again = manager.restart if one in joined and isinstance(manager, Restartable) else manager.start
        name = f"see what runs of {one.ref.name}, which ends along with {service.ref.name}"
        look = replace(manager.run_id(one), ok_exits=(0, 1, 77))
        yield Step(name, look, context.lasting(again(one), starts=one))


def _along(context: Context, service: Service, others: tuple[ServiceRef, ...]) -> Iterator[Service]:
    """What ran and its manager stops along."""
    changed = (service.ref, context.service.ref, *others)
    for ref in taken_along(ActionKind.STOP, (service.ref,), changed, context.snapshot):
        one = context.snapshot.service(ref)
        if one is not None and ref.manager == service.ref.manager and one.state not in _DOWN:
            yield one
