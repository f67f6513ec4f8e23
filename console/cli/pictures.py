"""The pictures of the README: the demo's scenes, drawn with clocks that stand still, so that they come out the same."""

import asyncio
import math
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import NamedTuple

from textual.pilot import Pilot

from console.config.model import Config
from console.core.finding import Finding
from console.core.snapshot import Snapshot
from console.demo.fleet import demo_fleet
from console.remote.fleet import Fleet
from console.ui.app import DeckApp
from console.ui.clock import Clock

SIZES = ((120, 40), (80, 24))
EPOCH = 1_795_183_351.0
"""What the clocks of the pictures show at the end: 2026-11-20 14:02:31 UTC."""
SECONDS = 90
"""How long the hosts were watched before a picture is taken."""


class Scene(NamedTuple):
    """A picture: its name and the keys that lead to it from the first screen."""

    name: str
    keys: tuple[str, ...]


SCENES = (
    Scene("findings", ()),
    Scene("diagnosis", ("w",)),
    Scene("review", ("x",)),
    Scene("services", ("2",)),
    Scene("ports", ("3",)),
    Scene("resources", ("4",)),
    Scene("host", ("4", "enter")),
    Scene("logs", ("l",)),
    Scene("hosts", ("6",)),
    Scene("plans", ("7",)),
    Scene("help", ("question_mark",)),
)


class StillClock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def monotonic(self) -> float:
        """Seconds since the demo began, not from zero: nothing may take the start for "never"."""
        return 1000.0 + self.elapsed

    def wall(self) -> float:
        """Unix seconds."""
        return EPOCH - SECONDS + self.elapsed


def draw(folder: Path, evaluate: Callable[[Snapshot], tuple[Finding, ...]]) -> tuple[Path, ...]:
    """Draw every scene in every size into the folder; the pictures, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(path for size in SIZES for path in asyncio.run(_draw(folder, size, evaluate)))


async def _draw(
    folder: Path, size: tuple[int, int], evaluate: Callable[[Snapshot], tuple[Finding, ...]]
) -> tuple[Path, ...]:
    """Go through all scenes in one console, and back to the first screen after each."""
    still = StillClock()
    # The pollers keep no time of their own: only what is asked for below moves anything, however long it takes.
    fleet = demo_fleet(evaluate, clock=still.monotonic, wall=still.wall, interval=math.inf, delay=0.0)
    app = DeckApp(fleet, Config(), clock=Clock(still.monotonic, still.wall, UTC))
    drawn = []
    async with app.run_test(size=size) as pilot:
        await _watch(fleet, still)
        await _settle(pilot)
        for scene in SCENES:
            for key in scene.keys:
                await pilot.press(key)
                await _settle(pilot)
            drawn.append(folder / f"{scene.name}-{size[0]}x{size[1]}.svg")
            drawn[-1].write_text(app.export_screenshot(title="hostdeck"), encoding="utf-8")
            await pilot.press(*("escape" for _ in scene.keys), "f1")
            await _settle(pilot)
    await fleet.stop()
    return tuple(drawn)


async def _watch(fleet: Fleet, still: StillClock) -> None:
    for spec in fleet.hosts:
        await fleet.settled(spec.name)
    for _ in range(SECONDS):
        still.elapsed += 1.0
        for spec in fleet.hosts:
            await fleet.tick(spec.name)


async def _settle(pilot: Pilot[int]) -> None:
    """Give workers and messages their turns; pictures that still move would differ, which a test would notice."""
    for _ in range(6):
        await pilot.pause(0.1)
