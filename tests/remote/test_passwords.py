"""Passwords of our own: where they come from, what opens with them, and that no message has one."""

import asyncio
import os
import sys
from pathlib import Path

import asyncssh
import pytest

from console.core.password import PasswordSource
from console.remote import passwords
from console.remote.passwords import PasswordError, Passwords, password
from console.remote.ssh import SshTransport
from console.remote.ssh_pool import JumpPool
from tests.remote.sshd import Server, World, failure

SECRET = "hunter2 and more"
FEW_ROUNDS = pytest.mark.filterwarnings("ignore:Warning. bcrypt.kdf")


def by_command(*words: str) -> PasswordSource:
    return PasswordSource("ssh.password_command", command=words)


def printing(world: World, text: str = SECRET, code: int = 0) -> PasswordSource:
    """A command that notes each run."""
    program = world.home / "ask-pass"
    program.write_text(f"#!/bin/sh\necho run >>{world.home}/runs\necho '{text}'\necho '{text}' >&2\nexit {code}\n")
    program.chmod(0o700)
    return by_command(str(program), SECRET)


def runs(world: World) -> int:
    noted = world.home / "runs"
    return len(noted.read_text().split()) if noted.exists() else 0


def lock(world: World, passphrase: str = SECRET) -> None:
    world.write(world.identity, world.key.export_private_key(passphrase=passphrase, rounds=1))


async def refused(source: PasswordSource) -> str:
    with pytest.raises(PasswordError) as caught:
        await password(source)
    assert "hunter2" not in str(caught.value)
    return str(caught.value)


async def test_the_first_line_of_a_command_that_no_shell_reads() -> None:
    found = await password(by_command("printf", "%s\\r\\n%s\\n", f"{SECRET} $(id)", "not this"))
    assert found.reveal() == f"{SECRET} $(id)"
    assert "hunter2" not in f"{found} {found!r}"


async def test_a_command_that_prints_much_is_read_to_its_end() -> None:
    found = await password(by_command("sh", "-c", "echo word; exec head -c 1000000 /dev/zero"))
    assert found.reveal() == "word"


async def test_what_fails_is_named_without_what_it_says(tmp_path: Path) -> None:
    key = "ssh.password_command"
    said = await refused(by_command("sh", "-c", f"echo {SECRET}; echo {SECRET} >&2; exit 3"))
    assert said == f"{key} (sh) ended with exit code 3; what it says is not shown: run it yourself"
    assert await refused(by_command("sh", "-c", "kill -9 $$")) == (
        f"{key} (sh) ended with signal 9; what it says is not shown: run it yourself"
    )
    assert await refused(by_command("true", SECRET)) == f"{key} (true) prints nothing"
    assert await refused(by_command(f"{tmp_path}/none")) == f"{key} ({tmp_path}/none): no such file or directory"
    assert await refused(by_command("printf", "\\377")) == f"{key} (printf) gives no text in UTF-8"


async def test_a_command_that_does_not_end_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "TIMEOUT", 0.5)
    said = await refused(by_command("sh", "-c", f"sleep 1000 & echo $! >{tmp_path}/pid; wait"))
    assert said.startswith("ssh.password_command (sh) did not end within")
    child = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or " Z " in Path(f"/proc/{child}/stat").read_text():
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("its child lives on")


async def test_it_has_no_terminal() -> None:
    script = "import os, sys; sys.exit(0 if os.environ.get('GPG_TTY') is None and not open_tty() else 9)"
    check = f"def open_tty():\n  try: return open('/dev/tty')\n  except OSError: return None\n{script}\n"
    assert await refused(by_command(sys.executable, "-c", check)) == (
        f"ssh.password_command ({sys.executable}) prints nothing"
    )


async def test_the_environment_and_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_PASSPHRASE", SECRET)
    variable = PasswordSource("hosts[db1].password_from", variable="SSH_PASSPHRASE")
    assert (await password(variable)).reveal() == SECRET
    monkeypatch.delenv("SSH_PASSPHRASE")
    assert await refused(variable) == "hosts[db1].password_from (SSH_PASSPHRASE) is empty or not set"
    credential = PasswordSource("ssh.password_from", credential="key")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert "CREDENTIALS_DIRECTORY is not set" in await refused(credential)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert await refused(credential) == "ssh.password_from (key): no such file or directory"
    (tmp_path / "key").write_text(f"{SECRET}\n")
    assert (await password(credential)).reveal() == SECRET


async def test_it_is_asked_once_for_all_hosts(world: World) -> None:
    known, source = Passwords(), printing(world)
    found = await asyncio.gather(*(known.of(source) for _ in range(20)))
    assert {one.reveal() for one in found} == {SECRET}
    assert runs(world) == 1
    broken, wrong = Passwords(), printing(world, code=1)
    told = await asyncio.gather(*(broken.of(wrong) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(one, PasswordError) for one in told)
    assert runs(world) == 2


@FEW_ROUNDS
async def test_a_locked_key_opens(server: Server, world: World, pool: JumpPool) -> None:
    lock(world)
    source = printing(world)
    for _ in range(2):
        host = SshTransport(server.spec(password=source), pool)
        await host.connect()
        await host.close()
    assert (server.logins, runs(world)) == (2, 1)


@FEW_ROUNDS
async def test_a_command_slower_than_the_connect_timeout(server: Server, world: World, pool: JumpPool) -> None:
    lock(world)
    source = by_command("sh", "-c", f"sleep 1.2; echo '{SECRET}'")
    host = SshTransport(server.spec(password=source, connect_timeout=1.0), pool)
    await host.connect()
    await host.close()


@FEW_ROUNDS
async def test_what_does_not_open_says_why_and_no_secret(server: Server, world: World, pool: JumpPool) -> None:
    lock(world, "another")
    source = printing(world)
    error = await failure(server.spec(password=source), pool)
    assert (error.code, error.retry) == ("auth-failed", False)
    program = world.home / "ask-pass"
    assert f"is locked by another passphrase than the one of ssh.password_command ({program})" in str(error)
    failing = printing(world, code=2)
    told = await failure(server.spec(password=failing), JumpPool())
    assert f"ssh.password_command ({program}) ended with exit code 2" in str(told)
    assert "hunter2" not in f"{error} {told}"


@FEW_ROUNDS
async def test_an_agent_that_has_the_key_is_enough(
    server: Server, world: World, pool: JumpPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(world)
    from tests.remote.test_ssh_login import agent

    async with agent(world, monkeypatch):
        host = SshTransport(server.spec(password=printing(world)), pool)
        await host.connect()
        await host.close()
    assert runs(world) == 0


async def test_a_key_without_a_passphrase_asks_for_none(server: Server, world: World, pool: JumpPool) -> None:
    host = SshTransport(server.spec(password=printing(world)), pool)
    await host.connect()
    await host.close()
    assert (runs(world), os.environ.get("GPG_TTY")) == (0, os.environ.get("GPG_TTY"))
    assert isinstance(world.key, asyncssh.SSHKey)
