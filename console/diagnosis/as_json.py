"""The verdict as the ``hostdeck.why/1`` object."""

from datetime import UTC, datetime
from typing import Any

from console.core.finding import Proposal
from console.core.snapshot import Symptom
from console.diagnosis.verdict import SCHEMA, Holder, Verdict


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The stable object for scripts; only values that ``json.dumps`` takes."""
    return {
        "schema": SCHEMA,
        "host": verdict.host,
        "port": verdict.port,
        "protocol": verdict.protocol,
        "verdict": verdict.verdict.value,
        "service": str(verdict.service) if verdict.service is not None else None,
        "symptom": _symptom(verdict.symptom) if verdict.symptom is not None else None,
        "holders": [_holder(holder) for holder in verdict.holders],
        "clash": verdict.clash,
        "declared_by": [{"service": one.service, "where": one.where} for one in verdict.declared_by],
        "not_checked": [{"what": gap.what, "why": gap.why} for gap in verdict.not_checked],
        "actions": [_action(action) for action in verdict.actions],
        "summary": verdict.summary,
        "confidence": verdict.confidence.value,
        "evidence": list(verdict.evidence),
    }


def utc(at: float | None) -> str | None:
    """A Unix time as ISO 8601 in UTC, to the second."""
    if at is None:
        return None
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _symptom(symptom: Symptom) -> dict[str, Any]:
    return {"errno": symptom.errno, "at": utc(symptom.at), "count": symptom.count, "line": symptom.line}


def _holder(holder: Holder) -> dict[str, Any]:
    return {
        "address": holder.address,
        "port": holder.port,
        "pid": holder.pid,
        "user": holder.user,
        "process": holder.process,
        "manager": holder.ref.manager if holder.ref is not None else None,
        "service": holder.ref.name if holder.ref is not None else None,
        "unit": holder.unit,
        "container": holder.container,
        "chain": list(holder.chain),
        "since": utc(holder.since),
        "connections": holder.connections,
        "respawn": holder.respawn,
        "confidence": holder.confidence.value,
        "known_by": list(holder.known_by),
    }


def _action(action: Proposal) -> dict[str, Any]:
    return {
        "id": action.id,
        "label": action.label,
        "recommended": action.recommended,
        "commands": list(action.commands),
        "reason_off": action.reason_off,
    }
