"""Links that break in every way, on real hosts: what the console knows of them, and when."""

import asyncio
import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from console.core.snapshot import LinkState, Snapshot
from console.findings import evaluate
from console.remote.transport import HostSpec
from tests.lab import BusyboxHost, FreshHost, Lab, faults
from tests.remote.watching import watching


def spec(name: str, config: Path) -> HostSpec:
    return HostSpec(name, name, ssh_config=str(config), connect_timeout=4.0)


async def test_a_black_hole_is_stale_within_3_s_and_down_within_10_and_other_hosts_do_not_notice(
    lab: Lab, fresh_host: FreshHost
) -> None:
    dark, light = fresh_host("dark"), fresh_host("light")
    config = lab.ssh_config("root")
    async with watching(spec(dark.name, config), spec(light.name, config)) as watched:
        with faults.black_hole(dark):
            stale = await watched.link(dark.name, LinkState.STALE, 4)
            assert stale <= 3.2
            down = stale + await watched.link(dark.name, LinkState.DOWN, 9)
            assert down <= 10
            assert watched.fleet.snapshot(dark.name).link.error
            assert watched.fleet.snapshot(dark.name).services, "what was known stays, with its age"
            assert watched.links[light.name] == [LinkState.CONNECTING, LinkState.UP]
        await watched.link(dark.name, LinkState.UP, 30)


async def test_a_frozen_probe_shell_is_replaced_on_the_same_connection(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    async with watching(spec(host.name, lab.ssh_config("root"))) as watched:
        with faults.frozen_probe_shell(host):
            await watched.link(host.name, LinkState.STALE, 4)
            await watched.link(host.name, LinkState.UP, 9)
            assert LinkState.DOWN not in watched.links[host.name]


async def test_an_ss_that_hangs_is_the_failure_of_the_listeners_alone(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()

    def put(text: str) -> None:
        host.sh(f"printf '#!/bin/sh\\n{text}\\n' >/usr/bin/ss.new; chmod 755 /usr/bin/ss.new")
        host.sh("mv /usr/bin/ss.new /usr/bin/ss")

    host.sh("cp /usr/bin/ss /usr/bin/ss.real")
    put("sleep 1000")
    async with watching(spec(host.name, lab.ssh_config("root"))) as watched:
        source = watched.fleet.snapshot(host.name).source("listeners")
        assert source is not None
        assert source.failure == "ss did not answer in 2 s"
        assert watched.fleet.snapshot(host.name).services
        put('exec ss.real "$@"')
        await watched.fleet.refresh(host.name)
        assert watched.fleet.snapshot(host.name).listeners
        put("sleep 1000")
        await watched.fleet.refresh(host.name)
        source = watched.fleet.snapshot(host.name).source("listeners")
        assert source is not None
        assert source.failure is not None
        assert watched.fleet.snapshot(host.name).listeners, "as they were"
        assert LinkState.DOWN not in watched.links[host.name]


@pytest.mark.parametrize("before", [True, False], ids=["mounted before the first look", "mounted while watched"])
async def test_a_mount_whose_server_is_dead_hides_what_is_on_it_and_nothing_else(
    lab: Lab, fresh_host: FreshHost, before: bool
) -> None:
    host = fresh_host()
    host.sh("setsid sleep 9999 >/dev/null 2>&1 & echo $! >/run/worker.pid")
    one = spec(host.name, lab.ssh_config("root"))
    with ExitStack() as faulty:
        if before:
            faulty.enter_context(faults.dead_mount(host, "/srv"))
        async with watching(one) as watched:
            if not before:
                faulty.enter_context(faults.dead_mount(host, "/srv"))
                await watched.fleet.refresh(host.name)

            def is_told(snapshot: Snapshot) -> bool:
                source = snapshot.source("pidfile")
                silent = [each.mount for each in snapshot.silent_mounts] == ["/srv"]
                return silent and source is not None and source.failure is not None

            await watched.until(host.name, is_told, 30)
            snapshot = watched.fleet.snapshot(host.name)
            assert {LinkState.DOWN, LinkState.STALE}.isdisjoint(watched.links[host.name])
            source = snapshot.source("pidfile")
            assert source is not None
            assert source.failure is not None
            assert "a file system" in source.failure
            assert any(each.mount == "/" and each.answered for each in snapshot.filesystems)
            assert any(service.ref.name == "cron.service" for service in snapshot.services)
            [finding] = [each for each in evaluate(snapshot) if each.code == "mount-silent"]
            assert finding.subject == "/srv"
            faulty.close()
            await watched.fleet.refresh(host.name)
            await watched.until(
                host.name, lambda now: any(each.ref.name == "worker" for each in now.services), 40
            )  # fmt: skip


async def test_a_frozen_resident_process_is_replaced_before_the_host_is_stale_and_none_outlives_its_link(
    lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host()

    def residents() -> list[int]:
        return [int(word) for word in host.run(["pgrep", "-x", "mawk|awk"], check=False).stdout.split()]

    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not holds():
                await asyncio.sleep(0.1)

    async def only() -> int:
        async with asyncio.timeout(30):
            while len(found := residents()) != 1:
                await asyncio.sleep(0.1)
        return found[0]

    async with watching(spec(host.name, lab.ssh_config("root"))) as watched:
        first = await only()
        with faults.frozen(first, host=host):
            before = watched.fleet.snapshot(host.name).sample
            await until(lambda: first not in residents())
            await watched.until(host.name, lambda snapshot: snapshot.sample is not before, 5)
        assert watched.links[host.name] == [LinkState.CONNECTING, LinkState.UP]
        host.run(["pkill", "-KILL", "-f", "sshd: root@notty"])
        await watched.link(host.name, LinkState.UP, 30)
        second = await only()
        host.run(["pkill", "-KILL", "-f", "sshd: root@notty"])
        await until(lambda: second not in residents())


async def test_a_frozen_session_is_stale_then_down_and_comes_back(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    async with watching(spec(host.name, lab.ssh_config("root"))) as watched:
        with faults.frozen_sessions(host):
            await watched.link(host.name, LinkState.STALE, 4)
            await watched.link(host.name, LinkState.DOWN, 9)
        await watched.link(host.name, LinkState.UP, 30)


async def test_a_host_that_hangs_at_the_connect_is_down_within_the_connect_timeout(
    lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host()
    with faults.black_hole(host):
        async with watching(spec(host.name, lab.ssh_config("root")), up=False) as watched:
            link = watched.fleet.snapshot(host.name).link
            assert (link.state, link.code) == (LinkState.DOWN, "timeout")
            assert link.retry_at is not None


async def test_a_reboot_starts_the_rates_anew(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    async with watching(spec(host.name, lab.ssh_config("root"))) as watched:
        before = watched.fleet.snapshot(host.name).sample
        assert before is not None
        boots: list[bool] = []

        def back(snapshot: Snapshot) -> bool:
            if snapshot.rates is not None:
                boots.append(all(core.user >= 0 for core in snapshot.rates.cores))
            return snapshot.link.state is LinkState.UP and snapshot.rates is not None

        await asyncio.to_thread(host.reboot)
        await watched.until(host.name, lambda snapshot: snapshot.link.state is not LinkState.UP, 15)
        await watched.until(host.name, back, 40)
        assert all(boots)


async def test_everything_works_over_one_channel(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sshd_config="MaxSessions 1")
    host.install_api()
    async with watching(spec(host.name, lab.ssh_config("root"))) as watched:
        fleet = watched.fleet
        await watched.until(host.name, lambda snapshot: bool(snapshot.services), 10)
        ref = next(s.ref for s in fleet.snapshot(host.name).services if s.ref.name == "api.service")
        lines = [line async for line in fleet.follow(ref, lines=5, follow_on=False)]
        assert lines
        assert watched.links[host.name] == [LinkState.CONNECTING, LinkState.UP]


async def test_a_host_without_systemd_sudo_and_python_says_what_it_lacks(lab: Lab) -> None:
    host = lab.boot("boxpoll", kind=BusyboxHost)
    try:
        async with watching(spec(host.name, lab.ssh_config("root"))) as watched:
            snapshot = watched.fleet.snapshot(host.name)
            assert snapshot.sample is not None
            assert snapshot.listeners
            source = snapshot.source("systemd")
            assert source is not None
            assert source.failure == "not available: no systemctl on this host"
            # The only one that tells of services there: the pid file of its sshd.
            assert [str(service.ref) for service in snapshot.services] == ["boxpoll/pidfile:dropbear"]
            assert snapshot.services[0].native_state == "alive"
    finally:
        lab.stop(host)


async def test_noise_and_a_foreign_language_from_start_files_change_nothing(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.noisy_shell("oncall")
    # Of a pm2 that is installed and not seen it is told that it may be in the home of somebody else.
    host.sh("rm /usr/local/bin/pm2")
    async with watching(spec(host.name, lab.ssh_config("oncall"))) as watched:
        snapshot = watched.fleet.snapshot(host.name)
        assert [source for source in snapshot.sources if source.failure] == []
        assert snapshot.filesystems
        assert snapshot.services


async def test_without_rights_the_owner_of_a_port_is_its_unit_and_the_process_not_seen(
    lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host()
    host.install_api()
    async with watching(spec(host.name, lab.ssh_config("nosudo"))) as watched:
        await watched.until(host.name, lambda snap: any(each.port == 8080 for each in snap.listeners), 10)
        listener = next(each for each in watched.fleet.snapshot(host.name).listeners if each.port == 8080)
        assert (listener.pids, listener.process) == ((), None)
        assert (listener.unit, listener.user) == ("api.service", "deploy")


async def test_skew_of_an_hour_is_measured(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    with faults.clock_skew(host, "+1h"):
        async with watching(spec(host.name, lab.ssh_config("root"))) as watched:
            skew = watched.fleet.snapshot(host.name).clock_skew
            assert skew == pytest.approx(3600, abs=2)


async def test_nothing_of_ours_is_left_on_a_host_when_the_console_ends(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    async with watching(spec(host.name, lab.ssh_config("oncall"))) as watched:
        await watched.until(host.name, lambda snapshot: bool(snapshot.services), 10)
        assert re.search(r"\bsh -c", host.sh("ps -u oncall -o args"))
    deadline = asyncio.get_running_loop().time() + 10
    while re.search(r"\bsh -c|sshd: oncall", left := host.sh("ps -u oncall -o args || true")):
        assert asyncio.get_running_loop().time() < deadline, left
        await asyncio.sleep(0.1)


async def test_what_begins_to_listen_is_seen_at_once_also_after_others_just_did(
    lab: Lab, fresh_host: FreshHost
) -> None:
    host = fresh_host()

    def shows(port: int, snapshot: Snapshot) -> bool:
        return any(listener.port == port for listener in snapshot.listeners)

    listen = "import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    async with watching(spec(host.name, lab.ssh_config("root"))) as watched:
        for port in (9101, 9102, 9103):
            code = listen.format(port=port)
            host.sh(f'setsid python3 -c "{code}" >/dev/null 2>&1 </dev/null &')
            host.wait(f"ss -Hltn 'sport = :{port}' | grep -q LISTEN")
            await watched.until(host.name, partial(shows, port), 10)
