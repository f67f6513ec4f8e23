"""P2: from the finding to the verdict, beside what a person would run: ``ssh HOST sudo ss -ltnp`` in a new process.

The verdict on what is known is judged anew each time. That it is verified on the host is counted in round trips: behind
a proxy that makes the way long, the time that it takes, less what it takes without, against the length of the way.

Cold, ``hostdeck why`` in a new process stands beside one plain connection, ``ssh HOST true``, in turns: without a way,
where the start of the program is most of it, over the way to another region, and over the long way, which tells how
many round trips either takes.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from console.cli import looking
from console.config.model import Config
from console.core.service import ServiceRef
from console.remote.fleet import Fleet
from console.remote.transport import HostSpec
from console.remote.why import why
from console.ui.diagnoser import HostDiagnoser
from tests.lab import Host, Lab, faults
from tests.lab.fleet import port_conflict

WAY = 500
"""Milliseconds of the long way, there and back: far more than a busy machine takes by itself."""
REGION = 100
"""Milliseconds to another region, there and back."""
TIMES = 9
FAR_TIMES = 3
"""Pairs over the long way, where a turn takes ten seconds and the machine's noise is small against it."""


def _took(argv: Sequence[str], code: int = 0) -> float:
    """Seconds that a new process takes to its end."""
    # An installed program has its bytecode on disk; this variable, where it is set, would keep it from being written.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.monotonic()
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
    took = time.monotonic() - began
    assert done.returncode == code, done
    return took


def _peer(host: Host, config: Path) -> float:
    argv = ["ssh", "-F", str(config), host.name, "sudo ss -ltnp"]
    return statistics.median(_took(argv) for _ in range(TIMES))


def _cold(host: Host, config: Path, times: int = TIMES) -> tuple[float, float, float]:
    """Seconds of ``hostdeck why`` without a connection, of a plain one, and the ratio of the pairs; medians."""
    ours = [sys.executable, "-m", "console", "why", f"{host.name}/api", "-F", str(config)]
    plain = ["ssh", "-F", str(config), host.name, "true"]
    # The first turn only warms the caches.
    pairs = [(_took(ours, 1), _took(plain)) for _ in range(times + 1)][1:]
    mine, theirs = zip(*pairs, strict=True)
    return statistics.median(mine), statistics.median(theirs), statistics.median(one / two for one, two in pairs)


async def _verified(fleet: Fleet, ref: ServiceRef) -> float:
    times = []
    for _ in range(TIMES):
        began = time.monotonic()
        verdict = await why(fleet, ref.host, ref)
        times.append(time.monotonic() - began)
        assert verdict.verdict == "held", verdict
    return statistics.median(times)


async def _ours(host: Host, config: Path) -> tuple[float, float]:
    """Seconds to the first verdict, and to the one that was verified."""
    spec = HostSpec(host.name, host.name, ssh_config=str(config))
    ref = ServiceRef(host.name, "systemd", "api.service")
    async with looking.started(Config(), (spec,)) as fleet:
        await fleet.settled(host.name)
        snapshot = fleet.snapshot(host.name)
        HostDiagnoser().now(snapshot, ref)
        times = []
        for _ in range(TIMES):
            began = time.monotonic()
            verdict = HostDiagnoser().now(snapshot, ref)
            times.append(time.monotonic() - began)
            assert verdict.verdict == "held", verdict
        return statistics.median(times), await _verified(fleet, ref)


def run() -> list[str]:
    """Boot one host with a port conflict and measure on it."""
    with Lab() as lab:
        host = lab.boot("bench")
        port_conflict(host)
        near = lab.ssh_config("root")
        first, verified = asyncio.run(_ours(host, near))
        theirs = _peer(host, near)
        cold, plain, ratio = _cold(host, near)
        with faults.delay_proxy(host, ms=WAY) as proxy:
            _, far = asyncio.run(_ours(host, proxy.ssh_config()))
            whole, bare, _ = _cold(host, proxy.ssh_config(), FAR_TIMES)
        with faults.delay_proxy(host, ms=REGION) as proxy:
            away = _cold(host, proxy.ssh_config())
        trips, ours, plainly = ((a - b) / (WAY / 1000) for a, b in ((far, verified), (whole, cold), (bare, plain)))
        return [
            f"P2  verdict on what is known: {first * 1e3:.2f} ms, ssh with sudo ss -ltnp {theirs * 1e3:.0f} ms: "
            f"ratio {first / theirs:.4f} (goal 0.05)",
            f"P2  verified on the host: {verified * 1e3:.0f} ms, {far * 1e3:.0f} ms over a way of {WAY} ms: "
            f"{trips:.2f} round trips (goal 1.2)",
            f"P2  cold hostdeck why: {cold * 1e3:.0f} ms, ssh HOST true {plain * 1e3:.0f} ms: ratio {ratio:.2f}",
            f"P2  over a way of {REGION} ms: {away[0] * 1e3:.0f} ms, {away[1] * 1e3:.0f} ms: ratio {away[2]:.2f}",
            f"P2  round trips of a cold hostdeck why: {ours:.1f}, of ssh HOST true {plainly:.1f}",
        ]


if __name__ == "__main__":
    print("\n".join(run()))
