"""pm2: what its words mean, and the commands that are given to it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from console.core.command import Effect
from console.core.network import Family
from console.core.plan import ActionKind
from console.core.probe import ParseError
from console.core.service import Endpoint, Service, ServiceRef, State
from console.managers.lineage import Lineage
from console.managers.pm2 import PM2, PM2_PRESENCE
from console.managers.pm2_list import parse_survey

NOW = 1_795_000_000_000
API = Service(
    ServiceRef("web1", "pm2", "api", "user:deploy"),
    State.RUNNING,
    "online",
    pids=(812,),
    daemon=700,
    tool=("sudo", "-n", "-u", "deploy", "--", "pm2"),
    handle=("api",),
    log_files=("/srv/.pm2/logs/api-error.log", "/srv/.pm2/logs/api-out.log"),
)


def told(*apps: dict[str, object], way: str = "direct", home: str = "/srv/.pm2", own: str = "/srv/.pm2") -> str:
    """What the survey prints of one daemon."""
    head = f"home\t{own}\ndaemon\t700\tdeploy\t{way}\t/srv\t{home}"
    daemon = {"now": NOW, "version": "6.0.14", "tool": ["pm2"]}
    return "\n".join((head, *(f">{json.dumps(each)}" for each in (daemon, *apps))))


def app(**more: object) -> dict[str, object]:
    return {
        "id": 0, "name": "api", "space": "default", "pid": 812, "status": "online", "mode": "fork_mode",
        "began": NOW - 60_000, "made": NOW - 60_000, "restarts": 0, "unstable": 0, "again": True,
        "script": "/srv/api.js", **more,
    }  # fmt: skip


def one(**more: object) -> Service:
    [service] = parse_survey(told(app(**more))).services
    return service


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, State.RUNNING),
        ({"status": "stopping"}, State.RUNNING),
        ({"status": "one-launch-status"}, State.RUNNING),
        ({"status": "launching", "pid": 0}, State.STARTING),
        ({"status": "launching", "restarts": 3, "unstable": 3}, State.FLAPPING),
        ({"status": "waiting restart"}, State.FLAPPING),
        ({"status": "stopped", "pid": 0, "code": 130}, State.STOPPED),
        ({"status": "stopped", "pid": 0, "again": False, "code": 0}, State.STOPPED),
        ({"status": "stopped", "pid": 0, "again": False, "code": 4}, State.FAILED),
        ({"status": "errored", "pid": 0, "code": 1, "made": None, "restarts": 16}, State.FAILED),
        ({"status": "something new"}, State.UNKNOWN),
        ({"status": None}, State.UNKNOWN),
    ],
)
def test_states(more: dict[str, object], state: State) -> None:
    service = one(**more)
    assert service.state is state
    assert service.native_state == (more.get("status", "online") or "")


@pytest.mark.parametrize(
    ("more", "state", "restarts"),
    [
        ({"began": NOW - 5_000, "made": NOW - 60_000, "restarts": 9}, State.FLAPPING, 9),
        ({"began": NOW - 3_000, "made": NOW - 5_200, "restarts": 1, "code": 1}, State.FLAPPING, 1),
        ({"began": NOW - 300, "made": NOW - 900, "restarts": 1, "unstable": 1}, State.FLAPPING, 1),
        ({"began": NOW - 30_000, "made": NOW - 60_000, "restarts": 9}, State.RUNNING, 9),
        ({"began": NOW - 5_000, "made": NOW - 5_000, "restarts": 9}, State.RUNNING, 0),
        ({"began": NOW - 3_000, "made": NOW - 4_600, "restarts": 9}, State.RUNNING, 0),
        ({"began": NOW - 3_000, "made": NOW - 33_000, "restarts": 9, "patience": 30_000}, State.RUNNING, 0),
    ],
    ids=["crashed 5 s ago", "first crash", "at once", "30 s ago", "by hand", "deaf, by hand", "slow, by hand"],
)
def test_started_again_by_pm2_or_by_a_person(more: dict[str, object], state: State, restarts: int) -> None:
    service = one(**more)
    assert (service.state, service.restarts) == (state, restarts)


def test_instances_of_a_name_are_one_service_and_the_worst_counts() -> None:
    apps = (app(id=3, pid=9), app(), app(id=1, pid=0, status="errored", code=7), app(id="_old_0", pid=4))
    [service] = parse_survey(told(*apps)).services
    assert (service.state, service.native_state, service.exit_code) == (State.FAILED, "2 online, 1 errored", 7)
    assert service.pids == (812, 9)


def test_how_it_is_ended_where_its_kill_timeout_is_its_own() -> None:
    way = one(patience=1000).stop_way
    assert way is not None
    assert way.words == "its stop signal, then SIGKILL after 1 s"
    assert one().stop_way is None
    apps = told(app(patience=1000), app(id=1, pid=813, patience=3000))
    assert parse_survey(apps).services[0].stop_way is None


def test_the_daemon_listens_for_a_cluster() -> None:
    api, web = app(mode="cluster_mode"), app(id=1, name="web", pid=9, mode="cluster_mode")
    assert parse_survey(told(api)).services[0].pids == (812, 700)
    # Of two it does not say for which.
    assert [service.pids for service in parse_survey(told(api, web)).services] == [(812,), (9,)]


def test_what_else_the_daemon_runs_is_not_part_of_a_cluster() -> None:
    [api] = parse_survey(told(app(mode="cluster_mode"), app(id=1, pid=813, mode="cluster_mode"))).services
    assert api.pids == (812, 813, 700)
    unit = "/system.slice/pm2-deploy.service"
    families = {
        700: Family(700, 1, 9.0, 900, unit, (700, 812, 813, 990), ("deploy",)),
        812: Family(812, 2, 1.0, 100, unit, (812, 815), ("deploy",)),
        813: Family(813, 2, 1.0, 100, unit, (813,), ("deploy",)),
    }
    [joined] = Lineage().joined((api,), families)
    assert joined.pids == (812, 813, 700, 815)
    assert joined.cpu_seconds == 2.0
    assert joined.chain == ("systemd", "pm2-deploy.service", "pm2", "api")


def test_the_port_of_its_environment_is_wanted() -> None:
    assert one(port=8080).wants == (Endpoint("tcp", "*", 8080),)
    assert one(port=99999).wants == one(port="8080").wants == one(port=0).wants == ()


@pytest.mark.parametrize(
    ("name", "handle"),
    [
        ("api", ("api",)),
        ("api.v2:blue@eu", ("api.v2:blue@eu",)),
        ("all", ("0",)),
        ("7", ("0",)),
        ("0", ("0",)),
        ("Infinity", ("0",)),
        ("/a/", ("0",)),
        ("-f", ("0",)),
        ("a b", ("0",)),
        ("my.json", ("0",)),
        ("a;touch x", ("0",)),
    ],
)
def test_what_pm2_is_given_means_this_app_alone(name: str, handle: tuple[str, ...]) -> None:
    service = one(name=name)
    assert service.ref.name == name
    assert service.handle == handle
    command = PM2.restart(service).argv
    if handle == ("0",):
        assert command[3:9] == ("sh", "restart", "", "named", "700", "")
        assert command[9:] == (f"0\n{name}", "pm2")
    else:
        assert command[-1:] == handle


def test_a_number_that_is_another_ones_name_is_refused() -> None:
    found = {each.ref.name: each for each in parse_survey(told(app(name="all"), app(id=1, name="0"))).services}
    assert found["all"].handle == ()
    why = PM2.why_not(found["all"], ActionKind.RESTART)
    assert why is not None
    assert "rename it" in why
    with pytest.raises(ValueError, match="no word"):
        PM2.restart(found["all"])
    assert PM2.why_not(API, ActionKind.STOP) is None


def test_a_number_is_not_used_where_the_name_cannot_be_compared() -> None:
    assert one(name="\x1b[31mred x").handle == ()


def test_names_in_two_namespaces_are_two_services() -> None:
    found = parse_survey(told(app(space="red"), app(id=4, space="blue"))).services
    assert [(each.ref.name, each.group, each.handle) for each in found] == [
        ("red/api", "red", ("0",)),
        ("blue/api", "blue", ("4",)),
    ]


def test_two_daemons_of_one_user() -> None:
    first, second = told(app()), told(app(), home="/srv/b").replace("\t700\t", "\t701\t")
    found = parse_survey(f"{first}\n{second.partition(chr(10))[2]}").services
    assert [each.ref.name for each in found] == ["api", "api@/srv/b"]
    assert [each.handle for each in found] == [("api",), ("api",)]
    # The name is the same when the other one is not there.
    assert [each.ref for each in parse_survey(second).services] == [found[1].ref]


def test_a_number_is_compared_with_the_name_that_pm2_has_for_it() -> None:
    [red, _] = parse_survey(told(app(space="red"), app(id=4, space="blue"), home="/srv/b")).services
    assert red.ref.name == "red/api@/srv/b"
    assert "0\nred/api" in PM2.stop(red).argv


def test_a_daemon_that_does_not_tell_is_known_by_its_process() -> None:
    why = "the pm2 daemon of web (pid 701) does not answer within 6 s"
    found = parse_survey(f"{told(app())}\ndaemon\t701\tweb\tsetpriv\t/srv\t/srv/.pm2\nrefused\tweb\t{why}")
    assert ([each.ref.name for each in found.services], found.mute) == (["api"], (701,))
    assert found.refused == (("web", why),)


def test_the_words_that_reach_just_this_daemon() -> None:
    def tool(way: str, home: str, own: str = "/srv/.pm2") -> tuple[str, ...]:
        return parse_survey(told(app(), way=way, home=home, own=own)).services[0].tool

    assert tool("direct", "/srv/.pm2") == ("pm2",)
    assert tool("direct", "/x") == ("env", "PM2_HOME=/x", "pm2")
    assert tool("sudo", "/srv/.pm2", "/home/oncall/.pm2") == ("sudo", "-n", "-u", "deploy", "--", "pm2")
    assert tool("sudo", "/x") == ("sudo", "-n", "-u", "deploy", "--", "env", "PM2_HOME=/x", "pm2")
    became = ("runuser", "-u", "deploy", "--", "env", "HOME=/srv", "PM2_HOME=/srv/.pm2", "pm2")
    assert tool("setpriv", "/srv/.pm2") == became


def test_without_a_pm2_the_keys_say_why() -> None:
    service = parse_survey(told(app()).replace('["pm2"]', "null")).services[0]
    assert service.tool == ()
    assert "no pm2 was found" in (service.tool_missing or "")


def test_one_odd_entry_leaves_the_others() -> None:
    odd: tuple[dict[str, object], ...] = (
        {"id": 1},
        {"id": "x", "name": "y"},
        {"id": 2, "name": ["z"]},
        app(id=5, name="b", began="soon", port={}),
    )
    text = told(app(), *odd) + '\n>{"id": 9\n>[]\n>(node:1) Warning: x\n>\x00'
    assert [each.ref.name for each in parse_survey(text).services] == ["api", "b"]


def test_names_are_sanitised_after_json_has_had_its_say() -> None:
    assert one(name="\x1b[31mred\x1b]52;c;x\x07 [/x]\u202e").ref.name == "red [/x]\ufffd"


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(ParseError):
        parse_survey("bash: node: not found")
    assert parse_survey("home\t/root/.pm2\nrefused\tdeploy\tno").refused == (("deploy", "no"),)


DEAD = 'home\t/root/.pm2\ndead\t9\t\tdeploy\t/srv\t/srv/.pm2\napp\nname\t"api"\napp\nname\t"a b"'


def test_a_home_that_has_a_daemon_has_no_dead_one() -> None:
    dead = "dead\t9\t\tdeploy\t/srv\t/srv/.pm2\ndead\tx\t\tdeploy\t/\t/x\ndead\t9\t\tweb\t/w\t/y"
    head, _, rest = told(app()).partition("\n")
    [found] = parse_survey(f"{head}\n{dead}\n{rest}").dead
    assert (found.pid, found.user, found.at, found.why.endswith("or remove /y/pm2.pid")) == (9, "web", "/y", True)


# What a program of another user's choice printed, or a file of theirs is called: the lines of the survey itself.
FORGED = (
    "closed\t/root/.pm2",
    "refused\troot\tno",
    "dead\t9\t\troot\t/root\t/root/.pm2",
    'app\nname\t"api"',
    "daemon\t1\troot\tdirect\t/root\t/root/.pm2",
    "tool\t/tmp/evil",
    json.dumps({"now": NOW, "tool": ["/tmp/evil"]}),
    json.dumps(app(status="errored", err="/nowhere/api.log")),
)


def test_what_a_daemon_tells_is_of_that_daemon_and_no_line_of_the_survey() -> None:
    marked = "\n".join(f">{line}" for line in "\n".join(FORGED).split("\n"))
    found = parse_survey(f"{told()}\n{marked}")
    assert (found.daemons, found.refused, found.dead, found.closed) == ((700,), (), (), ())
    [service] = found.services
    # It says that it has this app and that program, which is run as its user.
    assert (service.ref.scope, service.tool) == ("user:deploy", ("/tmp/evil",))
    # Of a line that bears no mark, and is none of the survey's own, nothing is believed.
    assert parse_survey(f"{told()}\n" + "\n".join(FORGED[-2:])).services == ()


def test_a_home_with_a_tab_in_it_leaves_its_apps_to_its_own_daemon() -> None:
    theirs = told(app(name="evil"), home="/srv/a\tb", own="/root/.pm2").partition("\n")[2]
    mine = told(app(), home="/root/.pm2", own="/root/.pm2").replace("deploy", "root")
    mine = mine.replace("/srv\t", "/root\t")
    found = parse_survey(f"{mine}\n{theirs.replace('direct', 'setpriv')}")
    assert [(one.ref.scope, one.chain[-1]) for one in found.services] == [("user:root", "api"), ("user:deploy", "evil")]
    assert "PM2_HOME=/srv/a\tb" in found.services[1].tool


def test_a_daemon_of_which_the_home_is_hidden_may_be_the_one_of_the_list() -> None:
    hidden = "daemon\t7\tdeploy\tsudo\t/srv\t\nrefused\tdeploy\tno"
    assert parse_survey(f"{DEAD}\n{hidden}").dead == ()
    assert len(parse_survey(f"{DEAD}\n{hidden.replace('deploy', 'web')}").dead) == 1


def test_the_apps_that_a_crashed_daemon_has_saved() -> None:
    [found] = parse_survey(f"{DEAD}\nruns\ta-b-0\t812\nruns\tapi-x\tzero").dead
    api, spaced = found.services
    assert (api.ref, api.state, api.pids, api.ran) == (
        ServiceRef("", "pm2", "api", "user:deploy"),
        State.STOPPED,
        (),
        True,
    )
    assert (
        api.adrift == "nobody looks after it: the pm2 of deploy (process 9) crashed; it is saved in /srv/.pm2/dump.pm2"
    )
    assert (spaced.state, spaced.pids) == (State.UNKNOWN, (812,))
    assert (spaced.adrift or "").startswith("its process 812 runs on, and nobody looks after it")
    assert PM2.revive_words(api) == ("sudo", "-H", "-u", "deploy", "--", "env", "-C", "/", "pm2", "resurrect")
    [hidden] = parse_survey(f"{DEAD}\nhidden\t1".replace("/srv\t", "/home/deploy\t")).dead
    # Its processes are not seen.
    assert {one.state for one in hidden.services} == {State.UNKNOWN}
    assert (PM2.revive_words(hidden.services[0]) or ())[-5:] == ("-C", "/", "PM2_HOME=/srv/.pm2", "pm2", "resurrect")


@pytest.mark.parametrize(("name", "file"), [("api.v2", "api.v2-0"), ("a b/c", "a-b-c-0"), ("a_b", "a-b-0")])
def test_a_process_is_known_by_the_name_that_pm2_gives_its_file(name: str, file: str) -> None:
    [found] = parse_survey(f"{DEAD}\napp\nname\t{json.dumps(name)}\nruns\t{file}\t813").dead
    assert found.services[-1].pids == (813,)


def test_homes_that_are_closed_to_this_login_are_told_with_what_mends_it() -> None:
    found = parse_survey("home\t/home/oncall/.pm2\nclosed\t/root/.pm2\nclosed\t/srv/a\x1b[0mb/.pm2")
    assert found.closed == ("/root/.pm2", "/srv/ab/.pm2")
    assert found.unseen == (
        "whether a pm2 ended in /root/.pm2 and /srv/ab/.pm2 cannot be seen: connect as root, or as its user"
    )
    assert (parse_survey("home\t/x").unseen, found.broken, found.hangs) == (None, False, False)


@pytest.mark.parametrize(
    ("when", "ran", "why"), [("boot", True, "was not started since the boot"), ("", False, "is not")]
)
def test_the_apps_of_one_that_did_not_crash(when: str, ran: bool, why: str) -> None:
    [found] = parse_survey(DEAD.replace("9\t", f"0\t{when}", 1)).dead
    assert [(one.daemon, one.ran) for one in found.services] == [(None, ran)] * 2
    assert why in (found.services[0].adrift or "")


def test_commands() -> None:
    assert PM2.restart(API).argv == ("sudo", "-n", "-u", "deploy", "--", "pm2", "restart", "api")
    assert PM2.start(API).argv[-2:] == ("restart", "api")
    assert PM2.stop(API).argv[-2:] == ("stop", "api")
    assert PM2.signal(API, "HUP").argv[-3:] == ("sendSignal", "SIGHUP", "api")
    assert PM2.reload(API) is None
    cluster = replace(API, reload_command=True)
    reload = PM2.reload(cluster)
    assert reload is not None
    assert reload.argv[-2:] == ("reload", "api")
    assert PM2.replaces(cluster)
    for look in (PM2.run_id(API), PM2.is_stopped(API).command, PM2.holds_port(API, Endpoint("tcp", "*", 80))):
        assert look.effect is Effect.READ
        assert look.argv[-6:] == API.tool


def test_logs_are_its_files() -> None:
    command = PM2.log_command(API, lines=9, since=None, follow=True)
    # For root with the rights of its user: the paths are what that user says.
    assert command.argv[3:6] == ("sh", "deploy", "sh")
    assert command.argv[9:12] == ("9", "1", "api")
    assert command.argv[-2:] == API.log_files
    with pytest.raises(ValueError, match="not looked at yet"):
        PM2.log_command(replace(API, log_files=()), lines=9, since=None, follow=True)
    line = PM2.log_line(API.ref, '{"level":50,"msg":"no"}')
    assert line is not None
    assert (line.level, line.message) == ("error", "no")
    assert PM2.log_line(API.ref, "  ") is None


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="the script reads /proc")
def test_where_there_is_no_pm2_no_process_is_made(tmp_path: Path) -> None:
    script = f"probe() {{\n{PM2_PRESENCE.script}\n}}\nprobe\n"
    # Without a PATH every program that is run would be missed aloud.
    done = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, env={"PATH": "", "HOME": str(tmp_path)}, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
