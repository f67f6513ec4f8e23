from dataclasses import replace
from typing import Any

import pytest

from console.core.command import Command
from console.core.declaration import Declaration
from console.core.finding import Finding, Severity
from console.core.health import Health
from console.core.network import Listener, Process
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint, Hint, Overdue, Service, ServiceRef, State
from console.core.snapshot import LastWords, Source, Symptom
from console.core.stop_way import StopWay
from console.core.thresholds import Thresholds
from console.findings import Evaluator, evaluate
from tests.diagnosis.factories import (
    HOST,
    NOW,
    failed,
    hidden,
    identity,
    listener,
    ref,
    sample,
    snapshot,
    symptom,
    unit,
)

LEGACY = unit("legacy.service", pids=(4112,), restart_policy="always", enabled="enabled")


def judge(*services: Service, listeners: tuple[Listener, ...] = (), symptoms: tuple[Symptom, ...] = (), **changes: Any):  # type: ignore[no-untyped-def]
    return evaluate(snapshot(services=services, listeners=listeners, symptoms=symptoms, **changes))


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, found
    return found[0]


def commands(intent: Intent) -> tuple[Command, ...]:
    return (Command((str(intent.kind), intent.target.name)),)


def test_a_quiet_host_has_no_findings() -> None:
    assert judge(LEGACY, unit("old.service", State.STOPPED), listeners=(listener(),)) == ()


# failed services


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        ({"exit_code": 1}, "failed: exit code 1"),
        ({"exit_code": 203}, "failed: exit code 203: its program cannot be run"),
        ({"exit_code": 217}, "failed: exit code 217: its user does not exist"),
        ({"result": "signal", "exit_code": None, "exit_signal": 9}, "failed: killed by SIGKILL"),
        ({"result": "signal", "exit_code": None, "exit_signal": 40}, "failed: killed by signal 40"),
        ({"result": "core-dump", "exit_signal": 11}, "failed: killed by SIGSEGV, it dumped core"),
        ({"result": "oom-kill", "exit_signal": 9}, "failed: killed for lack of memory"),
        ({"result": "timeout", "exit_code": 0}, "failed: a start, a stop or the whole run took longer than it may"),
        (
            {"result": "timeout", "exit_code": None, "exit_signal": 15, "overdue": Overdue.START, "start_seconds": 3.0},
            "failed: it did not start in 3 s, ended by SIGTERM",
        ),
        (
            {"result": "timeout", "exit_signal": 9, "overdue": Overdue.STOP, "stop_way": StopWay("SIGTERM", 2.0)},
            "failed: it did not stop in 2 s, ended by SIGKILL",
        ),
        (
            {"result": "timeout", "exit_signal": 9, "overdue": Overdue.STOP},
            "failed: it did not stop in its time, ended by SIGKILL",
        ),
        ({"result": "watchdog", "exit_signal": 6}, "failed: it did not answer its watchdog, ended by SIGABRT"),
        (
            {"result": "protocol", "exit_signal": 15},
            "failed: it did not follow its own start protocol, ended by SIGTERM",
        ),
        ({"result": None, "exit_code": None}, "failed: its manager does not say why"),
        ({"result": "resources", "exit_code": 0}, "failed: systemd could not give it what it needs"),
        ({"result": "success", "exit_code": 0}, "failed: it ended well"),
    ],
)
def test_why_a_service_failed(changes: dict[str, Any], summary: str) -> None:
    finding = only(judge(failed(**changes)))
    assert (finding.code, finding.summary) == ("service-failed", summary)
    assert (finding.subject, finding.service, finding.since) == (f"{HOST}/systemd:api.service", ref(), NOW - 20.0)


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"enabled": "enabled"}, Severity.CRITICAL),
        ({"enabled": "disabled"}, Severity.WARNING),
        ({"enabled": "static"}, Severity.WARNING),
        ({"enabled": "disabled", "wants": (Endpoint("tcp", "*", 8080),)}, Severity.CRITICAL),
        ({"enabled": "enabled", "triggered_by": ("api.timer",)}, Severity.WARNING),
        ({"enabled": "enabled", "scope": "user:deploy"}, Severity.WARNING),
    ],
)
def test_only_what_should_run_always_needs_a_person_now(changes: dict[str, Any], severity: Severity) -> None:
    assert only(judge(failed(**changes))).severity is severity


def test_a_failed_service_can_be_started_or_cleared() -> None:
    for service, wise in ((failed(), False), (failed(result="signal", exit_code=None, exit_signal=9), True)):
        found = evaluate(snapshot(services=(service,)), commands_of=commands)
        start, reset = only(found).proposals
        assert (start.recommended, reset.recommended) == (wise, False)
    assert start.commands == ("reset-failed api.service", "start api.service")
    assert [intent.kind for intent in reset.intents] == [ActionKind.RESET_FAILED]


def test_the_log_is_evidence() -> None:
    finding = only(judge(failed(), symptoms=(symptom(),)))
    assert finding.summary == "failed: exit code 1, EADDRINUSE in its log"
    assert "log: listen tcp 0.0.0.0:8080: bind: address already in use" in finding.evidence


def test_so_is_the_end_of_a_log_that_names_no_address() -> None:
    said = (LastWords(ref(), tuple(f"line {number}" for number in range(5))),)
    assert only(judge(failed(), last_words=said)).evidence[-3:] == ("log: line 2", "log: line 3", "log: line 4")
    assert "log: line 4" not in only(judge(failed(), last_words=said, symptoms=(symptom(),))).evidence


def test_a_port_that_its_definition_names_is_evidence_where_another_holds_it() -> None:
    api = failed(hints=(Hint(Endpoint("tcp", "*", 8080), "PORT of api.conf"),))
    finding = only(judge(api, LEGACY, listeners=(listener(),)))
    assert finding.code == "service-failed"
    assert finding.evidence[-1] == "PORT of api.conf names tcp 8080, which legacy.service holds"
    assert not any("names tcp" in line for line in only(judge(api, LEGACY)).evidence)


def test_a_start_limit_is_told_apart() -> None:
    api = failed(restarts=5, restart_policy="on-failure", start_limit=(5, 10.0))
    finding = only(judge(api))
    assert (finding.code, finding.summary) == ("start-limit", "after 5 restarts systemd gave up: exit code 1")
    assert any("gives up after 5 starts in 10 s" in line for line in finding.evidence)
    assert finding.proposals[0].label == "reset-failed, then start api.service"


def test_a_declared_check_that_fails_is_a_finding_with_what_it_said() -> None:
    health = Health(ref(), False, "/health 503: no database", 99.0, since=40.0, failures=2)
    api = unit("api.service", pids=(7,))
    finding = only(judge(api, health=(health,)))
    assert (finding.code, finding.severity, finding.service, finding.since) == (
        "unhealthy", Severity.CRITICAL, ref(), 40.0,
    )  # fmt: skip
    assert finding.summary == "unhealthy: /health 503: no database"
    assert finding.evidence[0].endswith("no database, 2 looks in a row")
    assert only(judge(replace(api, health="unhealthy"), health=(health,))) == finding
    for fine in (replace(health, well=None), replace(health, well=True)):
        assert judge(api, health=(fine,)) == ()
    assert judge(unit("api.service", State.STOPPED), health=(health,)) == ()


# restart loops


def test_a_flapping_service() -> None:
    finding = only(judge(unit("api.service", State.FLAPPING, restarts=2, exit_code=1, enabled="enabled")))
    assert (finding.code, finding.severity) == ("restart-loop", Severity.WARNING)
    assert finding.summary == "restarts again and again (2 restarts): exit code 1"
    worse = only(judge(unit("api.service", State.FLAPPING, restarts=12, enabled="enabled")))
    assert worse.severity is Severity.CRITICAL


def test_what_gave_up_is_not_started_again_before_its_log_was_read() -> None:
    shop = failed(
        ref=replace(ref("shop"), manager="supervisord"), native_state="FATAL", exit_code=3, restarts=3,
        log_files=("/var/log/shop a.log",), restart_policy="always",
    )  # fmt: skip
    read, start = only(judge(shop)).proposals
    assert (read.label, read.recommended) == ("read its log first: exit code 3", True)
    assert read.commands == ("tail -n 50 -- '/var/log/shop a.log'",)
    assert read.reason_off == f"by hand: l, or hostdeck logs {shop.ref}"
    assert (start.label, start.recommended) == ("start shop", False)


def test_one_restart_is_no_loop() -> None:
    api = unit("api.service", State.FLAPPING, restarts=1, enabled="enabled", pids=(300,), since=NOW - 4.0)
    finding = only(judge(api))
    assert (finding.code, finding.severity, finding.since) == ("restarted", Severity.INFO, NOW - 4.0)
    assert finding.summary == "restarted once, 4 s ago"
    between = only(judge(replace(api, pids=(), exit_code=1)))
    assert (between.code, between.severity) == ("restart-loop", Severity.WARNING)
    assert between.summary == "ended, and is started again: exit code 1"
    # What its log complains of will end it again.
    complains = judge(replace(api, attempt_since=NOW - 4.0), symptoms=(symptom(at=NOW - 3.0, errno="EACCES"),))
    assert {one.code for one in complains} != {"restarted"}


def test_a_restart_long_after_the_one_before_is_one_and_soon_after_it_a_loop() -> None:
    for apart, code in ((4000.0, "restarted"), (15.0, "restart-loop")):
        evaluator = Evaluator()
        api = unit("api.service", restarts=6, pids=(300,), since=NOW - apart - 4.0)
        evaluator(snapshot(services=(api,)))
        again = replace(api, state=State.FLAPPING, restarts=7, pids=(301,), since=NOW - 4.0)
        assert [one.code for one in evaluator(snapshot(services=(again,)))] == [code]


@pytest.mark.parametrize(
    ("restarts", "age", "found"),
    [(5, 20.0, True), (5, 4000.0, False), (2, 4000.0, False), (0, 20.0, False), (None, 20.0, False)],
)
def test_a_service_that_came_back_for_now(restarts: int | None, age: float, found: bool) -> None:
    made = judge(unit("api.service", restarts=restarts, since=NOW - age))
    assert bool(made) is found
    if found:
        assert made[0].summary == "restarts again and again (5 restarts)"


def test_without_a_clock_nothing_is_called_recent() -> None:
    api = unit("api.service", restarts=50, since=NOW - 5)
    assert judge(api, sample=sample(wall=None)) == ()


# ports


def test_a_port_that_is_held_is_the_one_finding() -> None:
    api = failed(restarts=5, restart_policy="always", enabled="enabled")
    finding = only(judge(api, LEGACY, listeners=(listener(),), symptoms=(symptom(),)))
    assert (finding.code, finding.severity) == ("port-held", Severity.CRITICAL)
    assert finding.summary == "cannot bind tcp 8080, held by legacy.service"
    assert (finding.port, finding.protocol, finding.service) == (8080, "tcp", ref())
    assert (finding.proposals[0].id, finding.proposals[0].recommended) == ("stop-holder", True)
    assert any(line.startswith("socket: tcp 0.0.0.0:8080 pid 4112") for line in finding.evidence)


def test_a_declared_port_that_is_held() -> None:
    api = failed(wants=(Endpoint("tcp", "0.0.0.0", 8080),))
    assert only(judge(api, LEGACY, listeners=(listener(),))).summary == "wants tcp 8080, held by legacy.service"


def test_a_port_of_the_configuration_that_is_held() -> None:
    declared = (Declaration("api.service", Endpoint("tcp", "*", 8080), "config"),)
    made = snapshot(services=(failed(), LEGACY), listeners=(listener(),))
    assert only(evaluate(made, declared=declared)).code == "port-held"


def test_a_flapping_service_whose_port_is_held() -> None:
    api = unit("api.service", State.FLAPPING, restarts=40)
    assert only(judge(api, LEGACY, listeners=(listener(),), symptoms=(symptom(),))).code == "port-held"


def test_a_flapping_service_with_its_own_port_is_a_restart_loop_and_nothing_else() -> None:
    api = unit("api.service", State.FLAPPING, native_state="active/running", restarts=3, pids=(300,),
               wants=(Endpoint("tcp", "0.0.0.0", 8080),))  # fmt: skip
    own = listener(pids=(300,), unit="api.service", cgroup="/system.slice/api.service")
    finding = only(judge(api, listeners=(own,)))
    assert (finding.code, finding.severity) == ("restart-loop", Severity.WARNING)


def test_a_hidden_holder_is_still_told() -> None:
    bare = replace(hidden(listener()), unit=None, cgroup=None)
    finding = only(judge(failed(), listeners=(bare,), symptoms=(symptom(),), identity=identity(1001)))
    assert finding.summary == "cannot bind tcp 8080, held by a hidden process of deploy"


def test_a_running_service_that_complains_of_its_port() -> None:
    api = unit("api.service", pids=(7,), since=NOW - 60.0)
    finding = only(judge(api, LEGACY, listeners=(listener(),), symptoms=(symptom(),)))
    assert finding.code == "port-held"
    recovered = replace(api, since=NOW - 5.0)
    assert judge(recovered, LEGACY, listeners=(listener(),), symptoms=(symptom(),)) == ()


def test_a_port_that_is_not_permitted() -> None:
    finding = only(judge(failed(user="deploy"), symptoms=(symptom("EACCES", port=80),)))
    assert finding.code == "port-not-permitted"
    assert finding.summary.startswith("cannot bind tcp 80: ports below 1024 need CAP_NET_BIND_SERVICE")


def test_an_address_that_is_not_there() -> None:
    finding = only(judge(failed(), symptoms=(symptom("EADDRNOTAVAIL", address="192.0.2.1"),)))
    assert finding.code == "no-such-address"
    assert "192.0.2.1" in finding.summary


def test_a_cause_that_is_gone_leaves_a_failed_service() -> None:
    assert only(judge(failed(restarts=5, restart_policy="always"), symptoms=(symptom(),))).code == "start-limit"


# boot, reload


def at_boot(count: int, **changes: Any) -> tuple[Service, ...]:
    return tuple(failed(f"s{number}.service", since=NOW - 86_390.0, **changes) for number in range(count))


def test_failures_of_the_boot_are_one_finding() -> None:
    finding = only(judge(*at_boot(4, enabled="enabled")))
    assert (finding.code, finding.subject, finding.severity) == ("boot-failures", "host", Severity.CRITICAL)
    assert finding.summary == "4 services failed at boot: s0.service, s1.service, s2.service and 1 more"
    assert len(finding.evidence) == len(finding.proposals) == 4


def test_the_failures_of_the_boot_are_started_by_the_rule_of_every_other() -> None:
    for changes, wise in (({}, False), ({"result": "signal", "exit_code": None, "exit_signal": 9}, True)):
        finding = only(judge(*at_boot(4, **changes)))
        assert {way.recommended for way in finding.proposals} == {wise}


def test_few_failures_of_the_boot_and_later_ones_stay_single() -> None:
    assert [found.code for found in judge(*at_boot(2))] == ["service-failed"] * 2
    found = judge(*at_boot(3), failed("late.service"))
    assert sorted(one.code for one in found) == ["boot-failures", "service-failed"]


def test_the_boot_is_known_without_a_wall_clock_while_it_is_young() -> None:
    young = sample(wall=None, uptime=100.0)
    assert only(judge(*at_boot(3), sample=young)).code == "boot-failures"
    assert len(judge(*at_boot(3), sample=sample(wall=None))) == 3


def test_a_held_port_is_not_hidden_among_failures_of_the_boot() -> None:
    held = symptom(ref=ref("s0.service"))
    found = judge(*at_boot(4), LEGACY, listeners=(listener(),), symptoms=(held,))
    assert [one.code for one in found] == ["port-held", "boot-failures"]


def test_a_unit_file_that_was_not_reloaded() -> None:
    changed = unit("api.service", needs_reload=True, unit_file="/etc/systemd/system/api.service")
    finding = only(evaluate(snapshot(services=(changed,)), commands_of=commands))
    assert (finding.code, finding.severity, finding.subject) == ("daemon-reload", Severity.INFO, "host")
    assert finding.summary == "unit files changed on disk and not reloaded: api.service"
    assert finding.proposals[0].commands == ("daemon-reload api.service",)
    both = judge(
        changed, unit("b.service", needs_reload=True), unit("c.service", needs_reload=True, scope="user:deploy")
    )
    assert [one.subject for one in both] == ["host", "host of deploy"]


def test_what_supervisord_has_not_loaded_is_read_again_by_group() -> None:
    changed = [
        Service(ServiceRef("web1", "supervisord", name), State.RUNNING, "RUNNING", needs_reload=True, group=group,
                description=f"{name} new", unit_file="/etc/supervisor/conf.d/all.conf")
        for name, group in (("api", None), ("shop:cart", "shop"), ("shop:pay", "shop"))
    ]  # fmt: skip
    finding = only(evaluate(snapshot(services=tuple(changed)), commands_of=commands))
    assert finding.summary == "files of supervisord changed on disk and not reloaded: api, shop:cart and shop:pay"
    assert finding.evidence[0] == "api: api new (/etc/supervisor/conf.d/all.conf)"
    assert finding.proposals[0].commands == ("daemon-reload api", "daemon-reload shop:cart")


def test_the_worst_comes_first() -> None:
    reload = unit("api.service", needs_reload=True)
    found = judge(
        reload, failed("b.service"), failed("a.service"), failed("c.service", enabled="enabled"), LEGACY,
        failed("web.service"), listeners=(listener(),), symptoms=(symptom(ref=ref("web.service")),),
    )  # fmt: skip
    assert [(one.code, one.subject.rpartition(":")[2]) for one in found] == [
        ("port-held", "web.service"),
        ("service-failed", "c.service"),
        ("service-failed", "a.service"),
        ("service-failed", "b.service"),
        ("daemon-reload", "host"),
    ]
    assert [one.severity.rank for one in found] == sorted(one.severity.rank for one in found)


def test_limits_are_of_the_configuration() -> None:
    made = snapshot(services=(unit("api.service", restarts=2, since=NOW - 5),))
    assert evaluate(made, Thresholds(restarts_warning=2))[0].code == "restart-loop"


def test_what_failed_for_a_cause_that_nobody_saw_is_told_so_and_no_start_is_recommended() -> None:
    why = "may not read the system journal: join group adm"
    told = {
        name: only(judge(unit("api.service", State.FAILED), sources=(Source("systemd_journal", 1.0, failure),)))
        for name, failure in (("unread", why), ("seen", None))
    }
    assert "its log was not seen: may not read the system journal: join group adm" in told["unread"].evidence
    assert not any(way.recommended for name in ("unread", "seen") for way in told[name].proposals)
    assert not any("its log was not seen" in line for line in told["seen"].evidence)


@pytest.mark.parametrize("state", [State.FLAPPING, State.RUNNING])
def test_a_loop_is_not_dated_by_its_last_attempt_and_to_stop_it_comes_first(state: State) -> None:
    service = unit("api.service", state, restarts=944, restart_policy="always", since=NOW - 1)
    [loop] = judge(service)
    assert (loop.code, loop.since, loop.severity) == ("restart-loop", None, Severity.CRITICAL)
    assert loop.summary.startswith("restarts again and again (944 restarts)")
    if state is State.FLAPPING:
        assert [way.id for way in loop.proposals] == ["stop", "restart"]


def test_a_service_that_runs_and_is_not_well_is_told() -> None:
    sick = replace(unit("web", health="unhealthy"), ref=ServiceRef(HOST, "docker", "web"))
    found = only(judge(sick))
    assert (found.code, found.severity, found.service) == ("unhealthy", Severity.CRITICAL, sick.ref)
    assert judge(replace(sick, health="healthy"), replace(sick, state=State.STOPPED)) == ()


# a container that was made and never ran

CLASH = Service(
    ServiceRef(HOST, "docker", "clash"), State.FAILED, "created (cannot be started)", never_ran=True, since=NOW - 9.0,
    wants=(Endpoint("tcp", "0.0.0.0", 8080),), result="port is already allocated", chain=("docker", "clash"),
    members=("clash",), restart_policy="no", tool=("docker",),
)  # fmt: skip


def test_what_serves_is_not_to_be_stopped_for_what_never_ran() -> None:
    said = symptom(ref=CLASH.ref)
    finding = only(judge(CLASH, LEGACY, listeners=(listener(),), symptoms=(said,)))
    assert (finding.code, finding.severity) == ("port-held", Severity.WARNING)
    assert not any(way.recommended for way in finding.proposals)
    assert any("it never ran" in line for line in finding.evidence)
    ran = only(judge(replace(CLASH, never_ran=False), LEGACY, listeners=(listener(),), symptoms=(said,)))
    assert (ran.severity, ran.proposals[0].recommended) == (Severity.CRITICAL, True)
    assert only(judge(CLASH)).severity is Severity.WARNING


def test_a_taken_port_weighs_the_same_while_nobody_knows_which() -> None:
    api = failed(restarts=6, restart_policy=None, enabled="disabled")
    unnamed = only(judge(api, symptoms=(symptom(port=None),)))
    held = only(judge(api, LEGACY, listeners=(listener(),), symptoms=(symptom(),)))
    assert (unnamed.code, held.code) == ("service-failed", "port-held")
    assert unnamed.severity is held.severity is Severity.CRITICAL


# one that came back


def test_who_runs_for_a_while_after_a_loop_is_said_to_run_again() -> None:
    conf = unit("api.service", restarts=511, since=NOW - 30.0, enabled="enabled")
    assert only(judge(conf)).severity is Severity.CRITICAL
    back = only(judge(replace(conf, since=NOW - 70.0)))
    assert (back.severity, back.summary) == (Severity.INFO, "runs again, after 511 restarts")
    assert back.since == NOW - 70.0
    assert judge(replace(conf, since=NOW - 700.0)) == ()


def test_who_comes_minutes_after_a_restart_is_still_told_of_it() -> None:
    api = unit("api.service", restarts=1, pids=(300,), since=NOW - 130.0)
    finding = only(judge(api))
    assert (finding.code, finding.severity, finding.since) == ("restarted", Severity.INFO, NOW - 130.0)
    assert finding.summary == "restarted once, 2 min ago"
    assert finding.evidence[0] == "api.service: active/running"
    # systemd has set it back.
    assert only(judge(replace(api, result="success"))) == finding
    assert only(judge(replace(api, restarts=2))).summary == "restarted 2 times, the last 2 min ago"
    assert judge(replace(api, since=NOW - 610.0)) == ()


def test_a_single_restart_long_after_others_is_no_loop_when_it_runs_either() -> None:
    look = Evaluator()
    look(snapshot(services=(unit("api.service", restarts=6, since=NOW - 4000.0),)))
    [finding] = look(snapshot(services=(unit("api.service", restarts=7, since=NOW - 30.0),)))
    assert (finding.code, finding.summary) == ("restarted", "restarted once, 30 s ago")


def test_a_slow_loop_is_not_taken_for_one_that_came_back() -> None:
    look = Evaluator()
    for number, began in ((10, NOW - 300.0), (11, NOW - 190.0), (12, NOW - 80.0)):
        found = look(snapshot(services=(unit("api.service", restarts=number, since=began, enabled="enabled"),)))
    assert [finding.severity for finding in found] == [Severity.CRITICAL]
    assert found[0].summary == "restarts again and again (12 restarts)"


def test_what_keeps_a_service_from_its_port_is_not_told_again_as_what_comes_of_it() -> None:
    api = unit("api.service", pids=(7,), health="unhealthy", restarts=9, since=NOW - 1)
    held = only(judge(api, LEGACY, listeners=(listener(),), symptoms=(symptom(at=NOW),), sample=sample()))
    assert (held.code, held.service) == ("port-held", api.ref)


def test_a_clash_at_the_next_boot_is_not_why_a_health_check_fails_now() -> None:
    wants = (Endpoint("tcp", "0.0.0.0", 8080),)
    api = unit("api.service", pids=(7,), health="unhealthy", enabled="enabled", wants=wants)
    other = unit("other.service", State.STOPPED, enabled="enabled", wants=wants)
    for both in ((api, other), (other, api)):
        assert {"port-claimed-twice", "unhealthy"} <= {found.code for found in judge(*both)}


def test_what_a_cluster_gives_away_no_longer_is_judged_anew() -> None:
    place = Endpoint("tcp", "0.0.0.0", 8080)
    gift = Declaration("service shop/web", place, "nodePort of service shop/web", "kubernetes", given=True)
    both = tuple(unit(name, enabled="enabled", wants=(place,)) for name in ("api.service", "other.service"))
    look, taken = Evaluator(), snapshot(services=both, given=(gift,))
    assert "port-claimed-twice" not in {found.code for found in look(taken)}, "the port map tells of the cluster"
    assert "port-claimed-twice" in {found.code for found in look(replace(taken, given=()))}


def test_a_stopped_process_is_why_a_health_check_fails() -> None:
    api = unit("api.service", pids=(7,), health="unhealthy")
    assert only(judge(api, halted=(Process(7, "python3", 1, state="T"),))).code == "process-stopped"


@pytest.mark.parametrize(
    ("seen", "who"),
    [
        ({"pids": (), "process": None}, "docker.service or a container of it"),
        ({"pids": (57,), "process": "dockerd"}, "docker.service"),
    ],
)
def test_an_engine_whose_process_is_hidden_may_hold_a_port_for_a_container(seen: dict[str, Any], who: str) -> None:
    docker = unit("docker.service", pids=(57,))
    held = listener(unit="docker.service", cgroup="/system.slice/docker.service", **seen)
    finding = only(judge(failed(), docker, listeners=(held,), symptoms=(symptom(),)))
    assert finding.summary == f"cannot bind tcp 8080, held by {who}"


def test_what_a_unit_left_is_not_called_by_its_name_alone() -> None:
    """As if the unit were to be stopped for it."""
    ended = unit("legacy.service", State.FAILED)
    held = listener(unit="legacy.service", cgroup="/system.slice/legacy.service", pids=(), process=None)
    found = judge(failed(), ended, listeners=(held,), symptoms=(symptom(),))
    (finding,) = (one for one in found if one.code == "port-held")
    assert finding.summary == "cannot bind tcp 8080, held by what legacy.service left running"


def test_what_a_unit_of_jobs_left_running_is_named_itself() -> None:
    cron = unit("cron.service", pids=(39,))
    job = listener(pids=(812,), unit="cron.service", cgroup="/system.slice/cron.service")
    known = (Process(812, "python3", 1),)
    finding = only(judge(failed(), cron, listeners=(job,), symptoms=(symptom(),), processes=known))
    assert finding.summary == "cannot bind tcp 8080, held by python3 (pid 812)"
