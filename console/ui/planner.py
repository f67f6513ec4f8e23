"""How the screens ask for plans: the rules of the actions layer, behind one small door."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from console.core.plan import ActionKind, Intent, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from console.config.model import Config
    from console.core.service import ServiceRef
    from console.core.snapshot import Snapshot

    Make = Callable[[Intent, Snapshot], tuple[Plan | None, str | None]]

T = TypeVar("T")


class RefusedError(Exception):
    """A plan that is not made; the text says why, in one line for a person."""


class Planner(Protocol):
    """Turns what somebody wants into a plan, or says why not."""

    def refusal(self, intents: tuple[Intent, ...], snapshot: Snapshot) -> str | None:
        """Why this cannot be done now; ``None`` when it can."""
        ...

    def plan(self, intents: tuple[Intent, ...], snapshot: Snapshot) -> Plan:
        """One plan for all of these on one host; raises ``RefusedError``."""
        ...


class ActionsPlanner:
    """The rules of ``console.actions``, loaded when the first plan is wanted.

    ``make`` gives the plan of an intent or the reason against it, where more is known than the configuration's times:
    health checks, declared ports, how often a service was started lately.
    """

    def __init__(self, config: Config, make: Make | None = None) -> None:
        self._config = config
        self._make = make
        self._known: dict[tuple[Intent, ...], tuple[Snapshot, str | None]] = {}

    def refusal(self, intents: tuple[Intent, ...], snapshot: Snapshot) -> str | None:
        """Why this cannot be done now. Asked for every key at every change, so a snapshot is judged once."""
        known = self._known.get(intents)
        if known is not None and known[0] is snapshot:
            return known[1]
        reasons = (self._why_not(intent, snapshot) for intent in combined(intents))
        try:
            why = next((reason for reason in reasons if reason is not None), None)
        except ValueError as error:
            why = str(error)  # a name that no command may be given
        if len(self._known) > 64:
            self._known.clear()
        self._known[intents] = (snapshot, why)
        return why

    def _why_not(self, intent: Intent, snapshot: Snapshot) -> str | None:
        from console.actions import refusal
        from console.managers import MANAGERS

        if self._make is not None and intent.kind in (ActionKind.REBUILD, ActionKind.ROLLBACK):
            # Only the configuration knows where releases are.
            return self._make(intent, snapshot)[1]
        return refusal(intent, snapshot, managers=MANAGERS)

    def plan(self, intents: tuple[Intent, ...], snapshot: Snapshot) -> Plan:
        """One plan for all of these."""
        plans: list[Plan] = []
        stopped: tuple[ServiceRef, ...] = ()
        for intent in combined(intents):
            try:
                made, why = (self._make or self._by_times)(replace(intent, after=stopped), snapshot)
            except ValueError as error:
                raise RefusedError(str(error)) from error
            if made is None:
                raise RefusedError(why or f"there is no plan to {intent.kind} {intent.target.name}")
            plans.append(made)
            stopped += (intent.target,) if intent.kind is ActionKind.STOP else ()
        return merged(tuple(plans))

    def _by_times(self, intent: Intent, snapshot: Snapshot) -> tuple[Plan | None, str | None]:
        from console.actions import ActionSettings, plan
        from console.actions import RefusedError as NoPlanError
        from console.managers import MANAGERS
        from console.remote.runner import new_plan_id

        times = self._config.actions
        settings = ActionSettings(times.hold, times.respawn, times.within, times.term_timeout)
        try:
            return plan(intent, snapshot, managers=MANAGERS, settings=settings, plan_id=new_plan_id()), None
        except NoPlanError as error:
            return None, str(error)


def combined(intents: tuple[Intent, ...]) -> tuple[Intent, ...]:
    """The intents of a proposal without those that are part of another: a start clears an old failure by itself."""
    starts = {intent.target for intent in intents if intent.kind is ActionKind.START}
    return tuple(
        intent for intent in intents if intent.kind is not ActionKind.RESET_FAILED or intent.target not in starts
    )


def merged(plans: tuple[Plan, ...]) -> Plan:
    """Several plans of one host as one transaction, named after the last."""
    last = plans[-1]
    if len(plans) == 1:
        return last
    others = (ref for plan in plans for ref in (plan.target, *plan.touches) if ref != last.target)
    return replace(
        last,
        steps=_once(step for plan in plans for step in plan.steps),
        preflight=_once(check for plan in plans for check in plan.preflight),
        checks=_once(check for plan in plans for check in plan.checks),
        evidence=_once(step for plan in plans for step in plan.evidence),
        touches=_once(others),
        along=_once(ref for plan in plans for ref in plan.along),
        names=_once(one for plan in plans for one in plan.names),
        ends=_once(word for plan in plans for word in plan.ends),
        starts=_once(word for plan in plans for word in plan.starts),
        also_hit=_once(word for plan in plans for word in plan.also_hit),
        warnings=_once(word for plan in plans for word in plan.warnings),
        irreversible="; ".join(_once(plan.irreversible for plan in plans if plan.irreversible)) or None,
    )


def _once(things: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(things))
