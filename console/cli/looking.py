"""Asking hosts for a command that ends: connect, wait until each was looked at, show that time passes."""

import asyncio
import importlib
import shutil
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from console.cli import again
from console.cli.errors import CliError, Exit
from console.config.model import Config
from console.core.snapshot import LinkState, Snapshot
from console.remote.transport import HostSpec, TransportError

if TYPE_CHECKING:
    from console.remote.fleet import Fleet

T = TypeVar("T")

PATIENCE, TICK = 0.4, 0.25
"""Seconds without an answer after which a person is told what is waited for, and between two lines of that."""

MOST_NAMED = 4
"""Hosts that are named in that line, each with its state."""

STEP, WHOLE_WITHIN = 0.05, 4.0
"""Seconds between two glances at what has arrived, and for all of them together."""

LOOKS = ("console.remote.fleet", "console.cli.wiring", "console.cli.declared")
"""What looks at hosts."""

FleetFactory = Callable[[Config, tuple[HostSpec, ...]], AbstractAsyncContextManager["Fleet"]]


async def load(names: Iterable[str]) -> None:
    """Load modules in a thread, while hosts are waited for."""
    for name in names:
        await asyncio.to_thread(importlib.import_module, name)


@asynccontextmanager
async def real_fleet(config: Config, specs: tuple[HostSpec, ...]) -> "AsyncIterator[Fleet]":
    """The fleet of these hosts, not started. They are connected to while all that looks at them is loaded."""
    from console.remote.connect import ahead

    async with ahead(specs) as reach:
        await load(LOOKS)
        from console.cli.wiring import fleet

        yield fleet(config, specs, reach)


make_fleet: FleetFactory = real_fleet
"""What makes the fleet; tests put another one here."""


def ask(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end; a lost host ends it with exit code 3."""
    try:
        return asyncio.run(work)
    except TransportError as error:
        raise CliError(str(error), _code(error)) from None


def _code(error: TransportError) -> Exit:
    """A host that answers and refuses is no host that cannot be reached."""
    match error.code:
        case "log" | "channels":
            return Exit.PROBLEM
        case "config":
            return Exit.USAGE
        case _:
            return Exit.UNREACHABLE


@asynccontextmanager
async def started(config: Config, specs: tuple[HostSpec, ...]) -> "AsyncIterator[Fleet]":
    """A fleet that looks, stopped at the end."""
    async with make_fleet(config, specs) as fleet:
        fleet.start()
        try:
            yield fleet
        finally:
            await fleet.stop()


async def settled(fleet: "Fleet", hosts: Iterable[str], *, health: bool = False) -> tuple[Snapshot, ...]:
    """Every host's first whole look, or the reason why there is none; with what declared checks of ``health`` say."""
    names = tuple(hosts)
    tasks = {name: asyncio.create_task(whole(fleet, name, health=health)) for name in names}
    async with _patience(lambda: _progress(fleet, tasks)):
        return tuple(await asyncio.gather(*tasks.values()))


async def whole(fleet: "Fleet", host: str, *, rates: bool = True, health: bool = False) -> Snapshot:
    """One host's first whole look. Rates take two samples, so the second one is waited for where they are wanted."""
    snapshot = await (fleet.checked(host) if health else fleet.settled(host))
    for _ in range(int(WHOLE_WITHIN / STEP)):
        if snapshot.link.state is not LinkState.UP or _complete(snapshot, rates=rates):
            break
        await asyncio.sleep(STEP)
        snapshot = fleet.snapshot(host)
    return _with_next_step(fleet, snapshot)


def _with_next_step(fleet: "Fleet", snapshot: Snapshot) -> Snapshot:
    """A host whose key is not known is told with the command that accepts it."""
    key = fleet.offered_key(snapshot.host) if snapshot.link.code == "host-key-unknown" else None
    if key is None:
        return snapshot
    way = again.command("doctor", snapshot.host, "--accept-key", key.fingerprint)
    return replace(snapshot, link=replace(snapshot.link, error=f"{snapshot.link.error}: {way}"))


def _complete(snapshot: Snapshot, *, rates: bool) -> bool:
    """Whether every quick source has answered, well or not."""
    vitals, listeners = snapshot.source("vitals"), snapshot.source("listeners")
    if vitals is None or listeners is None:
        return False
    return not rates or snapshot.rates is not None or vitals.failure is not None


async def up(fleet: "Fleet", host: str, *, managers: bool = True) -> Snapshot:
    """One host's first whole look; ends the command with exit code 3 when it cannot be reached.

    Without ``managers`` those of its service managers are not waited for that have yet to tell their services.
    """
    async with _patience(lambda: f"{host}: {_state(fleet, host, done=False)}"):
        if managers:
            snapshot = await whole(fleet, host, rates=False)
        else:
            snapshot = _with_next_step(fleet, await fleet.seen(host))
    if snapshot.link.state is not LinkState.UP:
        reason = snapshot.link.error or f"it is {snapshot.link.state}"
        raise CliError(f"{host} cannot be reached: {reason}", Exit.UNREACHABLE)
    return snapshot


async def watched(waited_for: str, work: Awaitable[T]) -> T:
    """Await something and tell a person, after a while, what is waited for."""
    async with _patience(lambda: f"{waited_for}: looking"):
        return await work


@asynccontextmanager
async def _patience(told: Callable[[], str]) -> AsyncIterator[None]:
    """While the body runs, tell on a terminal what is waited for; the line is taken away at the end."""
    if not sys.stderr.isatty():
        yield
        return
    teller = asyncio.create_task(_tell(told))
    try:
        yield
    finally:
        teller.cancel()
        await asyncio.gather(teller, return_exceptions=True)


async def _tell(told: Callable[[], str]) -> None:
    begun = time.monotonic()
    await asyncio.sleep(PATIENCE)
    try:
        while True:
            room = shutil.get_terminal_size().columns - 1
            text = f"{told()}, {time.monotonic() - begun:.0f} s"
            print(f"\r\x1b[K{text[:room]}", end="", file=sys.stderr, flush=True)
            await asyncio.sleep(TICK)
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _progress(fleet: "Fleet", tasks: "Mapping[str, asyncio.Task[Snapshot]]") -> str:
    """``3 hosts: web1 up, web2 connecting``; of many those that are waited for."""
    states = {name: _state(fleet, name, done=task.done()) for name, task in tasks.items()}
    if len(states) == 1:
        return next(f"{name}: {state}" for name, state in states.items())
    if len(states) <= MOST_NAMED:
        return f"{len(states)} hosts: {', '.join(f'{name} {state}' for name, state in states.items())}"
    counts = ", ".join(f"{count} {state}" for state, count in Counter(states.values()).items())
    waited = [name for name, task in tasks.items() if not task.done()]
    more = " ..." if len(waited) > MOST_NAMED else ""
    return f"{len(states)} hosts: {counts}; waiting for {', '.join(waited[:MOST_NAMED])}{more}"


def _state(fleet: "Fleet", name: str, *, done: bool) -> str:
    """The state of its link; a host that is up and not seen as a whole yet is looked at."""
    state = fleet.snapshot(name).link.state
    return "looking" if state is LinkState.UP and not done else state.value
