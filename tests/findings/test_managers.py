"""Findings of service managers that are down, or that would not come up again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.core.command import Command
from console.core.finding import Finding, Severity
from console.core.plan import ActionKind, Intent
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Source
from console.findings import evaluate
from console.findings.declared import Expected
from console.managers.adrift import SOCKET_GONE
from tests.diagnosis.factories import HOST, listener, ref, snapshot, symptom, unit

SUPERVISOR = "supervisor.service"
CHAIN = ("systemd", SUPERVISOR, "supervisord")
WRONG = "/etc/supervisor/conf.d/x.conf:3: [program:x] does not specify a command"


def test_no_program_is_blamed_for_what_is_wrong_in_another_file() -> None:
    wrong = "/etc/supervisor/conf.d/w2.conf:1: the name '-rf weird' is not taken"
    worker = Service(
        ServiceRef(HOST, "supervisord", "worker"), State.FAILED, "FATAL", result="exit-code", exit_code=3,
        files_wrong=wrong, chain=("supervisord", "worker"),
    )  # fmt: skip
    found = {finding.code: finding for finding in evaluate(snapshot(services=(worker,)))}
    assert found["service-failed"].summary == "failed: exit code 3"
    assert not any("w2.conf" in line for line in found["service-failed"].evidence)
    assert wrong in found["files-wrong"].summary


def program(name: str, **changes: Any) -> Service:
    base = Service(
        ServiceRef(HOST, "supervisord", name), State.STOPPED, "supervisor.service inactive/dead", daemon=7,
        chain=(*CHAIN, name), adrift="nobody looks after it", enabled="enabled",
    )  # fmt: skip
    return replace(base, **changes)


def down(**changes: Any) -> Service:
    base = unit(SUPERVISOR, State.STOPPED, enabled="enabled", result="success", restart_policy="on-failure")
    return replace(base, **{"native_state": "inactive/dead", "since": 50.0, **changes})


def commands(intent: Intent) -> tuple[Command, ...]:
    return (Command((intent.kind.value, intent.target.name)),)


def judge(*services: Service, **more: Any) -> tuple[Finding, ...]:
    expected = more.pop("expected", ())
    return evaluate(snapshot(services=services, **more), commands_of=commands, expected=expected)


def only(*services: Service, **more: Any) -> Finding:
    found = judge(*services, **more)
    assert len(found) == 1, found
    return found[0]


def test_one_finding_for_the_unit_and_all_that_it_ran() -> None:
    api, cart, idle = program("api"), program("cart"), program("idle", enabled="disabled")
    finding = only(down(), api, cart, idle)
    assert (finding.code, finding.severity, finding.service) == ("manager-down", Severity.WARNING, ref(SUPERVISOR))
    assert finding.summary == "not running: nobody looks after its 2 services: api and cart"
    assert finding.evidence[0] == "supervisor.service: inactive/dead, enabled"
    assert finding.concerns(api.ref)
    assert not finding.concerns(idle.ref)
    [start] = finding.proposals
    assert (start.commands, start.recommended) == (("start supervisor.service",), True)
    assert start.intents == (Intent(ActionKind.START, ref(SUPERVISOR)),)
    assert only(down(), api).summary == "not running: nobody looks after api"


def app(name: str, **changes: Any) -> Service:
    ref = ServiceRef(HOST, "pm2", name, "user:deploy")
    return replace(Service(ref, State.STOPPED, "not told", adrift="nobody looks after it", ran=True), **changes)


def test_one_finding_for_a_pm2_that_no_unit_runs_with_what_starts_it_again() -> None:
    saved = app("web", unit_file="/home/deploy/.pm2/dump.pm2")
    finding = only(saved, replace(saved, ref=replace(saved.ref, name="job")))
    assert (finding.code, finding.severity, finding.subject) == ("manager-down", Severity.WARNING, "pm2")
    assert finding.summary == "pm2 of deploy is not running: nobody looks after web and job"
    [way] = finding.proposals
    assert (way.commands, way.recommended) == (("sudo -H -u deploy -- env -C / pm2 resurrect",), True)
    assert only(app("web", daemon=9)).summary == (
        "pm2 of deploy (process 9), which no unit runs, is gone: nobody looks after web"
    )
    # It was ended on purpose, as far as can be told.
    assert only(app("web", ran=False)).severity is Severity.INFO
    # A list brings back what is in it.
    [way] = only(saved, app("job")).proposals
    assert (way.recommended, (way.reason_off or "").endswith("; not saved, and not back with it: job")) == (True, True)
    [way] = only(app("job")).proposals
    assert (way.commands, way.recommended, way.label) == ((), False, "start job again")
    assert way.reason_off == "by hand: nothing was saved, so that only who started it knows how"


def test_a_declared_app_of_a_pm2_that_is_gone_is_told_once_and_critical() -> None:
    expected = (Expected(HOST, "web", "pm2"),)
    finding = only(app("web"), app("job"), expected=expected)
    assert (finding.code, finding.severity) == ("manager-down", Severity.CRITICAL)


def test_what_did_not_run_and_the_pid_file_of_the_manager_belong_to_the_one_finding() -> None:
    own = Service(ServiceRef(HOST, "pidfile", "supervisord"), State.FAILED, "stale pid file")
    chain = ("supervisord",)
    api, idle = program("api", ran=True, chain=chain), program("idle", chain=chain, enabled="disabled")
    sources = (Source("supervisord", 99.0, "nobody answers", broken=True),)
    finding = only(api, idle, own, sources=sources)
    assert (finding.code, finding.summary.endswith("nobody looks after api")) == ("manager-down", True)
    assert only(replace(api, daemon=None, ran=False), replace(idle, daemon=None)).summary == (
        "supervisord is not running: nobody looks after api"
    )
    assert judge(replace(idle, daemon=None)) == ()


def test_what_runs_on_without_its_pm2_would_run_twice_if_that_were_started() -> None:
    finding = only(app("web", pids=(812,), state=State.UNKNOWN), app("job"))
    assert finding.summary.endswith("nobody looks after web and job; 1 still runs")
    [way] = finding.proposals
    assert not way.recommended
    assert way.reason_off == "by hand: web runs on and would run twice, so end it first"


def test_a_manager_that_is_gone_is_not_said_to_be_silent_as_well() -> None:
    sources = (Source("pm2", 99.0, "it crashed", broken=True),)
    assert [finding.code for finding in judge(app("web"), sources=sources)] == ["manager-down"]


def test_a_program_that_has_a_namesake_on_its_host_is_named_with_its_manager() -> None:
    namesake = replace(container("api"), adrift=None, state=State.RUNNING)
    finding = only(down(), program("api"), program("cart"), namesake)
    assert finding.summary == "not running: nobody looks after its 2 services: supervisord:api and cart"


@pytest.mark.parametrize(
    ("changes", "told", "severity"),
    [
        ({}, True, Severity.WARNING),
        ({}, False, Severity.WARNING),
        ({"enabled": "disabled"}, True, Severity.INFO),
        ({"enabled": "disabled"}, False, None),
        ({"enabled": "disabled", "state": State.FAILED, "exit_code": 2}, False, Severity.CRITICAL),
        ({"state": State.FAILED, "exit_code": 2}, True, Severity.CRITICAL),
        ({"state": State.FLAPPING, "exit_code": 2}, True, Severity.CRITICAL),
        ({"state": State.STARTING}, True, None),
        ({"state": State.RUNNING}, True, None),
    ],
)
def test_what_was_disabled_and_never_seen_is_no_alarm(
    changes: dict[str, Any], told: bool, severity: Severity | None
) -> None:
    found = judge(down(**changes), program("api", daemon=7 if told else None))
    assert [one.severity for one in found] == ([] if severity is None else [severity])


def container(name: str, **changes: Any) -> Service:
    base = Service(
        ServiceRef(HOST, "docker", name), State.STOPPED, "docker.service inactive/dead", daemon=9,
        chain=("systemd", "docker.service", "docker", name), adrift="nobody looks after it", restart_policy="no",
    )  # fmt: skip
    return replace(base, **changes)


@pytest.mark.parametrize("socket", [("docker.socket",), ()], ids=["socket known", "socket forgotten"])
def test_containers_that_ran_until_their_engine_was_stopped_are_no_footnote(socket: tuple[str, ...]) -> None:
    engine = unit("docker.service", State.STOPPED, enabled="disabled", result="success", triggered_by=socket)
    old, kept = container("aold"), container("zweb", ran=True, restart_policy="always")
    finding = only(engine, old, container("cweb", ran=True), kept)
    assert (finding.code, finding.severity) == ("manager-down", Severity.WARNING)
    assert finding.summary == "not running: nobody looks after its 2 services: cweb and zweb"
    assert finding.proposals[0].recommended
    assert not finding.concerns(old.ref)


def test_nothing_to_run_is_nothing_to_miss() -> None:
    assert [one.code for one in judge(down(), program("idle", enabled="disabled"))] == ["service-stopped"]


def test_a_declared_program_makes_it_critical_and_is_not_told_twice() -> None:
    api = program("api")
    finding = only(down(), api, expected=(Expected(api.ref.host, api.ref.name, api.ref.manager),))
    assert (finding.code, finding.severity) == ("manager-down", Severity.CRITICAL)


def test_what_runs_on_speaks_against_a_start() -> None:
    api = program("api", state=State.UNKNOWN, pids=(812,), adrift="its process 812 runs on, and nobody looks after it")
    finding = only(down(state=State.FAILED, exit_code=None, exit_signal=9, result="signal"), api, program("cart"))
    assert finding.summary == "failed: killed by SIGKILL: nobody looks after its 2 services: api and cart; 1 still runs"
    assert not any(way.recommended for way in finding.proposals)
    assert "api: unknown, its process 812 runs on, and nobody looks after it" in finding.evidence


def test_wrong_files_are_the_first_thing_to_mend() -> None:
    finding = only(down(state=State.FAILED, exit_code=2, files_wrong=WRONG), program("api"))
    assert finding.summary == f"failed: exit code 2, {WRONG}: nobody looks after api"
    assert [(way.id, way.recommended) for way in finding.proposals][:2] == [("mend-files", True), ("start", False)]
    alone = only(down(state=State.FAILED, exit_code=2, files_wrong=WRONG))
    assert (alone.code, alone.summary) == ("service-failed", f"failed: exit code 2, {WRONG}")
    assert not any(way.recommended for way in alone.proposals)


def test_wrong_files_of_one_that_runs_are_told_before_it_is_restarted() -> None:
    running = down(state=State.RUNNING, native_state="active/running", files_wrong=WRONG)
    programs = [program(name, state=State.RUNNING, adrift=None, files_wrong=WRONG) for name in ("api", "cart")]
    finding = only(running, *programs)
    assert (finding.code, finding.severity, finding.service) == ("files-wrong", Severity.WARNING, ref(SUPERVISOR))
    assert finding.summary == f"its files are wrong, a restart would leave its 2 services down: {WRONG}"
    alone = only(replace(programs[0], chain=("supervisord", "api")))
    assert (alone.subject, alone.service) == ("supervisord", None)


@pytest.mark.parametrize(
    ("chain", "whose"),
    [
        (("supervisord", "api"), "which no unit runs"),
        (("systemd", "user@1000.service", "pm2.service", "supervisord", "api"), "which a unit of the user runs"),
    ],
)
def test_a_manager_that_is_gone_is_said_to_be_whose_it_was(chain: tuple[str, ...], whose: str) -> None:
    gone = only(program("api", chain=chain, daemon=812, ran=True))
    assert gone.summary.startswith(f"supervisord (process 812), {whose}, is gone: nobody looks after ")
    deaf = only(program("api", chain=chain, daemon=812, ran=True, adrift=f"supervisord (process 812) {SOCKET_GONE}"))
    assert deaf.summary.startswith(f"supervisord (process 812) {SOCKET_GONE}: nobody looks after ")


def test_its_silence_is_explained_where_all_of_its_services_are_missed() -> None:
    silent = (Source("supervisord", 1.0, "no supervisord answers"),)
    assert [one.code for one in judge(down(), program("api"), sources=silent)] == ["manager-down"]
    other = program("other", adrift=None, state=State.RUNNING, chain=("supervisord", "other"))
    assert [one.code for one in judge(down(), program("api"), other, sources=silent)] == [
        "manager-silent",
        "manager-down",
    ]


def test_what_a_manager_without_a_unit_ran_is_told_once() -> None:
    api = program("api", chain=("supervisord", "api"), daemon=812, ran=True)
    declared = (Expected(api.ref.host, api.ref.name, api.ref.manager),)
    finding = only(api, expected=declared, sources=(Source("supervisord", 1.0, "no supervisord answers"),))
    assert (finding.code, finding.severity, finding.covers) == ("manager-down", Severity.CRITICAL, (api.ref,))
    assert only(replace(api, state=State.FAILED, result="exit-code", exit_code=3)).code == "manager-down"


def test_a_manager_that_a_port_keeps_down_is_one_finding_with_what_it_leaves_alone() -> None:
    unit_down = down(state=State.FAILED, result="exit-code", exit_code=2)
    held = replace(symptom(port=9001), ref=unit_down.ref)
    other = listener("0.0.0.0", 9001, unit="other.service", cgroup="/system.slice/other.service")
    api = program("api")
    finding = only(
        unit_down, api, unit("other.service"), symptoms=(held,), listeners=(other,),
        expected=(Expected(api.ref.host, api.ref.name, api.ref.manager),),
    )  # fmt: skip
    assert (finding.code, finding.service, finding.covers) == ("port-held", ref(SUPERVISOR), (api.ref,))
    assert finding.summary == "cannot bind tcp 9001, held by other.service: nobody looks after api"
    assert "api: stopped, nobody looks after it" in finding.evidence
