"""Bounds for the SDK's client: whoever owns a socket may be no engine at all, and must not take memory or a thread."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of one answer."""
MAX_PARTS = 500_000
"""Values in one answer: each takes far more memory than its bytes."""
MAX_LINE = 256 * 1024
"""Bytes of one event."""
OVERALL = 3.0
"""How often its timeout, which is for one read, a whole answer may take."""
_READ = 65536


class Bounded:
    """What stands before the SDK's own client in the order of classes.

    Every answer ends in time and is no longer than it may be; ``shut`` ends whatever is under way.
    """

    def __init__(self, path: str, timeout: float, version: str) -> None:
        self._sockets: list[socket.socket] = []
        parent: Any = super()
        parent.__init__(base_url=f"unix://{path}", version=version, timeout=timeout)
        self.trust_env = False
        self.timeout: float

    def mount(self, prefix: str | bytes, adapter: Any) -> None:
        """Keep one pool: the SDK has one for each URL, so that every container would have a connection of its own."""
        parent: Any = super()
        parent.mount(prefix, adapter)
        if prefix == "http+docker://":
            pool = adapter.get_connection("http+docker://localhost")
            make = pool._new_conn
            pool._new_conn = lambda: self._watched(make())
            adapter.get_connection = lambda url, proxies=None: pool

    def send(self, request: Any, **more: Any) -> Any:
        """Send a request; what is not a stream is read to its end."""
        streams = more.pop("stream", False)
        request.headers["Accept-Encoding"] = "identity"
        limit = OVERALL * float(more.get("timeout") or self.timeout)
        ends = time.monotonic() + limit
        timer = threading.Timer(limit, self.shut)
        timer.daemon = True
        timer.start()
        parent: Any = super()
        try:
            response = parent.send(request, stream=True, **more)
            if not streams:
                _read_whole(response)
        except Exception:
            _in_time(ends)
            raise
        finally:
            timer.cancel()
        _in_time(ends)
        return response

    def lengthen(self, seconds: float) -> None:
        """Wait so long for whatever comes next."""
        for each in self._sockets:
            with suppress(OSError):
                each.settimeout(seconds)

    def shut(self) -> None:
        """End all that is read, in whichever thread."""
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _watched(self, connection: Any) -> Any:
        connect = connection.connect

        def connected() -> None:
            connect()
            self._sockets = [each for each in self._sockets if each.fileno() >= 0] + [connection.sock]

        connection.connect = connected
        return connection


def _in_time(ends: float) -> None:
    if time.monotonic() >= ends:
        raise TimeoutError("timed out") from None


def lines(response: Any) -> Iterator[bytes]:
    """The lines of a stream as they come."""
    rest = b""
    for part in _parts(response):
        *whole, rest = (rest + part).split(b"\n")
        if len(rest) > MAX_LINE or any(len(line) > MAX_LINE for line in whole):
            raise ValueError(f"an event is longer than {MAX_LINE} bytes")
        yield from (line for line in whole if line.strip())


def _parts(response: Any) -> Iterator[bytes]:
    # What urllib3 reads of a chunk's head has no bound; http.client's reader has one.
    source = response.raw._fp
    while part := source.read1(_READ):
        yield part


def _read_whole(response: Any) -> None:
    try:
        body = _bounded(response)
    except BaseException:
        response.close()
        raise
    response.raw._fp.close()
    response.raw.release_conn()
    response._content = body
    response._content_consumed = True


def _bounded(response: Any) -> bytes:
    body = bytearray()
    for part in _parts(response):
        body += part
        if len(body) > MAX_ANSWER:
            raise ValueError(f"the answer is longer than {MAX_ANSWER} bytes")
    if sum(body.count(sign) for sign in (b",", b"{", b"[")) > MAX_PARTS:
        raise ValueError(f"the answer has more than {MAX_PARTS} parts")
    return bytes(body)
