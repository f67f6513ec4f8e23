"""Attempts to reach a port of a host from outside the host's own shell: through SSH, from here, from another host."""

import asyncio
import os
from contextlib import suppress
from typing import Protocol, runtime_checkable

from console.core.reach import Attempt, Reached, Vantage
from console.core.text import sanitise
from console.probes import reach
from console.remote.fleet import Fleet, UnknownHostError
from console.remote.shell import Ask
from console.remote.transport import TransportError

PATIENCE = 3.0
"""Seconds after which an attempt counts as unanswered."""


@runtime_checkable
class Reaching(Protocol):
    """A transport that can say from where it reaches the host, and connect from there to one of its ports."""

    @property
    def peer(self) -> str | None:
        """The host's address as it is reached from here; ``None`` behind a jump host or a proxy command."""
        ...

    async def knock(self, address: str, port: int) -> str | None:
        """Let the host's sshd connect; ``None`` where it did, else its words. Raises ``TransportError``."""
        ...


def peer_of(fleet: Fleet, host: str) -> str | None:
    """The address under which a host is reached straight from here; ``None`` where it is not."""
    with suppress(TransportError, UnknownHostError):
        transport = fleet.transport(host)
        return transport.peer if isinstance(transport, Reaching) else None
    return None


async def through_ssh(fleet: Fleet, host: str, address: str, port: int) -> Attempt | None:
    """Let the host's sshd connect; ``None`` where the host is not reached over SSH."""
    try:
        transport = fleet.transport(host)
        if not isinstance(transport, Reaching):
            return None
        async with asyncio.timeout(PATIENCE):
            said = await transport.knock(address, port)
    except TimeoutError:
        return Attempt(Vantage.SSH, address, port, Reached.SILENT, f"no answer in {PATIENCE:.0f} s", "sshd")
    except TransportError as error:
        return Attempt(Vantage.SSH, address, port, Reached.NOT_TRIED, str(error), "sshd")
    if said is None:
        return Attempt(Vantage.SSH, address, port, Reached.ANSWERS, "", "sshd")
    if "prohibited" in said.lower():
        return Attempt(Vantage.SSH, address, port, Reached.NOT_TRIED, "its sshd forwards nothing", "sshd")
    return Attempt(Vantage.SSH, address, port, reach.meaning(said), said, "sshd")


async def from_here(address: str, port: int) -> Attempt:
    """Connect from the machine of the console."""
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(address, port)
    except TimeoutError:
        return Attempt(Vantage.HERE, address, port, Reached.SILENT, f"no answer in {PATIENCE:.0f} s")
    except OSError as error:
        # asyncio has words of its own in place of the kernel's.
        said = os.strerror(error.errno) if error.errno is not None and error.errno > 0 else sanitise(str(error))
        return Attempt(Vantage.HERE, address, port, reach.meaning(said), said)
    writer.close()
    return Attempt(Vantage.HERE, address, port, Reached.ANSWERS)


async def from_other(fleet: Fleet, other: str, address: str, port: int) -> Attempt:
    """Connect from another host of the fleet."""
    try:
        # Its service managers have no part in it.
        await fleet.seen(other)
        [answer] = await fleet.ask_all(other, [Ask(reach.PROBE, (address, str(port)))])
    except (TransportError, UnknownHostError) as error:
        return Attempt(Vantage.OTHER, address, port, Reached.NOT_TRIED, str(error), host=other)
    if answer.failure is not None:
        return Attempt(Vantage.OTHER, address, port, Reached.NOT_TRIED, answer.failure, host=other)
    found: reach.Connected = answer.value
    return Attempt(Vantage.OTHER, address, port, found.result, found.said, found.tool, other)
