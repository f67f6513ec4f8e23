"""Plans that end processes without a manager: what is looked at, in which order, and what is refused."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from dataclasses import replace

import pytest

from console.actions import ActionSettings, plan, refusal
from console.core.command import Effect
from console.core.network import Process
from console.core.plan import ActionKind, Intent, Plan
from console.core.service import Endpoint, ServiceRef, State
from console.core.snapshot import Identity, Snapshot
from console.managers import MANAGERS
from console.managers.process import PROCESS
from tests.actions.hosts import PORT, listener, ref, service, snapshot

ROOT = Identity("web1", "Debian", "6.1", "root", 0, systemd="252")
SETTINGS = ActionSettings(term_timeout=7.0)
NODE = ServiceRef("web1", "process", "4112")
HOSTILE = "a b';$(x)"


def process(pid: int = 4112, **more: object) -> Process:
    base = Process(pid, "node", 1, "deploy", "S", "node server.js", "/user.slice/user-1.slice/session-3.scope", 777)
    return replace(base, **more)  # type: ignore[arg-type]


def stray(*processes: Process, **more: object) -> Snapshot:
    """api.service wants 8080, which a process of somebody's session holds."""
    held = replace(
        listener("session-3.scope", pids=(4112,), process="node", user="deploy", inode=55),
        cgroup="/user.slice/user-1.slice/session-3.scope",
    )
    told = processes or (process(),)
    base = snapshot(service(state=State.FAILED, wants=(PORT,)), listeners=(held,), processes=told, identity=ROOT)
    return replace(base, **more)  # type: ignore[arg-type]


def made(intent: Intent, where: Snapshot) -> Plan:
    return plan(intent, where, managers=MANAGERS, settings=SETTINGS, plan_id="20261120-1")


FREE = Intent(ActionKind.FREE_PORT, ref("api.service"), PORT)


def test_it_is_compared_ended_awaited_and_only_then_is_the_service_started() -> None:
    found = made(FREE, stray())
    assert [step.name for step in found.steps] == [
        "end node (pid 4112)",
        "see node (pid 4112) end",
        "see tcp 8080 released by node (pid 4112)",
        "see that nobody took tcp 8080 meanwhile",
        "clear the failure of api.service",
        "start api.service",
    ]
    end = found.steps[0].command
    compared = ("4112", "777", "node (pid 4112)", "t", "8080", "tcp 8080", "55")
    assert end.argv[4:] == (*compared, "kill", "-TERM", "4112")
    assert end.told() == "kill -TERM 4112"
    assert found.steps[1].command.argv[4:] == ("4112", "777", "node (pid 4112)", "TERM", "7")
    effects = [step.command.effect for step in found.steps[:4]]
    assert effects == [Effect.CHANGE, Effect.READ, Effect.READ, Effect.READ]
    assert found.touches == (NODE,)
    assert found.irreversible is not None
    lost, left = found.irreversible.split("; ")
    assert lost.endswith("it is not started again: node server.js")
    # Nobody must get the port back: what had failed is not put down.
    assert left == "api.service had failed before: it is left as it is then, with its log"
    assert found.undo_order == ()
    assert found.warnings == ("node (pid 4112) runs in login session-3 of deploy: somebody may be at it",)
    assert [check.name for check in found.preflight][:2] == [
        "node (pid 4112) still holds tcp 8080",
        "note who is at tcp 8080",
    ]
    assert [(check.name, check.hold) for check in found.checks][-2:] == [
        ("tcp 8080 held by api.service", 10),
        ("nobody else comes to tcp 8080", 5),
    ]
    assert found.confirm is None


def test_only_the_step_that_waits_offers_to_kill_and_that_is_another_plan() -> None:
    offers = [step.otherwise for step in made(FREE, stray()).steps if step.otherwise is not None]
    assert offers == [Intent(ActionKind.KILL, NODE, PORT, then=ref("api.service"))]
    found = made(offers[0], stray())
    assert [check.name for check in found.preflight][:2] == [
        "SIGTERM was tried on node (pid 4112)",
        "node (pid 4112) still holds tcp 8080",
    ]
    assert found.commands[0] == "kill -KILL 4112"
    assert [step.name for step in found.steps][-2:] == ["clear the failure of api.service", "start api.service"]
    assert (found.kind, found.target, found.touches) == (ActionKind.KILL, NODE, (ref("api.service"),))
    assert found.confirm == "SIGKILL gives node (pid 4112) no time to save anything"
    assert not any(step.otherwise for step in found.steps)


def test_what_was_not_seen_at_the_port_is_not_killed_for_it_before_the_host_says_that_it_is_there() -> None:
    other = Endpoint("tcp", "*", 4444)
    found = made(Intent(ActionKind.KILL, NODE, other), stray())
    assert [check.name for check in found.preflight] == [
        "SIGTERM was tried on node (pid 4112)",
        "node (pid 4112) is the process that was seen",
        "node (pid 4112) has a socket at tcp 4444",
    ]


@pytest.mark.skipif(shutil.which("ss") is None, reason="needs ss")
def test_the_host_tells_whether_a_process_has_a_socket_at_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        told = {}
        for one in (port, 1):
            own = service(handle=(str(os.getpid()), "1"), description="py")
            own = replace(own, ref=ServiceRef("web1", "process", str(os.getpid())))
            argv = PROCESS.at_port(own, Endpoint("tcp", "*", one)).command.argv
            told[one] = subprocess.run(argv, capture_output=True, text=True, check=False)
    name = f"py (pid {os.getpid()})"
    assert (told[port].returncode, told[port].stdout) == (0, f"{name} has a socket at tcp {port}\n")
    assert (told[1].returncode, told[1].stdout) == (1, f"{name} has no socket at tcp 1: nothing was signalled\n")


def test_without_a_newcomer_it_is_only_ended() -> None:
    found = made(Intent(ActionKind.STOP, NODE, PORT), stray())
    assert [step.name for step in found.steps] == [
        "end node (pid 4112)",
        "see node (pid 4112) end",
        "see tcp 8080 released by node (pid 4112)",
    ]
    assert [check.name for check in found.checks] == ["nobody else comes to tcp 8080"]
    alone = made(Intent(ActionKind.STOP, NODE), stray())
    assert len(alone.steps) == 2
    assert alone.checks == ()


def test_a_service_is_stopped_before_what_cannot_be_started_again() -> None:
    legacy = service("legacy.service", ports=(PORT,), pids=(99,))
    where = stray()
    second = replace(listener(), pids=(99,), process="python3")
    where = replace(where, services=(*where.services, legacy), listeners=(*where.listeners, second))
    verbs = [step.name for step in made(FREE, where).steps if step.command.effect is Effect.CHANGE]
    assert verbs[:2] == ["stop legacy.service", "end node (pid 4112)"]


def test_of_an_orphan_its_unit_is_not_stopped() -> None:
    legacy = service("legacy.service", State.STOPPED, ports=(PORT,))
    held = replace(listener(), pids=(4112,), process="sleep", user="deploy")
    where = replace(stray(), listeners=(held,))
    where = replace(where, services=(*where.services, legacy))
    assert made(FREE, where).commands[0] == "kill -TERM 4112"
    hidden = replace(where, listeners=(replace(listener(), inode=55),))
    assert refusal(FREE, hidden, managers=MANAGERS) == (
        "tcp 8080: something that legacy.service (stopped) left in its control group holds it: "
        "only root or its user can name it"
    )


def test_what_did_not_run_before_is_not_started_by_an_undo() -> None:
    for state, starts in ((State.RUNNING, True), (State.STOPPED, False), (State.FAILED, False)):
        legacy = service("legacy.service", state, ports=(PORT,), pids=(4112,))
        where = snapshot(service(state=State.FAILED, wants=(PORT,)), legacy, listeners=(listener(pids=(4112,)),))
        [stop] = [step for step in made(FREE, where).steps if step.name == "stop legacy.service"]
        assert (stop.undo is not None) is starts


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (stray(process(name="sshd")), "the way to this host"),
        (stray(process(cgroup="/docker/0123456789ab")), "stop the container"),
        (stray(process(ppid=9), process(9, name="runsv", ppid=1)), "runsv (pid 9) runs node (pid 4112)"),
        (stray(identity=replace(ROOT, session=(4112, 35))), "the way by which this console is here"),
        (stray(processes=()), "was not looked at yet"),
    ],
)
@pytest.mark.parametrize("kind", [ActionKind.FREE_PORT, ActionKind.STOP, ActionKind.KILL])
def test_refused(kind: ActionKind, where: Snapshot, says: str) -> None:
    wanted = FREE if kind is ActionKind.FREE_PORT else Intent(kind, NODE, PORT)
    assert says in (refusal(wanted, where, managers=MANAGERS) or "")


def test_a_process_can_be_ended_and_nothing_else_and_no_service_is_killed() -> None:
    assert "can only be ended" in (refusal(Intent(ActionKind.RESTART, NODE), stray(), managers=MANAGERS) or "")
    why = refusal(Intent(ActionKind.KILL, ref("api.service")), stray(), managers=MANAGERS)
    assert why == "web1/systemd:api.service: only a process that no manager owns is killed; stop it"
    gone = refusal(Intent(ActionKind.STOP, replace(NODE, name="5")), stray(), managers=MANAGERS)
    assert gone == "web1/process:5: web1 has no such process"


def test_a_client_that_forwards_ports_is_ended_with_a_warning() -> None:
    found = made(FREE, stray(process(name="ssh")))
    assert any("maybe the way to other hosts" in warning for warning in found.warnings)


def test_what_another_user_runs_is_ended_through_sudo_by_a_line_that_can_be_written() -> None:
    where = stray(identity=Identity("web1", "Debian", "6.1", "oncall", 1001))
    [end] = [step.command for step in made(FREE, where).steps if step.name == "end node (pid 4112)"]
    assert end.through_sudo(root=False) == ("--", "kill", "-TERM", "4112")


def test_a_hostile_name_stays_one_word_and_no_part_of_a_script() -> None:
    found = made(FREE, stray(process(name=HOSTILE)))
    for command in (*(step.command for step in found.steps), *(check.command for check in found.preflight)):
        script, words = (command.argv[2], command.argv[3:]) if command.argv[0] == "sh" else ("", command.argv)
        assert HOSTILE not in script
        assert all(word == f"{HOSTILE} (pid 4112)" or HOSTILE not in word for word in words)


def test_who_keeps_a_port_by_connections_alone_is_stopped_and_the_connections_awaited() -> None:
    legacy = service("legacy.service", pids=(66,))
    where = snapshot(service(state=State.FAILED, wants=(PORT,)), legacy)
    found = made(replace(FREE, holder=ref("legacy.service"), sockets=(9, 10)), where)
    assert [step.name for step in found.steps] == [
        "stop legacy.service",
        "see no connection left at tcp 8080 (TIME-WAIT takes a minute)",
        "clear the failure of api.service",
        "start api.service",
    ]
    assert [check.name for check in found.preflight] == [
        "legacy.service still keeps tcp 8080",
        "note the present run of api.service",
    ]
    old = service("old.service", ports=(PORT,), pids=(98,))
    both = replace(where, services=(*where.services, old), listeners=(listener("old.service", pids=(98,)),))
    found = made(replace(FREE, holder=ref("legacy.service"), sockets=(9, 10)), both)
    assert [step.name for step in found.steps] == [
        "stop legacy.service",
        "stop old.service",
        "see tcp 8080 released by old.service",
        "see no connection left at tcp 8080 (TIME-WAIT takes a minute)",
        "clear the failure of api.service",
        "start api.service",
    ]
    assert [check.name for check in found.preflight][:2] == [
        "legacy.service still keeps tcp 8080",
        "old.service still holds tcp 8080",
    ]
    assert "tcp 8080 held by api.service" in [check.name for check in found.checks]
    gone = refusal(replace(FREE, holder=ref("gone.service")), where, managers=MANAGERS)
    assert gone == "tcp 8080: web1/systemd:gone.service is not seen any more"


def test_a_process_that_keeps_a_port_is_ended_only_with_its_socket_still_there() -> None:
    where = replace(stray(), listeners=())
    found = made(replace(FREE, holder=NODE, sockets=(55,), bound=True), where)
    assert [check.name for check in found.preflight][:2] == [
        "node (pid 4112) is the process that was seen",
        "node (pid 4112) still keeps tcp 8080",
    ]
    assert found.preflight[1].command.argv[4:] == ("t", "8080", "tcp 8080", "node (pid 4112)", "bound", "55")
