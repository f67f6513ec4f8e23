"""Services of one name under several managers: each is another one."""

from dataclasses import replace
from functools import partial

import pytest

from console.cli.planning import commands_of, make_plan
from console.config.model import Config
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Snapshot
from console.diagnosis import Evidence, Verdict, VerdictWord, diagnose
from console.remote.transport import HostSpec
from tests.diagnosis.factories import HOST, failed, hidden, identity, listener, process, ref, snapshot, symptom, unit

PORT = Endpoint("tcp", "0.0.0.0", 8080)
SPEC = HostSpec(HOST, HOST)
USERS = "/user.slice/user-1000.slice/user@1000.service/app.slice/api.service"
ALICE = ref("api.service", "user:alice")
OF_ALICE = listener(uid=1000, user="alice", unit="api.service", cgroup=USERS)
AS_ALICE = ("runuser", "-u", "alice", "--", "systemctl", "--user")


def verdict_on(seen: Snapshot, target: ServiceRef) -> Verdict:
    evidence = Evidence(seen, target, processes=(process(),), sockets=())
    return diagnose(evidence, partial(commands_of, Config(), SPEC, seen))


def steps(seen: Snapshot, target: ServiceRef) -> list[str]:
    plan, why = make_plan(Config(), SPEC, Intent(ActionKind.FREE_PORT, target, PORT), seen, None)
    assert plan is not None, why
    return [step.name for step in plan.steps]


@pytest.mark.parametrize("seen", [OF_ALICE, hidden(OF_ALICE)])
def test_a_users_unit_is_not_the_system_unit_of_the_same_name(seen: object) -> None:
    assert isinstance(seen, type(OF_ALICE))
    verdict = verdict_on(snapshot(services=(failed(),), listeners=(seen,), symptoms=(symptom(),)), ref())
    assert verdict.verdict is VerdictWord.HELD
    assert verdict.summary == "tcp 8080 is held by api.service of alice"
    assert verdict.holders[0].ref == ALICE
    assert [way.id for way in verdict.actions] == ["stop-holder", "move"]


def test_a_users_unit_is_stopped_for_the_system_unit_of_the_same_name() -> None:
    seen = snapshot(
        identity=identity(tools=frozenset({"runuser"})), services=(failed(),), listeners=(OF_ALICE,),
        symptoms=(symptom(),),
    )  # fmt: skip
    stop = verdict_on(seen, ref()).actions[0]
    assert (stop.label, stop.recommended) == ("stop api.service of alice, then start api.service", True)
    assert stop.commands[0].endswith("systemctl --user stop api.service")
    assert stop.commands[1:] == ("systemctl reset-failed api.service", "systemctl start api.service")
    assert steps(seen, ref())[:2] == ["stop api.service of alice", "see tcp 8080 released by api.service of alice"]


def test_the_system_unit_is_stopped_for_a_users_unit_of_the_same_name() -> None:
    system = unit("api.service", pids=(4112,), ports=(PORT,))
    users = failed(scope="user:alice", tool=AS_ALICE)
    seen = snapshot(
        services=(system, users),
        listeners=(listener(unit="api.service", cgroup="/system.slice/api.service"),),
        symptoms=(replace(symptom(), ref=ALICE),),
    )
    stop = verdict_on(seen, ALICE).actions[0]
    assert stop.label == "stop api.service, then start api.service of alice"
    assert stop.commands[0] == "systemctl stop api.service"
    assert steps(seen, ALICE)[0] == "stop api.service"


def test_a_socket_unit_of_a_user_starts_no_system_unit() -> None:
    api = failed(triggered_by=("api.socket",))
    assert api.is_triggered_by(ref("api.socket"))
    assert not api.is_triggered_by(ref("api.socket", "user:alice"))
    of_alice = replace(OF_ALICE, unit="api.socket", cgroup=USERS.replace(".service", ".socket"))
    verdict = verdict_on(snapshot(services=(api,), listeners=(of_alice,), symptoms=(symptom(),)), ref())
    assert verdict.verdict is VerdictWord.HELD


def test_an_app_of_pm2_is_stopped_for_a_program_of_the_same_name() -> None:
    program = Service(ServiceRef(HOST, "supervisord", "api"), State.FAILED, "FATAL", chain=("supervisord", "api"))
    app = Service(
        ServiceRef(HOST, "pm2", "api"), State.RUNNING, "online", pids=(4112,), ports=(PORT,), chain=("pm2", "api")
    )
    seen = snapshot(
        services=(program, app),
        listeners=(listener(unit="pm2-deploy.service", cgroup="/system.slice/pm2-deploy.service", process="node"),),
        symptoms=(replace(symptom(), ref=program.ref),),
    )
    verdict = verdict_on(seen, program.ref)
    stop = verdict.actions[0]
    assert verdict.summary == "tcp 8080 is held by api (pm2)"
    assert (stop.label, stop.reason_off) == ("stop api (pm2), then start api (supervisord)", None)
    assert stop.commands == ("pm2 stop api", "supervisorctl start api")
    assert steps(seen, program.ref) == [
        "stop api (pm2)", "see tcp 8080 released by api (pm2)", "see what runs of api before its start", "start api",
    ]  # fmt: skip
