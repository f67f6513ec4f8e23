"""A TCP proxy that delays: `python -m tests.lab.delay ADDRESS PORT MILLISECONDS` (each direction).

Prints the port it listens on at 127.0.0.1. What comes together leaves together, later: the rate is not
limited, only the way is longer. Ends with the process that started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass bytes on, each piece `delay` seconds after it came."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=4096)

    async def take() -> None:
        while True:
            piece = b""
            with contextlib.suppress(OSError):
                piece = await reader.read(65536)
            await queue.put((loop.time() + delay, piece))
            if not piece:
                return

    taking = asyncio.ensure_future(take())
    try:
        while True:
            due, piece = await queue.get()
            await asyncio.sleep(due - loop.time())
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
    except OSError:
        taking.cancel()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()


async def serve(address: str, port: int, delay: float) -> None:
    """Accept connections for ever."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(delay * 2)  # the handshake's own round trip
        try:
            far_reader, far_writer = await asyncio.open_connection(address, port)
        except OSError:
            writer.close()
            return
        for side in (writer, far_writer):
            side.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.gather(pump(reader, far_writer, delay), pump(far_reader, writer, delay))

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) / 1000))
