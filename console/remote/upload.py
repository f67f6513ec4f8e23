"""Sends a directory of this machine to a command of the host that compares what arrives with what was sent."""

import asyncio
import contextlib
import os.path
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from console.core.text import decode, mask, sanitise
from console.remote.archive import Archive, ArchiveError, archive
from console.remote.chunks import ERRORS_KEPT
from console.remote.transport import Channel, Inlet

STALL = 60.0
"""Seconds in which the host takes nothing, or says nothing once it has all, after which the upload is given up."""

T = TypeVar("T")


class UploadError(Exception):
    """Why it was not taken; one line for a person."""


@runtime_checkable
class _Taking(Channel, Inlet, Protocol):
    """A channel that can be read and takes much."""


async def pack(place: str, began: float | None) -> tuple[Archive, str]:
    """What is to be sent, and its sum; raises ``UploadError``.

    ``began``: it must have been changed since (Unix time).
    """
    if not await asyncio.to_thread(os.path.lexists, place):
        raise UploadError(f"the build left no {place}")
    try:
        made = await asyncio.to_thread(archive, Path(place))
        if began is not None and made.newest < began:
            raise UploadError(
                f"the build changed nothing in {place}, which may be of an earlier commit: "
                "remove it, or let it be built anew"
            )
        return made, await _summed(made)
    except ArchiveError as error:
        raise UploadError(str(error)) from None


async def _summed(made: Archive) -> str:
    """In a thread that ends soon when nobody waits for it any more."""
    left = False

    def went_on(size: int) -> None:
        if left:
            raise ArchiveError("nobody waits for it")

    try:
        return await asyncio.to_thread(made.sum, went_on)
    finally:
        left = True


async def send(channel: Channel, made: Archive, digest: str, took: int) -> AsyncGenerator[tuple[int, str], None]:
    """Tell the bytes that were sent so far, the last time with what the host said of it; closes the channel.

    ``took``: seconds of the build. Raises ``UploadError`` and ``TransportError``. Ending the iteration ends the upload,
    of which the host keeps nothing.
    """
    try:
        if not isinstance(channel, _Taking):
            raise UploadError("there is no way to send that much to this host")
        channel.write(f"{made.size} {digest} {took}\n".encode())
        if (await _within(channel.read())).strip() != b"ready":
            raise UploadError(await _why_not(channel))
        answer = asyncio.create_task(_all(channel))
        try:
            async for sent in _write(channel, made, answer):
                yield sent, ""
            said = await _within(answer)
        finally:
            answer.cancel()
        if channel.exit != 0:
            raise UploadError(await _why_not(channel))
        yield made.size, sanitise(decode(said)).strip()
    except ArchiveError as error:
        raise UploadError(str(error)) from None
    finally:
        await channel.close()


async def _write(channel: _Taking, made: Archive, answer: "asyncio.Task[bytes]") -> AsyncIterator[int]:
    """All of the archive, or as much as the host takes."""
    chunks, sent = made.chunks(), 0
    while not answer.done() and (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        channel.write(chunk)
        await _within(channel.drain())
        sent += len(chunk)
        yield sent
    channel.end_input()


async def _all(channel: Channel) -> bytes:
    said = b""
    while chunk := await channel.read():
        said = (said + chunk)[-4096:]
    return said


async def _within(waiting: Awaitable[T]) -> T:
    try:
        return await asyncio.wait_for(waiting, STALL)
    except TimeoutError:
        raise UploadError(f"the host took nothing and said nothing for {STALL:.0f} s") from None


async def _why_not(channel: Channel) -> str:
    """What the host said last before it ended."""
    with contextlib.suppress(UploadError):
        await _within(_all(channel))
    errors = channel.errors()
    lines = sanitise(decode(errors)).split("\n")[1 if len(errors) >= ERRORS_KEPT else 0 :]
    said = [line.strip() for line in lines if line.strip()]
    # Of a tar that fails the first line says why, and the last that it failed.
    return mask("; ".join(dict.fromkeys((*said[:1], *said[-1:])))) or f"the host ended it with exit {channel.exit}"
