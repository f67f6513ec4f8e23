"""From what is wanted to a plan: which commands, in which order, what is looked at before and afterwards. Pure.

One kind of action is one module with two functions, ``refusal`` and ``parts``, and one line in ``_KINDS``.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isinf
from typing import NamedTuple

from console.actions import (
    daemon_reload,
    dependants,
    free_port,
    hosting,
    kill,
    rebuild,
    reload,
    reset_failed,
    restart,
    rollback,
    start,
    stop,
)
from console.actions.along import ENDING, taken_along
from console.actions.context import Context, Parts, RefusedError, context
from console.actions.settings import ActionSettings
from console.core.durations import whole
from console.core.plan import ActionKind, Intent, Plan, Step
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Snapshot
from console.core.stop_way import LONGEST, outwaits
from console.managers import process, unlisted
from console.managers.acting import Cautious, Rolling
from console.managers.base import ServiceManager

__all__ = ["ActionSettings", "RefusedError", "kinds", "plan", "ports_to_free", "refusal"]


class _Kind(NamedTuple):
    refusal: Callable[[Context], str | None]
    parts: Callable[[Context], Parts]


_KINDS = {
    ActionKind.RESTART: _Kind(restart.refusal, restart.parts),
    ActionKind.RELOAD: _Kind(reload.refusal, reload.parts),
    ActionKind.START: _Kind(start.refusal, start.parts),
    ActionKind.STOP: _Kind(stop.refusal, stop.parts),
    ActionKind.RESET_FAILED: _Kind(reset_failed.refusal, reset_failed.parts),
    ActionKind.DAEMON_RELOAD: _Kind(daemon_reload.refusal, daemon_reload.parts),
    ActionKind.FREE_PORT: _Kind(free_port.refusal, free_port.parts),
    ActionKind.KILL: _Kind(kill.refusal, kill.parts),
    ActionKind.REBUILD: _Kind(rebuild.refusal, rebuild.parts),
    ActionKind.ROLLBACK: _Kind(rollback.refusal, rollback.parts),
}


def kinds() -> tuple[ActionKind, ...]:
    """The kinds of action that are built."""
    return tuple(_KINDS)


def plan(
    intent: Intent,
    snapshot: Snapshot,
    *,
    managers: Sequence[ServiceManager],
    settings: ActionSettings,
    plan_id: str,
    reason: str | None = None,
) -> Plan:
    """Work out what is to be done; raises ``RefusedError`` where ``refusal`` would give a reason."""
    parts = _parts(intent, snapshot, managers, settings)
    changed = (intent.target, *parts.touches)
    return Plan(
        id=plan_id,
        kind=intent.kind,
        target=intent.target,
        steps=parts.steps,
        prepare=parts.prepare,
        preflight=parts.preflight,
        checks=parts.checks,
        evidence=parts.evidence,
        closing=parts.closing,
        aftermath=parts.aftermath,
        touches=parts.touches,
        shares=parts.shares,
        along=tuple(taken_along(intent.kind, changed, changed, snapshot)),
        names=_names((intent.target, *parts.touches), snapshot),
        ends=_ends(intent, snapshot, parts),
        starts=_starts(intent, snapshot, settings),
        also_hit=_also_hit(intent, changed, snapshot, parts),
        irreversible=parts.irreversible,
        warnings=tuple(dict.fromkeys((*parts.warnings, *_outwaits(intent, snapshot, parts, settings)))),
        confirm=parts.confirm,
        difference=parts.difference,
        versions=parts.versions,
        reason=reason,
    )


def _names(refs: tuple[ServiceRef, ...], snapshot: Snapshot) -> tuple[tuple[ServiceRef, str], ...]:
    """What processes are called that no service manager has a name for."""
    found = (unlisted.unlisted(snapshot, ref) for ref in refs if ref.manager == process.ID)
    return tuple((service.ref, process.named(service)) for service in found if service is not None)


def _ends(intent: Intent, snapshot: Snapshot, parts: Parts) -> tuple[str, ...]:
    """How what runs and is to be stopped or restarted is ended, as far as its manager told."""
    found = _ended(intent, snapshot, parts)
    return tuple(f"{one.ref.beside(intent.target)}: {one.stop_way.words}" for one in found if one.stop_way is not None)


_STARTING = (ActionKind.START, ActionKind.RESTART, ActionKind.FREE_PORT, ActionKind.REBUILD, ActionKind.ROLLBACK)


def _starts(intent: Intent, snapshot: Snapshot, settings: ActionSettings) -> tuple[str, ...]:
    """How long what is started may take to come up, as far as its manager told."""
    service = snapshot.service(intent.target) if intent.kind in _STARTING else None
    if service is None or service.start_seconds is None:
        return ()
    seconds = service.start_seconds
    if seconds > LONGEST:
        limit = "its manager sets no limit" if isinf(seconds) else f"its manager allows {whole(seconds)}"
        return (f"{intent.target.name}: {limit}, this plan waits for {whole(settings.step_timeout)}",)
    return (f"{intent.target.name}: {whole(seconds)}",)


def _also_hit(intent: Intent, changed: tuple[ServiceRef, ...], snapshot: Snapshot, parts: Parts) -> tuple[str, ...]:
    """What the plan says itself, and all that ends with what it ends."""
    target = snapshot.service(intent.target)
    # What is merely started, once its port is free, takes nothing along.
    started = intent.kind is ActionKind.FREE_PORT and target is not None and target.state is not State.RUNNING
    ends = parts.touches if started else changed
    return tuple(dict.fromkeys((*parts.also_hit, *taken_along(intent.kind, ends, changed, snapshot).values())))


def _ended(intent: Intent, snapshot: Snapshot, parts: Parts) -> tuple[Service, ...]:
    """What runs and is to be stopped or restarted."""
    refs = (intent.target, *parts.touches) if intent.kind in ENDING else ()
    found = (snapshot.service(ref) for ref in refs)
    return tuple(service for service in found if service is not None and _runs(service))


def _runs(service: Service) -> bool:
    """Of a workload of a cluster no process is known."""
    return bool(service.pids) or (bool(service.replicas) and service.state is not State.STOPPED)


def _outwaits(intent: Intent, snapshot: Snapshot, parts: Parts, settings: ActionSettings) -> tuple[str, ...]:
    """Whose manager waits longer for its end than the plan does."""
    return tuple(
        f"{one.ref.beside(intent.target)} is waited for "
        f"{'without limit' if one.stop_way.seconds is None else f'for {whole(one.stop_way.seconds)}'} by its manager: "
        f"where it takes longer than {settings.step_timeout:.0f} s this plan fails, and its manager may still be at it"
        for one in _ended(intent, snapshot, parts)
        if one.stop_way is not None and outwaits(one.stop_way)
    )


def refusal(
    intent: Intent,
    snapshot: Snapshot,
    *,
    managers: Sequence[ServiceManager],
    settings: ActionSettings | None = None,
) -> str | None:
    """Why what is wanted cannot be done at all, in one line; ``None`` where a plan can be made."""
    try:
        _parts(intent, snapshot, managers, settings or ActionSettings())
    except RefusedError as error:
        return str(error)
    return None


def ports_to_free(intent: Intent, snapshot: Snapshot, *, managers: Sequence[ServiceManager]) -> tuple[Endpoint, ...]:
    """The ports of a service that may be meant where the intent names none; of one that is refused, none."""
    try:
        return free_port.candidates(context(intent, snapshot, managers, ActionSettings()))
    except RefusedError:
        return ()


def _parts(intent: Intent, snapshot: Snapshot, managers: Sequence[ServiceManager], settings: ActionSettings) -> Parts:
    kind = _KINDS[intent.kind]
    found = context(intent, snapshot, managers, settings)
    try:
        why_not = kind.refusal(found) or hosting.refusal(found)
        if why_not is None:
            return _with_dependants(found, _as_its_manager_does(found, kind.parts(found)))
    except ValueError as error:
        # A manager makes no command from a name that is none of its own.
        why_not = str(error)
    raise RefusedError(why_not)


def _with_dependants(found: Context, parts: Parts) -> Parts:
    """With what its manager restarts along, where another release is made live."""
    if found.intent.kind not in (ActionKind.REBUILD, ActionKind.ROLLBACK):
        return parts
    steps = dependants.with_restart(found, parts.steps)
    return replace(parts, steps=steps, checks=(*parts.checks, *dependants.up_again(found)))


def _as_its_manager_does(found: Context, parts: Parts) -> Parts:
    """With the wait for a manager that changes its services little by little, and with what it warns of."""
    manager, service, kind = found.manager, found.service, found.intent.kind
    wait = manager.settle(service, kind) if isinstance(manager, Rolling) else None
    if wait is not None:
        parts = replace(parts, steps=(*parts.steps, Step(f"wait until {found.name} has settled", wait)))
    if isinstance(manager, Cautious):
        parts = replace(parts, warnings=(*manager.cautions(service, kind), *parts.warnings))
    return replace(parts, warnings=(*hosting.warnings(found), *parts.warnings))
