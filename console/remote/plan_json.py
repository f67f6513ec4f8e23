"""A plan as JSON: it lies beside its state on the host, so that any console can name the steps of a plan it finds."""

import json
from collections.abc import Mapping
from typing import Any

from console.core.command import Command, Effect
from console.core.plan import ActionKind, Check, Plan, Step
from console.core.service import ServiceRef
from console.core.text import mask, sanitise

SCHEMA = "hostdeck.host-plan/1"

_LONGEST = 1e9  # seconds; no command of a plan is given so many


def dumps(plan: Plan, operator: str) -> str:
    """One line of ASCII."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "id": plan.id,
            "kind": plan.kind.value,
            "target": _ref(plan.target),
            "touches": [_ref(ref) for ref in plan.touches],
            "preflight": [_check(check) for check in plan.preflight],
            "steps": [_step(step) for step in plan.steps],
            "checks": [_check(check) for check in plan.checks],
            "also_hit": list(plan.also_hit),
            "irreversible": plan.irreversible,
            "warnings": list(plan.warnings),
            "reason": plan.reason,
            "operator": operator,
        }
    )


def loads(text: str, host: str) -> tuple[Plan, str]:
    """Read what ``dumps`` wrote on a host, and who started it; ``ValueError`` for anything else.

    Every string is made safe. ``host`` is what this console calls the host; another may call it otherwise.
    """
    try:
        data = json.loads(text)
        plan = Plan(
            id=_text(data["id"]),
            kind=ActionKind(data["kind"]),
            target=_to_ref(data["target"], host),
            touches=tuple(_to_ref(ref, host) for ref in data["touches"]),
            preflight=tuple(_to_check(check) for check in data["preflight"]),
            steps=tuple(_to_step(step) for step in data["steps"]),
            checks=tuple(_to_check(check) for check in data["checks"]),
            also_hit=tuple(_text(word) for word in data["also_hit"]),
            irreversible=_optional(data["irreversible"]),
            warnings=tuple(_text(word) for word in data["warnings"]),
            reason=_optional(data["reason"]),
        )
        return plan, _text(data["operator"])
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a plan of the form {SCHEMA}: {error!r}") from error


def _ref(ref: ServiceRef) -> dict[str, str]:
    return {"manager": ref.manager, "name": ref.name, "scope": ref.scope}


def _command(command: Command | None) -> dict[str, Any] | None:
    if command is None:
        return None
    return {
        "argv": [mask(word) for word in command.argv],
        "elevate": command.elevate,
        "timeout": command.timeout,
        "purpose": command.purpose,
        "effect": command.effect.value,
    }


def _step(step: Step) -> dict[str, Any]:
    return {"name": step.name, "command": _command(step.command), "undo": _command(step.undo)}


def _check(check: Check) -> dict[str, Any]:
    return {"name": check.name, "command": _command(check.command), "within": check.within, "hold": check.hold}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a string, got {value!r:.40}")
    return sanitise(value)


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or not 0 <= value <= _LONGEST:
        raise TypeError("expected seconds")
    return float(value)


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _to_ref(value: Mapping[str, object], host: str) -> ServiceRef:
    return ServiceRef(host, _text(value["manager"]), _text(value["name"]), _text(value["scope"]))


def _to_command(value: Mapping[str, Any]) -> Command:
    return Command(
        argv=tuple(_text(word) for word in value["argv"]),
        elevate=bool(value["elevate"]),
        timeout=_seconds(value["timeout"]),
        purpose=_text(value["purpose"]),
        effect=Effect(value["effect"]),
    )


def _to_step(value: Mapping[str, Any]) -> Step:
    undo = value["undo"]
    return Step(_text(value["name"]), _to_command(value["command"]), None if undo is None else _to_command(undo))


def _to_check(value: Mapping[str, Any]) -> Check:
    command = _to_command(value["command"])
    return Check(_text(value["name"]), command, within=_seconds(value["within"]), hold=_seconds(value["hold"]))
