"""A shell on a host with the user's own ssh, in the terminal that the console gives away for that time."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

from console.core.text import sanitise
from console.remote.destination import split_destination

if TYPE_CHECKING:
    from textual.app import App

    from console.remote.transport import HostSpec

RELAY_SECONDS = 0.2
"""How long the last words of an ssh that has ended are waited for."""


def shell_argv(spec: HostSpec, own_shell: str) -> tuple[str, ...]:
    """The command: ssh as the host is configured here, or a shell of this machine."""
    if spec.destination is None:
        return (own_shell,)
    named = split_destination(spec.destination)
    words: list[str] = ["ssh"]
    for flag, value in (("-F", spec.ssh_config), ("-l", spec.user or named.user), ("-J", spec.jump)):
        if value:
            words += [flag, value]
    port = spec.port if spec.port is not None else named.port
    if port is not None:
        words += ["-p", str(port)]
    for path in spec.identity_files:
        words += ["-i", path]
    if spec.known_hosts:
        words += ["-o", f"UserKnownHostsFile={spec.known_hosts}"]
    return (*words, "--", named.host)


async def open_shell(app: App[int], spec: HostSpec) -> str | None:
    """Give the terminal away until the shell ends; connections go on meanwhile. Returns what went wrong, if so."""
    argv = shell_argv(spec, os.environ.get("SHELL") or "/bin/sh")
    # Nothing may be painted meanwhile: what is written to a suspended driver piles up until it blocks.
    with app.batch_update(), app.suspend():
        try:
            status, said = await _run(argv, listen=spec.destination is not None)
        except OSError as error:
            return f"{argv[0]} cannot be started: {error.strerror or error}"
    if status != 255:
        return None
    return f"ssh to {spec.name} failed: {said}" if said else f"ssh to {spec.name} ended with status {status}"


async def _run(argv: tuple[str, ...], *, listen: bool) -> tuple[int, str]:
    """Run it in this terminal; its status, and the last line of its standard error where that is listened to.

    A shell of this machine needs the terminal itself there, to be a shell for a person. ssh asks for passwords on the
    terminal and not there.
    """
    if not listen:
        return await (await asyncio.create_subprocess_exec(*argv)).wait(), ""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", 0) as stream:
        try:
            process = await asyncio.create_subprocess_exec(*argv, stderr=writing)
        finally:
            os.close(writing)
        kept = bytearray()
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stream)
        relay = asyncio.create_task(_relay(reader, kept))
        status = await process.wait()
        # A shared connection that stays behind keeps the pipe open: what it says later is nobody's error.
        await asyncio.wait((relay,), timeout=RELAY_SECONDS)
        relay.cancel()
        transport.close()
    lines = sanitise(kept.decode("utf-8", "replace").replace("\r", "\n")).split("\n")
    return status, next((line.strip() for line in reversed(lines) if line.strip()), "")


async def _relay(stream: asyncio.StreamReader, kept: bytearray) -> None:
    """Show what comes as it comes, and keep its end."""
    while chunk := await stream.read(4096):
        kept += chunk
        del kept[:-4096]
        with contextlib.suppress(OSError):
            os.write(2, chunk)
