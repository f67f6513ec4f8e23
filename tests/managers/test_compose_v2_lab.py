"""Compose v2 on a real host, and units that run containers without naming them or have ended since."""

from __future__ import annotations

import pytest

from console.actions import plan
from console.core.plan import ActionKind, Intent, Result
from console.core.snapshot import Snapshot
from console.managers import MANAGERS
from console.remote.logs import follow, source
from console.remote.runner import new_plan_id
from tests.lab import Host, Lab
from tests.managers import unit_zoo
from tests.managers.test_docker_lab import SETTINGS, act, named, ref, seen
from tests.remote.real import connected


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    made = lab.boot("unitzoo", docker=True)
    unit_zoo.furnish(made)
    return made


async def test_the_unit_that_runs_a_container_is_its_chain(lab: Lab, host: Host) -> None:
    keys = {"one/": "compose:one/api", "pair/": "compose:pair/db"}
    wanted = {keys.get(key, f"docker:{key}"): unit for key, unit in unit_zoo.named(host).items()}
    async with seen(lab, host) as watched:
        await watched.until(
            host.name, lambda where: all(named(where)[key].chain[1] == unit for key, unit in wanted.items()), 15
        )
        where = watched.fleet.snapshot(host.name)
    assert named(where)["compose:pair/web"].chain == ("systemd", "two.service", "docker", "compose pair", "web")
    stop = {key: plan(Intent(ActionKind.STOP, ref(host, key)), where, managers=MANAGERS, settings=SETTINGS,
                      plan_id=new_plan_id()) for key in (*wanted, "compose:pair/web")}  # fmt: skip
    for key, unit in wanted.items():
        first = stop[key].commands[0]
        assert first == ("docker stop pair-db-1" if key == "compose:pair/db" else f"systemctl stop {unit}")
    said = "two.service runs pair/web and pair/db, and stays up: started anew it starts this again"
    assert said in stop["compose:pair/web"].warnings


async def test_a_unit_that_took_its_project_down_is_stopped_with_it_and_started_by_the_undo(
    lab: Lab, host: Host
) -> None:
    async with seen(lab, host) as watched:
        await watched.until(host.name, lambda where: named(where)["compose:one/api"].chain[1] == "one.service", 15)
        last = await act(lab, host, watched.fleet.snapshot(host.name), ActionKind.STOP, "compose:one/api")
    assert last.result is Result.DONE, last
    assert [step.command for step in last.plan.steps if step.undo is not None] == [last.plan.steps[0].command]
    assert host.sh("docker ps -aq --filter label=com.docker.compose.project=one") == ""
    host.sh("systemctl start one.service", timeout=60)


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


async def test_a_project_that_was_taken_down_is_shown_and_can_be_started(lab: Lab, host: Host) -> None:
    host.sh("cd /srv/two && docker compose up --detach", timeout=60)
    absent = ("stopped", "no container")

    def pair(where: Snapshot) -> list[tuple[str, str]]:
        names = (f"compose:pair/{name}" for name in ("db", "spare", "web"))
        found = (named(where).get(name) for name in names)
        return [(each.state.value, each.native_state) for each in found if each is not None]

    async with seen(lab, host) as watched:
        await watched.until(host.name, lambda where: pair(where) == [("running", "running")] * 3, 15)
        host.sh("cd /srv/two && docker compose down", timeout=60)
        await watched.until(host.name, lambda where: pair(where) == [absent] * 3, 15)
    # To one that looks only now the engine tells of it.
    async with seen(lab, host) as later:
        await later.until(host.name, lambda where: pair(where) == [absent] * 3, 15)
        last = await act(lab, host, later.fleet.snapshot(host.name), ActionKind.START, "compose:pair/db")
        assert last.result is Result.DONE, last
        await later.until(host.name, lambda where: pair(where)[0] == ("running", "running"), 5)
        host.sh("cd /srv/two && docker compose down; mv compose.yml gone.yml", timeout=60)
    async with seen(lab, host) as last_look:
        assert pair(last_look.fleet.snapshot(host.name)) == []
