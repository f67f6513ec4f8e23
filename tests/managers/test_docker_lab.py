"""Docker and Compose on a real host: every state, changes at once, what is done to containers, and a hung daemon."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from console.actions import RefusedError, plan
from console.core.freshness import of_service
from console.core.plan import ActionKind, Intent, PlanProgress, Result
from console.core.service import Endpoint, Origin, Service, ServiceRef, State
from console.core.snapshot import Snapshot
from console.findings import evaluate
from console.managers import MANAGERS
from console.managers.container_clients import CLIENTS, units
from console.managers.container_engines import Engine
from console.managers.container_sudo import LISTED, TOLD
from console.managers.containers import container, when
from console.managers.docker import DOCKER
from console.remote import usages
from console.remote.logs import follow, source
from console.remote.runner import new_plan_id
from console.remote.transport import HostSpec, TransportError
from tests.lab import Host, Lab
from tests.managers import docker_zoo
from tests.probes.asking import over_ssh
from tests.remote.real import QUICK, connected, run
from tests.remote.watching import Watched, watching

STATES = {
    "docker:bad": ("failed", "exited (7)"),
    "docker:brief": ("failed", "exited (1)"),
    "docker:fit": ("running", "running"),
    "docker:gave-up": ("failed", "exited (5)"),
    "docker:killed": ("failed", "exited (137)"),
    "docker:loops": ("flapping", None),
    "docker:never": ("stopped", "created"),
    "docker:own-net": ("running", "running"),
    "docker:paused": ("unknown", "paused"),
    "docker:reads": ("running", "running"),
    "docker:sick": ("running", "running (unhealthy)"),
    "docker:stopped": ("stopped", "exited (137)"),
    "docker:stubborn": ("running", "running"),
    "docker:taken": ("failed", "created (cannot be started)"),
    "docker:by-unit": ("running", "running"),
    "docker:web": ("running", "running"),
    "docker:well": ("stopped", "exited (0)"),
    "compose:shop/deaf": ("running", "running"),
    "compose:shop/loops": ("flapping", None),
    "compose:shop/spare": ("stopped", "no container"),
    "compose:shop/web": ("running", "running"),
    "compose:shop/worker": ("running", "3/3 running"),
}
MAY = (
    "/usr/bin/docker ps *",
    "/usr/bin/docker inspect *",
    "/usr/bin/docker logs *",
    "/usr/bin/docker restart web",
)
SETTINGS = replace(QUICK, within=20.0)


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("dockzoo", docker=True, sudo=MAY)
    docker_zoo.furnish(made)
    return made


@asynccontextmanager
async def seen(lab: Lab, host: Host, user: str = "root") -> AsyncIterator[Watched]:
    """The host as the console watches it."""
    spec = HostSpec(host.name, host.name, ssh_config=str(lab.ssh_config(user)), connect_timeout=4.0)
    async with watching(spec) as watched:
        yield watched


FORGED = r"""[Service]
User=nosudo
ExecStart=/bin/sh -c 'cd; printf "#!/bin/sh\\nsleep 600\\n" >docker; chmod 755 docker; \
  folder=$(printf "a\\nunit by-unit.service\\nby 0\\nin x"); mkdir -p "$folder"; cd "$folder"; \
  exec ~/docker run --name web x'
"""


def test_a_process_that_is_called_docker_is_no_client_of_it(lab: Lab, host: Host) -> None:
    host.unit("forged.service", FORGED)
    try:
        host.wait("grep -qx docker /proc/$(systemctl show -P MainPID forged.service)/comm")
        found = over_ssh(lab, host).ask(CLIENTS)
    finally:
        host.sh("systemctl stop forged.service; rm /etc/systemd/system/forged.service; systemctl daemon-reload")
    engine = Engine("docker", "/run/docker.sock", True, None, True, "root", "docker", "1")
    assert [(one.runs, one.unit, one.may) for one in found if one.runs == "web"] == [("web", "forged.service", False)]
    assert units(found, engine, ()) == {"by-unit": "by-unit.service"}


def named(where: Snapshot) -> dict[str, Service]:
    return {f"{service.ref.manager}:{service.ref.name}": service for service in where.services}


def mine(where: Snapshot) -> dict[str, str]:
    return {name: each.state.value for name, each in named(where).items() if not name.startswith("systemd:")}


def states(where: Snapshot) -> dict[str, tuple[str, str | None]]:
    """The state and the engine's word of every container, where that does not change by itself."""
    found = {name: each for name, each in named(where).items() if not name.startswith("systemd:")}
    words = {name: each.native_state if STATES.get(name, ("", ""))[1] else None for name, each in found.items()}
    return {name: (each.state.value, words[name]) for name, each in found.items()}


def ref(host: Host, name: str) -> ServiceRef:
    manager, _, rest = name.partition(":")
    return ServiceRef(host.name, manager, rest)


async def act(
    lab: Lab, host: Host, where: Snapshot, kind: ActionKind, name: str, *, user: str = "root", port: int | None = None
) -> PlanProgress:
    endpoint = None if port is None else Endpoint("tcp", "0.0.0.0", port)
    wanted = plan(Intent(kind, ref(host, name), endpoint), where, managers=MANAGERS, settings=SETTINGS,
                  plan_id=new_plan_id())  # fmt: skip
    async with connected(host.name, lab.ssh_config(user)) as transport:
        return await run(transport, wanted, root=user == "root")


async def test_every_container_and_every_service_of_a_project(lab: Lab, host: Host) -> None:
    async with seen(lab, host) as watched:
        await watched.until(host.name, lambda where: named(where)["docker:fit"].memory is not None, 15)
        # Those that end by themselves have their time.
        with suppress(AssertionError):
            await watched.until(host.name, lambda where: states(where) == STATES, 15)
        found = named(watched.fleet.snapshot(host.name))
        assert states(watched.fleet.snapshot(host.name)) == STATES
    web = found["docker:web"]
    assert web.pid == int(host.sh("docker inspect -f '{{.State.Pid}}' web"))
    assert (web.version, web.restart_policy, web.image, web.tool) == (
        "1.4.2",
        "unless-stopped",
        "lab-zoo:1.4",
        ("docker",),
    )
    assert web.origin == Origin(host.sh("docker inspect -f '{{.Image}}' web").strip(), "9fceb02d0ae5")
    words = [usages.asks_for(one.ref, one)[0] for one in (web, found["compose:shop/worker"])]
    for ask, many in zip(words, (1, 3), strict=True):
        assert ask is not None
        used = over_ssh(lab, host, "oncall").ask(ask.probe, *ask.args)
        assert len(used.groups) == many
        assert used.cpu > 0
    assert [str(port) for port in web.ports] == ["tcp/127.0.0.1:8090"]
    assert [str(port) for port in found["docker:own-net"].ports] == ["tcp/*:8098"]
    assert [str(port) for port in found["docker:never"].wants] == ["tcp/0.0.0.0:8097"]
    assert found["docker:never"].version == "2.0"
    assert found["docker:sick"].health == "unhealthy"
    assert found["docker:taken"].result == "Bind for 127.0.0.1:8090 failed: port is already allocated"
    assert (found["docker:bad"].exit_code, found["docker:killed"].exit_signal) == (7, 9)
    assert web.chain == ("systemd", "docker.service", "docker", "web")
    assert found["docker:by-unit"].chain == ("systemd", "by-unit.service", "docker", "by-unit")
    worker = found["compose:shop/worker"]
    assert worker.chain == ("systemd", "docker.service", "docker", "compose shop", "worker")
    assert worker.members == ("shop_worker_1", "shop_worker_2", "shop_worker_3")
    assert len(worker.pids) >= 6
    assert {port.port for port in found["compose:shop/web"].ports} == {8095}


async def test_a_port_that_is_taken_is_explained_by_the_engine(lab: Lab, host: Host) -> None:
    async with seen(lab, host) as watched:
        await watched.until(host.name, lambda where: any(symptom.ref.name == "taken" for symptom in where.symptoms), 15)
        where = watched.fleet.snapshot(host.name)
    [symptom] = [symptom for symptom in where.symptoms if symptom.ref.name == "taken"]
    assert (symptom.errno, symptom.endpoint) == ("EADDRINUSE", Endpoint("tcp", "127.0.0.1", 8090))


async def test_changes_are_seen_within_a_second(lab: Lab, host: Host) -> None:
    async with seen(lab, host) as watched:
        before = named(watched.fleet.snapshot(host.name))["docker:fit"].pid
        done = asyncio.to_thread(host.sh, "docker restart --time 0 fit; date +%s.%N")
        began = asyncio.create_task(done)
        await watched.until(host.name, lambda where: named(where)["docker:fit"].pid not in (before, None), 20)
        at = time.time()
        assert at - float((await began).split()[-1]) < 1.0
        host.sh("docker create --name fresh lab-zoo:1.4")
        assert await watched.until(host.name, lambda where: "docker:fresh" in named(where), 5) < 1.0
        host.sh("docker rename fresh renamed")
        assert await watched.until(host.name, lambda where: "docker:renamed" in named(where), 5) < 1.0
        host.sh("docker rm renamed")
        assert await watched.until(host.name, lambda where: "docker:renamed" not in named(where), 5) < 1.0


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ActionKind.RESTART, "docker:web"),
        (ActionKind.RELOAD, "docker:reads"),
        (ActionKind.STOP, "docker:stubborn"),
        (ActionKind.START, "docker:stubborn"),
        (ActionKind.START, "docker:never"),
        (ActionKind.RESTART, "compose:shop/worker"),
        (ActionKind.START, "compose:shop/spare"),
        (ActionKind.STOP, "compose:shop/deaf"),
        (ActionKind.START, "compose:shop/deaf"),
        (ActionKind.STOP, "compose:shop/web"),
        (ActionKind.START, "compose:shop/web"),
    ],
    ids=lambda value: str(value).replace("/", "-"),
)
async def test_actions_prove_what_they_did(lab: Lab, host: Host, kind: ActionKind, name: str) -> None:
    async with seen(lab, host) as watched:
        last = await act(lab, host, watched.fleet.snapshot(host.name), kind, name)
        assert last.result is Result.DONE, last
        if kind is ActionKind.STOP:
            assert last.plan.ends == (f"{name.partition(':')[2]}: SIGTERM, then SIGKILL after 1 s",)
        if kind is ActionKind.STOP and name in ("docker:stubborn", "compose:shop/deaf"):
            assert any("by SIGKILL, which its engine sends" in one for one in last.proof), last.proof
        state = "stopped" if kind is ActionKind.STOP else "running"
        await watched.until(host.name, lambda where: named(where)[name].state.value == state, 3)


@pytest.mark.parametrize("name", ["docker:loops", "compose:shop/loops"], ids=["container", "of-a-project"])
async def test_a_restart_that_does_not_last_is_no_success(lab: Lab, host: Host, name: str) -> None:
    async with seen(lab, host) as watched:
        where = watched.fleet.snapshot(host.name)
        last = await act(lab, host, where, ActionKind.RESTART, name)
        assert last.result is Result.FAILED, last
        assert re.search("Restarting|started once more|its process ended", last.reason or ""), last.reason


async def test_a_crash_before_the_first_look_is_no_success(lab: Lab, host: Host) -> None:
    """And its count is set back by a start by hand."""
    body = "[ ! -e /fail ] || { rm /fail; exit 1; }; exec sleep 9000"
    host.run(["docker", "run", "-d", "--name", "once", "--init", "--stop-timeout", "1", "--restart", "always",
              docker_zoo.IMAGE, "sh", "-c", body])  # fmt: skip
    async with seen(lab, host) as watched:
        await watched.until(host.name, lambda where: "docker:once" in named(where), 5)
        where = watched.fleet.snapshot(host.name)
        for result in (Result.FAILED, Result.DONE):
            if result is Result.FAILED:
                host.sh("docker exec once touch /fail")
            last = await act(lab, host, where, ActionKind.RESTART, "docker:once")
            assert last.result is result, last
            if result is Result.FAILED:
                assert re.search("started once more by itself|Restarting", last.reason or ""), last.reason
    host.sh("docker rm -f once")


@pytest.mark.parametrize("user", ["root", "oncall"])
async def test_a_health_check_is_waited_for_as_its_definition_says(lab: Lab, host: Host, user: str) -> None:
    """A start period of five minutes, three tries of at most 30 s, 5 s apart; and what the configuration allows."""
    times = ("--health-start-period", "300s", "--health-interval", "5s")
    host.run(
        ["docker", "run", "-d", "--name", "late", "--health-cmd", "true", *times, docker_zoo.IMAGE, "sleep", "900"]
    )
    async with seen(lab, host, user) as watched:
        await watched.until(host.name, lambda where: "docker:late" in named(where), 20)
        where = watched.fleet.snapshot(host.name)
    for name, within, settings in (
        ("late", 405.0, SETTINGS),
        ("late", 500.0, replace(SETTINGS, within=500.0)),
        ("fit", 105.0, SETTINGS),
        ("web", None, SETTINGS),
    ):
        intent = Intent(ActionKind.RESTART, ref(host, f"docker:{name}"))
        made = plan(intent, where, managers=MANAGERS, settings=settings, plan_id=new_plan_id())
        looks = [check.within for check in made.checks if check.name == f"{name} is healthy by its own check"]
        assert looks == ([] if within is None else [within])
    host.sh("docker rm -f late")


def one_network(host: Host) -> bool:
    pids = host.sh("docker inspect -f '{{.State.Pid}}' box side").split()
    return len({host.sh(f"readlink /proc/{pid}/ns/net") for pid in pids}) == 1


async def test_what_has_the_network_of_a_container_gets_it_back_when_that_is_restarted(lab: Lab, host: Host) -> None:
    """Else it would run on with a loopback alone."""
    started = "docker run -d --stop-timeout 1 --name"
    host.sh(f"{started} box {docker_zoo.IMAGE} httpd -f -p 80")
    host.sh(f"{started} side --network container:box {docker_zoo.IMAGE} sleep 9000")
    async with seen(lab, host) as watched:
        await watched.until(host.name, lambda where: "docker:side" in named(where) and "docker:box" in named(where), 5)
        last = await act(lab, host, watched.fleet.snapshot(host.name), ActionKind.RESTART, "docker:box")
        assert last.result is Result.DONE, last
        assert last.plan.also_hit == ("side (has its network, and loses it)",)
        assert ref(host, "docker:side") in last.plan.services
        assert last.plan.commands[-1] == "docker restart side"
        assert "side has the network of box" in last.proof
        assert one_network(host)
        host.sh("docker restart box")
        where = watched.fleet.snapshot(host.name)
        look = DOCKER.has_network_of(named(where)["docker:side"], named(where)["docker:box"])
        done = host.run(list(look.command.argv), check=False)
        assert (done.returncode, done.stdout.strip()) == (
            1,
            "side was not started again since box was, and has no network",
        )
        host.sh("docker stop box")
        await watched.until(host.name, lambda where: named(where)["docker:box"].state.value != "running", 5)
        last = await act(lab, host, watched.fleet.snapshot(host.name), ActionKind.START, "docker:box")
        assert last.result is Result.DONE, last
        assert one_network(host)
    host.sh("docker rm -f side box")


async def test_a_failed_start_leaves_it_failed(lab: Lab, host: Host) -> None:
    async with seen(lab, host) as watched:
        await watched.until(host.name, lambda where: named(where)["docker:bad"].state.value == "failed", 10)
        last = await act(lab, host, watched.fleet.snapshot(host.name), ActionKind.START, "docker:bad")
        assert (last.result, last.undo) == (Result.FAILED, ()), last
        await watched.until(host.name, lambda where: named(where)["docker:bad"].state.value == "failed", 10)


@pytest.mark.parametrize("name", ["docker:fit", "compose:shop/deaf"], ids=["container", "of-a-project"])
async def test_what_would_be_ended_by_a_signal_is_not_sent_one(lab: Lab, host: Host, name: str) -> None:
    async with seen(lab, host) as watched:
        last = await act(lab, host, watched.fleet.snapshot(host.name), ActionKind.RELOAD, name)
    assert last.result is Result.REFUSED, last
    assert "does not handle SIGHUP" in (last.reason or "")


async def test_a_port_is_freed_by_stopping_its_container_and_not_the_engine(lab: Lab, host: Host) -> None:
    host.install_api(port=8095, start=False)
    async with seen(lab, host) as watched:
        where = watched.fleet.snapshot(host.name)
        last = await act(lab, host, where, ActionKind.FREE_PORT, "systemd:api.service", port=8095)
        assert last.result is Result.DONE, last
        assert last.plan.steps[0].name == "stop shop/web"
        assert "docker stop shop_web_1" in last.plan.commands
        host.sh("systemctl stop api.service; docker start shop_web_1")


async def test_a_container_made_with_rm_outlives_a_restart_and_no_stop(lab: Lab, host: Host) -> None:
    host.sh("docker run --detach --rm --stop-timeout 1 --name once --publish 8094:80 lab-zoo:1.4", timeout=60)
    host.install_api(name="wants", port=8094, start=False)
    async with seen(lab, host) as watched:
        again = await act(lab, host, watched.fleet.snapshot(host.name), ActionKind.RESTART, "docker:once")
        assert again.result is Result.DONE, again
        assert "once is gone if its start fails: it was made with --rm" in (again.plan.irreversible or "")
        await watched.until(host.name, lambda where: named(where)["docker:once"].state.value == "running", 5)
        where = watched.fleet.snapshot(host.name)
        freed = await act(lab, host, where, ActionKind.FREE_PORT, "systemd:wants.service", port=8094)
        assert freed.result is Result.DONE, freed
        assert "once cannot be started again from here: it was made with --rm" in (freed.plan.irreversible or "")
        assert freed.plan.steps[0].undo is None
        await watched.until(host.name, lambda where: "docker:once" not in named(where), 5)
    host.sh("systemctl stop wants.service; rm /etc/systemd/system/wants.service; systemctl daemon-reload")


@pytest.mark.parametrize("name", ["docker:reads", "compose:shop/worker"])
async def test_logs_are_followed_from_run_to_run(lab: Lab, host: Host, name: str) -> None:
    async with seen(lab, host) as watched:
        service = named(watched.fleet.snapshot(host.name))[name]
    command, read_line = source(service, lines=5, since=None, follow=True)
    async with connected(host.name, lab.ssh_config("root")) as transport:
        channel = await transport.open(command.argv)
        lines = []
        async with asyncio.timeout(30):
            started = False
            async for line in follow(channel, read_line):
                lines.append(line)
                if not started:
                    started = True
                    again = f"docker restart --time 1 {service.members[0]} >/dev/null; docker inspect -f "
                    again += f"'{{{{.State.FinishedAt}}}}' {service.members[0]}"
                    began = when((await asyncio.to_thread(host.sh, again)).strip()) or 0.0
                elif line.at is not None and line.at > began and line.source in ("docker", service.members[0]):
                    break
    assert all(line.at is not None for line in lines)
    host.wait("! pgrep -f '[d]ocker logs'", timeout=10)


async def test_the_log_of_one_that_dies_at_once_each_time_is_followed(lab: Lab, host: Host) -> None:
    told = "sh -c 'echo cannot go on; exit 3'"
    host.sh(f"docker run --detach --name dies --restart always lab-zoo:1.4 {told}")
    service = Service(ServiceRef(host.name, "docker", "dies"), State.FLAPPING, "restarting", tool=("docker",))
    command, read_line = source(replace(service, members=("dies",)), lines=5, since=None, follow=True)
    at: list[float | None] = []
    async with connected(host.name, lab.ssh_config("root")) as transport, asyncio.timeout(120):
        async for line in follow(await transport.open(command.argv), read_line):
            assert line.message == "cannot go on"
            at.append(line.at)
            if len(at) == 6:
                break
    assert sorted(set(at), key=lambda each: each or 0.0) == at
    host.sh("docker rm --force dies")


@pytest.mark.parametrize(("name", "made"), [("mute", "--log-driver none"), ("brief-log", "")])
async def test_why_a_log_is_followed_no_longer_is_told(lab: Lab, host: Host, name: str, made: str) -> None:
    """No engine reads what went to no log; and what is removed says no more."""
    host.sh(f"docker run --detach --name {name} --stop-timeout 1 {made} lab-zoo:1.4 sh -c '{docker_zoo.TRAP}'")
    ref = ServiceRef(host.name, "docker", name)
    service = Service(ref, State.RUNNING, "up", tool=("docker", "-H", "unix:///run/docker.sock"), members=(name,))
    command, read_line = source(service, lines=5, since=None, follow=True)
    said: list[str] = []

    async def read() -> None:
        async for line in follow(channel, read_line):
            said.append(line.message)
            if line.message == "up":
                await asyncio.to_thread(host.sh, f"docker rm --force {name}")

    async with connected(host.name, lab.ssh_config("root")) as transport, asyncio.timeout(30):
        channel = await transport.open(command.argv)
        with pytest.raises(TransportError, match=rf"the log of {name} cannot be|No such container: {name}"):
            await read()
    told = ["Error response from daemon: configured logging driver does not support reading"]
    assert said == (told if made else ["up"])
    host.sh(f"docker rm --force {name} 2>/dev/null || true")


@pytest.mark.parametrize("user", ["root", "oncall"])
async def test_nothing_of_a_followed_log_stays_on_the_host(lab: Lab, host: Host, user: str) -> None:
    """It is the log of one that says no more; sudo passes on no signal of its own group."""
    async with seen(lab, host, user) as watched:
        service = named(watched.fleet.snapshot(host.name))["docker:reads"]
    command, _ = source(service, lines=5, since=None, follow=True)
    async with connected(host.name, lab.ssh_config(user)) as transport:
        channel = await transport.open(command.argv)
        assert b" up\n" in await channel.read()
        await channel.close()
        await asyncio.to_thread(host.wait, "! pgrep -f '[d]ocker logs'", 10)


async def test_who_has_no_right_is_told_which_group_and_may_go_through_sudo(lab: Lab, host: Host) -> None:
    async with seen(lab, host, "nosudo") as watched:
        where = watched.fleet.snapshot(host.name)
        known = where.source("docker")
        assert known is not None
        assert known.failure == "permission denied on /run/docker.sock: join group docker"
        assert not [name for name in named(where) if name.startswith(("docker:", "compose:"))]
    async with seen(lab, host, "oncall") as watched:
        where = watched.fleet.snapshot(host.name)
        assert named(where)["docker:web"].tool == ("sudo", "-n", "--", "docker")
        before = named(where)["docker:web"].pid
        last = await act(lab, host, where, ActionKind.RESTART, "docker:web", user="oncall")
        assert last.result is Result.DONE, last
        await watched.fleet.refresh(host.name)
        await watched.until(host.name, lambda now: named(now)["docker:web"].pid not in (before, None), 10)
        last = await act(lab, host, where, ActionKind.STOP, "docker:web", user="oncall")
        assert last.result is not Result.DONE


def test_what_is_told_through_sudo_is_what_the_engine_tells_and_no_secret(lab: Lab, host: Host) -> None:
    run = "docker run --detach --name keeps --env TOKEN=hunter2-env --label note=hunter2-label --health-interval 1s"
    host.sh(f"{run} --health-cmd 'echo hunter2-health' lab-zoo:1.4 sleep 1000", timeout=60)
    host.wait('docker inspect keeps | grep -q \'"Output": "hunter2-health\'')
    idents = host.sh("docker ps -aq --no-trunc").split()
    way = over_ssh(lab, host, "oncall")
    text = way.output(TOLD, *idents)
    told = {one.name: one for one in TOLD.parse(text).containers}
    assert "hunter2" not in text
    assert len(text) < 1500 * len(idents)
    assert told.keys() == {line.split()[0] for line in way.ask(LISTED).values()}
    for whole in map(container, json.loads(host.sh("docker inspect keeps web shop_web_1 never bad sick taken"))):
        assert told[whole.name] == whole
    host.sh("docker rm --force keeps")


async def test_a_hung_daemon_is_one_failed_source_and_nothing_else(lab: Lab, host: Host) -> None:
    pid = host.sh("cat /run/docker.pid").strip()
    began = 0.0
    try:
        async with seen(lab, host) as watched:
            services = mine(watched.fleet.snapshot(host.name))
            host.sh(f"kill -STOP {pid}")
            await watched.until(host.name, lambda where: _failure(where, "docker") is not None, 15)
            where = watched.fleet.snapshot(host.name)
            assert "does not answer" in (_failure(where, "docker") or "")
            mend = f"dockerd (process {pid}) was stopped by a signal and does not answer: kill -CONT {pid}"
            await watched.until(host.name, lambda where: _failure(where, "docker") == mend, 12)
            # So it is told to who asks but once, at once.
            async with seen(lab, host) as later:
                assert _failure(later.fleet.snapshot(host.name), "docker") == mend
            assert _failure(where, "systemd") is None
            assert mine(where) == services
            assert all(of_service(where, named(where)[name]).stale for name in services)
            assert where.link.state.value == "up"
            host.sh(f"kill -CONT {pid}")
            await watched.until(host.name, lambda where: _failure(where, "docker") is None, 6)
            host.sh(f"kill -STOP {pid}")
            await asyncio.sleep(6)
            began = time.monotonic()
        assert time.monotonic() - began < 3.0
    finally:
        host.sh(f"kill -CONT {pid}", check=False)


def _failure(where: Snapshot, name: str) -> str | None:
    known = where.source(name)
    return None if known is None else known.failure


async def test_an_engine_that_was_stopped_is_not_started_by_a_look(lab: Lab, host: Host) -> None:
    # A client that loses its engine asks for it again, and systemd would start it for that.
    host.sh("docker rm -f loops; docker kill $(docker ps -q) >/dev/null 2>&1 || true", timeout=60)
    async with seen(lab, host) as watched:
        # The logs of what has failed are read by docker's own command line, for which it is the same.
        await asyncio.sleep(4)
        host.sh("systemctl stop docker.service", timeout=60)
        await watched.until(host.name, lambda where: "does not run" in (_failure(where, "docker") or ""), 20)
        # Its containers are not taken for what they were, and its unit is what to start.
        await watched.until(host.name, lambda where: named(where)["docker:well"].state.value == "stopped", 10)
        await watched.until(host.name, lambda where: any(one.code == "manager-down" for one in evaluate(where)), 20)
        found = {one.code: one for one in evaluate(watched.fleet.snapshot(host.name))}
        assert found["manager-down"].subject == f"{host.name}/systemd:docker.service"
        assert found["manager-down"].proposals[0].label == "start docker.service"
        assert "manager-silent" not in found
        await asyncio.sleep(3)
        assert host.run(["systemctl", "is-active", "docker.service"], check=False).stdout.strip() == "inactive"
        assert host.run(["systemctl", "is-active", "docker.socket"], check=False).stdout.strip() == "active"
        with pytest.raises(RefusedError):
            plan(Intent(ActionKind.RELOAD, ref(host, "docker:well")), watched.fleet.snapshot(host.name),
                 managers=MANAGERS, settings=SETTINGS, plan_id=new_plan_id())  # fmt: skip
        host.sh("systemctl start docker.service", timeout=60)
        await watched.until(host.name, lambda where: _failure(where, "docker") is None, 20)
