from dataclasses import replace
from typing import Any

import pytest

from console.core.command import Command
from console.core.declaration import Declaration
from console.core.finding import Finding, Severity
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint, Service, State
from console.core.snapshot import Source
from console.core.thresholds import Thresholds
from console.findings import Evaluator, evaluate
from console.findings.declared import Expected
from tests.diagnosis.factories import HOST, NOW, failed, listener, ref, sample, snapshot, unit

PORT = Endpoint("tcp", "*", 8080)
API = Expected(HOST, "api.service", "systemd", (PORT,))
DECLARED = (Declaration("api.service", PORT, "hostdeck configuration"),)


def commands(intent: Intent) -> tuple[Command, ...]:
    return (Command((str(intent.kind), intent.target.name)),)


def judge(*services: Service, expected: Expected = API, **changes: Any) -> tuple[Finding, ...]:
    seen = snapshot(services=services, **changes)
    return evaluate(seen, commands_of=commands, expected=(expected,), declared=DECLARED)


def test_a_declared_service_that_is_stopped_is_down() -> None:
    (finding,) = judge(unit("api.service", State.STOPPED, since=NOW - 300))
    assert (finding.code, finding.severity, finding.service) == ("service-down", Severity.CRITICAL, ref())
    assert finding.summary == "not running (inactive/dead), and nobody has tcp 8080"
    assert "tcp 8080: free" in finding.evidence
    (start,) = finding.proposals
    assert (start.recommended, start.commands) == (True, ("start api.service",))


def test_a_stopped_service_whose_port_another_one_has_is_told_with_the_way_out() -> None:
    legacy = unit("legacy.service", pids=(4112,))
    (finding,) = judge(unit("api.service", State.STOPPED), legacy, listeners=(listener(),))
    assert (finding.code, finding.severity) == ("port-held", Severity.CRITICAL)
    assert "held by legacy.service" in finding.summary
    assert finding.proposals[0].intents[0].kind is ActionKind.FREE_PORT


def test_a_declared_service_that_is_not_there_is_missing() -> None:
    (finding,) = judge(unit("cron.service"))
    assert (finding.code, finding.severity) == ("service-missing", Severity.WARNING)
    assert finding.summary == "declared, but systemd has no such service"
    assert finding.proposals[0].reason_off


def test_what_is_declared_for_any_host_need_not_be_on_each() -> None:
    assert judge(unit("cron.service"), expected=replace(API, placed=False)) == ()


ANY = Expected(HOST, "api", None, (PORT,))
DOCKER = Source("docker", 100.0)


def container(name: str = "api", state: State = State.RUNNING) -> Service:
    made = unit(name, state)
    return replace(made, ref=replace(made.ref, manager="docker"), native_state=state.value, cgroup=None)


def seen(*more: Source) -> tuple[Source, ...]:
    return (Source("systemd", 100.0), Source("listeners", 100.0), *more)


def test_without_a_manager_any_manager_may_have_it() -> None:
    for one in (container(), unit("api.service")):
        found = judge(one, expected=ANY, sources=seen(DOCKER), listeners=(listener(),), complete=True)
        assert found == ()
    (finding,) = judge(container(state=State.STOPPED), expected=ANY, sources=seen(DOCKER), complete=True)
    assert (finding.code, finding.subject) == ("service-down", "web1/docker:api")


def test_where_several_managers_have_one_of_that_name_it_is_told_which_key_decides() -> None:
    found = judge(unit("api.service"), container(), expected=ANY, sources=seen(DOCKER), listeners=(listener(),))
    (finding,) = found
    assert (finding.code, finding.severity, finding.subject) == ("service-ambiguous", Severity.WARNING, "web1/api")
    assert finding.summary == (
        "declared without a manager, but systemd and docker have a service of that name: "
        'add manager = "systemd" or manager = "docker"'
    )
    assert finding.evidence == ("web1/systemd:api.service: active/running", "web1/docker:api: running")
    assert finding.proposals[0].reason_off


def test_one_of_several_that_runs_is_enough() -> None:
    found = judge(unit("api.service", State.STOPPED), container(), expected=ANY, sources=seen(DOCKER), complete=True)
    assert "service-down" not in {one.code for one in found if "not running" in one.summary}


@pytest.mark.parametrize(
    ("sources", "changes", "summary"),
    [
        (seen(), {}, "declared, but systemd has no such service"),
        (seen(DOCKER), {}, "declared, but none of systemd, docker has such a service"),
        (seen(DOCKER), {"complete": False}, None),
        (seen(replace(DOCKER, failure="no right")), {}, None),
        (seen(replace(DOCKER, former=True)), {}, None),
    ],
)
def test_without_a_manager_it_is_missing_once_every_manager_was_asked(
    sources: tuple[Source, ...], changes: dict[str, Any], summary: str | None
) -> None:
    found = judge(unit("cron.service"), expected=ANY, sources=sources, **{"complete": True, **changes})
    told = [one.summary for one in found if one.code == "service-missing"]
    assert told == ([] if summary is None else [summary])


@pytest.mark.parametrize("source", [Source("systemd", None), Source("systemd", 100.0, "systemctl failed")])
def test_nothing_is_missing_where_services_are_not_seen(source: Source) -> None:
    found = judge(sources=(source, Source("listeners", 100.0)))
    assert "service-missing" not in {finding.code for finding in found}


def test_a_running_service_without_its_port_is_down() -> None:
    (finding,) = judge(unit("api.service"))
    assert (finding.code, finding.severity) == ("service-down", Severity.CRITICAL)
    assert finding.summary == "runs, but nobody has tcp 8080"
    assert finding.proposals[0].id == "restart"


def test_a_service_that_has_just_started_may_not_listen_yet() -> None:
    judged = Evaluator(Thresholds(), lambda _: DECLARED, None, {HOST: (API,)})
    seen = snapshot(services=(unit("api.service", since=NOW - 5),))
    assert judged(seen) == ()
    later = replace(seen, sample=sample(wall=NOW + 60))
    assert [finding.code for finding in judged(later)] == ["service-down"]


def test_a_port_is_not_missed_where_listeners_are_not_seen() -> None:
    assert judge(unit("api.service"), sources=(Source("systemd", 100.0), Source("listeners", 1.0, "no ss"))) == ()


def test_a_declared_service_that_runs_with_its_port_or_waits_for_its_timer_is_well() -> None:
    assert judge(unit("api.service", pids=(4112,)), listeners=(listener(unit="api.service"),)) == ()
    assert judge(unit("api.service", State.STOPPED, triggered_by=("api.timer",))) == ()
    assert judge(unit("api.service", State.STOPPED, oneshot=True)) == ()


def test_a_failed_one_is_told_once() -> None:
    assert [finding.code for finding in judge(failed())] == ["service-failed"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"enabled": "enabled", "restart_policy": "on-failure"}, True),
        ({"enabled": "enabled", "result": "exit-code", "exit_code": 1}, True),
        ({"enabled": "enabled"}, False),
        ({"enabled": "enabled", "result": "exit-code", "oneshot": True}, False),
        ({"enabled": "disabled", "restart_policy": "always"}, False),
        ({"enabled": "enabled", "restart_policy": "always", "since": None}, False),
        ({"enabled": "enabled", "restart_policy": "always", "triggered_by": ("api.socket",)}, False),
    ],
)
def test_an_enabled_service_that_was_put_down_is_worth_a_line(changes: dict[str, Any], told: bool) -> None:
    api = unit("api.service", State.STOPPED, **{"result": "success", **changes})
    found = evaluate(snapshot(services=(api,)))
    assert [(one.code, one.severity) for one in found] == ([("service-stopped", Severity.INFO)] if told else [])


def test_what_failed_and_was_reset_by_an_undone_plan_does_not_vanish() -> None:
    judged = Evaluator()
    api = failed(enabled="enabled")
    assert [one.code for one in judged(snapshot(services=(api,)))] == ["service-failed"]
    stopped = replace(api, state=State.STOPPED, native_state="inactive/dead", result="success", exit_code=None)
    (finding,) = judged(snapshot(services=(stopped,)))
    assert (finding.code, finding.summary) == ("service-stopped", "enabled, but not running")
    assert finding.proposals[0].id == "start"
