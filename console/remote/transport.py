"""What every way to a host can do: this machine, SSH, a script for tests and the demo."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from console.core.command import Command, Output
from console.core.health import HealthCheck
from console.core.password import PasswordSource
from console.core.pid_file import PidFile


class TransportError(Exception):
    """The host cannot be reached or the connection is lost.

    ``code`` is one of the words of ``console.core.snapshot.Link.code``; the text is one line for a person and says
    what to do. ``retry`` is false where trying again by itself would do harm (rejected key, changed host key).
    """

    def __init__(self, code: str, message: str, *, retry: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.retry = retry


class ChannelRefusedError(TransportError):
    """The host gives this connection no further channel (sshd's MaxSessions)."""

    def __init__(self, message: str) -> None:
        super().__init__("channels", message)


class ChannelLimitError(ChannelRefusedError):
    """As many channels are open on this connection as are ever opened at a time: one is free again by itself."""


def backoff(attempt: int, random: float) -> float:
    """Seconds to wait after the failed attempt of this number (1 is the first) before the next.

    Doubles from one second to half a minute. ``random`` is within 0..1: half of the wait is jitter, so that hosts which
    were lost together do not come back together.
    """
    longest = min(30.0, 2.0 ** min(max(attempt, 1) - 1, 10))
    return longest * (0.5 + 0.5 * random)


class Channel(Protocol):
    """A running program on the host with its three streams as bytes.

    What a login shell's start files print before the program runs is not part of them.
    """

    def write(self, data: bytes) -> None:
        """Queue bytes for standard input; dropped when the program has ended, which the next ``read`` tells."""
        ...

    async def read(self) -> bytes:
        """Return the next chunk of standard output, ``b""`` at its end; raises ``TransportError`` on a dead link."""
        ...

    def errors(self) -> bytes:
        """What came on standard error so far (the last 4 KiB)."""
        ...

    async def close(self) -> None:
        """Close the channel; the program's standard input ends. Never raises."""
        ...

    @property
    def exit(self) -> int | None:
        """The exit status once it is known; 128 plus the signal's number for a program that a signal ended."""
        ...


@runtime_checkable
class Inlet(Protocol):
    """A channel into which much is written: the writer waits for the program to take it."""

    def write(self, data: bytes) -> None:
        """See ``Channel.write``."""
        ...

    async def drain(self) -> None:
        """Return once there is room again, or nobody reads any more, which the next ``read`` tells."""
        ...

    def end_input(self) -> None:
        """Close standard input once everything is written."""
        ...


class Transport(Protocol):
    """A way to one host. Few channels of a connection are open at a time: ``console.remote.collect`` says how many."""

    @property
    def host(self) -> str:
        """The host's name in the console."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as is known."""
        ...

    async def connect(self) -> None:
        """Connect or raise ``TransportError``. May be called again after a loss.

        One attempt (TCP, banner and login together) is bounded by the connect timeout. What comes on top: the wait for
        a turn at an endpoint that many hosts share, and as much again for each jump host that is not connected yet.
        """
        ...

    async def close(self) -> None:
        """Close everything of this host. Never raises."""
        ...

    async def open(self, argv: tuple[str, ...]) -> Channel:
        """Start a program; raises ``ChannelRefusedError`` or ``TransportError``."""
        ...

    async def run(self, command: Command, stdin: bytes = b"") -> Output:
        """Run one command to its end, bounded by its timeout on the host as well as here."""
        ...


@runtime_checkable
class Dialling(Protocol):
    """A transport that connects to a port."""

    @property
    def dialled(self) -> int | None:
        """The port to which it connected, once it did."""
        ...


@runtime_checkable
class UnixSockets(Protocol):
    """A transport that reaches the host's UNIX sockets. They are no channels of programs: sshd does not count them."""

    async def exchange(self, path: str, request: bytes) -> bytes:
        """Connect, send the request, return all that comes until the other side closes (4 MiB at most).

        Raises ``TransportError`` with the code ``socket`` where the socket does not take the connection.
        """
        ...

    def forward(self, path: str) -> AbstractAsyncContextManager[str]:
        """Make the socket reachable here for as long as the context lasts; gives the path of a local socket.

        Raises ``TransportError`` with the code ``socket`` where the socket does not take a connection.
        """
        ...


@dataclass(frozen=True, slots=True)
class HostSpec:
    """How a host is reached and shown; made from the configuration or from a word on the command line.

    ``destination`` is what a person would give to ``ssh``: an alias, ``user@name``, ``name:port`` or ``ssh://...``;
    ``None`` is this machine.
    """

    name: str
    destination: str | None
    user: str | None = None
    port: int | None = None
    identity_files: tuple[str, ...] = ()
    password: PasswordSource | None = None
    """Where the passphrase of locked identity files comes from."""
    jump: str | None = None
    ssh_config: str | None = None
    """A config file instead of ``~/.ssh/config``."""
    known_hosts: str | None = None
    connect_timeout: float = 8.0
    groups: tuple[str, ...] = ()
    production: bool = False
    read_only: bool = False
    color: str | None = None
    pid_files: tuple[PidFile, ...] = ()
    """Services that the configuration declares by their pid files: nothing else on the host tells of them."""
    health_checks: tuple[HealthCheck, ...] = ()
    """What the configuration has asked of running services now and then."""
    production_contexts: tuple[str, ...] = ()
    """Contexts of kubectl that the configuration marks as production, whatever their names say."""
