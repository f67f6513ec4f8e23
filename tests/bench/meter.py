"""What is counted: bytes on the wire, CPU of the host by what spent it, CPU of this process."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.lab import Host

PARTS = {
    "sessions": "user.slice",
    "PID 1": "init.scope",
    "dockerd": "system.slice/docker.service",
    "supervisord": "system.slice/supervisor.service",
    "pm2": "system.slice/pm2-deploy.service",
}
"""Control groups of the host that are told apart; all other is "rest". The lab's own commands are not counted."""
REST = "rest"

Tick = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Spent:
    """Up to a moment, or between two, or for each tick."""

    seconds: float
    wire: float
    """Bytes with TCP/IP, both ways."""
    parts: dict[str, float]
    """Seconds of CPU of the host."""
    own: float
    """Seconds of CPU of this process."""

    @property
    def host(self) -> float:
        """Seconds of CPU of the host; a part that was busier when nobody looked takes nothing off the others."""
        return sum(max(0.0, value) for value in self.parts.values())

    def since(self, before: "Spent", ticks: int) -> "Spent":
        """What was spent for each tick since a moment."""
        return Spent(
            (self.seconds - before.seconds) / ticks,
            (self.wire - before.wire) / ticks,
            {part: (value - before.parts[part]) / ticks for part, value in self.parts.items()},
            (self.own - before.own) / ticks,
        )

    def beyond(self, idle: "Spent") -> "Spent":
        """Without what the host spends by itself in that time."""
        share = self.seconds / idle.seconds
        parts = {part: value - idle.parts[part] * share for part, value in self.parts.items()}
        return Spent(self.seconds, self.wire, parts, self.own)

    def mean(self, other: "Spent") -> "Spent":
        """Half of this and half of the other."""
        parts = {part: (value + other.parts[part]) / 2 for part, value in self.parts.items()}
        return Spent(
            (self.seconds + other.seconds) / 2, (self.wire + other.wire) / 2, parts, (self.own + other.own) / 2
        )


class Meter:
    """Reads the counters of a host from outside, which costs the host nothing."""

    def __init__(self, host: Host) -> None:
        self._payload = host.container.cgroup / "payload"
        self._devices = Path(f"/proc/{host.leader}/net/dev")

    def now(self) -> Spent:
        """All that was spent up to now."""
        device = next(line for line in self._devices.read_text().splitlines() if "host0:" in line).split()
        parts = {part: self._cpu(group) for part, group in PARTS.items()}
        parts[REST] = self._cpu(".") - self._cpu("lab.scope") - sum(parts.values())
        return Spent(time.monotonic(), int(device[1]) + int(device[9]), parts, time.process_time())

    async def per_tick(self, tick: Tick, ticks: int, *, pause: float = 0.0) -> Spent:
        """Run the ticks, the first of them uncounted, and return what each spent."""
        await tick()
        before = self.now()
        for _ in range(ticks):
            await tick()
            await asyncio.sleep(pause)
        return self.now().since(before, ticks)

    async def idle(self, seconds: int) -> Spent:
        """What the host spends in a second by itself."""
        before = self.now()
        await asyncio.sleep(seconds)
        return self.now().since(before, seconds)

    def _cpu(self, group: str) -> float:
        try:
            text = (self._payload / group / "cpu.stat").read_text()
        except FileNotFoundError:
            return 0.0
        return int(text.split()[1]) / 1e6
