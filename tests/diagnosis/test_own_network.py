"""A service whose unit gives it another network than the host's is judged in that one."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from console.actions import ActionSettings, plan
from console.core.network import Listener, Process
from console.core.plan import ActionKind, Intent, Result
from console.core.service import Endpoint, OwnNetwork, State
from console.core.snapshot import Snapshot
from console.diagnosis import VerdictWord, diagnose
from console.diagnosis.evidence import Evidence, Refusal
from console.diagnosis.questions import needed
from console.managers import MANAGERS
from console.managers.systemd_show import parse_show
from console.probes.namespaces import Namespace, Namespaces
from tests.lab import FreshHost, Host, Lab

from .acting import act
from .factories import failed, listener, snapshot, symptom, unit
from .real import why

JAIL = OwnNetwork("/run/netns/jail")
THERE = Listener("tcp", "0.0.0.0", 8080, pids=(50,))


def _host(network: OwnNetwork = JAIL) -> Snapshot:
    services = (failed(own_network=network), unit("legacy.service", pids=(4112,)), unit("other.service", pids=(50,)))
    return snapshot(services=services, listeners=(listener(),), symptoms=(symptom(),))


def _space(*processes: int, found: tuple[Listener, ...] = (THERE,), named: bool = True) -> Namespace:
    known = tuple(Process(pid, "python3", cgroup="/system.slice/other.service") for pid in processes)
    return Namespace(1, (), found, known, pids=processes, members=len(processes), named=named)


def _evidence(known: Namespaces | None, host: Snapshot | None = None) -> Evidence:
    host = host or _host()
    return Evidence(host, host.services[0].ref, namespaces=known, sockets=())


def test_who_holds_the_port_there_is_named_and_not_who_holds_it_on_the_host() -> None:
    verdict = diagnose(_evidence(Namespaces(spaces=(_space(50),))))
    assert verdict.verdict is VerdictWord.HELD
    assert [holder.name for holder in verdict.holders] == ["other.service"]
    best = verdict.actions[0]
    assert best.recommended
    assert [(one.kind, one.target.name) for one in best.intents] == [
        (ActionKind.STOP, "other.service"),
        (ActionKind.START, "api.service"),
    ]
    # What is free there the host does not tell.
    assert "move" not in {one.id for one in verdict.actions}


@pytest.mark.parametrize(
    ("known", "gap"),
    [
        (Namespaces(file="unseen"), "needs root"),
        (Namespaces(file="missing"), "/run/netns/jail is not there"),
        (None, "not asked yet"),
    ],
)
def test_where_its_network_is_not_seen_nobody_is_to_be_stopped(known: Namespaces | None, gap: str) -> None:
    verdict = diagnose(_evidence(known))
    assert verdict.verdict is VerdictWord.UNKNOWN
    assert not verdict.holders
    assert not any(one.recommended or one.id == "stop-holder" for one in verdict.actions)
    assert any(gap in one.why for one in verdict.not_checked)


def test_why_the_look_was_refused_is_told() -> None:
    evidence = replace(_evidence(None), refused=(Refusal("namespaces", "hidepid"),))
    assert any(one.why == "hidepid" for one in diagnose(evidence).not_checked)


def test_of_several_who_live_there_none_is_named_without_a_process() -> None:
    nobody = replace(THERE, pids=())
    verdict = diagnose(_evidence(Namespaces(spaces=(_space(50, 60, found=(nobody,)),))))
    # All are of one service.
    assert verdict.holders[0].name == "other.service"
    crowded = replace(_space(50, found=(nobody,)), members=9)
    verdict = diagnose(_evidence(Namespaces(spaces=(crowded,))))
    assert verdict.verdict is VerdictWord.HELD
    assert verdict.holders[0].ref is None
    assert not any(one.recommended for one in verdict.actions)


def test_the_file_of_the_hosts_own_network_is_the_host() -> None:
    verdict = diagnose(_evidence(Namespaces(file="own")))
    assert [holder.name for holder in verdict.holders] == ["legacy.service"]


def test_nobody_is_in_a_network_that_is_made_anew_at_each_start() -> None:
    private = OwnNetwork(shared_with=("other.service",))
    verdict = diagnose(_evidence(Namespaces(), _host(private)))
    assert verdict.verdict is VerdictWord.UNKNOWN
    assert "and yet tcp 8080 could not be bound there: it may clash with itself" in verdict.summary
    assert not any(one.recommended for one in verdict.actions)


def test_a_network_of_many_processes_of_which_not_all_were_looked_at_is_not_known() -> None:
    crowd = replace(_space(50, named=False), members=90)
    host = _host(OwnNetwork())
    running = replace(host, services=(replace(host.services[0], pids=(999,)), *host.services[1:]))
    verdict = diagnose(_evidence(Namespaces(spaces=(crowd,)), running))
    assert verdict.verdict is VerdictWord.UNKNOWN
    assert any("not all were looked at" in gap.why for gap in verdict.not_checked)


def test_the_network_of_a_unit_that_it_joins_is_looked_at() -> None:
    private = OwnNetwork(shared_with=("other.service",))
    host = _host(private)
    joined = replace(host, services=(*host.services[:2], replace(host.services[2], own_network=OwnNetwork())))
    verdict = diagnose(_evidence(Namespaces(spaces=(_space(50, named=False),)), joined))
    assert [holder.name for holder in verdict.holders] == ["other.service"]


def test_what_is_run_by_a_unit_in_a_network_of_its_own_is_there_too() -> None:
    host = _host()
    app = replace(
        failed(name="app"), ref=replace(host.services[0].ref, manager="pm2", name="app"),
        wants=(Endpoint("tcp", "*", 8080),), chain=("systemd", "pm2.service", "pm2", "app"),
    )  # fmt: skip
    keeper = unit("pm2.service", own_network=JAIL)
    inside = replace(host, services=(app, keeper, *host.services[1:]), symptoms=())
    assert diagnose(_evidence(Namespaces(file="unseen"), inside)).verdict is VerdictWord.UNKNOWN


def test_a_program_that_enters_another_network_by_itself_is_not_judged_on_the_host() -> None:
    host = _host()
    entered = replace(host, services=(failed(program="ip"), *host.services[1:]))
    verdict = diagnose(_evidence(Namespaces(), entered))
    assert verdict.verdict is VerdictWord.UNKNOWN
    assert not any(one.recommended for one in verdict.actions)


def test_the_socket_that_a_socket_unit_made_is_of_the_host() -> None:
    trigger = unit("api.socket", State.FAILED, wants=(Endpoint("tcp", "0.0.0.0", 8080),))
    service = failed(own_network=OwnNetwork(), triggered_by=("api.socket",))
    host = snapshot(services=(service, trigger, unit("legacy.service", pids=(4112,))), listeners=(listener(),))
    assert host.network_of(service, Endpoint("tcp", "0.0.0.0", 8080)) is None
    assert host.network_of(service, Endpoint("tcp", "0.0.0.0", 9090)) == OwnNetwork()


def test_its_log_does_not_speak_of_the_port_of_the_host() -> None:
    host = _host()
    verdict = diagnose(Evidence(host, Endpoint("tcp", "*", 8080), namespaces=Namespaces(), sockets=()))
    assert verdict.service is None
    assert not any(one.recommended for one in verdict.actions)


def test_the_file_is_asked_for_with_the_networks() -> None:
    asked = {one.probe: one.args for one in needed(_evidence(None))}
    assert asked["namespaces"] == ("/run/netns/jail",)


def test_that_it_has_its_port_there_is_not_checked_on_the_host() -> None:
    service = unit("api.service", own_network=JAIL, wants=(Endpoint("tcp", "*", 8080),))
    again = Intent(ActionKind.RESTART, service.ref)
    host = snapshot(services=(service,))
    made = plan(again, host, managers=MANAGERS, settings=ActionSettings(), plan_id="p1")
    check = next(check for check in made.checks if check.name == "tcp 8080 held by api.service")
    done = subprocess.run(check.command.argv, capture_output=True, text=True, check=False)
    assert done.returncode == 77
    assert "in a network of its own (NetworkNamespacePath=/run/netns/jail)" in done.stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("PrivateNetwork=no\nNetworkNamespacePath=/run/netns/jail", JAIL),
        ("PrivateNetwork=yes\nJoinsNamespaceOf=b.service", OwnNetwork(None, ("b.service",))),
        ("PrivateNetwork=no\nNetworkNamespacePath=\nJoinsNamespaceOf=b.service", None),
        ("", None),
    ],
)
def test_the_definition_of_a_unit_tells_its_network(words: str, found: OwnNetwork | None) -> None:
    text = f"scope system\nup 1\nId=a.service\nActiveState=active\nSubState=running\n{words}"
    assert parse_show(text)[0].own_network == found


def _installed(lab: Lab, fresh_host: FreshHost) -> Host:
    host = fresh_host()
    host.sh("ip netns add jail; ip -n jail link set lo up")
    own = "NetworkNamespacePath=/run/netns/jail"
    for name, extra in (("legacy", ""), ("other", own)):
        host.install_api(name=name, unit_extra=extra)
    host.wait("ss -Hltn 'sport = :8080' | grep -q . && ip netns exec jail ss -Hltn 'sport = :8080' | grep -q .")
    host.write("/etc/systemd/system/later.service.d/net.conf", f"[Service]\n{own}\n")
    host.install_api(name="later", start=False)
    host.install_api(unit_extra=own)
    host.wait("systemctl is-failed --quiet api.service", timeout=30)
    return host


def test_on_a_host_the_one_in_its_way_is_stopped_and_the_innocent_runs_on(
    lab: Lab, fresh_host: FreshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    host = _installed(lab, fresh_host)
    for user in ("oncall", "nosudo"):
        verdict = why(lab, host, ["/api"], user)[0]
        assert verdict.verdict is VerdictWord.UNKNOWN
        assert not any(one.recommended or one.id == "stop-holder" for one in verdict.actions)
    acted = act(lab, host, "/api")
    later = next(one for one in acted.after.services if one.ref.name == "later.service")
    # Of a unit that is not loaded only its files tell, and what changes those.
    assert (later.user, later.own_network) == (None, JAIL)
    assert [holder.name for holder in acted.verdict.holders] == ["other.service"]
    assert (acted.last.result, acted.last.reason) == (Result.DONE, None), acted.last
    states = host.run(["systemctl", "is-active", "legacy", "other", "api"], check=False).stdout.split()
    assert states == ["active", "inactive", "active"]
    verdict = why(lab, host, ["/api"])[0]
    assert verdict.fine
    assert verdict.holders[0].name == "api.service"
