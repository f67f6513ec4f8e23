"""What is there, and of which nobody can say that it is well: never a reason to call all quiet."""

from dataclasses import replace
from pathlib import Path

import pytest

from console.actions import refusal
from console.core.finding import Severity
from console.core.plan import ActionKind, Intent
from console.core.service import Service, ServiceRef, State
from console.findings import blind, evaluate
from console.managers import MANAGERS, docker
from console.managers.containers import Container, unreadable
from console.managers.kubernetes import SURVEY
from console.managers.pidfile import SURVEY_PROBE
from tests.diagnosis.factories import HOST, snapshot, unit
from tests.managers.test_docker import made, told
from tests.probes.recorded import read

RECORDED = Path(__file__).parents[1] / "managers" / "recorded"


def contained(*containers: Container) -> tuple[Service, ...]:
    return tuple(replace(one, ref=replace(one.ref, host=HOST)) for one in docker.services([told(*containers)]))


def test_a_container_of_which_nobody_remembers_why_it_ended() -> None:
    services = contained(made(status="exited", exit_code=137, policy="no", pid=None))
    [found] = evaluate(snapshot(services=services))
    assert (found.code, found.severity) == ("state-unknown", Severity.WARNING)
    assert found.summary == "not known whether it is well: exited (137)"
    assert found.evidence[1] == "its engine does not remember whether somebody stopped it"
    assert [way.id for way in found.proposals] == ["start"]


def test_a_container_that_is_paused_does_nothing_as_one_that_a_signal_stopped() -> None:
    services = contained(made(status="paused"))
    [found] = evaluate(snapshot(services=services))
    assert (found.code, found.severity, found.service) == ("process-stopped", Severity.CRITICAL, services[0].ref)
    assert found.proposals[0].commands == ("docker unpause web",)


def test_a_container_of_which_its_engine_cannot_tell() -> None:
    services = contained(unreadable("ab12", "old", ValueError("dockerd: no such file")))
    [found] = evaluate(snapshot(services=services))
    assert found.summary == "not known whether it is well: not read: dockerd: no such file"


def test_a_workload_is_never_started_that_serves_in_part() -> None:
    """The undo of a start would scale it to 0."""
    told = SURVEY.parse(read(RECORDED / "kubernetes-viewer.txt").output).services
    service = next(replace(one, ref=replace(one.ref, host=HOST)) for one in told if one.state is State.UNKNOWN)
    where = snapshot(services=(service,))
    [found] = evaluate(where)
    assert [intent.kind for way in found.proposals for intent in way.intents] == [ActionKind.RESTART]
    for state in (State.UNKNOWN, State.STARTING):
        serves = replace(service, state=state, native_state="1/2 ready")
        why = refusal(Intent(ActionKind.START, service.ref), snapshot(services=(serves,)), managers=MANAGERS)
        assert why == f"{service.ref.name} is wanted already (1/2 ready): restart it"
        idle = snapshot(services=(replace(serves, native_state="0 wanted"),))
        assert refusal(Intent(ActionKind.START, service.ref), idle, managers=MANAGERS) is None


def test_many_that_are_so_for_one_reason_are_one_finding() -> None:
    many = [replace(made(status="exited", exit_code=143, policy="no"), name=f"job{each}") for each in range(4)]
    services = contained(*many)
    [found] = evaluate(snapshot(services=services))
    assert found.summary == "not known whether 4 services are well: job0, job1, job2 and 1 more"
    assert set(found.covers) == {one.ref for one in services}


def test_a_workload_of_which_the_pods_are_hidden_may_never_be_ready() -> None:
    told = SURVEY.parse(read(RECORDED / "kubernetes-viewer.txt").output).services
    services = tuple(replace(one, ref=replace(one.ref, host=HOST)) for one in told)
    [found] = evaluate(snapshot(services=services))
    assert found.code == "state-unknown"
    assert found.summary == "not known whether 3 services are well: shop/sts/db, mon/sts/store and shop/deploy/api"
    assert found.evidence[0] == "its pods are hidden from this user"


@pytest.mark.parametrize(
    ("condition", "state"),
    [
        ("True ReplicaSetUpdated", State.STARTING),
        ("True NewReplicaSetCreated", State.STARTING),
        ("False ProgressDeadlineExceeded", State.FAILED),
        ("True NewReplicaSetAvailable", State.UNKNOWN),
        ("Unknown DeploymentPaused", State.UNKNOWN),
    ],
)
def test_a_controller_says_only_of_a_rollout_that_goes_on_when_it_takes_too_long(condition: str, state: State) -> None:
    """Pods that crash after a rollout was complete change nothing of its condition."""
    text = read(RECORDED / "kubernetes-viewer.txt").output
    row = f">k Progressing {condition} 2026-11-27T23:36:17Z -"
    told = SURVEY.parse(text.replace(">w Deployment shop far", f"{row}\n>w Deployment shop far")).services
    assert {one.ref.name: one.state for one in told}["shop/deploy/api"] is state


def test_a_pid_file_that_this_login_may_not_read() -> None:
    told = SURVEY_PROBE.parse(read(RECORDED / "pidfile-oncall.txt").output)
    services = tuple(replace(one, ref=replace(one.ref, host=HOST)) for one in told)
    found = evaluate(snapshot(services=services))
    [closed] = [one for one in found if one.code == "state-unknown"]
    assert closed.summary == "not known whether it is well: pid file not readable"
    assert "this user may not read" in closed.evidence[1]


@pytest.mark.parametrize("manager", ["systemd", "pm2", "supervisord"])
def test_a_word_that_means_nothing_here(manager: str) -> None:
    odd = unit("odd", State.UNKNOWN, native_state="maintenance/maintenance", ref=ServiceRef(HOST, manager, "odd"))
    [found] = evaluate(snapshot(services=(odd,)))
    assert (found.code, found.subject) == ("state-unknown", f"{HOST}/{manager}:odd")


def test_what_only_files_tell_is_not_seen_with_the_reason() -> None:
    why = "may not use /run/supervisor.sock: join group supervisor"
    names = ("api", "web")
    services = tuple(
        unit(name, State.UNKNOWN, native_state="not told", ref=ServiceRef(HOST, "supervisord", name), tool_missing=why)
        for name in names
    )
    where = snapshot(services=services)
    assert evaluate(where) == ()
    assert blind(where) == (f"supervisord: api and web ({why})",)


def test_of_what_a_manager_left_alone_another_finding_tells() -> None:
    alone = unit("api", State.UNKNOWN, ref=ServiceRef(HOST, "pm2", "api", "user:ann"), adrift="nobody looks", ran=True)
    assert [one.code for one in evaluate(snapshot(services=(alone,)))] == ["manager-down"]
