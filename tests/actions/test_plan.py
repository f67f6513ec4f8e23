"""What plans consist of, and why some are refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from console.actions import ActionSettings, RefusedError, kinds, plan, ports_to_free, refusal
from console.core.command import Command, Effect
from console.core.durations import whole
from console.core.network import Process
from console.core.pid_file import Detached, PidFile
from console.core.plan import ActionKind, Check, Intent, Plan
from console.core.release import Recipe, Release, ReleaseBook, Source
from console.core.service import Endpoint, Hint, Service, ServiceRef, State
from console.core.snapshot import LastPorts, Link, LinkState, Snapshot, Symptom
from console.core.stop_way import StopWay
from console.managers import MANAGERS
from console.remote.plan_script import lease
from tests.actions.hosts import PORT, conflict, intent, listener, ref, service, snapshot, two_conflicts

SETTINGS = ActionSettings()


def made(kind: ActionKind, where: Snapshot, settings: ActionSettings = SETTINGS, **more: object) -> Plan:
    wanted = intent(kind, **more)  # type: ignore[arg-type]
    return plan(wanted, where, managers=MANAGERS, settings=settings, plan_id="20261120-1", reason="incident 4711")


def why_not(kind: ActionKind, where: Snapshot, **more: object) -> str | None:
    return refusal(intent(kind, **more), where, managers=MANAGERS)  # type: ignore[arg-type]


def names(made: Plan) -> list[str]:
    return [step.name for step in made.steps]


def test_restart() -> None:
    found = made(ActionKind.RESTART, snapshot(service(wants=(PORT,), dependants=("nginx.service (PartOf)",))))
    assert found.commands == ("systemctl restart api.service",)
    assert found.steps[0].command.words(root=False) == ("sudo", "-n", "--", "systemctl", "restart", "api.service")
    assert found.steps[0].undo is None
    assert found.also_hit == ("nginx.service (PartOf)",)
    assert found.irreversible is not None
    assert found.warnings == ()
    assert found.reason == "incident 4711"
    assert [(check.name, check.hold) for check in found.checks] == [
        ("api.service is active for 10 s", 10),
        ("api.service: a new run, not started again by itself", 10),
        ("tcp 8080 held by api.service", 10),
        ("see how api.service ended before", 0),
    ]
    assert [check.name for check in found.preflight] == ["note the present run of api.service"]
    assert all(check.command.effect is Effect.READ for check in (*found.preflight, *found.checks))
    assert not any(check.command.elevate for check in (*found.preflight, *found.checks))


def test_a_start_is_given_the_time_that_its_manager_gives_it() -> None:
    down = service(state=State.STOPPED, pids=(), start_seconds=600.0)
    found = made(ActionKind.START, snapshot(down))
    assert (found.steps[0].command.timeout, found.starts) == (630.0, (f"api.service: {whole(600)}",))
    restarted = made(ActionKind.RESTART, snapshot(service(start_seconds=600.0, stop_way=StopWay("SIGTERM", 100.0))))
    assert restarted.steps[0].command.timeout == 760.0
    quick = made(ActionKind.START, snapshot(replace(down, start_seconds=90.0)))
    assert (quick.steps[0].command.timeout, quick.starts) == (200.0, ("api.service: 90 s",))
    endless = made(ActionKind.START, snapshot(replace(down, start_seconds=math.inf)))
    assert endless.steps[0].command.timeout == 200.0
    assert "sets no limit" in endless.starts[0]
    slow = made(ActionKind.START, snapshot(replace(down, start_seconds=18_000.0)))
    assert slow.starts == (endless.starts[0].replace("sets no limit", "allows 300 min 0 s"),)
    assert made(ActionKind.START, snapshot(replace(down, start_seconds=None))).starts == ()
    assert made(ActionKind.STOP, snapshot(service(start_seconds=600.0))).starts == ()
    assert made(ActionKind.STOP, snapshot(service(start_seconds=600.0))).steps[0].undo.timeout == 630.0  # type: ignore[union-attr]


def test_a_stop_is_given_the_time_of_what_ends_along_with_it() -> None:
    first = service(dependants=("worker.service (PartOf)",), stop_way=StopWay("SIGTERM", 100.0))
    second = service("worker.service", dependants=("page.service (PartOf)",),
                     stop_way=StopWay("SIGTERM", 300.0))  # fmt: skip
    third = service("page.service", stop_way=StopWay("SIGTERM", 40.0))
    where = replace(snapshot(first), services=(first, second, third))
    for kind in (ActionKind.STOP, ActionKind.RESTART):
        assert made(kind, where).steps[-1].command.timeout == 200 + 130 + 330 + 70, kind
    down = replace(third, pids=(), state=State.STOPPED)
    where = replace(where, services=(first, second, down))
    assert made(ActionKind.STOP, where).steps[-1].command.timeout == 200 + 130 + 330


@pytest.mark.parametrize("kind", [ActionKind.RESTART, ActionKind.START, ActionKind.FREE_PORT])
def test_what_a_start_that_failed_said_last_is_kept(kind: ActionKind) -> None:
    where = conflict() if kind is ActionKind.FREE_PORT else snapshot(service())
    if kind is ActionKind.START:
        where = snapshot(service(state=State.STOPPED, pids=()))
    (step,) = made(kind, where).evidence
    assert step.name == "the last lines of api.service"
    assert "journalctl" in step.command.argv
    assert step.command.effect is Effect.READ


@pytest.mark.parametrize("kind", [ActionKind.RESTART, ActionKind.START, ActionKind.STOP])
def test_its_configured_log_files_are_kept_too_from_where_they_ended_before(kind: ActionKind) -> None:
    where = snapshot(service(state=State.STOPPED, pids=()) if kind is ActionKind.START else service())
    found = made(kind, where, replace(ActionSettings(), logs=("/var/log/api/api.log",)))
    kept = [step.name for step in found.evidence]
    marked = [step.name for step in found.evidence if step.mark is not None]
    if kind is ActionKind.STOP:
        assert (kept, marked) == ([], [])
    else:
        assert kept == ["the last lines of api.service", "the last lines of /var/log/api/api.log"]
        assert marked == kept[1:], "the journal has times"


def test_a_port_that_its_definition_names_must_not_be_lost_where_it_had_it() -> None:
    second = Endpoint("tcp", "*", 8081)
    where = snapshot(service(wants=(PORT,), hints=(Hint(second, "x"), Hint(PORT, "y"))))
    found = made(ActionKind.RESTART, where)
    assert [check.name for check in found.preflight if "tcp" in check.name] == ["note whether api.service has tcp 8081"]
    assert [check.name for check in found.checks if "tcp" in check.name] == [
        "tcp 8080 held by api.service", "tcp 8081 not lost by api.service",
    ]  # fmt: skip
    (kept,) = (check for check in found.checks if "not lost" in check.name)
    assert (kept.within, kept.hold) == (SETTINGS.within, SETTINGS.hold)
    down = replace(where.services[0], pids=(), state=State.STOPPED)
    assert not [check for check in made(ActionKind.START, snapshot(down)).checks if "not lost" in check.name]
    engine = replace(where.services[0], ref=ref("docker.service"))
    engines = made(ActionKind.RESTART, snapshot(engine), name="docker.service")
    assert not [check for check in engines.checks if "not lost" in check.name]


def test_a_manager_that_gave_up_and_counts_anew_is_told() -> None:
    crashed = service(
        "api", State.FAILED, ref=ref("api", manager="docker"), pids=(), restart_policy="on-failure", restarts=3,
        tool=("docker",), result="exit-code",
    )  # fmt: skip
    told = "docker gave api up after 3 restarts by itself: this start has it count anew"
    for kind in (ActionKind.START, ActionKind.RESTART):
        (warning,) = plan(
            Intent(kind, crashed.ref), snapshot(crashed), managers=MANAGERS, settings=SETTINGS, plan_id="20261120-1"
        ).warnings
        assert warning.startswith(told)
    limited = service(state=State.FAILED, pids=(), restart_policy="on-failure", restarts=5, start_limit=(5, 10.0))
    assert not [one for one in made(ActionKind.START, snapshot(limited)).warnings if "count anew" in one]


def test_how_what_is_stopped_is_ended_is_said_where_its_manager_told() -> None:
    way = StopWay("SIGTERM", 90.0)
    told = ("api.service: SIGTERM, then SIGKILL after 90 s",)
    assert made(ActionKind.RESTART, snapshot(service(stop_way=way))).ends == told
    assert made(ActionKind.STOP, snapshot(service(stop_way=way))).ends == told
    assert made(ActionKind.STOP, snapshot(service())).ends == ()
    assert made(ActionKind.RELOAD, snapshot(service(stop_way=way))).ends == ()
    # What is down is not ended; of a port it is who holds it.
    legacy = replace(conflict().services[1], stop_way=StopWay("SIGINT", 7.5))
    where = replace(conflict(), services=(service(state=State.FAILED, wants=(PORT,), stop_way=way), legacy))
    assert made(ActionKind.FREE_PORT, where).ends == ("legacy.service: SIGINT, then SIGKILL after 7.5 s",)


def test_what_stops_is_given_the_time_that_its_manager_waits() -> None:
    patient = service(stop_way=StopWay("SIGTERM", 235.0))
    usual = [200.0]
    for kind in (ActionKind.RESTART, ActionKind.STOP):
        found = made(kind, snapshot(patient))
        assert [step.command.timeout for step in found.steps] == [465.0], kind
        assert [step.command.timeout for step in made(kind, snapshot(service())).steps] == usual, kind
        short = replace(found, steps=tuple(replace(s, command=replace(s.command, timeout=200.0)) for s in found.steps))
        assert lease(found) == lease(short) + 265
    stopped = made(ActionKind.START, snapshot(replace(patient, state=State.STOPPED, pids=())))
    assert [(one.command.timeout, one.undo and one.undo.timeout) for one in stopped.steps] == [(200.0, 465.0)]
    [stop] = made(ActionKind.STOP, snapshot(patient)).steps
    assert stop.undo is not None
    assert stop.undo.timeout == 200.0
    legacy = replace(conflict().services[1], stop_way=StopWay("SIGINT", 300.0))
    where = replace(conflict(), services=(service(state=State.FAILED, wants=(PORT,)), legacy))
    assert made(ActionKind.FREE_PORT, where).steps[0].command.timeout == 530.0


@pytest.mark.parametrize(("seconds", "how"), [(None, "without limit"), (86400.0, "for 1440 min 0 s")])
def test_a_manager_that_waits_longer_than_any_plan_is_warned_of(seconds: float | None, how: str) -> None:
    found = made(ActionKind.STOP, snapshot(service(stop_way=StopWay("SIGTERM", seconds))))
    assert found.steps[0].command.timeout == 200.0
    assert found.warnings == (
        f"api.service is waited for {how} by its manager: where it takes longer than 200 s this plan fails, and its "
        "manager may still be at it",
    )
    assert made(ActionKind.STOP, snapshot(service(stop_way=StopWay("SIGTERM", 14400.0)))).warnings == ()


def test_what_ends_along_is_locked_and_so_is_what_ends_with_that() -> None:
    inner = service("cache.service", dependants=("nginx.service (PartOf)", "api.service (Requires)"))
    nginx = service("nginx.service", dependants=("cache.service (Requires)",))
    where = snapshot(service(dependants=("nginx.service (PartOf)",)), nginx, inner)
    found = made(ActionKind.RESTART, where)
    assert found.also_hit == ("nginx.service (PartOf)", "cache.service (Requires)")
    assert found.along == (ref("nginx.service"), ref("cache.service"))
    assert found.services == (ref("api.service"), ref("nginx.service"), ref("cache.service"))
    assert made(ActionKind.RELOAD, where).along == ()
    # Once its port is free it is merely started; what has the port ends, with all that hangs on it.
    down, legacy = conflict().services
    down = replace(down, dependants=("nginx.service (PartOf)",))
    legacy = replace(legacy, dependants=("cache.service (Requires)",))
    freed = made(ActionKind.FREE_PORT, replace(conflict(), services=(down, legacy, nginx, service("cache.service"))))
    assert freed.also_hit == ("cache.service (Requires)",)


def test_a_restart_of_a_users_service_manager_ends_all_units_of_that_user() -> None:
    name = "user@1001.service"
    group = f"/user.slice/user-1001.slice/{name}/app.slice/"
    mine = service("echo.service", ref=ref("echo.service", "user:bob"), cgroup=f"{group}echo.service")
    down = service("old.service", State.STOPPED, ref=ref("old.service", "user:bob"), cgroup=None)
    other = service("web.service", ref=ref("web.service", "user:eve"), cgroup="/user.slice/user-1002.slice/"
                    "user@1002.service/app.slice/web.service")  # fmt: skip
    chain = ("systemd", "user manager of bob", "echo.service", "supervisord", "api")
    inner = service("api", ref=ref("api", "user:bob", "supervisord"), chain=chain)
    found = made(ActionKind.RESTART, snapshot(service(name), mine, down, other, inner), name=name)
    assert found.also_hit == ("echo.service of bob", "api (supervisord)")
    assert found.along == (mine.ref, inner.ref)
    assert found.warnings == (
        f"{name} is a user's whole service manager: what was started by hand there does not come back with it",
    )


@pytest.mark.parametrize(
    "name",
    [
        "networking.service",
        "NetworkManager.service",
        "systemd-networkd.service",
        "ifup@eth0.service",
        "dhcpcd.service",
        "connman.service",
    ],
)
def test_what_keeps_the_network_is_restarted_with_a_warning_and_not_stopped(name: str) -> None:
    where = snapshot(service(name))
    assert "not stopped from here" in (why_not(ActionKind.STOP, where, name=name) or "")
    said = made(ActionKind.RESTART, where, name=name).warnings
    assert said == (f"{name} may be the way to this host: its restart may break every connection, this one too",)
    assert (
        made(ActionKind.RESTART, snapshot(service("systemd-udevd.service")), name="systemd-udevd.service").warnings
        == ()
    )


def test_a_restart_after_the_start_limit_clears_it_first() -> None:
    found = made(ActionKind.RESTART, snapshot(service(state=State.FAILED, result="start-limit-hit")))
    assert found.commands == ("systemctl reset-failed api.service", "systemctl restart api.service")


@pytest.mark.parametrize("kind", [ActionKind.RESTART, ActionKind.START])
@pytest.mark.parametrize(("restarts", "cleared"), [(5, True), (2, False)])
def test_so_does_one_after_a_loop_of_crashes(kind: ActionKind, restarts: int, cleared: bool) -> None:
    """systemd 252 leaves the result of the last crash (exit-code), and the count of restarts at the limit."""
    looped = service(
        state=State.FAILED,
        result="exit-code",
        restarts=restarts,
        restart_policy="on-failure",
        start_limit=(5, 10.0),
    )
    found = made(kind, snapshot(looped))
    assert (found.commands[0] == "systemctl reset-failed api.service") is cleared
    assert not any("the next is the last one" in warning for warning in found.warnings)


@pytest.mark.parametrize(("starts", "warned"), [(0, False), (3, False), (4, True), (7, True)])
def test_the_last_start_before_the_limit_is_warned_of(starts: int, warned: bool) -> None:
    """Row 35."""
    found = made(ActionKind.RESTART, snapshot(service(start_limit=(5, 600.0))), replace(SETTINGS, recent_starts=starts))
    assert any("the next is the last one" in warning for warning in found.warnings) is warned


def test_stop_is_undone_by_a_start_and_proved_to_last() -> None:
    found = made(ActionKind.STOP, snapshot(service(triggered_by=("api.socket",))))
    assert found.commands == ("systemctl stop api.service",)
    assert found.steps[0].undo == replace(found.steps[0].command, argv=("systemctl", "start", "api.service"),
                                          purpose="start api.service")  # fmt: skip
    assert found.warnings == ("api.socket may start it again: stop that too",)
    assert [(check.name, check.hold) for check in found.checks] == [("api.service is stopped for 5 s", 5)]


def test_start_is_undone_by_a_stop() -> None:
    found = made(ActionKind.START, snapshot(service(state=State.STOPPED)))
    assert found.commands == ("systemctl start api.service",)
    assert found.steps[0].undo is not None
    assert found.steps[0].undo.argv == ("systemctl", "stop", "api.service")


FILE = PidFile("/run/api.pid", "api", ("/srv/api",), "/")


@pytest.mark.parametrize("manager", ["systemd", "supervisord", "pm2", "docker", "compose", "pidfile"])
@pytest.mark.parametrize(
    ("before", "stopped"),
    [
        ({"state": State.STOPPED}, True),
        ({"state": State.FAILED}, False),
        ({"state": State.FLAPPING}, False),
        ({"state": State.STARTING, "restarts": 2}, False),
    ],
)
def test_a_failed_start_of_what_had_failed_leaves_it_failed(
    manager: str, before: dict[str, object], stopped: bool
) -> None:
    """Whatever runs it would call it stopped after a stop, as if somebody had put it down."""
    name = "api.service" if manager == "systemd" else "api"
    more = {"tool": (manager,), "members": ("api",), "detached": Detached(FILE)}
    name = "shop/api" if manager == "compose" else name
    down = replace(service(), ref=ref(name, manager=manager), pids=(), **{**before, **more})  # type: ignore[arg-type]
    begin = Intent(ActionKind.START, down.ref)
    found = plan(begin, snapshot(down), managers=MANAGERS, settings=SETTINGS, plan_id="20261120-1")
    assert (found.steps[-1].undo is not None) is stopped
    assert ("it is left as it is then, with its log" in (found.irreversible or "")) is not stopped


def test_a_port_is_given_back_by_what_had_failed_only_where_it_runs() -> None:
    failed, stopped = made(ActionKind.FREE_PORT, conflict()), made(ActionKind.FREE_PORT, conflict(State.STOPPED))
    assert failed.steps[-1].undo is not None
    assert failed.steps[-1].undo == stopped.steps[-1].undo
    unless = failed.steps[-1].undo_unless
    assert unless is not None
    assert unless.name == "api.service is stopped"
    assert stopped.steps[-1].undo_unless is None


@pytest.mark.parametrize("state", [State.FAILED, State.FLAPPING])
def test_what_had_failed_fails_again_once_its_port_was_given_back(state: State) -> None:
    """Stopped it would look as if somebody had put it down, and nothing would be said of it any more."""
    undone = [(step.name, step.undo) for _, step in made(ActionKind.FREE_PORT, conflict(state)).undo_order]
    assert [name for name, _ in undone] == [
        "start api.service",
        "stop legacy.service",
        "see tcp 8080 released by legacy.service",
        "clear the failure of api.service",
    ]
    commands = [undo for _, undo in undone if undo is not None]
    assert [command.argv for command in commands if not command.is_script] == [
        ("systemctl", "stop", "api.service"),
        ("systemctl", "start", "legacy.service"),
        ("systemctl", "start", "api.service"),
    ]
    assert commands[2].purpose == "wait until legacy.service has tcp 8080 again"
    assert (commands[2].effect, commands[2].ok_exits) == (Effect.READ, (0, 77))
    assert set(commands[3].ok_exits) >= {0, 1}
    (last,) = [step for step in made(ActionKind.FREE_PORT, conflict(state)).steps if step.name.startswith("clear")]
    assert last.undo_unless is not None
    assert last.undo_unless.name == "api.service had ended by itself or legacy.service lacks tcp 8080"


def test_what_was_stopped_before_is_stopped_by_an_undo_and_no_more() -> None:
    stopped = made(ActionKind.FREE_PORT, conflict(State.STOPPED))
    assert [step.name for _, step in stopped.undo_order] == ["start api.service", "stop legacy.service"]


@pytest.mark.parametrize("manager", ["supervisord", "pm2", "docker", "compose", "pidfile"])
def test_so_does_what_another_manager_runs(manager: str) -> None:
    name = "shop/api" if manager == "compose" else "api"
    more = {"tool": (manager,), "members": ("api",), "detached": Detached(FILE), "wants": (PORT,)}
    failed = replace(service(state=State.FAILED), ref=ref(name, manager=manager), **more)  # type: ignore[arg-type]
    where = replace(conflict(), services=(failed, conflict().services[1]))
    found = plan(
        Intent(ActionKind.FREE_PORT, failed.ref, PORT),
        where,
        managers=MANAGERS,
        settings=SETTINGS,
        plan_id="20261120-1",
    )
    last = found.undo_order[-1][1]
    assert last.name == f"see what runs of {name} before its start"
    assert last.undo is not None
    assert last.undo.argv == found.steps[-1].command.argv
    assert last.command.effect is Effect.READ


def test_a_oneshot_is_to_end_well_and_not_to_stay_up() -> None:
    down = service("backup.service", State.STOPPED, oneshot=True)
    for kind in (ActionKind.START, ActionKind.RESTART):
        found = made(kind, snapshot(down), name="backup.service")
        assert [(check.name, check.hold) for check in found.checks] == [
            ("backup.service ended well", 0),
            ("backup.service: a new run", 0),
        ]
        assert [step.undo for step in found.steps] == [None]
        assert found.irreversible is not None


def test_reload_is_the_managers_own_where_there_is_one() -> None:
    found = made(ActionKind.RELOAD, snapshot(service(reload_command=True)))
    assert found.commands == ("systemctl reload api.service",)
    assert [check.name for check in found.checks][1] == "api.service: same process"


def test_else_sighup_after_the_look_whether_it_is_handled() -> None:
    """Row 40."""
    found = made(ActionKind.RELOAD, snapshot(service()))
    assert found.commands == ("systemctl kill --signal=HUP --kill-who=main api.service",)
    (look,) = [check for check in found.preflight if check.name == "api.service handles SIGHUP"]
    assert look.command.argv[4:6] == ("812", "api.service")
    assert look.within == 0


def test_reset_failed_and_daemon_reload() -> None:
    assert made(ActionKind.RESET_FAILED, snapshot(service(state=State.FAILED))).commands == (
        "systemctl reset-failed api.service",
    )
    found = made(ActionKind.DAEMON_RELOAD, snapshot(service(needs_reload=True)))
    assert found.commands == ("systemctl daemon-reload",)
    assert found.warnings == ()


def test_free_port() -> None:
    found = made(ActionKind.FREE_PORT, conflict(), endpoint=PORT)
    assert names(found) == [
        "stop legacy.service",
        "see tcp 8080 released by legacy.service",
        "clear the failure of api.service",
        "start api.service",
    ]
    assert found.preflight[0].name == "legacy.service still holds tcp 8080"
    assert [check.name for check in found.checks] == [
        "api.service is active for 10 s",
        "api.service: a new run, not started again by itself",
        "tcp 8080 held by api.service",
        "legacy.service is stopped for 5 s",
        "legacy.service does not come back to tcp 8080",
    ]
    assert found.touches == (ref("legacy.service"),)
    assert found.warnings == (
        "legacy.service is enabled: it comes back at the next boot of the host unless it is disabled",
    )
    assert [step.command.effect for step in found.steps] == [Effect.CHANGE, Effect.READ, Effect.CHANGE, Effect.CHANGE]


def test_the_port_is_found_from_what_the_service_wants_or_its_log_says() -> None:
    assert "stop legacy.service" in names(made(ActionKind.FREE_PORT, conflict()))
    where = conflict()
    quiet = replace(where.services[0], wants=())
    symptom = Symptom(quiet.ref, "EADDRINUSE", "bind: address already in use", endpoint=Endpoint("tcp", "*", 8080))
    where = replace(where, services=(quiet, where.services[1]), symptoms=(symptom,))
    assert "stop legacy.service" in names(made(ActionKind.FREE_PORT, where))


def _moved(*tried: tuple[str, float], attempt_since: float = 0.0) -> Snapshot:
    """api.service tried these addresses of 8080, the newest first; each loopback address has a service of its own."""
    held = {"four.service": "127.0.0.1", "six.service": "::1", "other.service": "127.0.0.7"}
    units = [service(name, ports=(Endpoint("tcp", at, 8080),)) for name, at in held.items()]
    listeners = tuple(listener(name, address=at, v6only=":" in at) for name, at in held.items())
    log = tuple(
        Symptom(ref("api.service"), "EADDRINUSE", "x", Endpoint("tcp", at, 8080), at=when) for at, when in tried
    )
    api = service(state=State.FAILED, attempt_since=attempt_since)
    return snapshot(api, *units, listeners=listeners, symptoms=log)


@pytest.mark.parametrize(
    ("tried", "stopped"),
    [
        ((("127.0.0.1", 30.0), ("::", 20.0), ("0.0.0.0", 10.0)), ["four.service"]),
        ((("::", 30.0), ("127.0.0.7", 10.0)), ["four.service", "six.service", "other.service"]),
        ((("*", 30.0), ("::1", 30.0), ("0.0.0.0", 10.0)), ["six.service"]),
    ],
)
def test_the_address_that_was_tried_last_is_freed(tried: tuple[tuple[str, float], ...], stopped: list[str]) -> None:
    assert [touched.name for touched in made(ActionKind.FREE_PORT, _moved(*tried)).touches] == stopped


def test_what_shares_a_port_and_is_hidden_is_not_taken_for_the_service_beside_it() -> None:
    """With SO_REUSEPORT both listen at one address; to stop the service leaves the port with the other."""
    known = conflict()
    other = listener("session-7.scope", cgroup="/user.slice/user-990.slice/session-7.scope", inode=2)
    shared = replace(known, listeners=(*known.listeners, other))
    why = "tcp 8080: session-7.scope holds it, which is not among the services that are seen here"
    assert why_not(ActionKind.FREE_PORT, shared) == why
    assert why_not(ActionKind.FREE_PORT, known) is None


def test_nobody_is_stopped_for_an_address_of_an_earlier_attempt() -> None:
    free = intent(ActionKind.FREE_PORT)
    assert refusal(free, _moved(("127.0.0.1", 30.0)), managers=MANAGERS) is None
    why = refusal(free, _moved(("127.0.0.1", 30.0), attempt_since=60.0), managers=MANAGERS)
    assert why == "api.service wants none that is known: say which port is to be freed (--port N)"


def test_which_of_several_ports_is_meant_is_not_guessed() -> None:
    free, two = intent(ActionKind.FREE_PORT), (PORT, Endpoint("tcp", "*", 9090))
    where = snapshot(service(state=State.FAILED, wants=two))
    assert ports_to_free(free, where, managers=MANAGERS) == two
    assert ports_to_free(intent(ActionKind.FREE_PORT, "no.service"), where, managers=MANAGERS) == ()


def test_a_service_that_runs_without_its_port_is_restarted() -> None:
    assert names(made(ActionKind.FREE_PORT, conflict(State.RUNNING)))[-1] == "restart api.service"


def test_a_process_that_shares_the_address_of_a_program_is_ended_too() -> None:
    rp = service("rp", ref=ServiceRef("web1", "supervisord", "rp"), ports=(PORT,), pids=(70,))
    own, stray = listener("supervisor.service", pids=(70,)), listener("session-7.scope", pids=(80,), inode=2)
    where = snapshot(
        service(state=State.FAILED),
        rp,
        listeners=(own, stray),
        processes=(Process(80, "python3", 1, "oncall", started=5),),
    )
    found = made(ActionKind.FREE_PORT, where, endpoint=PORT)
    assert names(found)[:2] == ["stop rp", "end python3 (pid 80)"]


def test_the_service_of_a_socket_unit_is_stopped_with_it_also_where_its_process_is_hidden() -> None:
    echo = service("echo.service", triggered_by=("echo.socket",))
    socket = service("echo.socket", ports=(PORT,))
    unseen = listener("echo.socket", pids=())
    found = made(
        ActionKind.FREE_PORT, snapshot(service(state=State.FAILED), echo, socket, listeners=(unseen,)), endpoint=PORT
    )
    assert names(found)[:2] == ["stop echo.socket", "stop echo.service"]
    idle = replace(echo, state=State.STOPPED, pids=())
    found = made(
        ActionKind.FREE_PORT, snapshot(service(state=State.FAILED), idle, socket, listeners=(unseen,)), endpoint=PORT
    )
    assert "stop echo.service" not in names(found)


def test_the_socket_is_stopped_before_its_service() -> None:
    echo = service("echo.service", ports=(PORT,), triggered_by=("echo.socket",))
    socket = service("echo.socket", ports=(PORT,))
    where = snapshot(service(state=State.FAILED), echo, socket, listeners=(listener("echo.socket", pids=(1, 99)),))
    found = made(ActionKind.FREE_PORT, where, endpoint=PORT)
    assert names(found)[:2] == ["stop echo.socket", "stop echo.service"]
    assert not any("may start" in warning for warning in found.warnings)
    # The kernel names the socket unit alone, also while the service uses it; and systemd must start it first.
    held = [check.name for check in found.preflight if "still holds" in check.name]
    assert held == ["echo.socket still holds tcp 8080"]
    undone = [step.name for _, step in found.undo_order]
    assert undone[1:4] == ["stop echo.socket", "stop echo.service", "see tcp 8080 released by echo.socket"]


def test_what_would_start_it_again_is_stopped_first_and_started_last_by_an_undo() -> None:
    job = service("job.service", ports=(PORT,), triggered_by=("job.timer",), starters=("job.timer", "beta.service"))
    where = snapshot(service(state=State.FAILED), job, service("beta.service"), listeners=(listener("job.service"),))
    found = made(ActionKind.FREE_PORT, where, endpoint=PORT)
    assert names(found)[:3] == ["stop job.timer", "stop beta.service", "stop job.service"]
    stops = [step.name for _, step in found.undo_order if step.name.startswith("stop ")]
    assert stops == ["stop job.service", "stop beta.service", "stop job.timer"]
    assert {"job.timer", "beta.service"} < {one.name for one in found.touches}
    assert "job.timer is stopped for 5 s" in [check.name for check in found.checks]
    assert any(word.startswith("job.timer is stopped too") for word in found.warnings)
    # Just to stop it leaves its timer on, and says so.
    found = made(ActionKind.STOP, snapshot(replace(job, ref=ref("api.service"))))
    assert names(found) == ["stop api.service"]
    assert found.warnings == ("job.timer, beta.service may start it again: stop that too",)
    kept = replace(job, starters=("multi-user.target",))
    where = replace(where, services=(service(state=State.FAILED), kept))
    reason = why_not(ActionKind.FREE_PORT, where, endpoint=PORT)
    assert reason is not None
    assert "multi-user.target starts job.service again" in reason


def test_a_container_is_ended_by_the_unit_that_runs_it() -> None:
    shop = service("shop.service", restart_policy="always", starters=(), chain=("systemd", "shop.service"))
    web = Service(ServiceRef("web1", "docker", "shop"), State.RUNNING, "running", pids=(7,), ports=(PORT,),
                  members=("shop",), chain=("systemd", "shop.service", "docker", "shop"))  # fmt: skip
    proxy = replace(listener("docker.service"), process="docker-proxy")
    where = snapshot(service(state=State.FAILED), shop, web, listeners=(proxy,))
    found = made(ActionKind.FREE_PORT, where, endpoint=PORT)
    assert names(found)[:2] == ["stop shop.service", "stop shop"]
    # Its unit may have removed it, and makes it again.
    assert (found.steps[1].command.ok_exits, found.steps[1].undo) == ((0, 1), None)
    assert found.steps[0].undo is not None
    stop = plan(Intent(ActionKind.STOP, web.ref), where, managers=MANAGERS, settings=SETTINGS, plan_id="p")
    assert names(stop) == ["stop shop.service", "stop shop"]


@pytest.mark.parametrize(
    ("kind", "where", "says"),
    [
        (ActionKind.RESTART, snapshot(), "has no such service"),
        (ActionKind.RESTART, snapshot(service(enabled="masked")), "masked"),
        (ActionKind.REBUILD, snapshot(service()), "how api.service is built is not configured"),
        (ActionKind.ROLLBACK, snapshot(service()), "the releases of api.service were not looked at yet"),
        (ActionKind.START, snapshot(service()), "runs already"),
        (ActionKind.STOP, snapshot(service(state=State.STOPPED)), "stopped already"),
        (ActionKind.STOP, snapshot(service(state=State.FAILED)), "down already"),
        (ActionKind.RELOAD, snapshot(service(state=State.FAILED)), "nothing to reload"),
        (ActionKind.RELOAD, snapshot(service(pids=())), "no main process"),
        (ActionKind.RELOAD, snapshot(service(pids=(1,))), "PID 1"),
        (ActionKind.RESET_FAILED, snapshot(service()), "has not failed"),
        (ActionKind.FREE_PORT, snapshot(service()), "wants none that is known"),
        (ActionKind.FREE_PORT, snapshot(service(wants=(PORT,))), "nothing listens on tcp 8080"),
        (ActionKind.FREE_PORT, snapshot(service(ports=(PORT,)), listeners=(listener("api.service"),)), "itself holds"),
    ],
)
def test_refused(kind: ActionKind, where: Snapshot, says: str) -> None:
    reason = why_not(kind, where)
    assert reason is not None
    assert says in reason
    with pytest.raises(RefusedError):
        made(kind, where)


_OF_BOB = "/user.slice/user-1.slice/user@1.service/app.slice/app.service"


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (listener("ssh.service", process="sshd", pids=(700,)), "the way to this host"),
        (listener(None, process="sshd", pids=(700,), cgroup=None), "the way to this host"),
        (listener(None, pids=(1,), process="systemd", cgroup="/init.scope"), "PID 1 holds it"),
        (listener(None, cgroup=None), "hidden from this user"),
        (listener(None, cgroup=None, pids=(4112,), process="node"), "process 4112 was not looked at yet"),
        (listener("gone.service"), "gone.service holds it"),
        (listener("ssh.socket"), "the way to this host"),
        (listener("user@1000.service"), "whole service manager"),
        (
            listener("app.service", cgroup=_OF_BOB),
            "connect as bob",
        ),
    ],
)
def test_holders_that_are_left_alone(found: object, says: str) -> None:
    others = (
        service("ssh.service"),
        service("ssh.socket"),
        service("user@1000.service"),
        service("app.service", ref=ref("app.service", "user:bob"), cgroup=_OF_BOB),
    )
    where = snapshot(service(state=State.FAILED, wants=(PORT,)), *others, listeners=(found,))  # type: ignore[arg-type]
    reason = why_not(ActionKind.FREE_PORT, where)
    assert reason is not None
    assert says in reason


@pytest.mark.parametrize(
    ("wanted", "held", "in_the_way"),
    [
        ("0.0.0.0", {"address": "::1"}, False),
        ("0.0.0.0", {"address": "::", "v6only": True}, False),
        ("127.0.0.1", {"address": "::", "v6only": True}, False),
        ("127.0.0.1", {"address": "127.0.0.2"}, False),
        ("0.0.0.0", {"address": "*"}, True),
        ("127.0.0.1", {"address": "::ffff:127.0.0.1"}, True),
        ("::ffff:127.0.0.1", {"address": "127.0.0.1"}, True),
        ("localhost", {"address": "127.0.0.1"}, True),
        ("*", {"address": "::1"}, True),
    ],
)
def test_only_what_clashes_is_stopped(wanted: str, held: dict[str, object], in_the_way: bool) -> None:
    where = replace(conflict(), listeners=(replace(listener(), **held),))  # type: ignore[arg-type]
    says = why_not(ActionKind.FREE_PORT, where, endpoint=Endpoint("tcp", wanted, 8080))
    assert says == (None if in_the_way else "nothing listens on tcp 8080 of web1")


@pytest.mark.parametrize(
    ("process", "unit"),
    [
        ("docker-proxy", "docker.service"),
        ("dockerd", "docker.service"),
        (None, "docker.service"),
        (None, "docker.socket"),
        (None, "containerd.service"),
        ("rootlessport", "podman.service"),
        ("conmon", "web.service"),
        ("docker-proxy", None),
    ],
)
def test_a_container_engine_is_not_stopped_for_a_port(process: str | None, unit: str | None) -> None:
    """Every container would go with it."""
    held = listener(unit, process=process, pids=(31,) if process else (), cgroup=f"/system.slice/{unit}")
    engine = service(unit or "docker.service", ports=(PORT,))
    where = snapshot(service(state=State.FAILED, wants=(PORT,)), engine, listeners=(held,))
    says = why_not(ActionKind.FREE_PORT, where, endpoint=PORT)
    assert says is not None
    assert says.startswith("tcp 8080: ")
    assert "stop the container, not the engine" in says


@pytest.mark.parametrize(
    ("unit", "manager"),
    [("supervisor.service", "supervisord"), ("supervisord@two.service", "supervisord"), ("pm2-deploy.service", "pm2")],
)
def test_a_manager_that_does_not_tell_its_programs_is_not_stopped_for_a_port(unit: str, manager: str) -> None:
    """Whoever may not ask it knows none of them; all would be down, and nothing would say so."""
    held = listener(unit, cgroup=f"/system.slice/{unit}")
    where = snapshot(service(state=State.FAILED, wants=(PORT,)), service(unit, ports=(PORT,)), listeners=(held,))
    assert why_not(ActionKind.FREE_PORT, where, endpoint=PORT) == (
        f"tcp 8080: {unit} holds it for a program of {manager}: stop that program, not all that it runs"
    )


@pytest.mark.parametrize("name", ["docker.service", "docker.socket", "podman.service"])
def test_an_engine_is_stopped_by_its_name_with_a_warning_and_never_for_a_port(name: str) -> None:
    where = snapshot(service(name))
    assert "stop the container" in (why_not(ActionKind.STOP, where, name=name, endpoint=PORT) or "")
    for kind in (ActionKind.STOP, ActionKind.RESTART):
        said = made(kind, where, name=name).warnings
        # The containers of Podman have no daemon: they go on without it.
        warned = f"{name} is a container engine: every container that it runs goes with it"
        assert said == (() if name.startswith("podman") else (warned,))


@pytest.mark.parametrize(
    "name", ["ssh.service", "sshd@1-10.0.0.1:22.service", "dbus.service", "systemd-logind.service"]
)
def test_what_the_host_and_the_way_to_it_need_is_not_stopped(name: str) -> None:
    reason = why_not(ActionKind.STOP, snapshot(service(name)), name=name)
    assert reason is not None
    assert "not stopped from here" in reason


def test_sshd_can_be_restarted_and_dbus_cannot() -> None:
    assert why_not(ActionKind.RESTART, snapshot(service("ssh.service")), name="ssh.service") is None
    assert why_not(ActionKind.RESTART, snapshot(service("dbus.service")), name="dbus.service") is not None


def test_the_own_user_manager_needs_no_root() -> None:
    mine = ServiceRef("web1", "systemd", "app.service", "user:oncall")
    where = snapshot(service("app.service", ref=mine))
    found = plan(Intent(ActionKind.RESTART, mine), where, managers=MANAGERS, settings=SETTINGS, plan_id="20261120-1")
    assert found.commands == ("systemctl --user restart app.service",)
    assert not found.steps[0].command.elevate
    other = replace(mine, scope="user:bob")
    where = snapshot(service("app.service", ref=other))
    assert "connect as bob" in (refusal(Intent(ActionKind.RESTART, other), where, managers=MANAGERS) or "")


def test_health_is_asked_of_the_host() -> None:
    url = "http://127.0.0.1:8080/health"
    found = made(ActionKind.RESTART, snapshot(service()), replace(SETTINGS, health=url))
    assert found.checks[-1].name == "/health answers 2xx"
    assert found.checks[-1].command.argv[4] == url
    found = made(ActionKind.RESTART, snapshot(service()), replace(SETTINGS, health="tcp://[::1]:8080"))
    assert (found.checks[-1].name, found.checks[-1].command.argv[4:]) == ("tcp 8080 answers", ("::1", "8080"))
    found = made(ActionKind.RESTART, snapshot(service()), replace(SETTINGS, health_command=("/bin/api-check", "a b")))
    assert found.checks[-1].name == "/bin/api-check a b says that api.service is well"
    assert found.checks[-1].command.argv[4:] == found.checks[-1].command.becomes == ("/bin/api-check", "a b")
    for bad in ("file:///etc/passwd", "-o/etc/passwd", "http://", "http://a b/", "tcp://a", "tcp://a:70000"):
        with pytest.raises(RefusedError, match="is not an http, https or tcp URL"):
            made(ActionKind.RESTART, snapshot(service()), replace(SETTINGS, health=bad))


def test_what_a_person_is_warned_of() -> None:
    where = replace(conflict(needs_reload=True), link=Link(LinkState.STALE, 0.0))
    assert made(ActionKind.START, where).warnings == (
        "web1 is stale: what is shown of it may be old",
        "api.service: its file on disk is newer than what is loaded: "
        "the old one is used until systemctl daemon-reload && systemctl restart -- api.service",
        "tcp 8080 is held by legacy.service: free the port first",
    )


def test_the_resolver_of_the_host_is_not_stopped_for_a_port_and_never_without_a_warning() -> None:
    stub = Endpoint("udp", "127.0.0.53", 53)
    name = "systemd-resolved.service"
    where = snapshot(service(name, ports=(stub,)))
    why = why_not(ActionKind.STOP, where, name=name, endpoint=stub)
    assert why == (
        "udp 53: systemd-resolved.service is not stopped for a port: this host may resolve its names through it; "
        "in resolved.conf DNSStubListener=no has it leave 53, MulticastDNS=no has it leave 5353, "
        "LLMNR=no has it leave 5355"
    )
    told = f"{name}: this host may resolve its names through it, and then resolves none"
    assert told in made(ActionKind.STOP, where, name=name).warnings


def test_a_plan_to_free_one_port_warns_of_another_that_it_leaves_to_somebody_else() -> None:
    where = two_conflicts()
    told = "tcp 8443 is held by other.service: free the port first"
    assert told in made(ActionKind.FREE_PORT, where, endpoint=PORT).warnings
    assert not any("8080" in word for word in made(ActionKind.FREE_PORT, where, endpoint=PORT).warnings)


@pytest.mark.parametrize("name", ["podman.service", "docker.service", "supervisor.service", "pm2-deploy.service"])
def test_the_ports_of_what_a_unit_runs_need_not_be_its_own_after_its_restart(name: str) -> None:
    found = made(ActionKind.RESTART, snapshot(service(name, ports=(Endpoint("tcp", "0.0.0.0", 8090),))), name=name)
    assert not any(check.name.startswith("note where") for check in found.preflight)
    assert any(check.name.startswith("see where") for check in found.checks)


@pytest.mark.parametrize("kind", [ActionKind.START, ActionKind.RESTART, ActionKind.RELOAD])
def test_ports_of_the_last_run_or_of_an_old_log_are_told_and_not_required(kind: ActionKind) -> None:
    """Who moved the service to another port on purpose must not see it stopped again for the old one."""
    ports = (Endpoint("udp", "0.0.0.0", 40123), Endpoint("tcp", "::", 443), Endpoint("tcp", "0.0.0.0", 443))
    state = State.STOPPED if kind is ActionKind.START else State.RUNNING
    found = made(kind, snapshot(service(state=state, ports=ports)))
    assert not any("held by" in check.name for check in found.checks)
    (told,) = [check for check in found.checks if check.name == "see where api.service listens"]
    assert (told.command.argv[4:6], told.command.argv[-1]) == (("system", "api.service"), "tcp 443")
    noted = "note where api.service listens" in [check.name for check in found.preflight]
    assert noted is (kind is not ActionKind.START), "what does not run listens nowhere"
    old = Symptom(ref("api.service"), "EADDRINUSE", "address already in use", endpoint=Endpoint("tcp", "*", 8080))
    found = made(kind, snapshot(service(state=state), symptoms=(old,)))
    (told,) = [check for check in found.checks if check.name == "see where api.service listens"]
    assert told.command.argv[-1] == "tcp 8080"
    found = made(kind, snapshot(service(state=state, wants=(PORT,)), symptoms=(old,)))
    assert "tcp 8080 held by api.service" in [check.name for check in found.checks]


def test_a_port_that_is_only_guessed_is_warned_of_and_not_required() -> None:
    api = service(state=State.FAILED, hints=(Hint(PORT, "PORT of api.conf"),))
    where = replace(conflict(), services=(api, conflict().services[1]))
    found = made(ActionKind.START, where)
    assert found.warnings == ("tcp 8080 is held by legacy.service: free the port first",)
    assert not any("tcp 8080 held" in check.name for check in found.checks)
    assert "stop legacy.service" in names(made(ActionKind.FREE_PORT, where))
    ran = replace(
        where, services=(replace(api, hints=()), where.services[1]), last_ports=(LastPorts(api.ref, (PORT,)),)
    )
    assert "stop legacy.service" in names(made(ActionKind.FREE_PORT, ran))


def test_the_port_that_is_freed_is_required_without_a_declaration() -> None:
    where = conflict()
    where = replace(where, services=(replace(where.services[0], wants=()), where.services[1]))
    names_of = [check.name for check in made(ActionKind.FREE_PORT, where, endpoint=PORT).checks]
    assert "tcp 8080 held by api.service" in names_of
    assert "see where api.service listens" not in names_of


HOSTILE = ("a;touch x", "$(touch x).service", "a\nb.service", "-x.service", "it's.service")


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind is not ActionKind.KILL])
def test_hostile_names_stay_one_word(name: str, kind: ActionKind) -> None:
    """Row 29, with a manager that takes any name."""
    state = State.RUNNING if kind in (ActionKind.STOP, ActionKind.RELOAD) else State.FAILED
    target = ref(name, manager="loose")
    legacy = service("legacy.service", ref=ref("legacy.service", manager="loose"), ports=(PORT,))
    where = snapshot(service(name, state, ref=target, wants=(PORT,)), legacy, listeners=(listener(),))
    book = ReleaseBook(target, (Release("2", live=True), Release("1", live_since=1.0)), Source("abc", "v2"))
    settings = replace(SETTINGS, recipe=Recipe("/srv/api", "/srv/api/src", ("make",)))
    where = replace(where, books=(book,))
    found = plan(Intent(kind, target, PORT), where, managers=(Loose(),), settings=settings, plan_id="20261120-1")
    looks = [check.command for check in (*found.preflight, *found.checks)]
    for command in (*(step.command for step in found.steps), *looks):
        script, words = (command.argv[2], command.argv[3:]) if command.argv[0] == "sh" else ("", command.argv)
        assert name not in script, "a script is a constant"
        assert all(word == name or name not in word for word in words)


@pytest.mark.parametrize("name", [*HOSTILE[:3], HOSTILE[4]])
def test_a_name_that_systemd_cannot_have_is_refused(name: str) -> None:
    where = snapshot(service(name))
    assert "is no name of a unit" in (why_not(ActionKind.RESTART, where, name=name) or "")
    with pytest.raises(RefusedError):
        made(ActionKind.RESTART, where, name=name)


class Tiny:
    """A manager that can restart and nothing else."""

    id = "tiny"
    priority = 9

    def probes(self) -> tuple[()]:
        return ()

    def restart(self, service: Service) -> Command:
        return Command(("tiny", "restart", service.ref.name))


def test_a_manager_with_few_capabilities_gets_the_plans_it_can_do() -> None:
    where = snapshot(service("app", ref=ref("app", manager="tiny"), reload_command=True))
    wanted = Intent(ActionKind.RESTART, ref("app", manager="tiny"))
    found = plan(wanted, where, managers=(Tiny(),), settings=SETTINGS, plan_id="20261120-1")
    assert found.commands == ("tiny restart app",)
    assert found.checks == ()
    for kind in set(kinds()) - {ActionKind.RESTART}:
        assert refusal(replace(wanted, kind=kind, endpoint=PORT), where, managers=(Tiny(),)) is not None


class Loose(Tiny):
    """A manager that can do everything with every name."""

    id = "loose"

    def start(self, service: Service) -> Command:
        return Command(("loose", "start", service.ref.name))

    def stop(self, service: Service) -> Command:
        return Command(("loose", "stop", service.ref.name))

    def reload(self, service: Service) -> Command | None:
        return None

    def reset_failed(self, service: Service) -> Command:
        return Command(("loose", "reset", service.ref.name))

    def daemon_reload(self, service: Service) -> Command:
        return Command(("loose", "reread"))

    def signal(self, service: Service, name: str) -> Command:
        return Command(("loose", "kill", name, service.ref.name))

    def run_id(self, service: Service) -> Command:
        return Command(("loose", "run", service.ref.name))

    def cgroup_name(self, service: Service) -> str:
        return service.ref.name

    def is_running(self, service: Service, *, hold: float) -> Check:
        return Check("runs", Command(("loose", "runs", service.ref.name)))

    def is_stopped(self, service: Service) -> Check:
        return Check("is down", Command(("loose", "down", service.ref.name)))


def test_a_roll_back_to_what_failed_when_it_was_tried_last_is_warned_of() -> None:
    live = Release("2", live_since=20.0, healthy=True, live=True)
    well = Release("1", live_since=10.0, well_since=10.0, healthy=True)
    for before, warned in ((replace(well, live_since=30.0, failed_last=True), True), (well, False)):
        where = snapshot(service(), books=(ReleaseBook(ref("api.service"), (live, before)),))
        found = made(ActionKind.ROLLBACK, where, replace(SETTINGS, recipe=Recipe("/srv/api")))
        assert any("failed when it was tried last" in one for one in found.warnings) is warned
