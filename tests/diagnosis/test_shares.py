"""A socket that several have: who inherited it in another control group, and what a stop of its service spares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from console.actions import ActionSettings, plan
from console.core.network import Listener, Process
from console.core.plan import ActionKind, Intent, Result
from console.core.service import Endpoint, Service, ServiceRef, State
from console.core.snapshot import Snapshot
from console.core.stop_way import StopWay
from console.diagnosis import VerdictWord, diagnose
from console.diagnosis.evidence import Evidence
from console.managers import MANAGERS, shares
from console.managers.systemd_show import parse_show
from console.managers.unlisted import strangers
from tests.lab import FreshHost, Host, Lab

from .acting import act, kill
from .factories import failed, listener, snapshot, symptom, unit
from .real import why

SCOPE = "/system.slice/run-r1.scope"
SPARES = StopWay("SIGTERM", 90.0, spares="KillMode=process")


def _host(cgroup: str, found: Listener | None = None, **changes: object) -> Snapshot:
    """legacy.service runs python3 (4112), and a ``sleep`` (4113) in a control group has its socket too."""
    legacy = replace(unit("legacy.service", pids=(4112,)), **changes)  # type: ignore[arg-type]
    socket = found or replace(listener(), pids=(4113, 4112), process="sleep")
    processes = (
        Process(4112, "python3", 1, "deploy", cgroup=legacy.cgroup, started=10),
        Process(4113, "sleep", 4112, "deploy", cgroup=cgroup, started=11),
    )
    services = (failed(), legacy)
    return snapshot(services=services, listeners=(socket,), symptoms=(symptom(),), processes=processes)


def _evidence(host: Snapshot) -> Evidence:
    return Evidence(host, host.services[0].ref, processes=host.processes, sockets=())


def test_who_inherited_the_socket_in_another_control_group_is_a_holder_of_its_own() -> None:
    verdict = diagnose(_evidence(_host(SCOPE)))
    assert [(one.name, one.pid, one.strays) for one in verdict.holders] == [
        ("legacy.service", 4112, ()),
        ("sleep (pid 4113)", 4113, (4113,)),
    ]
    assert verdict.actions[0].label == "stop legacy.service, end sleep (pid 4113), then start api.service"
    assert verdict.actions[0].recommended


def test_where_one_of_them_stays_nothing_is_advised() -> None:
    container = "a" * 64
    verdict = diagnose(_evidence(_host(f"/system.slice/docker-{container}.scope")))
    assert {one.name for one in verdict.holders} == {"legacy.service", f"container {container[:12]}"}
    stop = next(one for one in verdict.actions if one.id == "stop-holder" and one.intents)
    assert not stop.recommended
    assert stop.label == f"stop legacy.service: does not free tcp 8080, container {container[:12]} has it too"


def test_two_services_that_have_it_are_both_stopped() -> None:
    host = _host("/system.slice/other.service")
    verdict = diagnose(_evidence(replace(host, services=(*host.services, unit("other.service", pids=(50,))))))
    assert verdict.actions[0].label == "stop legacy.service and other.service, then start api.service"


def test_a_worker_of_the_service_is_no_other_holder() -> None:
    for group in ("/system.slice/legacy.service", "/system.slice/legacy.service/worker"):
        host = _host(group)
        assert shares.parts(host, host.listeners[0]) == host.listeners
    assert diagnose(_evidence(host)).actions[0].recommended


def test_of_an_unseen_process_it_is_not_known_where_it_is() -> None:
    host = replace(_host(SCOPE), processes=())
    assert shares.parts(host, host.listeners[0]) == host.listeners
    # So it is looked at before any plan is made.
    assert strangers(host) == (4113,)


def test_what_a_socket_unit_started_has_its_socket_by_right() -> None:
    trigger = unit("legacy.socket", wants=(Endpoint("tcp", "0.0.0.0", 8080),))
    socket = replace(listener(), pids=(1, 4112), unit="legacy.socket", cgroup="/system.slice/legacy.socket")
    host = _host(SCOPE, socket, triggered_by=("legacy.socket",))
    host = replace(host, services=(*host.services, trigger))
    assert shares.parts(host, socket) == (socket,)


@pytest.mark.parametrize("pids", [(4113, 4112), ()])
def test_a_stop_that_spares_what_the_unit_started_is_not_advised(pids: tuple[int, ...]) -> None:
    socket = replace(listener(), pids=pids)
    verdict = diagnose(_evidence(_host("/system.slice/legacy.service", socket, stop_way=SPARES)))
    assert verdict.verdict is VerdictWord.HELD
    assert not any(one.recommended for one in verdict.actions)
    gap = next(one for one in verdict.not_checked if one.what == "whether a stop of legacy.service frees tcp 8080")
    assert gap.why.endswith("not ended (KillMode=process)")
    assert ("sleep (pid 4113)" in gap.why) is bool(pids)


def test_a_stop_that_spares_nothing_that_has_the_port_is_advised() -> None:
    host = _host("/system.slice/legacy.service", replace(listener(), pids=(4112,)), stop_way=SPARES)
    assert diagnose(_evidence(host)).actions[0].recommended


@pytest.mark.parametrize(("tasks", "warned"), [(2, True), (None, True), (1, False)])
def test_of_a_stop_it_is_told_what_it_spares(tasks: int | None, warned: bool) -> None:
    service = unit("legacy.service", pids=(4112,), stop_way=SPARES, tasks=tasks)
    made = plan(
        Intent(ActionKind.STOP, service.ref), snapshot(services=(service,)), managers=MANAGERS,
        settings=ActionSettings(), plan_id="p1",
    )  # fmt: skip
    assert any("has KillMode=process" in word for word in made.warnings) is warned


@pytest.mark.parametrize(("mode", "spares"), [("process", True), ("none", True), ("mixed", False), ("", False)])
def test_the_kill_mode_of_a_unit_tells_what_a_stop_spares(mode: str, spares: bool) -> None:
    words = f"TimeoutStopUSec=1min 30s\nKillSignal=15\nSendSIGKILL=yes\nKillMode={mode}"
    service: Service = parse_show(f"scope system\nup 1\nId=a.service\nActiveState=active\nSubState=running\n{words}")[0]
    assert service.stop_way is not None
    assert (service.stop_way.spares is not None) is spares
    assert service.stop_way.words == "SIGTERM, then SIGKILL after 90 s"
    assert service.state is State.RUNNING


HOLD = """\
import socket, subprocess, sys
made = socket.socket()
made.bind(("0.0.0.0", 8080))
made.listen(16)
made.set_inheritable(True)
subprocess.Popen(sys.argv[1:], close_fds=False, start_new_session=True)
while True:
    made.accept()[0].close()
"""


@pytest.fixture
def shared(fresh_host: FreshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Host]:
    """A host on which share.service has the port with a ``sleep`` that it started by some words."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def make(words: str, extra: str) -> Host:
        host = fresh_host()
        host.write("/usr/local/lib/lab/share.py", HOLD)
        command = f"/usr/bin/python3 /usr/local/lib/lab/share.py {words}"
        host.unit("share.service", f"[Service]\nExecStart={command}\n{extra}\n")
        host.wait("ss -Hltnp 'sport = :8080' | grep sleep | grep -q python3")
        host.install_api()
        host.wait("systemctl is-failed --quiet api.service", timeout=30)
        return host

    return make


def test_on_a_host_all_who_have_the_socket_are_ended(lab: Lab, shared: Callable[[str, str], Host]) -> None:
    host = shared("systemd-run --scope --quiet sleep 100000", "")
    acted = act(lab, host, "/api")
    assert {one.process for one in acted.verdict.holders} == {"python3", "sleep"}
    assert acted.way.label.startswith("stop share.service, end sleep (pid ")
    assert (acted.last.result, acted.last.reason) == (Result.DONE, None), acted.last
    assert host.run(["systemctl", "is-active", "share", "api"], check=False).stdout.split() == ["inactive", "active"]


def test_on_a_host_what_a_stop_spares_is_no_proof_that_its_service_is_back(
    lab: Lab, shared: Callable[[str, str], Host]
) -> None:
    host = shared("sleep 100000", "KillMode=process")
    verdict = why(lab, host, ["/api"])[0]
    assert not any(one.recommended for one in verdict.actions)
    place = Endpoint("tcp", "0.0.0.0", 8080)
    last = kill(lab, host, Intent(ActionKind.FREE_PORT, ServiceRef(host.name, "systemd", "api.service"), place))
    assert last.result is Result.FAILED, last
    undone = next(one for one in last.undo if "see tcp 8080 released" in one.name)
    assert "share.service does not have it anew" in undone.output
