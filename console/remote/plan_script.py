"""Renders a plan to the one POSIX sh script that runs it on its host, apart from any connection.

The script is constant text (``plan_common.sh``, ``plan_command.sh``, ``plan_run.sh``) and, behind that, what the plan
says: assignments and argument vectors, each word quoted by ``console.core.command.quote``. Nothing else becomes shell
text.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from urllib.parse import quote as percent

from console.core.command import Command, quote
from console.core.plan import Check, Plan
from console.core.service import ServiceRef
from console.core.stop_way import LONGEST
from console.remote import plan_json

PLACES = ("/var/tmp", "/run/hostdeck", "/tmp")  # noqa: S108 - sticky and root's; the script checks that they are
"""Where locks and plans may lie on a host, the best first. All of them are looked through for locks.

The first outlives a restart of the host: what a plan had begun when that cut it off is to be told afterwards.
"""

GRACE = 60.0
"""Seconds that a lock outlives the longest time its plan can take."""

_ABOUT_BYTES = 730
_FIELD_BYTES = 160

_SAFE = 'for file; do dd if=/dev/null of="$file" conv=notrunc,fsync; done'

_STOPPING = 5.0  # seconds in which a command that takes too long is ended
_LOOK = 10.0  # seconds for one look at whether a command may be run as root


@cache
def shell_text(name: str) -> str:
    """The text of one of this package's shell files, without its comments: it goes over slow links."""
    lines = (files("console.remote") / name).read_text(encoding="utf-8").splitlines()
    return "".join(f"{line.strip()}\n" for line in lines if line.strip() and not line.lstrip().startswith("#"))


def lock_key(ref: ServiceRef) -> str:
    """The name of a service's lock: the same whatever the console calls the host, safe as a file name."""
    return _key(f"{ref.manager}-{ref.name}", ref.manager, ref.scope, ref.name)


def share_key(share: str) -> str:
    """The name of the lock of what several services may have."""
    return _key(f"release-{share}", "", share)


def _key(readable: str, *words: str) -> str:
    digest = hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass"))
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', readable)[:60]}-{digest.hexdigest()[:16]}"


def lock_keys(plan: Plan) -> tuple[str, ...]:
    """The locks of a plan in the order in which everybody takes them."""
    return tuple(sorted({*map(lock_key, plan.services), *map(share_key, plan.shares)}))


def duration(plan: Plan) -> float:
    """The most seconds that a plan can take on its host, undo included."""
    looks = [*plan.preflight, *plan.checks, *plan.aftermath]
    steps = (*plan.steps, *plan.evidence, *plan.closing)
    seconds = sum(_limit(step.command) + _limit(step.undo) + _limit(step.mark) for step in steps)
    seconds += sum(_limit(step.undo_unless.command) for step in plan.steps if step.undo_unless is not None)
    seconds += sum(check.within + check.hold + 2 * _limit(check.command) for check in looks)
    return seconds + _LOOK * len(plan.steps)


def lease(plan: Plan) -> int:
    """Seconds after which a lock that was not released may be set aside."""
    return min(86_000, int(duration(plan) + GRACE))


def about(plan: Plan, operator: str) -> str:
    """Who does what and why, as one word of safe characters: for the lock and the host's log."""
    return one_word({"kind": plan.kind.value, "target": str(plan.target), "by": operator, "why": plan.reason or ""})


def one_word(fields: Mapping[str, str]) -> str:
    """Fields as ``a=1&b=2`` of safe characters, of a length that fits into a link beside what else that says.

    XFS takes 1,023 bytes. The last field has all the room that the others leave.
    """
    *firsts, (last, rest) = fields.items()
    word = "".join(f"{name}={_escaped(value, _FIELD_BYTES)}&" for name, value in firsts)
    return f"{word}{last}={_escaped(rest, _ABOUT_BYTES - len(word) - len(last) - 1)}"


def _escaped(text: str, limit: int) -> str:
    """As many whole characters as fit; the plan's file has them all."""
    taken = ""
    for character in text[:200]:
        escape = percent(character, safe="", errors="replace")
        if len(taken) + len(escape) > limit:
            break
        taken += escape
    return taken


def render(plan: Plan, *, root: bool, operator: str, places: Sequence[str] = PLACES) -> str:
    """The script of a plan, for a connection as root or as another user.

    ``ValueError`` for a plan that no script can carry: an identifier that is no file name, a command without a name, a
    word with a NUL byte.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}", plan.id):
        raise ValueError(f"plan id {plan.id!r}: expected 8 to 64 letters, digits and hyphens")
    for tag, command in _tagged(plan):
        if not command.argv or not command.argv[0] or command.argv[0].startswith("-"):
            raise ValueError(f"plan {plan.id}, {tag}: {command.argv[:1]!r} is no command")
    text = "\n".join(
        (
            "#!/bin/sh",
            _assign("hd_places", " ".join(places)),
            shell_text("plan_common.sh"),
            shell_text("plan_command.sh"),
            shell_text("plan_run.sh"),
            *_assignments(plan, root, operator),
            *_commands(plan, root),
            f"hd_preflight() {{\n{_preflight(plan)}\n}}",
            f"hd_steps() {{\n{_steps(plan)}\n}}",
            f"hd_checks() {{\n{_checks(plan.checks, 'check')}\n}}",
            f"hd_aftermath() {{\n{_checks(plan.aftermath, 'after')}\n}}",
            "hd_main",
            "",
        )
    )
    if "\0" in text:
        raise ValueError(f"plan {plan.id}: a word of a command holds a NUL byte, which no command can be given")
    return text


def _assign(name: str, value: str) -> str:
    return f"{name}={quote((value,))}"


def _assignments(plan: Plan, root: bool, operator: str) -> tuple[str, ...]:
    elevated = [str(number) for number, step in enumerate(plan.steps, 1) if step.command.through_sudo(root=root)]
    undos = [f"{n}:{_times(step.undo)}" for n, step in enumerate(plan.steps, 1) if step.undo is not None]
    evidence, closing = (
        " ".join(f"{n}:{_times(step.command)}" for n, step in enumerate(steps, 1))
        for steps in (plan.evidence, plan.closing)
    )
    touching = next((str(n) for n, step in enumerate(plan.steps, 1) if not step.apart), "")
    unless = [f"{n}:{_times(step.undo_unless.command)}" for n, step in enumerate(plan.steps, 1) if step.undo_unless]
    marks = [f"{n}:{_centi(step.mark.timeout)}" for n, step in enumerate(plan.evidence, 1) if step.mark is not None]
    notes = [f"{n}:{_centi(step.mark.timeout)}" for n, step in enumerate(plan.steps, 1) if step.mark is not None]
    return (
        _assign("hd_id", plan.id),
        _assign("hd_about", about(plan, operator)),
        _assign("hd_lease", str(lease(plan))),
        _assign("hd_keys", " ".join(lock_keys(plan))),
        _assign("hd_mays", " ".join(elevated)),
        _assign("hd_undos", " ".join(undos)),
        _assign("hd_undo_last", " ".join(str(n) for n, step in enumerate(plan.steps, 1) if step.undo_last)),
        _assign("hd_evidence", evidence),
        _assign("hd_marks", " ".join(marks)),
        _assign("hd_notes", " ".join(notes)),
        _assign("hd_touching", touching),
        _assign("hd_closing", closing),
        _assign("hd_always", " ".join(str(n) for n, step in enumerate(plan.closing, 1) if step.always)),
        _assign("hd_unless", " ".join(unless)),
        _assign("hd_unended", " ".join(tag for tag, command in _tagged(plan) if command.unended)),
        _assign("hd_json", plan_json.dumps(plan, operator)),
    )


def _commands(plan: Plan, root: bool) -> Iterable[str]:
    yield "hd_command() {"
    yield "case $1 in"
    yield 'audit) exec logger -t hostdeck -p auth.notice -- "$hd_line" ;;'
    yield f'safe) exec $hd_setsid sh -c {quote((_SAFE,))} sh "$hd_dir/plan" "$hd_dir/state" "$hd_dir/audit" ;;'
    for tag, command in _tagged(plan):
        yield f"{tag}) exec $hd_setsid {quote(command.words(root=root))} ;;"
    for number, step in enumerate(plan.steps, 1):
        asked = step.command.through_sudo(root=root)
        if asked is not None:
            yield f"may.{number}) exec {quote(('sudo', '-n', '-l', *asked))} ;;"
    yield "esac"
    yield "}"


def _tagged(plan: Plan) -> Iterable[tuple[str, Command]]:
    for number, check in enumerate(plan.preflight, 1):
        yield f"preflight.{number}", check.command
    for number, step in enumerate(plan.steps, 1):
        yield f"step.{number}", step.command
        if step.mark is not None:
            yield f"note.{number}", step.mark
        if step.undo is not None:
            yield f"undo.{number}", step.undo
        if step.undo_unless is not None:
            yield f"unless.{number}", step.undo_unless.command
    for phase, checks in (("check", plan.checks), ("after", plan.aftermath)):
        for number, check in enumerate(checks, 1):
            yield f"{phase}.{number}", check.command
    for phase, steps in (("evidence", plan.evidence), ("closing", plan.closing)):
        for number, step in enumerate(steps, 1):
            yield f"{phase}.{number}", step.command
            if step.mark is not None:
                yield f"mark.{number}", step.mark


def _preflight(plan: Plan) -> str:
    lines = [f"hd_watch preflight {_spec(n, check)} || return 1" for n, check in enumerate(plan.preflight, 1)]
    return "\n".join((*lines, ":"))


def _steps(plan: Plan) -> str:
    lines = [f"hd_step {n} {_times(step.command, ' ')} || return 1" for n, step in enumerate(plan.steps, 1)]
    return "\n".join((*lines, ":"))


def _checks(checks: tuple[Check, ...], phase: str) -> str:
    if not checks:
        return ":"
    return " ".join((f"hd_watch {phase}", *(_spec(number, check) for number, check in enumerate(checks, 1))))


def _spec(number: int, check: Check) -> str:
    return f"{number}:{_centi(check.within)}:{_centi(check.hold)}:{_times(check.command)}"


def _times(command: Command, separator: str = ":") -> str:
    exits = ",".join(str(int(code)) for code in command.ok_exits)
    return f"{_centi(command.timeout)}{separator}{exits}"


def _centi(seconds: float) -> int:
    return max(0, round(seconds * 100))


def _limit(command: Command | None) -> float:
    if command is None:
        return 0.0
    return command.timeout + (LONGEST if command.unended else _STOPPING)
