"""P3, P4, P5, P11: what a tick costs on the wire, on the host and in the console, on a real host over real SSH.

The peer runs the same commands one exec each over one uncompressed connection, as a tool without a shell of its own
would; for P5 it only reads the bytes that the console reads.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import asyncssh

from console.managers.systemd import WATCH
from console.probes import listeners, vitals
from console.remote.builder import SnapshotBuilder
from console.remote.connect import JumpPool, connect
from console.remote.fleet import Fleet
from console.remote.probe_program import BOOT, program, request
from console.remote.shell import Ask, ProbeShell
from console.remote.transport import HostSpec
from tests.lab import Host, Lab, faults

TICKS = 60
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

Tick = Callable[[], Awaitable[None]]


class Meter:
    """Bytes on the wire (with TCP/IP), CPU of the host's sessions, CPU of this process."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def now(self) -> tuple[float, float, float]:
        """Bytes, seconds of host CPU, seconds of our CPU."""
        device = next(line for line in self._host.sh("cat /proc/net/dev").splitlines() if "host0:" in line).split()
        wire = int(device[1]) + int(device[9])
        usage = self._host.sh("cat /sys/fs/cgroup/user.slice/cpu.stat").split()[1]
        return wire, int(usage) / 1e6, time.process_time()

    async def per_tick(self, tick: Tick) -> tuple[float, float, float]:
        """Run the ticks and return the three means."""
        await tick()
        before = self.now()
        for _ in range(TICKS):
            await tick()
        after = self.now()
        wire, host, own = ((b - a) / TICKS for a, b in zip(before, after, strict=True))
        return wire, host, own


async def _ours(spec: HostSpec, meter: Meter) -> tuple[float, float, float]:
    transport = connect(spec, JumpPool())
    await transport.connect()
    shell = ProbeShell(transport, PROBES)
    await shell.start()
    builder = SnapshotBuilder(spec.name, time.monotonic(), time.time)
    asks = [Ask(probe) for probe in PROBES]

    async def tick() -> None:
        builder.take(await shell.request(asks), time.monotonic())

    result = await meter.per_tick(tick)
    await shell.close()
    await transport.close()
    return result


async def _read_only(spec: HostSpec, meter: Meter) -> tuple[float, float, float]:
    """The bare asyncssh way to the same bytes: a channel callback that counts them."""
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

        result = await meter.per_tick(tick)
        process.stdin.write_eof()
        return result


async def _separate(spec: HostSpec, meter: Meter) -> tuple[float, float, float]:
    async with asyncssh.connect(spec.name, config=[spec.ssh_config or ""], compression_algs=["none"]) as connection:

        async def tick() -> None:
            for command in SEPARATE:
                await connection.run(command, encoding=None, check=True)

        return await meter.per_tick(tick)


async def _polled(spec: HostSpec, meter: Meter) -> float:
    """Seconds of host CPU per tick of the real poller: mean over a minute, sweeps and all."""
    fleet = Fleet([spec], partial(connect, pool=JumpPool()), lambda snapshot: ())
    fleet.start()
    await fleet.settled(spec.name)
    before = meter.now()[1]
    await asyncio.sleep(TICKS)
    spent = meter.now()[1] - before
    await fleet.stop()
    return spent / TICKS


async def _rate(tick: Tick, seconds: float) -> float:
    await tick()
    count, began = 0, time.monotonic()
    while time.monotonic() - began < seconds:
        await tick()
        count += 1
    return count / (time.monotonic() - began)


async def _slow_link(spec: HostSpec, host: Host) -> str:
    transport = connect(spec, JumpPool())
    await transport.connect()
    shell = ProbeShell(transport, PROBES)
    await shell.start()
    asks = [Ask(probe) for probe in PROBES]

    async def tick() -> None:
        await shell.request(asks)

    async with asyncssh.connect(spec.name, config=[spec.ssh_config or ""], compression_algs=["none"]) as connection:

        async def peer() -> None:
            for command in SEPARATE:
                await connection.run(command, encoding=None, check=True)

        with faults.slow_link(host, 256):
            ours, theirs = await _rate(tick, 6), await _rate(peer, 12)
    await shell.close()
    await transport.close()
    return f"P11 256 kbit/s: {ours:.1f} ticks/s, separate execs {theirs:.2f}: ratio {ours / theirs:.1f} (goal >= 15)"


async def _measure(host: Host, config: Path) -> list[str]:
    spec = HostSpec(host.name, host.name, ssh_config=str(config))
    meter = Meter(host)
    ours = await _ours(spec, meter)
    bare = await _read_only(spec, meter)
    separate = await _separate(spec, meter)
    polled = await _polled(spec, meter)
    return [
        f"P3  bytes of a full tick: {ours[0]:.0f}, separate execs {separate[0]:.0f}: "
        f"ratio {ours[0] / separate[0]:.4f} (goal 0.025)",
        f"P4  host CPU of a tick, mean of a minute of the poller: {polled * 1e3:.2f} ms, separate execs "
        f"{separate[1] * 1e3:.2f} ms: ratio {polled / separate[1]:.3f} (goal 0.04; a tick that asks everything: "
        f"{ours[1] * 1e3:.2f} ms)",
        f"P5  console CPU of a full tick: {ours[2] * 1e3:.3f} ms, bare asyncssh read of the same bytes "
        f"{bare[2] * 1e3:.3f} ms: ratio {ours[2] / bare[2]:.2f} (goal 2.5)",
        await _slow_link(spec, host),
    ]


def run() -> list[str]:
    """Boot one host and measure on it."""
    with Lab() as lab:
        host = lab.boot("bench")
        host.install_api()
        return asyncio.run(_measure(host, lab.ssh_config("root")))


if __name__ == "__main__":
    print("\n".join(run()))
