"""Jump hosts: one connection for all, one cause when it fails, nothing left behind."""

import asyncio
import socket

import asyncssh
import pytest

from console.core.command import Command
from console.remote import ssh_pool
from console.remote.host_keys import HostKeyError, accept
from console.remote.ssh import SshTransport
from console.remote.ssh_pool import JumpPool, Turnstile
from console.remote.transport import HostSpec, TransportError
from tests.remote.sshd import Server, World, failure, serving, settled


def fleet(world: World, gate: Server, server: Server, extra: str = "") -> None:
    """An alias for a jump host and any number of hosts behind it."""
    world.know(gate, server)
    world.configure(
        f"Host gate\n HostName 127.0.0.1\n Port {gate.port}\n User jumper\n"
        f"Host web*\n HostName 127.0.0.1\n Port {server.port}\n User tester\n ProxyJump gate\n{extra}"
    )


async def connected(pool: JumpPool, *names: str) -> list[SshTransport]:
    hosts = [SshTransport(HostSpec(name, name), pool) for name in names]
    await asyncio.gather(*(host.connect() for host in hosts))
    return hosts


async def test_one_connection_carries_all_hosts(server: Server, world: World, pool: JumpPool) -> None:
    async with serving(world) as gate:
        fleet(world, gate, server)
        hosts = await connected(pool, *(f"web{number}" for number in range(30)))
        answers = await asyncio.gather(*(host.run(Command(("echo", host.host))) for host in hosts))
        assert [answer.stdout for answer in answers] == [f"web{number}\n" for number in range(30)]
        assert gate.logins == 1
        assert server.logins == 30
        assert gate.forwards == [("127.0.0.1", server.port)] * 30
        await asyncio.gather(*(host.close() for host in hosts))


async def test_a_chain_of_jump_hosts(server: Server, world: World, pool: JumpPool) -> None:
    async with serving(world) as outer, serving(world) as inner:
        world.know(outer, inner, server)
        world.configure(
            f"Host inner\n HostName 127.0.0.1\n Port {inner.port}\n ProxyJump never-asked\n"
            f"Host web1\n HostName 127.0.0.1\n Port {server.port}\n ProxyJump one@127.0.0.1:{outer.port},inner\n"
        )
        (host,) = await connected(pool, "web1")
        assert outer.forwards == [("127.0.0.1", inner.port)]
        assert inner.forwards == [("127.0.0.1", server.port)]
        assert (await host.run(Command(("true",)))).exit == 0
        await host.close()


async def test_a_jump_host_may_stand_behind_one_of_its_own(server: Server, world: World, pool: JumpPool) -> None:
    async with serving(world) as outer, serving(world) as inner:
        fleet(world, inner, server, f"Host *\n ProxyJump 127.0.0.1:{outer.port}\n")
        world.know(outer, inner, server)
        # The same file would send the outer host through itself.
        error = await failure(HostSpec("web1", "web1"), pool)
        assert "ProxyJump goes in circles" in str(error)
        world.configure((world.ssh / "config").read_text().replace("Host *\n", "Host gate\n"))
        (host,) = await connected(pool, "web1")
        assert outer.logins == inner.logins == 1
        await host.close()


async def test_a_jump_in_the_hosts_own_settings_outweighs_the_file(
    server: Server, world: World, pool: JumpPool
) -> None:
    async with serving(world) as gate:
        world.know(gate, server)
        (host,) = (SshTransport(server.spec(jump=f"me@127.0.0.1:{gate.port}"), pool),)
        await host.connect()
        assert gate.logins == 1
        await host.close()


async def test_an_unused_jump_connection_is_closed_and_a_returning_host_finds_it(
    server: Server, world: World, pool: JumpPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_pool, "LINGER", 0.1)
    async with serving(world) as gate:
        fleet(world, gate, server)
        (host,) = await connected(pool, "web1")
        await host.close()
        await host.connect()
        assert gate.logins == 1
        await host.close()
        async with asyncio.timeout(5):
            await gate.connections[0].wait_closed()
        await host.connect()
        assert gate.logins == 2
        await host.close()


async def test_a_jump_host_that_is_down_is_one_cause_for_all(server: Server, world: World, pool: JumpPool) -> None:
    async with serving(world) as gate:
        fleet(world, gate, server)
    errors = await asyncio.gather(*(failure(HostSpec(f"web{n}", f"web{n}"), pool) for n in range(20)))
    assert {error.code for error in errors} == {"jump"}
    assert {str(error) for error in errors} == {
        f"jump host gate: nothing listens at 127.0.0.1:{gate.port}: is sshd running there, is the port right?"
    }
    assert all(error.retry for error in errors)


async def test_a_jump_host_that_dies_takes_its_hosts_along_with_one_cause(
    server: Server, world: World, pool: JumpPool
) -> None:
    async with serving(world) as gate:
        fleet(world, gate, server)
        hosts = await connected(pool, *(f"web{number}" for number in range(5)))
        channels = [await host.open(("cat",)) for host in hosts]
        reading = [asyncio.create_task(channel.read()) for channel in channels]
        await settled()
        gate.connections[0].abort()
        errors = await asyncio.gather(*reading, return_exceptions=True)
        assert {(type(error), getattr(error, "code", None)) for error in errors} == {(TransportError, "jump")}
        assert {str(error) for error in errors} == {
            "jump host gate: the host closed the connection (sshd stopped, or the host goes down)"
        }
        assert not any(host.connected for host in hosts)
        await asyncio.gather(*(host.connect() for host in hosts))
        assert gate.logins == 2
        await asyncio.gather(*(host.close() for host in hosts))


async def test_an_unknown_jump_host_can_be_accepted(server: Server, world: World, pool: JumpPool) -> None:
    async with serving(world) as gate:
        fleet(world, gate, server)
        world.know(server)
        error = await failure(HostSpec("web1", "web1"), pool)
        assert isinstance(error, HostKeyError)
        assert str(error).startswith("jump host gate: ")
        assert error.key is not None
        accept(error.key)
        (host,) = await connected(pool, "web1")
        await host.close()


async def test_a_login_that_the_jump_host_refuses(server: Server, world: World, pool: JumpPool) -> None:
    async with serving(world, authorized=[]) as gate:
        fleet(world, gate, server)
        error = await failure(HostSpec("web1", "web1"), pool)
        assert (error.code, error.retry) == ("jump", False)
        assert "jump host gate: login refused for jumper" in str(error)


async def test_a_jump_host_that_forbids_to_go_on(server: Server, world: World, pool: JumpPool) -> None:
    def forbid(*_: object) -> None:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed")

    async with serving(world, forward_to=forbid) as gate:
        fleet(world, gate, server)
        error = await failure(HostSpec("web1", "web1"), pool)
        assert error.code == "jump"
        assert "jump host gate forbids to go on" in str(error)


@pytest.mark.parametrize(
    ("said", "code", "text"),
    [
        # The words of OpenSSH's sshd 9.2: strerror(3) or gai_strerror(3) of what it met.
        ("Connection refused", "refused", "nothing listens at 127.0.0.1:{port} behind gate"),
        ("Connection timed out", "timeout", "no answer from 127.0.0.1:{port} behind gate"),
        ("No route to host", "unreachable", "no way to 127.0.0.1:{port} behind gate (No route to host)"),
        ("Name or service not known", "name", "gate knows no address of 127.0.0.1"),
        ("Temporary failure in name resolution", "name", "gate knows no address of 127.0.0.1"),
    ],
)
async def test_a_host_that_is_down_behind_a_jump_host(
    server: Server, world: World, pool: JumpPool, said: str, code: str, text: str
) -> None:
    def fail(*_: object) -> None:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, said)

    async with serving(world, forward_to=fail) as gate:
        fleet(world, gate, server)
        error = await failure(HostSpec("web1", "web1"), pool)
        assert error.code == code
        assert text.format(port=server.port) in str(error)


async def test_a_host_that_does_not_answer_behind_a_jump_host_leaves_no_channel(
    server: Server, world: World, pool: JumpPool
) -> None:
    go_on = asyncio.Event()

    async def later(connection: asyncssh.SSHServerConnection, name: str, port: int) -> object:
        await go_on.wait()
        return await connection.forward_connection(name, port)

    async with serving(world, forward_to=later) as gate:
        fleet(world, gate, server)
        error = await failure(HostSpec("web1", "web1", connect_timeout=0.3), pool)
        assert error.code == "timeout"
        assert f"no answer from 127.0.0.1:{server.port} behind gate within 0.3 s" in str(error)
        go_on.set()
        async with asyncio.timeout(5):
            while not server.connections or not server.connections[0].is_closed():
                await asyncio.sleep(0.01)


async def test_a_silent_host_behind_a_jump_host(world: World, pool: JumpPool, server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with serving(world) as gate:
            fleet(world, gate, server)
            port = silent.getsockname()[1]
            error = await failure(HostSpec("web1", f"web1:{port}", connect_timeout=0.3), pool)
    assert error.code == "no-banner"
    assert "behind gate" in str(error)


async def test_a_waiting_host_that_gives_up_does_not_end_the_attempt_of_others(
    server: Server, world: World, pool: JumpPool
) -> None:
    async with serving(world) as gate:
        fleet(world, gate, server)
        impatient = asyncio.create_task(SshTransport(HostSpec("web1", "web1"), pool).connect())
        patient = SshTransport(HostSpec("web2", "web2"), pool)
        waiting = asyncio.create_task(patient.connect())
        await settled()
        impatient.cancel()
        await waiting
        assert patient.connected
        assert gate.logins == 1
        await patient.close()


async def test_a_closed_pool_closes_its_connections(server: Server, world: World) -> None:
    async with serving(world) as gate:
        fleet(world, gate, server)
        pool = JumpPool()
        (host,) = await connected(pool, "web1")
        await pool.close()
        assert not host.connected
        async with asyncio.timeout(5):
            await gate.connections[0].wait_closed()
        await host.close()


async def test_a_turnstile_lets_few_in_and_adapts() -> None:
    gate = Turnstile(2)
    inside = most = 0

    async def pass_through() -> None:
        nonlocal inside, most
        async with gate.turn():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(pass_through() for _ in range(10)))
    assert most == 2
    gate.refused()
    most = 0
    await asyncio.gather(*(pass_through() for _ in range(10)))
    assert most == 1
    for _ in range(5):
        gate.welcomed()
    assert gate.limit == 2


async def test_somebody_who_leaves_the_queue_holds_nobody_up() -> None:
    gate = Turnstile(1)
    entered: list[int] = []

    async def enter(number: int) -> None:
        async with gate.turn():
            entered.append(number)
            await settled()

    tasks = [asyncio.create_task(enter(number)) for number in range(5)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert entered == [0, 2, 4]
