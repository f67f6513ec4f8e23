"""Services of one manager that share its control group: the port of one is not the port of the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.core.service import Endpoint, Service, ServiceRef, State
from console.diagnosis import VerdictWord, diagnose
from console.diagnosis.evidence import Evidence
from console.diagnosis.verdict import Verdict
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.redirects import Redirects
from tests.diagnosis.factories import HOST, NOW, hidden, identity, listener, snapshot, symptom, unit

PORT = Endpoint("tcp", "0.0.0.0", 8080)
MANAGERS = [
    ("supervisord", "system", "/system.slice/supervisor.service"),
    ("pm2", "user:deploy", "/system.slice/pm2-deploy.service"),
    ("pidfile", "system", "/user.slice/user-1001.slice/session-3.scope"),
]


def seen(manager: str, scope: str, cgroup: str, state: State, *, said: bool, root: bool = True) -> Verdict:
    """The newcomer lives and wants what the other has."""
    above = cgroup.rpartition("/")[2]

    def one(name: str, state: State, pid: int, **changes: object) -> Service:
        made = Service(ServiceRef(HOST, manager, name, scope), state, "", chain=("systemd", above, manager, name))
        return replace(made, pids=(pid,), cgroup=cgroup, since=NOW - 30.0, **changes)  # type: ignore[arg-type]

    old = one("old", State.RUNNING, 300, ports=(PORT,) if root else ())
    new = one("new", state, 200, wants=(Endpoint("tcp", "*", 8080),), restarts=3)
    units = (unit(above, pids=(100,)),) if above.endswith(".service") else ()
    held = listener(unit=above, cgroup=cgroup, pids=(300,))
    told = snapshot(
        services=(*units, old, new),
        listeners=(held if root else hidden(held),),
        symptoms=(replace(symptom(), ref=new.ref, at=NOW - 2.0),) if said else (),
        identity=identity(0 if root else 1001),
    )
    return diagnose(
        Evidence(
            told, new.ref, sockets=(), bound=(), limits=PortLimits(), namespaces=Namespaces(),
            redirects=Redirects(("nft",)), processes=(),
        )
    )  # fmt: skip


@pytest.mark.parametrize(("manager", "scope", "cgroup"), MANAGERS)
@pytest.mark.parametrize(
    ("state", "said"), [(State.RUNNING, False), (State.RUNNING, True), (State.STARTING, True), (State.FLAPPING, True)]
)
def test_the_other_of_one_manager_holds_the_port(
    manager: str, scope: str, cgroup: str, state: State, *, said: bool
) -> None:
    verdict = seen(manager, scope, cgroup, state, said=said)
    assert (verdict.verdict, verdict.summary) == (VerdictWord.HELD, "tcp 8080 is held by old")
    assert verdict.actions[0].label in ("stop old, then start new", "stop old, then restart new")


@pytest.mark.parametrize("state", [State.RUNNING, State.FLAPPING])
def test_whose_process_is_hidden_may_be_of_the_other(state: State) -> None:
    verdict = seen(*MANAGERS[1], state, said=True, root=False)
    assert verdict.summary == "tcp 8080 is held by a program of pm2-deploy.service"
    assert not any(way.intents for way in verdict.actions)
