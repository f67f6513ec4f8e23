"""Compose v2 on a real host."""

from __future__ import annotations

import pytest

from console.core.plan import ActionKind, Result
from console.remote.logs import follow, source
from tests.lab import Host, Lab
from tests.managers import unit_zoo
from tests.managers.test_docker_lab import act, named, seen
from tests.remote.real import connected


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("unitzoo", docker=True)
    unit_zoo.furnish(made)
    return made


@pytest.mark.parametrize(
    ("kind", "name", "command"),
    [
        (ActionKind.START, "compose:pair/spare", "docker compose -p pair --project-directory /srv/two"),
        (ActionKind.RESTART, "compose:pair/spare", "docker restart pair-spare-1"),
        (ActionKind.STOP, "compose:pair/spare", "docker stop pair-spare-1"),
    ],
    ids=lambda value: str(value).partition(" ")[0].replace("/", "-"),
)
async def test_what_v2_declares_is_shown_and_is_acted_on(
    lab: Lab, host: Host, kind: ActionKind, name: str, command: str
) -> None:
    async with seen(lab, host) as watched:
        await watched.until(host.name, lambda where: name in named(where), 15)
        last = await act(lab, host, watched.fleet.snapshot(host.name), kind, name)
        assert last.result is Result.DONE, last
        assert last.plan.commands[0].startswith(command)
        state = "stopped" if kind is ActionKind.STOP else "running"
        await watched.until(host.name, lambda where: named(where)[name].state.value == state, 5)


async def test_logs_of_a_service_of_v2(lab: Lab, host: Host) -> None:
    host.sh("docker rm --force pair-db-1; cd /srv/two && docker compose run --rm db echo none; "
            "docker compose up --detach db", timeout=60)  # fmt: skip
    host.wait("docker exec pair-db-1 /bin/sh -c 'echo heard >/proc/1/fd/1'")
    async with seen(lab, host) as watched:
        await watched.until(host.name, lambda where: bool(named(where)["compose:pair/db"].pids), 10)
        command, read_line = source(named(watched.fleet.snapshot(host.name))["compose:pair/db"], lines=5, since=None,
                                    follow=False)  # fmt: skip
    async with connected(host.name, lab.ssh_config("root")) as transport:
        channel = await transport.open(command.argv)
        assert [line.message async for line in follow(channel, read_line)] == ["heard"]
