"""The SSH transport on real hosts with real faults. The numbers are the rows of the table of faults."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest

from console.core.command import Command
from console.remote.host_keys import HostKeyError, KeyStatus, accept
from console.remote.ssh import SshTransport
from console.remote.ssh_pool import JumpPool
from console.remote.transport import ChannelRefusedError, HostSpec, TransportError
from tests.lab import FreshHost, Host, Lab, faults
from tests.lab.busybox import BusyboxHost

DOWN = 15.0
"""Seconds within which a dead link is known to be dead."""


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    return lab.boot("transport1")


@pytest.fixture
async def pool() -> AsyncIterator[JumpPool]:
    pool = JumpPool()
    yield pool
    await pool.close()


def at(
    lab: Lab, host: Host, pool: JumpPool, user: str = "oncall", config: Path | None = None, **fields: Any
) -> SshTransport:
    file = str(config or lab.ssh_config(user))
    return SshTransport(HostSpec(host.name, host.name, ssh_config=file, **fields), pool)


@pytest.fixture
async def link(lab: Lab, host: Host, pool: JumpPool) -> AsyncIterator[SshTransport]:
    transport = at(lab, host, pool)
    await transport.connect()
    yield transport
    await transport.close()


async def failure(work: Awaitable[object]) -> tuple[TransportError, float]:
    """The error that this raises, and after how many seconds."""
    began = time.monotonic()
    with pytest.raises(TransportError) as failed:
        await work
    return failed.value, time.monotonic() - began


async def works(transport: SshTransport) -> bool:
    return (await transport.run(Command(("echo", "well")))).stdout == "well\n"


async def test_1_a_black_hole_in_a_session_is_noticed(link: SshTransport, host: Host) -> None:
    channel = await link.open(("cat",))
    with faults.black_hole(host):
        error, seconds = await failure(channel.read())
        assert error.code == "lost"
        assert "no sign of life for 8 s" in str(error)
        assert seconds < DOWN
        assert not link.connected
    await link.connect()
    assert await works(link)


async def test_2_a_black_hole_at_connect_ends_at_the_timeout(lab: Lab, host: Host, pool: JumpPool) -> None:
    with faults.black_hole(host):
        error, seconds = await failure(at(lab, host, pool, connect_timeout=1.0).connect())
    assert error.code == "timeout"
    assert f"no answer from {host.address}:22 within 1 s" in str(error)
    assert 0.9 < seconds < 8
    assert error.retry


async def test_3_no_banner_is_called_so(lab: Lab, host: Host, pool: JumpPool) -> None:
    with faults.frozen_sshd_listener(host):
        error, seconds = await failure(at(lab, host, pool, connect_timeout=1.0).connect())
    assert error.code == "no-banner"
    assert 0.9 < seconds < 8


async def test_4_a_frozen_session_is_noticed(lab: Lab, host: Host, link: SshTransport) -> None:
    channel = await link.open(("cat",))
    with faults.frozen_sessions(host):
        error, seconds = await failure(channel.read())
        assert error.code == "lost"
        assert seconds < DOWN
        assert await works_anew(lab, host)


async def works_anew(lab: Lab, host: Host) -> bool:
    pool = JumpPool()
    transport = at(lab, host, pool)
    await transport.connect()
    try:
        return await works(transport)
    finally:
        await transport.close()


async def test_5_a_frozen_shell_is_replaced_on_the_same_connection(link: SshTransport, host: Host) -> None:
    for _ in range(6):
        shell = await link.open(("sh",))
        shell.write(b"echo one\n")
        assert await shell.read() == b"one\n"
        with faults.frozen_probe_shell(host):
            shell.write(b"echo two\n")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await shell.read()
            await shell.close()
            assert await works(link)


async def test_9_a_changed_key_is_refused_with_both_fingerprints(lab: Lab, host: Host, pool: JumpPool) -> None:
    with faults.changed_host_key(host) as known_hosts:
        config = lab.keys.variant("root", known_hosts=known_hosts)
        error, _ = await failure(at(lab, host, pool, config=config).connect())
        assert isinstance(error, HostKeyError)
        assert error.status is KeyStatus.CHANGED
        assert not error.retry
        assert error.key is not None
        assert error.key.fingerprint in host.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
        assert f"known is {error.known[0]}" in str(error)
        before = known_hosts.read_text()
        # Other tests' hosts of the same run stand in the file too.
        [number] = [n for n, line in enumerate(before.splitlines(), 1) if host.address in line.split()[0].split(",")]
        assert f"({known_hosts}:{number})" in str(error)
        with pytest.raises(HostKeyError):
            accept(error.key)
        assert known_hosts.read_text() == before


async def test_10_an_unknown_host_is_accepted_by_an_act(lab: Lab, host: Host, pool: JumpPool) -> None:
    with faults.empty_known_hosts(host) as known_hosts:
        transport = at(lab, host, pool, config=lab.keys.variant("root", known_hosts=known_hosts))
        error, _ = await failure(transport.connect())
        assert isinstance(error, HostKeyError)
        assert error.status is KeyStatus.UNKNOWN
        assert error.key is not None
        assert error.key.fingerprint in host.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
        before = known_hosts.read_text()
        assert host.address not in before
        accept(error.key)
        assert known_hosts.read_text().startswith(before)
        await transport.connect()
        assert await works(transport)
        await transport.close()


async def test_11_a_revoked_key_is_refused(lab: Lab, host: Host, pool: JumpPool) -> None:
    with faults.revoked_host_key(host) as known_hosts:
        config = lab.keys.variant("root", known_hosts=known_hosts)
        error, _ = await failure(at(lab, host, pool, config=config).connect())
    assert (error.code, error.retry) == ("host-key-revoked", False)


async def test_12_a_session_outlives_its_key_and_a_new_one_is_refused_once(link: SshTransport, host: Host) -> None:
    with faults.revoked_access(host, "oncall"):
        assert await works(link)
        error, _ = await failure(link.connect())
        assert (error.code, error.retry) == ("auth-failed", False)
        assert "login refused for oncall" in str(error)
        assert "id_ed25519" in str(error)


async def test_13_one_session_is_one_channel(lab: Lab, host: Host, pool: JumpPool) -> None:
    with faults.max_sessions(host, 1):
        transport = at(lab, host, pool)
        await transport.connect()
        shell = await transport.open(("sh",))
        for _ in range(6):
            with pytest.raises(ChannelRefusedError, match="MaxSessions"):
                await transport.open(("sh",))
        shell.write(b"echo still\n")
        assert await shell.read() == b"still\n"
        await shell.close()
        assert await works(transport)
        await transport.close()


async def test_14_a_hundred_logins_at_a_narrow_door(lab: Lab, host: Host, pool: JumpPool) -> None:
    with faults.max_startups(host, "4:100:4"):
        transports = [at(lab, host, pool, "root") for _ in range(100)]
        await asyncio.gather(*(transport.connect() for transport in transports))
        assert all(transport.connected for transport in transports)
        await asyncio.gather(*(transport.close() for transport in transports))


async def test_15_a_jump_host_that_dies_is_one_cause(lab: Lab, host: Host, pool: JumpPool) -> None:
    bastion = lab.boot("bastion1")
    try:
        with faults.reachable_only_from(host, bastion):
            config = lab.keys.variant("oncall", jump={host.name: bastion.name})
            transports = [at(lab, host, pool, config=config) for _ in range(5)]
            await asyncio.gather(*(transport.connect() for transport in transports))
            channels = [await transport.open(("cat",)) for transport in transports]
            with faults.dead_sshd(bastion):
                lost = await asyncio.gather(*(failure(channel.read()) for channel in channels))
                again = await asyncio.gather(*(failure(transport.connect()) for transport in transports))
            for errors in (lost, again):
                assert {error.code for error, _ in errors} == {"jump"}
                assert len({str(error) for error, _ in errors}) == 1
                assert str(errors[0][0]).startswith(f"jump host {bastion.name}: ")
            await asyncio.sleep(1.1)
            await transports[0].connect()
            assert await works(transports[0])
            await transports[0].close()
    finally:
        await pool.close()
        lab.stop(bastion)


async def test_15_what_a_real_sshd_says_when_it_cannot_go_on(lab: Lab, host: Host) -> None:
    bastion = lab.boot("bastion2")
    config = lab.keys.variant("root", jump={host.name: bastion.name}, extra="ConnectTimeout 5")
    try:
        for fault, code in (
            (faults.dead_sshd(host), "refused"),
            (faults.sshd_setting(bastion, "AllowTcpForwarding no"), "jump"),
        ):
            pool = JumpPool()
            with fault:
                error, _ = await failure(at(lab, host, pool, config=config).connect())
                assert error.code == code, str(error)
            await pool.close()
        pool = JumpPool()
        with faults.black_hole(host):
            error, _ = await failure(at(lab, host, pool, config=config, connect_timeout=1.0).connect())
            assert error.code == "timeout"
            assert f"behind {bastion.name}" in str(error)
        nowhere = lab.keys.variant("root", via={host.name: ("no-such-name", 22)}, jump={host.name: bastion.name})
        error, _ = await failure(at(lab, host, pool, config=nowhere).connect())
        assert error.code == "name", str(error)
        await pool.close()
    finally:
        lab.stop(bastion)


async def test_25_bytes_that_are_no_text_hurt_nobody(link: SshTransport) -> None:
    other = await link.open(("cat",))
    output = await link.run(Command(("printf", "a\\377b\\033]52;c;eA==\\007c\\n")))
    assert output.stdout == "a\ufffdbc\n"
    other.write(b"\xff\n")
    assert await other.read() == b"\xff\n"


async def test_45_a_reboot_is_a_loss_and_then_another_boot(lab: Lab, pool: JumpPool, fresh_host: FreshHost) -> None:
    host = fresh_host()
    transport = at(lab, host, pool)
    await transport.connect()
    boot_id = Command(("cat", "/proc/sys/kernel/random/boot_id"))
    before = await transport.run(boot_id)
    channel = await transport.open(("cat",))
    losing = asyncio.create_task(failure(channel.read()))
    await asyncio.to_thread(host.reboot)
    error, _ = await losing
    assert error.code == "lost"
    await transport.connect()
    assert (await transport.run(boot_id)).stdout != before.stdout
    await transport.close()


async def test_47_a_noisy_slow_and_german_login_shell(lab: Lab, pool: JumpPool, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.noisy_shell("oncall")
    transport = at(lab, host, pool)
    await transport.connect()
    output = await transport.run(Command(("sh", "-c", 'ls /nowhere; echo "$LC_ALL"')))
    assert output.stdout == "C\n"
    assert output.stderr == "ls: cannot access '/nowhere': No such file or directory\n"
    shell = await transport.open(("sh",))
    shell.write(b"echo one\n")
    assert await shell.read() == b"one\n"
    assert shell.errors() == b""
    await transport.close()


async def test_a_login_that_runs_no_commands_says_why(lab: Lab, pool: JumpPool, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.run(["usermod", "-s", "/usr/sbin/nologin", "oncall"])
    transport = at(lab, host, pool)
    await transport.connect()
    channel = await transport.open(("sh",))
    error, _ = await failure(channel.read())
    assert error.code == "shell"
    assert "This account is currently not available." in str(error)
    await transport.close()


def left(host: Host, user: str) -> set[str]:
    """What this user runs on the host, but for the parts of systemd's and sshd's own."""
    own = {"systemd", "(sd-pam)", "sshd"}
    return set(host.run(["ps", "-u", user, "-o", "comm="], check=False).stdout.split()) - own


async def nothing_left(host: Host, user: str = "oncall") -> bool:
    for _ in range(50):
        if not left(host, user):
            return True
        await asyncio.sleep(0.1)
    return False


async def test_50_nothing_is_left_on_the_host(lab: Lab, pool: JumpPool, fresh_host: FreshHost) -> None:
    host = fresh_host()
    transport = at(lab, host, pool)
    await transport.connect()
    await transport.open(("sh",))
    await transport.open(("journalctl", "-f"))
    await transport.open(("tail", "-F", "/var/log/nothing"))
    running = asyncio.create_task(transport.run(Command(("sleep", "60"), timeout=2)))
    while "sleep" not in left(host, "oncall"):
        await asyncio.sleep(0.05)
    running.cancel()
    await transport.close()
    assert await nothing_left(host)


async def test_a_timeout_ends_the_program_on_the_host(lab: Lab, pool: JumpPool, fresh_host: FreshHost) -> None:
    host = fresh_host()
    transport = at(lab, host, pool)
    await transport.connect()
    output = await transport.run(Command(("sh", "-c", "trap '' TERM; while :; do sleep 1; done"), timeout=1))
    assert output.exit == -1
    assert output.seconds < 20
    assert await nothing_left(host)
    await transport.close()


async def test_a_timeout_ends_what_sudo_runs(lab: Lab, pool: JumpPool, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.sudoers("oncall", ["/usr/bin/sleep 61"])
    transport = at(lab, host, pool)
    await transport.connect()
    output = await transport.run(Command(("/usr/bin/sleep", "61"), elevate=True, timeout=1))
    assert output.exit == -1
    await transport.close()
    for _ in range(50):
        if host.run(["pgrep", "-f", "sleep 61"], check=False).returncode:
            return
        await asyncio.sleep(0.1)
    pytest.fail(host.sh("ps -ef | grep sleep"))


async def test_a_small_host_without_timeout_env_or_systemd(lab: Lab, pool: JumpPool) -> None:
    host = lab.boot("boxssh", kind=BusyboxHost)
    try:
        transport = at(lab, host, pool, "root")
        await transport.connect()
        assert await works(transport)
        output = await transport.run(Command(("sleep", "30"), timeout=1))
        assert (output.exit, output.seconds < 20) == (-1, True)
        shell = await transport.open(("sh",))
        shell.write(b"echo $LC_ALL\n")
        assert await shell.read() == b"C\n"
        await transport.close()
    finally:
        lab.stop(host)
