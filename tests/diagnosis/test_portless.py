"""A service whose log names no port: what its definition and its last run say, else what is wrong with it instead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.core.command import Command
from console.core.declaration import Declaration
from console.core.network import Process
from console.core.plan import ActionKind, Intent
from console.core.service import Endpoint, Hint, Service, ServiceRef, State
from console.core.snapshot import LastPorts, LastWords
from console.diagnosis.as_json import as_json
from console.diagnosis.as_text import as_text
from console.diagnosis.diagnose import diagnose
from console.diagnosis.evidence import Evidence, Refusal
from console.diagnosis.verdict import Confidence, Verdict, VerdictWord
from console.probes.limits import PortLimits
from console.probes.namespaces import Namespace, Namespaces
from console.probes.redirects import Redirects
from tests.diagnosis.factories import HOST, failed, identity, listener, log, ref, snapshot, symptom, unit

API = ServiceRef(HOST, "supervisord", "api")
PORT = Hint(Endpoint("tcp", "*", 8080), "PORT of /etc/supervisor/conf.d/api.conf")
LEGACY = unit("legacy.service", pids=(4112,), restart_policy="always", enabled="enabled")
SAID = (LastWords(API, ("reading /etc/api.conf", "panic: no ledger", "goodbye")),)


def program(state: State = State.FAILED, **changes: Any) -> Service:
    native = {State.FAILED: "FATAL", State.STOPPED: "STOPPED", State.RUNNING: "RUNNING"}.get(state, "BACKOFF")
    base = Service(API, state, native, exit_code=3 if state is State.FAILED else None, daemon=7)
    return replace(base, **changes)


def commands(intent: Intent) -> tuple[Command, ...]:
    return (Command((intent.kind.value, intent.target.name)),)


def look(service: Service, *listeners: Any, **changes: Any) -> Verdict:
    more = {
        name: changes.pop(name)
        for name in ("declared", "journal", "refused", "sockets", "bound", "limits", "namespaces", "redirects")
        if name in changes
    }
    where = snapshot(services=(service, LEGACY), listeners=listeners, **changes)
    return diagnose(Evidence(where, service.ref, **{"sockets": (), **more}), commands)


def test_a_port_that_its_definition_names_is_a_guess_and_is_called_one() -> None:
    verdict = look(program(hints=(PORT,)), listener(), last_words=SAID)
    assert (verdict.verdict, verdict.port, verdict.confidence) == (VerdictWord.HELD, 8080, Confidence.LOW)
    assert verdict.port_known_by == PORT.where
    assert verdict.failure is not None
    assert (verdict.failure.why, verdict.failure.log) == ("FATAL, exit code 3", SAID[0].lines)
    # Whether it is the port at all is not known.
    assert not any(way.recommended for way in verdict.actions)
    text = as_text(verdict)
    assert "PORT     8080 is named by PORT of /etc/supervisor/conf.d/api.conf; its log name…" in text
    assert text.index("FAILED   FATAL, exit code 3") < text.index("LOG      reading /etc/api.conf")
    found = as_json(verdict)
    assert (found["port_known_by"], found["failure"]["why"]) == (PORT.where, "FATAL, exit code 3")


def test_a_log_that_says_a_port_is_taken_and_not_which_makes_it_likely() -> None:
    told = symptom(port=None, ref=API)
    verdict = look(program(hints=(PORT,)), listener(), symptoms=(told,))
    assert (verdict.verdict, verdict.confidence) == (VerdictWord.HELD, Confidence.MEDIUM)
    assert verdict.actions[0].recommended
    assert verdict.failure is None


def test_where_it_listened_before_counts_more_than_what_is_written() -> None:
    ran = (LastPorts(API, (Endpoint("tcp", "127.0.0.1", 8080),)),)
    both = look(program(hints=(PORT,)), listener(), last_ports=ran)
    assert (both.confidence, both.wanted) == (Confidence.MEDIUM, Endpoint("tcp", "127.0.0.1", 8080))
    assert both.port_known_by == f"{PORT.where}; it listened there when it was last seen to run"
    alone = look(program(), listener(), last_ports=ran)
    assert (alone.port, alone.confidence) == (8080, Confidence.MEDIUM)
    assert alone.port_known_by == "it listened there when it was last seen to run"
    said = [" ".join(line.split()) for line in as_text(alone, width=120) if line.startswith("PORT")]
    assert said == ["PORT 8080: it listened there when it was last seen to run; its log was not read"]


def test_of_several_guesses_the_one_that_is_taken_is_meant() -> None:
    other = Hint(Endpoint("tcp", "*", 9090), "--admin of its command")
    verdict = look(program(hints=(replace(other, endpoint=Endpoint("tcp", "*", 9091)), PORT, other)), listener())
    assert (verdict.port, verdict.port_known_by) == (8080, PORT.where)


def test_a_declaration_of_the_configuration_goes_before_a_guess() -> None:
    declared = (Declaration("api", Endpoint("tcp", "*", 9090), "hostdeck configuration"),)
    verdict = look(program(hints=(PORT,)), listener(), declared=declared)
    assert (verdict.port, verdict.port_known_by) == (9090, "hostdeck configuration")


def test_a_guess_claims_the_port_when_it_is_asked_for() -> None:
    where = snapshot(services=(program(hints=(PORT,)), LEGACY), listeners=(listener(),))
    verdict = diagnose(Evidence(where, PORT.endpoint, sockets=()))
    assert verdict.service is None
    assert verdict.declared_by == (Declaration("api", PORT.endpoint, PORT.where, "supervisord", sure=False),)


def test_without_any_port_the_failure_is_the_answer() -> None:
    verdict = look(program(), last_words=SAID)
    assert (verdict.verdict, verdict.port) == (VerdictWord.UNKNOWN, None)
    [start] = verdict.actions
    assert (start.commands, start.recommended) == (("start api",), False)
    assert as_text(verdict)[:5] == [
        "web1  api FAILED",
        "FAILED   FATAL, exit code 3",
        "LOG      reading /etc/api.conf",
        "         panic: no ledger",
        "         goodbye",
    ]
    assert verdict.evidence[:3] == tuple(f"log: {line}" for line in SAID[0].lines)


@pytest.mark.parametrize(
    ("words", "gap"), [((), "it was not read"), ((LastWords(API, ()),), "it was read and is empty")]
)
def test_a_log_that_says_nothing_is_said_and_a_start_is_no_advice(words: tuple[LastWords, ...], gap: str) -> None:
    verdict = look(program(), last_words=words)
    assert [(one.what, one.why) for one in verdict.not_checked] == [("log of api", gap)]
    assert not verdict.actions[0].recommended


def test_the_journal_of_a_unit_is_its_log() -> None:
    verdict = look(failed(), journal=log("no ledger\n\nbye"), symptoms=())
    assert verdict.failure is not None
    assert (verdict.failure.why, verdict.failure.log) == ("failed/failed, exit code 1", ("no ledger", "bye"))


def test_what_systemd_writes_of_every_failure_takes_no_place_of_what_its_process_said() -> None:
    course = "api.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED\n"
    course += "api.service: Failed with result 'exit-code'.\napi.service: Start request repeated too quickly."
    verdict = look(failed(), journal=(*log("reading\nno ledger"), *log(course, pid=1)), symptoms=())
    assert verdict.failure is not None
    assert verdict.failure.log == ("reading", "no ledger")
    alone = look(failed(), journal=log(course, pid=1), symptoms=()).failure
    assert alone is not None
    assert alone.log == tuple(course.split("\n"))


def test_one_in_a_loop_and_one_with_wrong_files() -> None:
    loop = look(program(State.FLAPPING, restarts=4, result="exit-code", exit_code=3), last_words=SAID)
    assert loop.failure is not None
    assert loop.failure.why == "BACKOFF, exit code 3, 4 restarts"
    wrong = look(failed(files_wrong="/etc/x.conf:3: it is badly formatted"), journal=log("Error"), symptoms=())
    assert wrong.failure is not None
    assert wrong.failure.why == "failed/failed, exit code 1; /etc/x.conf:3: it is badly formatted"
    assert not wrong.actions[0].recommended


def test_one_that_is_stopped_or_runs_has_no_failure() -> None:
    stopped = look(program(State.STOPPED))
    assert stopped.summary.startswith("api is stopped (STOPPED): neither its log, nor its definition")
    assert [(way.commands, way.recommended) for way in stopped.actions] == [(("start api",), False)]
    runs = look(program(State.RUNNING))
    assert runs.summary.startswith("api runs and listens nowhere: ")
    assert (runs.failure, runs.actions) == (None, ())
    assert as_json(runs)["failure"] is None


def test_of_one_that_nobody_runs_the_unit_is_what_to_start() -> None:
    name = "supervisor.service"
    chain = ("systemd", name, "supervisord", "api")
    lost = program(State.STOPPED, adrift="nobody looks after it: systemctl start x", chain=chain, hints=(PORT,))
    down = unit(name, State.STOPPED)
    where = snapshot(services=(lost, down, LEGACY), listeners=(listener(),))
    verdict = diagnose(Evidence(where, API, sockets=()), commands)
    assert (verdict.verdict, verdict.summary) == (VerdictWord.UNKNOWN, "api: nobody looks after it: systemctl start x")
    [start] = verdict.actions
    assert (start.commands, start.recommended) == ((f"start {name}",), True)
    assert start.intents == (Intent(ActionKind.START, ref(name)),)
    for services in ((replace(lost, pids=(812,)), down), (lost, replace(down, files_wrong="x"))):
        unwise = replace(where, services=services)
        assert not diagnose(Evidence(unwise, API, sockets=()), commands).actions[0].recommended
    up = replace(where, services=(lost, replace(down, state=State.RUNNING)))
    assert diagnose(Evidence(up, API, sockets=()), commands).actions == ()


def test_who_may_not_read_the_journal_is_told_to_ask_for_the_port() -> None:
    verdict = look(failed(), refused=(Refusal("journal", "no right"),), symptoms=(), identity=identity(1001))
    assert "ask for the port instead (web1:PORT)" in verdict.summary


@pytest.mark.parametrize(
    ("changes", "wise"),
    [
        ({"result": "exit-code", "exit_code": 1}, False),
        ({"result": "exit-code", "exit_code": 203}, False),
        ({"result": "signal", "exit_signal": 9}, True),
        ({"exit_signal": 15}, True),
        ({"result": "signal", "exit_signal": 11}, False),
        ({"result": "timeout", "exit_signal": 9}, False),
        ({"result": "oom-kill", "exit_signal": 9}, False),
        ({"result": "signal", "exit_signal": 9, "files_wrong": "api.conf: no such file"}, False),
    ],
)
@pytest.mark.parametrize("wants", [(), (Endpoint("tcp", "0.0.0.0", 9999),)])
def test_a_start_is_advice_only_where_what_ended_it_is_over(
    changes: dict[str, Any], wise: bool, wants: tuple[Endpoint, ...]
) -> None:
    service = unit("api.service", State.FAILED, wants=wants, **changes)
    said = (LastWords(service.ref, ("api.service: it ended",)),)
    verdict = look(
        service, last_words=said, bound=(), limits=PortLimits(), namespaces=Namespaces(), redirects=Redirects()
    )
    start = next(way for way in verdict.actions if way.id == "start")
    assert start.recommended is wise


@pytest.mark.parametrize(("code", "wise"), [(1, True), (203, False), (217, False), (127, False), (2, True)])
def test_no_start_is_advice_while_the_program_cannot_be_run(code: int, wise: bool) -> None:
    service = unit("api.service", State.FAILED, result="exit-code", exit_code=code)
    verdict = look(
        service, symptoms=(symptom(),), bound=(), limits=PortLimits(), namespaces=Namespaces(), redirects=Redirects()
    )
    start = next(way for way in verdict.actions if way.id == "start")
    assert start.recommended is wise


TAKEN = ("listen tcp 0.0.0.0:8080: bind: address already in use", "goodbye")


@pytest.mark.parametrize(
    ("manager", "network", "said", "summary"),
    [
        ("docker", None, TAKEN, "its log names tcp 8080 inside its own network (EADDRINUSE)"),
        ("compose", "inner", TAKEN, "its log names tcp 8080 inside the network of inner (EADDRINUSE)"),
        ("kubernetes", None, TAKEN, "its log names tcp 8080 inside the network of its pods (EADDRINUSE)"),
        (
            "docker",
            None,
            ("bind: Address already in use",),
            "its log names no port, but says that it could not bind one",
        ),
    ],
)
def test_what_its_log_says_of_another_network_is_told(
    manager: str, network: str | None, said: tuple[str, ...], summary: str
) -> None:
    guest = program(ref=ServiceRef(HOST, manager, "guest"), network_of=network)
    verdict = look(guest, listener(), last_words=(LastWords(guest.ref, said),))
    assert (verdict.verdict, verdict.port) == (VerdictWord.UNKNOWN, None)
    assert summary in verdict.summary
    assert "neither its log" not in verdict.summary
    assert not any(action.recommended for action in verdict.actions)


def test_who_has_a_port_of_a_network_that_containers_share() -> None:
    guest = program(ref=ServiceRef(HOST, "docker", "guest"), network_of="inner")
    inner = program(State.RUNNING, ref=ServiceRef(HOST, "docker", "inner"), pids=(9,), members=("inner",))
    space = Namespace(1, ("172.17.0.2",), (listener("*", pids=(9,), unit=None),), (Process(9, "httpd"),))
    where = snapshot(services=(guest, inner), listeners=(), last_words=(LastWords(guest.ref, TAKEN),))
    verdict = diagnose(Evidence(where, guest.ref, sockets=(), namespaces=Namespaces(spaces=(space,))), commands)
    assert "inside the network of inner, which inner has there" in verdict.summary
