"""What the hosts of a console share: jump connections, turns at a crowded sshd, keys, and time to shake hands."""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from console.remote.host_keys import HostKeyError
from console.remote.ssh_config import SshTarget, resolve
from console.remote.transport import HostSpec, TransportError

if TYPE_CHECKING:
    from console.remote.ssh_keys import KeyRing
    from console.remote.ssh_login import SshLink

HANDSHAKES = 8
"""Logins in flight at one endpoint: sshd begins to refuse at ten (``MaxStartups 10:30:100``)."""

PACE = 0.004
"""Seconds between the beginnings of two key exchanges: each costs this process some milliseconds of CPU, and a few
hundred at once would freeze the screen."""

LINGER = 5.0
"""Seconds that an unused jump connection is kept, for hosts that come back."""

MAX_JUMPS = 8
"""How many jump hosts may stand before a host: more is a loop in the configuration."""

NOT_AGAIN = 1.0
"""Seconds in which a jump host that failed is not tried again: a hundred hosts ask for it at the same time."""

Key = tuple[object, ...]


class Turnstile:
    """Lets a limited number through at a time. The limit halves when the other side turned us away, and grows again."""

    def __init__(self, limit: int = HANDSHAKES) -> None:
        self._most = limit
        self.limit = limit
        self._inside = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it."""
        while self._inside >= self.limit:
            waiter = asyncio.get_running_loop().create_future()
            self._queue.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._next()
                else:
                    self._queue.remove(waiter)
                raise
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._next()

    def refused(self) -> None:
        """The other side is too busy for so many."""
        self.limit = max(1, self.limit // 2)

    def welcomed(self) -> None:
        """It went well: one more may come."""
        self.limit = min(self._most, self.limit + 1)

    def _next(self) -> None:
        free = self.limit - self._inside
        while self._queue and free > 0:
            waiter = self._queue.popleft()
            if not waiter.done():
                waiter.set_result(None)
                free -= 1


@dataclass(slots=True)
class _Jump:
    """A connection that others go through."""

    name: str
    users: int = 0
    link: "SshLink | None" = None
    pending: "asyncio.Task[SshLink] | None" = None
    failure: TransportError | None = None
    failed_at: float = 0.0
    closing: asyncio.TimerHandle | None = None


class Lease:
    """The right to go through a jump connection until it is given back."""

    def __init__(self, link: "SshLink", name: str, give_back: Callable[[], None]) -> None:
        self.link = link
        self.name = name
        self._give_back: Callable[[], None] | None = give_back

    def give_back(self) -> None:
        """Say that it is no longer needed."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


class JumpPool:
    """One for a whole console. Cheap to make: the SSH library is loaded at the first connection."""

    def __init__(self) -> None:
        self._turnstiles: dict[Key, Turnstile] = {}
        self._jumps: dict[Key, _Jump] = {}
        self._keys: KeyRing | None = None
        self._next_start = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def keys(self) -> "KeyRing":
        """The identity files, read once for all hosts."""
        if self._keys is None:
            from console.remote.ssh_keys import KeyRing

            self._keys = KeyRing()
        return self._keys

    def jitter(self) -> float:
        """A factor for waits, so that hosts do not come back together."""
        return random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def turnstile(self, target: SshTarget) -> Turnstile:
        """Where the logins of an endpoint queue."""
        where = (target.jumps, target.proxy_command, target.hostname, target.port)
        return self._turnstiles.setdefault(where, Turnstile())

    async def pace(self) -> None:
        """Wait until the next key exchange may begin."""
        now = asyncio.get_running_loop().time()
        start = max(now, self._next_start)
        self._next_start = start + PACE
        if start > now:
            await asyncio.sleep(start - now)

    async def through(self, spec: HostSpec, target: SshTarget) -> Lease | None:
        """Connect the jump hosts in front of a target, or share the connection that is there.

        Raises ``TransportError`` with the code ``jump``, or the host key error of a jump host.
        """
        return await self._enter(spec, target.jumps, ()) if target.jumps else None

    async def close(self) -> None:
        """Close all jump connections. Never raises."""
        jumps, self._jumps = self._jumps, {}
        for jump in jumps.values():
            if jump.closing is not None:
                jump.closing.cancel()
            if jump.pending is not None:
                jump.pending.cancel()
            if jump.link is not None:
                await jump.link.close()

    async def _enter(self, spec: HostSpec, chain: tuple[str, ...], seen: tuple[str, ...]) -> Lease:
        """Connect the last host of a chain by way of those before it; ``seen`` are the jump hosts behind it."""
        *before, last = chain
        if len(seen) >= MAX_JUMPS or last in seen:
            way = " -> ".join((last, *seen))
            raise TransportError("config", f"ProxyJump goes in circles: {way}; mend the ssh configuration", retry=False)
        own = replace(
            spec, name=last, destination=last, user=None, port=None, jump=",".join(before) if before else None
        )
        target = await resolve(own)
        key = (target.jumps, target.proxy_command, target.endpoint, target.identity_files, target.user_known_hosts)
        jump = self._jumps.setdefault(key, _Jump(target.name))
        jump.users += 1
        if jump.closing is not None:
            jump.closing.cancel()
            jump.closing = None
        try:
            link = await self._link(jump, own, target, (last, *seen))
        except BaseException:
            self._leave(key, jump)
            raise
        return Lease(link, jump.name, lambda: self._leave(key, jump))

    async def _link(self, jump: _Jump, spec: HostSpec, target: SshTarget, seen: tuple[str, ...]) -> "SshLink":
        if jump.link is not None and jump.link.open:
            return jump.link
        loop = asyncio.get_running_loop()
        # What a person mends (a host key, the configuration) is looked at again at once.
        mended = isinstance(jump.failure, HostKeyError) or (jump.failure is not None and jump.failure.code == "config")
        if jump.failure is None or mended or loop.time() - jump.failed_at > NOT_AGAIN:
            if jump.pending is None:
                jump.failure = None
                jump.pending = loop.create_task(self._connect(jump, spec, target, seen))
                jump.pending.add_done_callback(_noted)
            try:
                # Others wait for the same connection: it is not to end because one of them gives up.
                return await asyncio.shield(jump.pending)
            except TransportError as error:
                raise _at_jump(jump.name, error) from None
        raise _at_jump(jump.name, jump.failure)

    async def _connect(self, jump: _Jump, spec: HostSpec, target: SshTarget, seen: tuple[str, ...]) -> "SshLink":
        from console.remote.ssh_login import log_in

        lease: Lease | None = None
        jump.link = None
        try:
            lease = await self._enter(spec, target.jumps, seen) if target.jumps else None
            jump.link = await log_in(target, self, lease)
        except TransportError as error:
            jump.failure, jump.failed_at = error, asyncio.get_running_loop().time()
            raise
        finally:
            jump.pending = None
            if jump.link is None and lease is not None:
                lease.give_back()
        return jump.link

    def _leave(self, key: Key, jump: _Jump) -> None:
        jump.users -= 1
        if jump.users == 0 and self._jumps.get(key) is jump:
            jump.closing = asyncio.get_running_loop().call_later(LINGER, self._drop, key, jump)

    def _drop(self, key: Key, jump: _Jump) -> None:
        if jump.users == 0 and self._jumps.get(key) is jump:
            del self._jumps[key]
            if jump.pending is not None:
                jump.pending.cancel()
            if jump.link is not None:
                task = asyncio.get_running_loop().create_task(jump.link.close())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)


def _noted(task: "asyncio.Task[SshLink]") -> None:
    """Take the failure of an attempt for which nobody waits any more: the next one will tell."""
    if not task.cancelled():
        task.exception()


def _at_jump(name: str, error: TransportError) -> TransportError:
    """The failure of a jump host as its hosts tell it: word for word the same for all, so that it shows as one."""
    text = str(error) if str(error).startswith("jump host ") else f"jump host {name}: {error}"
    if isinstance(error, HostKeyError):
        return HostKeyError(error.status, text, error.key, error.known)
    return TransportError("config" if error.code == "config" else "jump", text, retry=error.retry)
