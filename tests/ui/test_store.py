"""What the screens know, and how seldom they are told."""

from collections.abc import Callable

from console.core.finding import Severity
from console.core.snapshot import Link, LinkState, Snapshot
from console.ui.store import SOON, Coalescer, Store, memory_used
from tests.ui import scenes


def store() -> Store:
    return Store(scenes.specs(), scenes.NOW)


def test_before_anything_arrived_every_host_is_connecting() -> None:
    known = store()
    assert known.links() == (("connecting", 4),)
    assert known.waiting() == ("web-1", "web-3", "db-1", "old-1")
    assert known.findings() == ()


def test_findings_are_worst_first_and_newest_first_among_equals() -> None:
    known = store()
    known.apply(scenes.up("web-1"), (scenes.full(),))
    known.apply(scenes.web3(), (scenes.held(),))
    known.apply(Snapshot("old-1", Link(LinkState.DOWN, 0.0)), (scenes.down(),))
    assert [finding.code for finding in known.findings()] == ["host-down", "port-held", "filesystem-full"]
    assert known.findings()[-1].severity is Severity.WARNING
    assert known.finding(scenes.held().key) == scenes.held()


def test_a_finding_that_is_gone_is_gone_here_too() -> None:
    known = store()
    known.apply(scenes.web3(), (scenes.held(),))
    known.apply(scenes.web3(mended=True), ())
    assert known.findings() == ()
    assert known.finding(scenes.held().key) is None


def test_counts_follow_the_newest_snapshot_only() -> None:
    known = store()
    known.apply(scenes.web3(), ())
    assert known.counts() == (6, 1, 5)
    known.apply(scenes.web3(mended=True), ())
    assert known.counts() == (6, 0, 5)


def test_the_same_sample_enters_the_history_once() -> None:
    known = store()
    snapshot = scenes.up("web-1")
    known.apply(snapshot, ())
    known.apply(snapshot, ())
    assert len(known.history("web-1").cpu) == 1
    known.apply(scenes.up("web-1"), ())
    assert len(known.history("web-1").cpu) == 2


def test_a_host_of_another_fleet_is_ignored() -> None:
    known = store()
    known.apply(scenes.up("stranger"), (scenes.full(),))
    assert known.take_changed() == frozenset()
    assert "stranger" not in known.hosts


def test_changed_hosts_are_told_once() -> None:
    known = store()
    known.apply(scenes.up("web-1"), ())
    known.apply(scenes.up("web-1"), ())
    assert known.take_changed() == {"web-1"}
    assert known.take_changed() == frozenset()


def test_memory_used_is_what_programs_cannot_have() -> None:
    assert round(memory_used(scenes.sample(used=0.4)[0])) == 40


class Hands:
    """A clock and a timer that are moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.calls = 0
        self.cost = 0.0

    def later(self, delay: float, call: Callable[[], None]) -> None:
        self.due.append((self.now + delay, call))

    def call(self) -> None:
        self.calls += 1
        self.now += self.cost

    def run(self) -> None:
        (at, call), *self.due = self.due
        self.now = max(self.now, at)
        call()


def test_a_storm_of_changes_becomes_four_calls_a_second() -> None:
    hands = Hands()
    pace = Coalescer(hands.later, lambda: hands.now, hands.call)
    for _ in range(1000):
        pace.poke()
    assert len(hands.due) == 1
    hands.run()
    assert hands.now - 100.0 <= 2 * SOON
    for _ in range(1000):
        pace.poke()
    hands.run()
    assert hands.calls == 2
    assert hands.now - 100.0 >= 0.25


def test_costly_calls_are_made_more_seldom_so_that_keys_stay_fast() -> None:
    hands = Hands()
    hands.cost = 0.2
    pace = Coalescer(hands.later, lambda: hands.now, hands.call)
    pace.poke()
    hands.run()
    before = hands.now
    pace.poke()
    hands.run()
    assert hands.now - before >= 1.0
