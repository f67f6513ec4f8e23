"""JSON of plans and of the audit trail: how they are to be run, and how they went."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from console.cli import differences
from console.cli.encode import Json, failures, rounded
from console.cli.offers import kill_words
from console.core.moments import iso
from console.core.plan import ActionKind, Check, Intent, Plan, PlanProgress, Result, Step, StepResult, Where
from console.core.snapshot import Snapshot

if TYPE_CHECKING:
    from console.remote.audit import AuditEntry


def plan(progress: PlanProgress, *, dry_run: bool, root: bool) -> Json:
    """The ``plan`` document: what is to be done, or how it went. ``root``: whether the login is root's."""
    made = progress.plan
    return {
        "id": made.id,
        "kind": made.kind.value,
        "target": str(made.target),
        "dry_run": dry_run,
        "prepare": _prepare(made, progress, root=root),
        "preflight": _commands(made.preflight, progress.preflight, root=root),
        "steps": [
            {
                "name": step.name,
                "command": step.command.shell(root=root),
                "undo": step.undo.shell(root=root) if step.undo else None,
                "undo_unless": step.undo_unless.name if step.undo_unless else None,
                "undo_unless_command": step.undo_unless.command.shell(root=root) if step.undo_unless else None,
                "usual_seconds": step.usual,
                **_state(result),
            }
            for step, result in zip_longest(made.steps, progress.steps[: len(made.steps)])
        ],
        "checks": _commands(made.checks, progress.checks, root=root),
        "undo": [{"name": result.name, **_state(result)} for result in progress.undo],
        "aftermath": [{"name": check.name, "command": check.command.shell(root=root)} for check in made.aftermath],
        "evidence": [
            {**told, "mark": step.mark.shell(root=root) if step.mark else None}
            for step, told in zip(made.evidence, _commands(made.evidence, progress.evidence, root=root), strict=True)
        ],
        "closing": _commands(made.closing, progress.closing, root=root),
        "ends": list(made.ends),
        "starts": list(made.starts),
        "also_hit": list(made.also_hit),
        "touches": [str(ref) for ref in made.touches],
        "warnings": list(made.warnings),
        "irreversible": made.irreversible,
        "difference": differences.document(made.difference),
        "versions": None if made.versions is None else {"live": made.versions[0], "target": made.versions[1]},
        "result": progress.result.value if progress.result else None,
        "reason": progress.reason,
        "operator_reason": made.reason,
        "proof": list(progress.proof),
        "broke": list(progress.broke),
        "offer": _offer(progress.offer) if progress.offer else None,
    }


def _prepare(made: Plan, progress: PlanProgress, *, root: bool) -> list[Json]:
    """What comes before the host is given the plan; ``where`` is ``here`` on the console's machine."""
    return [
        {
            "name": one.name,
            "where": one.where.value,
            "command": one.command.shell(root=root or one.where is Where.HERE),
            "directory": one.directory,
            "environment": dict(one.environment),
            "undo": one.undo.shell(root=root) if one.undo else None,
            **_state(result),
        }
        for one, result in zip_longest(made.prepare, progress.prepare[: len(made.prepare)])
    ]


def _commands(parts: Sequence[Step | Check], results: Sequence[StepResult], *, root: bool) -> list[Json]:
    """Checks, and steps that have no undo. Two may have one name: a unit of the system and one of a user."""
    return [
        {"name": part.name, "command": part.command.shell(root=root), **_state(result)}
        for part, result in zip_longest(parts, results[: len(parts)])
    ]


def _offer(offer: Intent) -> Json:
    """What may be tried next, as another plan."""
    return {
        "kind": offer.kind.value,
        "target": str(offer.target),
        "port": str(offer.endpoint) if offer.endpoint else None,
        "then": str(offer.then) if offer.then else None,
        "command": kill_words(offer),
    }


def _state(result: StepResult | None) -> Json:
    if result is None:
        return {"state": "pending", "seconds": None, "output": ""}
    return {"state": result.state.value, "seconds": rounded(result.seconds, 2), "output": result.output}


def plans(
    kind: ActionKind,
    target: str,
    progresses: Sequence[PlanProgress],
    reason: str | None,
    *,
    dry_run: bool,
    roots: Collection[str],
    skipped: Mapping[str, str] | None = None,
    unseen: Iterable[Snapshot] = (),
) -> Json:
    """The ``plans`` document: plans in their order; its result is that of the first that was not done.

    ``roots``: the hosts whose login is root's.
    """
    ended = [progress.result for progress in progresses if progress.result is not None]
    worst = next((result for result in ended if result is not Result.DONE), Result.DONE if ended else None)
    return {
        "kind": kind.value,
        "target": target,
        "dry_run": dry_run,
        "plans": [plan(progress, dry_run=dry_run, root=progress.plan.target.host in roots) for progress in progresses],
        "skipped": [{"target": name, "reason": why} for name, why in (skipped or {}).items()],
        "result": Result.REFUSED.value if reason is not None else worst.value if worst is not None else None,
        "reason": reason or next((one.reason for one in progresses if one.result is worst and one.reason), None),
        "failures": failures(unseen),
    }


def no_plan(kind: ActionKind, target: str, reason: str, *, dry_run: bool, unseen: Iterable[Snapshot] = ()) -> Json:
    """The ``plan`` document of what cannot even be planned; ``failures``: what of these hosts was not seen."""
    return {
        "id": None,
        "kind": kind.value,
        "target": target,
        "dry_run": dry_run,
        "steps": [],
        "checks": [],
        "result": Result.REFUSED.value,
        "reason": reason,
        "failures": failures(unseen),
    }


def audit_entry(entry: "AuditEntry") -> Json:
    """A plan of ``audit``."""
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "who": entry.who,
        "host": entry.host,
        "target": entry.target,
        "kind": entry.kind,
        "commands": list(entry.commands),
        "not_run": [command for place, command in enumerate(entry.commands) if place in entry.left_out],
        "reason": entry.reason,
        "result": entry.result,
        "state": entry.state,
        "elsewhere": entry.elsewhere,
        "result_reason": entry.result_reason,
        "difference": entry.difference,
        "broke": list(entry.broke),
        "kept": list(entry.kept),
        "failed": list(entry.failed),
        "proof": list(entry.proof),
        "started": iso(entry.started),
        "finished": iso(entry.finished),
    }
