"""Each fault of the SSH server and of keys really bites, and is healed."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import asyncssh
import pytest

from tests.lab import Fleet, FreshHost, Host, Lab, faults

from .test_faults import answers, connect


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    return lab.boot("broken2")


async def refused(lab: Lab, host: Host, known_hosts: Path) -> bool:
    try:
        async with connect(lab, host, config=lab.keys.variant("root", known_hosts=known_hosts)):
            return False
    except asyncssh.HostKeyNotVerifiable:
        return True


async def test_a_frozen_listener_accepts_and_says_nothing(lab: Lab, host: Host) -> None:
    async with connect(lab, host) as connection:
        with faults.frozen_sshd_listener(host):
            reader, writer = await asyncio.open_connection(host.address, 22)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(4), 0.5)
            writer.close()
            assert await answers(connection)
    async with connect(lab, host) as connection:
        assert await answers(connection)


async def test_frozen_sessions_hang_while_new_ones_work(lab: Lab, host: Host) -> None:
    async with connect(lab, host, "oncall") as old:
        with faults.frozen_sessions(host):
            assert not await answers(old, 1)
            async with connect(lab, host, "oncall") as new:
                assert await answers(new)
        assert await answers(old)


async def test_a_frozen_shell_hangs_while_its_connection_answers(lab: Lab, host: Host) -> None:
    async with connect(lab, host, "oncall") as connection:
        shell = await connection.create_process("sh")
        shell.stdin.write("echo one\n")
        assert await shell.stdout.readline() == "one\n"
        with faults.frozen_probe_shell(host) as pids:
            assert len(pids) == 1
            shell.stdin.write("echo two\n")
            waiting = asyncio.ensure_future(shell.stdout.readline())
            assert not (await asyncio.wait([waiting], timeout=0.5))[0]
            assert await answers(connection)
        assert await asyncio.wait_for(waiting, 20) == "two\n"
        shell.stdin.write_eof()


async def test_one_session_is_all(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sshd_config="MaxSessions 1")
    async with connect(lab, host) as connection:
        await connection.create_process("cat")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.run("true")
    with faults.max_sessions(host, 2):
        async with connect(lab, host) as connection:
            await connection.create_process("cat")
            await connection.run("true", check=True)


async def test_startups_are_limited(lab: Lab, host: Host) -> None:
    with faults.max_startups(host, "2:100:2"):
        waiting = [socket.create_connection((host.address, 22)) for _ in range(2)]
        assert all(connection.recv(4) == b"SSH-" for connection in waiting)
        with pytest.raises((OSError, asyncssh.Error)):
            await connect(lab, host)
        for connection in waiting:
            connection.close()
        await asyncio.sleep(0.2)
        async with connect(lab, host) as live:
            assert await answers(live)


async def test_a_restarted_sshd_keeps_its_sessions(lab: Lab, host: Host) -> None:
    async with connect(lab, host) as connection:
        with faults.max_sessions(host, 5):
            assert await answers(connection)


async def test_a_dead_sshd_refuses_and_cuts(lab: Lab, host: Host) -> None:
    async with connect(lab, host) as connection:
        with faults.dead_sshd(host):
            await asyncio.wait_for(connection.wait_closed(), 20)
            with pytest.raises(ConnectionRefusedError):
                await connect(lab, host)
    async with connect(lab, host) as connection:
        assert await answers(connection)


async def test_host_keys_that_do_not_fit_are_refused(lab: Lab, host: Host) -> None:
    with (
        faults.changed_host_key(host) as changed,
        faults.revoked_host_key(host) as revoked,
        faults.empty_known_hosts() as empty,
        faults.empty_known_hosts(host) as unknown,
    ):
        assert f"{host.name},{host.address} ssh-ed25519" in changed.read_text()
        assert "@revoked" in revoked.read_text()
        assert empty.read_text() == ""
        assert host.name not in unknown.read_text()
        for path in (changed, revoked, empty, unknown):
            assert await refused(lab, host, path)
    assert not await refused(lab, host, lab.known_hosts)


async def test_a_revoked_operator_stays_in_and_does_not_get_in_again(lab: Lab, host: Host) -> None:
    async with connect(lab, host, "oncall") as connection:
        with faults.revoked_access(host, "oncall"):
            assert await answers(connection)
            with pytest.raises(asyncssh.PermissionDenied):
                await connect(lab, host, "oncall")
    async with connect(lab, host, "oncall") as connection:
        assert await answers(connection)


async def test_a_host_behind_a_jump_host(lab: Lab, host: Host, fleet: Fleet) -> None:
    bastion = fleet["web1"]
    with faults.reachable_only_from(host, bastion):
        with pytest.raises((TimeoutError, asyncssh.Error)):
            await asyncio.wait_for(connect(lab, host), 1)
        async with connect(lab, host, config=lab.keys.variant(jump={host.name: bastion.name})) as connection:
            assert await answers(connection)
            assert (await connection.run("echo $SSH_CLIENT")).stdout.split()[0] == bastion.address


async def test_a_hundred_connections_through_one_delay_proxy(lab: Lab, host: Host) -> None:
    with faults.max_startups(host, "200:30:300"), faults.delay_proxy(host, ms=40) as proxy:
        sockets = [await asyncio.open_connection(proxy.address, proxy.port) for _ in range(100)]
        banners = await asyncio.gather(*(reader.readline() for reader, _ in sockets))
        assert all(banner.startswith(b"SSH-2.0") for banner in banners)
        for _, writer in sockets:
            writer.close()
