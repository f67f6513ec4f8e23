"""When probes are due."""

from console.core.probe import Probe
from console.remote.schedule import MAX_DELAY, Allowance, Schedule

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


def test_what_is_asked_early_is_due_its_interval_later_and_what_fails_is_never_asked_early() -> None:
    schedule = Schedule((SLOW,))
    schedule.due(0.0)
    assert schedule.early("slow", 5.0)
    assert schedule.next() == 20.0
    schedule.failed("slow", failure=True)
    assert not schedule.early("slow", 6.0)


def test_an_allowance_is_spent_at_once_and_comes_back_in_its_own_time() -> None:
    allowance = Allowance(3, 5.0)
    assert [allowance.take(now) for now in (100.0, 101.0, 102.0, 103.0, 104.0)] == [True, True, True, False, False]
    assert [allowance.take(now) for now in (105.0, 106.0, 109.0, 110.0)] == [True, False, False, True]
    assert sum(allowance.take(200.0 + second) for second in range(100)) == 3 + 19


def test_what_is_dropped_is_never_due() -> None:
    schedule = Schedule((FAST,))
    schedule.drop("fast")
    schedule.now("fast")
    assert schedule.due(0.0) == []
    assert not schedule.early("fast", 100.0)
