"""Podman on a real host without Docker: what its socket tells, and what is done to its containers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from console.actions import RefusedError, plan
from console.core.network import Listener
from console.core.plan import ActionKind, Intent, PlanProgress, Result
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import Link, LinkState, Snapshot
from console.diagnosis.respawn import respawn_of
from console.managers import MANAGERS
from console.managers.container_engines import PRESENCE, parse
from console.managers.containers import when
from console.remote.logs import follow, source
from console.remote.runner import new_plan_id
from console.remote.transport import HostSpec
from tests.lab import Host, Lab
from tests.managers import podman_zoo
from tests.probes.asking import over_ssh
from tests.remote.real import QUICK, connected, run
from tests.remote.watching import Watched, watching

STATES = {
    "bad": ("failed", "exited (7)"),
    "by-unit": ("running", "running"),
    # A signal ended it, and Podman tells nothing of a stop.
    "deaf": ("unknown", "exited (137)"),
    "never": ("stopped", "created"),
    "once": ("running", "running"),
    "reads": ("running", "running"),
    "web": ("running", "running"),
}
TOOL = ("podman", "--url", "unix:///run/podman/podman.sock")
SETTINGS = replace(QUICK, within=20.0)


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    return podman_zoo.boot(lab, "podzoo")


@asynccontextmanager
async def seen(lab: Lab, host: Host, user: str = "root") -> AsyncIterator[Watched]:
    """The host as the console watches it."""
    async with watching(
        HostSpec(host.name, host.name, ssh_config=str(lab.ssh_config(user)), connect_timeout=4.0)
    ) as found:
        yield found


def named(where: Snapshot) -> dict[str, Service]:
    return {service.ref.name: service for service in where.services if service.ref.manager == "docker"}


async def act(
    lab: Lab, host: Host, where: Snapshot, kind: ActionKind, name: str, *, port: int | None = None
) -> PlanProgress:
    endpoint = None if port is None else Endpoint("tcp", "0.0.0.0", port)
    ref = ServiceRef(host.name, "systemd" if name.endswith(".service") else "docker", name)
    wanted = plan(Intent(kind, ref, endpoint), where, managers=MANAGERS, settings=SETTINGS, plan_id=new_plan_id())
    async with connected(host.name, lab.ssh_config("root")) as transport:
        return await run(transport, wanted, root=True)


def holder(where: Snapshot, port: int) -> Listener:
    [found] = [listener for listener in where.listeners if listener.port == port]
    return found


async def test_every_container_with_its_state_ports_and_chain(lab: Lab, host: Host) -> None:
    async with seen(lab, host) as watched:
        await watched.until(host.name, lambda where: named(where)["web"].memory is not None, 15)
        where = watched.fleet.snapshot(host.name)
    found = named(where)
    assert {name: (service.state.value, service.native_state) for name, service in found.items()} == STATES
    web = found["web"]
    assert web.pid == int(host.sh("podman inspect -f '{{.State.Pid}}' web"))
    assert (web.version, web.image, web.restart_policy, web.tool) == ("1.4.2", podman_zoo.IMAGE, "always", TOOL)
    assert web.chain == ("podman", "web")
    assert respawn_of(Snapshot(host.name, Link(LinkState.UP, 0.0)), web) == "podman restart=always"
    # As podman generate systemd writes it.
    assert found["by-unit"].chain == ("systemd", "by-unit.service", "podman", "by-unit")
    assert [str(port) for port in web.ports] == ["tcp/127.0.0.1:8090"]
    assert holder(where, 8090).process == "conmon"
    assert [str(port) for port in found["never"].wants] == ["tcp/0.0.0.0:8097"]
    assert found["once"].enabled == "removed when it ends"
    known = where.source("docker")
    assert known is not None
    assert known.failure is None


async def test_changes_are_seen_within_a_second(lab: Lab, host: Host) -> None:
    async with seen(lab, host) as watched:
        host.sh(f"podman create --name fresh {podman_zoo.IMAGE}")
        assert await watched.until(host.name, lambda where: "fresh" in named(where), 5) < 1.0
        host.sh("podman rm fresh")
        assert await watched.until(host.name, lambda where: "fresh" not in named(where), 5) < 1.0


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ActionKind.RESTART, "web"),
        (ActionKind.RELOAD, "reads"),
        (ActionKind.STOP, "web"),
        (ActionKind.START, "web"),
        (ActionKind.START, "never"),
    ],
    ids=lambda value: str(value),
)
async def test_actions_prove_what_they_did(lab: Lab, host: Host, kind: ActionKind, name: str) -> None:
    async with seen(lab, host) as watched:
        before = named(watched.fleet.snapshot(host.name))[name].pid
        last = await act(lab, host, watched.fleet.snapshot(host.name), kind, name)
        assert last.result is Result.DONE, last
        state = "stopped" if kind is ActionKind.STOP else "running"
        await watched.until(host.name, lambda where: named(where)[name].state.value == state, 3)
        if kind is ActionKind.RESTART:
            await watched.until(host.name, lambda where: named(where)[name].pid not in (before, None), 3)


async def test_what_podman_may_remove_is_not_restarted(lab: Lab, host: Host) -> None:
    async with seen(lab, host) as watched:
        with pytest.raises(RefusedError, match="once was made with --rm: Podman may remove it"):
            await act(lab, host, watched.fleet.snapshot(host.name), ActionKind.RESTART, "once")


async def test_a_port_is_freed_by_stopping_its_container(lab: Lab, host: Host) -> None:
    host.install_api(port=8091, start=False)
    async with seen(lab, host) as watched:
        last = await act(lab, host, watched.fleet.snapshot(host.name), ActionKind.FREE_PORT, "api.service", port=8091)
        assert last.result is Result.DONE, last
        assert last.plan.commands[0] == "podman --url unix:///run/podman/podman.sock stop once"
        assert "once cannot be started again from here: it was made with --rm" in (last.plan.irreversible or "")
        await watched.until(host.name, lambda where: "once" not in named(where), 5)
        assert holder(watched.fleet.snapshot(host.name), 8091).unit == "api.service"
    host.sh("systemctl stop api.service")


async def test_logs_are_followed_from_run_to_run(lab: Lab, host: Host) -> None:
    async with seen(lab, host) as watched:
        service = named(watched.fleet.snapshot(host.name))["reads"]
    command, read_line = source(service, lines=5, since=None, follow=True)
    async with connected(host.name, lab.ssh_config("root")) as transport:
        channel = await transport.open(command.argv)
        began = None
        async with asyncio.timeout(30):
            async for line in follow(channel, read_line):
                assert line.at is not None
                if began is None:
                    await asyncio.to_thread(host.sh, "podman restart --time 1 reads")
                    text = await asyncio.to_thread(host.sh, "podman inspect -f '{{json .State.StartedAt}}' reads")
                    began = when(text.strip().strip('"'))
                # Podman writes whole seconds.
                elif began is not None and line.message == "up" and line.at > began - 1:
                    break
    host.wait("! pgrep -f '[p]odman --url .* logs'", timeout=10)


async def test_a_socket_that_ends_itself_and_an_engine_that_is_stopped_leave_the_containers(
    lab: Lab, host: Host
) -> None:
    """podman.service is only what answers, and ends when nobody has asked for a few seconds."""
    async with seen(lab, host) as watched:
        last = await act(lab, host, watched.fleet.snapshot(host.name), ActionKind.RESTART, "podman.service")
        assert last.result is Result.DONE, last
        assert not any("every container" in warning for warning in last.plan.warnings)
        await watched.until(host.name, lambda where: named(where)["web"].state.value == "running", 20)


def test_what_podman_puts_in_the_place_of_docker_is_no_engine_of_its_own(lab: Lab, host: Host) -> None:
    """The package podman-docker makes this link, and a command that is called docker."""
    host.sh("ln -s /run/podman/podman.sock /run/docker.sock; ln -s /usr/bin/podman /usr/local/bin/docker")
    try:
        lines = over_ssh(lab, host).ask(PRESENCE).splitlines()
        assert [line for line in lines if line.startswith("engine")] == [
            "engine podman /run/podman/podman.sock up - rw"
        ]
        assert "docker" in next(line for line in lines if line.startswith("tools")).split()
    finally:
        host.sh("rm /run/docker.sock /usr/local/bin/docker")


async def test_containers_that_are_not_seen_are_told_of_with_what_mends_it(lab: Lab, host: Host) -> None:
    async with seen(lab, host, "oncall") as watched:
        known = watched.fleet.snapshot(host.name).source("docker")
        assert known is not None
        assert known.failure == "permission denied on /run/podman/podman.sock: only root may use it"
    host.sh("systemctl stop podman.socket podman.service; rm -f /run/podman/podman.sock")
    try:
        [line] = over_ssh(lab, host).ask(PRESENCE).splitlines()
        assert line == "engine podman /run/podman/podman.sock down - denied"
        assert parse(line).engines[0].why_not == (
            "podman runs containers without its socket /run/podman/podman.sock: systemctl enable --now podman.socket"
        )
        host.sh("systemctl stop by-unit.service; podman stop --all --time 0")
        host.wait("! pgrep -x conmon")
        assert over_ssh(lab, host, "oncall").ask(PRESENCE) == ""
    finally:
        host.sh("systemctl start podman.socket by-unit.service; podman start web", timeout=60)
