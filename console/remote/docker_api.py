"""The one place that speaks to Docker: its SDK over a local socket, in threads that never hold up an exit.

Importing the SDK costs 186 ms, so it is imported where it is used, on the first connection.
"""

import asyncio
import email.utils
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from console.core.text import cut, sanitise
from console.remote.docker_client import Bounded, lines

T = TypeVar("T")
_MAX_IDENT = 128
_MAX_NAME = 254

TIMEOUT = 10.0
"""Seconds for one answer."""
PING_TIMEOUT = 5.0
QUIET = 600.0
"""Seconds without an event after which all is opened anew: a thread that reads must come to an end."""
REMEMBERED, AFTER = 30.0, 3.0
"""Seconds before an end, and after it, in which the engine may tell that somebody asked for it."""
HARMLESS = frozenset(
    {"HUP", "SIGHUP", "1", "USR1", "SIGUSR1", "10", "USR2", "SIGUSR2", "12", "WINCH", "SIGWINCH", "28"}
)

_EVENTS = [
    "create", "start", "restart", "die", "died", "stop", "kill", "oom", "pause", "unpause", "rename", "destroy",
    "remove", "update", "health_status",
]  # fmt: skip
"""What may change a container; the ``exec_*`` of its health checks are not among it."""


class EngineError(Exception):
    """The engine does not answer, or not well; one line for a person."""


class SilentError(EngineError):
    """It gave no answer in time."""


class GoneError(EngineError):
    """There is no such container any more."""


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """Run something that blocks in a thread of its own, which is left behind where nobody waits for it any more."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failure = None, None
        try:
            result = work(*args)
        except Exception as error:
            failure = error
        _into(loop, tell, result, failure)

    threading.Thread(target=run, name="docker", daemon=True).start()
    return await future


def _into(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *args: Any) -> None:
    try:
        loop.call_soon_threadsafe(call, *args)
    except RuntimeError:
        # The loop has been closed meanwhile: nobody waits.
        return


class Api:
    """One engine behind a local socket. Every method blocks and raises ``EngineError``."""

    def __init__(self, path: str, what: str) -> None:
        self._what = what
        self._path = path
        # One that hangs is told before whoever asks but once has lost patience.
        self._client = self._guard(self._connect, PING_TIMEOUT)
        self._client.timeout = TIMEOUT
        self._stream: Any = None
        self._closed = False

    def ping(self) -> float:
        """Ask whether it is there; gives the engine's clock in Unix seconds."""
        return self._guard(self._ping)

    def containers(self) -> dict[str, tuple[str, str]]:
        """Name and state of every container by its identity, without asking for each."""
        found = self._guard(self._client.containers, all=True)
        return {one["Id"]: (_name(one), f"{one.get('State')} {_health(one.get('Status', ''))}") for one in found}

    def inspect(self, ident: str) -> Mapping[str, Any]:
        """All that the engine tells of one container."""
        found: Mapping[str, Any] = self._guard(self._client.inspect_container, ident)
        return found

    def asked_to_end(self, ident: str, finished: float, now: float) -> bool | None:
        """Whether somebody asked for the end of a container; ``None`` where the engine remembers nothing of it."""
        return self._guard(self._asked, ident, finished, now)

    def removed(self, now: float) -> tuple[Mapping[str, str], ...]:
        """The labels of containers that were removed, the latest last; an engine remembers some hundred events."""
        return self._guard(self._removed, now)

    def follow(self, since: float, tell: Callable[[str, float], None], opened: Callable[[], None]) -> None:
        """Tell of every change of a container, from a moment on, until the stream ends."""
        try:
            self._guard(self._follow, since, tell, opened)
        finally:
            self._stream = None

    def close(self) -> None:
        """Close all connections; a stream that is read in another thread ends. Never raises."""
        self._closed = True
        for client in (self._stream, self._client):
            # It is of no use any more, in whatever state it is.
            with suppress(Exception):
                client.shut()
                client.close()

    def _connect(self, timeout: float, version: str = "auto") -> Any:
        import docker

        made: Any = type("Client", (Bounded, docker.APIClient), {})
        return made(self._path, timeout, version)

    def _ping(self) -> float:
        answer = self._client.get(f"{self._client.base_url}/_ping", timeout=PING_TIMEOUT)
        answer.raise_for_status()
        at = answer.headers.get("Date", "")
        try:
            return email.utils.parsedate_to_datetime(at).timestamp()
        except ValueError:
            return time.time()

    def _asked(self, ident: str, finished: float, now: float) -> bool | None:
        # For events of the future it would wait. That of the stop comes after the end; it is then asked again.
        until = max(finished, min(finished + AFTER, now)) + 0.001
        wanted = json.dumps({"container": [ident], "event": ["kill", "stop", "die", "died"]})
        events = self._past(finished - REMEMBERED, until, wanted)
        if any(_asks(event) for event in events):
            return True
        # Podman tells nothing of a stop.
        return False if events and self._what == "dockerd" else None

    def _removed(self, now: float) -> tuple[Mapping[str, str], ...]:
        # That of Podman reads its whole journal.
        if self._what != "dockerd":
            return ()
        wanted = json.dumps({"type": ["container"], "event": ["destroy"], "label": ["com.docker.compose.project"]})
        told = [(event.get("Actor") or {}).get("Attributes") for event in self._past(0, now, wanted)]
        return tuple(one for one in told if isinstance(one, dict) and all(isinstance(v, str) for v in one.values()))

    def _past(self, since: float, until: float, wanted: str) -> list[Mapping[str, Any]]:
        answer = self._client.get(
            f"{self._client.base_url}/v{self._client.api_version}/events",
            params={"since": str(int(since)), "until": f"{until:.6f}", "filters": wanted},
            timeout=TIMEOUT,
        )
        answer.raise_for_status()
        found = (json.loads(line) for line in answer.text.splitlines() if line.strip())
        return [event for event in found if isinstance(event, dict)]

    def _follow(self, since: float, tell: Callable[[str, float], None], opened: Callable[[], None]) -> None:
        # A client of its own, because the other one's timeout would end the stream.
        self._stream = client = self._connect(TIMEOUT, self._client.api_version)
        try:
            filters = json.dumps({"type": ["container"], "event": _EVENTS})
            url = f"{client.base_url}/v{client.api_version}/events"
            answer = client.get(url, params={"since": int(since), "filters": filters}, stream=True, timeout=TIMEOUT)
            answer.raise_for_status()
            client.lengthen(QUIET)
            if self._closed:
                return
            opened()
            for line in lines(answer):
                event = json.loads(line)
                ident = event.get("id") or (event.get("Actor") or {}).get("ID")
                if isinstance(ident, str) and len(ident) <= _MAX_IDENT:
                    tell(ident, float(event.get("timeNano") or 0) / 1e9 or float(event.get("time") or 0))
        finally:
            client.shut()
            client.close()

    def _guard(self, work: Callable[..., T], *args: Any, **more: Any) -> T:
        import docker.errors
        import requests

        try:
            return work(*args, **more)
        except docker.errors.NotFound as error:
            raise GoneError(self._line(error.explanation or error)) from None
        except docker.errors.APIError as error:
            raise EngineError(self._line(error.explanation or error)) from None
        except (requests.exceptions.Timeout, TimeoutError):
            raise SilentError(f"{self._what} does not answer") from None
        except requests.exceptions.RequestException as error:
            if "timed out" in str(error).lower():
                raise SilentError(f"{self._what} does not answer") from None
            raise EngineError(f"{self._what} closed the connection") from None
        except docker.errors.DockerException as error:
            if "timed out" in str(error).lower():
                raise SilentError(f"{self._what} does not answer") from None
            raise EngineError(self._line(error)) from None
        except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
            # A stream that another thread closes, or an answer that is none of Docker's.
            raise EngineError(f"{self._what}: {type(error).__name__}: {self._short(error)}") from None

    def _line(self, error: object) -> str:
        return f"{self._what}: {self._short(error)}"

    @staticmethod
    def _short(error: object) -> str:
        return cut(sanitise(str(error)).replace("\n", " "), 200)


def _asks(event: Mapping[str, Any]) -> bool:
    action = event.get("Action") or event.get("status")
    if action == "stop":
        return True
    signal = ((event.get("Actor") or {}).get("Attributes") or {}).get("signal", "")
    return action == "kill" and signal not in HARMLESS


def _name(told: Mapping[str, Any]) -> str:
    names = told.get("Names")
    return cut(sanitise(str(names[0])).replace("\n", " ").lstrip("/"), _MAX_NAME) if names else ""


def _health(status: object) -> str:
    """What ``docker ps`` says in brackets, without the time that changes with every look."""
    return str(status).partition("(")[2].partition(")")[0]
