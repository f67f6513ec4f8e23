"""Scenarios: what is seen, and the verdict that must come of it."""

from dataclasses import replace
from typing import Any

import pytest

from console.core.command import Command
from console.core.finding import Proposal
from console.core.launch import Launch
from console.core.network import Listener
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint, ServiceRef, State
from console.core.snapshot import Link, LinkState, Source
from console.diagnosis import Confidence, Declaration, Evidence, Refusal, Verdict, VerdictWord, diagnose, needed
from console.diagnosis.evidence import Question
from console.diagnosis.holder_words import after_a_kill
from console.diagnosis.ports import next_port
from console.diagnosis.strays import LEFT
from console.managers.kubernetes_ports import ClusterPorts, HostPort, NodePod, NodePort
from console.probes.addresses import HostAddress
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.redirects import Redirect, Redirects

from .factories import (
    NOW,
    failed,
    hidden,
    identity,
    listener,
    log,
    process,
    ref,
    sample,
    snapshot,
    socket,
    symptom,
    unit,
)

LEGACY = unit("legacy.service", pids=(4112,), restart_policy="always", enabled="enabled")
PORT = Endpoint("tcp", "*", 8080)


def look(*listeners: Listener, services: tuple[Any, ...] = (), **changes: Any) -> Evidence:
    """``api.service`` failed with EADDRINUSE on 0.0.0.0:8080; all looks were taken."""
    made = snapshot(services=services or (failed(), LEGACY), listeners=listeners, symptoms=(symptom(),))
    evidence = Evidence(
        made, ref(), processes=(process(),), sockets=(), bound=(), limits=PortLimits(), addresses=(),
        namespaces=Namespaces(), redirects=Redirects(), launch=Launch(),
    )  # fmt: skip
    snap = {name: changes.pop(name) for name in tuple(changes) if name in {"symptoms", "identity", "sample", "sources"}}
    return replace(evidence, snapshot=replace(made, **snap), **changes)


def kinds(proposal: Proposal) -> list[tuple[str, str]]:
    return [(intent.kind.value, intent.target.name) for intent in proposal.intents]


def gaps(verdict: Verdict) -> dict[str, str]:
    return {gap.what: gap.why for gap in verdict.not_checked}


def action(verdict: Verdict, name: str) -> Proposal | None:
    return next((one for one in verdict.actions if one.id == name), None)


# 1 another systemd service holds it


def test_a_unit_that_has_ended_is_not_stopped_for_what_it_left_behind() -> None:
    ended = unit("legacy.service", State.STOPPED)
    verdict = diagnose(look(hidden(listener()), services=(failed(), ended), identity=identity(1001), processes=None))
    assert (verdict.verdict, verdict.holders[0].name) == (VerdictWord.HELD, "legacy.service")
    assert after_a_kill(verdict.holders[0]) == "not known"
    assert verdict.holders[0].note == LEFT
    assert not any(one.intents or one.recommended for one in verdict.actions)
    assert verdict.actions[0].reason_off == f"by hand: {LEFT}"


def test_a_unit_that_runs_jobs_of_others_is_not_stopped_for_one_that_is_hidden() -> None:
    cron = unit("cron.service", pids=(39,), user="root", restart_policy="on-failure", since=NOW - 300)
    job = hidden(listener(unit="cron.service", cgroup="/system.slice/cron.service", uid=1001, user="oncall"))
    verdict = diagnose(look(job, services=(failed(), cron), identity=identity(1002), processes=None))
    assert verdict.holders[0].note == LEFT
    assert (verdict.holders[0].since, verdict.holders[0].up) == (None, None)
    assert (verdict.actions[0].label, verdict.actions[0].intents) == ("end what cron.service left behind", ())
    assert not any(one.recommended for one in verdict.actions)


def test_the_resolver_of_the_host_is_told_to_leave_the_port_and_not_stopped() -> None:
    name = "systemd-resolved.service"
    stub = listener("127.0.0.53", 53, unit=name, cgroup=f"/system.slice/{name}", pids=(29,), process="systemd-resolve")
    wanted = symptom(port=53)
    verdict = diagnose(look(stub, services=(failed(), unit(name, pids=(29,))), symptoms=(wanted,)))
    way = verdict.actions[0]
    assert (way.label, way.recommended) == ("have systemd-resolved.service leave 53: DNSStubListener=no", True)
    assert way.commands[1] == r"printf '[Resolve]\nDNSStubListener=no\n' >/etc/systemd/resolved.conf.d/leave-53.conf"
    assert not any(one.intents for one in verdict.actions)
    extra = replace(stub, port=5300)
    verdict = diagnose(look(extra, services=(failed(), unit(name, pids=(29,))), symptoms=(symptom(port=5300),)))
    assert verdict.actions[0].label.endswith("leave 5300: see DNSStubListenerExtra= in its configuration")


def test_another_service_holds_the_port() -> None:
    verdict = diagnose(look(listener()))
    assert (verdict.verdict, verdict.port, verdict.confidence) == (VerdictWord.HELD, 8080, Confidence.HIGH)
    (holder,) = verdict.holders
    assert (holder.name, holder.pid, holder.user, holder.process) == ("legacy.service", 4112, "deploy", "python3")
    assert holder.known_by == ("inode", "manager", "cgroup")
    assert holder.chain == ("systemd", "legacy.service")
    assert (holder.up, holder.since) == (518_400.0, NOW - 518_400.0)
    assert verdict.clash == "same address 0.0.0.0"
    assert holder.respawn == "systemd Restart=always"
    assert verdict.not_checked == ()


def test_the_way_out_stops_the_holder_and_starts_what_failed() -> None:
    def commands(intent: Intent) -> tuple[Command, ...]:
        return (Command(("systemctl", str(intent.kind), intent.target.name)),)

    verdict = diagnose(look(listener()), commands)
    stop, move = verdict.actions
    assert (stop.id, stop.recommended, stop.reason_off) == ("stop-holder", True, None)
    assert stop.label == "stop legacy.service, then start api.service"
    assert stop.intents == (Intent(ActionKind.FREE_PORT, ref(), Endpoint("tcp", "0.0.0.0", 8080)),)
    assert stop.commands == ("systemctl free-port api.service",)
    assert (move.id, move.recommended, move.intents) == ("move", False, ())
    assert "8081 (no listener seen)" in move.label


def test_it_is_said_that_an_enabled_holder_comes_back_at_boot() -> None:
    assert any("next boot" in line for line in diagnose(look(listener())).evidence)


def test_a_port_that_is_named_finds_the_service_that_wants_it() -> None:
    verdict = diagnose(replace(look(listener()), target=PORT))
    assert (verdict.verdict, verdict.service) == (VerdictWord.HELD, ref())
    assert verdict.symptom is not None
    assert verdict.symptom.count == 5


def test_a_port_that_nobody_else_wants() -> None:
    verdict = diagnose(replace(look(listener(), services=(LEGACY,), symptoms=()), target=PORT))
    assert (verdict.verdict, verdict.service, verdict.clash) == (VerdictWord.HELD, None, None)
    stop = action(verdict, "stop-holder")
    assert stop is not None
    assert (kinds(stop), stop.recommended) == ([("stop", "legacy.service")], False)


def test_a_declared_port_is_enough_without_a_log() -> None:
    api = failed(wants=(Endpoint("tcp", "0.0.0.0", 8080),))
    verdict = diagnose(look(listener(), services=(api, LEGACY), symptoms=()))
    assert (verdict.verdict, verdict.symptom) == (VerdictWord.HELD, None)
    assert verdict.declared_by[0].service == "api.service"


def test_a_declaration_of_the_configuration_counts() -> None:
    declared = (Declaration("api.service", Endpoint("tcp", "*", 8080), "config.toml:7"),)
    verdict = diagnose(look(listener(), symptoms=(), declared=declared))
    assert verdict.verdict is VerdictWord.HELD
    assert verdict.declared_by == declared


def test_the_log_is_read_where_the_snapshot_has_no_symptom() -> None:
    journal = log("listen tcp 0.0.0.0:8080: bind: address already in use")
    verdict = diagnose(look(listener(), symptoms=(), journal=journal))
    assert verdict.verdict is VerdictWord.HELD
    assert verdict.symptom is not None
    assert verdict.symptom.errno == "EADDRINUSE"


def test_an_unknown_service_is_not_a_free_port() -> None:
    verdict = diagnose(replace(look(listener()), target=ref("gone.service")))
    assert verdict.verdict is VerdictWord.UNKNOWN
    assert "not among the services" in verdict.summary
    assert verdict.port is None


def test_a_service_without_ports() -> None:
    verdict = diagnose(look(services=(unit("api.service"),), symptoms=()))
    assert verdict.verdict is VerdictWord.UNKNOWN
    assert "nor a declaration names a port" in verdict.summary


def test_a_log_that_names_no_port() -> None:
    verdict = diagnose(look(listener(), symptoms=(symptom(port=None),)))
    assert verdict.verdict is VerdictWord.UNKNOWN
    assert "EADDRINUSE" in verdict.summary


def test_a_healthy_service_holds_its_own_port() -> None:
    api = unit("api.service", pids=(7,), ports=(Endpoint("tcp", "0.0.0.0", 8080),))
    own = listener(pids=(7,), unit="api.service", cgroup="/system.slice/api.service")
    verdict = diagnose(look(own, services=(api,), symptoms=()))
    assert verdict.verdict is VerdictWord.HELD
    assert "nothing is in its way" in verdict.summary
    assert verdict.actions == ()


def test_an_old_symptom_of_a_service_that_runs_is_forgotten() -> None:
    api = unit("api.service", pids=(7,), since=NOW - 5, wants=(Endpoint("tcp", "0.0.0.0", 8080),))
    own = listener(pids=(7,), unit="api.service", cgroup="/system.slice/api.service")
    verdict = diagnose(look(own, services=(api, LEGACY)))
    assert (verdict.symptom, verdict.verdict) == (None, VerdictWord.HELD)


# 2 without root


def test_without_root_the_unit_comes_from_the_cgroup() -> None:
    verdict = diagnose(look(hidden(listener()), identity=identity(1001), processes=None))
    (holder,) = verdict.holders
    assert (verdict.verdict, holder.name, holder.pid) == (VerdictWord.HELD, "legacy.service", None)
    assert (holder.confidence, holder.known_by) == (Confidence.MEDIUM, ("cgroup", "uid"))
    assert "sudo would add" in gaps(verdict)["process of the holder"]
    assert verdict.actions[0].recommended


def test_without_root_and_without_cgroup_the_user_is_named() -> None:
    bare = replace(hidden(listener()), unit=None, cgroup=None)
    verdict = diagnose(look(bare, identity=identity(1001), processes=None))
    (holder,) = verdict.holders
    assert (verdict.verdict, holder.name) == (VerdictWord.HELD, "a hidden process of deploy")
    assert (holder.confidence, holder.known_by) == (Confidence.MEDIUM, ("uid",))
    assert action(verdict, "stop-holder") is None
    assert action(verdict, "signal") is None


def test_with_nothing_known_it_is_still_held() -> None:
    bare = Listener("tcp", "0.0.0.0", 8080)
    verdict = diagnose(look(bare, identity=identity(1001), processes=None))
    assert (verdict.verdict, verdict.holders[0].name) == (VerdictWord.HELD, "a hidden process")
    assert verdict.confidence is Confidence.LOW


def test_a_user_unit_is_not_taken_for_a_system_unit_of_that_name() -> None:
    theirs = replace(
        hidden(listener()), cgroup="/user.slice/user-1000.slice/user@1000.service/app.slice/legacy.service"
    )
    verdict = diagnose(look(theirs, identity=identity(1001), processes=None))
    assert verdict.holders[0].ref == ref("legacy.service", "user:deploy")
    stop = action(verdict, "stop-holder")
    assert stop is not None
    assert stop.intents == ()
    assert stop.reason_off == "by hand: it belongs to deploy's own service manager: connect as deploy, or as root"


# 6 socket activation

SOCKET = unit("echo.socket", cgroup="/system.slice/echo.socket", chain=("systemd", "echo.socket"))
BY_SOCKET = listener(
    "*", pids=(1,), process="systemd", unit="echo.socket", cgroup="/system.slice/echo.socket", uid=0, user="root"
)


def test_the_socket_unit_is_stopped_and_not_pid_1() -> None:
    verdict = diagnose(look(BY_SOCKET, services=(failed(), SOCKET), processes=()))
    (holder,) = verdict.holders
    assert (holder.name, holder.pid, holder.respawn) == ("echo.socket", 1, "systemd socket activation")
    assert holder.chain == ("systemd", "echo.socket")
    stop = action(verdict, "stop-holder")
    assert stop is not None
    assert stop.label == "stop echo.socket, then start api.service"
    assert kinds(stop) == [("free-port", "api.service")]
    assert not any("kill" in command for one in verdict.actions for command in one.commands)


def test_a_service_that_runs_with_the_socket_is_stopped_after_it() -> None:
    echo = unit("echo.service", pids=(812,), triggered_by=("echo.socket",))
    verdict = diagnose(look(replace(BY_SOCKET, pids=(1, 812)), services=(failed(), SOCKET, echo), processes=()))
    assert (verdict.holders[0].name, verdict.holders[0].pid) == ("echo.socket", 812)
    stop = action(verdict, "stop-holder")
    assert stop is not None
    assert stop.label == "stop echo.socket and echo.service, then start api.service"


def test_the_socket_unit_without_root() -> None:
    verdict = diagnose(look(hidden(BY_SOCKET), services=(failed(), SOCKET), identity=identity(1001)))
    assert verdict.holders[0].name == "echo.socket"
    assert verdict.holders[0].confidence is Confidence.MEDIUM


def test_a_socket_unit_that_the_manager_did_not_list() -> None:
    verdict = diagnose(look(BY_SOCKET, services=(failed(),), processes=()))
    assert (verdict.holders[0].name, verdict.holders[0].respawn) == ("echo.socket", "systemd socket activation")


def test_a_socket_that_pid_1_accepts_for_itself() -> None:
    """With ``Accept=yes`` the cgroup is PID 1's own; the declaration of the socket unit names it."""
    echo = replace(SOCKET, wants=(Endpoint("tcp", "::", 8080),))
    by_init = replace(BY_SOCKET, unit="init.scope", cgroup="/init.scope")
    for made in (by_init, hidden(by_init)):
        verdict = diagnose(look(made, services=(failed(), echo), processes=()))
        assert (verdict.holders[0].name, verdict.holders[0].confidence) == ("echo.socket", Confidence.HIGH)
        stop = action(verdict, "stop-holder")
        assert stop is not None
        assert stop.label == "stop echo.socket, then start api.service"


def test_a_service_that_binds_what_its_own_socket_holds() -> None:
    api = failed(triggered_by=("api.socket",))
    own = replace(BY_SOCKET, unit="api.socket", cgroup="/system.slice/api.socket")
    verdict = diagnose(look(own, services=(api,), processes=()))
    assert verdict.verdict is VerdictWord.DUPLICATE
    assert "once more" in verdict.summary
    assert kinds(verdict.actions[0]) == [("stop", "api.socket"), ("start", "api.service")]


# 9, 10, 11, 25 addresses


@pytest.mark.parametrize(
    ("bound", "v6only", "wanted", "clash"),
    [
        ("127.0.0.1", None, "0.0.0.0", "127.0.0.1 overlaps 0.0.0.0"),
        ("127.0.0.2", None, "127.0.0.1", None),
        ("*", False, "0.0.0.0", "* (IPv6 and IPv4) overlaps 0.0.0.0"),
        ("::", True, "0.0.0.0", None),
        ("::", True, "::1", "[::] overlaps [::1]"),
        ("::ffff:127.0.0.1", False, "127.0.0.1", "[::ffff:127.0.0.1] overlaps 127.0.0.1"),
    ],
)
def test_only_addresses_that_clash_hold_the_port(
    bound: str, v6only: bool | None, wanted: str, clash: str | None
) -> None:
    verdict = diagnose(look(listener(bound, v6only=v6only), symptoms=(symptom(address=wanted),)))
    assert verdict.clash == clash
    assert (verdict.verdict is VerdictWord.HELD) == (clash is not None)


def test_every_owner_is_named_when_there_are_several() -> None:
    other = unit("other.service", pids=(99,))
    both = (
        listener("127.0.0.1"),
        listener("::1", pids=(99,), unit="other.service", cgroup="/system.slice/other.service", inode=2),
    )
    verdict = diagnose(look(*both, services=(failed(), LEGACY, other), symptoms=(symptom(address="*"),)))
    assert {holder.name for holder in verdict.holders} == {"legacy.service", "other.service"}
    assert verdict.summary == "tcp 8080 is held by legacy.service and other.service"
    assert [one.id for one in verdict.actions] == ["stop-holder", "move"]
    assert verdict.actions[0].label == "stop legacy.service and other.service, then start api.service"


IN_VAIN = "stop legacy.service: does not free tcp 8080, docker.service has it too"


def test_a_holder_that_is_not_stopped_keeps_the_newcomer_from_starting() -> None:
    proxy = listener(
        "::1", pids=(99,), process="docker-proxy", unit="docker.service", cgroup="/system.slice/docker.service"
    )
    verdict = diagnose(look(listener("127.0.0.1"), proxy, symptoms=(symptom(address="*"),)))
    ways = {one.label: one for one in verdict.actions[:2]}
    container = "find and stop the container that publishes 8080: does not free tcp 8080, legacy.service has it too"
    assert ways.keys() == {IN_VAIN, container}
    assert not any(one.recommended for one in verdict.actions)
    assert (kinds(ways[IN_VAIN]), ways[IN_VAIN].recommended) == ([("stop", "legacy.service")], False)


def test_hidden_holders_of_two_units_are_two_owners() -> None:
    """Also the program of a manager that is found by hand is no advice while another keeps the port."""
    program = hidden(listener(unit="supervisor.service", cgroup="/system.slice/supervisor.service"))
    other = hidden(listener(inode=2, unit="session-7.scope", cgroup="/user.slice/user-990.slice/session-7.scope"))
    verdict = diagnose(look(program, other, identity=identity(1001), processes=None))
    assert verdict.actions[0].label == (
        "stop the program of supervisord that has 8080: does not free tcp 8080, a hidden process of deploy has it too"
    )
    assert not any(way.recommended for way in verdict.actions)


def test_nothing_is_advised_while_a_hidden_process_shares_the_port() -> None:
    """To stop one of two that share it by SO_REUSEPORT frees nothing."""
    other = hidden(listener(inode=2, unit="session-7.scope", cgroup="/user.slice/user-990.slice/session-7.scope"))
    verdict = diagnose(look(hidden(listener()), other, identity=identity(1001), processes=None))
    assert verdict.actions[0].label == (
        "stop legacy.service: does not free tcp 8080, a hidden process of deploy has it too"
    )
    assert not any(way.recommended for way in verdict.actions)


def test_one_owner_on_two_addresses_is_stopped_once() -> None:
    verdict = diagnose(look(listener("127.0.0.1"), listener("10.0.0.5", inode=2)))
    assert len(verdict.holders) == 2
    assert [one.id for one in verdict.actions] == ["stop-holder", "move"]


# 12, 13, 14, 15 what does not listen


def test_connections_that_linger() -> None:
    waiting = tuple(socket("TIME-WAIT", timer=f"timewait,{left}sec,0") for left in (12, 42))
    verdict = diagnose(look(sockets=waiting))
    assert verdict.verdict is VerdictWord.LINGERING
    assert "2 in TIME-WAIT; the last ends in 42 s" in verdict.summary
    assert action(verdict, "start") is not None
    assert verdict.confidence is Confidence.HIGH


def test_what_only_lingers_is_no_obstacle_to_most_where_no_log_says_so() -> None:
    stopped = unit("api.service", State.STOPPED, wants=(Endpoint("tcp", "*", 8080),))
    waiting = socket("TIME-WAIT", timer="timewait,42sec,0")
    verdict = diagnose(look(services=(stopped,), symptoms=(), sockets=(waiting,)))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.LINGERING, Confidence.LOW)
    assert verdict.summary.endswith("42 s; they keep 8080 only from what does not set SO_REUSEADDR")
    start = action(verdict, "start")
    assert start is not None
    assert start.label == "start api.service"


def test_a_left_over_process_keeps_connections() -> None:
    verdict = diagnose(look(sockets=(socket("CLOSE-WAIT", pids=(4112,), process="python3"),)))
    assert (verdict.verdict, verdict.holders[0].pid) == (VerdictWord.LINGERING, 4112)
    assert verdict.holders[0].name == "legacy.service"


def test_the_way_out_is_for_just_the_sockets_that_were_seen() -> None:
    left = (socket("CLOSE-WAIT", pids=(4112,), inode=9), socket("ESTAB", pids=(4112,), inode=10))
    stop = action(diagnose(look(sockets=left)), "stop-holder")
    assert stop is not None
    assert [(one.sockets, one.bound) for one in stop.intents] == [((9, 10), False)]
    bare = (socket("BOUND", pids=(4112,), inode=11),)
    stop = action(diagnose(look(bound=bare)), "stop-holder")
    assert stop is not None
    assert [(one.sockets, one.bound) for one in stop.intents] == [((11,), True)]


def test_an_outgoing_connection_took_the_port() -> None:
    wanted = symptom(port=45000)
    out = socket(port=45000, peer_port=443, pids=(77,), process="curl")
    verdict = diagnose(look(symptoms=(wanted,), sockets=(out,), processes=(process(77, name="curl"),)))
    assert verdict.verdict is VerdictWord.OUTGOING
    assert verdict.holders[0].process == "curl"
    assert verdict.actions[0].commands == ("sysctl -w net.ipv4.ip_local_reserved_ports=45000",)


@pytest.mark.parametrize(
    ("limits", "commands"),
    [
        (PortLimits(reserved=((8080, 8080), (9000, 9100), (50000, 50001))),
         ("sysctl -w net.ipv4.ip_local_reserved_ports=8080,9000-9100,45000,50000-50001",)),
        (None, ()),
    ],
)  # fmt: skip
def test_reserving_a_port_keeps_the_ones_that_are_reserved(limits: PortLimits | None, commands: tuple[str]) -> None:
    out = socket(port=45000, peer_port=443, pids=(77,), process="curl")
    verdict = diagnose(look(symptoms=(symptom(port=45000),), sockets=(out,), processes=(), limits=limits))
    reserve = action(verdict, "reserve-port")
    assert reserve is not None
    assert reserve.commands == commands
    assert (reserve.reason_off or "").startswith("by hand: ")


def test_a_port_that_is_reserved_already_is_not_reserved_again() -> None:
    out = socket(port=45000, peer_port=443, pids=(77,), process="curl")
    limits = PortLimits(reserved=((44000, 46000),))
    verdict = diagnose(look(symptoms=(symptom(port=45000),), sockets=(out,), processes=(), limits=limits))
    assert verdict.verdict is VerdictWord.OUTGOING
    assert action(verdict, "reserve-port") is None


def test_an_outgoing_connection_outside_the_present_range() -> None:
    out = socket("ESTAB", port=8080, peer_port=443, pids=(77,), process="curl")
    assert diagnose(look(sockets=(out,), processes=())).verdict is VerdictWord.OUTGOING


def test_who_listens_and_who_is_connected_are_stopped_by_one_plan() -> None:
    client = unit("client.service", pids=(77,))
    out = socket(port=8080, peer_port=443, pids=(77,), process="curl", cgroup="/system.slice/client.service")
    services = (failed(), LEGACY, client)
    verdict = diagnose(look(listener(), services=services, sockets=(out,), processes=(process(), process(77))))
    label = "stop legacy.service and client.service, then start api.service"
    assert (verdict.actions[0].label, verdict.actions[0].recommended) == (label, True)
    [intent] = verdict.actions[0].intents
    assert (intent.kind, intent.target, intent.holder) == (ActionKind.FREE_PORT, ref(), ref("client.service"))


def test_of_several_that_are_connected_all_are_stopped_before_the_start() -> None:
    one, two = unit("one.service", pids=(77,)), unit("two.service", pids=(78, 79))
    out = tuple(
        socket(port=8080, peer_port=443, pids=(pid,), process="curl", cgroup=f"/system.slice/{name}.service")
        for pid, name in ((77, "one"), (78, "two"), (79, "two"))
    )
    known = tuple(process(pid, name="curl") for pid in (77, 78, 79))
    verdict = diagnose(look(services=(failed(), one, two), sockets=out, processes=known))
    assert verdict.verdict is VerdictWord.OUTGOING
    assert "an outgoing connection by one.service and two.service" in verdict.summary
    stop = action(verdict, "stop-holder")
    assert stop is not None
    assert stop.label == "stop one.service and two.service, then start api.service"
    assert kinds(stop) == [("stop", "one.service"), ("stop", "two.service"), ("start", "api.service")]


def test_a_hidden_connection_is_not_called_gone() -> None:
    verdict = diagnose(look(sockets=(socket("ESTAB"),), identity=identity(1001)))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.LINGERING, Confidence.MEDIUM)
    assert "process of the connections" in gaps(verdict)
    assert not any(one.recommended for one in verdict.actions)


def test_a_client_of_a_high_port_is_not_outgoing() -> None:
    served = socket("ESTAB", port=45000, peer_port=51234)
    verdict = diagnose(look(symptoms=(symptom(port=45000),), sockets=(served,)))
    assert verdict.verdict is VerdictWord.LINGERING


def test_a_bound_socket_that_does_not_listen() -> None:
    verdict = diagnose(look(sockets=(socket("UNCONN", pids=(4112,), process="python3", peer_port=0),)))
    assert verdict.verdict is VerdictWord.BOUND_NOT_LISTENING


def test_an_inherited_socket_is_the_childs() -> None:
    child = listener(pids=(500,), process="sleep", unit="legacy.service")
    verdict = diagnose(look(child, processes=(process(500, name="sleep", command="sleep 1000"),)))
    assert (verdict.holders[0].process, verdict.holders[0].pid) == ("sleep", 500)
    assert verdict.holders[0].name == "legacy.service"


# 8 nobody's process: test_strays.py


@pytest.mark.parametrize(
    "changes",
    [
        {"process": "sshd", "unit": "ssh.service", "cgroup": "/system.slice/ssh.service"},
        {"process": "sshd", "unit": None, "cgroup": None},
        {"process": "systemd", "pids": (1,), "unit": None, "cgroup": "/init.scope"},
        {"process": "docker-proxy", "unit": "docker.service", "cgroup": "/system.slice/docker.service"},
        {"process": "conmon", "unit": "docker.service", "cgroup": "/system.slice/docker.service"},
        {"process": None, "pids": (), "unit": "docker.service", "cgroup": "/system.slice/docker.service"},
    ],
)
def test_never_against_pid_1_docker_proxy_or_sshd(changes: dict[str, Any]) -> None:
    services = (failed(), unit("ssh.service", pids=(44,)), unit("docker.service", pids=(5,)))
    verdict = diagnose(look(listener(**changes), services=services, processes=None))
    assert verdict.verdict is VerdictWord.HELD
    for one in verdict.actions:
        assert one.intents == ()
        assert not any("kill" in command for command in one.commands)


@pytest.mark.parametrize(
    ("came", "seen"),
    [
        ({"session": (100, 90, 4112)}, {}),
        ({"cgroups": ("/system.slice/legacy.service",)}, {}),
        ({"uid": 1001, "came_by": Endpoint("tcp", "10.0.0.5", 8080)}, {"pids": (), "process": None}),
    ],
)
def test_never_against_what_this_console_came_by(came: dict[str, Any], seen: dict[str, Any]) -> None:
    legacy = replace(LEGACY, pids=seen.get("pids", (4112,)))
    held = look(listener(**seen), services=(failed(), legacy), identity=identity(**came))
    [stop] = [way for way in diagnose(held).actions if way.id == "stop-holder"]
    assert (stop.intents, stop.recommended) == ((), False)
    assert stop.reason_off == "by hand: it is the way to this host"


def test_never_against_an_ssh_server_that_only_the_program_of_its_unit_tells() -> None:
    held = look(hidden(listener()), services=(failed(), replace(LEGACY, program="sshd")), identity=identity(1001))
    [stop] = [way for way in diagnose(held).actions if way.id == "stop-holder"]
    assert (stop.intents, stop.reason_off) == ((), "by hand: it is the way to this host")


@pytest.mark.parametrize(("enabled", "command"), [("masked", "unmask"), ("masked-runtime", "unmask --runtime")])
def test_nobody_is_told_to_start_what_is_masked(enabled: str, command: str) -> None:
    free = diagnose(look(services=(failed(enabled=enabled),)))
    assert (free.verdict, free.summary) == (VerdictWord.FREE, "tcp 8080 is free")
    [way] = free.actions
    assert (way.label, way.intents, way.recommended) == ("unmask api.service, then start it", (), False)
    assert way.commands == (f"systemctl {command} -- api.service", "systemctl start -- api.service")
    assert (way.reason_off or "").startswith("by hand: api.service is masked")
    held = diagnose(look(listener(), services=(failed(enabled=enabled), LEGACY)))
    assert [one.id for one in held.actions] == ["stop-holder", "unmask", "move"]
    assert kinds(held.actions[0]) == [("stop", "legacy.service")]
    assert not any(one.recommended for one in held.actions), "nor to stop another for it"


# 16, 17 permission


def test_a_privileged_port() -> None:
    api = failed(user="deploy")
    denied = symptom("EACCES", port=80)
    verdict = diagnose(look(services=(api,), symptoms=(denied,)))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.NOT_PERMITTED, Confidence.HIGH)
    assert "below 1024" in verdict.summary
    first = verdict.actions[0]
    assert (first.id, first.recommended) == ("ambient-capability", True)
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in (first.reason_off or "")
    assert verdict.actions[1].commands == ("sysctl -w net.ipv4.ip_unprivileged_port_start=80",)
    assert "8080 (no listener seen)" in verdict.actions[2].label


def test_the_limit_of_the_host_counts() -> None:
    verdict = diagnose(
        look(services=(failed(user="deploy"),), symptoms=(symptom("EACCES", port=80),), limits=PortLimits(80))
    )
    assert verdict.verdict is VerdictWord.NOT_PERMITTED
    assert "SELinux, AppArmor and the sandbox of the unit" in gaps(verdict)
    assert verdict.confidence is Confidence.LOW


def test_a_limit_that_could_not_be_read_is_said() -> None:
    verdict = diagnose(
        look(
            services=(failed(user="deploy"),),
            symptoms=(symptom("EACCES", port=80),),
            limits=None,
            refused=(Refusal("limits", "no awk"),),
        )
    )
    assert verdict.confidence is Confidence.MEDIUM
    assert "no awk" in gaps(verdict)["ip_unprivileged_port_start"]


# 18 address


def test_an_address_that_is_not_there() -> None:
    have = (HostAddress("lo", "127.0.0.1", 8, "host"), HostAddress("eth0", "10.0.0.5", 24, "global"))
    verdict = diagnose(look(symptoms=(symptom("EADDRNOTAVAIL", address="192.0.2.1"),), addresses=have))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.NO_SUCH_ADDRESS, Confidence.HIGH)
    assert "10.0.0.5 on eth0" in verdict.summary


def test_an_address_that_came_later_is_no_reason_any_more() -> None:
    have = (HostAddress("eth0", "192.0.2.1", 24, "global"),)
    verdict = diagnose(look(symptoms=(symptom("EADDRNOTAVAIL", address="192.0.2.1"),), addresses=have))
    assert verdict.verdict is VerdictWord.FREE
    assert action(verdict, "start") is not None


# 20 the service against itself


def test_a_process_of_its_own_holds_it() -> None:
    own = listener(pids=(300,), unit="api.service", cgroup="/system.slice/api.service")
    api = failed(cgroup="/system.slice/api.service")
    verdict = diagnose(look(own, services=(api,)))
    assert verdict.verdict is VerdictWord.DUPLICATE
    assert verdict.actions[0].label == "end python3 (pid 300), then start api.service"
    assert kinds(verdict.actions[0]) == [("free-port", "api.service")]


@pytest.mark.parametrize("state", [State.STARTING, State.FLAPPING, State.UNKNOWN])
def test_a_service_that_comes_up_with_its_own_port_does_not_clash_with_itself(state: State) -> None:
    own = listener(pids=(300,), unit="api.service", cgroup="/system.slice/api.service")
    api = unit("api.service", state, pids=(300,), wants=(Endpoint("tcp", "0.0.0.0", 8080),))
    verdict = diagnose(look(own, services=(api,), symptoms=()))
    assert (verdict.verdict, verdict.actions) == (VerdictWord.HELD, ())
    assert verdict.summary == f"api.service itself holds tcp 8080: the port is not why it is {state}"


@pytest.mark.parametrize("state", [State.RUNNING, State.STARTING, State.FLAPPING])
def test_a_service_whose_log_says_so_now_clashes_with_itself(state: State) -> None:
    own = listener(pids=(300,), unit="api.service", cgroup="/system.slice/api.service")
    verdict = diagnose(look(own, services=(unit("api.service", state, pids=(300,), since=NOW - 30.0),)))
    assert verdict.verdict is VerdictWord.DUPLICATE


def test_two_declarations_of_one_port() -> None:
    one, two = (unit(f"{name}.service", State.STOPPED, wants=(PORT,)) for name in ("a", "b"))
    verdict = diagnose(replace(look(services=(one, two), symptoms=()), target=PORT))
    assert verdict.verdict is VerdictWord.DUPLICATE
    assert "a.service and b.service both claim it" in verdict.summary


# 22 and free


@pytest.mark.parametrize(
    ("changes", "hit"),
    [
        ({"result": "start-limit-hit"}, True),
        ({"restarts": 5, "restart_policy": "always"}, True),
        ({"restarts": 5, "restart_policy": "on-failure", "start_limit": (5, 10.0)}, True),
        ({"restarts": 2, "restart_policy": "on-failure", "start_limit": (5, 10.0)}, False),
        ({"restarts": 5, "restart_policy": "on-abort"}, False),
        ({"restarts": 0, "restart_policy": "always"}, False),
        ({"restarts": 5, "restart_policy": None}, False),
    ],
)
def test_systemd_gave_up(changes: dict[str, Any], hit: bool) -> None:
    verdict = diagnose(look(services=(failed(**changes),)))
    assert verdict.verdict is (VerdictWord.START_LIMIT if hit else VerdictWord.FREE)
    start = action(verdict, "start")
    assert start is not None
    assert kinds(start) == [("reset-failed", "api.service"), ("start", "api.service")]


def test_a_port_on_which_nobody_is_seen_is_free() -> None:
    verdict = diagnose(replace(look(services=(LEGACY,), symptoms=()), target=PORT))
    assert verdict.verdict is VerdictWord.FREE
    assert verdict.verdict.fine
    assert not gaps(verdict)


@pytest.mark.parametrize(
    "changes",
    [
        {"sources": (Source("listeners", None, "ss: not found"),)},
        {"sources": (Source("listeners", 50.0, "timed out"),)},
        {"sources": ()},
        {"sockets": None},
        {"sockets": None, "refused": (Refusal("sockets", "ss: permission denied"),)},
        {"bound": None},
        {"bound": None, "refused": (Refusal("bound", "Linux 6.8 does"), Refusal("unlisted", "needs root"))},
    ],
)
def test_never_free_by_ignorance(changes: dict[str, Any]) -> None:
    for target in (ref(), PORT):
        verdict = diagnose(replace(look(**changes), target=target))
        assert verdict.verdict is VerdictWord.UNKNOWN
        assert verdict.not_checked


@pytest.mark.parametrize("state", [LinkState.STALE, LinkState.DOWN, LinkState.CONNECTING])
def test_never_free_when_the_host_does_not_answer(state: LinkState) -> None:
    evidence = look()
    evidence = replace(evidence, snapshot=replace(evidence.snapshot, link=Link(state, 112.0, "no route to host")))
    verdict = diagnose(evidence)
    assert verdict.verdict is VerdictWord.UNKNOWN
    assert gaps(verdict)["listeners"] == "as of 12 s ago: no route to host"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sources": (Source("listeners", 58.0, "ss: exit status 3"),)}, "as of 42 s ago: ss: exit status 3"),
        ({"sources": (Source("listeners", 58.0, former=True),)}, "as of 42 s ago: not asked over this connection yet"),
        ({"link": Link(LinkState.STALE, 130.0, "no answer")}, "as of 30 s ago: no answer"),
        ({"link": Link(LinkState.DOWN, 130.0)}, "as of 30 s ago: the host is down"),
    ],
)
def test_who_had_it_when_it_could_last_be_seen_is_not_to_be_ended(changes: dict[str, Any], why: str) -> None:
    evidence = look(listener())
    assert any(way.recommended for way in diagnose(evidence).actions)
    for target in (ref(), PORT):
        old = replace(evidence, target=target, snapshot=replace(evidence.snapshot, **changes))
        verdict = diagnose(old)
        assert (verdict.verdict, verdict.confidence, verdict.is_old) == (VerdictWord.HELD, Confidence.LOW, True)
        assert verdict.holders[0].confidence is Confidence.LOW
        assert gaps(verdict)["listeners"] == why
        assert not any(way.recommended for way in verdict.actions)


def test_a_failure_of_this_moment_is_believed_more_than_an_empty_list() -> None:
    api = unit("api.service", State.FLAPPING)
    verdict = diagnose(look(services=(api,), symptoms=(symptom(at=NOW - 2.0),), bound=None))
    assert verdict.verdict is VerdictWord.UNKNOWN
    assert "just now" in verdict.summary
    assert "sockets that are bound and do not listen" in gaps(verdict)


# 23 udp


def test_udp_and_tcp_are_two_worlds() -> None:
    wanted = replace(symptom(), endpoint=Endpoint("udp", "0.0.0.0", 8080))
    assert diagnose(look(listener(), symptoms=(wanted,))).verdict is VerdictWord.FREE
    verdict = diagnose(look(listener(protocol="udp"), symptoms=(wanted,)))
    assert (verdict.verdict, verdict.protocol) == (VerdictWord.HELD, "udp")


# connections, next port, questions


def test_live_connections_are_counted() -> None:
    verdict = diagnose(look(listener(), sockets=(socket(), socket(), socket("TIME-WAIT"), socket("CLOSE-WAIT"))))
    assert verdict.holders[0].connections == 2
    assert verdict.impact == ("2 live connections",)
    assert diagnose(look(listener(), sockets=None)).holders[0].connections is None


def test_what_did_not_come_in_by_a_listener_is_none_of_its_connections() -> None:
    """At an address at which it does not listen, and from its port to a server: what somebody else opened."""
    near = listener("127.0.0.1", cgroup="/system.slice/legacy.service")
    assert diagnose(look(near, sockets=(socket(), socket(address="127.0.0.1")))).holders[0].connections == 1
    client = socket(peer_port=443, pids=(77,), process="curl", cgroup="/user.slice/user-0.slice/session-3.scope")
    served = socket(peer_port=443, pids=(4112,), process="python3", cgroup="/system.slice/legacy.service")
    verdict = diagnose(look(listener(), sockets=(client, served, socket())))
    assert [holder.connections for holder in verdict.holders] == [2, None]
    assert verdict.impact == ("2 live connections",)


def test_what_is_stopped_takes_the_port_from_all_who_have_it_or_is_no_advice() -> None:
    near = listener("127.0.0.1")
    bare = socket(peer_port=22, pids=(77,), process="ssh", cgroup="/user.slice/user-0.slice/session-3.scope", inode=7)
    known = (process(), process(77, name="ssh", user="root", command="ssh db", ppid=1))
    verdict = diagnose(look(near, sockets=(bare,), processes=known))
    assert verdict.actions[0].label == "stop legacy.service, end ssh (pid 77), then start api.service"
    assert verdict.actions[0].recommended
    [intent] = verdict.actions[0].intents
    assert (intent.kind, intent.sockets) == (ActionKind.FREE_PORT, (7,))
    assert intent.holder == ServiceRef("web1", "process", "77")
    # Who may not see the process can end nothing: to stop the listener alone is for nothing.
    hidden = socket(peer_port=22, uid=0, user="root", unit="session-3.scope", cgroup=bare.cgroup)
    verdict = diagnose(look(near, sockets=(hidden,)))
    assert [way.label for way in verdict.actions if way.id == "stop-holder"] == [
        "stop legacy.service: does not free tcp 8080, a hidden process of root has it too"
    ]
    assert not any(way.recommended for way in verdict.actions)


def test_a_process_that_is_connected_beside_a_listener_is_looked_at() -> None:
    client = socket(peer_port=22, pids=(77,), process="ssh", cgroup="/user.slice/user-0.slice/session-3.scope")
    served = socket(pids=(4113,), process="python3", cgroup="/system.slice/legacy.service")
    near = listener("0.0.0.0", cgroup="/system.slice/legacy.service")
    asked = questions(look(near, sockets=(client, served), processes=None))
    assert ("process", "77", "4112") in asked


def test_what_an_ended_run_left_is_no_live_connection() -> None:
    """Nobody has it any more: the kernel waits for the other side, and shows no inode."""
    left = tuple(socket(state) for state in ("FIN-WAIT-1", "FIN-WAIT-2", "LAST-ACK", "CLOSING"))
    verdict = diagnose(look(listener(), sockets=left))
    assert (verdict.holders[0].connections, verdict.impact) == (0, ())
    # One that closed its own direction still reads; one that waits to be accepted has no inode yet.
    kept = (*left, socket("FIN-WAIT-2", inode=99), socket())
    assert diagnose(look(listener(), sockets=kept)).impact == ("2 live connections",)


def test_what_is_stopped_along_is_said() -> None:
    legacy = replace(LEGACY, dependants=("nginx.service (PartOf)",))
    assert diagnose(look(listener(), services=(failed(), legacy))).impact == ("nginx.service (PartOf)",)


@pytest.mark.parametrize(
    ("taken", "wants", "limits", "free"),
    [
        ((), (), PortLimits(), 8081),
        ((8081,), (), PortLimits(), 8082),
        ((8081,), (8082,), PortLimits(), 8083),
        ((), (), PortLimits(reserved=((8081, 8089),)), 8090),
        ((), (), PortLimits(local_low=8081, local_high=9000), 9001),
    ],
)
def test_the_next_port(taken: tuple[int, ...], wants: tuple[int, ...], limits: PortLimits, free: int) -> None:
    services = (failed(), replace(LEGACY, wants=tuple(Endpoint("tcp", "*", port) for port in wants)))
    others = tuple(listener(port=port, inode=port) for port in taken)
    move = action(diagnose(look(listener(), *others, services=services, limits=limits)), "move")
    assert move is not None
    assert f"{free} (no listener seen)" in move.label


GIVEN = Redirect("tcp", ((8081, 8082),), "172.18.0.2", 80)
CLUSTER = ClusterPorts(
    pods=(NodePod("shop", "api", "u", None, "Running", None, ports=(HostPort("tcp", "0.0.0.0", 8081, 80),)),),
    services=(NodePort("shop", "web", "NodePort", "tcp", 8082, 80, "80"),),
)


@pytest.mark.parametrize(
    ("changes", "port"),
    [
        ({}, 8081),
        ({"cluster": CLUSTER}, 8083),
        ({"redirects": Redirects(("nft",), (GIVEN,))}, 8083),
        ({"redirects": Redirects(("nft",), (replace(GIVEN, address="10.9.9.9"),))}, 8081),
        ({"redirects": Redirects(("nft",), (), "needs root")}, 8081),
        ({"redirects": None}, 8081),
        ({"limits": None}, 8081),
    ],
)
def test_of_the_next_port_no_more_is_claimed_than_was_looked_at(changes: dict[str, Any], port: int) -> None:
    """Sockets that are bound, connections and rules of the kernel are asked for the wanted port alone."""
    move = action(diagnose(look(listener(), **changes)), "move")
    assert move is not None
    assert move.label.endswith(f" on {port} (no listener seen)")


@pytest.mark.parametrize(
    ("wanted", "limits", "free"),
    [
        (32767, PortLimits(), 61000),
        (32768, PortLimits(), 61000),
        (40000, PortLimits(), 61000),
        (60999, PortLimits(), 61000),
        (65535, PortLimits(), 65534),
        (40000, PortLimits(local_high=65535), 32767),
        (40000, PortLimits(local_high=65535, reserved=((32000, 32767),)), 31999),
        (40000, PortLimits(1024, 1024, 65535), None),
        (80, PortLimits(1024, 1024, 65535), None),
    ],
)
def test_of_a_port_for_outgoing_connections_the_next_is_beyond_them(
    wanted: int, limits: PortLimits, free: int | None
) -> None:
    found = next_port(look(listener(port=wanted), limits=limits), Endpoint("tcp", "0.0.0.0", wanted))
    assert (found.port if found is not None else None) == free


def test_no_port_is_called_free_when_listeners_are_not_known() -> None:
    verdict = diagnose(look(listener(), sources=(Source("listeners", 50.0, "timed out"),)))
    assert (verdict.verdict, action(verdict, "move")) == (VerdictWord.HELD, None)


def questions(evidence: Evidence) -> list[tuple[str, ...]]:
    return [(question.probe, *question.args) for question in needed(evidence)]


def test_everything_that_is_missing_is_asked_at_once() -> None:
    bare = look(listener(pids=(4112, 4113)), processes=None, sockets=None, limits=None, addresses=None)
    assert questions(bare) == [("process", "4112", "4113"), ("sockets", "8080"), ("limits",)]
    assert questions(look(listener())) == []


def test_who_took_the_port_meanwhile_is_asked_about_and_who_ended_only_once() -> None:
    first = Question("process", ("4112",))
    taken = look(listener(pids=(4113,)), processes=(), asked=(first,))
    assert questions(taken) == [("process", "4113")]
    ended = look(listener(pids=(4112,)), processes=(), asked=(first,))
    assert questions(ended) == []


def test_the_log_is_asked_only_where_it_can_tell() -> None:
    assert questions(look(symptoms=()))[0] == ("journal", "100", "api.service")
    assert questions(look(symptoms=(), journal=())) == []
    assert questions(look(services=(unit("api.service"),), symptoms=())) == []
    theirs = failed(scope="user:deploy")
    asked = replace(look(services=(theirs,), symptoms=()), target=theirs.ref)
    assert questions(asked)[0] == ("user_journal", "100", "api.service")


def test_addresses_are_asked_only_for_their_errno() -> None:
    bare = look(symptoms=(symptom("EADDRNOTAVAIL", address="192.0.2.1"),), addresses=None)
    assert questions(bare) == [("addresses",)]


def test_what_was_refused_is_not_asked_again() -> None:
    bare = look(listener(), sockets=None, refused=(Refusal("sockets", "no ss"),))
    assert questions(bare) == []
    down = replace(bare, snapshot=replace(bare.snapshot, link=Link(LinkState.DOWN, 1.0)))
    assert questions(replace(down, refused=())) == []


def test_pid_1_is_never_asked_about() -> None:
    assert questions(look(BY_SOCKET, services=(failed(), SOCKET), processes=None)) == []


def test_the_clock_of_the_host_is_used() -> None:
    verdict = diagnose(look(listener(), sample=sample(wall=None)))
    assert verdict.holders[0].up == 518_400.0
