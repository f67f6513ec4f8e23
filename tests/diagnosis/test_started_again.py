"""Holders that something starts again although their manager was told to stop them."""

from dataclasses import replace

import pytest

from console.core.declaration import Declaration, Declared
from console.core.service import Endpoint, Service, ServiceRef, State
from console.diagnosis import Verdict, as_text, diagnose
from console.diagnosis.evidence import Evidence

from .factories import HOST, failed, identity, listener, ref, snapshot, symptom, unit

JOB = unit("legacy.service", pids=(4112,), starters=())


def look(*services: Service, **changes: object) -> Verdict:
    made = snapshot(services=(failed(), *services), listeners=(listener(),), symptoms=(symptom(),), **changes)
    return diagnose(Evidence(made, ref(), processes=()))


def line(verdict: Verdict, name: str) -> str:
    return next(text for text in as_text(verdict) if text.startswith(name)).removeprefix(name).strip()


@pytest.mark.parametrize(
    ("starter", "respawn"),
    [
        ("legacy.path", "systemd legacy.path"),
        ("legacy.socket", "systemd socket activation by legacy.socket"),
    ],
)
def test_an_active_trigger_starts_it_again_and_is_stopped_first(starter: str, respawn: str) -> None:
    verdict = look(replace(JOB, triggered_by=(starter, "idle.timer"), starters=(starter,)))
    assert verdict.holders[0].respawn == respawn
    assert line(verdict, "RESPAWN").startswith(f"yes, {respawn}: killing 4112 will NOT")
    assert verdict.actions[0].label == f"stop {starter} and legacy.service, then start api.service"
    assert verdict.actions[0].recommended


def test_a_timer_starts_it_again_when_it_is_due_and_hides_no_policy() -> None:
    timed = replace(JOB, triggered_by=("legacy.timer",), starters=("legacy.timer",))
    verdict = look(timed)
    assert line(verdict, "RESPAWN") == "not at once, but when it is due (systemd legacy.timer)"
    assert verdict.actions[0].label == "stop legacy.timer and legacy.service, then start api.service"
    always = look(replace(timed, restart_policy="always"))
    assert line(always, "RESPAWN").startswith("yes, systemd Restart=always: killing 4112 will NOT")


def test_a_trigger_that_is_not_active_starts_nothing() -> None:
    verdict = look(replace(JOB, triggered_by=("legacy.timer", "legacy.socket")))
    assert line(verdict, "RESPAWN") == "none known: it stays down when it is stopped"
    assert verdict.actions[0].label == "stop legacy.service, then start api.service"


def test_what_upholds_it_is_stopped_with_it_or_told() -> None:
    upheld = replace(JOB, starters=("beta.service",), restart_policy="on-failure")
    verdict = look(upheld, unit("beta.service"))
    assert line(verdict, "RESPAWN") == "yes, systemd Upholds= of beta.service: killing 4112 will NOT free it"
    assert verdict.actions[0].label == "stop beta.service and legacy.service, then start api.service"
    verdict = look(replace(upheld, starters=("multi-user.target",)))
    assert not any(way.recommended for way in verdict.actions)
    assert verdict.actions[0].reason_off == (
        "by hand: multi-user.target starts legacy.service again, and it is not stopped for a port"
    )


def test_what_its_manager_did_not_tell_is_not_called_none() -> None:
    """A unit of the user's own manager is seen by its control group alone."""
    group = "/user.slice/user-1000.slice/user@1000.service/app.slice/u.service"
    theirs = listener(unit="u.service", cgroup=group, pids=(), process=None, uid=1000, user="alice")
    made = snapshot(services=(failed(),), listeners=(theirs,), symptoms=(symptom(),), identity=identity(1001))
    verdict = diagnose(Evidence(made, ref(), processes=()))
    assert line(verdict, "RESPAWN") == "not known: its manager did not tell"
    assert "restart policy of u.service" in [gap.what for gap in verdict.not_checked]


def test_a_container_is_stopped_by_the_unit_that_runs_it() -> None:
    shop = unit("shop.service", pids=(60,), restart_policy="always", starters=())
    chain = ("systemd", "shop.service", "docker", "shop")
    web = Service(ServiceRef(HOST, "docker", "shop"), State.RUNNING, "running", pids=(70,), members=("shop",),
                  ports=(Endpoint("tcp", "0.0.0.0", 8080),), chain=chain)  # fmt: skip
    proxy = listener(process="docker-proxy", unit="docker.service", cgroup="/system.slice/docker.service", uid=0)
    made = snapshot(services=(failed(), shop, web), listeners=(proxy,), symptoms=(symptom(),))
    verdict = diagnose(Evidence(made, ref(), processes=()))
    assert line(verdict, "RESPAWN") == "yes, systemd Restart=always; never kill docker-proxy"
    assert verdict.actions[0].label == "stop shop.service and shop, then start api.service"
    # The unit decides where it does; else what the engine was told.
    made = replace(made, services=(failed(), replace(shop, restart_policy=None), web))
    verdict = diagnose(Evidence(made, ref(), processes=()))
    assert line(verdict, "RESPAWN").startswith("none: it stays down when it is stopped")


def test_a_hidden_container_is_not_stopped_past_the_unit_that_seems_to_run_it() -> None:
    shop = unit("shop.service", pids=(60,), program="docker", starters=())
    where = Declaration("shop.service", Endpoint("tcp", "*", 8080), "/etc/systemd/system/shop.service:2", "systemd")
    proxy = listener(process="docker-proxy", unit="docker.service", cgroup="/system.slice/docker.service", uid=0)
    made = snapshot(services=(failed(), shop), listeners=(proxy,), symptoms=(symptom(),), identity=identity(1001),
                    declared=Declared((where,)))  # fmt: skip
    [way, *_] = diagnose(Evidence(made, ref(), processes=())).actions
    assert way.label == "stop shop.service, which seems to run that container"
    assert (way.intents, way.commands) == ((), ("systemctl stop -- shop.service",))
    for other in (replace(shop, program="python3"), replace(shop, pids=())):
        [way, *_] = diagnose(Evidence(replace(made, services=(failed(), other)), ref(), processes=())).actions
        assert way.id == "find-container"
