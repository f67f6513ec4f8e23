"""A program's whole output, bounded in time and size: what ``Transport.run`` is made of."""

import asyncio
import time

from console.core.command import Command, Output
from console.core.text import decode, sanitise
from console.remote.transport import Channel, ChannelLimitError, Transport

MAX_CHANNELS = 5
"""Open channels of one connection: three probe shells (ticks; what is slower; service managers, so that one that hangs
holds up nothing else) and two for logs and changes. sshd allows ten by default, and others want some too."""

FREE_AFTER = 0.5
"""Seconds after which what found all channels in use is tried again."""
MAX_OUTPUT = 4 * 1024 * 1024
"""Bytes of standard output that are kept of one command."""

_STRAGGLERS = 0.25
"""Seconds in which to look whether a program has ended although something it started still holds its output open."""


def too_many() -> ChannelLimitError:
    """The refusal of one more than ``MAX_CHANNELS``."""
    return ChannelLimitError(
        f"all {MAX_CHANNELS} channels that hostdeck opens on one connection are in use: try again in a moment"
    )


async def run_when_free(transport: Transport, command: Command) -> Output:
    """What a command prints, once one of the channels is free; raises ``TransportError``."""
    while True:
        try:
            return await transport.run(command)
        except ChannelLimitError:
            await asyncio.sleep(FREE_AFTER)


async def collect(channel: Channel, seconds: float) -> Output:
    """Read a program to its end; the exit is -1 when it has not ended within ``seconds``.

    Raises ``TransportError`` when the link is lost. The channel is left open.
    """
    began = time.monotonic()
    kept = bytearray()
    dropped = 0
    finished = False
    while (left := began + seconds - time.monotonic()) > 0:
        try:
            async with asyncio.timeout(min(left, _STRAGGLERS)):
                chunk = await channel.read()
        except TimeoutError:
            if finished:
                break
            # What came together with its end, just as this look was given up, is still to be read.
            finished = channel.exit is not None
            continue
        if not chunk:
            finished = True
            break
        room = MAX_OUTPUT - len(kept)
        kept += chunk[:room]
        dropped += max(0, len(chunk) - room)
    stdout = sanitise(decode(bytes(kept)))
    if dropped:
        stdout += f"\n[{dropped} bytes cut]"
    status = channel.exit if finished else None
    return Output(
        -1 if status is None else status, stdout, sanitise(decode(channel.errors())), time.monotonic() - began
    )
