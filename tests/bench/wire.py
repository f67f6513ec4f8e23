"""P3, P4, P5, P11: what a tick costs on the wire, on the host and in the console, on a real host over real SSH."""

import asyncio
import time
from pathlib import Path

import asyncssh

from console.remote.connect import JumpPool, connect
from console.remote.shell import Ask, ProbeShell
from console.remote.transport import HostSpec
from tests.bench.meter import Meter, Tick
from tests.bench.ways import PROBES, SEPARATE, bare_read, full_tick, polled, separate
from tests.lab import Host, Lab, faults


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
    ours = await full_tick(spec, meter)
    bare = await bare_read(spec, meter)
    peer = await separate(spec, meter, SEPARATE)
    mean, idle = await polled(spec, meter)
    theirs = peer.beyond(idle)
    return [
        f"P3  bytes of a full tick: {ours.wire:.0f}, separate execs {peer.wire:.0f}: "
        f"ratio {ours.wire / peer.wire:.4f} (goal 0.025)",
        f"P4  host CPU of a tick, mean of two minutes of the poller: {mean.host * 1e3:.2f} ms, separate execs "
        f"{theirs.host * 1e3:.2f} ms: ratio {mean.host / theirs.host:.3f} (goal 0.04; a tick that asks everything: "
        f"{ours.beyond(idle).host * 1e3:.2f} ms)",
        f"P5  console CPU of a full tick: {ours.own * 1e3:.3f} ms, bare asyncssh read of the same bytes "
        f"{bare.own * 1e3:.3f} ms: ratio {ours.own / bare.own:.2f} (goal 2.5)",
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
