"""The ways to look at a host that are measured beside one another.

The peer runs the same commands one exec each over one uncompressed connection, as a tool without a shell of its own
would; the bare read only reads the bytes that the console reads.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

import asyncssh

from console.findings import Evaluator
from console.managers.systemd import WATCH
from console.probes import listeners, vitals
from console.remote.builder import SnapshotBuilder
from console.remote.connect import JumpPool, connect
from console.remote.fleet import Fleet
from console.remote.probe_program import BOOT, program, request
from console.remote.shell import Ask, ProbeShell
from console.remote.transport import HostSpec
from tests.bench.meter import Meter, Spent

TICKS = 60
WATCHED = 120
"""Seconds for which the real poller is watched; every routine look falls into it once at least."""
IDLE = 30
"""Seconds for which the host is watched by itself, before and after."""
QUIET = 5.0
"""Seconds that a host gets to come to rest after a login: systemd starts a manager for the user."""
LOGGED_OUT = 15.0
"""The same after the last logout: 10 s later systemd ends that manager."""
PROBES = (vitals.PROBE, WATCH, listeners.PROBE)
"""A tick that asks all that the fast lane knows. The poller asks the last two only when counters say so."""

SEPARATE = (
    "cat /proc/stat",
    "cat /proc/meminfo",
    "cat /proc/loadavg",
    "cat /proc/diskstats",
    "cat /proc/net/dev",
    "cat /proc/pressure/cpu",
    "cat /proc/pressure/io",
    "cat /proc/pressure/memory",
    "ss -Hltunpe",
    "systemctl list-units --type=service --all --no-legend --plain",
)


async def full_tick(spec: HostSpec, meter: Meter) -> Spent:
    """A tick of ours that asks all that the fast lane knows, parsed and modelled."""
    transport = connect(spec, JumpPool())
    await transport.connect()
    shell = ProbeShell(transport, PROBES)
    await shell.start()
    builder = SnapshotBuilder(spec.name, time.monotonic(), time.time)
    asks = [Ask(probe) for probe in PROBES]

    async def tick() -> None:
        builder.take(await shell.request(asks), time.monotonic())

    await asyncio.sleep(QUIET)
    spent = await meter.per_tick(tick, TICKS)
    await shell.close()
    await transport.close()
    return spent


async def bare_read(spec: HostSpec, meter: Meter) -> Spent:
    """The bare asyncssh way to the same bytes: a channel that counts them."""
    config = [spec.ssh_config or ""]
    async with asyncssh.connect(
        spec.name, config=config, compression_algs=["zlib@openssh.com"], encryption_algs=["aes128-gcm@openssh.com"]
    ) as connection:
        process = await connection.create_process(f"env LC_ALL=C sh -c '{BOOT}'", encoding=None)
        process.stdin.write(program(PROBES, "bare"))
        await process.stdout.readline()
        line = request(1, [(probe, ()) for probe in PROBES])

        async def tick() -> None:
            process.stdin.write(line)
            head = await process.stdout.readline()
            await process.stdout.readexactly(int(head.split()[2]))

        await asyncio.sleep(QUIET)
        spent = await meter.per_tick(tick, TICKS)
        process.stdin.write_eof()
        return spent


async def separate(spec: HostSpec, meter: Meter, commands: Sequence[str], ticks: int = TICKS) -> Spent:
    """The peer: an exec for each command."""
    async with asyncssh.connect(spec.name, config=[spec.ssh_config or ""], compression_algs=["none"]) as connection:

        async def tick() -> None:
            for command in commands:
                await connection.run(command, encoding=None, check=True)

        await asyncio.sleep(QUIET)
        return await meter.per_tick(tick, ticks)


async def polled(spec: HostSpec, meter: Meter) -> tuple[Spent, Spent]:
    """What the real poller spends for each tick, in the mean of two minutes, beyond what the idle host spends.

    Also what that is in each second: of half a minute before and another after, because a host comes to rest slowly.
    """
    await asyncio.sleep(LOGGED_OUT)
    before = await meter.idle(IDLE)
    fleet = Fleet([spec], partial(connect, pool=JumpPool()), Evaluator())
    fleet.start()
    await fleet.settled(spec.name)
    await asyncio.sleep(QUIET)
    began = meter.now()
    await asyncio.sleep(WATCHED)
    spent = meter.now().since(began, WATCHED)
    await fleet.stop()
    await asyncio.sleep(LOGGED_OUT)
    idle = before.mean(await meter.idle(IDLE))
    return spent.beyond(idle), idle
