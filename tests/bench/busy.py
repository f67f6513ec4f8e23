"""P3, P4, P5 on a host with much on it, and how soon a container that is stopped or started is seen.

``python -m tests.bench BUSY``. What the looks cost is counted wherever it falls: in the sessions, in PID 1, in dockerd,
supervisord and pm2, each beyond what it spends in the same time without the console.
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from console.core.finding import Finding
from console.core.service import State
from console.core.snapshot import Snapshot
from console.findings import Evaluator
from console.remote.connect import JumpPool, connect
from console.remote.fleet import Fleet
from console.remote.transport import HostSpec
from tests.bench import busy_host
from tests.bench.meter import Meter, Spent
from tests.bench.ways import SEPARATE, bare_read, full_tick, polled, separate
from tests.lab import Host, Lab
from tests.managers.docker_zoo import IMAGE

MANAGERS = ("docker ps", "supervisorctl status", "HOME=/srv PM2_HOME=/srv/.pm2 setpriv --reuid=deploy pm2 jlist")
PEER_TICKS = 15
CHANGES = 10
PATIENCE = 20.0
"""Seconds after which a change counts as never seen."""


class _Seen:
    """Tells the moment in which a snapshot first is as it should be."""

    def __init__(self) -> None:
        self.wanted: Callable[[Snapshot], bool] | None = None
        self.at = asyncio.Event()
        self.when = 0.0

    def changed(self, snapshot: Snapshot, _findings: tuple[Finding, ...]) -> None:
        """Take a snapshot."""
        if self.wanted is not None and self.wanted(snapshot):
            self.when = time.monotonic()
            self.wanted = None
            self.at.set()

    def expect(self, wanted: Callable[[Snapshot], bool]) -> None:
        """What is brought about next."""
        self.at.clear()
        self.wanted = wanted


def _is(name: str, state: State) -> Callable[[Snapshot], bool]:
    def wanted(snapshot: Snapshot) -> bool:
        found = [each for each in snapshot.services if each.ref.manager == "docker" and each.ref.name == name]
        return any(each.state is state for each in found)

    return wanted


async def _latency(
    host: Host, seen: _Seen, words: list[str], wanted: Callable[[Snapshot], bool]
) -> tuple[float, float]:
    """Seconds from the start of a command to the snapshot that shows it, and to the end of the command."""
    seen.expect(wanted)
    began = time.monotonic()
    await asyncio.to_thread(host.run, words)
    ended = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        await seen.at.wait()
    return seen.when - began, ended - began


async def _changes(spec: HostSpec, host: Host) -> list[str]:
    seen = _Seen()
    fleet = Fleet([spec], partial(connect, pool=JumpPool()), Evaluator())
    fleet.start(seen.changed)
    await fleet.settled(spec.name)
    stops, runs = [], []
    for number in range(CHANGES):
        name = f"new{number}"
        start = ["docker", "run", "--detach", "--init", "--name", name, IMAGE, "sleep", "1000"]
        runs.append(await _latency(host, seen, start, _is(name, State.RUNNING)))
        stops.append(await _latency(host, seen, ["docker", "stop", "--time", "0", name], _is(name, State.STOPPED)))
    await fleet.stop()
    return [_told("docker run", runs), _told("docker stop", stops)]


def _told(command: str, times: list[tuple[float, float]]) -> str:
    shown, command_itself = (statistics.median(column) for column in zip(*times, strict=True))
    worst = max(shown for shown, _ in times)
    return (
        f"    {command} -> in the snapshot after {shown:.2f} s (median of {len(times)}, at worst {worst:.2f}; "
        f"the command itself takes {command_itself:.2f} s; goal 1)"
    )


async def _measure(host: Host, config: Path) -> list[str]:
    spec = HostSpec(host.name, host.name, ssh_config=str(config))
    meter = Meter(host)
    whole = await full_tick(spec, meter)
    bare = await bare_read(spec, meter)
    commands = (*SEPARATE, *MANAGERS)
    peer = await separate(spec, meter, commands, PEER_TICKS)
    mean, idle = await polled(spec, meter)
    theirs = peer.beyond(idle)
    return [
        f"P3  busy host, bytes of a tick, mean of two minutes of the poller: {mean.wire:.0f}, {len(commands)} separate "
        f"execs {peer.wire:.0f}: ratio {mean.wire / peer.wire:.4f} (goal 0.025; a tick that asks everything quick: "
        f"{whole.wire:.0f})",
        f"P4  busy host, host CPU of a tick, mean of two minutes of the poller: {mean.host * 1e3:.2f} ms, separate "
        f"execs {theirs.host * 1e3:.2f} ms: ratio {mean.host / theirs.host:.3f} (goal 0.04)",
        f"    ours     {_shares(mean)}",
        f"    separate {_shares(theirs)}",
        f"    idle     {_shares(idle)}, each second",
        f"P5  busy host, console CPU of a tick, mean of two minutes of the poller: {mean.own * 1e3:.3f} ms, separate "
        f"execs {peer.own * 1e3:.3f} ms: ratio {mean.own / peer.own:.3f}; of a tick that asks everything quick "
        f"{whole.own * 1e3:.3f} ms, bare asyncssh read of the same bytes {bare.own * 1e3:.3f} ms: ratio "
        f"{whole.own / bare.own:.2f} (goal 2.5)",
        *await _changes(spec, host),
    ]


def _shares(spent: Spent) -> str:
    return ", ".join(f"{part} {value * 1e3:.2f}" for part, value in spent.parts.items()) + " ms"


def run() -> list[str]:
    """Boot the host and measure on it."""
    with Lab() as lab:
        host = busy_host.boot(lab)
        return asyncio.run(_measure(host, lab.ssh_config("root")))


if __name__ == "__main__":
    print("\n".join(run()))
