"""What all plans that stop something do and say alike: the step, what undoes it, and what is gone for good."""

from dataclasses import replace

from console.actions.along import taken_along
from console.actions.context import Context, RefusedError
from console.core.engines import ends_containers
from console.core.plan import ActionKind, Step
from console.core.service import Service, ServiceRef, State
from console.managers.acting import Disposing, Startable, Stoppable, Traceable
from console.managers.base import ServiceManager


def stop_step(context: Context, manager: ServiceManager, service: Service) -> Step:
    """The step that stops a service, undone by a start where that can be; raises ``RefusedError``."""
    if not isinstance(manager, Stoppable):
        raise RefusedError(f"{service.ref}: {manager.id} cannot stop it")
    undo = None
    # What did not run before is not started by an undo.
    ran = service.state not in (State.STOPPED, State.FAILED)
    if ran and isinstance(manager, Startable) and _why_never(context, manager, service) is None:
        undo = context.lasting(manager.start(service), starts=service)
    stop = context.lasting(manager.stop(service), ends=service)
    return Step(f"stop {service.ref.beside(context.service.ref)}", stop, undo)


def with_dependants(
    context: Context, manager: ServiceManager, service: Service, step: Step, others: tuple[ServiceRef, ...] = ()
) -> tuple[Step, ...]:
    """The stop of a service, and before it what starts again what ended along with it, once that is undone.

    Its own start does not bring back what its manager has stopped with it. ``others``: what the plan stops besides.
    """
    if step.undo is None or not isinstance(manager, Startable) or not isinstance(manager, Traceable):
        return (step,)
    along = taken_along(ActionKind.STOP, (service.ref,), (service.ref, context.service.ref, *others), context.snapshot)
    found = [one for ref in along if (one := context.snapshot.service(ref)) is not None and _comes_with(one, service)]
    # What is undone last comes first here: a socket unit is started before the service that it starts.
    found.sort(key=lambda one: one.ref.name.endswith(".socket"))
    looks = (_look(context, manager, one, service) for one in found)
    # It would bring back what it needs.
    return (*(replace(look, undo_unless=step.undo_unless) for look in looks), step)


def _comes_with(one: Service, service: Service) -> bool:
    """Whether the manager of a service stops it along, and it ran."""
    return one.ref.manager == service.ref.manager and one.state not in (State.STOPPED, State.FAILED, State.UNKNOWN)


def _look(context: Context, manager: ServiceManager, one: Service, service: Service) -> Step:
    assert isinstance(manager, Startable)
    assert isinstance(manager, Traceable)
    name = f"see what runs of {one.ref.name}, which ends along with {service.ref.name}"
    look = replace(manager.run_id(one), ok_exits=(0, 1, 77))
    return Step(name, look, context.lasting(manager.start(one), starts=one))


def for_good(context: Context, manager: ServiceManager, service: Service) -> str | None:
    """What the stop of a service takes for good."""
    never = _why_never(context, manager, service)
    lost = never and f"{service.ref.name} cannot be started again from here: {never}"
    return told(lost, _with_engine(context, service))


def for_good_by_restart(context: Context) -> str | None:
    """What a restart of the service may take for good."""
    why = _disposed(context.manager, context.service)
    lost = why and f"{context.name} is gone if its start fails: {why}"
    return told(lost, _with_engine(context, context.service))


def for_good_by_undo(context: Context) -> str | None:
    """What is taken for good where a start of the service is undone by a stop."""
    why = _disposed(context.manager, context.service)
    return why and f"{context.name} is gone if its start is undone: {why}"


def told(*parts: str | None) -> str | None:
    """All that is to be said, in one line."""
    return "; ".join(dict.fromkeys(part for part in parts if part)) or None


def _why_never(context: Context, manager: ServiceManager, service: Service) -> str | None:
    return _disposed(manager, service) or context.why_not(manager, service, ActionKind.START)


def _disposed(manager: ServiceManager | None, service: Service) -> str | None:
    return manager.disposed(service) if isinstance(manager, Disposing) else None


def _with_engine(context: Context, service: Service) -> str | None:
    """The containers that end with their engine and do not come back with it."""
    if not ends_containers(service.ref.name):
        return None
    lost = {
        one.ref.name: why
        for one in context.snapshot.run_by(service.ref)
        if (why := _disposed(context.manager_of(one.ref), one)) is not None
    }
    return f"{', '.join(lost)} cannot be started again from here: {next(iter(lost.values()))}" if lost else None
