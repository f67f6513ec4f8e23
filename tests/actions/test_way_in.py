"""The way by which the console is on a host is not stopped by it, whatever it is called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.actions import ActionSettings, plan, refusal
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint, ServiceRef, State
from console.core.snapshot import Identity, Snapshot
from console.core.way_in import is_own_way
from console.managers import MANAGERS
from tests.actions.hosts import ONCALL, listener, ref, service, snapshot

PORT = Endpoint("tcp", "0.0.0.0", 2222)
ROOT = replace(ONCALL, user="root", uid=0)
SSH = "ssh-mgmt.service"
ARRIVED = Endpoint("tcp", "10.0.0.5", 2222)
"""The fourth word of SSH_CONNECTION of a login through port 2222, and the third."""


def through(identity: Identity, **more: object) -> Snapshot:
    """A further sshd under a name of its own, whose port api.service wants."""
    pids = (80,) if identity.uid == 0 else ()
    unit = service(SSH, ports=(PORT,), **{"pids": (80,), **more})  # type: ignore[arg-type]
    held = replace(listener(SSH), port=2222, pids=pids, process="python3" if pids else None)
    return snapshot(service(state=State.FAILED, wants=(PORT,)), unit, listeners=(held,), identity=identity)


BY_PROCESS = replace(ROOT, session=(100, 90, 80))
BY_GROUP = replace(ROOT, session=(100, 90), cgroups=("/user.slice/session-1.scope", f"/system.slice/{SSH}"))
BY_PORT = replace(ONCALL, came_by=ARRIVED)
RELAYED = replace(ONCALL, came_by=Endpoint("tcp", "127.0.0.1", 22), relayed=True, dialled=2222)
"""It connected to a relay, of which the processes and the control group are hidden from this login."""
SENT_ON = replace(ONCALL, came_by=Endpoint("tcp", "10.0.0.5", 22), dialled=2222)
AT_ONE_PORT = replace(ONCALL, came_by=Endpoint("tcp", "127.0.0.1", 2222), relayed=True, dialled=2222)
BY_ANY_WAY = [BY_PROCESS, BY_GROUP, BY_PORT, RELAYED, SENT_ON, AT_ONE_PORT]


@pytest.mark.parametrize("identity", BY_ANY_WAY)
@pytest.mark.parametrize("kind", [ActionKind.FREE_PORT, ActionKind.STOP])
def test_it_is_not_stopped(identity: Identity, kind: ActionKind) -> None:
    intent = Intent(kind, ref("api.service"), PORT) if kind is ActionKind.FREE_PORT else Intent(kind, ref(SSH))
    assert "by which this console is here" in (refusal(intent, through(identity), managers=MANAGERS) or "")


@pytest.mark.parametrize("identity", BY_ANY_WAY)
def test_who_restarts_it_is_warned(identity: Identity) -> None:
    made = plan(
        Intent(ActionKind.RESTART, ref(SSH)),
        through(identity),
        managers=MANAGERS,
        settings=ActionSettings(),
        plan_id="1",
    )
    assert made.warnings[0].startswith(f"{SSH} is the way to this host: where it does not come up again")


@pytest.mark.parametrize(
    "identity",
    [
        ROOT,
        replace(ROOT, session=(100, 90, 81), cgroups=("/user.slice/session-1.scope", "/system.slice/ssh.service")),
        replace(ONCALL, came_by=Endpoint("tcp", "10.0.0.5", 22)),
        replace(ONCALL, came_by=Endpoint("tcp", "2001:db8::5", 2222)),
        replace(ONCALL, came_by=Endpoint("tcp", "2001:db8::5", 2222), dialled=2222),
        replace(ONCALL, came_by=Endpoint("tcp", "10.0.0.5", 22), dialled=22),
    ],
)
def test_who_came_by_another_way_may_stop_it(identity: Identity) -> None:
    free = Intent(ActionKind.FREE_PORT, ref("api.service"), PORT)
    assert refusal(free, through(identity), managers=MANAGERS) is None
    assert refusal(Intent(ActionKind.STOP, ref(SSH)), through(identity), managers=MANAGERS) is None


def test_what_was_begun_beside_the_console_may_be_stopped() -> None:
    """A pm2 that the same login started, say: it shares the control group of that session."""
    session = "/user.slice/user-1001.slice/session-1.scope"
    identity = replace(ONCALL, session=(100, 90), cgroups=(session,))
    app = replace(service("api"), ref=ServiceRef("web1", "pm2", "api"), cgroup=session, pids=(7,))
    assert not is_own_way(identity, app)
    assert is_own_way(identity, replace(app, pids=(90,)))


@pytest.mark.parametrize("name", ["tailscaled.service", "wg-quick@wg0.service", "openvpn-server@office.service"])
def test_a_private_network_may_be_the_way(name: str) -> None:
    where = snapshot(service(name))
    assert "the way to this host" in (refusal(Intent(ActionKind.STOP, ref(name)), where, managers=MANAGERS) or "")


def test_an_ssh_server_under_another_name_is_known_by_the_program_that_its_unit_runs() -> None:
    """The process is hidden from a login without root."""
    where = through(ONCALL, program="sshd")
    says = f"{SSH} is the way to this host: it is not stopped from here"
    free = Intent(ActionKind.FREE_PORT, ref("api.service"), PORT)
    assert refusal(free, where, managers=MANAGERS) == f"tcp 2222: {says}"
    assert refusal(Intent(ActionKind.STOP, ref(SSH)), where, managers=MANAGERS) == says
