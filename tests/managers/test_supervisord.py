"""supervisord: what its words mean, what its log and its files add, and the commands that are given to it."""

from __future__ import annotations

import json
import xmlrpc.client
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.actions import ActionSettings, plan
from console.core.command import Effect
from console.core.plan import ActionKind, Intent
from console.core.probe import ParseError
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot
from console.managers import supervisord_rpc as rpc
from console.managers.supervisord import SUPERVISORD, parse_survey
from console.managers.supervisord_files import Ground, Written, drift, parse_ground
from console.managers.supervisord_log import Chronicle, read
from console.managers.supervisord_program import Program, loaded_configs, program
from console.managers.supervisord_state import Around, services
from tests.managers.supervisor_zoo import STATES

RECORDED = Path(__file__).parent / "recorded"
CALLS = (*rpc.STATE, ("getSupervisorVersion", ()), rpc.CONFIGS, rpc.LOG)
API = Service(ServiceRef("web1", "supervisord", "api"), State.RUNNING, "RUNNING", pids=(812,), tool=("supervisorctl",))
NOW = 1000.0


def one(word: str, around: Around | None = None, **more: object) -> Service:
    told = {"group": "api", "name": "api", "statename": word, "now": int(NOW), "start": 900, "stop": 0, **more}
    [service] = services((program(told),), around or Around())
    return service


def logged(*lines: str) -> Around:
    text = "\n".join(f"2026-11-21 10:00:{at:02},000 {line}" for at, line in enumerate(lines))
    return Around(chronicle=read(Chronicle(), text))


def answer(*told: object) -> bytes:
    body = xmlrpc.client.dumps((list(told),), methodresponse=True, allow_none=True)
    return f"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n{body}".encode()


@pytest.mark.parametrize("version", ["4.1.0", "4.2.2", "4.2.5", "4.3.0"])
def test_the_answers_of_real_daemons(version: str) -> None:
    data = (RECORDED / f"supervisord-rpc-{version}.xml").read_bytes()
    state, pid, told, found, configs, log = rpc.answers(data, CALLS)
    assert isinstance(state, dict)
    assert (state["statename"], found) == ("RUNNING", version)
    assert isinstance(told, list)
    assert isinstance(log, str)
    around = Around(chronicle=read(Chronicle(), log), loaded=loaded_configs(configs), ground=Ground(pid=int(str(pid))))
    seen = {one.ref.name: one for one in services(tuple(program(each) for each in told), around)}
    ways = {one.stop_way.words for one in seen.values() if one.stop_way is not None}
    assert "SIGTERM, then SIGKILL after 10 s" in ways
    expected = {name: state for name, state in STATES.items() if name != "idle"}
    assert {name: seen[name].state.value for name in expected} == expected
    assert seen["broke"].exit_code == 7
    assert (seen["quick"].exit_code, seen["quick"].restarts) == (3, 1)
    assert seen["shot"].exit_signal == 11
    assert seen["worker:worker_02"].group == "worker"
    assert seen["x;$(id)'\"\\[red]"].log_files[0].endswith("/odd.log")


@pytest.mark.parametrize(
    ("word", "more", "state"),
    [
        ("RUNNING", {}, State.RUNNING),
        ("STARTING", {}, State.STARTING),
        ("STOPPING", {}, State.RUNNING),
        ("STOPPED", {"start": 0}, State.STOPPED),
        ("BACKOFF", {"spawnerr": "Exited too quickly"}, State.FLAPPING),
        ("FATAL", {"spawnerr": "can't find command 'x'"}, State.FAILED),
        ("EXITED", {"exitstatus": 0, "spawnerr": ""}, State.STOPPED),
        ("EXITED", {"exitstatus": 3, "spawnerr": ""}, State.STOPPED),
        ("EXITED", {"exitstatus": 7, "spawnerr": "Bad exit code 7"}, State.FAILED),
        ("EXITED", {"exitstatus": -1, "spawnerr": "Bad exit code -1"}, State.FAILED),
        ("UNKNOWN", {}, State.UNKNOWN),
        ("NEWFANGLED", {}, State.UNKNOWN),
    ],
)
def test_states(word: str, more: dict[str, object], state: State) -> None:
    """Whether an exit was expected is for ``exitcodes`` to say, not for its number."""
    service = one(word, None, **more)
    assert (service.state, service.native_state) == (state, word)


def test_a_restart_by_itself_is_flapping_for_a_while_and_one_by_hand_is_not() -> None:
    crashed = logged("INFO spawned: 'api' with pid 5", "WARN exited: api (exit status 1; not expected)",
                     "INFO spawned: 'api' with pid 6")  # fmt: skip
    by_hand = logged("INFO spawned: 'api' with pid 5", "WARN stopped: api (terminated by SIGTERM)",
                     "INFO spawned: 'api' with pid 6")  # fmt: skip
    assert one("RUNNING", crashed, pid=6, start=995).state is State.FLAPPING
    assert one("RUNNING", crashed, pid=6, start=900).state is State.RUNNING
    assert one("STARTING", crashed, pid=6, start=999).state is State.FLAPPING
    found = one("RUNNING", by_hand, pid=6, start=995)
    assert (found.state, found.restarts) == (State.RUNNING, 0)


def test_a_run_that_is_newer_than_what_was_read_of_the_log_goes_on_with_its_count() -> None:
    again = ["INFO spawned: 'api' with pid 5", "WARN exited: api (exit status 1; not expected)",
             "INFO spawned: 'api' with pid 6"]  # fmt: skip
    for last in ([], ["WARN exited: api (exit status 1; not expected)"]):
        found = one("RUNNING", logged(*again, *last), pid=7, start=995)
        assert (found.state, found.restarts) == (State.FLAPPING, 1)
    assert one("STARTING", logged(*again), pid=7, start=999).state is State.FLAPPING
    # Somebody may have started what was stopped, and what runs for long is older than this log.
    assert one("RUNNING", logged(*again, "INFO stopped: api (exit status 0)"), pid=7, start=995).state is State.RUNNING
    assert one("RUNNING", logged(*again), pid=7, start=900).restarts is None


def test_the_log_tells_what_ended_it() -> None:
    killed = one("BACKOFF", logged("WARN exited: api (terminated by SIGSEGV (core dumped); not expected)"))
    assert (killed.exit_code, killed.exit_signal) == (None, 11)
    exited = one("FATAL", logged("WARN exited: api (exit status 3; not expected)"), spawnerr="Exited too quickly")
    assert (exited.exit_code, exited.result) == (3, "Exited too quickly")
    # The start failed before there was a process: an older end is not its reason.
    missing = one("FATAL", logged("WARN exited: api (exit status 3; not expected)"), spawnerr="can't find command 'x'")
    assert (missing.exit_code, missing.result) == (None, "can't find command 'x'")


def test_the_log_is_read_on_from_where_it_was_read_to() -> None:
    lines = [f"2026-11-21 10:00:{at:02},000 {what}" for at, what in enumerate(
        ["INFO spawned: 'api' with pid 5", "WARN exited: api (exit status 1; not expected)"] * 4)]  # fmt: skip
    whole = read(Chronicle(), "\n".join(lines))
    parts = read(read(Chronicle(), "\n".join(lines[:5])), "\n".join(lines[2:]))
    assert whole == parts
    assert whole.programs["api"].restarts == 3
    assert read(whole, "tail of a line\n" + lines[-1]) == whole
    again = read(whole, "2026-11-21 11:00:00,000 INFO supervisord started with pid 9")
    assert again.programs == {}


def test_programs_of_one_name_in_two_groups_share_no_past() -> None:
    """The log knows no groups."""
    around = logged("WARN exited: web (terminated by SIGKILL; not expected)")
    two = (Program("a", "web", "BACKOFF"), Program("b", "web", "BACKOFF"))
    assert [found.exit_signal for found in services(two, around)] == [None, None]
    assert [found.ref.name for found in services(two, around)] == ["a:web", "b:web"]


def test_one_odd_entry_is_said_to_be_odd() -> None:
    for told in (None, 7, {}, {"group": "a"}, {"group": "a", "name": 5, "statename": "RUNNING"}):
        with pytest.raises(ParseError):
            program(told)
    bare = program(
        {"group": "a", "name": "a", "statename": "RUNNING", "pid": "x", "start": -5, "stdout_logfile": "NONE"}
    )
    assert (bare.pid, bare.start, bare.logs) == (None, None, ())


def test_requests_and_answers() -> None:
    sent = rpc.request(rpc.STATE)
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /RPC2 HTTP/1.0\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    fault = {"faultCode": 6, "faultString": "SHUTDOWN_STATE"}
    found = rpc.answers(answer({"a": "\u009b31mred"}, 7, fault), rpc.STATE)
    assert found == [{"a": "red"}, 7, rpc.Fault(6, "SHUTDOWN_STATE")]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "no supervisord"),
        (b"SSH-2.0-x\r\n", "no supervisord"),
        (b"HTTP/1.0 401 Unauthorized\r\n\r\n", "asks for a user and a password"),
        (b"HTTP/1.0 500 Oops\r\n\r\n", "HTTP status 500"),
    ],
)
def test_what_is_no_answer_is_said(data: bytes, error: str) -> None:
    with pytest.raises(rpc.RpcError, match=error):
        rpc.answers(data, rpc.STATE)


@given(st.binary())
def test_rubbish_is_refused_in_one_way(body: bytes) -> None:
    with pytest.raises((ParseError, rpc.RpcError)):
        rpc.answers(b"HTTP/1.0 200 OK\r\n\r\n" + body, rpc.STATE)


def test_too_few_answers_are_none() -> None:
    with pytest.raises(ParseError):
        rpc.answers(answer(1, 2), rpc.STATE)


def test_what_the_tool_says_instead() -> None:
    assert parse_survey("1000 +0000\n\nlog").programs == ()
    assert parse_survey("1000 +0000\nsudo: a password is required\nlog\n").why == "sudo: a password is required"
    told = parse_survey("1000 +0200\nlogger RUNNING   pid 7, uptime 1 day, 0:00:10\nlog\nx")
    assert (told.why, told.log.strip(), told.zone) == (None, "x", 7200.0)
    assert (told.programs[0].name, told.programs[0].start) == ("logger", 1000.0 - 86410.0)
    with pytest.raises(ParseError):
        parse_survey("yesterday\nlog")


def test_of_one_that_exited_the_tool_does_not_say_how() -> None:
    told = parse_survey("1000 +0000\napi EXITED   Nov 21 10:00 AM\nlog").programs
    assert services(told, Around())[0].state is State.UNKNOWN
    badly, well = (logged(f"WARN exited: api (exit status 2; {word})") for word in ("not expected", "expected"))
    assert services(told, badly)[0].state is State.FAILED
    found = services(told, replace(well, zone=0.0))[0]
    assert (found.state, found.since) == (State.STOPPED, 1795255200.0)


def test_what_is_written_beside_what_is_loaded() -> None:
    written = (
        Written("a", "a", "/f", fields={"command": "new", "stdout_logfile": "auto"}),
        Written("b", "b", "/f", changed=("TOKEN",), fields={"command": "same"}),
        Written("c", "c", "/f"),
        Written("d", "d", "/f", fields={"command": "same", "unheard": 1}),
    )
    loaded: dict[tuple[str, str], dict[str, object]] = {
        ("a", "a"): {"command": "old", "stdout_logfile": "/var/log/a"}, ("b", "b"): {"command": "same"},
        ("d", "d"): {"command": "same"}, ("e", "e"): {},
    }  # fmt: skip
    assert drift(written, loaded, loaded) == {
        ("a", "a"): "changed in its file: command",
        ("b", "b"): "changed in its file: TOKEN",
        ("c", "c"): "not loaded yet",
        ("e", "e"): "not in its files any more",
    }
    assert ("a", "a") not in drift(written, None, loaded)


def test_one_that_is_only_written_is_shown_and_cannot_be_started() -> None:
    ground = Ground(pid=1, programs=(Written("shop", "cart", "/etc/x.conf"),))
    [found] = services((), Around(ground=ground, tool=("supervisorctl",)))
    assert (found.ref.name, found.state, found.needs_reload) == ("shop:cart", State.STOPPED, True)
    assert "let it read its files again" in (SUPERVISORD.why_not(found, ActionKind.START) or "")
    assert SUPERVISORD.why_not(found, ActionKind.DAEMON_RELOAD) is None
    assert SUPERVISORD.daemon_reload(found).argv == ("supervisorctl", "update", "shop")
    assert "shop" in SUPERVISORD.applies(found)[0]


def test_a_plan_says_that_an_update_starts_programs_anew() -> None:
    service = replace(API, ref=replace(API.ref, name="shop:cart"), group="shop", needs_reload=True)
    where = Snapshot("web1", Link(LinkState.UP, 0.0), services=(service,))
    intent = Intent(ActionKind.DAEMON_RELOAD, service.ref)
    made = plan(intent, where, managers=(SUPERVISORD,), settings=ActionSettings(), plan_id="1")
    assert made.commands == ("supervisorctl update shop",)
    assert made.also_hit == SUPERVISORD.applies(service)
    assert "stopped and started anew" in made.also_hit[0]
    assert "reads all its files again" in made.also_hit[1]
    assert "other groups waits for their own update" in made.also_hit[1]


def test_files_that_could_not_be_read_tell_nothing() -> None:
    told = "pid\t7\ntool\tsupervisorctl\npath\t/usr/bin/supervisorctl\nconf\t/etc/x.conf\nuser\tann\nowner\troot"
    hidden = parse_ground(told)
    assert (hidden.bad, hidden.programs) == ("ann may not read /etc/x.conf", None)
    assert hidden.tool == ("supervisorctl", "-c", "/etc/x.conf")
    wrong = parse_ground(f'{told}\nreadable\t1\nshort\t1\n{{"bad": "no \\u001b[31mcommand", "broken": true}}')
    assert (wrong.broken, wrong.programs, wrong.tool) == (True, None, ("supervisorctl",))
    assert "\x1b" not in (wrong.bad or "")
    odd = parse_ground(
        f'{told}\nreadable\t1\n{{"files": []}}\n{{"group": "a"}}\n{{"group": "a", "name": "b", "fields": {{}}}}'
    )
    assert [each.name for each in odd.programs or ()] == ["b"]


def test_commands() -> None:
    assert SUPERVISORD.restart(API).argv == ("supervisorctl", "restart", "api")
    through = replace(API, tool=("sudo", "-n", "--", "supervisorctl", "-c", "/x"))
    command = SUPERVISORD.signal(through, "HUP")
    assert command.argv == ("sudo", "-n", "--", "supervisorctl", "-c", "/x", "signal", "HUP", "api")
    assert command.effect is Effect.CHANGE
    every = replace(API, ref=replace(API.ref, name="all"))
    assert SUPERVISORD.stop(every).argv[-1] == "all:all"
    with pytest.raises(ValueError, match="for every group"):
        SUPERVISORD.daemon_reload(every)


def test_of_another_daemon_than_the_usual_one_its_socket_is_in_the_name_and_not_in_the_commands() -> None:
    tool = ("supervisorctl", "-c", "/opt/b/s.conf")
    service = one("RUNNING", Around(Ground(pid=5), tool=tool, at="/opt/b/s.sock"))
    assert service.ref.name == "api@/opt/b/s.sock"
    assert SUPERVISORD.restart(service).argv == (*tool, "restart", "api")
    assert SUPERVISORD.is_running(service, hold=0.0).command.argv[4:] == ("api", *tool)
    assert SUPERVISORD.why_not(service, ActionKind.RESTART) is None
    written = parse_ground('pid\t0\nconf\t/opt/b/s.conf\nreadable\t1\n{"files": [], "socket": "/opt/b/s.sock"}')
    usual = parse_ground('pid\t0\nconf\t/etc/supervisord.conf\nreadable\t1\n{"files": [], "socket": "/opt/b/s.sock"}')
    assert (written.at, usual.at) == ("/opt/b/s.sock", "")


@pytest.mark.parametrize("name", ["", "a b", "shop:*", "*", "a:b:c", "a:", "a\nb", "a\x1b"])
def test_names_that_mean_more_or_nothing_are_refused(name: str) -> None:
    service = replace(API, ref=replace(API.ref, name=name))
    assert SUPERVISORD.why_not(service, ActionKind.STOP) is not None
    with pytest.raises(ValueError, match="no name of a single program"):
        SUPERVISORD.stop(service)


def test_a_log_that_is_nowhere() -> None:
    with pytest.raises(ValueError, match="not known"):
        SUPERVISORD.log_command(replace(API, tool=()), lines=5, since=None, follow=False)
    assert SUPERVISORD.log_line(API.ref, "==> Press Ctrl-C to exit <==") is None
    line = SUPERVISORD.log_line(API.ref, '{"level": "error", "msg": "gone"}')
    assert line is not None
    assert (line.level, line.message) == ("error", "gone")


def test_an_answer_that_is_nested_without_end_is_none() -> None:
    """The wrong number of answers, too, is told without writing them out."""
    deep = b"<array><data><value>" * 30_000 + b"<int>1</int>" + b"</value></data></array>" * 30_000
    for several in (1, 2, 3):
        values = b"<value>" + deep + b"</value>"
        body = b"<array><data>" + values * several + b"</data></array>"
        data = b"<methodResponse><params><param><value>" + body + b"</value></param></params></methodResponse>"
        with pytest.raises(ParseError):
            rpc.answers(b"HTTP/1.0 200 OK\r\n\r\n" + data, rpc.STATE)


@pytest.mark.parametrize("key", ["pid", "start", "stop", "now", "exitstatus"])
def test_a_number_beyond_all_numbers_is_not_told(key: str) -> None:
    found = program({"group": "a", "name": "a", "statename": "EXITED", "start": 5, key: int("9" * 400)})
    assert (found.pid, found.stop, found.now, found.code) == (None, None, None, 0)
    assert found.start in (5.0, None)


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\u202eb", "\ufffd", "a\x00"])
def test_a_name_with_control_characters_is_refused(name: str) -> None:
    for told in ({"group": name, "name": "a"}, {"group": "a", "name": name}):
        with pytest.raises(ParseError):
            program({"statename": "RUNNING", **told})
    line = json.dumps({"group": "a", "name": name, "fields": {}})
    assert parse_ground(f'pid\t7\nconf\t/x\nreadable\t1\n{{"files": []}}\n{line}').programs == ()
