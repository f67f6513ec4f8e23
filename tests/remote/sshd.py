"""An SSH server in the test's own loop, for what needs no real host: logins, keys, refusals, crowds."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from console.remote.connect import connect
from console.remote.ssh_pool import JumpPool
from console.remote.transport import HostSpec, TransportError


@dataclass
class World:
    """A home directory with one key, and servers that know it."""

    home: Path
    key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))

    def __post_init__(self) -> None:
        self.ssh = self.home / ".ssh"
        self.ssh.mkdir(mode=0o700)
        self.identity = self.ssh / "id_ed25519"
        self.write(self.identity, self.key.export_private_key())
        self.known_hosts = self.ssh / "known_hosts"

    def write(self, path: Path, data: bytes | str) -> Path:
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        path.chmod(0o600)
        return path

    def configure(self, text: str) -> None:
        self.write(self.ssh / "config", text)

    def know(self, *servers: "Server", name: str | None = None) -> None:
        """Note the keys of servers in known_hosts."""
        lines = [f"{name or f'[127.0.0.1]:{server.port}'} {public(server.host_key)}\n" for server in servers]
        self.known_hosts.write_text("".join(lines))


def public(key: asyncssh.SSHKey) -> str:
    """``kind base64`` without a comment."""
    return " ".join(key.export_public_key().decode().split()[:2])


class Server:
    """A running server and what it saw."""

    def __init__(self, world: World) -> None:
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.authorized = [world.key.convert_to_public()]
        self.max_sessions = 10
        self.sessions = 0
        self.logins = 0
        self.handshakes = 0
        self.most_handshakes = 0
        self.refuse_above: int | None = None
        """``MaxStartups``: hang up on whoever comes while so many are not logged in."""
        self.refused = 0
        self.commands: list[str] = []
        self.forwards: list[tuple[str, int]] = []
        self.forward_to: Callable[[asyncssh.SSHServerConnection, str, int], Any] = lambda *_: True
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.authorized_users: tuple[str, ...] = ()
        self.noise = b""
        self.environment: list[dict[str, str]] = []
        self.ptys = 0
        self.acceptor: Any = None
        self.ending: list[asyncio.Task[None]] = []
        self.port = 0

    def spec(self, **fields: Any) -> HostSpec:
        fields.setdefault("name", "web1")
        fields.setdefault("destination", f"tester@127.0.0.1:{self.port}")
        return HostSpec(**fields)


class Program(asyncssh.SSHServerSession[bytes]):
    """A session: the command runs in a shell, as sshd runs it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.command = ""
        self.channel: asyncssh.SSHServerChannel[bytes] | None = None
        self.program: asyncio.subprocess.Process | None = None
        self.early: list[bytes | None] = []
        self.writable = asyncio.Event()
        self.writable.set()
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self.channel = chan
        self.server.sessions += 1

    def pty_requested(self, *_: object) -> bool:
        self.server.ptys += 1
        return True

    def exec_requested(self, command: str) -> bool:
        self.command = command
        self.server.commands.append(command)
        return True

    def session_started(self) -> None:
        assert self.channel is not None
        self.server.environment.append(dict(self.channel.get_environment()))
        self.task = asyncio.create_task(self.run())

    async def run(self) -> None:
        assert self.channel is not None
        pipe = asyncio.subprocess.PIPE
        self.program = await asyncio.create_subprocess_exec(
            "sh", "-c", self.command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
        for data in self.early:
            self.feed(data)
        await asyncio.gather(self.pump(self.program.stdout, None), self.pump(self.program.stderr, 1))
        status = await self.program.wait()
        if not self.channel.is_closing():
            self.channel.exit(status) if status >= 0 else self.channel.exit_with_signal("KILL")

    async def pump(self, stream: asyncio.StreamReader | None, datatype: int | None) -> None:
        assert stream is not None
        assert self.channel is not None
        self.channel.write(self.server.noise, datatype)
        while data := await stream.read(32768):
            await self.writable.wait()
            if self.channel.is_closing():
                return
            self.channel.write(data, datatype)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def feed(self, data: bytes | None) -> None:
        if self.program is None or self.program.stdin is None:
            self.early.append(data)
        elif data is None:
            self.program.stdin.close()
        elif not self.program.stdin.is_closing():
            self.program.stdin.write(data)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self.feed(data)

    def eof_received(self) -> bool:
        self.feed(None)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.sessions -= 1
        self.writable.set()
        self.feed(None)
        self.server.ending.append(asyncio.create_task(self.end()))

    async def end(self) -> None:
        """What sshd does not do: end the program, so that no test leaves one behind."""
        if self.task is not None:
            if self.program is None:
                self.task.cancel()
            elif self.program.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.program.pid, signal.SIGKILL)
            await asyncio.gather(self.task, return_exceptions=True)


class Session(asyncssh.SSHServer):
    def __init__(self, server: Server) -> None:
        self.server = server
        self.waiting = True
        self.connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        self.server.connections.append(conn)
        server = self.server
        if server.refuse_above is not None and server.handshakes >= server.refuse_above:
            server.refused += 1
            self.waiting = False
            conn.abort()
            return
        server.handshakes += 1
        server.most_handshakes = max(server.most_handshakes, server.handshakes)

    def _done(self) -> None:
        if self.waiting:
            self.waiting = False
            self.server.handshakes -= 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._done()

    def begin_auth(self, username: str) -> bool:
        return True

    def auth_completed(self) -> None:
        self.server.logins += 1
        self._done()

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        allowed = self.server.authorized_users
        return key in self.server.authorized and (not allowed or username in allowed)

    def session_requested(self) -> Program:
        return Program(self.server)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Any:
        self.server.forwards.append((dest_host, dest_port))
        assert self.connection is not None
        return self.server.forward_to(self.connection, dest_host, dest_port)


@asynccontextmanager
async def serving(world: World, port: int = 0, **fields: Any) -> AsyncIterator[Server]:
    """Run a server; fields are set on it before it starts."""
    server = Server(world)
    for name, value in fields.items():
        setattr(server, name, value)
    server.acceptor = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_factory=lambda: Session(server),
        server_host_keys=[server.host_key],
        encoding=None,
        compression_algs=["zlib@openssh.com", "none"],
    )
    server.port = server.acceptor.get_port()
    try:
        yield server
    finally:
        server.acceptor.close()
        for connection in server.connections:
            connection.abort()
        await server.acceptor.wait_closed()
        await settled()
        await asyncio.gather(*server.ending)


async def settled() -> None:
    """Let everything that is ready happen."""
    for _ in range(20):
        await asyncio.sleep(0)


async def failure(spec: HostSpec, pool: JumpPool) -> TransportError:
    transport = connect(spec, pool)
    with pytest.raises(TransportError) as failed:
        await transport.connect()
    assert not transport.connected
    assert str(failed.value).isprintable()
    return failed.value
