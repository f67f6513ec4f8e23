"""The SSH transport against a server in the same process: channels and commands."""

import asyncio
from pathlib import Path

import pytest

from console.core.command import Command
from console.remote.ssh import SshTransport
from console.remote.ssh_pool import JumpPool
from console.remote.transport import ChannelRefusedError, TransportError
from tests.remote.sshd import Server, World, serving


async def test_a_command_and_its_three_streams(host: SshTransport, server: Server) -> None:
    output = await host.run(Command(("sh", "-c", "cat; echo $LC_ALL >&2; exit 3")), b"in\xff\x1b[2J\n")
    assert (output.exit, output.stdout, output.stderr) == (3, "in\ufffd\n", "C\n")
    assert host.dialled == server.port
    details = host.details()
    assert details["send_cipher"] == "aes128-gcm@openssh.com"
    assert details["recv_compression"] == "zlib@openssh.com"


async def test_arguments_are_no_shell_text(host: SshTransport, tmp_path: Path) -> None:
    hostile = (f"$(touch {tmp_path}/x)", f";touch {tmp_path}/x", "-n", "'", '"', "new\nline", "*", "")
    output = await host.run(Command(("printf", "%s|", *hostile)))
    assert output.stdout == "|".join(hostile) + "|"
    assert not (tmp_path / "x").exists()


async def test_a_program_that_answers(host: SshTransport) -> None:
    channel = await host.open(("sh",))
    for word in (b"one", b"two"):
        channel.write(b"echo %s; echo err >&2\n" % word)
        assert await channel.read() == word + b"\n"
    channel.write(b"kill -9 $$\n")
    assert await channel.read() == b""
    assert channel.exit == 128 + 9
    channel.write(b"too late\n")
    await channel.close()
    assert channel.errors().startswith(b"err\nerr\n")


async def test_what_the_login_shell_prints_is_not_the_programs(world: World, pool: JumpPool) -> None:
    async with serving(world, noise=b"Welcome!\n\x1b]0;title\x07no newline") as server:
        world.know(server)
        host = SshTransport(server.spec(), pool)
        await host.connect()
        output = await host.run(Command(("sh", "-c", "echo out; echo err >&2")))
        assert (output.stdout, output.stderr) == ("out\n", "err\n")
        channel = await host.open(("echo", "one"))
        assert await channel.read() == b"one\n"
        await host.close()


async def test_nothing_of_the_users_configuration_gets_into_a_session(
    server: Server, world: World, pool: JumpPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_SECRET", "x")
    world.configure(
        "Host *\n RequestTTY force\n RemoteCommand touch /tmp/leak\n ForwardAgent yes\n SendEnv LC_*\n SetEnv A=b\n"
        " LocalForward 9999 localhost:1\n ForwardX11 yes\n ForwardX11Trusted yes\n Compression no\n"
    )
    host = SshTransport(server.spec(), pool)
    await host.connect()
    assert (await host.run(Command(("echo", "mine")))).stdout == "mine\n"
    await host.close()
    assert server.commands[0].startswith("env LC_ALL=C sh -c ")
    assert "leak" not in server.commands[0]
    assert server.environment == [{}]
    assert server.ptys == 0


async def test_five_channels_and_no_sixth(host: SshTransport) -> None:
    channels = [await host.open(("cat",)) for _ in range(5)]
    with pytest.raises(ChannelRefusedError, match="all 5 channels that hostdeck opens"):
        await host.open(("cat",))
    with pytest.raises(ChannelRefusedError):
        await host.run(Command(("true",)))
    await channels[0].close()
    channels[1].write(b"still here")
    assert await channels[1].read() == b"still here"
    assert (await host.run(Command(("true",)))).exit == 0


async def test_channels_that_open_at_once_are_counted_too(host: SshTransport) -> None:
    opened = await asyncio.gather(*(host.open(("cat",)) for _ in range(7)), return_exceptions=True)
    assert sum(isinstance(channel, ChannelRefusedError) for channel in opened) == 2


async def test_a_program_that_ended_frees_its_channel(host: SshTransport) -> None:
    for _ in range(6):
        channel = await host.open(("true",))
        assert await channel.read() == b""
        assert channel.exit == 0
        await channel.close()


async def test_a_cancelled_open_frees_its_channel(host: SshTransport, server: Server) -> None:
    for _ in range(6):
        opening = asyncio.create_task(host.open(("cat",)))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    async with asyncio.timeout(5):
        while server.sessions or len(server.commands) < 6:
            await asyncio.sleep(0.01)
    assert (await host.run(Command(("true",)))).exit == 0


async def test_a_timeout_is_kept_on_the_host(host: SshTransport, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    output = await host.run(
        Command(("sh", "-c", f"echo $$ >{note}; trap '' TERM; sleep 60 & wait; sleep 60"), timeout=1)
    )
    assert output.exit == -1
    assert output.seconds < 20
    async with asyncio.timeout(5):
        while Path(f"/proc/{note.read_text().strip()}").exists():
            await asyncio.sleep(0.02)


async def test_a_status_of_124_in_time_is_the_commands_own(host: SshTransport) -> None:
    assert (await host.run(Command(("sh", "-c", "exit 124")))).exit == 124


async def test_big_output_comes_whole_in_chunks(host: SshTransport) -> None:
    channel = await host.open(("sh", "-c", "yes | head -c 8000000"))
    await asyncio.sleep(0.5)
    total = 0
    while chunk := await channel.read():
        assert len(chunk) <= 2 * 1024 * 1024
        total += len(chunk)
    assert total == 8_000_000
    assert channel.exit == 0


async def test_a_lost_connection_is_an_error_and_can_be_mended(host: SshTransport, server: Server) -> None:
    channel = await host.open(("cat",))
    server.connections[0].abort()
    with pytest.raises(TransportError, match="the host closed the connection") as lost:
        await channel.read()
    assert lost.value.code == "lost"
    assert lost.value.retry
    assert not host.connected
    with pytest.raises(TransportError, match="the host closed the connection"):
        await host.open(("true",))
    await channel.close()
    await host.connect()
    assert (await host.run(Command(("true",)))).exit == 0


async def test_closing_ends_everything(host: SshTransport, server: Server) -> None:
    channel = await host.open(("cat",))
    await host.close()
    assert await channel.read() == b""
    assert not host.connected
    async with asyncio.timeout(5):
        while server.sessions:
            await asyncio.sleep(0.01)
