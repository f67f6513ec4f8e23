"""When probes are due."""

from console.core.probe import Probe
from console.remote.schedule import MAX_DELAY, Schedule

FAST = Probe("fast", "", str, every=1.0)
SLOW = Probe("slow", "", str, every=15.0)
ASKED = Probe("asked", "", str)


def names(found: list[Probe[str]]) -> list[str]:
    return [probe.name for probe in found]


def test_everything_with_an_interval_is_due_at_first_and_then_at_its_own_pace() -> None:
    schedule = Schedule((FAST, SLOW, ASKED))
    assert names(schedule.due(100.0)) == ["fast", "slow"]
    assert names(schedule.due(100.5)) == []
    assert names(schedule.due(101.0)) == ["fast"]
    assert schedule.next() == 102.0


def test_a_failing_probe_is_asked_ever_more_rarely_and_recovers() -> None:
    schedule = Schedule((FAST,))
    now, gaps = 0.0, []
    for _ in range(9):
        schedule.due(now)
        schedule.failed("fast", failure=True)
        schedule.due(now := schedule.next())
        gaps.append(schedule.next() - now)
        now = schedule.next()
    assert gaps == sorted(gaps)
    assert gaps[-1] == MAX_DELAY
    schedule.failed("fast", failure=False)
    schedule.due(now)
    assert schedule.next() == now + 1.0


def test_overdue_counts_as_asked() -> None:
    schedule = Schedule((SLOW,))
    schedule.due(0.0)
    assert not schedule.overdue("slow", 5.0, 4.0)
    assert schedule.overdue("slow", 5.0, 5.0)
    assert not schedule.overdue("slow", 5.0, 6.0)
    assert schedule.next() == 20.0


def test_what_is_dropped_is_never_due() -> None:
    schedule = Schedule((FAST,))
    schedule.drop("fast")
    schedule.now("fast")
    assert schedule.due(0.0) == []
    assert not schedule.overdue("fast", 1.0, 100.0)
