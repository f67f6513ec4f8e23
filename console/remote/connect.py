"""From a host to the transport that reaches it. Cheap to import: the SSH library is loaded when it is needed."""

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from console.remote.destination import DestinationError, parse_destination
from console.remote.ssh_pool import JumpPool
from console.remote.transport import HostSpec, Transport

if TYPE_CHECKING:
    from console.remote.ssh import SshTransport

__all__ = ["DestinationError", "JumpPool", "Reach", "ahead", "connect", "parse_destination", "prepare"]

Reach = Callable[[HostSpec], Transport]
"""Gives the transport of a host."""


def connect(spec: HostSpec, pool: JumpPool) -> Transport:
    """Return the transport of a host, not connected yet. One pool serves all hosts of a console."""
    if spec.destination is None:
        from console.remote.local import LocalTransport

        return LocalTransport(spec)
    return _ssh(spec, pool)


def _ssh(spec: HostSpec, pool: JumpPool) -> "SshTransport":
    _load()
    from console.remote.ssh import SshTransport

    return SshTransport(spec, pool)


def _load() -> None:
    """Load the SSH library, without its search for liboqs.

    That is for a key exchange which OpenSSH never offers alone; of what is not installed ``find_library`` asks a
    compiler and a linker, in a sixth of the whole time.
    """
    if "console.remote.ssh" in sys.modules:
        return
    import ctypes.util

    find = ctypes.util.find_library
    ctypes.util.find_library = lambda name: None if "oqs" in name else find(name)
    try:
        importlib.import_module("console.remote.ssh")
    finally:
        ctypes.util.find_library = find


async def prepare(specs: Iterable[HostSpec]) -> None:
    """Load the SSH library in a thread when any of the hosts needs it: it takes a tenth of a second, which the screen
    does not have.
    """
    if any(spec.destination is not None for spec in specs):
        await asyncio.to_thread(_load)


@asynccontextmanager
async def ahead(specs: Iterable[HostSpec]) -> AsyncIterator[Reach]:
    """Connections that are begun before what looks through them is loaded, each handed out once; then new ones.

    Those that were not asked for are closed at the end.
    """
    specs, pool = tuple(specs), JumpPool()
    begun = {}
    if any(spec.destination is not None for spec in specs):
        begun = {spec.name: _ssh(spec, pool) for spec in specs if spec.destination is not None}
        for transport in begun.values():
            transport.begin()
    try:
        yield lambda spec: begun.pop(spec.name, None) or connect(spec, pool)
    finally:
        await asyncio.gather(*(transport.close() for transport in begun.values()))
