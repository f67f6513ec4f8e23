"""What is told of plans that other consoles began: from a host's plans, and from the locks of other users."""

from __future__ import annotations

from dataclasses import replace

from console.core.plan import PlanProgress, Result, Step, StepResult, StepState
from console.remote.plan_inspect import HostPlan, HostView, PlanLife
from console.remote.plan_locks import LockHolder
from console.remote.plan_others import abandoned, others
from tests.remote.plans import change, make

PLAN = make(Step("restart api.service", change("systemctl", "restart", "api.service")), reason="incident 4711")
RUNS = HostPlan(
    PLAN,
    "ann@b2",
    PlanLife.RUNNING,
    PlanProgress(PLAN, steps=(StepResult("restart api.service", StepState.RUNNING),)),
    uid=0,
    user="root",
    age=12.0,
)
LOCK = LockHolder(
    "systemd-nginx", 30, over=False, uid=1002, plan="20261120-2", operator="bob@b3", user="bob", reason="deploy",
    kind="restart", target="w1/systemd:nginx.service",
)  # fmt: skip


def test_what_runs_is_told_first_then_what_was_left_and_then_what_ended() -> None:
    unknown = PlanProgress(PLAN, result=Result.UNKNOWN, reason="its process is gone")
    left = replace(RUNS, plan=replace(PLAN, id="20261120-0"), life=PlanLife.ABANDONED, progress=unknown)
    undone = PlanProgress(PLAN, result=Result.UNDONE, reason="api.service is flapping")
    ended = replace(RUNS, plan=replace(PLAN, id="20261120-9"), life=PlanLife.ENDED, progress=undone, took=8.5)
    runs, gone, old = others(HostView((ended, left, RUNS)))
    assert (old.life, old.result, old.end, old.took) == (PlanLife.ENDED, Result.UNDONE, "api.service is flapping", 8.5)
    assert [(one.id, one.life, one.result) for one in (runs, gone)] == [
        (PLAN.id, PlanLife.RUNNING, None), ("20261120-0", PlanLife.ABANDONED, None)
    ]  # fmt: skip
    assert (runs.kind, runs.target, runs.who, runs.age) == ("restart", "api.service", "root (as ann@b2)", 12.0)
    assert (runs.step, runs.reason) == ("restart api.service", "incident 4711")
    assert runs.commands == ("systemctl restart api.service",)
    assert gone.end == "its process is gone"


def test_of_another_users_plan_its_lock_tells_once() -> None:
    over = replace(LOCK, key="systemd-db", plan="20261120-3", over=True, gone=True)
    view = HostView((RUNS,), (LOCK, replace(LOCK, key="systemd-api"), over, replace(LOCK, plan=PLAN.id)))
    _, bobs, left = sorted(others(view), key=lambda one: one.id)
    assert (bobs.life, bobs.kind, bobs.target, bobs.who) == (
        PlanLife.RUNNING, "restart", "nginx.service", "bob (as bob@b3)",
    )  # fmt: skip
    assert (bobs.commands, bobs.end, bobs.age, bobs.reason) == ((), "", 30.0, "deploy")
    assert left.life is PlanLife.ABANDONED
    assert left.end == "its process is gone: the lock can be broken (hostdeck break-lock)"


def test_what_was_abandoned_is_told_until_a_later_plan_of_its_service_has_ended() -> None:
    unknown = PlanProgress(
        PLAN, steps=(StepResult("restart api.service", StepState.RUNNING),), result=Result.UNKNOWN, reason="gone"
    )
    left = replace(RUNS, life=PlanLife.ABANDONED, progress=unknown, at=100.0)
    (told,) = abandoned((left, replace(RUNS, at=200.0)))
    assert (told.id, told.kind, told.ref, told.who) == (PLAN.id, "restart", PLAN.target, "root (as ann@b2)")
    assert (told.at, told.step) == (100.0, "restart api.service")
    ended = replace(RUNS, life=PlanLife.ENDED, progress=PlanProgress(PLAN, result=Result.DONE), at=200.0)
    assert abandoned((left, ended)) == ()
    assert abandoned((left, replace(ended, at=50.0))) == (told,), "that was before"
    refused = replace(ended, progress=PlanProgress(PLAN, result=Result.REFUSED))
    assert abandoned((left, refused)) == (told,), "that has changed nothing"
    elsewhere = replace(ended, plan=replace(PLAN, target=replace(PLAN.target, name="b.service")))
    assert abandoned((left, elsewhere)) == (told,)
