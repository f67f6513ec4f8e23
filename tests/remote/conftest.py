"""A home with a key, a server that knows it, and a connection."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.remote import ssh_config
from console.remote.ssh import SshTransport
from console.remote.ssh_pool import JumpPool
from tests.remote.sshd import Server, World, serving


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr(ssh_config, "SYSTEM_CONFIG", tmp_path / "nothing")
    return World(tmp_path)


@pytest.fixture
async def pool() -> AsyncIterator[JumpPool]:
    pool = JumpPool()
    yield pool
    await pool.close()


@pytest.fixture
async def server(world: World) -> AsyncIterator[Server]:
    async with serving(world) as server:
        world.know(server)
        yield server


@pytest.fixture
async def host(server: Server, pool: JumpPool) -> AsyncIterator[SshTransport]:
    transport = SshTransport(server.spec(), pool)
    await transport.connect()
    yield transport
    await transport.close()
