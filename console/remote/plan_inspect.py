"""Reads what a host tells of its plans and locks. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum

from console.core.plan import Plan, PlanProgress, Result
from console.remote import plan_json
from console.remote.plan_locks import LockHolder, moment, number
from console.remote.plan_state import PlanState


class PlanLife(StrEnum):
    """What became of a plan on its host."""

    RUNNING = "running"
    ENDED = "ended"
    ABANDONED = "abandoned"
    """Its process is gone and left no result."""
    UNKNOWN = "unknown"
    """Its process cannot be seen from here."""


@dataclass(frozen=True, slots=True)
class HostPlan:
    """A plan as it lies on a host, whoever started it."""

    plan: Plan
    operator: str
    life: PlanLife
    progress: PlanProgress
    uid: int | None = None
    """Who owns its files; ``operator`` and the rest are that user's word."""
    user: str = ""
    at: float | None = None
    """When it began, in seconds of the host's wall clock."""
    age: float | None = None
    """Seconds since it began; ``None`` when the host was restarted since."""
    took: float | None = None
    """Seconds from its beginning to its result; ``None`` where that was not noted."""


@dataclass(frozen=True, slots=True)
class HostView:
    """The plans of a host whose word counts, the newest first, and all its locks.

    These are the connected user's and root's: anybody else can write what he likes, and is not read.
    """

    plans: tuple[HostPlan, ...] = ()
    locks: tuple[LockHolder, ...] = ()
    uid: int | None = None
    """As whom the host was asked."""

    def plan(self, plan_id: str) -> HostPlan | None:
        """The plan of that identifier."""
        return next((plan for plan in self.plans if plan.plan.id == plan_id), None)


@dataclass(slots=True)
class _Raw:
    plan_id: str
    uid: int | None
    text: str = ""
    state: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    life: str = ""


def parse(text: str, host: str) -> HostView:
    """Read the answer to ``plan_door.inspect``. What is not of its form is left out."""
    now, boot = 0, ""
    uid: int | None = None
    raws: list[_Raw] = []
    locks: list[LockHolder] = []
    for line in text.splitlines():
        tag, _, rest = line.partition(" ")
        words = rest.split(" ")
        if tag == "n" and len(words) == 3:
            now, boot, uid = number(words[0]) or 0, words[1], number(words[2])
        elif tag == "p" and len(words) == 2:
            raws.append(_Raw(words[0], number(words[1])))
        elif tag == "l":
            holder = LockHolder.parse(words)
            locks += [] if holder is None else [holder]
        elif raws:
            _add(raws[-1], tag, rest)
    raws = [raw for raw in raws if raw.uid is not None and raw.uid in (0, uid)]
    plans = [plan for raw in raws if (plan := _host_plan(raw, host, now, boot)) is not None]
    plans.sort(key=lambda plan: plan.at or 0.0, reverse=True)
    return HostView(tuple(plans), tuple(sorted(locks, key=lambda lock: lock.key)), uid)


def _add(raw: _Raw, tag: str, rest: str) -> None:
    if tag == "plan" and not raw.text:
        raw.text = rest
    elif tag == "state":
        raw.state.append(rest)
    elif tag == "o":
        raw.output.append(rest)
    elif tag == "a":
        raw.life = rest


def _host_plan(raw: _Raw, host: str, now: int, boot: str) -> HostPlan | None:
    try:
        plan, operator = plan_json.loads(raw.text, host)
    except ValueError:
        return None
    if plan.id != raw.plan_id:
        return None
    state = PlanState(plan)
    for line in raw.state:
        state.feed(f"s {line}")
    for line in raw.output:
        state.feed(f"o {line}")
    run = next((line.split() for line in raw.state if line.startswith("run ")), [])
    at = moment(run[7]) if len(run) > 9 else None
    up = number(run[6]) if len(run) > 9 and run[5] == boot else None
    life = _life(state, raw.life)
    unknown = None if life is PlanLife.RUNNING else Result.UNKNOWN
    return HostPlan(
        plan=plan,
        operator=operator,
        life=life,
        progress=state.progress(result=unknown, reason=None if unknown is None else _REASONS.get(life)),
        uid=raw.uid,
        user=run[9] if len(run) > 9 else "",
        at=None if at is None else float(at),
        age=None if up is None else (now - up) / 100,
        took=state.took,
    )


def _life(state: PlanState, told: str) -> PlanLife:
    if state.result is not None:
        return PlanLife.ENDED
    return {"alive": PlanLife.RUNNING, "dead": PlanLife.ABANDONED}.get(told, PlanLife.UNKNOWN)


_REASONS = {
    PlanLife.ABANDONED: "its process is gone and left no result: what it began was neither checked nor undone",
    PlanLife.UNKNOWN: "this user cannot see whether its process still runs",
}
