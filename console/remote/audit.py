"""The local audit trail: what was done to which host, by whom, why and with what result.

JSON lines, one an event, written through to the disk before anything is done (``planned``) and after (``started``,
``finished``). A plan without its ``finished`` line has the result ``unknown``: its host may be asked.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from console.core.command import Command, Effect
from console.core.difference import Difference
from console.core.difference_words import brief
from console.core.plan import ActionKind, Plan, PlanProgress, Preparation, Result, StepResult, StepState, Where
from console.core.service import ServiceRef
from console.core.text import cut, mask, sanitise

SCHEMA = "hostdeck.audit/1"
KEPT_LINES = 20
"""Lines of what failed that the trail has of a plan, the last ones."""
KEPT_LENGTH = 300


class AuditError(Exception):
    """The audit trail cannot be written; one line with the path and what to do."""


def audit_path() -> Path:
    """Where the trail of this user lies: ``audit.jsonl`` in the XDG state directory."""
    from platformdirs import user_state_path

    return user_state_path("hostdeck", appauthor=False) / "audit.jsonl"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One plan as the trail has it, its events put together. Times are Unix seconds of the console's clock."""

    id: str
    at: float
    who: str
    host: str
    target: str
    kind: str
    commands: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    """The same as a person reads them: of a script what it does."""
    reason: str | None = None
    result: str = Result.UNKNOWN.value
    result_reason: str | None = None
    difference: str | None = None
    """What another release would change, in one line."""
    started: float | None = None
    """When the host had the plan."""
    finished: float | None = None
    left_out: frozenset[int] = frozenset()
    """Which of the commands were never begun, by their place from 0; none where nobody noted it."""
    broke: tuple[str, ...] = ()
    """The plans whose locks it has set aside, since nothing of them ran any more."""
    kept: tuple[str, ...] = ()
    """What a service that did not hold its checks said last, before that was undone."""
    failed: tuple[str, ...] = ()
    """What the steps and checks that failed said last."""
    proof: tuple[str, ...] = ()
    """What was found true afterwards, also that SIGKILL was needed; none in trails of older versions."""
    life: str = ""
    """``running`` where its host has just said so; ``abandoned`` of one that failed since its process went away."""
    elsewhere: bool = False
    """Its host tells of it, and not this trail: another console has begun it."""

    @property
    def state(self) -> str:
        """What became of it, in the word that a person is told."""
        return self.life or self.result


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted; what is ``None`` does not matter."""

    host: str | None = None
    text: str | None = None
    """A part of the target, with its manager or without, or of the reason for which it was done, in whatever case."""
    who: str | None = None
    kind: str | None = None
    result: str | None = None
    since: float | None = None
    limit: int | None = None
    """At most so many, the newest."""

    def fits(self, entry: AuditEntry) -> bool:
        """Whether an entry is wanted."""
        for wanted, value in (
            (self.host, entry.host),
            (self.who, entry.who),
            (self.kind, entry.kind),
        ):
            if wanted is not None and wanted != value:
                return False
        if self.result is not None and self.result not in (entry.result, entry.state):
            return False
        if self.text is not None and not self._says(entry, self.text):
            return False
        return self.since is None or entry.at >= self.since

    @staticmethod
    def _says(entry: AuditEntry, text: str) -> bool:
        host, _, name = entry.target.partition("/")
        # As a person writes a target: /api, web1/api.service.
        short = f"{host}/{name.partition(':')[2] or name}"
        wanted = text.casefold()
        return any(wanted in words.casefold() for words in (entry.target, short, entry.reason or ""))


def _now() -> datetime:
    return datetime.now(UTC)


class AuditTrail:
    """The file. Every method blocks until the disk has it and raises ``AuditError``."""

    def __init__(self, path: Path | None = None, *, clock: Callable[[], datetime] = _now) -> None:
        self.path = path or audit_path()
        self._clock = clock

    def planned(self, plan: Plan, operator: str) -> None:
        """Before anything is done."""
        self._write(
            "planned",
            plan.id,
            who=operator,
            host=plan.target.host,
            target=str(plan.target),
            touches=[str(ref) for ref in plan.touches],
            kind=plan.kind.value,
            commands=[*(_on_this_machine(one) for one in _built(plan)), *(mask(c.shell()) for c in _changes(plan))],
            told=[*(_on_this_machine(one) for one in _built(plan)), *(mask(c.brief()) for c in _changes(plan))],
            reason=plan.reason,
            difference=None if plan.difference is None else _differs(plan.difference),
        )

    def started(self, plan: Plan) -> None:
        """The host has the plan."""
        self._write("started", plan.id, host=plan.target.host)

    def finished(
        self,
        plan: Plan,
        result: Result,
        reason: str | None,
        told: PlanProgress | None = None,
        *,
        abandoned: bool = False,
    ) -> None:
        """The result is known; ``told``: how far the plan has come, where that was seen.

        ``abandoned``: its process went away without a result.
        """
        words = None if reason is None else mask(reason)
        kept = _bounded(told.kept) if told is not None else []
        failed = _bounded(line for part in told.failed for line in part.said) if told is not None else []
        left = _left_out(plan, told) if told is not None else []
        self._write(
            "finished",
            plan.id,
            host=plan.target.host,
            result=result.value,
            result_reason=words,
            kept=kept,
            failed=failed,
            proof=_bounded(told.proof) if told is not None else [],
            left_out=left,
            broke=list(told.broke) if told is not None else [],
            **({"abandoned": True} if abandoned else {}),
        )

    def breaks_lock(self, ref: ServiceRef, plan_id: str, operator: str, reason: str) -> None:
        """Before a lock is set aside: that of a dead plan, or by root that of another user."""
        self._write(
            "break-lock", plan_id, who=operator, host=ref.host, target=str(ref), kind="break-lock", reason=mask(reason)
        )

    def kept_lock(self, ref: ServiceRef, plan_id: str, why: str) -> None:
        """The lock was not set aside after all."""
        self._write("kept-lock", plan_id, host=ref.host, result=Result.FAILED.value, result_reason=mask(why))

    def recent_starts(self, ref: ServiceRef, seconds: float) -> int:
        """How often plans of this trail started the service in the last seconds: towards a manager's start limit."""
        since = self._clock().timestamp() - seconds
        starting = {kind.value for kind in (ActionKind.RESTART, ActionKind.START, ActionKind.FREE_PORT)}
        entries = self.read(AuditFilter(host=ref.host, since=since))
        return sum(
            entry.target == str(ref) and entry.kind in starting and entry.result != "refused" for entry in entries
        )

    def read(self, wanted: AuditFilter | None = None) -> tuple[AuditEntry, ...]:
        """The entries of this trail, the oldest first."""
        return read(self.path, wanted)

    def _write(self, event: str, plan_id: str, **fields: object) -> None:
        at = self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"schema": SCHEMA, "event": event, "id": plan_id, "at": at, **fields}) + "\n"
        try:
            _append(self.path, line.encode("ascii"))
        except OSError as error:
            why = f"{error.strerror or error}; make room or mend its rights"
            raise AuditError(f"{self.path}: the audit line cannot be written: {why}") from error


def _bounded(lines: Iterable[str]) -> list[str]:
    """The last of them, as long as a line of the trail may be."""
    return [cut(mask(line), KEPT_LENGTH) for line in tuple(lines)[-KEPT_LINES:]]


def _changes(plan: Plan) -> tuple[Command, ...]:
    """The commands that change the host, in order."""
    uploads = (one.command for one in plan.prepare if one.where is Where.UPLOAD)
    steps = (*plan.steps, *plan.closing)
    return (*uploads, *(step.command for step in steps if step.command.effect is Effect.CHANGE))


def _built(plan: Plan) -> tuple[Preparation, ...]:
    """What is run on the console's machine."""
    here = (one for one in plan.prepare if one.where is Where.HERE)
    return tuple(one for one in here if one.command.effect is Effect.CHANGE)


def _left_out(plan: Plan, told: PlanProgress) -> list[int]:
    """Which of the commands of ``planned``, by their place from 0, were never begun."""
    parts: list[tuple[Command, StepResult]] = [
        *((one.command, result) for one, result in zip(plan.prepare, told.prepare, strict=False)),
        *((one.command, result) for one, result in zip(plan.steps, told.steps, strict=False)),
        *((one.command, result) for one, result in zip(plan.closing, told.closing, strict=False)),
    ]
    never = [command for command, result in parts if result.state in (StepState.PENDING, StepState.SKIPPED)]
    commands = (*(one.command for one in _built(plan)), *_changes(plan))
    return [place for place, command in enumerate(commands) if any(command is one for one in never)]


def _on_this_machine(one: Preparation) -> str:
    return f"{mask(one.command.shell())}  # on the console's machine, in {one.directory}"


def _differs(difference: Difference) -> str:
    """In one line; the whole of it may be as long as a release."""
    pair = difference.pair
    return mask(f"{pair.live or 'nothing'} -> {pair.target}: {brief(difference)}")


def _append(path: Path, line: bytes) -> None:
    """Add one whole line, or leave the file as it was and raise ``OSError``."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.fchmod(handle, 0o600)
        size = os.fstat(handle).st_size
        # What a crash left half written stays a line of its own.
        broken = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        try:
            _write_all(handle, b"\n" + line if broken else line)
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, size)
            raise
        if new:
            _sync_directory(path.parent)
    finally:
        os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path, wanted: AuditFilter | None = None) -> tuple[AuditEntry, ...]:
    """The entries of a trail, the oldest first; none where there is no file yet. Raises ``AuditError``.

    Lines that cannot be read (half written in a crash, of a later version) are passed over.
    """
    entries: dict[str, AuditEntry] = {}
    count = 0
    for event in _events(path):
        plan_id = _word(event, "id")
        if event.get("event") == "break-lock":
            count += 1
            entry = _planned(event)
            entries[f"{plan_id} break {count}"] = replace(entry, result=Result.DONE.value, finished=entry.at)
        elif event.get("event") == "kept-lock":
            _keep(entries, f"{plan_id} break ", event)
        elif event.get("event") == "planned":
            entries[plan_id] = _planned(event)
        elif plan_id in entries:
            entries[plan_id] = _later(entries[plan_id], event)
    wanted = wanted or AuditFilter()
    fitting = [entry for entry in entries.values() if wanted.fits(entry)]
    if wanted.limit is not None:
        fitting = fitting[max(0, len(fitting) - wanted.limit) :]
    return tuple(fitting)


def _keep(entries: dict[str, AuditEntry], prefix: str, event: Mapping[str, Any]) -> None:
    """The last attempt to break the lock of that plan has failed."""
    key = next((key for key in reversed(entries) if key.startswith(prefix)), None)
    if key is not None:
        words = _word(event, "result_reason") or None
        entries[key] = replace(entries[key], result=Result.FAILED.value, result_reason=words, finished=_time(event))


def _events(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise AuditError(f"{path}: the audit trail cannot be read: {error.strerror or error}") from error
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("schema") == SCHEMA and isinstance(event.get("id"), str):
            yield event


def _planned(event: Mapping[str, Any]) -> AuditEntry:
    return AuditEntry(
        id=_word(event, "id"),
        at=_time(event) or 0.0,
        who=_word(event, "who"),
        host=_word(event, "host"),
        target=_word(event, "target"),
        kind=_word(event, "kind"),
        commands=_lines(event.get("commands")),
        told=_lines(event.get("told")),
        reason=_word(event, "reason") or None,
        difference=_word(event, "difference") or None,
    )


def _later(entry: AuditEntry, event: Mapping[str, Any]) -> AuditEntry:
    if event.get("event") == "started":
        return replace(entry, started=_time(event))
    if event.get("event") != "finished":
        return entry
    result = _word(event, "result") or Result.UNKNOWN.value
    words, kept, left = _word(event, "result_reason") or None, _lines(event.get("kept")), event.get("left_out")
    places = frozenset(one for one in left if isinstance(one, int)) if isinstance(left, list) else frozenset()
    entry = replace(entry, result=result, result_reason=words, finished=_time(event), kept=kept, left_out=places)
    broke, failed, proof = (_lines(event.get(name)) for name in ("broke", "failed", "proof"))
    life = "abandoned" if event.get("abandoned") is True else ""
    return replace(entry, broke=broke, failed=failed, proof=proof, life=life)


def _lines(value: object) -> tuple[str, ...]:
    return tuple(sanitise(str(line)) for line in value) if isinstance(value, list) else ()


def _word(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return sanitise(value) if isinstance(value, str) else ""


def _time(event: Mapping[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(_word(event, "at")).timestamp()
    except ValueError:
        return None
