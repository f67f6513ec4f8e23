"""The verdict as the ``hostdeck.why/1`` object."""

from typing import Any

from console.core.declaration import Declaration
from console.core.finding import Proposal
from console.core.moments import iso
from console.core.snapshot import Symptom
from console.diagnosis.firewall import Gate
from console.diagnosis.holder_words import shown_command
from console.diagnosis.respawn import when
from console.diagnosis.verdict import SCHEMA, Holder, Reach, Verdict


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The stable object for scripts; only values that ``json.dumps`` takes."""
    return {
        "schema": SCHEMA,
        "host": verdict.host,
        "port": verdict.port,
        "protocol": verdict.protocol,
        "verdict": verdict.verdict.value,
        "fine": verdict.fine,
        "at_home": verdict.at_home,
        "service": str(verdict.service) if verdict.service is not None else None,
        "symptom": _symptom(verdict.symptom) if verdict.symptom is not None else None,
        "holders": [_holder(holder) for holder in verdict.holders],
        "clash": verdict.clash,
        "declared_by": [declaration(one) for one in verdict.declared_by],
        "not_checked": [{"what": gap.what, "why": gap.why} for gap in verdict.not_checked],
        "actions": [_action(action) for action in verdict.actions],
        "keep": str(verdict.keep) if verdict.keep is not None else None,
        "summary": verdict.summary,
        "confidence": verdict.confidence.value,
        "reach": _reach(verdict.reach) if verdict.reach is not None else None,
        "evidence": list(verdict.evidence),
        "looks": [{"command": one.command, "output": one.output, "failure": one.failure} for one in verdict.looks],
        "port_known_by": verdict.port_known_by,
        "failure": {"why": verdict.failure.why, "log": list(verdict.failure.log)} if verdict.failure else None,
    }


def _symptom(symptom: Symptom) -> dict[str, Any]:
    return {"errno": symptom.errno, "at": iso(symptom.at), "count": symptom.count, "line": symptom.line}


def _reach(reach: Reach) -> dict[str, Any]:
    rule = reach.rule
    return {
        "attempts": [
            {"from": one.where, "outside": one.vantage.outside, "address": one.address, "port": one.port,
             "result": one.result.value, "said": one.said}
            for one in reach.attempts
        ],
        "rule": {"text": rule.words, "place": rule.place, "gate": rule.gate.value, "except": list(rule.doubts)}
        if rule is not None and rule.gate is not Gate.OPEN and rule.chain is not None
        else None,
        "dropped": reach.dropped,
        "ways_in": list(reach.ways_in),
    }  # fmt: skip


def _holder(holder: Holder) -> dict[str, Any]:
    return {
        "address": holder.address,
        "port": holder.port,
        "pid": holder.pid,
        "user": holder.user,
        "process": holder.process,
        "command": shown_command(holder) if holder.pid is not None else None,
        "cwd": holder.cwd,
        "ppid": holder.ppid,
        "pid_file": holder.pid_file,
        "manager": holder.ref.manager if holder.ref is not None else None,
        "service": holder.ref.name if holder.ref is not None else None,
        "unit": holder.unit,
        "container": holder.container,
        "to": holder.to and f"{holder.to.address}:{holder.to.port}",
        "label": holder.label,
        "chain": list(holder.chain),
        "since": iso(holder.since),
        "connections": holder.connections,
        "respawn": holder.respawn,
        "respawn_when": when(holder.respawn) if holder.respawn is not None else None,
        "parent": holder.parent,
        "again": holder.again,
        "confidence": holder.confidence.value,
        "known_by": list(holder.known_by),
        "peer": holder.peer,
        "note": holder.note,
    }


def declaration(one: Declaration) -> dict[str, Any]:
    """A claim on a port, in ``declared_by`` and of ``hostdeck ports``."""
    return {
        "service": one.service,
        "where": one.where,
        "manager": one.manager or None,
        "protocol": one.endpoint.protocol,
        "address": one.endpoint.address,
        "port": one.endpoint.port,
        "last": one.last or None,
        "sure": one.sure,
        "text": one.text,
        "given": one.given,
    }


def _action(action: Proposal) -> dict[str, Any]:
    return {
        "id": action.id,
        "label": action.label,
        "recommended": action.recommended,
        "commands": list(action.commands),
        "reason_off": action.reason_off,
    }
