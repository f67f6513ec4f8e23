"""P6 and P12: 200 hosts at once, against a loop of bare asyncssh connections to the same sshd.

One real host stands in for 200: 200 connections to it, each with its own shell. What it cannot show is 200 different
hosts' data; every connection parses its own copy. Its units are not asked.
"""

import asyncio
import gc
import resource
import statistics
import time
from functools import partial
from pathlib import Path

import asyncssh

from console.core.finding import Finding
from console.core.snapshot import LinkState, Snapshot
from console.remote.connect import JumpPool, connect, prepare
from console.remote.fleet import Fleet
from console.remote.transport import HostSpec
from tests.lab import Lab

HOSTS = 200
WATCHED = 20
"""Seconds for which the event loop's lag is watched."""
AT_ONCE = 8
PATIENCE = 180.0
"""Seconds after which the measure is given up."""


def _memory() -> int:
    """Bytes that this process holds now (proc_pid_statm(5))."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def _bare(config: str) -> tuple[float, float]:
    """Seconds until all connections stand, and bytes for each, with one channel open as the console has it."""
    gate = asyncio.Semaphore(AT_ONCE)
    open_: list[asyncssh.SSHClientConnection] = []

    async def one() -> None:
        async with gate:
            open_.append(await asyncssh.connect("bench", config=[config], compression_algs=["zlib@openssh.com"]))

    gc.collect()
    before, began = _memory(), time.monotonic()
    await asyncio.gather(*(one() for _ in range(HOSTS)))
    seconds = time.monotonic() - began
    processes = [await connection.create_process("cat", encoding=None) for connection in open_]
    each = (_memory() - before) / HOSTS
    for process in processes:
        process.close()
    for connection in open_:
        connection.close()
    await asyncio.gather(*(connection.wait_closed() for connection in open_))
    return seconds, each


async def _ours(config: str) -> tuple[float, float, float, float]:
    """Seconds until all are up, bytes for each, p99 of the loop's lag in seconds, and CPU seconds a second."""
    specs = [HostSpec(f"h{number}", "bench", ssh_config=config) for number in range(HOSTS)]
    await prepare(specs)
    fleet = Fleet(specs, partial(connect, pool=JumpPool()), lambda snapshot: ())
    gc.collect()
    before, began = _memory(), time.monotonic()
    live: set[str] = set()
    all_live = asyncio.Event()

    def changed(snapshot: Snapshot, _findings: tuple[Finding, ...]) -> None:
        if snapshot.link.state is LinkState.UP and snapshot.sample is not None:
            live.add(snapshot.host)
            if len(live) == HOSTS:
                all_live.set()

    fleet.start(changed)
    async with asyncio.timeout(PATIENCE):
        await all_live.wait()
    seconds = time.monotonic() - began
    # One machine stands in for all and is swept by every connection: that is its cost, not the console's.
    for spec in specs:
        async with asyncio.timeout(PATIENCE):
            snapshot = await fleet.settled(spec.name)
        assert snapshot.link.state is LinkState.UP, snapshot.link
    each = (_memory() - before) / HOSTS
    lags = []
    cpu, began = time.process_time(), time.monotonic()
    while time.monotonic() - began < WATCHED:
        asked = time.monotonic()
        await asyncio.sleep(0.01)
        lags.append(time.monotonic() - asked - 0.01)
    spent = (time.process_time() - cpu) / (time.monotonic() - began)
    await fleet.stop()
    return seconds, each, statistics.quantiles(lags, n=100)[98], spent


async def _measure(config: str) -> list[str]:
    bare, bare_each = await _bare(config)
    ours, each, lag, cpu = await _ours(config)
    return [
        f"P6  {HOSTS} hosts live in {ours:.2f} s, bare connect loop {bare:.2f} s: ratio {ours / bare:.2f} (goal 1.3); "
        f"event-loop lag p99 {lag * 1e3:.1f} ms (goal 20); {cpu * 100:.0f} % of a core at 1 Hz (to hold: 10)",
        f"P12 memory for each host: {each / 1024:.0f} KiB, bare connection with zlib {bare_each / 1024:.0f} KiB: "
        f"ratio {each / bare_each:.2f} (goal 1.5)",
    ]


def run() -> list[str]:
    """Boot the host that stands in for all and measure."""
    with Lab() as lab:
        host = lab.boot("bench", sshd_config="MaxStartups 400:30:500\nMaxSessions 20")
        # One PID 1 cannot be that of 200 hosts: each look of one connection would be a change to all others.
        host.sh("chmod a-x /usr/bin/systemctl")
        return asyncio.run(_measure(str(lab.ssh_config("root"))))


if __name__ == "__main__":
    print("\n".join(run()))
