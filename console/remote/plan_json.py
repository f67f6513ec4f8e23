"""A plan as JSON: it lies beside its state on the host, so that any console can name the steps of a plan it finds."""

import json
from collections.abc import Mapping
from typing import Any

from console.core.command import Command, Effect
from console.core.plan import ActionKind, Check, Intent, Plan, Preparation, Step, Where
from console.core.service import Endpoint, ServiceRef
from console.core.text import mask, sanitise
from console.remote import difference_json

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
            "along": [_ref(ref) for ref in plan.along],
            "shares": list(plan.shares),
            "prepare": [_preparation(one) for one in plan.prepare],
            "preflight": [_check(check) for check in plan.preflight],
            "steps": [_step(step) for step in plan.steps],
            "checks": [_check(check) for check in plan.checks],
            "evidence": [_step(step) for step in plan.evidence],
            "closing": [_step(step) for step in plan.closing],
            "aftermath": [_check(check) for check in plan.aftermath],
            "names": [[_ref(ref), name] for ref, name in plan.names],
            "ends": list(plan.ends),
            "starts": list(plan.starts),
            "also_hit": list(plan.also_hit),
            "irreversible": plan.irreversible,
            "warnings": list(plan.warnings),
            "difference": difference_json.document(plan.difference),
            "versions": None if plan.versions is None else list(plan.versions),
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
            prepare=tuple(_to_preparation(one) for one in data.get("prepare", ())),
            preflight=tuple(_to_check(check) for check in data["preflight"]),
            steps=tuple(_to_step(step, host) for step in data["steps"]),
            checks=tuple(_to_check(check) for check in data["checks"]),
            # Of a plan that an older console left there.
            evidence=tuple(_to_step(step, host) for step in data.get("evidence", ())),
            closing=tuple(_to_step(step, host) for step in data.get("closing", ())),
            aftermath=tuple(_to_check(check) for check in data.get("aftermath", ())),
            along=tuple(_to_ref(ref, host) for ref in data.get("along", ())),
            shares=tuple(_text(share) for share in data.get("shares", ())),
            names=tuple((_to_ref(ref, host), _text(name)) for ref, name in data.get("names", ())),
            ends=tuple(_text(word) for word in data.get("ends", ())),
            starts=tuple(_text(word) for word in data.get("starts", ())),
            also_hit=tuple(_text(word) for word in data["also_hit"]),
            irreversible=_optional(data["irreversible"]),
            warnings=tuple(_text(word) for word in data["warnings"]),
            difference=difference_json.read(data.get("difference"), _to_ref(data["target"], host)),
            versions=_to_versions(data.get("versions")),
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
        "argv": list(command.masked(command.argv)),
        "elevate": command.elevate,
        "timeout": command.timeout,
        "purpose": command.purpose,
        "effect": command.effect.value,
        "becomes": list(command.masked(command.becomes)),
        "unended": command.unended,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": mask(step.name),
        "command": _command(step.command),
        "undo": _command(step.undo),
        "otherwise": None if step.otherwise is None else _intent(step.otherwise),
        "undo_last": step.undo_last,
        "usual": step.usual,
        "apart": step.apart,
        "mark": _command(step.mark),
        "always": step.always,
        "undo_unless": None if step.undo_unless is None else _check(step.undo_unless),
    }


def _preparation(one: Preparation) -> dict[str, Any]:
    return {
        "name": mask(one.name),
        "where": one.where.value,
        "command": _command(one.command),
        "directory": one.directory,
        "environment": [[name, mask(value)] for name, value in one.environment],
        "undo": _command(one.undo),
    }


def _intent(intent: Intent) -> dict[str, Any]:
    port = intent.endpoint
    return {
        "kind": intent.kind.value,
        "target": _ref(intent.target),
        "port": None if port is None else [port.protocol, port.address, port.port],
        "then": None if intent.then is None else _ref(intent.then),
    }


def _check(check: Check) -> dict[str, Any]:
    return {"name": mask(check.name), "command": _command(check.command), "within": check.within, "hold": check.hold}


def _to_versions(value: Any) -> tuple[str, str] | None:
    if value is None:
        return None
    live, target = value
    return _text(live), _text(target)


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
        becomes=tuple(_text(word) for word in value.get("becomes", ())),
        unended=bool(value.get("unended", False)),
    )


def _to_step(value: Mapping[str, Any], host: str) -> Step:
    # What an older console wrote has none of the last seven.
    undo, unless, otherwise = value["undo"], value.get("undo_unless"), value.get("otherwise")
    mark = value.get("mark")
    return Step(
        _text(value["name"]),
        _to_command(value["command"]),
        None if undo is None else _to_command(undo),
        value.get("undo_last", False) is True,
        None if unless is None else _to_check(unless),
        None if value.get("usual") is None else _seconds(value["usual"]),
        None if otherwise is None else _to_intent(otherwise, host),
        value.get("apart", False) is True,
        None if mark is None else _to_command(mark),
        value.get("always", False) is True,
    )


def _to_preparation(value: Mapping[str, Any]) -> Preparation:
    undo = value["undo"]
    return Preparation(
        _text(value["name"]),
        Where(value["where"]),
        _to_command(value["command"]),
        _optional(value["directory"]),
        tuple((_text(name), _text(word)) for name, word in value["environment"]),
        None if undo is None else _to_command(undo),
    )


def _to_intent(value: Mapping[str, Any], host: str) -> Intent:
    port, then = value["port"], value["then"]
    place = None
    if port is not None:
        protocol, address, number = port
        if not isinstance(number, int):
            raise TypeError("expected a port")
        place = Endpoint(_text(protocol), _text(address), number)
    return Intent(
        ActionKind(value["kind"]),
        _to_ref(value["target"], host),
        place,
        then=None if then is None else _to_ref(then, host),
    )


def _to_check(value: Mapping[str, Any]) -> Check:
    command = _to_command(value["command"])
    return Check(_text(value["name"]), command, within=_seconds(value["within"]), hold=_seconds(value["hold"]))
