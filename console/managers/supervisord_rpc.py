"""The words of supervisord's XML-RPC over its socket; see supervisord.org/api.html."""

import re
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass
from xml.parsers.expat import ExpatError

from console.core.probe import ParseError
from console.core.text import sanitise

DEEPEST = 16
"""Lists within lists that are taken; supervisord's own are four deep."""
Call = tuple[str, tuple[object, ...]]

STATE: tuple[Call, ...] = (("getState", ()), ("getPID", ()), ("getAllProcessInfo", ()))
"""What is asked every time: one request."""
CONFIGS: Call = ("getAllConfigInfo", ())
"""What the daemon read last, of every program: long."""
LOG: Call = ("readLog", (-16384, 0))
"""The end of its log, when something happened."""
WHOLE_LOG: Call = ("readLog", (-262144, 0))
"""More of it, the first time."""


_MOVING = re.compile(rb"(<name>(?:now|description)</name>\s*<value><(?:int|string)>)[^<]*")
"""The clock of the daemon, and for how long a program is up."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A call that was refused."""

    code: int
    text: str


class RpcError(Exception):
    """The socket answered, but not as supervisord does; ``status`` is that of HTTP."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def request(calls: Sequence[Call]) -> bytes:
    """One HTTP request for several calls. HTTP/1.0, so that the daemon closes the connection after its answer."""
    calling = [{"methodName": f"supervisor.{name}", "params": list(params)} for name, params in calls]
    body = xmlrpc.client.dumps((calling,), "system.multicall").encode()
    head = f"POST /RPC2 HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def still(data: bytes) -> bytes:
    """What came back without the times that move on by themselves: where it is the same, nothing new was told."""
    return _MOVING.sub(rb"\1", data.partition(b"\r\n\r\n")[2])


def answers(data: bytes, calls: Sequence[Call]) -> list[object]:
    """What came back, a value or a ``Fault`` for each call; raises ``RpcError`` and ``ParseError``."""
    head, _, body = data.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise RpcError(0, "what answers on its socket is no supervisord")
    status = int(words[1])
    if status == 401:
        raise RpcError(401, "its socket asks for a user and a password")
    if status != 200:
        raise RpcError(status, f"its socket answers with HTTP status {status}")
    told = _loaded(body)
    if not isinstance(told, list) or len(told) != len(calls):
        # Its text may be deeper than can be written out.
        raise ParseError(f"{len(calls)} answers", type(told).__name__)
    return [_value(each) for each in told]


def _loaded(body: bytes) -> object:
    try:
        values, _ = xmlrpc.client.loads(body)
    except xmlrpc.client.Fault as fault:
        raise RpcError(200, f"it refuses: {sanitise(str(fault.faultString))[:200]}") from None
    except (
        ExpatError,
        xmlrpc.client.Error,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ParseError("an answer of XML-RPC", f"{type(error).__name__} in {body[:80]!r}") from None
    return values[0] if values else None


def _value(told: object) -> object:
    """In a multicall a result is the only one of a list, except that supervisord gives it bare."""
    if isinstance(told, dict) and "faultCode" in told:
        code, text = told.get("faultCode"), told.get("faultString")
        text = text if isinstance(text, str) else type(text).__name__
        return Fault(code if isinstance(code, int) else 0, sanitise(text)[:200])
    return clean(told)


def clean(value: object, depth: int = 0) -> object:
    """The same with every text safe to show; raises ``ParseError`` for what is nested deeper than any answer."""
    if depth > DEEPEST:
        raise ParseError("an answer of XML-RPC", f"lists more than {DEEPEST} deep")
    if isinstance(value, str):
        return sanitise(value)
    if isinstance(value, list):
        return [clean(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {str(key): clean(each, depth + 1) for key, each in value.items()}
    return value
