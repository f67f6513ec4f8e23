"""What is said of services whose manager does not run: what is known, and never more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from console.core.plan import ActionKind
from console.core.probe import ParseError
from console.core.service import Service, ServiceRef, State
from console.managers.adrift import Processes, Silence, settled, with_wrong_files
from console.managers.pm2 import PM2
from console.managers.pm2_written import parse_written as saved
from console.managers.supervisord import SUPERVISORD, parse_written
from tests.probes.recorded import read

RECORDED = Path(__file__).parent / "recorded"
API = Service(
    ServiceRef("web1", "supervisord", "api"), State.RUNNING, "RUNNING", pids=(812,), daemon=7, tool=("supervisorctl",),
    chain=("systemd", "supervisor.service", "supervisord", "api"),
)  # fmt: skip
UNIT = Service(ServiceRef("web1", "systemd", "supervisor.service"), State.STOPPED, "inactive/dead", since=50.0)
DEAD = Processes(frozenset(), frozenset({7, 812}))
SILENT, LEFT = Silence(frozenset({"supervisord"})), Silence(frozenset({"supervisord"}), frozenset({"supervisord"}))
WHY = "nobody looks after it: supervisor.service, which runs it, is inactive/dead: systemctl start supervisor.service"


def one(service: Service = API, silence: Silence = LEFT, processes: Processes = DEAD, unit: Service = UNIT) -> Service:
    [found] = settled((service,), silence, processes, (unit,))
    return found


def test_a_manager_that_answers_or_hangs_is_left_as_it_is() -> None:
    assert one(silence=Silence()) is API
    running = replace(UNIT, state=State.RUNNING, native_state="active/running")
    assert one(silence=SILENT, processes=Processes({7, 812}, {7, 812}), unit=running) is API
    # Whether its process lives is hidden from this user, and its unit is well.
    assert one(silence=SILENT, processes=Processes(), unit=running) is API


@pytest.mark.parametrize("silence", [SILENT, LEFT])
def test_with_its_unit_down_it_is_stopped_and_says_what_starts_it(silence: Silence) -> None:
    found = one(silence=silence)
    assert (found.state, found.native_state, found.pids, found.since) == (
        State.STOPPED, "supervisor.service inactive/dead", (), 50.0,
    )  # fmt: skip
    assert (found.adrift, found.tool_missing, found.tool, found.ran) == (WHY, WHY, (), True)
    assert not one(replace(API, state=State.STOPPED, pids=()), silence).ran
    assert settled((found,), silence, DEAD, (UNIT,)) == (found,)


@pytest.mark.parametrize(
    ("processes", "state", "pids", "why"),
    [
        (Processes({812}, {7, 812}), State.UNKNOWN, (812,), f"its process 812 runs on, and {WHY}"),
        # Not looked at yet, or hidden.
        (Processes(), State.UNKNOWN, (), WHY),
        (Processes((), {7}), State.UNKNOWN, (), WHY),
    ],
)
def test_it_is_called_stopped_only_where_its_process_was_seen_to_be_gone(
    processes: Processes, state: State, pids: tuple[int, ...], why: str
) -> None:
    found = one(processes=processes)
    assert (found.state, found.pids, found.adrift) == (state, pids, why)


def test_of_what_its_files_say_nothing_is_known_after_a_crash() -> None:
    written = replace(API, daemon=None, pids=(), state=State.UNKNOWN, adrift="its files")
    assert one(written).state is State.STOPPED
    assert one(written, unit=replace(UNIT, state=State.FAILED)).state is State.UNKNOWN


def test_a_unit_that_is_removed_takes_everything_along_and_one_that_starts_nothing() -> None:
    assert settled((API,), LEFT, DEAD, ()) == ()
    found = one(unit=replace(UNIT, state=State.STARTING, native_state="activating/start"))
    assert found.state is State.UNKNOWN
    assert "is activating/start and does not tell of it yet" in (found.adrift or "")


def test_without_a_unit_an_ended_manager_is_told_and_a_socket_that_is_gone() -> None:
    alone = replace(API, chain=("supervisord", "api"))
    [found] = settled((alone,), SILENT, DEAD, ())
    assert (found.state, found.adrift) == (
        State.STOPPED,
        "nobody looks after it: its supervisord (process 7), which no unit runs, has ended",
    )
    assert settled((alone,), SILENT, Processes(), ()) == (alone,)
    # Who started it misses what it ran, though no file tells of that.
    [left] = settled((alone,), LEFT, DEAD, ())
    assert (left.state, left.adrift, left.ran) == (State.STOPPED, found.adrift, True)
    there = one(processes=Processes({7, 812}, {7, 812}), unit=replace(UNIT, state=State.RUNNING))
    assert (there.state, there.pids) == (State.UNKNOWN, (812,))
    assert "supervisord (process 7) runs, and its socket is gone" in (there.adrift or "")


def test_what_a_users_own_manager_ran_is_not_said_to_be_of_no_unit() -> None:
    own = replace(API, chain=("systemd", "user@1000.service", "pm2.service", "supervisord", "api"))
    [found] = settled((own,), SILENT, DEAD, ())
    assert (
        found.adrift == "nobody looks after it: its supervisord (process 7), which a unit of the user runs, has ended"
    )
    left = replace(own, chain=("systemd", "session-3.scope", "supervisord", "api"))
    [found] = settled((left,), SILENT, DEAD, ())
    assert "which no unit runs" in (found.adrift or "")


def test_one_that_no_unit_runs_and_a_file_declares_stays_when_it_ends() -> None:
    alone = replace(API, chain=("supervisord", "api"), unit_file="/srv/app/supervisord.conf")
    [found] = settled((alone,), LEFT, DEAD, ())
    why = "which no unit runs, has ended; it is declared in /srv/app/supervisord.conf"
    assert (found.state, found.ran, found.tool) == (State.STOPPED, True, ())
    assert (found.adrift or "").endswith(why)
    [hidden] = settled((alone,), LEFT, Processes(), ())
    assert (hidden.state, "is not found any more" in (hidden.adrift or "")) == (State.UNKNOWN, True)
    # Another one that somebody runs elsewhere is none in its place.
    other = replace(alone, ref=replace(alone.ref, name="api@/srv/b/s.sock"), daemon=9)
    both = settled((alone, other), Silence(ended=frozenset({alone.ref})), DEAD, ())
    assert [one.adrift is None for one in both] == [False, True]
    # Nor is that of another user, which runs in the usual place of its own.
    theirs, ours = (replace(alone, ref=ServiceRef("web1", "pm2", "api", f"user:{user}")) for user in ("web", "deploy"))
    both = settled((ours, replace(theirs, daemon=9)), Silence(ended=frozenset({ours.ref})), DEAD, ())
    assert [one.adrift is None for one in both] == [False, True]


def test_a_manager_that_was_just_stopped_is_not_said_to_run_without_its_socket() -> None:
    # Its process was looked at a moment before it ended.
    before = Processes(frozenset({7}), frozenset({7, 812}))
    for silence in (SILENT, LEFT):
        stopped = one(silence=silence, processes=before)
        assert (stopped.adrift, stopped.native_state) == (WHY, "supervisor.service inactive/dead")
    stopping = replace(UNIT, state=State.RUNNING, native_state="deactivating/stop-sigterm")
    assert one(processes=before, unit=stopping).adrift == "supervisor.service, which runs it, is being stopped"


def test_a_process_with_a_pid_file_has_no_manager_that_could_end() -> None:
    file = replace(API, ref=ServiceRef("web1", "pidfile", "api"), daemon=None)
    silence = Silence(frozenset({"pidfile"}))
    assert settled((file,), silence, DEAD, (UNIT,)) == (file,)
    assert settled((file,), Silence(frozenset({"pidfile"}), frozenset({"pidfile"})), DEAD, (UNIT,)) == ()


def test_a_unit_carries_what_is_wrong_in_the_files_of_its_manager() -> None:
    bad = replace(API, files_wrong="/etc/x.conf:3: [program:wrong] is not taken")
    running = replace(UNIT, state=State.RUNNING)
    assert with_wrong_files((bad, running), {})[1].files_wrong == bad.files_wrong
    assert with_wrong_files((UNIT,), {"supervisor.service": "why"})[0].files_wrong == "why"
    services = (API, UNIT)
    assert with_wrong_files(services, {}) is services


def test_the_files_of_a_real_supervisord_that_is_down() -> None:
    found = parse_written(read(RECORDED / "supervisord-written.txt").output)
    assert {each.ref.name: (each.enabled, each.restart_policy, each.group) for each in found.services} == {
        "legacy": ("enabled", "always", None),
        "shop:cart": ("enabled", "always", "shop"),
        "worker:worker_00": ("disabled", "on-failure", "worker"),
        "worker:worker_01": ("disabled", "on-failure", "worker"),
    }
    assert {each.ref.name: [str(hint.endpoint) for hint in each.hints] for each in found.services if each.hints} == {
        "legacy": ["tcp/*:8080"],
        "shop:cart": ["tcp/*:8085", "tcp/127.0.0.1:8086"],
    }
    assert {each.state for each in found.services} == {State.UNKNOWN}
    assert all(each.adrift and not each.needs_reload for each in found.services)
    assert (found.wrong, found.unseen) == (None, None)


def test_files_that_are_wrong_or_hidden_or_of_nobody() -> None:
    head = "pid\t0\nconf\t/etc/x.conf\nuser\tann\nowner\troot"
    wrong = parse_written(f'{head}\nreadable\t1\n{{"bad": "/etc/x.conf:3: it is badly formatted", "broken": true}}')
    assert (wrong.wrong, wrong.unseen) == ("/etc/x.conf:3: it is badly formatted", None)
    assert parse_written(head).unseen == "ann may not read /etc/x.conf"
    assert parse_written("pid\t0\nuser\tann\nforeign\t/opt/x is not there").unseen == "/opt/x is not there"
    assert parse_written("") == saved("")


def test_the_saved_apps_of_a_real_pm2() -> None:
    found = saved(read(RECORDED / "pm2-written.txt").output)
    assert [each.ref.name for each in found.services] == ["api-old", "twin", 'we"ird', "envname"]
    assert {each.ref.scope for each in found.services} == {"user:deploy"}
    twins = saved('user\tann\napp\nname\t"a"\nnamespace\t"x"\napp\nnamespace\t"y"\nname\t"a"')
    assert [each.ref.name for each in twins.services] == ["x/a", "y/a"]
    assert saved("user\tann\nunseen\tann may not read /srv/x").unseen == "ann may not read /srv/x"
    for text in ("app", "user\t", 'user\tann\napp\nname\t"a'):
        with pytest.raises(ParseError):
            saved(text)


@pytest.mark.parametrize(
    ("unit", "supervisord", "pm2"),
    [
        ("supervisor.service", True, False), ("supervisord.service", True, False),
        ("supervisord@web.service", True, False), ("pm2-deploy.service", False, True), ("pm2.service", False, True),
        ("hassio-supervisor.service", False, False), ("pm2x.service", False, False),
        ("supervisor.socket", False, False),
    ],
)  # fmt: skip
def test_units_by_their_names(unit: str, supervisord: bool, pm2: bool) -> None:
    assert SUPERVISORD.written_words(unit) == ((unit,) if supervisord else None)
    assert PM2.written_words(unit) == ((unit,) if pm2 else None)


def test_what_a_new_start_of_supervisord_changes() -> None:
    services = (
        replace(API, needs_reload=True, description="changed in its file: command, PORT"),
        replace(API, ref=replace(API.ref, name="old"), needs_reload=True, description="not in its files any more"),
        replace(API, ref=replace(API.ref, name="new"), needs_reload=True, native_state="not loaded"),
        replace(API, ref=replace(API.ref, name="off"), native_state="STOPPED", enabled="enabled"),
        replace(API, ref=replace(API.ref, name="idle"), native_state="STOPPED", enabled="disabled"),
        replace(API, ref=replace(API.ref, name="well"), enabled="enabled"),
    )
    told = (
        "api: comes back as its file has it now (command, PORT)",
        "old: is not in its files any more and vanishes",
        "new: is new in its files and appears",
        "off: is stopped now, and starts with supervisord",
    )
    assert SUPERVISORD.unit_cautions(services, ActionKind.RESTART) == told
    assert SUPERVISORD.unit_cautions(services, ActionKind.RELOAD) == (
        "a reload of supervisord stops and starts all of its programs", *told,
    )  # fmt: skip
    assert SUPERVISORD.unit_cautions(services, ActionKind.STOP) == ()
    hidden = (replace(API, files_unseen="ann may not read /etc/x.conf"),)
    assert SUPERVISORD.unit_cautions(hidden, ActionKind.RESTART) == (
        "what else its files change is not known: ann may not read /etc/x.conf",
    )
    assert SUPERVISORD.unit_cautions(services * 3, ActionKind.RESTART)[-1] == "and 4 more programs change"


def test_wrong_files_are_not_loaded_by_an_update() -> None:
    bad = replace(API, files_wrong="/etc/x.conf:3: it is badly formatted")
    assert "mend /etc/x.conf:3" in (SUPERVISORD.why_not(bad, ActionKind.DAEMON_RELOAD) or "")
    assert SUPERVISORD.why_not(bad, ActionKind.RESTART) is None
