"""P9, the part on the screen: lines per second into the log view, beside Textual's RichLog and Log in the same run.

``python -m tests.bench.log_view`` feeds batches at 10 Hz of a flood and paints after each. It also prints how long a
key takes from its press to the painted screen, idle and while 50,000 lines a second come in. Goal: at least 20 times
RichLog.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from textual import events
from textual.app import App
from textual.widget import Widget
from textual.widgets import Log, RichLog

from console.core.snapshot import LogLine
from console.ui import themes
from console.ui.widgets.log_view import LogView
from console.ui.widgets.narrow import NarrowScreen

BATCH = 5_000
SIZE = (140, 40)
MESSAGE = '{"level":"info","msg":"request done","path":"/api/v1/things/%d","status":200,"ms":%d}'


class Bench(App[None]):
    """One widget."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.register_theme(themes.find(themes.DEFAULT))
        self.theme = themes.DEFAULT
        self.shown = widget

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variable_defaults(self.current_theme)

    def get_default_screen(self) -> NarrowScreen[Any]:
        return NarrowScreen()

    async def on_mount(self) -> None:
        await self.mount(self.shown)
        self.shown.focus()


def messages(batch: int) -> list[str]:
    return [MESSAGE % (batch * BATCH + number, number % 97) for number in range(BATCH)]


def log_lines(batch: int) -> list[LogLine]:
    at = time.time()
    return [LogLine("web-1", "api.service", "journal", message, at=at) for message in messages(batch)]


def paint(app: App[Any]) -> None:
    """What is done for one frame: everything in sight becomes text for the terminal."""
    update = app.screen._compositor.render_update(full=True)
    render: Callable[..., str] = getattr(update, "render_segments", lambda console: "")
    render(app.console)


async def rate(widget: Widget, batches: list[Any], write: Callable[[Any], object]) -> float:
    """Lines per second."""
    app = Bench(widget)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        start = time.perf_counter()
        for batch in batches:
            write(batch)
            paint(app)
            await asyncio.sleep(0)
        seconds = time.perf_counter() - start
    return sum(len(batch) for batch in batches) / seconds


async def view_rate() -> float:
    view = LogView()

    def write(batch: list[LogLine]) -> None:
        view.feed(batch)
        view.drain()
        view.drain()
        view.drain()

    return await rate(view, [log_lines(number) for number in range(40)], write)


async def log_rate() -> float:
    log = Log(max_lines=50_000)
    return await rate(log, [messages(number) for number in range(10)], log.write_lines)


async def rich_log_rate() -> float:
    log = RichLog(max_lines=50_000)

    def write(batch: list[str]) -> None:
        for message in batch:
            log.write(message)

    return await rate(log, [messages(0)[:1000], messages(1)[:1000]], write)


async def key_times(flood: bool) -> list[float]:
    """Milliseconds from a key press to the painted screen, while the view is frozen and lines come in."""
    view = LogView(max_lines=500_000)
    app = Bench(view)
    found: list[float] = []
    async with app.run_test(size=SIZE) as pilot:
        view.feed(log_lines(0))
        await pilot.pause(0.5)
        await pilot.press("g", "j")
        batches = [log_lines(number) for number in range(4)]
        running = True

        async def pour() -> None:
            number = 0
            while running:
                if flood:
                    view.feed(batches[number % len(batches)][:500])
                number += 1
                await asyncio.sleep(0.01)

        task = asyncio.create_task(pour())
        for number in range(60):
            key = "k" if number % 2 else "j"
            top = view.scroll_offset.y
            start = time.perf_counter()
            app.post_message(events.Key(key, key))
            while view.scroll_offset.y == top:
                await asyncio.sleep(0)
            paint(app)
            found.append((time.perf_counter() - start) * 1000)
            await asyncio.sleep(0.037)
        running = False
        await task
    return found


async def best(measure: Callable[[], Awaitable[float]], times: int = 3) -> float:
    return max([await measure() for _ in range(times)])


async def _measured() -> list[str]:
    view, log, rich_log = await best(view_rate), await best(log_rate), await best(rich_log_rate)
    idle, busy = await key_times(flood=False), await key_times(flood=True)
    quiet, loud = (statistics.quantiles(values, n=20)[-1] for values in (idle, busy))
    reached = "reached" if view / rich_log >= 20 else "MISSED"
    return [
        f"P9  log lines per second into the screen, {SIZE[0]}x{SIZE[1]}, painted every {BATCH} lines",
        f"    LogView  {view:>9,.0f}",
        f"    Log      {log:>9,.0f}   LogView is {view / log:.1f} x",
        f"    RichLog  {rich_log:>9,.0f}   LogView is {view / rich_log:.1f} x (goal 20): {reached}",
        f"P8  key to paint p95: idle {quiet:.1f} ms, at 50,000 lines/s {loud:.1f} ms: {loud / quiet:.1f} x (goal 3)",
    ]


def run() -> list[str]:
    """Measure."""
    return asyncio.run(_measured())


if __name__ == "__main__":
    print("\n".join(run()))
