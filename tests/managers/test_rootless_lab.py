"""Docker and Podman that a user runs without root: seen and acted on by him, and by root."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from console.actions import plan
from console.core.plan import ActionKind, Intent, PlanProgress, Result
from console.core.service import Endpoint, Service, ServiceRef
from console.core.snapshot import Snapshot
from console.managers import MANAGERS
from console.remote.runner import new_plan_id
from console.remote.transport import HostSpec
from tests.lab import Host, Lab
from tests.managers import rootless_zoo
from tests.remote.real import QUICK, connected, run
from tests.remote.watching import Watched, watching

DOCKER, PODMAN = "of-docker", "of-podman"
PORTS = {DOCKER: 8081, PODMAN: 8082}
TOOLS = {
    DOCKER: ("docker", "-H", "unix:///run/user/1001/docker.sock"),
    PODMAN: ("podman", "--url", "unix:///run/user/1001/podman/podman.sock"),
}
HOLDS = {DOCKER: "rootlesskit", PODMAN: "rootlessport"}
SETTINGS = replace(QUICK, within=20.0)


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    return rootless_zoo.boot(lab, "rootless")


@asynccontextmanager
async def seen(lab: Lab, host: Host, user: str) -> AsyncIterator[Watched]:
    """The host as the console watches it."""
    config = str(lab.ssh_config(user))
    async with watching(HostSpec(host.name, host.name, ssh_config=config, connect_timeout=4.0)) as watched:
        yield watched


def named(where: Snapshot) -> dict[str, Service]:
    return {service.ref.name: service for service in where.services if service.ref.manager == "docker"}


async def act(
    lab: Lab, host: Host, where: Snapshot, kind: ActionKind, ref: ServiceRef, user: str, port: int | None = None
) -> PlanProgress:
    endpoint = None if port is None else Endpoint("tcp", "0.0.0.0", port)
    wanted = plan(Intent(kind, ref, endpoint), where, managers=MANAGERS, settings=SETTINGS, plan_id=new_plan_id())
    async with connected(host.name, lab.ssh_config(user)) as transport:
        return await run(transport, wanted, root=user == "root")


@pytest.mark.parametrize("user", ["oncall", "root"])
async def test_both_are_found_with_state_ports_and_chain(lab: Lab, host: Host, user: str) -> None:
    async with seen(lab, host, user) as watched:
        await watched.until(host.name, lambda where: set(named(where)) == {DOCKER, PODMAN}, 15)
        where = watched.fleet.snapshot(host.name)
    for name, service in named(where).items():
        assert (service.state.value, service.ref.scope, service.tool) == ("running", "user:oncall", TOOLS[name])
        assert PORTS[name] in {port.port for port in service.ports}
        assert service.chain[-2:] == (name.removeprefix("of-"), name)
        assert {held.process for held in where.listeners if held.port == PORTS[name]} == {HOLDS[name]}
    assert named(where)[DOCKER].chain[:3] == ("systemd", "user@1001.service", "docker.service")


@pytest.mark.parametrize("name", [DOCKER, PODMAN])
@pytest.mark.parametrize("user", ["oncall", "root"])
async def test_both_are_restarted(lab: Lab, host: Host, user: str, name: str) -> None:
    async with seen(lab, host, user) as watched:
        await watched.until(host.name, lambda where: name in named(where), 15)
        before = named(watched.fleet.snapshot(host.name))[name]
        last = await act(lab, host, watched.fleet.snapshot(host.name), ActionKind.RESTART, before.ref, user)
        assert last.result is Result.DONE, last
        assert f"tcp {PORTS[name]} published by {name}, by a proxy" in last.proof
        await watched.until(host.name, lambda where: named(where)[name].pid not in (before.pid, None), 5)


@pytest.mark.parametrize("name", [DOCKER, PODMAN])
async def test_a_port_is_freed_by_stopping_its_container(lab: Lab, host: Host, name: str) -> None:
    host.install_api(name=f"wants-{name}", port=PORTS[name], start=False)
    wants = ServiceRef(host.name, "systemd", f"wants-{name}.service")
    async with seen(lab, host, "root") as watched:
        await watched.until(host.name, lambda where: name in named(where), 15)
        where = watched.fleet.snapshot(host.name)
        last = await act(lab, host, where, ActionKind.FREE_PORT, wants, "root", PORTS[name])
    assert last.result is Result.DONE, last
    assert last.plan.commands[0] == " ".join((*TOOLS[name], "stop", name))
    host.sh(f"systemctl stop wants-{name}.service")


async def test_who_is_neither_sees_no_engine_and_no_process(lab: Lab, host: Host) -> None:
    async with seen(lab, host, "nosudo") as watched:
        where = watched.fleet.snapshot(host.name)
    assert named(where) == {}
    assert all(held.pid is None for held in where.listeners if held.port in PORTS.values())
