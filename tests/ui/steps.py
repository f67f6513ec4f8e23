"""Waiting for the screen: until something is so, never for a time."""

import asyncio
from collections.abc import Callable

from textual.pilot import Pilot

PATIENCE = 30.0


async def until(pilot: Pilot[int], so: Callable[[], bool]) -> None:
    """Let the app work until it is so; fails with the screen when it never is."""
    from tests.ui.scenes import text_of

    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not so():
        await pilot.pause(0.02)
        if asyncio.get_running_loop().time() > deadline:
            shown = text_of(pilot.app)  # type: ignore[arg-type]
            raise AssertionError(f"it never was so; the screen shows:\n{shown}")


async def settle(pilot: Pilot[int]) -> None:
    """Let every message be handled and every change be painted."""
    for _ in range(3):
        await pilot.pause()


async def seen(pilot: Pilot[int]) -> None:
    """Wait until the question in front has been in sight for long enough to be answered."""
    await until(pilot, lambda: (sight := getattr(pilot.app.screen, "sight", None)) is not None and sight.open)


async def run(pilot: Pilot[int]) -> None:
    """Look at the plan, then run it."""
    await seen(pilot)
    await pilot.press("ctrl+r")
