"""Containers as engines describe them: their states, their names, the words of their tools."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from console.actions import ActionSettings, plan, refusal
from console.core.network import Listener
from console.core.plan import ActionKind, Intent, Plan
from console.core.probe import ParseError
from console.core.service import Endpoint, Origin, Service, ServiceRef, State
from console.core.snapshot import Link, LinkState, Snapshot
from console.managers import MANAGERS, compose, docker
from console.managers.compose import COMPOSE
from console.managers.container_clients import CLIENTS, Client, units
from console.managers.container_clients import parse as clients
from console.managers.container_engines import Engine, Engines, parse
from console.managers.container_run import Asked, asked
from console.managers.container_services import Told, as_service
from console.managers.container_sudo import TOLD
from console.managers.containers import Container, Project, container, when
from console.managers.docker import DOCKER
from console.managers.lineage import unit_of
from tests.probes.recorded import read

RECORDED = Path(__file__).parent / "recorded"
SYSTEM = Engine("docker", "/run/docker.sock", True, 58, True, "root", "docker", "1")
ROOTLESS = replace(SYSTEM, path="/run/user/1001/docker.sock", user="ann", pid=901)
PODMAN = replace(SYSTEM, kind="podman", path="/run/podman/podman.sock", pid=None)
BOTH = frozenset({"docker", "docker-compose"})


def told(*containers: Container, engine: Engine = SYSTEM, tools: frozenset[str] = BOTH, **more: object) -> Told:
    return Told(engine, Engines((engine,), tools), containers, 1000.0, **more)  # type: ignore[arg-type]


def made(name: str = "web", /, **more: object) -> Container:
    return replace(Container("c" * 64, name, "running", pid=7, started=900.0), **more)  # type: ignore[arg-type]


def of_project(number: int, **more: object) -> Container:
    project = Project("shop", "web", number, "/srv/shop", ("/srv/shop/docker-compose.yml",))
    return made(f"shop_web_{number}", **{"project": project, "pid": 100 + number, **more})


@pytest.mark.parametrize(
    ("more", "state", "native"),
    [
        ({}, State.RUNNING, "running"),
        ({"health": "unhealthy"}, State.RUNNING, "running (unhealthy)"),
        ({"health": "starting"}, State.RUNNING, "running (starting)"),
        ({"health": "healthy"}, State.RUNNING, "running"),
        ({"restarts": 4, "started": 995.0}, State.FLAPPING, "running"),
        ({"restarts": 4}, State.RUNNING, "running"),
        ({"status": "restarting", "exit_code": 3}, State.FLAPPING, "restarting (3)"),
        ({"status": "paused"}, State.UNKNOWN, "paused"),
        ({"status": "created"}, State.STOPPED, "created"),
        ({"status": "created", "error": "no such file"}, State.FAILED, "created (cannot be started)"),
        ({"status": "exited"}, State.STOPPED, "exited (0)"),
        ({"status": "exited", "exit_code": 7}, State.FAILED, "exited (7)"),
        ({"status": "exited", "exit_code": 7, "asked": True}, State.STOPPED, "exited (7)"),
        ({"status": "exited", "exit_code": 7, "policy": "always"}, State.UNKNOWN, "exited (7)"),
        ({"status": "exited", "exit_code": 7, "policy": "always", "asked": False}, State.FAILED, "exited (7)"),
        ({"status": "exited", "exit_code": 7, "policy": "always", "asked": True}, State.STOPPED, "exited (7)"),
        ({"status": "exited", "exit_code": 143, "policy": "always"}, State.STOPPED, "exited (143)"),
        ({"status": "exited", "exit_code": 7, "policy": "on-failure"}, State.FAILED, "exited (7)"),
        ({"status": "exited", "exit_code": 137}, State.UNKNOWN, "exited (137)"),
        ({"status": "exited", "exit_code": 137, "asked": False}, State.FAILED, "exited (137)"),
        ({"status": "exited", "exit_code": 137, "oom": True}, State.FAILED, "exited (137)"),
        ({"status": "dead", "exit_code": 1}, State.FAILED, "dead (1)"),
        ({"status": "asleep"}, State.UNKNOWN, "asleep"),
    ],
)
def test_states(more: dict[str, object], state: State, native: str) -> None:
    found = made("web", **more)
    assert (found.state(1000.0), found.native) == (state, native)


def test_why_it_ended() -> None:
    assert made(status="exited", exit_code=137, oom=True).ended == ("oom-kill", 137, 9)
    assert made(status="exited", exit_code=139).ended == ("signal", 139, 11)
    assert made(status="exited", exit_code=2).ended == ("exit-code", 2, None)
    assert made().ended == (None, None, None)
    error = 'runc create failed: exec: "nope": executable file not found in $PATH: unknown'
    assert made(status="created", error=error).ended[0] == '"nope": executable file not found in $PATH'


def test_times_of_all_engines() -> None:
    assert when("2026-11-21T09:52:11.123456789Z") == pytest.approx(1795254731.123456, abs=0.001)
    assert when("2026-11-21T10:52:11.5+01:00") == pytest.approx(1795254731.5, abs=0.001)
    assert when("0001-01-01T00:00:00Z") is None
    assert when("soon") is None


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"StopTimeout": 30, "StopSignal": "SIGQUIT"}, "SIGQUIT, then SIGKILL after 30 s"),
        ({"StopTimeout": 10, "StopSignal": 15}, "SIGTERM, then SIGKILL after 10 s"),
        ({"StopTimeout": 10, "StopSignal": "15"}, "SIGTERM, then SIGKILL after 10 s"),
        ({"StopTimeout": 10}, "SIGTERM, then SIGKILL after 10 s"),
        ({"StopTimeout": 0}, "SIGTERM, then SIGKILL after 0 s"),
        ({"StopTimeout": -1}, "SIGTERM, and waits for its end without limit"),
        ({"StopSignal": "SIGQUIT"}, "SIGQUIT, then SIGKILL after 10 s"),
        ({}, "SIGTERM, then SIGKILL after 10 s"),
        ({"StopTimeout": "soon"}, None),
    ],
)
def test_how_it_is_ended(config: dict[str, object], words: str | None) -> None:
    """Without a time of its own by the engine's, which it does not tell."""
    [found] = docker.services([told(container({"Id": "a" * 64, "Name": "/web", "Config": config}))])
    assert (found.stop_way and found.stop_way.words) == words


@pytest.mark.parametrize("data", [None, [], {}, {"Id": 7}, {"Id": ""}, "x"])
def test_what_is_no_container_is_refused(data: object) -> None:
    with pytest.raises(ParseError):
        container(data)


def test_text_of_a_host_cannot_reach_the_terminal() -> None:
    label = {"org.opencontainers.image.version": "\x1b[31m2.0\x07\n", "com.docker.compose.project": "$(x)"}
    found = container({"Id": "a", "Name": "/web", "Config": {"Labels": label, "Image": "\x1b]52;c;x\x07api:3"}})
    assert (found.version, found.image, found.project) == ("2.0\ufffd", "api:3", None)


def test_where_its_image_comes_from() -> None:
    commit = "9fceb02d0ae598e95dc970b74767f19372d61af8"
    labels = {"org.opencontainers.image.revision": commit, "org.opencontainers.image.version": "1.4.2"}
    source = {"org.opencontainers.image.source": "https://ci:hunter2@git.example/shop/api\x1b[2J\nx"}
    data = {"Id": "a", "Name": "/web", "Image": "sha256:4c01", "Config": {"Labels": labels | source, "Image": "api:3"}}
    found = container(data)
    assert found.origin == Origin("sha256:4c01", commit, "https://ci:********@git.example/shop/api x")
    service = as_service(told(found), found, "docker", "web")
    assert (service.image, service.version, service.origin) == ("api:3", "1.4.2", found.origin)
    assert container({"Id": "a", "Image": "sha256:4c01"}).origin == Origin("sha256:4c01")
    assert container({"Id": "a"}).origin is None


@pytest.mark.parametrize(
    "labels",
    [
        {"working_dir": "/srv/\x1b]52;c;x\x07", "config_files": "a.yml,b.yml"},
        {"working_dir": "/srv/shop", "config_files": "/srv/a.yml,/srv/\x1b[2Jb.yml"},
        {"working_dir": "/srv/a\nb", "config_files": "a.yml"},
        {"working_dir": "/srv/\u202eshop", "config_files": "a.yml"},
        {"working_dir": "/srv/" + "x" * 20000, "config_files": "a.yml"},
    ],
)
def test_a_project_in_a_place_that_cannot_be_shown_has_none(labels: dict[str, str]) -> None:
    mine = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    mine |= {f"com.docker.compose.project.{key}": value for key, value in labels.items()}
    found = container({"Id": "a", "Name": "/web", "Config": {"Labels": mine}})
    assert found.project == Project("shop", "web")
    assert compose.sources([told(found)]) == ()
    [service] = compose.services([told(found)], {})
    assert (service.unit_file, service.drop_ins) == (None, ())


def test_names_that_no_tool_may_be_given() -> None:
    for name in ("-f", "a b", "a;touch x", "$(x)", "web\n", "a/b"):
        service = Service(ServiceRef("h", "docker", name), State.RUNNING, "running")
        for work in (DOCKER.restart, DOCKER.stop, DOCKER.start, DOCKER.run_id):
            with pytest.raises(ValueError, match="no name of a container"):
                work(service)
    for name in ("web", "../web", "shop/-f", "shop/a/b"):
        service = Service(ServiceRef("h", "compose", name), State.RUNNING, "running")
        with pytest.raises(ValueError, match="no service of a project"):
            COMPOSE.run_id(service)


@pytest.mark.parametrize(
    ("engine", "tools", "words", "of_compose"),
    [
        (SYSTEM, {"docker"}, ("docker",), ()),
        (SYSTEM, {"docker", "compose"}, ("docker",), ("docker", "compose")),
        (SYSTEM, {"docker", "docker-compose"}, ("docker",), ("docker-compose",)),
        (ROOTLESS, {"docker"}, ("docker", "-H", "unix:///run/user/1001/docker.sock"), ()),
        (PODMAN, {"docker"}, ("docker", "-H", "unix:///run/podman/podman.sock"), ()),
        (PODMAN, {"podman"}, ("podman", "--url", "unix:///run/podman/podman.sock"), ()),
        (SYSTEM, {"podman"}, (), ()),
    ],
)
def test_words_of_the_tools(
    engine: Engine, tools: set[str], words: tuple[str, ...], of_compose: tuple[str, ...]
) -> None:
    engines = Engines((engine,), frozenset(tools))
    found, missing = engines.words(engine)
    assert found == words
    assert (missing is None) == bool(words)
    assert engines.compose_words(engine) == of_compose


def test_two_engines_are_never_mistaken_for_each_other() -> None:
    engines = Engines((SYSTEM, PODMAN), frozenset({"docker"}))
    assert engines.words(SYSTEM)[0] == ("docker", "-H", "unix:///run/docker.sock")
    both = (Told(SYSTEM, engines, (made(),)), Told(PODMAN, engines, (made(),)))
    first, second = docker.services(both)
    assert (first.ref.name, second.ref.name) == ("web", "podman/web")
    assert DOCKER.stop(second).argv[-3:] == ("unix:///run/podman/podman.sock", "stop", "web")


def test_a_project_of_two_engines_is_two_and_each_is_acted_on_by_its_own() -> None:
    engines = Engines((SYSTEM, PODMAN, ROOTLESS), frozenset({"docker", "docker-compose"}))
    job = replace(of_project(2), project=Project("shop", "job", 1, "/srv/shop", ("/srv/shop/docker-compose.yml",)))
    known = (
        Told(SYSTEM, engines, (of_project(1),), 1000.0),
        Told(PODMAN, engines, (of_project(1), job), 1000.0, lost=True),
        Told(ROOTLESS, engines, (of_project(1),), 1000.0),
    )
    declared = {source.key: ("web", "job") for source in compose.sources(known)}
    found = {str(one.ref): one for one in compose.services(known, declared)}
    assert {name: one.native_state for name, one in found.items()} == {
        "/compose:shop/web": "running",
        "/compose:shop/job": compose.NO_CONTAINER,
        "/compose:podman/shop/web": "running",
        "/compose:podman/shop/job": "running",
        f"/compose@{ROOTLESS.user}:shop/web": "running",
        f"/compose@{ROOTLESS.user}:shop/job": compose.NO_CONTAINER,
    }
    assert {ref.name for ref in compose.lost(known, declared)} == {"podman/shop/web", "podman/shop/job"}
    theirs = found["/compose:podman/shop/web"]
    assert (theirs.group, theirs.chain) == ("podman/shop", ("podman", "compose shop", "web"))
    assert COMPOSE.stop(theirs).argv == ("docker", "-H", f"unix://{PODMAN.path}", "stop", "shop_web_1")
    assert COMPOSE.start(found["/compose:shop/job"]).argv[:3] == ("docker-compose", "-H", f"unix://{SYSTEM.path}")
    assert {"shop", "web"} < set(COMPOSE.is_running(theirs, hold=1.0).command.argv)


def test_presence_says_who_may_and_what_mends_it() -> None:
    denied = parse(read(RECORDED / "docker-presence-oncall.txt").output)
    assert [engine.why_not for engine in denied.engines] == ["permission denied on /run/docker.sock: join group docker"]
    [engine] = parse(read(RECORDED / "docker-presence-root.txt").output).engines
    assert (engine.why_not, engine.scope) == (None, "system")
    assert "does not run" in (replace(engine, up=False).why_not or "")
    assert replace(engine, allowed=False, group="root").why_not == (
        "permission denied on /run/docker.sock: only root may use it"
    )
    assert ROOTLESS.scope == "user:ann"
    assert parse("").engines == ()
    with pytest.raises(ParseError):
        parse("engine docker /run/docker.sock up x rw")


def test_a_service_of_compose_is_all_its_containers() -> None:
    [service] = compose.services([told(of_project(2), of_project(1), of_project(3, status="exited", pid=None))], {})
    assert (str(service.ref.name), service.state, service.native_state) == ("shop/web", State.RUNNING, "2/3 running")
    assert service.members == ("shop_web_1", "shop_web_2", "shop_web_3")
    assert service.pids == (101, 102)
    assert service.chain == ("docker", "compose shop", "web")
    assert COMPOSE.restart(service).argv == ("docker", "restart", *service.members)
    worse = of_project(3, status="exited", pid=None, exit_code=1, restarts=2)
    [service] = compose.services([told(of_project(1), worse)], {})
    assert (service.state, service.native_state, service.restarts) == (State.FAILED, "1/2 exited (1)", 2)
    assert docker.services([told(of_project(1), made())])[0].ref.name == "web"


def test_which_of_several_containers_has_which_port() -> None:
    one, two = Endpoint("tcp", "0.0.0.0", 8080), Endpoint("tcp", "0.0.0.0", 8081)
    [service] = compose.services([told(of_project(2, ports=(two,)), of_project(1, ports=(one,)))], {})
    assert service.ports == (one, two)
    assert service.member_ports == (("shop_web_1", one), ("shop_web_2", two))
    [service] = compose.services([told(of_project(1, ports=(one,)))], {})
    assert service.member_ports == ()


@pytest.mark.parametrize("tools", [BOTH, frozenset({"docker", "compose"}), frozenset({"docker"})])
def test_a_declared_service_without_a_container(tools: frozenset[str]) -> None:
    one = told(of_project(1), tools=tools)
    [source] = compose.sources([one])
    _, spare = compose.services([one], {source.key: ("web", "spare")})
    assert (spare.ref.name, spare.state, spare.native_state) == ("shop/spare", State.STOPPED, "no container")
    assert "has no container" in (COMPOSE.why_not(spare, ActionKind.RESTART) or "")
    assert COMPOSE.why_not(spare, ActionKind.START) is None
    with pytest.raises(ValueError, match="no container"):
        COMPOSE.restart(spare)
    look = COMPOSE.run_id(spare).argv
    assert look[-3:] == ("shop", "spare", "docker")
    if spare.tool_missing is None:
        argv = COMPOSE.start(spare).argv
        assert argv[-4:] == ("up", "-d", "--no-deps", "spare")
        assert ("-f", "/srv/shop/docker-compose.yml") in pairwise(argv)
    else:
        assert "no Compose" in spare.tool_missing


def test_what_is_paused_goes_on_by_other_means() -> None:
    [service] = docker.services([told(made(status="paused"))])
    assert "docker unpause web" in (DOCKER.why_not(service, ActionKind.START) or "")
    assert DOCKER.why_not(service, ActionKind.RESTART) is None


def test_what_an_engine_told_that_hangs_is_not_of_now() -> None:
    engines = [told(made()), replace(told(made(), of_project(1)), lost=True)]
    assert {ref.name for ref in docker.lost(engines)} == {"docker/web"}
    assert {service.ref.name for service in docker.services(engines)} == {"web", "docker/web"}
    assert {ref.name for ref in compose.lost(engines, {})} == {"shop/web"}


def test_what_is_paused_keeps_its_ports_and_can_be_stopped() -> None:
    [found] = docker.services([told(made(status="paused", ports=(PORT,)))])
    assert found.ports == (PORT,)
    [whole] = compose.services([told(replace(of_project(1), status="paused", ports=(PORT,)), of_project(2))], {})
    assert whole.ports == (PORT,)
    where = Snapshot("h", Link(LinkState.UP, 0.0), services=(replace(found, ref=replace(found.ref, host="h")),))
    assert refusal(Intent(ActionKind.STOP, where.services[0].ref), where, managers=MANAGERS) is None


def test_no_signal_goes_to_a_container_that_was_not_looked_at() -> None:
    [service] = compose.services([told(of_project(1), of_project(2))], {})
    assert "2 containers" in (COMPOSE.why_not(service, ActionKind.RELOAD) or "")
    [service] = compose.services([told(of_project(1))], {})
    assert COMPOSE.why_not(service, ActionKind.RELOAD) is None


GONE = "it was made with --rm: its engine removes it once it ends"
PORT = Endpoint("tcp", "0.0.0.0", 8080)


def on_host(*services: Service) -> Snapshot:
    """A host with these services and a unit that wants the port of the first."""
    named = tuple(replace(service, ref=replace(service.ref, host="h")) for service in services)
    wants = Service(ServiceRef("h", "systemd", "api.service"), State.FAILED, "failed/failed", wants=(PORT,))
    held = Listener("tcp", PORT.address, PORT.port, inode=1, uid=0, process="docker-proxy", unit="docker.service")
    return Snapshot("h", Link(LinkState.UP, 0.0), services=(*named, wants), listeners=(held,))


def planned(where: Snapshot, kind: ActionKind, name: str = "api.service") -> Plan:
    ref = next(service.ref for service in where.services if service.ref.name == name)
    wanted = Intent(kind, ref, PORT if kind is ActionKind.FREE_PORT else None)
    return plan(wanted, where, managers=MANAGERS, settings=ActionSettings(), plan_id="20261120-1")


def publishing(*, removed: bool, project: bool = False, **more: object) -> Service:
    """A container, or a service of Compose, that publishes the port."""
    more = {"removed": removed, "ports": (PORT,), "wants": (PORT,), **more}
    found = compose.services([told(of_project(1, **more))], {}) if project else docker.services([told(made(**more))])
    return found[0]


@pytest.mark.parametrize("project", [False, True], ids=["docker", "compose"])
@pytest.mark.parametrize("removed", [True, False])
@pytest.mark.parametrize("kind", [ActionKind.STOP, ActionKind.FREE_PORT])
def test_every_plan_that_stops_a_container_says_where_that_removes_it(
    kind: ActionKind, removed: bool, project: bool
) -> None:
    found = publishing(removed=removed, project=project)
    name = found.ref.name
    wanted = planned(on_host(found), kind, name if kind is ActionKind.STOP else "api.service")
    assert wanted.steps[0].name == f"stop {name}"
    assert (wanted.steps[0].undo is None) is removed
    lost = f"{name} cannot be started again from here: {GONE}"
    if kind is ActionKind.FREE_PORT:
        lost = f"{lost}; api.service had failed before: it is left as it is then, with its log"
    assert wanted.irreversible == (lost if removed else None)


def test_a_port_is_the_containers_also_where_both_families_are_listened_on_for_it() -> None:
    where = on_host(publishing(removed=False))
    held = replace(where.listeners[0], address="*", process="rootlessport", unit="podman.service")
    wanted = planned(replace(where, listeners=(held,)), ActionKind.FREE_PORT)
    assert wanted.steps[0].name == "stop web"


@pytest.mark.parametrize("removed", [True, False])
def test_a_start_that_fails_or_is_undone_removes_it(removed: bool) -> None:
    begun_again = planned(on_host(publishing(removed=removed)), ActionKind.RESTART, "web")
    kept = f"web is gone if its start fails: {GONE}" if removed else "the log of a failed start is kept"
    assert begun_again.irreversible == f"a restart has nothing to undo; {kept}"
    never_run = publishing(removed=removed, status="created", pid=None)
    begun = planned(on_host(never_run), ActionKind.START, "web")
    assert begun.steps[0].undo is not None
    assert begun.irreversible == (f"web is gone if its start is undone: {GONE}" if removed else None)


@pytest.mark.parametrize("tools", [frozenset({"podman"}), frozenset({"docker"})], ids=str)
def test_podman_may_remove_what_it_is_to_restart(tools: frozenset[str]) -> None:
    [found] = docker.services([told(made(removed=True), engine=PODMAN, tools=tools)])
    assert "Podman may remove it" in (DOCKER.why_not(found, ActionKind.RESTART) or "")
    [kept] = docker.services([told(made(), engine=PODMAN, tools=tools)])
    assert DOCKER.why_not(kept, ActionKind.RESTART) is None
    [other] = docker.services([told(made(removed=True))])
    assert DOCKER.why_not(other, ActionKind.RESTART) is None


def test_one_that_the_port_is_freed_for_may_be_lost_too() -> None:
    wants = publishing(removed=True, status="created", pid=None, ports=())
    where = on_host(wants)
    holder = Service(ServiceRef("h", "systemd", "old.service"), State.RUNNING, "active/running", ports=(PORT,))
    held = replace(where.listeners[0], process="old", unit="old.service", cgroup="/system.slice/old.service")
    where = replace(where, services=(*where.services, holder), listeners=(held,))
    said = planned(where, ActionKind.FREE_PORT, "web").irreversible
    assert said == f"web is gone if its start is undone: {GONE}"


@pytest.mark.parametrize("kind", [ActionKind.STOP, ActionKind.RESTART])
@pytest.mark.parametrize(("unit", "lost"), [("docker.service", True), ("by-unit.service", False)])
def test_what_goes_with_its_engine_does_not_come_back(kind: ActionKind, unit: str, lost: bool) -> None:
    """A unit that runs a container makes another one with each start."""
    services = docker.services([told(made("a", removed=True), made("b", removed=True), made("c"))])
    runs = Service(ServiceRef("", "systemd", unit), State.RUNNING, "active/running", pids=(9,))
    where = on_host(*(replace(one, chain=("systemd", unit, *one.chain)) for one in services), runs)
    said = f"a, b cannot be started again from here: {GONE}"
    assert (said in (planned(where, kind, unit).irreversible or "")) is lost


def test_one_that_is_to_be_removed_may_be_started_once() -> None:
    [found] = docker.services([told(made(status="created", pid=None, removed=True))])
    assert DOCKER.why_not(found, ActionKind.START) is None


def test_units_that_run_a_container_are_linked() -> None:
    [service] = docker.services([told(made(), units={"web": "web.service"})])
    assert service.chain == ("systemd", "web.service", "docker", "web")
    [service] = docker.services([told(made(), units={"web": "user@1000.service/web.service"})])
    assert service.chain == ("systemd", "user@1000.service", "web.service", "docker", "web")
    [service] = compose.services([told(of_project(1), units={"shop/": "shop.service"})], {})
    assert service.chain == ("systemd", "shop.service", "docker", "compose shop", "web")


@pytest.mark.parametrize(
    ("args", "folder", "key"),
    [
        (("docker", "run", "--rm", "--name", "api", "x"), "/", "api"),
        (("/usr/bin/docker", "run", "--name=api", "x"), "/", "api"),
        (("docker", "start", "-a", "api"), "/", "api"),
        (("docker", "start", "api"), "/", None),
        (("docker", "run", "x", "--name", "api"), "/", None),
        (("docker", "run", "-dp80:80", "-e", "--rm", "--name", "api", "x"), "/", "api"),
        (("docker", "run", "x"), "/", None),
        (("docker", "logs", "-f", "api"), "/", None),
        (("/usr/bin/python3", "/usr/bin/docker-compose", "up"), "/srv/My.Shop", "myshop/"),
        (("docker-compose", "-p", "shop", "up"), "/", "shop/"),
        (("docker", "compose", "-f", "/srv/shop/compose.yml", "up"), "/", "shop/"),
        (("docker-compose", "logs", "-f"), "/srv/shop", None),
        (
            ("/usr/bin/conmon", "--api-version", "1", "-c", "a" * 64, "-u", "a" * 64, "-n", "api", "--exit-command"),
            "/",
            "api",
        ),
    ],
)
def test_clients_of_the_engine(args: tuple[str, ...], folder: str, key: str | None) -> None:
    lines = ["unit a.service", "by 0", f"in {folder}", *(f"arg {arg}" for arg in args)]
    found = clients("\n".join(lines))
    assert [one.runs for one in found] == ([key] if key else [])
    assert all((one.unit, one.uid, one.may, one.asked) == ("a.service", 0, True, None) for one in found)
    # What a job or a login left running stays in the control group of a unit that does not run it.
    for unit in ("cron.service", "ssh.service", "ssh@3-10.0.0.1:22-10.0.0.2:4711.service"):
        assert clients("\n".join((f"unit {unit}", *lines[1:]))) == ()


def test_the_unit_that_answers_for_podman_runs_no_container() -> None:
    lines = ["unit podman.service", "by 0", "in /", *(f"arg {word}" for word in ("/usr/bin/conmon", "-n", "api"))]
    assert clients("\n".join(lines)) == ()
    lines[0] = "unit user@1000.service/podman.service"
    assert clients("\n".join(lines)) == ()


def test_a_client_is_believed_of_an_engine_that_its_user_may_use() -> None:
    ours = Engine("docker", "/run/docker.sock", True, 7, True, "root", "docker", "1")
    theirs = replace(ours, kind="podman", path="/run/user/1000/podman/podman.sock", user="deploy")
    found = [
        Client("web", "web.service", 0, may=True),
        Client("web", "postgresql.service", 1000, may=False),
        Client("db", "db.service", 1001, may=True),
    ]
    assert units(found, ours, ()) == {"web": "web.service", "db": "db.service"}
    assert units(found, theirs, ()) == {"web": "postgresql.service"}
    assert units(found, replace(theirs, path="/home/deploy/docker.sock"), ()) == {}
    lines = ["unit web.service", "in /", *(f"arg {word}" for word in ("docker", "run", "--name", "web"))]
    # It ended before it was told whose it is.
    for by in ((), ("by ",), ("by  may",), ("by 0\nby x",)):
        assert clients("\n".join((*lines, *by))) == ()


def test_a_container_without_a_name_of_its_own_is_found_by_what_its_client_asked_for() -> None:
    said = clients(read(RECORDED / "docker-clients-unnamed.txt").output)
    containers = TOLD.parse(read(RECORDED / "docker-told-unnamed.txt").output).containers
    by_port = {port.port: one.name for one in containers for port in one.wants}
    wanted = {by_port[8099]: "anon.service", by_port[8101]: "twin@8101.service", by_port[8102]: "twin@8102.service"}
    named = {"det": "det.service", "one/": "one.service", "pair/": "two.service"}
    assert units(said, SYSTEM, containers) == wanted | named
    assert "hunter2" not in repr(said)
    # With another that it may be of it is not known, and none is guessed.
    first = next(one for one in containers if one.name == by_port[8099])
    assert units(said, SYSTEM, (*containers, replace(first, name="other"))) == {
        name: unit for name, unit in (wanted | named).items() if unit != "anon.service"
    }
    late = [replace(one, created=(one.created or 0) + 60) for one in containers]
    assert units(said, SYSTEM, late) == named


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("--rm --publish 127.0.0.1:8099:80/udp x:1 -p 1:1", Asked("x:1", 5.0, None, True, (("udp", 8099),))),
        ("-itp 8080:80 -eA=b --env --rm -p=81:80 x", Asked("x", 5.0, None, False, (("tcp", 81), ("tcp", 8080)))),
        ("--rm=false -P -p 80 --name a --name b x", Asked("x", 5.0, "b", False, ())),
        ("-p 8000-8010:80-90 x", Asked("x", 5.0, None, False, None)),
        ("-d -p", None),
    ],
)
def test_what_a_run_asks_for(words: str, found: Asked | None) -> None:
    assert asked(words.split(), 5.0) == found


def test_a_start_may_name_a_container_by_its_identity() -> None:
    lines = ["unit a.service", "by 0", "in /", *(f"arg {word}" for word in ("docker", "start", "-a", "c" * 12))]
    assert units(clients("\n".join(lines)), SYSTEM, [made()]) == {"web": "a.service"}


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox sh"])
@pytest.mark.parametrize(
    ("group", "unit"),
    [
        ("/system.slice/api.service", "api.service"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/api.service", "user@1000.service/api.service"),
    ],
)
def test_a_users_own_unit_is_not_the_systems_of_that_name(tmp_path: Path, shell: str, group: str, unit: str) -> None:
    process = tmp_path / "7"
    process.mkdir()
    (process / "comm").write_text("docker\n")
    (process / "cgroup").write_text(f"1:cpu:/\n0::{group}\n")
    (process / "cmdline").write_bytes(b"docker\0run\0--name\0api\0x\0")
    (process / "status").write_text("Name:\tdocker\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t \n")
    assert clients(clients_told(tmp_path, shell)) == (Client("api", unit, 0, may=True),)


def clients_told(processes: Path, shell: str, socket: Path = Path("/nowhere")) -> str:
    script = CLIENTS.script.replace("/proc/", f"{processes}/").replace("/run/docker.sock", str(socket))
    words = [*shell.split(), "-c", f"f() {{\n{script}\n}}\nf"]
    return subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox sh"])
def test_whoever_calls_a_process_docker_runs_no_container_by_that(tmp_path: Path, shell: str) -> None:
    folder = tmp_path / "a\nunit postgresql.service\nby 0\nin x" / r"b\nunit ssh.service\nby 0\nin x"
    folder.mkdir(parents=True)
    socket = tmp_path / "docker.sock"
    socket.touch()
    group = socket.stat().st_gid
    users = {"7": (f"Uid:\t1000\t0\t0\t0\nGid:\t{group + 1}\nGroups:\t{group}0 1{group}", False),
             "8": (f"Uid:\t1001\t1001\nGid:\t1001\nGroups:\t4 {group} 1001", True),
             "9": (f"Uid:\t1002\t1002\nGid:\t{group}\nGroups:\t ", True)}  # fmt: skip
    for pid, (status, _) in users.items():
        process = tmp_path / "processes" / pid
        process.mkdir(parents=True)
        (process / "comm").write_text("docker\n")
        (process / "cgroup").write_text("0::/system.slice/nginx.service\n")
        (process / "cmdline").write_bytes(f"docker\0run\0--name\0web{pid}\0{'x' * 2_000_000}\0".encode())
        (process / "status").write_text(f"Name:\tdocker\n{status}\n")
        (process / "cwd").symlink_to(
            folder if pid == "7" else folder.parent.parent / r"b\nunit ssh.service\nby 0\nin x"
        )
    said = clients_told(tmp_path / "processes", shell, socket)
    assert len(said) < 3 * 40_000
    found = clients(said)
    assert [(one.runs, one.unit, one.may) for one in found] == [
        (f"web{pid}", "nginx.service", may) for pid, (_, may) in users.items()
    ]


def test_lines_of_a_log() -> None:
    ref = ServiceRef("h", "compose", "shop/web")
    line = COMPOSE.log_line(ref, 'shop_web_2\t2026-11-21T09:52:11.123456789Z {"level":"error","message":"no"}')
    assert line is not None
    assert (line.source, line.level) == ("shop_web_2", "error")
    assert line.at == pytest.approx(1795254731.123456, abs=0.001)
    line = DOCKER.log_line(ServiceRef("h", "docker", "web"), "docker: Error response from daemon: no")
    assert line is not None
    assert (line.at, line.source, line.message) == (None, "docker", "docker: Error response from daemon: no")
    assert line.by_engine
    line = DOCKER.log_line(ref, "2026-11-21T09:52:11.123456789Z docker: Error response from daemon: no")
    assert line is not None
    assert not line.by_engine
    assert DOCKER.log_line(ref, "2026-11-21T09:52:11.123456789Z ") is None


def test_the_scope_of_a_container_is_not_who_runs_it() -> None:
    assert unit_of(f"/system.slice/docker-{'a' * 64}.scope") is None
    assert unit_of(f"/system.slice/api.service/libpod-{'a' * 64}.scope") == "api.service"


def test_one_that_was_made_and_never_came_up_is_told_apart() -> None:
    clash = made("clash", status="created", pid=None, started=None, error="port is already allocated")
    again = made("again", status="created", pid=None, started=900.0, error="port is already allocated")
    found = docker.services([told(clash, again, made())])
    assert {service.ref.name: service.never_ran for service in found} == {"again": False, "clash": True, "web": False}
    both = [replace(of_project(1), status="created", pid=None, started=None), of_project(2)]
    [web] = compose.services([told(*both)], {})
    assert not web.never_ran


@pytest.mark.parametrize(
    ("mode", "engine", "network"),
    [
        ("bridge", SYSTEM, None),
        ("none", SYSTEM, None),
        ("host", SYSTEM, "host"),
        ("host", replace(PODMAN, user="ann"), "host"),
        # In the network of what runs its engine.
        ("host", ROOTLESS, None),
        (f"container:{'a' * 64}", SYSTEM, "inner"),
        ("container:inner", SYSTEM, "inner"),
        (f"container:{'b' * 64}", SYSTEM, "host"),
        (f"container:{'d' * 64}", SYSTEM, "d" * 12),
        # Nothing can be made so; it must end all the same.
        (f"container:{'c' * 64}", SYSTEM, "web"),
    ],
)
def test_whose_network_a_container_has(mode: str, engine: Engine, network: str | None) -> None:
    inner = made("inner", ident="a" * 64, network="bridge")
    wide = made("wide", ident="b" * 64, network="host")
    one = container({"Id": "c" * 64, "Name": "/web", "HostConfig": {"NetworkMode": mode}})
    assert as_service(told(one, inner, wide, engine=engine), one, "docker", "web").network == network
