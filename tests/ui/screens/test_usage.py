"""What the selected service uses: read while it is looked at, twice for rates, and not else."""

from dataclasses import replace

import pytest

from console.core.service import ServiceRef, State
from console.core.usage import Reading, Usage, UsageRates
from console.ui.present.usage import uses
from console.ui.screens import usage_watch
from console.ui.screens.services import ServicesScreen
from tests.ui import scenes
from tests.ui.steps import until

CRON = ServiceRef("web-1", "systemd", "cron.service")
GROUP = ("/system.slice/cron.service",)


def reading(at: float, cpu: float, written: int) -> Usage:
    return Usage(Reading(at, GROUP, cpu, 3 << 20, 0, written))


def test_the_line_tells_what_is_known_and_why_something_is_not() -> None:
    cron = scenes.service("web-1", "cron.service")
    own = "memory 22 MiB  7 tasks  CPU 13 min 32 s in all"
    assert uses(cron, None) == own
    first = reading(10.0, 1.0, 0)
    assert uses(cron, first) == own.replace("22", "3.0"), "of the control group, where it counts"
    rates = replace(first, rates=UsageRates(12.0, 0.0, 4096.0))
    disks = "disks read 0 B/s, written 4.0 KiB/s"
    assert uses(cron, rates) == f"CPU 12 % of a core  memory 3.0 MiB  {disks}  7 tasks  CPU 13 min 32 s in all"
    uncounted = Usage(replace(first.reading, read=None) if first.reading else None, UsageRates(12.0, None, None))
    assert "disk IO unknown: no io controller counts it" in uses(cron, uncounted)
    bare = replace(cron, memory=None)
    assert uses(bare, None) == "7 tasks  CPU 13 min 32 s in all"
    blind = Usage(replace(first.reading, memory=None)) if first.reading else None
    assert uses(bare, blind).endswith("13 min 32 s in all  memory unknown: no memory controller counts it")
    assert (
        uses(cron, Usage(failure="process 7 has ended")) == f"{own}  CPU rate and disk IO unknown: process 7 has ended"
    )
    none = replace(bare, cpu_seconds=None)
    why = "this host has no control groups of version 2"
    assert uses(none, Usage(failure=why)) == f"7 tasks  CPU, memory and disk IO unknown: {why}"
    assert uses(scenes.service("web-1", "cron.service", State.STOPPED), None) == ""


async def test_only_the_service_that_is_looked_at_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_watch, "EVERY", 0.01)
    fleet = scenes.fleet()
    fleet.usages = [reading(10.0 + 2 * place, 1.0 + place / 2, 8192 * place) for place in range(2000)]
    app = scenes.app(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "web-3" in scenes.text_of(app))
        assert fleet.read == []
        await pilot.press("2", "slash", *"cron web-1", "enter")
        await until(pilot, lambda: fleet.read[-1:] == [CRON] and "CPU 25 % of a core" in scenes.text_of(app))
        assert "written 4.0 KiB/s" in scenes.text_of(app)
        fleet.read.clear()
        await until(pilot, lambda: len(fleet.read) > 2)
        assert set(fleet.read) == {CRON}
        await pilot.press("1")
        await until(pilot, lambda: not isinstance(app.screen, ServicesScreen))
        # What was under way when the screen was left.
        await pilot.pause(0.1)
        count = len(fleet.read)
        await pilot.pause(0.1)
        assert len(fleet.read) == count
        await pilot.press("2")
        await until(pilot, lambda: len(fleet.read) > count)
