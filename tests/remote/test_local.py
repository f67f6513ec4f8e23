"""This machine: real programs, none of which outlives its channel."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

import console
from console.core.command import Command
from console.remote.connect import JumpPool, connect
from console.remote.local import LocalTransport
from console.remote.transport import Channel, ChannelRefusedError, HostSpec, TransportError


@pytest.fixture
async def here() -> AsyncIterator[LocalTransport]:
    transport = connect(HostSpec("local", None), JumpPool())
    assert isinstance(transport, LocalTransport)
    await transport.connect()
    yield transport
    await transport.close()


async def until(channel: Channel, end: bytes = b"\n") -> bytes:
    data = b""
    while not data.endswith(end):
        chunk = await channel.read()
        assert chunk, data
        data += chunk
    return data


async def gone(pid: int) -> bool:
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_a_command_and_its_three_streams(here: LocalTransport) -> None:
    output = await here.run(Command(("sh", "-c", "cat; echo $LC_ALL >&2; exit 3")), b"in\xff\x1b[2J\n")
    assert (output.exit, output.stdout, output.stderr) == (3, "in\ufffd\n", "C\n")
    assert output.seconds > 0


async def test_arguments_are_no_shell_text(here: LocalTransport, tmp_path: Path) -> None:
    hostile = (f"$(touch {tmp_path}/x)", "a;b", "-n", "'", "new\nline", "*")
    output = await here.run(Command(("printf", "%s|", *hostile)))
    assert output.stdout == "|".join(hostile) + "|"
    assert not list(tmp_path.iterdir())


async def test_a_program_that_answers(here: LocalTransport) -> None:
    channel = await here.open(("sh",))
    channel.write(b"echo one\n")
    assert await until(channel) == b"one\n"
    channel.write(b"echo bad >&2; kill -9 $$\n")
    assert await channel.read() == b""
    assert (channel.exit, channel.errors()) == (128 + 9, b"bad\n")
    channel.write(b"too late\n")
    await channel.close()


async def test_a_timeout_ends_the_whole_group(here: LocalTransport) -> None:
    output = await here.run(Command(("sh", "-c", "sleep 60 & echo $! $$; wait"), timeout=0.3))
    assert output.exit == -1
    for pid in output.stdout.split():
        assert await gone(int(pid))


async def test_closing_ends_what_ignores_the_polite_ways(here: LocalTransport) -> None:
    channel = await here.open(("sh", "-c", "trap '' TERM HUP PIPE; sh -c 'echo $$; while :; do sleep 9; done'"))
    pid = int(await until(channel))
    await channel.close()
    assert await gone(pid)
    assert channel.exit == 128 + 9


async def test_closing_ends_what_a_finished_program_left_behind(here: LocalTransport) -> None:
    channel = await here.open(("sh", "-c", "sleep 60 >&- 2>&- & echo $!"))
    pid = int(await until(channel))
    assert await channel.read() == b""
    assert psutil.pid_exists(pid)
    await channel.close()
    assert await gone(pid)


async def test_a_program_with_a_session_of_its_own_is_left_alone(here: LocalTransport) -> None:
    # Plans are handed over in this way, so that they end as planned without us.
    output = await here.run(Command(("sh", "-c", "setsid sleep 60 >/dev/null 2>&1 & sleep 0.2; echo $!")))
    process = psutil.Process(int(output.stdout))
    assert process.is_running()
    process.kill()


async def test_closing_the_transport_ends_all(here: LocalTransport) -> None:
    channels = [await here.open(("sh", "-c", "echo $$; sleep 60")) for _ in range(3)]
    pids = [int(await until(channel)) for channel in channels]
    await here.close()
    for pid in pids:
        assert await gone(pid)
    assert not here.connected
    with pytest.raises(TransportError, match="not connected"):
        await here.open(("true",))


async def test_a_cancelled_run_leaves_nothing(here: LocalTransport, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    running = asyncio.create_task(here.run(Command(("sh", "-c", f"echo $$ >{note}; exec sleep 60"))))
    while not (note.exists() and note.read_text().endswith("\n")):
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await gone(int(note.read_text()))


async def test_a_daemon_that_holds_the_output_open_holds_nobody_up(here: LocalTransport) -> None:
    output = await here.run(Command(("sh", "-c", "sleep 60 & echo started"), timeout=20))
    assert (output.exit, output.stdout) == (0, "started\n")
    assert output.seconds < 15


async def test_five_channels_and_no_sixth(here: LocalTransport) -> None:
    channels = [await here.open(("cat",)) for _ in range(5)]
    with pytest.raises(ChannelRefusedError, match="all 5 channels that hostdeck opens"):
        await here.open(("cat",))
    await channels[0].close()
    await here.open(("cat",))


async def test_a_program_that_is_not_there(here: LocalTransport) -> None:
    output = await here.run(Command(("no-such-program",)))
    assert output.exit == 127
    assert "no-such-program: not found" in output.stderr


async def test_arguments_that_cannot_be_passed(here: LocalTransport) -> None:
    with pytest.raises(TransportError, match="no program can be started"):
        await here.open(("echo", "a\0b"))


async def test_a_flood_is_cut_and_counted(here: LocalTransport) -> None:
    output = await here.run(Command(("sh", "-c", "head -c 6000000 /dev/zero | tr '\\0' x")))
    assert output.stdout.endswith(f"\n[{6_000_000 - 4 * 1024 * 1024} bytes cut]")
    assert output.exit == 0


async def test_a_reader_that_waits_makes_the_program_wait(here: LocalTransport) -> None:
    channel = await here.open(("sh", "-c", "yes | head -c 8000000"))
    await asyncio.sleep(0.3)
    process = next(child for child in psutil.Process().children() if child.name() == "sh")
    assert process.is_running()
    total = 0
    while chunk := await channel.read():
        assert len(chunk) < 1024 * 1024
        total += len(chunk)
    assert total == 8_000_000


SOMEBODY = """
import asyncio, os
os.setgroups([]); os.setgid(65534); os.setuid(65534)
from console.core.command import Command
from console.remote.local import LocalTransport
from console.remote.transport import HostSpec
async def main():
    here = LocalTransport(HostSpec("local", None))
    await here.connect()
    print((await here.run(Command(("id", "-un")))).stdout.strip(), here.root)
    print((await here.run(Command(("id", "-un"), elevate=True))).exit != 0)
    await here.close()
asyncio.run(main())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_another_user_can_do_all_this_and_is_never_asked_for_a_password() -> None:
    python = "/usr/bin/python3"
    if not Path(python).exists():
        pytest.skip("no python that every user can run")
    with tempfile.TemporaryDirectory() as folder:
        # The checkout may lie where only its owner can read.
        Path(folder).chmod(0o755)
        for part in ("core", "remote"):
            shutil.copytree(Path(console.__file__).parent / part, Path(folder, "console", part))
        program = await asyncio.create_subprocess_exec(
            python, "-c", SOMEBODY, cwd=folder, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        out, _ = await program.communicate()
    assert out.decode().split() == ["nobody", "False", "True"]
