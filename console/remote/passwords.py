"""Getting a password of our own: from a command of this machine, its environment or a credential of systemd.

It is held as ``Secret`` in this process alone. A message names where it was to come from, never what was printed there.
"""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from console.core.command import Secret
from console.core.password import PasswordSource

TIMEOUT = 30.0
"""Seconds for the command: it may wait for a touch or for a person elsewhere."""
LONGEST = 16_384
"""Bytes of an answer."""
NOT_AGAIN = 10.0
"""Seconds in which a source that failed is not asked again: a hundred hosts ask for the same at the same time."""


class PasswordError(Exception):
    """There is no password; the text is one line that names the source."""


class Passwords:
    """The passwords of one console, each asked for once, and one at a time: a person may have to confirm."""

    def __init__(self) -> None:
        self._known: dict[PasswordSource, Secret] = {}
        self._failed: dict[PasswordSource, tuple[float, str]] = {}
        self._lock = asyncio.Lock()

    async def of(self, source: PasswordSource) -> Secret:
        """The password of a source; raises ``PasswordError``."""
        async with self._lock:
            if source in self._known:
                return self._known[source]
            loop = asyncio.get_running_loop()
            at, why = self._failed.get(source, (0.0, ""))
            if why and loop.time() - at < NOT_AGAIN:
                raise PasswordError(why)
            try:
                found = await password(source)
            except PasswordError as error:
                self._failed[source] = loop.time(), str(error)
                raise
            self._failed.pop(source, None)
            self._known[source] = found
            return found

    def forget(self, source: PasswordSource) -> None:
        """What it gave did not fit: the next time it is asked again."""
        self._known.pop(source, None)


async def password(source: PasswordSource) -> Secret:
    """Ask a source now; raises ``PasswordError``."""
    if source.command:
        told = await _printed(source)
    elif source.variable:
        told = os.environb.get(os.fsencode(source.variable), b"")
    else:
        told = await asyncio.to_thread(_credential, source)
    line = told.split(b"\n", 1)[0].removesuffix(b"\r")
    if not line:
        nothing = "prints nothing" if source.command else "is empty or not set"
        raise PasswordError(f"{source} {nothing}")
    try:
        return Secret(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise PasswordError(f"{source} gives no text in UTF-8") from None


def _credential(source: PasswordSource) -> bytes:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise PasswordError(f"{source}: CREDENTIALS_DIRECTORY is not set: no unit of systemd started this")
    try:
        with (Path(folder) / source.credential).open("rb") as stream:
            return stream.read(LONGEST)
    except OSError as error:
        raise PasswordError(f"{source}: {(error.strerror or 'cannot be read').lower()}") from None


async def _printed(source: PasswordSource) -> bytes:
    """What the command prints. It gets no terminal: what asks there would write over the screen."""
    env = {name: value for name, value in os.environ.items() if name != "GPG_TTY"}
    try:
        process = await asyncio.create_subprocess_exec(
            *source.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env=env,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "cannot be run"
        raise PasswordError(f"{source}: {why.lower()}") from None
    try:
        async with asyncio.timeout(TIMEOUT):
            told = await _first(process)
            code = await process.wait()
    except TimeoutError:
        raise PasswordError(f"{source} did not end within {TIMEOUT:.0f} s; is it waiting for a terminal?") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if code != 0:
        ended = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise PasswordError(f"{source} ended with {ended}; what it says is not shown: run it yourself")
    return told


async def _first(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    told = b""
    while chunk := await process.stdout.read(LONGEST):
        # The rest is read too, so that it does not end for want of a reader.
        told = (told + chunk)[:LONGEST]
    return told
