"""A service that counts as running: a signal stopped its process, or it does not listen where it should."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.core.declaration import Declaration
from console.core.network import Listener
from console.core.reach import Attempt, Reached, Vantage
from console.core.service import Endpoint, Hint, Service, ServiceRef, State
from console.diagnosis import Confidence, Evidence, Verdict, VerdictWord, as_text, diagnose, needed
from console.diagnosis.evidence import Refusal
from console.diagnosis.standstill import NOTE
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespaces
from console.probes.redirects import Redirects

from .factories import HOST, NOW, failed, listener, process, ref, snapshot, unit

API = unit("api.service", pids=(7,), ports=(Endpoint("tcp", "0.0.0.0", 8080),))
OWN = listener(unit="api.service", cgroup="/system.slice/api.service", pids=(7,))
PORT = Declaration("api.service", Endpoint("tcp", "*", 8080), "/etc/systemd/system/api.service:10", "systemd")
STOPPED = process(7, state="T")


def look(service: Service = API, *listeners: Listener, target: Any = None, **changes: Any) -> Evidence:
    made = Evidence(
        snapshot(services=(service, *changes.pop("others", ())), listeners=listeners), target or service.ref,
        declared=(PORT,), processes=(), sockets=(), bound=(), limits=PortLimits(), addresses=(),
        namespaces=Namespaces(), redirects=Redirects(),
    )  # fmt: skip
    return replace(made, **changes)


def first(verdict: Verdict) -> tuple[str, bool, bool]:
    way = verdict.actions[0]
    return way.id, way.recommended, way.reason_off is not None


def test_what_has_its_port_and_does_nothing_is_not_fine() -> None:
    verdict = diagnose(look(API, OWN, processes=(STOPPED,)))
    assert (verdict.verdict, verdict.fine, verdict.frozen) == (VerdictWord.HELD, False, 7)
    assert verdict.summary == (
        "api.service has its port, tcp 8080, but its process 7 (python3) was stopped by a signal and does nothing"
    )
    assert first(verdict) == ("continue", True, True)
    assert verdict.actions[0].commands == ("kill -CONT 7",)
    assert as_text(verdict)[1].startswith("HELD     api.service has its port")
    assert diagnose(look(API, OWN, processes=(replace(STOPPED, state="S"),))).fine
    # One that a debugger holds for a moment goes on.
    assert diagnose(look(API, OWN, processes=(replace(STOPPED, state="t"),))).fine


PAUSED = replace(
    API, ref=ServiceRef(HOST, "docker", "web"), state=State.UNKNOWN, native_state="paused", cgroup=None,
    members=("web",), tool=("docker",), chain=("docker", "web"),
)  # fmt: skip
HALTED = "but its engine has paused it, and it does nothing"


def test_a_container_that_is_paused_has_its_port_and_does_nothing() -> None:
    proxy = replace(
        OWN, pids=(513,), process="docker-proxy", unit="docker.service", cgroup="/system.slice/docker.service"
    )
    where = replace(look(PAUSED, proxy, processes=(process(7, state="S"),)), declared=())
    verdict = diagnose(where)
    assert (verdict.verdict, verdict.fine) == (VerdictWord.HELD, False)
    assert verdict.summary == f"web has its port, tcp 8080, {HALTED}"
    assert first(verdict) == ("unpause", True, True)
    assert verdict.actions[0].commands == ("docker unpause web",)
    assert not any(way.recommended for way in verdict.actions[1:])
    asked = diagnose(replace(where, target=Endpoint("tcp", "*", 8080)))
    assert (asked.fine, asked.summary) == (False, f"web holds tcp 8080, {HALTED}")
    assert first(asked) == ("unpause", True, True)
    assert [holder.note for holder in asked.holders] == ["its engine has paused it, and it does nothing"]


def test_of_a_paused_container_whose_process_is_hidden_the_full_queue_is_not_all() -> None:
    hidden = replace(OWN, backlog=6, queue=5, pids=(), process=None, unit="docker-ab.scope", cgroup="/docker-ab.scope")
    silent = (Attempt(Vantage.SSH, "10.0.0.1", 8080, Reached.SILENT),)
    made = look(replace(PAUSED, cgroup="/docker-ab.scope"), hidden, processes=(), attempts=silent)
    verdict = diagnose(replace(made, target=Endpoint("tcp", "*", 8080)))
    assert (verdict.verdict, verdict.holders[0].pid) == (VerdictWord.UNREACHABLE, None)
    assert verdict.summary.endswith("; its engine has paused it, and it does nothing")


def test_one_that_was_stopped_before_it_had_its_port() -> None:
    verdict = diagnose(look(replace(API, ports=()), processes=(STOPPED,)))
    assert (verdict.verdict, verdict.fine, verdict.confidence) == (VerdictWord.UNKNOWN, False, Confidence.HIGH)
    assert verdict.summary == (
        "api.service does not listen on tcp 8080: its process 7 (python3) was stopped by a signal and does nothing"
    )
    assert first(verdict) == ("continue", True, True)
    bare = replace(look(replace(API, ports=()), processes=(STOPPED,)), declared=())
    assert diagnose(bare).summary.startswith("api.service listens nowhere: its process 7")


def test_what_keeps_clients_out_as_well_is_told_first() -> None:
    full = replace(OWN, backlog=6, queue=5)
    silent = (Attempt(Vantage.SSH, "10.0.0.1", 8080, Reached.SILENT),)
    verdict = diagnose(look(API, full, processes=(STOPPED,), attempts=silent))
    assert (verdict.verdict, verdict.fine, verdict.frozen) == (VerdictWord.UNREACHABLE, False, 7)
    assert "stopped by a signal, does not accept: 6 connections wait" in verdict.summary
    assert first(verdict) == ("continue", True, True)
    hidden = diagnose(look(API, replace(full, pids=(), process=None), processes=(STOPPED,), attempts=silent))
    assert "was stopped by a signal and does nothing" in hidden.summary


def test_what_an_ended_service_left_behind_is_told_as_that() -> None:
    ended = failed(pids=(), cgroup="/system.slice/api.service")
    verdict = diagnose(look(ended, OWN, processes=(STOPPED,)))
    assert (verdict.verdict, verdict.frozen) == (VerdictWord.DUPLICATE, None)
    assert verdict.holders[0].note is None or "left" in verdict.holders[0].note


def test_a_holder_that_does_nothing_is_told_whoever_asks() -> None:
    verdict = diagnose(look(API, OWN, target=Endpoint("tcp", "*", 8080), processes=(STOPPED,)))
    assert (verdict.at_home, verdict.fine, verdict.holders[0].note) == (False, False, NOTE)
    assert first(verdict) == ("continue", True, True)
    assert not any(way.recommended for way in verdict.actions[1:])
    # For one that wants the place of it the way out stays what it is.
    foreign = diagnose(look(failed(), listener(), others=(unit("legacy.service", pids=(4112,)),),
                            processes=(process(4112, state="T"),)))  # fmt: skip
    assert (foreign.verdict, foreign.holders[0].note) == (VerdictWord.HELD, NOTE)
    assert foreign.actions[0].id == "stop-holder"


def test_the_main_process_is_asked_for_and_a_refusal_is_told() -> None:
    bare = look(replace(API, ports=()), processes=None)
    assert ("process", "7") in [(one.probe, *one.args) for one in needed(bare)]
    assert not any(one.probe == "process" for one in needed(look(replace(API, state=State.STOPPED), processes=None)))
    hidden = replace(OWN, pids=(), process=None)
    verdict = diagnose(look(API, hidden, processes=None, refused=(Refusal("process", "/proc is hidden"),)))
    assert {gap.what: gap.why for gap in verdict.not_checked}["whether its process does anything"] == "/proc is hidden"


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        ({}, "api.service runs and does not listen on tcp 8080, which is free: what it waits for is not known"),
        ({"since": NOW - 3}, "api.service runs for 3 s and does not listen on tcp 8080 yet, which is free"),
        ({"ports": (Endpoint("tcp", "::", 8081),)}, "does not listen on tcp 8080, but on tcp 8081, which is free"),
    ],
)
def test_one_that_runs_without_its_port(changes: dict[str, Any], summary: str) -> None:
    verdict = diagnose(look(replace(API, **{"ports": (), **changes})))
    assert (verdict.verdict, verdict.fine) == (VerdictWord.UNKNOWN, False)
    assert summary in verdict.summary
    assert not any(way.recommended for way in verdict.actions)


def test_a_port_that_only_rules_publish_is_not_said_to_be_without_its_service() -> None:
    web = Service(ServiceRef(HOST, "docker", "web"), State.RUNNING, "running", pids=(7,), ports=(PORT.endpoint,))
    assert "not listen" not in diagnose(look(web)).summary


def test_where_only_a_guess_names_the_port_it_may_be_right_without_it() -> None:
    program = Service(ServiceRef(HOST, "supervisord", "api"), State.RUNNING, "RUNNING", pids=(7,),
                      hints=(Hint(Endpoint("tcp", "*", 8080), "PORT of api.conf"),))  # fmt: skip
    verdict = diagnose(replace(look(program), declared=()))
    assert verdict.verdict is VerdictWord.FREE
    assert verdict.summary == "api runs and does not listen on tcp 8080, which is free"


def test_what_may_listen_in_another_network_is_not_said_to_listen_nowhere() -> None:
    verdict = diagnose(look(replace(API, ports=()), namespaces=None, refused=(Refusal("namespaces", "needs root"),)))
    assert "api.service runs and is not seen to listen on tcp 8080" in verdict.summary


def test_whoever_asks_for_the_port_is_told_that_its_service_runs_without_it() -> None:
    verdict = diagnose(look(replace(API, ports=()), target=Endpoint("tcp", "*", 8080)))
    assert verdict.summary == "tcp 8080 is free now; api.service declares it and runs without it"
    stopped = replace(API, state=State.STOPPED, ports=(), pids=())
    later = diagnose(look(stopped, target=Endpoint("tcp", "*", 8080)))
    assert later.summary == "tcp 8080 is free now; api.service takes it when it is started"


def test_a_stopped_service_is_told_as_before() -> None:
    verdict = diagnose(look(failed()))
    assert verdict.verdict is VerdictWord.FREE
    assert "api.service can be started" in verdict.summary
    assert verdict.service == ref()
