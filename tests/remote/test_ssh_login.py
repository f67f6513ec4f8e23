"""Logins against a server in the same process: whose key it is, which of ours it takes, and what goes wrong."""

import asyncio
import socket

import asyncssh
import psutil
import pytest

from console.core.command import Command
from console.remote import ssh_keys, ssh_login, ssh_reach
from console.remote.host_keys import HostKeyError, KeyStatus, accept
from console.remote.ssh import SshTransport
from console.remote.ssh_pool import JumpPool
from console.remote.transport import HostSpec
from tests.remote.sshd import Server, World, failure, public, serving

FEW_ROUNDS = pytest.mark.filterwarnings("ignore:Warning. bcrypt.kdf")


async def test_an_unknown_host_is_accepted_only_by_an_act(server: Server, world: World, pool: JumpPool) -> None:
    world.known_hosts.unlink()
    error = await failure(server.spec(), pool)
    assert isinstance(error, HostKeyError)
    assert error.status is KeyStatus.UNKNOWN
    assert (error.code, error.retry) == ("host-key-unknown", False)
    assert error.key is not None
    assert server.host_key.get_fingerprint() == error.key.fingerprint
    assert f"ED25519 {error.key.fingerprint}" in str(error)
    assert not world.known_hosts.exists()
    assert accept(error.key) == world.known_hosts
    host = SshTransport(server.spec(), pool)
    await host.connect()
    await host.close()


async def test_a_changed_key_shows_both_and_where_the_known_one_stands(
    server: Server, world: World, pool: JumpPool
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519")
    world.known_hosts.write_text(f"# first\n[127.0.0.1]:{server.port} {public(other)}\n")
    error = await failure(server.spec(), pool)
    assert isinstance(error, HostKeyError)
    assert (error.code, error.retry) == ("host-key-changed", False)
    assert "HAS CHANGED" in str(error)
    assert other.get_fingerprint() in str(error)
    assert server.host_key.get_fingerprint() in str(error)
    assert f"{world.known_hosts}:2" in str(error)
    assert error.key is not None
    with pytest.raises(HostKeyError):
        accept(error.key)
    assert server.logins == 0


async def test_a_host_known_by_a_key_of_another_kind_has_changed(server: Server, world: World, pool: JumpPool) -> None:
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    world.known_hosts.write_text(f"[127.0.0.1]:{server.port} {public(other)}\n")
    assert (await failure(server.spec(), pool)).code == "host-key-changed"


async def test_a_revoked_key_is_refused(server: Server, world: World, pool: JumpPool) -> None:
    with world.known_hosts.open("a") as file:
        file.write(f"@revoked * {public(server.host_key)}\n")
    error = await failure(server.spec(), pool)
    assert (error.code, error.retry) == ("host-key-revoked", False)
    assert f"{world.known_hosts}:2" in str(error)


async def test_a_list_of_revoked_keys_is_honoured(server: Server, world: World, pool: JumpPool) -> None:
    world.write(world.ssh / "revoked", public(server.host_key) + "\n")
    world.configure("RevokedHostKeys ~/.ssh/revoked\n")
    assert (await failure(server.spec(), pool)).code == "host-key-revoked"
    (world.ssh / "revoked").unlink()
    assert "RevokedHostKeys" in str(await failure(server.spec(), pool))


async def test_an_authority_vouches_for_a_host(world: World, pool: JumpPool) -> None:
    authority = asyncssh.generate_private_key("ssh-ed25519")
    async with serving(world) as plain:
        certificate = authority.generate_host_certificate(plain.host_key, "web", principals=["web"])
        allowed = str(world.write(world.ssh / "allowed", public(world.key)))
        acceptor = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[(plain.host_key, certificate)], authorized_client_keys=allowed
        )
        world.known_hosts.write_text(f"@cert-authority web {public(authority)}\n")
        world.configure("HostKeyAlias web\n")
        host = SshTransport(HostSpec("web1", f"127.0.0.1:{acceptor.get_port()}"), pool)
        await host.connect()
        await host.close()
        world.configure("HostKeyAlias other\n")
        error = await failure(HostSpec("web1", f"127.0.0.1:{acceptor.get_port()}"), pool)
        assert error.code == "host-key-unknown"
        acceptor.close()


async def test_a_refused_login_names_what_was_tried_and_is_not_repeated(
    server: Server, world: World, pool: JumpPool
) -> None:
    server.authorized = []
    error = await failure(server.spec(), pool)
    assert (error.code, error.retry) == ("auth-failed", False)
    assert f"login refused for tester at 127.0.0.1:{server.port}: tried ~/.ssh/id_ed25519;" in str(error)
    world.identity.unlink()
    assert "there is no key to log in with" in str(await failure(server.spec(), pool))
    assert server.logins == 0


@FEW_ROUNDS
async def test_a_locked_key_is_named_and_never_asked_for(
    server: Server, world: World, pool: JumpPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = world.key.export_private_key(passphrase="secret", rounds=1)
    world.write(world.identity, locked)
    error = await failure(server.spec(), pool)
    assert error.code == "auth-failed"
    assert "~/.ssh/id_ed25519 is locked by a passphrase and in no agent: run ssh-add ~/.ssh/id_ed25519" in str(error)
    async with agent(world, monkeypatch) as sock:
        host = SshTransport(server.spec(), pool)
        await host.connect()
        await host.close()
        world.configure(f"IdentityAgent {sock}\nIdentitiesOnly yes\nIdentityFile ~/.ssh/id_ed25519\n")
        monkeypatch.delenv("SSH_AUTH_SOCK")
        await host.connect()
        await host.close()
        world.configure(f"IdentityAgent {sock}\nIdentitiesOnly yes\nIdentityFile ~/.ssh/other\n")
        assert "there is no key to log in with" in str(await failure(server.spec(), pool))


class agent:  # noqa: N801
    """A real ssh-agent that holds the world's key."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.monkeypatch = world, monkeypatch

    async def __aenter__(self) -> str:
        sock = str(self.world.home / "agent.sock")
        self.process = await asyncio.create_subprocess_exec(
            "ssh-agent", "-D", "-a", sock, stdout=asyncio.subprocess.PIPE
        )
        assert self.process.stdout is not None
        # It tells its address when it listens there; the socket is in its place before.
        assert sock.encode() in await self.process.stdout.readline()
        self.monkeypatch.setenv("SSH_AUTH_SOCK", sock)
        async with asyncssh.connect_agent(sock) as client:
            await client.add_keys([self.world.key])
        return sock

    async def __aexit__(self, *_: object) -> None:
        self.process.kill()
        await self.process.wait()


async def test_an_agent_that_is_gone_does_not_hide_the_files(
    server: Server, world: World, pool: JumpPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(world.home / "no.sock"))
    host = SshTransport(server.spec(), pool)
    await host.connect()
    await host.close()
    server.authorized = []
    assert "no.sock gave no keys" in str(await failure(server.spec(), pool))


async def test_an_agent_that_never_answers_is_given_up(
    server: Server, world: World, pool: JumpPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_keys, "AGENT_TIMEOUT", 0.1)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(world.home / "stuck.sock"))
    asked: list[asyncio.StreamWriter] = []
    stuck = await asyncio.start_unix_server(lambda _, writer: asked.append(writer), world.home / "stuck.sock")
    host = SshTransport(server.spec(), pool)
    await host.connect()
    await host.close()
    assert len(asked) == 1
    asked[0].close()
    stuck.close()


async def test_kerberos_without_its_library_does_no_harm(server: Server, world: World, pool: JumpPool) -> None:
    world.configure("GSSAPIAuthentication yes\nGSSAPIKeyExchange yes\nHashKnownHosts yes\nSendEnv LANG LC_*\n")
    host = SshTransport(server.spec(), pool)
    await host.connect()
    await host.close()


async def test_a_key_that_others_can_read_is_not_used(server: Server, world: World, pool: JumpPool) -> None:
    world.identity.chmod(0o644)
    assert "is open to other users" in str(await failure(server.spec(), pool))


async def test_a_certificate_beside_a_key_is_offered(server: Server, world: World, pool: JumpPool) -> None:
    authority = asyncssh.generate_private_key("ssh-ed25519")
    certificate = authority.generate_user_certificate(world.key, "tester", principals=["tester"])
    world.write(world.ssh / "id_ed25519-cert.pub", certificate.export_certificate())
    world.write(world.ssh / "authorized", f"cert-authority {public(authority)}\n")
    acceptor = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[server.host_key], authorized_client_keys=str(world.ssh / "authorized")
    )
    world.know(server, name=f"[127.0.0.1]:{acceptor.get_port()}")
    host = SshTransport(HostSpec("web1", f"tester@127.0.0.1:{acceptor.get_port()}"), pool)
    await host.connect()
    await host.close()
    acceptor.close()


@FEW_ROUNDS
async def test_a_certificate_file_is_offered_with_the_agents_key(
    server: Server, world: World, pool: JumpPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = asyncssh.generate_private_key("ssh-ed25519")
    certificate = authority.generate_user_certificate(world.key, "tester", principals=["tester"])
    world.write(world.ssh / "signed.pub", certificate.export_certificate())
    world.write(world.ssh / "authorized", f"cert-authority {public(authority)}\n")
    world.write(world.identity, world.key.export_private_key(passphrase="secret", rounds=1))
    acceptor = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[server.host_key], authorized_client_keys=str(world.ssh / "authorized")
    )
    world.know(server, name=f"[127.0.0.1]:{acceptor.get_port()}")
    world.configure("CertificateFile ~/.ssh/signed.pub\nIdentityFile ~/.ssh/id_ed25519\n")
    async with agent(world, monkeypatch):
        host = SshTransport(HostSpec("web1", f"tester@127.0.0.1:{acceptor.get_port()}"), pool)
        await host.connect()
        await host.close()
    acceptor.close()


async def test_no_name_no_listener_no_banner_no_ssh(world: World, pool: JumpPool) -> None:
    error = await failure(HostSpec("x", "no-such-host.invalid"), pool)
    assert (error.code, error.retry) == ("name", True)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        error = await failure(HostSpec("x", f"127.0.0.1:{port}", connect_timeout=0.2), pool)
        assert error.code == "no-banner"
        assert "sent no SSH banner within 0.2 s" in str(error)
    error = await failure(HostSpec("x", f"127.0.0.1:{port}"), pool)
    assert error.code == "refused"
    assert f"nothing listens at 127.0.0.1:{port}" in str(error)


async def test_another_service_on_the_port(world: World, pool: JumpPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_login, "BUSY_TRIES", 2)

    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-1.5-old\r\n")
        await reader.read()
        writer.close()

    web = await asyncio.start_server(http, "127.0.0.1", 0)
    error = await failure(HostSpec("x", f"127.0.0.1:{web.sockets[0].getsockname()[1]}", connect_timeout=2), pool)
    assert error.code == "no-banner"
    assert "does not speak SSH 2" in str(error)
    web.close()


async def test_algorithms_that_nobody_has(server: Server, world: World, pool: JumpPool) -> None:
    world.configure("KexAlgorithms nonsense-sha9\n")
    error = await failure(server.spec(), pool)
    assert error.code == "config"
    assert "KexAlgorithms nonsense-sha9 leaves no algorithm" in str(error)
    world.configure("Ciphers aes128-cbc\n")
    error = await failure(server.spec(), pool)
    assert (error.code, error.retry) == ("config", False)
    assert "no common algorithm" in str(error)
    world.configure("Ciphers ^chacha20-poly1305@openssh.com\nMACs -hmac-sha1*\nHostKeyAlgorithms +ssh-rsa\n")
    host = SshTransport(server.spec(), pool)
    await host.connect()
    assert host.details()["send_cipher"] == "chacha20-poly1305@openssh.com"
    await host.close()


async def test_a_hundred_at_one_endpoint_wait_their_turn_and_none_fails(world: World, pool: JumpPool) -> None:
    async with serving(world, refuse_above=3) as server:
        world.know(server)
        hosts = [SshTransport(server.spec(name=f"web{number}"), pool) for number in range(100)]
        await asyncio.gather(*(host.connect() for host in hosts))
        assert all(host.connected for host in hosts)
        assert server.logins == 100
        assert server.refused > 0
        assert server.most_handshakes <= 3
        await asyncio.gather(*(host.close() for host in hosts))


async def test_a_server_that_always_hangs_up(world: World, pool: JumpPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_login, "BUSY_TRIES", 3)
    async with serving(world, refuse_above=0) as server:
        world.know(server)
        error = await failure(server.spec(), pool)
    assert error.code == "refused"
    assert "hangs up before the login, 3 times" in str(error)


def children() -> set[psutil.Process]:
    """Children of this process; a lab of the same run has some too."""
    return set(psutil.Process().children())


async def test_a_proxy_command_speaks_for_the_host(server: Server, world: World, pool: JumpPool) -> None:
    relay = (
        "import os,socket,sys,threading as t;s=socket.create_connection((sys.argv[1],int(sys.argv[2])));"
        "t.Thread(target=lambda:[s.sendall(d) for d in iter(lambda:os.read(0,4096),b'')],daemon=True).start();"
        "[os.write(1,d) for d in iter(lambda:s.recv(4096),b'')]"
    )
    world.write(world.home / "relay.py", relay)
    world.configure(
        f"Host web1\n HostName 127.0.0.1\n Port {server.port}\n User tester\n"
        f" ProxyCommand sh -c 'echo chatter >&2; exec python3 {world.home}/relay.py %h %p'\n"
    )
    host = SshTransport(HostSpec("web1", "web1"), pool)
    before = children()
    await host.connect()
    (proxy,) = children() - before
    assert (await host.run(Command(("echo", "through")))).stdout == "through\n"
    await host.close()
    async with asyncio.timeout(5):
        while proxy.is_running() and proxy.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)


async def test_a_proxy_command_that_does_not_want_to_end(
    world: World, pool: JumpPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_reach, "PROXY_GRACE", 0.1)
    before = children()
    world.configure("Host web1\n ProxyCommand sh -c 'trap \"\" TERM; while :; do sleep 1; done'\n")
    error = await failure(HostSpec("web1", "web1", connect_timeout=0.3), pool)
    assert error.code == "no-banner"
    async with asyncio.timeout(5):
        while children() - before:
            await asyncio.sleep(0.01)


async def test_a_proxy_command_that_fails_is_quoted(
    world: World, pool: JumpPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_login, "BUSY_TRIES", 2)
    world.configure("Host web1\n ProxyCommand echo 'no route to gate' >&2; exit 1\n")
    error = await failure(HostSpec("web1", "web1"), pool)
    assert error.code == "jump"
    assert "the ProxyCommand of web1 failed: no route to gate" in str(error)
