"""Who has a listener that no service of a list has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.core.network import Listener, Process
from console.core.service import Service, ServiceRef, State
from console.core.snapshot import Identity, Link, LinkState, Snapshot
from console.managers.process import named
from console.managers.unlisted import (
    heads,
    is_left_behind,
    processes_of,
    still_listening,
    strangers,
    unit_of_user,
    unlisted,
    why_kept,
)

ROOT = Identity("web1", "Debian", "6.1", "root", 0, systemd="252", session=(900, 800, 35))
SESSION = "/user.slice/user-1000.slice/session-3.scope"
MANAGER = "/user.slice/user-1000.slice/user@1000.service/app.slice/api.service"


def listener(*pids: int, **more: object) -> Listener:
    base = Listener("tcp", "0.0.0.0", 8080, 4711, 1000, "ann", pids, "node", "session-3.scope", SESSION)
    return replace(base, **more)  # type: ignore[arg-type]


def process(pid: int, name: str = "node", ppid: int = 1, **more: object) -> Process:
    base = Process(pid, name, ppid, "ann", "S", f"{name} --serve", SESSION, started=100 * pid)
    return replace(base, **more)  # type: ignore[arg-type]


def unit(name: str = "legacy.service", state: State = State.RUNNING, *pids: int, **more: object) -> Service:
    ref = ServiceRef("web1", "systemd", name)
    return replace(Service(ref, state, state.value, pids=pids, cgroup=f"/system.slice/{name}"), **more)  # type: ignore[arg-type]


def host(*listeners: Listener, processes: tuple[Process, ...] = (), services: tuple[Service, ...] = ()) -> Snapshot:
    link = Link(LinkState.UP, 0.0)
    return Snapshot("web1", link, identity=ROOT, services=services, listeners=listeners, processes=processes)


def test_of_processes_that_share_a_socket_the_one_that_started_the_others_is_ended() -> None:
    workers = (process(42, ppid=40), process(43, ppid=40), process(40))
    assert heads((40, 42, 43), workers) == (40,)
    assert heads((1, 42, 43), workers) == (42, 43)
    assert heads((42, 43), ()) == (42, 43)


def test_a_process_is_known_by_its_number_its_start_and_its_sockets() -> None:
    where = host(listener(41), listener(41, address="::", inode=4712), processes=(process(41),))
    found = unlisted(where, ServiceRef("web1", "process", "41"))
    assert found is not None
    assert str(found.ref) == "web1/process:41"
    assert (named(found), found.handle, found.user) == ("node (pid 41)", ("41", "4100", "4711", "4712"), "ann")
    assert found.tool_missing is None


def test_one_that_was_not_looked_at_cannot_be_acted_on() -> None:
    found = unlisted(host(listener(41)), ServiceRef("web1", "process", "41"))
    assert found is not None
    assert found.tool_missing == "process 41 was not looked at yet: w looks"
    assert unlisted(host(), ServiceRef("web1", "process", "41")) is None
    assert unlisted(host(listener(41)), ServiceRef("web1", "process", "4x1")) is None


@pytest.mark.parametrize(
    ("user", "uid", "words"),
    [("root", 0, ("kill",)), ("ann", 1000, ("kill",)), ("bob", 1001, ("sudo", "-n", "--", "kill"))],
)
def test_who_signals_it(user: str, uid: int, words: tuple[str, ...]) -> None:
    where = host(listener(41), processes=(process(41),))
    where = replace(where, identity=replace(ROOT, user=user, uid=uid))
    found = unlisted(where, ServiceRef("web1", "process", "41"))
    assert found is not None
    assert found.tool == words


@pytest.mark.parametrize(
    ("service", "pids", "left"),
    [
        (unit("legacy.service", State.STOPPED), (70,), True),
        (unit("legacy.service", State.FAILED), (70,), True),
        (unit("legacy.service", State.RUNNING, 41), (70,), False),
        (unit("legacy.service", State.FAILED, 70), (70,), False),
        (unit("legacy.service", State.STOPPED), (), False),
        (replace(unit("legacy.service", State.FLAPPING), native_state="activating/auto-restart"), (70,), True),
        (replace(unit("legacy.service", State.FLAPPING, 41), native_state="active/running"), (70,), False),
        (unit("ssh.service", State.RUNNING, 35), (70,), True),
        (unit("cron.service", State.RUNNING, 35), (35,), False),
    ],
)
def test_what_a_unit_left_behind(service: Service, pids: tuple[int, ...], left: bool) -> None:
    assert is_left_behind(host(), service, pids) is left


def test_an_orphan_of_a_manager_of_others_is_not_ended_with_that_manager() -> None:
    api = Service(
        ServiceRef("web1", "supervisord", "api"), State.RUNNING, "RUNNING", pids=(51,),
        chain=("systemd", "supervisor.service", "supervisord", "api"),
    )  # fmt: skip
    supervisor = unit("supervisor.service", State.RUNNING, 50)
    where = host(listener(70), processes=(process(70),), services=(api, supervisor))
    assert [one.ref.name for one in processes_of(where, where.listeners[0], supervisor)] == ["70"]
    assert processes_of(where, listener(50), supervisor) == ()


def test_a_unit_that_is_not_listed_is_none_the_less_a_unit() -> None:
    new = listener(70, unit="new.service", cgroup="/system.slice/new.service")
    assert processes_of(host(new), new, None) == ()
    assert strangers(host(new, listener(41), listener(1, unit="init.scope"))) == (41,)


@pytest.mark.parametrize(
    ("pid", "known", "says"),
    [
        (1, process(1, "systemd", 0), "is the system itself"),
        (60, process(60, "kworker/0:1", 2), "is the system itself"),
        (800, process(800, "tmux: server"), "is the way by which this console is here"),
        (61, process(61, "sshd"), "is the way to this host"),
        (61, process(61, "systemd"), "is a service manager"),
        (61, process(61, "docker-proxy"), "stop the container, not the engine"),
        (61, process(61, "dockerd"), "stop the container, not the engine"),
        (61, process(61, cgroup="/system.slice/docker-0123456789ab.scope"), "stop the container"),
        (62, process(62), "is a process of web1/systemd:legacy.service: act on that"),
        (63, process(63, ppid=64), "runsv (pid 64) runs node (pid 63) and would start it again"),
        (41, process(41), None),
    ],
)
def test_what_is_never_signalled(pid: int, known: Process, says: str | None) -> None:
    others = (process(64, "runsv"),)
    where = host(processes=(known, *others), services=(unit("legacy.service", State.RUNNING, 62),))
    why = why_kept(where, pid)
    assert (why is None) if says is None else (why is not None and says in why)


def test_a_unit_of_another_users_manager_is_reached_by_root_alone_and_by_a_new_systemd() -> None:
    theirs = listener(41, unit="api.service", cgroup=MANAGER)
    found = unit_of_user(host(theirs), theirs)
    assert found is not None
    assert str(found.ref) == "web1/systemd@ann:api.service"
    assert (found.tool, found.tool_missing) == (("systemctl", "--user", "-M", "ann@"), None)
    assert unlisted(host(theirs), found.ref) == found
    with_runuser = replace(host(theirs), identity=replace(ROOT, tools=frozenset({"runuser"})))
    become = unit_of_user(with_runuser, theirs)
    assert become is not None
    assert become.tool == ("runuser", "-u", "ann", "--", "env", "XDG_RUNTIME_DIR=/run/user/1000", "systemctl", "--user")
    for own, why in (
        (replace(ROOT, systemd="247"), "systemd 247 does not reach it from root's login: connect as ann"),
        (replace(ROOT, user="bob", uid=1001), "connect as ann, or as root"),
    ):
        found = unit_of_user(replace(host(theirs), identity=own), theirs)
        assert found is not None
        assert (found.tool, found.tool_missing is not None and found.tool_missing.endswith(why)) == ((), True)
    assert unit_of_user(host(), listener(41)) is None


def test_a_number_that_let_go_is_forgotten_with_what_is_above_it() -> None:
    known = (process(41, ppid=30), process(30, "bash"), process(42, ppid=31), process(31, "bash"), process(99))
    kept = still_listening(known, (listener(41),), frozenset({99}))
    assert [one.pid for one in kept] == [41, 30, 99]
    assert still_listening(kept, (listener(41),), frozenset({99})) is kept
