"""One login at one SSH server: the handshake, whose key it was, which of ours it took, and what went wrong."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import asyncssh

from console.core.text import sanitise
from console.remote.host_keys import Trust, look_up, revoked_keys
from console.remote.ssh_algorithms import algorithms, public_keys
from console.remote.ssh_config import SshTarget
from console.remote.ssh_explain import Progress, address, explain, silent, too_slow
from console.remote.ssh_keys import Offers, gather_offers
from console.remote.ssh_outbox import batched
from console.remote.ssh_reach import BusyError, Way, reach, wait_for_banner
from console.remote.transport import TransportError

if TYPE_CHECKING:
    from console.remote.ssh_pool import JumpPool, Lease

T = TypeVar("T")

KEEPALIVE = 2.0
"""Seconds of silence after which the server is asked for a sign of life."""

KEEPALIVE_COUNT = 3
"""Unanswered questions after which the link is dead: 8 s after the last byte."""

SILENCE = KEEPALIVE * (KEEPALIVE_COUNT + 1)
"""Those seconds."""

GREETED_WITHIN = 1.5
"""Seconds that sshd may take to greet when it is only asked whether it does."""

BUSY_TRIES = 8
"""Attempts at a server that hangs up before the login."""

CLOSE_GRACE = 1.0
"""Seconds that a connection may take to close in an orderly way."""

# The library's own lines must never be written over the screen, which is where unhandled warnings would go.
logging.getLogger("asyncssh").addHandler(logging.NullHandler())


class _LoginClient(asyncssh.SSHClient):
    """What the SSH library asks and tells during a login."""

    def __init__(self, progress: Progress, offers: Offers, on_lost: Callable[[Exception | None], None]) -> None:
        self._progress = progress
        self._offers = offers
        self._left = list(offers.keys)
        self._on_lost = on_lost

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._progress.connection = conn

    def connection_lost(self, exc: Exception | None) -> None:
        self._offers.close()
        self._on_lost(exc)

    def begin_auth(self, username: str) -> None:
        self._progress.host_known = True

    def auth_completed(self) -> None:
        self._offers.close()

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self._progress.shown = key
        return False

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        return False

    def public_key_auth_requested(self) -> Any:
        # One at a time: asked again after each refusal, which is how we know that keys were tried at all.
        self._progress.asked_for_key = True
        return self._left.pop(0).key if self._left else None


class SshLink:
    """A connection that stands, with all that must end when it ends."""

    def __init__(self, target: SshTarget, lease: "Lease | None") -> None:
        self.target = target
        self.lease = lease
        self.way: Way | None = None
        self.connection: asyncssh.SSHClientConnection | None = None
        self.answered = False
        """Whether the server has answered anything since it let us in."""
        self._lost = False
        self._reason: Exception | None = None

    @property
    def open(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self.connection is not None and not self._lost and (self.lease is None or self.lease.link.open)

    def begin(self, connection: asyncssh.SSHClientConnection) -> None:
        """The login is done; raises ``TransportError`` when the connection is lost already."""
        if self._lost:
            raise self.failure()
        self.connection = connection

    def lost(self, reason: Exception | None) -> None:
        """The connection has ended, for whatever reason."""
        self._lost = True
        self._reason = reason
        if self.connection is None:
            return
        if self.way is not None:
            self.way.finish()
        if self.lease is not None:
            self.lease.give_back()

    def failure(self, reason: Exception | None = None) -> TransportError:
        """Why the connection is gone, in words; ``reason`` where it is known before ``lost`` was called."""
        if self.lease is not None and not self.lease.link.open:
            return TransportError("jump", f"jump host {self.lease.name}: {self.lease.link.failure()}")
        reason = reason or self._reason
        if _is_silence(reason):
            return silent(self.target, SILENCE, answered=self.answered)
        text = sanitise(str(reason)) if reason is not None else ""
        if not text or text == "Connection lost":
            return TransportError("lost", "the host closed the connection (sshd stopped, or the host goes down)")
        return TransportError("lost", f"the connection broke: {text[:200]}")

    async def failure_at_login(self) -> TransportError:
        """The same; where nothing came since the login, sshd is asked anew, if the way to it is our own."""
        if self.answered or self.lease is not None or not _is_silence(self._reason):
            return self.failure()
        return silent(self.target, SILENCE, answered=False, speaks=await _speaks(self.target))

    async def close(self) -> None:
        """Close the connection, by force where it takes too long. Never raises."""
        connection = self.connection
        if connection is not None and not self._lost:
            connection.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_GRACE):
                    await connection.wait_closed()
            if not self._lost:
                connection.abort()
        if not self._lost:
            self.lost(None)


def _is_silence(reason: Exception | None) -> bool:
    return isinstance(reason, asyncssh.ConnectionLost) and "keepalive" in str(reason)


async def _speaks(target: SshTarget) -> bool:
    """Whether sshd greets a new connection."""
    try:
        async with asyncio.timeout(GREETED_WITHIN):
            way = await reach(target)
            try:
                await wait_for_banner(way)
            finally:
                way.close()
    except BusyError:
        return True
    except (TransportError, TimeoutError):
        return False
    return True


class _Direct:
    """A connected socket as the way to a server, in the form in which the SSH library takes a jump connection."""

    def __init__(self, way: Way) -> None:
        self._sock = way.sock

    async def create_connection(self, factory: Any, host: str, port: int) -> Any:
        return await asyncio.get_running_loop().create_connection(batched(factory), sock=self._sock)


class _Tunnel:
    """A jump connection as the way to another server, without a leak when we stop waiting for it to open."""

    def __init__(self, link: SshLink, connection: asyncssh.SSHClientConnection) -> None:
        self._link = link
        self._connection = connection

    async def create_connection(self, factory: Any, host: str, port: int) -> Any:
        opening = asyncio.ensure_future(self._connection.create_connection(batched(factory), host, port))
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_abort_late)
            raise
        self._link.answered = True
        return opening.result()


def _abort_late(opening: "asyncio.Future[Any]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].abort()


async def log_in(target: SshTarget, pool: "JumpPool", lease: "Lease | None" = None) -> SshLink:
    """Connect and log in, directly or through a jump connection; raises ``TransportError``.

    The lease is given back when the connection ends; when this raises, it stays with the caller.
    """
    turnstile = pool.turnstile(target)
    async with turnstile.turn():
        for attempt in range(1, BUSY_TRIES + 1):
            try:
                link = await _attempt(target, pool, lease)
            except BusyError:
                turnstile.refused()
                await asyncio.sleep(pool.jitter() * min(2.0, 0.05 * 2**attempt))
                continue
            turnstile.welcomed()
            return link
    reason = "too many logins at once (MaxStartups), or this address is not allowed there"
    raise TransportError("refused", f"{address(target)} hangs up before the login, {BUSY_TRIES} times: {reason}")


async def _attempt(target: SshTarget, pool: "JumpPool", lease: "Lease | None") -> SshLink:
    progress = Progress(lease.name if lease is not None else None)
    way: Way | None = None
    offers: Offers | None = None
    link = SshLink(target, lease)
    try:
        async with asyncio.timeout(target.connect_timeout) as limit:
            if lease is None:
                way = link.way = await reach(target)
                progress.reached = True
                await wait_for_banner(way)
                progress.banner = True
            await _at_leisure(limit, pool.pace())
            progress.trust = _trust(target)
            progress.offers = offers = await _at_leisure(limit, gather_offers(target, pool.keys))
            client = _LoginClient(progress, offers, link.lost)
            link.begin(await _handshake(target, progress.trust, client, _through(way, lease)))
    except TimeoutError:
        raise too_slow(target, progress) from None
    except BusyError:
        if way is not None and (said := await way.complaint()):
            raise TransportError("jump", f"the ProxyCommand of {target.name} failed: {said}") from None
        raise
    except (OSError, asyncssh.Error, ValueError) as error:
        raise explain(error, target, progress) from None
    finally:
        if link.connection is None:
            if offers is not None:
                offers.close()
            if way is not None:
                way.close()
    return link


def _through(way: Way | None, lease: "Lease | None") -> "_Direct | _Tunnel":
    if way is not None:
        return _Direct(way)
    if lease is None or lease.link.connection is None:
        raise asyncssh.ConnectionLost("the jump connection is gone")
    return _Tunnel(lease.link, lease.link.connection)


async def _at_leisure(limit: asyncio.Timeout, work: Awaitable[T]) -> T:
    """Wait for our turn to compute, for a password: that is our time, not the host's."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    deadline = limit.when()
    limit.reschedule(None)
    done = await work
    if deadline is not None:
        limit.reschedule(deadline + loop.time() - before)
    return done


def _trust(target: SshTarget) -> Trust:
    files = target.user_known_hosts + target.global_known_hosts
    trust = look_up(files, target.hostname, target.port, target.host_key_alias)
    if target.revoked_host_keys is not None:
        trust = replace(trust, revoked=trust.revoked + revoked_keys(target.revoked_host_keys))
    return trust


async def _handshake(
    target: SshTarget, trust: Trust, client: _LoginClient, through: "_Direct | _Tunnel"
) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        target.hostname,
        target.port,
        tunnel=through,
        client_factory=lambda: client,
        username=target.user,
        # Explicit from here on: nothing of the user's configuration gets in but what was resolved.
        config=None,
        known_hosts=tuple(
            public_keys(keys) for keys in (trust.keys + trust.portless, trust.authorities, trust.revoked)
        ),
        host_key_alias=target.host_key_alias,
        client_keys=None,
        agent_forwarding=False,
        public_key_auth=target.public_keys,
        password_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=target.hostname if target.gssapi else None,
        gss_auth=target.gssapi,
        gss_kex=False,
        x509_trusted_certs=None,
        x509_trusted_cert_paths=(),
        canonicalize_hostname=False,
        connect_timeout=None,
        login_timeout=0,
        keepalive_interval=KEEPALIVE,
        keepalive_count_max=KEEPALIVE_COUNT,
        utf8_decode_errors="replace",
        request_pty=False,
        command=None,
        env=None,
        send_env=None,
        x11_forwarding=False,
        **algorithms(target, trust),
    )
