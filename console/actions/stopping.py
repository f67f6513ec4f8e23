"""What all plans that stop something do and say alike: the step, what undoes it, and what is gone for good."""

from dataclasses import replace

from console.actions import dependants
from console.actions.context import Context, RefusedError
from console.core.engines import ends_containers
from console.core.plan import ActionKind, Step
from console.core.service import Service, ServiceRef, State
from console.managers.acting import Disposing, Startable, Stoppable
from console.managers.base import ServiceManager
from console.managers.starters import runner_of

_GONE_ALREADY = (0, 1)
"""What clients of container engines say of a container that its unit has ended, and removed, with itself."""


def stop_steps(
    context: Context,
    manager: ServiceManager,
    service: Service,
    above: tuple[Service, ...],
    touched: tuple[ServiceRef, ...],
) -> tuple[Step, ...]:
    """The steps that stop a service, its own the last, after what would start it again (``above``), which an undo
    starts last. ``touched``: all that the plan stops.

    A container is ended, and made again by an undo, by the unit that runs it. Raises ``RefusedError``.
    """
    steps: list[Step] = []
    for one in above:
        other = manager_of(context, one)
        steps += dependants.with_stop(context, other, one, stop_step(context, other, one), touched)
    own = stop_step(context, manager, service)
    if runner_of(context.snapshot, service) in above:
        own = replace(own, command=replace(own.command, ok_exits=_GONE_ALREADY), undo=None)
    # systemd refuses to start a socket unit whose service runs: what undoes its stop comes before.
    return (*steps, replace(own, undo_last=any(one.ref.name.endswith(".socket") for one in above)))


def manager_of(context: Context, service: Service) -> ServiceManager:
    """The manager of another service; raises ``RefusedError`` where it is not known."""
    manager = context.manager_of(service.ref)
    if manager is None:
        raise RefusedError(f"{service.ref}: no service manager {service.ref.manager} is known")
    return manager


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


def for_good(context: Context, manager: ServiceManager, service: Service) -> str | None:
    """What the stop of a service takes for good."""
    if (runner := runner_of(context.snapshot, service)) is not None:
        return for_good(context, manager_of(context, runner), runner)
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
